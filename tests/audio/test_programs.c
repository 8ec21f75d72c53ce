/* fascia-mixer and fascia-sound as processes; the test is their keeper and their VMM. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "audio/mixer/sink_memory.h"
#include "core/chimes.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/control.h"
#include "core/cue.h"
#include "core/fd.h"
#include "core/macros.h"
#include "core/sample_link.h"
#include "core/stats.h"
#include "protocol/virtio_snd.h"
#include "service/chimes.h"
#include "tests/suite.h"
#include "tests/vmm/vmm_snd.h"

#define GUESTS 2
#define PERIOD_FRAMES 480
#define PERIODS 4
#define FIVE_MS 240

struct program {
	pid_t pid;
	int pidfd, control;
};

static char directory[] = "/tmp/fascia-test-XXXXXX";
static int config_fd, sink_fd, stats_fd[1 + GUESTS];
static int links[GUESTS][LINK_FDS], listeners[GUESTS];
static int cue_fds[CUE_FDS], bank_fd;
static struct program mixer, sounds[GUESTS];

/* ---- processes ---- */

static struct program start(const char *path, const char *preload, const char *const argv[]) {
	struct program program;
	int pair[2];
	ck_assert_int_eq(fd_socketpair(pair), 0);
	program.control = pair[0];
	program.pid = fork();
	ck_assert_int_ge(program.pid, 0);
	if (program.pid == 0) {
		/* a test that fails takes them with it */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(pair[1], CONTROL_FD);
		close_range(CONTROL_FD + 1, UINT32_MAX, 0);
		if (preload != NULL) {
			setenv("LD_PRELOAD", preload, 1);
		}
		execv(path, (char *const *)argv);
		_exit(127);
	}
	close(pair[1]);
	program.pidfd = pidfd_open(program.pid, 0);
	ck_assert_int_ge(program.pidfd, 0);
	fcntl(program.control, F_SETFL, O_NONBLOCK);
	return program;
}

/* The status as of waitpid(); there is no bound but the suite's. */
static int wait_for(struct program *program) {
	int status;
	ck_assert_int_eq(waitpid(program->pid, &status, 0), program->pid);
	fd_close(&program->pidfd);
	fd_close(&program->control);
	return status;
}

static void grant(struct program *program, enum control_type type, uint32_t index, int64_t arg,
	const int *fds, size_t fds_len) {
	struct control_packet packet = {
		.message = { .type = type, .index = index, .arg = { arg } },
		.fds_len = fds_len,
	};
	for (size_t i = 0; i < fds_len; i++) {
		packet.fds[i] = fds[i];
	}
	ck_assert_int_eq(control_send(program->control, &packet), 0);
}

static void grant_link(struct program *program, unsigned guest, enum link_side side) {
	int granted[LINK_FDS];
	ck_assert_int_eq(link_grant_fds(links[guest], side, granted), 0);
	grant(program, CONTROL_SAMPLE_LINK, guest, 0, granted, LINK_FDS);
	for (unsigned i = 0; i < LINK_FDS; i++) {
		fd_close(&granted[i]);
	}
}

static void wait_ready(struct program *program) {
	struct control_packet packet;
	int rc;
	while ((rc = control_receive(program->control, &packet)) == -EAGAIN) {
		usleep(1000);
	}
	ck_assert_int_eq(rc, 1);
	ck_assert_uint_eq(packet.message.type, CONTROL_READY);
}

static void grant_cues(void) {
	int granted[CUE_FDS];
	ck_assert_int_eq(cue_grant_fds(cue_fds, true, granted), 0);
	grant(&mixer, CONTROL_CUES, 0, 0, granted, CUE_FDS);
	for (unsigned i = 0; i < CUE_FDS; i++) {
		fd_close(&granted[i]);
	}
}

