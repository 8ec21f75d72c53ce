#include <string.h>

#include "audio/stream_state.h"
#include "core/macros.h"
#include "protocol/virtio_snd.h"
#include "tests/audio/sound_rig.h"
#include "tests/suite.h"

#define STREAMS 3
#define PERIOD_BYTES 1920
#define PERIODS 4

static struct sound_rig *rig;
static struct vmm_snd *snd;

static void setup(void) {
	rig = sound_rig_create((struct sound_rig_options) { .streams = STREAMS });
	snd = &rig->guests[0].snd;
}

static void teardown(void) {
	sound_rig_destroy(rig);
}

static uint32_t le32(const uint8_t *data) {
	return (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
		(uint32_t)data[3] << 24;
}

START_TEST(configuration_space_counts) {
	uint8_t config[16];
	ck_assert_int_eq(vmm_config_read(&snd->device, 0, config, sizeof(config)), 0);
	ck_assert_uint_eq(le32(config), 0);
	ck_assert_uint_eq(le32(config + 4), STREAMS);
	ck_assert_uint_eq(le32(config + 8), STREAMS);
	ck_assert_uint_eq(le32(config + 12), 0);
	ck_assert_int_eq(vmm_config_read(&snd->device, 4, config, 8), 0);
	ck_assert_uint_eq(le32(config + 4), STREAMS);
	ck_assert_uint_eq(snd->device.features_offered & 1, 0);
}
END_TEST

START_TEST(streams_are_described) {
	uint8_t items[STREAMS * 32];
	ck_assert_uint_eq(vmm_snd_info(snd, VMM_SND_PCM_INFO, 0, STREAMS, 32, items), VMM_SND_OK);
	for (unsigned i = 0; i < STREAMS; i++) {
		const uint8_t *item = items + i * 32;
		ck_assert_uint_eq(le32(item), i);
		ck_assert_uint_eq(le32(item + 4), 0);
		/* U8, S16, S24, FLOAT; 8000, 44100, 48000, 192000 */
		ck_assert_uint_eq(le32(item + 8) & 0x88030, 0x88030);
		ck_assert_uint_eq(le32(item + 16) & 0x10c2, 0x10c2);
		ck_assert_uint_eq(item[24], 0);
		ck_assert_uint_eq(item[25], 1);
		ck_assert_uint_eq(item[26], 8);
	}
	ck_assert_uint_eq(vmm_snd_info(snd, VMM_SND_PCM_INFO, 2, 1, 32, items), VMM_SND_OK);
	ck_assert_uint_eq(le32(items), 2);

	ck_assert_uint_eq(vmm_snd_info(snd, VMM_SND_CHMAP_INFO, 1, 2, 24, items), VMM_SND_OK);
	const uint8_t map[8] = { 1, 0, 0, 0, 0, 2, 3, 4 };
	ck_assert_mem_eq(items, map, 8);
}
END_TEST

static const struct {
	const char *name;
	uint32_t code, start, count, size;
	uint32_t space; /* for items */
} bad_queries[] = {
	{ "count 0", VMM_SND_PCM_INFO, 0, 0, 32, 64 },
	{ "count one too many", VMM_SND_PCM_INFO, 0, STREAMS + 1, 32, 4000 },
	{ "start past the end", VMM_SND_PCM_INFO, STREAMS, 1, 32, 64 },
	{ "start and count wrap", VMM_SND_PCM_INFO, 0xffffffff, 2, 32, 64 },
	{ "count 2^32-1", VMM_SND_PCM_INFO, 0, 0xffffffff, 32, 4000 },
	{ "count times size wraps to 4", VMM_SND_PCM_INFO, 0, 0x08000000, 32, 64 },
	{ "size 0", VMM_SND_PCM_INFO, 0, 1, 0, 64 },
	{ "size 1", VMM_SND_PCM_INFO, 0, 1, 1, 64 },
	{ "size 31", VMM_SND_PCM_INFO, 0, 1, 31, 64 },
	{ "size 2^31", VMM_SND_PCM_INFO, 0, 1, 0x80000000, 64 },
	{ "no space for the items", VMM_SND_PCM_INFO, 0, STREAMS, 32, STREAMS * 32 - 1 },
	{ "no space at all", VMM_SND_PCM_INFO, 0, 1, 32, 0 },
	{ "a jack of none", VMM_SND_JACK_INFO, 0, 1, 24, 64 },
	{ "no jacks of none", VMM_SND_JACK_INFO, 0, 0, 24, 64 },
	{ "a map past the end", VMM_SND_CHMAP_INFO, STREAMS, 1, 24, 64 },
	{ "a map's size", VMM_SND_CHMAP_INFO, 0, 1, 32, 64 },
};

/* A request of any bytes; the status answered. */
static uint32_t raw(const void *data, size_t bytes, uint32_t space, uint32_t *used) {
	uint8_t answer[4100] = { 0 };
	ck_assert_int_eq(
		vmm_request(&snd->device, VMM_SND_CONTROL, data, bytes, answer, space, used), 0);
	return *used < 4 ? VMM_SND_NONE : le32(answer);
}

START_TEST(a_bad_query_is_refused) {
	uint32_t wire[] = { bad_queries[_i].code, bad_queries[_i].start, bad_queries[_i].count,
		bad_queries[_i].size };
	uint32_t used;
	ck_assert_msg(raw(wire, sizeof(wire), 4 + bad_queries[_i].space, &used) == VMM_SND_BAD_MSG,
		"%s", bad_queries[_i].name);
	ck_assert_uint_eq(used, 4);
}
END_TEST

static const struct {
	const char *name;
	uint32_t words[6];
	size_t bytes;
	uint32_t status;
} bad_requests[] = {
	{ "nothing", { 0 }, 0, VMM_SND_BAD_MSG },
	{ "one byte", { 0x01 }, 1, VMM_SND_BAD_MSG },
	{ "code 0", { 0 }, 8, VMM_SND_BAD_MSG },
	{ "stop without a stream", { 0x0105 }, 4, VMM_SND_BAD_MSG },
	{ "an unknown code", { 0x0106 }, 8, VMM_SND_BAD_MSG },
	{ "the largest code", { 0xffffffff }, 4, VMM_SND_BAD_MSG },
	{ "start of a stream past the end", { 0x0104, STREAMS }, 8, VMM_SND_BAD_MSG },
	{ "release of the last number", { 0x0103, 0xffffffff }, 8, VMM_SND_BAD_MSG },
	{ "prepare past the end", { 0x0102, STREAMS }, 8, VMM_SND_BAD_MSG },
	{ "stop past the end", { 0x0105, STREAMS }, 8, VMM_SND_BAD_MSG },
	{ "parameters past the end", { 0x0101, STREAMS, 7680, 1920, 0, 0x070502 }, 24,
		VMM_SND_BAD_MSG },
	{ "a jack to remap", { 0x0002, 0, 0, 0 }, 16, VMM_SND_BAD_MSG },
	{ "control elements", { 0x0300, 0, 1, 96 }, 16, VMM_SND_NOT_SUPP },
	{ "reading a control", { 0x0302, 0 }, 8, VMM_SND_NOT_SUPP },
};

START_TEST(a_bad_request_is_answered) {
	uint32_t used;
	ck_assert_msg(raw(bad_requests[_i].words, bad_requests[_i].bytes, 64, &used) ==
			bad_requests[_i].status,
		"%s", bad_requests[_i].name);
	ck_assert_uint_eq(used, 4);
	ck_assert_uint_eq(sound_rig_stat(rig, "requests.bad"), 1);

	/* without room for a status nothing is written, and the device goes on */
	raw(bad_requests[_i].words, bad_requests[_i].bytes, 3, &used);
	ck_assert_uint_eq(used, 0);
	uint8_t item[32];
	ck_assert_uint_eq(vmm_snd_info(snd, VMM_SND_PCM_INFO, 0, 1, 32, item), VMM_SND_OK);
}
END_TEST

#define S16 VIRTIO_SND_FMT_S16
#define HZ48000 VIRTIO_SND_RATE_48000

static const struct {
	const char *name;
	struct vmm_snd_params params;
	uint32_t status;
} params_rows[] = {
	{ "S16 stereo 48 kHz", { 7680, 1920, 0, 2, S16, HZ48000 }, VMM_SND_OK },
	{ "two periods of a quantum", { 1024, 512, 0, 2, S16, HZ48000 }, VMM_SND_OK },
	{ "one period is the buffer", { 1920, 1920, 0, 2, S16, HZ48000 }, VMM_SND_OK },
	{ "8 channels of FLOAT64 at 384 kHz", { 1048576, 65536, 0, 8, 20, 13 }, VMM_SND_OK },
	{ "U8 mono 5512 Hz", { 160, 80, 0, 1, 4, 0 }, VMM_SND_OK },
	{ "24 kHz", { 7680, 1920, 0, 2, S16, 15 }, VMM_SND_OK },
	{ "less than two quanta", { 1020, 255 * 4, 0, 2, S16, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "period 0", { 7680, 0, 0, 2, S16, HZ48000 }, VMM_SND_BAD_MSG },
	{ "buffer 0", { 0, 1920, 0, 2, S16, HZ48000 }, VMM_SND_BAD_MSG },
	{ "both 0", { 0, 0, 0, 2, S16, HZ48000 }, VMM_SND_BAD_MSG },
	{ "buffer not of periods", { 7684, 1920, 0, 2, S16, HZ48000 }, VMM_SND_BAD_MSG },
	{ "period not of frames", { 7684, 1921, 0, 2, S16, HZ48000 }, VMM_SND_BAD_MSG },
	{ "period larger than buffer", { 1920, 7680, 0, 2, S16, HZ48000 }, VMM_SND_BAD_MSG },
	{ "buffer 2^31", { 0x80000000, 0x1000, 0, 2, S16, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "buffer 2^32-4", { 0xfffffffc, 0xfffffffc, 0, 2, S16, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "0 channels", { 7680, 1920, 0, 0, S16, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "9 channels", { 7200, 1800, 0, 9, S16, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "255 channels", { 7680, 1920, 0, 255, S16, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "ADPCM", { 7680, 1920, 0, 2, 0, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "IEC958", { 7680, 1920, 0, 2, 24, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "format 25", { 7680, 1920, 0, 2, 25, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "format 31", { 7680, 1920, 0, 2, 31, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "format 32", { 7680, 1920, 0, 2, 32, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "format 63", { 7680, 1920, 0, 2, 63, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "format 64", { 7680, 1920, 0, 2, 64, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "format 255", { 7680, 1920, 0, 2, 255, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "rate 16", { 7680, 1920, 0, 2, S16, 16 }, VMM_SND_NOT_SUPP },
	{ "rate 255", { 7680, 1920, 0, 2, S16, 255 }, VMM_SND_NOT_SUPP },
	{ "message polling", { 7680, 1920, 4, 2, S16, HZ48000 }, VMM_SND_NOT_SUPP },
	{ "all features", { 7680, 1920, 0xffffffff, 2, S16, HZ48000 }, VMM_SND_NOT_SUPP },
};

START_TEST(parameters_are_checked) {
	uint32_t status = vmm_snd_set_params(snd, 0, &params_rows[_i].params);
	ck_assert_msg(status == params_rows[_i].status, "%s: 0x%x", params_rows[_i].name, status);
	/* refused parameters change nothing */
	bool changed = sound_rig_stat(rig, "stream.0.state") == STREAM_PARAMS;
	ck_assert(changed == (params_rows[_i].status == VMM_SND_OK));
}
END_TEST

static uint32_t give(enum stream_command command) {
	static const enum vmm_snd_code codes[STREAM_COMMANDS] = {
		[STREAM_PREPARE] = VMM_SND_PREPARE,
		[STREAM_START] = VMM_SND_START,
		[STREAM_STOP] = VMM_SND_STOP,
		[STREAM_RELEASE] = VMM_SND_RELEASE,
	};
	struct vmm_snd_params params = { PERIODS * PERIOD_BYTES, PERIOD_BYTES, 0, 2, S16, HZ48000 };
	return command == STREAM_SET_PARAMS ? vmm_snd_set_params(snd, 1, &params)
					    : vmm_snd_command(snd, codes[command], 1);
}

/* The shortest way from the beginning into each state. */
static const struct {
	unsigned len;
	enum stream_command commands[5];
} ways[STREAM_STATES] = {
	[STREAM_INITIAL] = { 0, { 0 } },
	[STREAM_PARAMS] = { 1, { STREAM_SET_PARAMS } },
	[STREAM_PREPARED] = { 2, { STREAM_SET_PARAMS, STREAM_PREPARE } },
	[STREAM_RUNNING] = { 3, { STREAM_SET_PARAMS, STREAM_PREPARE, STREAM_START } },
	[STREAM_STOPPED] = { 4, { STREAM_SET_PARAMS, STREAM_PREPARE, STREAM_START, STREAM_STOP } },
	[STREAM_RELEASED] = { 3, { STREAM_SET_PARAMS, STREAM_PREPARE, STREAM_RELEASE } },
};

START_TEST(every_command_in_every_state) {
	enum stream_state state = (enum stream_state)(_i / STREAM_COMMANDS);
	enum stream_command command = (enum stream_command)(_i % STREAM_COMMANDS);
	for (unsigned i = 0; i < ways[state].len; i++) {
		ck_assert_uint_eq(give(ways[state].commands[i]), VMM_SND_OK);
	}
	ck_assert_uint_eq(sound_rig_stat(rig, "stream.1.state"), state);

	/* with chains on their way too, where the state takes them */
	int16_t period[PERIOD_BYTES / 2] = { 0 };
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(vmm_snd_send(snd, 1, period, sizeof(period), i), 0);
	}
	sound_rig_settle(rig);
	enum stream_state next = state;
	bool allowed = stream_state_next(state, command, &next);
	ck_assert_uint_eq(give(command), allowed ? VMM_SND_OK : VMM_SND_BAD_MSG);
	ck_assert_uint_eq(sound_rig_stat(rig, "stream.1.state"), next);
	sound_rig_quanta(rig, 3);

	/* and the stream still plays after whatever it was: the way to running from anywhere */
	while (sound_rig_stat(rig, "stream.1.state") != STREAM_RUNNING) {
		static const enum stream_command onward[STREAM_STATES] = {
			[STREAM_INITIAL] = STREAM_SET_PARAMS,
			[STREAM_PARAMS] = STREAM_PREPARE,
			[STREAM_PREPARED] = STREAM_START,
			[STREAM_STOPPED] = STREAM_START,
			[STREAM_RELEASED] = STREAM_PREPARE,
		};
		ck_assert_uint_eq(give(onward[sound_rig_stat(rig, "stream.1.state")]), VMM_SND_OK);
	}
	struct vmm_snd_done done;
	ck_assert_int_eq(vmm_snd_send(snd, 1, period, sizeof(period), 77), 0);
	sound_rig_quanta(rig, 40);
	bool played = false;
	while (vmm_snd_take(snd, &done)) {
		played |= done.cookie == 77 && done.status == VMM_SND_OK;
	}
	ck_assert(played);
	ck_assert_uint_eq(vmm_snd_in_flight(snd), 0);
}
END_TEST

START_TEST(started_and_stopped_ten_thousand_times) {
	ck_assert_uint_eq(give(STREAM_SET_PARAMS), VMM_SND_OK);
	int16_t period[PERIOD_BYTES / 2] = { 1 };
	for (unsigned i = 0; i < 2500; i++) {
		ck_assert_uint_eq(give(STREAM_PREPARE), VMM_SND_OK);
		ck_assert_int_eq(vmm_snd_send(snd, 1, period, sizeof(period), i), 0);
		ck_assert_uint_eq(give(STREAM_START), VMM_SND_OK);
		if (i % 100 == 0) {
			sound_rig_quantum(rig);
		}
		ck_assert_uint_eq(give(STREAM_STOP), VMM_SND_OK);
		ck_assert_uint_eq(give(STREAM_RELEASE), VMM_SND_OK);
		struct vmm_snd_done done;
		ck_assert(vmm_snd_take(snd, &done));
		ck_assert_uint_eq(done.cookie, i);
	}
	ck_assert_uint_eq(sound_rig_stat(rig, "requests.bad"), 0);
}
END_TEST

START_TEST(a_reset_begins_anew) {
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(give(ways[STREAM_RUNNING].commands[i]), VMM_SND_OK);
	}
	ck_assert_uint_eq(link_get_peer(&rig->guests[0].link.consumer), LINK_PEER_RUNNING);
	ck_assert_int_eq(vmm_device_reset(&snd->device), 0);
	ck_assert_uint_eq(sound_rig_stat(rig, "stream.1.state"), STREAM_INITIAL);
	ck_assert_uint_eq(link_get_peer(&rig->guests[0].link.consumer), LINK_PEER_CONNECTED);
	ck_assert_uint_eq(link_resets(&rig->guests[0].link.consumer), 1);
	ck_assert_int_eq(vmm_device_start(&snd->device), 0);
	ck_assert_uint_eq(give(STREAM_START), VMM_SND_BAD_MSG);
	ck_assert_uint_eq(give(STREAM_SET_PARAMS), VMM_SND_OK);
}
END_TEST

START_TEST(a_hang_up_ends_the_session) {
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(give(ways[STREAM_RUNNING].commands[i]), VMM_SND_OK);
	}
	vmm_snd_close(snd);
	sound_rig_settle(rig);
	ck_assert_uint_eq(rig->ended, 1);
	ck_assert_uint_eq(link_get_peer(&rig->guests[0].link.consumer), LINK_PEER_ABSENT);
	ck_assert_uint_eq(sample_link_state(&rig->guests[0].link.consumer, 1), SAMPLE_STREAM_IDLE);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio sound_control");
	TCase *tcase = suite_case(suite, "sound_control");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, configuration_space_counts);
	tcase_add_test(tcase, streams_are_described);
	tcase_add_loop_test(tcase, a_bad_query_is_refused, 0, ARRAY_LEN(bad_queries));
	tcase_add_loop_test(tcase, a_bad_request_is_answered, 0, ARRAY_LEN(bad_requests));
	tcase_add_loop_test(tcase, parameters_are_checked, 0, ARRAY_LEN(params_rows));
	tcase_add_loop_test(
		tcase, every_command_in_every_state, 0, STREAM_STATES * STREAM_COMMANDS);
	tcase_add_test(tcase, started_and_stopped_ten_thousand_times);
	tcase_add_test(tcase, a_reset_begins_anew);
	tcase_add_test(tcase, a_hang_up_ends_the_session);
	return suite;
}
