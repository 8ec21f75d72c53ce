#include "core/config.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/crc32.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

static struct config config;

static void make_guest(struct config_guest *guest, const char *name) {
	*guest = (struct config_guest) {
		.gpu = {
			.enabled = 1,
			.socket = "/run/gpu",
			.profile = CONFIG_PROFILE_BLOB,
			.budget = {
				.pool_bytes = 1 << 20,
				.memory_bytes = 1 << 20,
				.resources = 1,
				.backing_entries = 1,
				.commands_per_wake = 1,
				.flushes_per_refresh = 1,
			},
			.scanouts_len = 2,
			.scanouts = {
				{ .enabled = 1, .width = 1280, .height = 480, .refresh_mhz = 60000 },
				{ .enabled = 0, .width = 1, .height = 1, .refresh_mhz = 1000 },
			},
		},
		.sound = { .enabled = 1, .socket = "/run/sound", .streams = 2, .gain = { 0, 1 } },
	};
	strcpy(guest->name, name);
}

/* A sane one with two of each. */
static void make_config(void) {
	memset(&config, 0, sizeof(config));
	strcpy(config.name, "cockpit");
	strcpy(config.runtime_dir, "/run/fascia");
	config.outputs_len = 2;
	config.guests_len = 2;
	config.layers_len = 2;
	for (uint32_t i = 0; i < 2; i++) {
		config.outputs[i] = (struct config_output) {
			.width = 1920,
			.height = 720,
			.clock = TICKER_STEP,
			.refresh_mhz = 60000,
			.background = 0xffffff,
			.fallback = 1,
		};
		make_guest(&config.guests[i], i == 0 ? "cluster" : "ivi");
	}
	strcpy(config.outputs[0].name, "front");
	strcpy(config.outputs[1].name, "rear");
	config.layers[0] = (struct config_layer) {
		.name = "cluster",
		.kind = CONFIG_LAYER_GUEST,
		.output = 1,
		.guest = 1,
		.scanout = 1,
		.place = { -10, 5, 100, 100 },
		.opacity = 255,
		.recover_frames = 1,
	};
	config.layers[1] = config.layers[0];
	strcpy(config.layers[1].name, "logo");
	config.layers[1].kind = CONFIG_LAYER_PICTURE;
	config.layers[1].guest = CONFIG_NONE;
	config.layers[1].scanout = CONFIG_NONE;
	config.guests[0].channel = (struct config_channel) { 1, "/run/channel" };
	config.layers[0].opaque = 1;
	config.layers[0].quarantine_losses = 3;
	config.layers[0].quarantine_ms = 60000;
	config.verified_len = 2;
	strcpy(config.verified[0].element, "brake");
	config.regions_len = 2;
	config.regions[0] = (struct config_region) {
		.name = "needle",
		.check = SAFETY_LIVE,
		.place = { -10, 5, 100, 100 },
		.frames = 6,
	};
	config.regions[1] = (struct config_region) {
		.name = "logo",
		.check = SAFETY_PRESENCE,
		.place = { 0, 10, 10, 10 },
		.frames = 2,
		.element = "ground",
	};
	config.safety = (struct config_safety) {
		.signals = 1,
		.signal_timeout_ms = 200,
		.watchdog = CONFIG_WATCHDOG_FILE,
		.watchdog_path = "/run/watchdog",
		.pet_ms = 50,
		.chimes = 1,
		.chime_ms = 200,
	};
	config.mixer = (struct config_mixer) {
		.sink = CONFIG_SINK_MEMORY,
		.wait_streams = 1,
		.rate = 48000,
		.quantum_frames = 256,
	};
}

START_TEST(a_sane_one_crosses) {
	ck_assert_ptr_null(config_fault(&config));
	int fd = config_seal(&config);
	ck_assert_int_ge(fd, 0);
	const struct config *mapped = config_map(fd);
	ck_assert_ptr_nonnull(mapped);
	ck_assert_mem_eq(mapped, &config, sizeof(config));
	config_unmap(mapped);
	config_unmap(NULL);
	int readonly = fd_reopen_readonly(fd);
	mapped = config_map(readonly);
	ck_assert_ptr_nonnull(mapped);
	config_unmap(mapped);
	fd_close(&readonly);
	fd_close(&fd);
}
END_TEST