static void start_mixer(void) {
	const char *const argv[] = { "fascia-mixer", NULL };
	const char *guard = getenv("REALTIME_GUARD");
	mixer = start(getenv("FASCIA_MIXER"), guard != NULL && *guard != '\0' ? guard : NULL, argv);
	grant(&mixer, CONTROL_CONFIG, 0, 0, &config_fd, 1);
	grant(&mixer, CONTROL_STATS, 0, 0, &stats_fd[0], 1);
	grant(&mixer, CONTROL_SINK, 0, 0, &sink_fd, 1);
	grant(&mixer, CONTROL_CHIMES, 0, 0, &bank_fd, 1);
	grant_cues();
	for (unsigned i = 0; i < GUESTS; i++) {
		grant_link(&mixer, i, LINK_CONSUMER);
	}
	grant(&mixer, CONTROL_START, 0, 0, NULL, 0);
	wait_ready(&mixer);
}

static void start_sound(unsigned guest) {
	const char *const argv[] = { "fascia-sound", NULL };
	sounds[guest] = start(getenv("FASCIA_SOUND"), NULL, argv);
	grant(&sounds[guest], CONTROL_CONFIG, guest, 0, &config_fd, 1);
	grant(&sounds[guest], CONTROL_STATS, 0, 0, &stats_fd[1 + guest], 1);
	grant(&sounds[guest], CONTROL_LISTENER, guest, 0, &listeners[guest], 1);
	grant_link(&sounds[guest], guest, LINK_PRODUCER);
	grant(&sounds[guest], CONTROL_START, 0, 0, NULL, 0);
	wait_ready(&sounds[guest]);
	grant(&mixer, CONTROL_PEER, guest, 1, &sounds[guest].pidfd, 1);
}

static const char *socket_path(unsigned guest) {
	static char path[GUESTS][64];
	snprintf(path[guest], sizeof(path[guest]), "%s/sound-%u", directory, guest);
	return path[guest];
}

static void make_config(void) {
	static struct config config;
	memset(&config, 0, sizeof(config));
	strcpy(config.name, "test");
	strcpy(config.runtime_dir, "/run");
	config.guests_len = GUESTS;
	for (unsigned i = 0; i < GUESTS; i++) {
		struct config_guest *guest = &config.guests[i];
		snprintf(guest->name, sizeof(guest->name), "guest%u", i);
		guest->sound = (struct config_sound_device) {
			.enabled = 1, .socket = "/run/sound", .streams = 2, .gain = { 1, 1 }
		};
	}
	config.mixer = (struct config_mixer) {
		.sink = CONFIG_SINK_MEMORY, .wait_streams = 1, .rate = 48000, .quantum_frames = 128
	};
	config_fd = config_seal(&config);
	ck_assert_int_ge(config_fd, 0);
}

static void setup(void) {
	ck_assert_ptr_nonnull(mkdtemp(directory));
	make_config();
	sink_fd = sink_memory_create_fd("sink", 48000);
	ck_assert_int_ge(sink_fd, 0);
	ck_assert_int_eq(cue_create_fds(cue_fds), 0);
	bank_fd = chimes_create_fd(48000);
	ck_assert_int_ge(bank_fd, 0);
	for (unsigned i = 0; i < GUESTS; i++) {
		ck_assert_int_eq(sample_link_create_fds("link", links[i]), 0);
		listeners[i] = fd_listen_unix(socket_path(i), SOCK_STREAM);
		ck_assert_int_ge(listeners[i], 0);
	}
	for (unsigned i = 0; i <= GUESTS; i++) {
		stats_fd[i] = stats_create_fd(i == 0 ? "mixer" : "sound");
		ck_assert_int_ge(stats_fd[i], 0);
	}
	start_mixer();
	for (unsigned i = 0; i < GUESTS; i++) {
		start_sound(i);
	}
}

static void teardown(void) {
	for (unsigned i = 0; i < GUESTS; i++) {
		for (unsigned j = 0; j < LINK_FDS; j++) {
			fd_close(&links[i][j]);
		}
		fd_close(&listeners[i]);
		unlink(socket_path(i));
	}
	for (unsigned i = 0; i <= GUESTS; i++) {
		fd_close(&stats_fd[i]);
	}
	fd_close(&config_fd);
	fd_close(&sink_fd);
	fd_close(&cue_fds[CUE_REQUESTS]);
	fd_close(&cue_fds[CUE_ANSWERS]);
	fd_close(&bank_fd);
	rmdir(directory);
}