/* Rows: the name of the fault, and what makes it. */
#define FAULT(number, text, statement)                                                             \
	static void fault_##number(void) {                                                         \
		statement;                                                                         \
	}
#define UNTERMINATED(field) memset(field, 'x', sizeof(field))
#define FAULTS(X)                                                                                  \
	X(1, "name", UNTERMINATED(config.name))                                                    \
	X(2, "output name", strcpy(config.outputs[0].name, "../front"))                            \
	X(3, "runtime directory", UNTERMINATED(config.runtime_dir))                                \
	X(4, "runtime directory", strcpy(config.runtime_dir, "run"))                               \
	X(5, "number of outputs", config.outputs_len = CONFIG_OUTPUTS_MAX + 1)                     \
	X(6, "number of guests", config.guests_len = UINT32_MAX)                                   \
	X(7, "number of layers", config.layers_len = CONFIG_LAYERS_MAX + 1)                        \
	X(8, "output name", UNTERMINATED(config.outputs[1].name))                                  \
	X(9, "output name is used twice", strcpy(config.outputs[1].name, "front"))                 \
	X(10, "output kind", config.outputs[0].kind = 1)                                           \
	X(11, "output width", config.outputs[0].width = 0)                                         \
	X(12, "output width", config.outputs[0].width = CONFIG_SIZE_MAX + 1)                       \
	X(13, "output height", config.outputs[1].height = UINT32_MAX)                              \
	X(14, "output clock", config.outputs[0].clock = TICKER_STEP + 1)                           \
	X(15, "output refresh", config.outputs[0].refresh_mhz = 999)                               \
	X(16, "output refresh", config.outputs[0].refresh_mhz = 400001)                            \
	X(17, "output background", config.outputs[0].background = 0x1000000)                       \
	X(18, "output fallback", config.outputs[0].fallback = 2)                                   \
	X(19, "guest name", config.guests[1].name[0] = '\0')                                       \
	X(20, "guest name is used twice", strcpy(config.guests[1].name, "cluster"))                \
	X(21, "gpu enabled", config.guests[0].gpu.enabled = 2)                                     \
	X(22, "gpu socket", UNTERMINATED(config.guests[0].gpu.socket))                             \
	X(23, "gpu socket", config.guests[0].gpu.socket[0] = '\0')                                 \
	X(24, "gpu profile", config.guests[0].gpu.profile = 2)                                     \
	X(25, "number of scanouts", config.guests[0].gpu.scanouts_len = 0)                         \
	X(26, "number of scanouts", config.guests[0].gpu.scanouts_len = 17)                        \
	X(27, "pool bytes", config.guests[0].gpu.budget.pool_bytes = 0)                            \
	X(28, "pool bytes", config.guests[0].gpu.budget.pool_bytes = 4097)                         \
	X(29, "pool bytes", config.guests[0].gpu.budget.pool_bytes = UINT64_MAX - 4095)            \
	X(30, "memory bytes", config.guests[0].gpu.budget.memory_bytes = UINT64_MAX)               \
	X(31, "resources", config.guests[0].gpu.budget.resources = 0)                              \
	X(32, "backing entries", config.guests[0].gpu.budget.backing_entries = 0)                  \
	X(33, "commands per wake-up", config.guests[0].gpu.budget.commands_per_wake = 0)           \
	X(34, "flushes per refresh", config.guests[0].gpu.budget.flushes_per_refresh = 0)          \
	X(35, "scanout enabled", config.guests[0].gpu.scanouts[1].enabled = 2)                     \
	X(36, "scanout width", config.guests[0].gpu.scanouts[1].width = 0)                         \
	X(37, "scanout height", config.guests[0].gpu.scanouts[0].height = CONFIG_MODE_MAX + 1)     \
	X(38, "scanout refresh", config.guests[0].gpu.scanouts[0].refresh_mhz = 0)                 \
	X(39, "scanout name", UNTERMINATED(config.guests[0].gpu.scanouts[0].name))                 \
	X(40, "sound enabled", config.guests[0].sound.enabled = 7)                                 \
	X(41, "sound socket", UNTERMINATED(config.guests[1].sound.socket))                         \
	X(42, "sound socket", strcpy(config.guests[1].sound.socket, "sound"))                      \
	X(43, "number of streams", config.guests[1].sound.streams = 0)                             \
	X(44, "number of streams", config.guests[1].sound.streams = SAMPLE_LINK_STREAMS + 1)       \
	X(45, "gain", config.guests[1].sound.gain[1] = 1.001f)                                     \
	X(46, "gain", config.guests[1].sound.gain[1] = -0.001f)                                    \
	X(47, "gain", config.guests[1].sound.gain[0] = NAN)                                        \
	X(48, "layer name", UNTERMINATED(config.layers[0].name))                                   \
	X(49, "layer name is used twice", strcpy(config.layers[1].name, "cluster"))                \
	X(50, "layer output", config.layers[0].output = 2)                                         \
	X(51, "layer place", config.layers[0].place.width = 0)                                     \
	X(52, "layer place", config.layers[0].place.x = INT32_MIN)                                 \
	X(53, "layer place", config.layers[0].place.height = UINT32_MAX)                           \
	X(54, "layer place", config.layers[0].place.y = CONFIG_PLACE_MAX + 1)                      \
	X(55, "layer clip", config.layers[0].clip = ((struct rect) { INT32_MAX, 0, 1, 1 }))        \
	X(56, "layer scale", config.layers[0].scale = 2)                                           \
	X(57, "layer opacity", config.layers[0].opacity = 256)                                     \
	X(58, "layer visible", config.layers[0].visible = 2)                                       \
	X(59, "layer critical", config.layers[0].critical = UINT32_MAX)                            \
	X(60, "layer stall time", config.layers[0].stall_ms = CONFIG_TIME_MAX_MS + 1)              \
	X(61, "layer hold time", config.layers[0].hold_ms = UINT32_MAX)                            \
	X(62, "layer recover frames", config.layers[0].recover_frames = 0)                         \
	X(63, "layer kind", config.layers[0].kind = 2)                                             \
	X(64, "layer guest", config.layers[0].guest = 2)                                           \
	X(65, "layer guest", config.layers[0].guest = CONFIG_NONE)                                 \
	X(66, "layer scanout", config.layers[0].scanout = 2)                                       \
	X(67, "layer scanout", config.guests[1].gpu.enabled = 0)                                   \
	X(68, "guest of a picture", config.layers[1].guest = 0)                                    \
	X(69, "scanout of a picture", config.layers[1].scanout = 0)                                \
	X(70, "sink", config.mixer.sink = 3)                                                       \
	X(71, "sink waits for streams", config.mixer.wait_streams = 2)                             \
	X(72, "mix rate", config.mixer.rate = SAMPLE_RATE_MAX + 1)                                 \
	X(73, "mix quantum", config.mixer.quantum_frames = 1025)                                   \
	X(74, "mix quantum", config.mixer.quantum_frames = 15)                                     \
	X(75, "guest name", strcpy(config.guests[0].name, "a b"))                                  \
	X(76, "layer name", strcpy(config.layers[1].name, "logo\n"))                               \
	X(77, "output flicker maximum", config.outputs[0].flicker_max = CONFIG_FLICKER_MAX + 1)    \
	X(78, "output dwell time", config.outputs[1].dwell_ms = UINT32_MAX)                        \
	X(79, "channel enabled", config.guests[0].channel.enabled = 2)                             \
	X(80, "channel socket", UNTERMINATED(config.guests[1].channel.socket))                     \
	X(81, "channel socket", config.guests[0].channel.socket[0] = '.')                          \
	X(82, "channel without gpu", config.guests[0].gpu.enabled = 0)                             \
	X(83, "layer echo time", config.layers[0].echo_ms = CONFIG_TIME_MAX_MS + 1)                \
	X(84, "layer heartbeat time", config.layers[0].heartbeat_ms = UINT32_MAX)                  \
	X(85, "layer frozen frames", config.layers[0].frozen_frames = 256)                         \
	X(86, "layer tag", config.layers[0].tag = 2)                                               \
	X(87, "layer lag", config.layers[0].lag_ms = UINT32_MAX)                                   \
	X(88, "layer opaque", config.layers[0].opaque = 2)                                         \
	X(89, "layer dark", config.layers[1].dark = 2)                                             \
	X(90, "layer quarantine losses", config.layers[0].quarantine_losses = UINT32_MAX)          \
	X(91, "layer quarantine time", config.layers[0].quarantine_ms = UINT32_MAX)                \
	X(92, "layer quarantine time", config.layers[0].quarantine_ms = 0)                         \
	X(93, "layer follow time", config.layers[0].follow_ms = UINT32_MAX)                        \
	X(94, "layer reaction", config.layers[0].reactions[FAULT_CAUSES - 1] = FAULT_REACTIONS)    \
	X(95, "number of verified elements", config.verified_len = CONFIG_VERIFIED_MAX + 1)        \
	X(96, "verified element", UNTERMINATED(config.verified[1].element))                        \
	X(97, "verified element", strcpy(config.verified[0].element, "a/b"))                       \
	X(98, "layer of a verified element", config.verified[0].layer = 2)                         \
	X(99, "layer of a verified element", config.verified[1].layer = 1)                         \
	X(100, "layer of a verified element", config.layers[0].opacity = 254)                      \
	X(101, "layer of a verified element", config.layers[0].opaque = 0)                         \
	X(102, "layer of a verified element", config.layers[0].scale = 1)                          \
	X(103, "number of regions", config.regions_len = CONFIG_REGIONS_MAX + 1)                   \
	X(104, "region name", UNTERMINATED(config.regions[0].name))                                \
	X(105, "region name is used twice", strcpy(config.regions[1].name, "needle"))              \
	X(106, "region check", config.regions[0].check = SAFETY_EXACT)                             \
	X(107, "region check", config.regions[0].check = SAFETY_CHECKS)                            \
	X(108, "region layer", config.regions[0].layer = 2)                                        \
	X(109, "region layer", config.regions[0].layer = 1)                                        \
	X(110, "region place", config.regions[0].place.width = 0)                                  \
	X(111, "region place", config.regions[0].place.x = -11)                                    \
	X(112, "region place", config.regions[1].place.height = 96)                                \
	X(113, "region frames", config.regions[0].frames = 0)                                      \
	X(114, "region skip", config.regions[0].skip = 4)                                          \
	X(115, "region threshold", config.regions[1].threshold = 256)                              \
	X(116, "region element", UNTERMINATED(config.regions[1].element))                          \
	X(117, "region element", config.regions[1].element[0] = '\0')                              \
	X(118, "region element", strcpy(config.regions[0].element, "brake"))                       \
	X(119, "region reaction", config.regions[0].reaction = UINT32_MAX)                         \
	X(120, "signals", config.safety.signals = 2)                                               \
	X(121, "signal time-out", config.safety.signal_timeout_ms = 19)                            \
	X(122, "watchdog", config.safety.watchdog = 4)                                             \
	X(123, "watchdog path", UNTERMINATED(config.safety.watchdog_path))                         \
	X(124, "watchdog path", config.safety.watchdog_path[0] = '\0')                             \
	X(125, "watchdog period", config.safety.pet_ms = 1001)                                     \
	X(126, "buzzer path", UNTERMINATED(config.safety.buzzer_path))                             \
	X(127, "buzzer path", strcpy(config.safety.buzzer_path, "buzzer"))                         \
	X(128, "chimes", config.safety.chimes = 7)                                                 \
	X(129, "chimes without signals", config.safety.signals = 0)                                \
	X(130, "chime time", config.safety.chime_ms = 10001)                                       \
	X(131, "allow inject", config.safety.allow_inject = 2)

FAULTS(FAULT)

#define ROW(number, text, statement) { text, fault_##number },
static const struct {
	const char *fault;
	void (*make)(void);
} faults[] = { FAULTS(ROW) };

START_TEST(faults_are_named) {
	faults[_i].make();
	const char *fault = config_fault(&config);
	ck_assert_msg(fault != NULL, "not found: %s", faults[_i].fault);
	ck_assert_str_eq(fault, faults[_i].fault);
	ck_assert_int_eq(config_seal(&config), -EINVAL);
}
END_TEST

START_TEST(what_is_off_is_not_looked_at) {
	memset(&config.guests[0].gpu, 0, sizeof(config.guests[0].gpu));
	memset(&config.guests[0].sound, 0, sizeof(config.guests[0].sound));
	memset(&config.mixer, 0, sizeof(config.mixer));
	memset(&config.outputs[2], 0xff, sizeof(config.outputs[2]));
	memset(&config.layers[2], 0xff, sizeof(config.layers[2]));
	memset(&config.verified[2], 0xff, sizeof(config.verified[2]));
	memset(&config.regions[2], 0xff, sizeof(config.regions[2]));
	memset(&config.guests[0].channel, 0, sizeof(config.guests[0].channel));
	memset(&config.safety, 0, sizeof(config.safety));
	ck_assert_ptr_null(config_fault(&config));
	config.verified_len = 0;
	config.regions_len = 0;
	config.layers_len = 0;
	config.outputs_len = 0;
	config.guests_len = 0;
	ck_assert_ptr_null(config_fault(&config));
}
END_TEST