static void end_all(void) {
	for (unsigned i = 0; i < GUESTS; i++) {
		if (sounds[i].control >= 0) {
			kill(sounds[i].pid, SIGTERM);
			ck_assert_int_eq(wait_for(&sounds[i]), 0);
		}
	}
	kill(mixer.pid, SIGTERM);
	int status = wait_for(&mixer);
	ck_assert_msg(status == 0, "the mixer ended with 0x%x", status);
}

/* ---- guests ---- */

struct guest {
	struct vmm_ram ram;
	struct vmm_snd snd;
	unsigned seed;
	uint32_t sent_periods, done_periods;
};

static int sample_of(unsigned seed, uint32_t frame) {
	return (int)((frame + 1) * (2 * seed + 1) % 15013) + 1;
}

static void guest_init(struct guest *guest, unsigned index) {
	*guest = (struct guest) { .seed = index };
	ck_assert_int_eq(vmm_ram_init(&guest->ram, &(struct vmm_ram_options) { 0 }), 0);
	int error;
	do {
		/* a back-end that was just started has no socket yet, or does not listen there yet */
		usleep(1000);
		error = vmm_snd_connect(&guest->snd, &guest->ram, socket_path(index),
			(struct vmm_device_options) { 0 }, 8192);
	} while (error == -ENOENT || error == -ECONNREFUSED);
	ck_assert_int_eq(error, 0);
	ck_assert_int_eq(vmm_device_start(&guest->snd.device), 0);
	struct vmm_snd_params params = { .buffer_bytes = PERIODS * PERIOD_FRAMES * 4,
		.period_bytes = PERIOD_FRAMES * 4,
		.channels = 2,
		.format = VIRTIO_SND_FMT_S16,
		.rate = VIRTIO_SND_RATE_48000 };
	ck_assert_uint_eq(vmm_snd_set_params(&guest->snd, 0, &params), VMM_SND_OK);
	ck_assert_uint_eq(vmm_snd_command(&guest->snd, VMM_SND_PREPARE, 0), VMM_SND_OK);
}

static void guest_finish(struct guest *guest) {
	vmm_snd_close(&guest->snd);
	vmm_ram_finish(&guest->ram);
}

static void guest_feed(struct guest *guest, uint32_t periods) {
	struct vmm_snd_done done;
	while (vmm_snd_take(&guest->snd, &done)) {
		ck_assert_uint_eq(done.status, VMM_SND_OK);
		guest->done_periods++;
	}
	while (guest->sent_periods < periods && vmm_snd_in_flight(&guest->snd) < PERIODS) {
		int16_t pcm[PERIOD_FRAMES * 2];
		for (uint32_t i = 0; i < PERIOD_FRAMES; i++) {
			uint32_t frame = guest->sent_periods * PERIOD_FRAMES + i;
			pcm[2 * i] = (int16_t)sample_of(guest->seed, frame);
			pcm[2 * i + 1] = (int16_t)-pcm[2 * i];
		}
		ck_assert_int_eq(
			vmm_snd_send(&guest->snd, 0, pcm, sizeof(pcm), guest->sent_periods), 0);
		guest->sent_periods++;
	}
}

static void guest_start(struct guest *guest) {
	ck_assert_uint_eq(vmm_snd_command(&guest->snd, VMM_SND_START, 0), VMM_SND_OK);
}

static void guest_stop(struct guest *guest) {
	ck_assert_uint_eq(vmm_snd_command(&guest->snd, VMM_SND_STOP, 0), VMM_SND_OK);
	ck_assert_uint_eq(vmm_snd_command(&guest->snd, VMM_SND_RELEASE, 0), VMM_SND_OK);
}

static float tape[48000 * 4 * 2];

static uint32_t record(struct sink_reader *reader, uint32_t at) {
	uint32_t got;
	while ((got = sink_reader_read(reader, tape + (size_t)2 * at, 1000)) > 0) {
		at += got;
	}
	ck_assert_uint_eq(reader->lost, 0);
	return at;
}

START_TEST(two_processes_are_mixed_and_one_is_killed) {
	struct sink_reader reader;
	ck_assert_int_eq(sink_reader_init(&reader, fd_reopen_readonly(sink_fd)), 0);
	static struct guest guests[GUESTS];
	for (unsigned i = 0; i < GUESTS; i++) {
		guest_init(&guests[i], i);
		guest_feed(&guests[i], 1000);
		guest_start(&guests[i]);
	}
	/* a sink that waits: all that was mixed before the second START is the first one's */
	uint32_t frames = 0;
	while (guests[0].done_periods < 30 || guests[1].done_periods < 30) {
		guest_feed(&guests[0], 1000);
		guest_feed(&guests[1], 1000);
		usleep(1000);
	}
	kill(sounds[0].pid, SIGKILL);
	ck_assert(WIFSIGNALED(wait_for(&sounds[0])));
	while (guests[1].done_periods < 60) {
		guest_feed(&guests[1], 60);
		usleep(1000);
	}
	guest_stop(&guests[1]);
	/* the tail of the end is written, then nothing */
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	nanosleep(&pause, NULL);
	frames = record(&reader, frames);

	/* find where the second guest begins: the first one alone until then */
	uint32_t begin = 0;
	while (tape[2 * begin] * 32768.0f == (float)sample_of(0, begin)) {
		begin++;
	}
	ck_assert_uint_ge(frames, begin + 60 * PERIOD_FRAMES);
	uint32_t death = 0;
	for (uint32_t i = begin; i < begin + 60 * PERIOD_FRAMES; i++) {
		float rest = tape[2 * (size_t)i] * 32768.0f - (float)sample_of(1, i - begin);
		if (death == 0 && rest != (float)sample_of(0, i)) {
			death = i;
		}
		if (death != 0 && i >= death + FIVE_MS) {
			ck_assert_msg(rest == 0, "frame %u: %g", i, rest);
		}
	}
	/* what the dead one had completed was heard */
	ck_assert_uint_ge(death, 30 * PERIOD_FRAMES);

	/* the keeper starts another, and the guest's VM comes back */
	guest_finish(&guests[0]);
	start_sound(0);
	guest_init(&guests[0], 0);
	guest_feed(&guests[0], 8);
	guest_start(&guests[0]);
	while (guests[0].done_periods < 8) {
		guest_feed(&guests[0], 8);
		usleep(1000);
	}
	guest_stop(&guests[0]);
	uint32_t again = record(&reader, 0);
	ck_assert_uint_ge(again, 8 * PERIOD_FRAMES);
	for (uint32_t i = 0; i < 8 * PERIOD_FRAMES; i++) {
		ck_assert(tape[2 * (size_t)i] * 32768.0f == (float)sample_of(0, i));
	}

	/* a session that ends ends its process, with 0 */
	guest_finish(&guests[1]);
	ck_assert_int_eq(wait_for(&sounds[1]), 0);
	guest_finish(&guests[0]);
	ck_assert_int_eq(wait_for(&sounds[0]), 0);
	sink_reader_finish(&reader);
	end_all();
}
END_TEST