/* The bytes of a sealed configuration, for damaging them. */
static void sealed_bytes(uint8_t bytes[sizeof(config)]) {
	int fd = config_seal(&config);
	ck_assert_int_eq(pread(fd, bytes, sizeof(config), 0), sizeof(config));
	fd_close(&fd);
}

static int map_error(const void *bytes, size_t len) {
	int fd = fd_memfd_create_constant("test", bytes, len);
	ck_assert_int_ge(fd, 0);
	const struct config *mapped = config_map(fd);
	int error = mapped == NULL ? errno : 0;
	config_unmap(mapped);
	fd_close(&fd);
	return error;
}

START_TEST(flipped_bits_are_found) {
	static uint8_t bytes[sizeof(config) + 1];
	sealed_bytes(bytes);
	ck_assert_int_eq(map_error(bytes, sizeof(config)), 0);
	/* a prime step: all kinds of places, the header's bytes among them */
	for (size_t at = 0; at < sizeof(config); at += at < 64 ? 1 : 211) {
		bytes[at] ^= 0x10;
		ck_assert_msg(map_error(bytes, sizeof(config)) == EINVAL, "byte %zu", at);
		bytes[at] ^= 0x10;
	}
}
END_TEST

static const size_t lengths[] = { 0, 1, 15, 16, sizeof(config) - 1, sizeof(config) + 1 };