START_TEST(one_process_is_stopped_and_the_other_plays_on) {
	static struct guest guests[GUESTS];
	for (unsigned i = 0; i < GUESTS; i++) {
		guest_init(&guests[i], i);
		guest_feed(&guests[i], 1000);
		guest_start(&guests[i]);
	}
	while (guests[0].done_periods < 10 || guests[1].done_periods < 10) {
		guest_feed(&guests[0], 1000);
		guest_feed(&guests[1], 1000);
		usleep(1000);
	}
	kill(sounds[0].pid, SIGSTOP);
	uint32_t until = guests[1].done_periods + 50;
	while (guests[1].done_periods < until) {
		guest_feed(&guests[1], 1000);
		usleep(1000);
	}
	kill(sounds[0].pid, SIGCONT);
	until = guests[0].done_periods + 10;
	while (guests[0].done_periods < until) {
		guest_feed(&guests[0], 1000);
		guest_feed(&guests[1], 1000);
		usleep(1000);
	}
	for (unsigned i = 0; i < GUESTS; i++) {
		guest_finish(&guests[i]);
		ck_assert_int_eq(wait_for(&sounds[i]), 0);
	}
	end_all();
}
END_TEST

/* Page faults of the thread that mixes, from /proc: minor and major. */
static uint64_t thread_faults(pid_t pid, const char *name) {
	for (pid_t tid = pid; tid < pid + 64; tid++) {
		char path[64], text[512];
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
		FILE *file = fopen(path, "re");
		if (file == NULL) {
			continue;
		}
		size_t len = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
		text[len] = '\0';
		if (strstr(text, name) == NULL) {
			continue;
		}
		unsigned long minor, major;
		char *rest = strrchr(text, ')');
		ck_assert_int_eq(
			sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %lu %*u %lu", &minor, &major),
			2);
		return minor + major;
	}
	ck_abort_msg("no thread %s", name);
	return 0;
}

static bool memory_is_locked(pid_t pid) {
	char path[64], line[256];
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *file = fopen(path, "re");
	long kib = 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		sscanf(line, "VmLck: %ld", &kib);
	}
	fclose(file);
	return kib > 0;
}

START_TEST(the_mix_takes_no_page_fault) {
	static struct guest guest;
	guest_init(&guest, 0);
	guest_feed(&guest, 4);
	guest_start(&guest);
	while (guest.done_periods < 2) {
		guest_feed(&guest, 200);
		usleep(1000);
	}
	bool locked = memory_is_locked(mixer.pid);
	uint64_t before = thread_faults(mixer.pid, "(mixer-rt)");
	while (guest.done_periods < 100) {
		guest_feed(&guest, 200);
		usleep(1000);
	}
	uint64_t after = thread_faults(mixer.pid, "(mixer-rt)");
	/* without the right to lock memory (and under sanitizers, which need theirs) nothing is promised */
	ck_assert_msg(!locked || after == before, "%d faults", (int)(after - before));
	guest_finish(&guest);
	ck_assert_int_eq(wait_for(&sounds[0]), 0);
	end_all();
}
END_TEST

/* ---- chimes ---- */

static void open_requester(struct cue_requester *requester) {
	int granted[CUE_FDS];
	ck_assert_int_eq(cue_grant_fds(cue_fds, false, granted), 0);
	ck_assert_int_eq(cue_requester_init(requester, granted), 0);
}

static void wait_for_progress(
	const struct cue_requester *requester, uint64_t number, enum cue_progress progress) {
	for (int i = 0; i < 60000 && cue_progress(requester, number) != progress; i++) {
		usleep(1000);
	}
	ck_assert_int_eq(cue_progress(requester, number), progress);
}

/* By the real thread, which may neither allocate nor make a system call of its own for it. */
START_TEST(a_chime_is_asked_for_and_heard) {
	struct cue_requester requester;
	struct sink_reader reader;
	struct chimes chimes;
	open_requester(&requester);
	ck_assert_int_eq(sink_reader_init(&reader, fd_reopen_readonly(sink_fd)), 0);
	ck_assert_int_eq(chimes_map(&chimes, bank_fd, 48000), 0);

	uint64_t number = cue_request(&requester, CUE_CHIME_WARNING, clock_now_ns());
	wait_for_progress(&requester, number, CUE_HEARD);
	uint32_t frames = record(&reader, 0);
	uint32_t chime_frames = chimes.entries[CUE_CHIME_WARNING].frames;
	ck_assert_uint_ge(frames, chime_frames);
	/* once the programme is down, each sample is the bank's own */
	const float *samples = chimes_samples(&chimes, CUE_CHIME_WARNING);
	const uint32_t attack = FIVE_MS;
	ck_assert_mem_eq(tape + (size_t)2 * attack, samples + (size_t)2 * attack,
		2 * sizeof(float) * (chime_frames - attack));

	chimes_unmap(&chimes);
	sink_reader_finish(&reader);
	cue_requester_finish(&requester);
	end_all();
}
END_TEST

/* A bank with one bit changed: no chime, and a mixer that runs all the same. */
START_TEST(a_damaged_bank_is_refused) {
	static uint8_t copy[8 << 20];
	ssize_t len = pread(bank_fd, copy, sizeof(copy), 0);
	ck_assert_int_gt(len, 5000);
	copy[5000] ^= 1;
	fd_close(&bank_fd);
	bank_fd = fd_memfd_create_constant("chimes", copy, (size_t)len);
	ck_assert_int_ge(bank_fd, 0);
	kill(mixer.pid, SIGTERM);
	ck_assert_int_eq(wait_for(&mixer), 0);
	start_mixer();

	struct cue_requester requester;
	open_requester(&requester);
	uint64_t number = cue_request(&requester, CUE_CHIME_WARNING, clock_now_ns());
	wait_for_progress(&requester, number, CUE_REFUSED);
	cue_requester_finish(&requester);
	end_all();
}
END_TEST

/* ---- alone ---- */

static void play_alone(unsigned guest) {
	static struct guest player;
	guest_init(&player, guest);
	guest_feed(&player, 4);
	guest_start(&player);
	while (player.done_periods < 20) {
		guest_feed(&player, 20);
		usleep(1000);
	}
	guest_stop(&player);
	guest_finish(&player);
}

START_TEST(alone_at_a_path) {
	char option[128];
	fd_close(&listeners[0]);
	unlink(socket_path(0));
	snprintf(option, sizeof(option), "--socket-path=%s", socket_path(0));
	const char *const argv[] = { "fascia-sound", option, "--quantum=64", NULL };
	struct program alone = start(getenv("FASCIA_SOUND"), NULL, argv);
	play_alone(0);
	ck_assert_int_eq(wait_for(&alone), 0);
	end_all();
}
END_TEST

START_TEST(terminated_alone) {
	char option[128];
	fd_close(&listeners[0]);
	unlink(socket_path(0));
	snprintf(option, sizeof(option), "--socket-path=%s", socket_path(0));
	const char *const argv[] = { "fascia-sound", option, NULL };
	struct program alone = start(getenv("FASCIA_SOUND"), NULL, argv);
	static struct guest player;
	guest_init(&player, 0);
	kill(alone.pid, SIGTERM);
	ck_assert_int_eq(wait_for(&alone), 0);
	guest_finish(&player);
	end_all();
}
END_TEST

START_TEST(usage_errors_say_so) {
	static const char *const rows[][4] = {
		{ "fascia-sound", "--streams=0", NULL },
		{ "fascia-sound", "--fd=x", NULL },
		{ "fascia-sound", "--socket-path=/x", "--fd=5", NULL },
		{ "fascia-sound", "--quantum=8", NULL },
		{ "fascia-sound", "stray", NULL },
	};
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct program program = start(getenv("FASCIA_SOUND"), NULL, rows[i]);
		int status = wait_for(&program);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 2);
	}
	end_all();
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio programs");
	TCase *tcase = suite_case(suite, "programs");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, two_processes_are_mixed_and_one_is_killed);
	tcase_add_test(tcase, one_process_is_stopped_and_the_other_plays_on);
	tcase_add_test(tcase, the_mix_takes_no_page_fault);
	tcase_add_test(tcase, a_chime_is_asked_for_and_heard);
	tcase_add_test(tcase, a_damaged_bank_is_refused);
	tcase_add_test(tcase, alone_at_a_path);
	tcase_add_test(tcase, terminated_alone);
	tcase_add_test(tcase, usage_errors_say_so);
	return suite;
}