START_TEST(other_lengths_are_refused) {
	static uint8_t bytes[sizeof(config) + 1];
	sealed_bytes(bytes);
	ck_assert_int_eq(map_error(bytes, lengths[_i]), EINVAL);
}
END_TEST

/* A writer that did not ask config_fault(): right checksum, wrong value. */
START_TEST(a_right_checksum_is_not_enough) {
	static struct config bad;
	sealed_bytes((uint8_t *)&bad);
	bad.layers[0].guest = 77;
	bad.crc32 = 0;
	bad.crc32 = crc32_update(0, &bad, sizeof(bad));
	ck_assert_int_eq(map_error(&bad, sizeof(bad)), EINVAL);
	bad.layers[0].guest = 1;
	bad.crc32 = 0;
	bad.crc32 = crc32_update(0, &bad, sizeof(bad));
	ck_assert_int_eq(map_error(&bad, sizeof(bad)), 0);
}
END_TEST

START_TEST(unsealed_is_refused) {
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	static uint8_t bytes[sizeof(config)];
	sealed_bytes(bytes);
	ck_assert_int_eq(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	ck_assert_ptr_null(config_map(fd));
	ck_assert_int_eq(errno, EPERM);
	fd_close(&fd);
}
END_TEST

START_TEST(fails_clean) {
	fault_at(1);
	ck_assert_int_eq(config_seal(&config), -EMFILE);
	fault_off();
	int fd = config_seal(&config);
	fault_at(1);
	ck_assert_ptr_null(config_map(fd));
	ck_assert_int_eq(errno, ENOMEM);
	fault_off();
	fd_close(&fd);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core config");
	TCase *tcase = suite_case(suite, "values");
	tcase_add_checked_fixture(tcase, make_config, NULL);
	tcase_add_loop_test(tcase, faults_are_named, 0, ARRAY_LEN(faults));
	tcase_add_test(tcase, what_is_off_is_not_looked_at);
	tcase = suite_case(suite, "blob");
	tcase_add_checked_fixture(tcase, make_config, NULL);
	tcase_add_test(tcase, a_sane_one_crosses);
	tcase_add_test(tcase, flipped_bits_are_found);
	tcase_add_loop_test(tcase, other_lengths_are_refused, 0, ARRAY_LEN(lengths));
	tcase_add_test(tcase, a_right_checksum_is_not_enough);
	tcase_add_test(tcase, unsealed_is_refused);
	tcase_add_test(tcase, fails_clean);
	return suite;
}
