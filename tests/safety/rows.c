#include "tests/safety/row.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "compositor/screen_state.h"
#include "core/clock.h"
#include "core/frame_link.h"
#include "core/macros.h"

#define LAMP_ON SIGNAL_BRAKE    /* lit in the cockpit at rest */
#define LAMP_OFF SIGNAL_ENGINE  /* not lit */
#define LAMP_CHIMES SIGNAL_OIL_PRESSURE /* not lit, and has a warning chime */
#define PET_MS 50
#define REAP_TRIES 600000 /* a minute: a guard against hanging */
#define STARVE_AFTER_NS (60 * NS_PER_MS) /* loaded, a fork takes its time */
#define STARVE_NS (30 * NS_PER_MS)
#define FLICKER_ROUNDS 6
#define FLICKER_TICKS 60 /* long enough to come back */
#define LATCH_TICKS 60
#define SCRIBBLE_NS (60 * NS_PER_MS)
#define BITE_MS 150

/* ---- what pictures must be ---- */

static bool is_fallback(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return sight->cluster == SIGHT_FALLBACK && sight->wrong == 0;
}

/* And the other guest does not notice. */
static bool is_fallback_alone(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return is_fallback(cockpit, shot, sight) && sight->other == SIGHT_GUEST;
}

static bool is_right(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return (sight->cluster == SIGHT_GUEST || sight->cluster == SIGHT_FALLBACK) &&
		sight->wrong == 0;
}

/* The other guest's layer is a placeholder, and the cluster does not notice. */
static bool is_placeholder(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return sight->other == SIGHT_PLACEHOLDER && sight->cluster == SIGHT_GUEST &&
		sight->wrong == 0;
}

static bool is_disturbed(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return sight->cluster != SIGHT_GUEST || sight->wrong != 0;
}

static bool is_torn(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return sight->cluster == SIGHT_TORN || sight->wrong != 0;
}

/* A tag that went back: an old picture is shown. */
static bool is_old(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	struct sight before;
	uint64_t len = observer_len(&cockpit->observer);
	uint32_t newest = 0;
	for (uint64_t i = shot->first_sight > 0 ? shot->first_sight - 1 : 0; i < len; i++) {
		if (!observer_get(&cockpit->observer, i, &before) ||
			before.number >= sight->number) {
			break;
		}
		if (before.cluster == SIGHT_GUEST) {
			newest = MAX(newest, before.counter);
		}
	}
	return sight->cluster == SIGHT_GUEST && sight->counter < newest;
}

/* Neither the guest's last picture nor anything that is nobody's. */
static bool is_leftover(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return sight->cluster == SIGHT_OTHER || sight->cluster == SIGHT_BLACK || sight->wrong != 0;
}

static bool has_all_lit(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	for (uint32_t i = 0; i < cockpit->atlas.elements_len && i < 64; i++) {
		const struct atlas_element *element = &cockpit->atlas.elements[i];
		if (element->safety && element->kind == ATLAS_LAMP &&
			(sight->lit & UINT64_C(1) << i) == 0) {
			return false;
		}
	}
	return true;
}

static bool is_never(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return false;
}

/* ---- faults of guests ---- */

static int fault_guest(struct cockpit *cockpit, struct shot *shot, struct cluster_guest *guest,
	enum guest_fault fault, uint32_t signal, uint32_t lasts) {
	uint32_t index = 0;
	struct rect place = { 0 };
	if (!cockpit_element(cockpit, signal, &index, &place)) {
		return -ENOENT;
	}
	cluster_guest_set_fault(guest, fault, index, &place, lasts);
	/* its own clock says when; a picture or two from now */
	for (unsigned i = 0; cockpit->options.is_real && i < 200; i++) {
		if (atomic_load(&guest->shared->fault_ns) != 0) {
			break;
		}
		nanosleep(&(struct timespec) { .tv_nsec = 500000 }, NULL);
	}
	shot->onset_ns = atomic_load(&guest->shared->fault_ns);
	return 0;
}

#define CLUSTER_FAULT(name, fault, signal, lasts)                                                  \
	static int name(struct cockpit *cockpit, struct shot *shot) {                              \
		return fault_guest(cockpit, shot, &cockpit->cluster, fault, signal, lasts);        \
	}
#define OTHER_FAULT(name, fault)                                                                   \
	static int name(struct cockpit *cockpit, struct shot *shot) {                              \
		return fault_guest(cockpit, shot, &cockpit->other, fault, LAMP_ON, 0);             \
	}

CLUSTER_FAULT(reset_guest, GUEST_RESET, LAMP_ON, 0)
CLUSTER_FAULT(panic_guest, GUEST_PANIC, LAMP_ON, 0)
CLUSTER_FAULT(stick_heartbeat, GUEST_SAME_BEAT, LAMP_ON, 0)
CLUSTER_FAULT(freeze_guest, GUEST_FREEZE, LAMP_ON, 0)
CLUSTER_FAULT(lag_guest, GUEST_LAG, LAMP_ON, 0)
CLUSTER_FAULT(corrupt_lamp, GUEST_CORRUPT, LAMP_ON, 0)
CLUSTER_FAULT(omit_lamp, GUEST_MISSING, LAMP_ON, 0)
CLUSTER_FAULT(light_lamp, GUEST_UNREQUESTED, LAMP_OFF, 0)
CLUSTER_FAULT(shift_lamp, GUEST_SHIFT, LAMP_ON, 0)
CLUSTER_FAULT(mirror_lamp, GUEST_MIRROR, LAMP_ON, 0)
CLUSTER_FAULT(put_cursor, GUEST_CURSOR, LAMP_ON, 0)
CLUSTER_FAULT(clear_alpha, GUEST_ALPHA, LAMP_ON, 0)
CLUSTER_FAULT(tear_picture, GUEST_TORN, LAMP_ON, 0)
CLUSTER_FAULT(truncate_memory, GUEST_TRUNCATE, LAMP_ON, 0)
CLUSTER_FAULT(blank_guest, GUEST_BLANK, LAMP_ON, 0)
OTHER_FAULT(blacken_other, GUEST_BLACK)
OTHER_FAULT(silence_other, GUEST_SILENT)
OTHER_FAULT(reset_other, GUEST_RESET)

/* The copy cannot be switched off: the control run shows that what is written before it, unverified,
 * would be seen. */
static int write_over(struct cockpit *cockpit, struct shot *shot) {
	/* or what got through would be painted over before it is seen */
	int error = cockpit_mechanism(cockpit, MECHANISM_EXACT, false);
	return error != 0
		? error
		: fault_guest(cockpit, shot, &cockpit->cluster,
			  shot->is_control ? GUEST_WRITE_BEFORE : GUEST_WRITE_AFTER, LAMP_ON, 0);
}

static int kill_guest(struct cockpit *cockpit, struct shot *shot) {
	shot->onset_ns = cluster_guest_kill(&cockpit->cluster);
	return 0;
}

static int kill_other(struct cockpit *cockpit, struct shot *shot) {
	shot->onset_ns = cluster_guest_kill(&cockpit->other);
	return 0;
}

/* ---- faults of processes ---- */

static int signal_process(
	struct cockpit *cockpit, struct shot *shot, const char *name, int number) {
	shot->process = cockpit_pid(cockpit, name);
	shot->onset_ns = clock_now_ns();
	return shot->process > 0 && kill(shot->process, number) == 0 ? 0 : -ESRCH;
}

/* Stepped: there is a tick between its death and what its guest does next. */
static int kill_process(struct cockpit *cockpit, struct shot *shot, const char *name) {
	int error = signal_process(cockpit, shot, name, SIGKILL);
	for (unsigned i = 0; error == 0 && !cockpit->options.is_real && kill(shot->process, 0) == 0;
		i++) {
		if (i == REAP_TRIES) {
			return -ETIMEDOUT;
		}
		nanosleep(&(struct timespec) { .tv_nsec = 100000 }, NULL);
	}
	return error != 0 || cockpit->options.is_real ? error : cockpit_step(cockpit);
}

static int kill_endpoint(struct cockpit *cockpit, struct shot *shot) {
	return kill_process(cockpit, shot, "gpu-cluster");
}

static int stop_endpoint(struct cockpit *cockpit, struct shot *shot) {
	cockpit->is_endpoint_stopped = true;
	return signal_process(cockpit, shot, "gpu-cluster", SIGSTOP);
}

static int kill_other_endpoint(struct cockpit *cockpit, struct shot *shot) {
	return kill_process(cockpit, shot, "gpu-ivi");
}

static int kill_compositor(struct cockpit *cockpit, struct shot *shot) {
	return signal_process(cockpit, shot, "compositor", SIGKILL);
}

static void continue_process(struct cockpit *cockpit, struct shot *shot) {
	cockpit->is_endpoint_stopped = false;
	if (shot->process > 0) {
		kill(shot->process, SIGCONT);
	}
}

/* Nobody starts a successor then. */
static int stop_keeper(struct cockpit *cockpit) {
	return kill(cockpit_pid(cockpit, "keeper"), SIGSTOP) == 0 ? 0 : -errno;
}

static void continue_keeper(struct cockpit *cockpit, struct shot *shot) {
	kill(cockpit_pid(cockpit, "keeper"), SIGCONT);
}

/* ---- faults inside the compositor ---- */

#define INJECTION(name, fault, thing, number, ticks)                                               \
	static int name(struct cockpit *cockpit, struct shot *shot) {                              \
		return cockpit_inject(cockpit, fault, thing, number, ticks);                       \
	}

INJECTION(overdraw_lamp, INJECT_OVERDRAW, "brake", 0, 0)
INJECTION(corrupt_composed, INJECT_FLIP_COMPOSED, "brake", 0, 0)
INJECTION(corrupt_shown, INJECT_FLIP_SHOWN, "brake", 0, 1)
INJECTION(stall_ticks, INJECT_STALL, "", 40, 10)
INJECTION(lose_flips, INJECT_LOSE_FLIP, "", 0, 600)
INJECTION(refuse_once, INJECT_COMMIT_ERROR, "", 0, 1)
INJECTION(refuse_all, INJECT_COMMIT_ERROR, "", 0, 600)
INJECTION(unplug, INJECT_UNPLUG, "", 0, 600)
INJECTION(change_mode, INJECT_MODE, "", 0, 0)
INJECTION(hang, INJECT_HANG, "", 0, 0)
INJECTION(blind_checks, INJECT_BLIND, "", 0, 6000)
INJECTION(stale_readback, INJECT_STALE_READBACK, "", 0, 600)
INJECTION(flip_atlas, INJECT_FLIP_ATLAS, "placeholder/ivi", 0, 0)
INJECTION(speed_clock_up, INJECT_CLOCK, "", 30, 6000)
INJECTION(resume_badly, INJECT_RESUME, "", 0, 0)
INJECTION(skip_pets, INJECT_SKIP_STEP, "", 0, 600)
INJECTION(pet_early, INJECT_EARLY_PET, "", 0, 600)

/* ---- signals and chimes ---- */

static int pause_signals(struct cockpit *cockpit, struct shot *shot) {
	atomic_store(&cockpit->source.is_paused, true);
	return 0;
}

static int corrupt_signals(struct cockpit *cockpit, struct shot *shot) {
	atomic_store(&cockpit->source.is_corrupt, true);
	return 0;
}

/* A chime is asked for once a second at most. */
static int let_a_second_pass(struct cockpit *cockpit, struct shot *shot) {
	for (unsigned i = 0; i < 66; i++) {
		(void)cockpit_tick(cockpit);
	}
	return 0;
}

static int drop_cue(struct cockpit *cockpit, struct shot *shot) {
	int error = cockpit_inject(cockpit, INJECT_DROP_CUES, "", 0, 600);
	shot->onset_ns = clock_now_ns();
	cockpit_set_value(cockpit, LAMP_CHIMES, 1);
	return error;
}

static void unlight_chime(struct cockpit *cockpit, struct shot *shot) {
	cockpit_set_value(cockpit, LAMP_CHIMES, 0);
}

/* ---- a taken-over endpoint ---- */

/* The producer page of the cluster's endpoint, through its own descriptor. */
static struct frame_producer_page *open_producer_page(const struct cockpit *cockpit) {
	char dir[64], path[384], target[256];
	pid_t pid = cockpit_pid(cockpit, "gpu-cluster");
	struct frame_producer_page *page = MAP_FAILED;
	snprintf(dir, sizeof(dir), "/proc/%d/map_files", (int)pid);
	DIR *files = opendir(dir);
	const struct dirent *entry;
	while (files != NULL && page == MAP_FAILED && (entry = readdir(files)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		ssize_t len = readlink(path, target, sizeof(target) - 1);
		struct stat stat;
		if (len <= 0 || fstatat(dirfd(files), entry->d_name, &stat, 0) != 0 ||
			(size_t)stat.st_size != frame_link_producer_page_bytes()) {
			continue;
		}
		int fd = open(path, O_RDWR | O_CLOEXEC);
		page = fd < 0
			? MAP_FAILED
			: mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (page != MAP_FAILED && page->header.magic != FRAME_LINK_MAGIC) {
			munmap(page, sizeof(*page));
			page = MAP_FAILED;
		}
	}
	if (files != NULL) {
		closedir(files);
	}
	return page == MAP_FAILED ? NULL : page;
}

static void set_strides(struct frame_producer_page *page, uint32_t stride) {
	for (unsigned i = 0; i < MAILBOX_SLOTS; i++) {
		((volatile struct frame *)&page->channels[0].frames[i])->stride = stride;
	}
}

static void draw_and_scribble(struct cockpit *cockpit, struct frame_producer_page *page) {
	(void)cluster_guest_draw(&cockpit->cluster);
	set_strides(page, UINT32_MAX - 3);
	(void)cockpit_step(cockpit);
}

/* Every frame it publishes meanwhile is impossible. Its own books are in there, too: they are put right
 * again, or it would find no free buffer any more. */
static int scribble_frames(struct cockpit *cockpit, struct shot *shot) {
	struct frame_producer_page *page = open_producer_page(cockpit);
	if (page == NULL) {
		return -ENODEV;
	}
	uint32_t good = page->channels[0].frames[0].stride;
	shot->onset_ns = clock_now_ns();
	if (cockpit->options.is_real) {
		while (clock_now_ns() < shot->onset_ns + SCRIBBLE_NS) {
			set_strides(page, UINT32_MAX - 3);
		}
	} else {
		/* between the publication and the tick that takes it */
		draw_and_scribble(cockpit, page);
	}
	set_strides(page, good);
	munmap(page, sizeof(*page));
	return 0;
}

/* ---- load ---- */

/* Every processor is taken away for some milliseconds, by threads of a higher priority. */
static int starve(struct cockpit *cockpit, struct shot *shot) {
	/* all begin at once: the first to run would keep the others from being made */
	shot->onset_ns = clock_now_ns() + STARVE_AFTER_NS;
	for (int cpu = 0; cpu < (int)sysconf(_SC_NPROCESSORS_ONLN); cpu++) {
		pid_t pid = fork();
		if (pid > 0) {
			waitpid(pid, NULL, 0);
		} else if (pid == 0 && fork() != 0) {
			_exit(0); /* nobody waits for what is left */
		} else if (pid == 0) {
			cpu_set_t set;
			const struct sched_param parameter = { .sched_priority = 90 };
			CPU_ZERO(&set);
			CPU_SET((size_t)cpu, &set);
			(void)sched_setaffinity(0, sizeof(set), &set);
			if (sched_setscheduler(0, SCHED_FIFO, &parameter) != 0) {
				_exit(1);
			}
			const struct timespec begin = {
				.tv_sec = (time_t)(shot->onset_ns / NS_PER_S),
				.tv_nsec = (long)(shot->onset_ns % NS_PER_S),
			};
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &begin, NULL);
			while (clock_now_ns() < shot->onset_ns + STARVE_NS) {
			}
			_exit(0);
		}
	}
	return 0;
}

/* ---- answers that are no pictures ---- */

static bool is_state(struct cockpit *cockpit, struct shot *shot, enum screen_state state) {
	if (cockpit_stat(cockpit, "compositor", "output.main.state") != state) {
		return false;
	}
	if (shot->safe_ns == 0) {
		shot->safe_ns = clock_now_ns();
	}
	return true;
}

/* When the safe state was entered, as recorded: no picture tells of it. */
static bool is_in_safe_state(struct cockpit *cockpit, struct shot *shot) {
	struct safety_record record;
	uint64_t number = shot->first_record;
	while (cockpit_record(cockpit, number, FAULT_NONE, &record)) {
		if (strcmp(record.to, "safe") == 0) {
			shot->safe_ns = record.safe_ns != 0 ? record.safe_ns : record.detect_ns;
			return is_state(cockpit, shot, SCREEN_SAFE);
		}
		number = atomic_load(&record.number);
	}
	return false;
}

static bool is_recorded(struct cockpit *cockpit, struct shot *shot) {
	shot->safe_ns = shot->detect_ns;
	return shot->detect_ns != 0;
}

/* Counted, but not each time recorded. */
static int count_late(struct cockpit *cockpit, struct shot *shot) {
	shot->number = cockpit_stat(cockpit, "compositor", "compositor.late");
	return 0;
}

static bool is_counted_late(struct cockpit *cockpit, struct shot *shot) {
	if (clock_now_ns() < shot->onset_ns) {
		return count_late(cockpit, shot) != 0; /* not by this yet */
	}
	if (cockpit_stat(cockpit, "compositor", "compositor.late") == shot->number) {
		return false;
	}
	shot->detect_ns = shot->safe_ns = clock_now_ns();
	return true;
}

/* A window watchdog at the far end would have bitten. */
static bool is_bitten(struct cockpit *cockpit, struct shot *shot) {
	if (!cockpit->options.is_real) {
		return false;
	}
	shot->safe_ns = pets_bite(
		&cockpit->pets, shot->onset_ns, PET_MS / 2 * NS_PER_MS, BITE_MS * NS_PER_MS);
	return shot->safe_ns != 0;
}

/* A compositor that was started anew has shown the fallback. */
static bool has_light(struct cockpit *cockpit, struct shot *shot) {
	struct sight sight;
	pid_t pid = cockpit_pid(cockpit, "compositor");
	if (pid <= 0 || pid == shot->process) {
		return false;
	}
	for (uint64_t i = shot->first_sight; observer_get(&cockpit->observer, i, &sight); i++) {
		if (sight.shown_ns > shot->onset_ns && sight.cluster == SIGHT_FALLBACK) {
			shot->safe_ns = sight.shown_ns;
			return true;
		}
	}
	return false;
}

/* The fallback was latched: it stays although the guest is well again. */
static bool is_latched(struct cockpit *cockpit, struct shot *shot) {
	if (shot->detect_ns != 0) {
		for (unsigned i = 0; i < LATCH_TICKS; i++) {
			(void)cockpit_tick(cockpit);
		}
		shot->safe_ns = shot->detect_ns; /* it is the fallback already that is latched */
		return is_state(cockpit, shot, SCREEN_FALLBACK);
	}
	if (shot->number++ < FLICKER_ROUNDS) {
		cluster_guest_set_fault(&cockpit->cluster, GUEST_BLANK, 0, NULL, 4);
		for (unsigned i = 0; i < FLICKER_TICKS; i++) {
			(void)cockpit_tick(cockpit);
		}
	}
	return false;
}

/* ---- picture and sound ---- */

#define STALLS 5
#define STALL_MS 60
#define STILL_MS 100
#define SETTLE_MS 50
#define MARKS 3

static void sleep_ms(long ms) {
	nanosleep(&(struct timespec) { .tv_nsec = ms * (long)NS_PER_MS }, NULL);
}

/* What comes after the fault is measured: whatever was queued meanwhile would be late. */
static void begin_marks(struct cockpit *cockpit) {
	sleep_ms(SETTLE_MS);
	lipsync_begin(&cockpit->lipsync, &cockpit->other, &cockpit->observer);
}

static int stall_pictures(struct cockpit *cockpit, struct shot *shot) {
	int error = cockpit_inject(cockpit, INJECT_STALL, "", STALL_MS, STALLS);
	sleep_ms(STALL_MS * STALLS);
	begin_marks(cockpit);
	return error;
}

static int stop_mixer(struct cockpit *cockpit, struct shot *shot) {
	int error = signal_process(cockpit, shot, "mixer", SIGSTOP);
	sleep_ms(STILL_MS);
	continue_process(cockpit, shot);
	begin_marks(cockpit);
	return error;
}

/* The safety layer is not delayed for it: every element right in every picture, as ever. */
static uint32_t count_wrong(const struct cockpit *cockpit, const struct shot *shot) {
	uint32_t wrong = 0;
	struct sight sight;
	for (uint64_t i = shot->first_sight; observer_get(&cockpit->observer, i, &sight); i++) {
		wrong += sight.wrong != 0;
	}
	return wrong;
}

/* The worst of some marks, as if it were the time from onset to safe. */
static bool is_in_step(struct cockpit *cockpit, struct shot *shot) {
	struct lipsync *lipsync = &cockpit->lipsync;
	if (lipsync->marks < MARKS) {
		(void)lipsync_take(lipsync, &cockpit->other, &cockpit->observer);
	}
	if (lipsync->marks < MARKS) {
		return false;
	}
	shot->wrong_pictures = count_wrong(cockpit, shot);
	shot->onset_ns = lipsync->worst_at_ns;
	shot->safe_ns = lipsync->worst_at_ns + lipsync->worst_ns;
	return true;
}

static int queue_pictures(struct cockpit *cockpit) {
	cluster_guest_set_fault(&cockpit->other, GUEST_LAG, 0, NULL, 0);
	return 0;
}

static int ignore_clock(struct cockpit *cockpit) {
	cluster_guest_set_fault(&cockpit->other, GUEST_OWN_CLOCK, 0, NULL, 0);
	return 0;
}

static int nothing(struct cockpit *cockpit, struct shot *shot) {
	return 0;
}

#define CAUSES(...) .causes = { __VA_ARGS__ }
#define CONTROLS(...)                                                                              \
	.controls = { __VA_ARGS__ },                                                               \
	.controls_len = sizeof((enum mechanism[]) { __VA_ARGS__ }) / sizeof(enum mechanism)

const struct row rows[] = {
	{ "1", "the cluster's VMM is killed",
		"The fallback HMI takes the cluster's place within two frames.",
		"hang-up of the vhost-user socket, told through the link", NULL,
		CAUSES(FAULT_HUNG_UP, FAULT_DIED), CONTROLS(MECHANISM_LOSS), .safe_ms = 33,
		.inject = kill_guest, .is_safe = is_fallback },
	{ "1b", "the other guest's VMM is killed",
		"A placeholder takes its place within two frames; the cluster does not notice.",
		"hang-up of the vhost-user socket, told through the link", NULL,
		CAUSES(FAULT_HUNG_UP, FAULT_DIED), CONTROLS(MECHANISM_LOSS), .safe_ms = 33,
		.inject = kill_other, .is_safe = is_placeholder, .is_wrong = is_disturbed },
	{ "2", "the guest's kernel resets its devices and goes on no further",
		"The fallback HMI within 100 ms.", "device reset, told through the link", NULL,
		CAUSES(FAULT_RESET, FAULT_BLANKED), CONTROLS(MECHANISM_LOSS, MECHANISM_HEARTBEAT),
		.safe_ms = 100, .inject = reset_guest, .is_safe = is_fallback },
	{ "3", "the guest hangs: neither pictures nor heartbeats",
		"Noticed by three missing heartbeats (150 ms), the fallback within three frames.",
		"heartbeat over the guest channel", NULL, CAUSES(FAULT_HEARTBEAT),
		CONTROLS(MECHANISM_HEARTBEAT), .detect_ms = 170, .inject = panic_guest,
		.is_safe = is_fallback },
	{ "3b", "the guest's heartbeat comes with a number that stands still",
		"Noticed as a missing heartbeat is.", "heartbeat over the guest channel", NULL,
		CAUSES(FAULT_HEARTBEAT_FROZEN), CONTROLS(MECHANISM_HEARTBEAT), .detect_ms = 170,
		.inject = stick_heartbeat, .is_safe = is_fallback },
	{ "4", "the guest flushes the same picture again and again",
		"Noticed after the configured number of pictures; the fallback within 100 ms.",
		"the frame tag's counter", NULL, CAUSES(FAULT_FROZEN), CONTROLS(MECHANISM_FROZEN),
		.safe_ms = 100, .inject = freeze_guest, .is_safe = is_fallback },
	{ "5", "the guest shows pictures of ten pictures ago", "No old picture is ever shown.",
		"the frame tag's counter and time", NULL, CAUSES(FAULT_LAGGED),
		CONTROLS(MECHANISM_ORDER), .detect_ms = 50, .inject = lag_guest,
		.is_safe = is_right, .is_wrong = is_old },
	{ "6", "one bit of a requested telltale is wrong",
		"It is never shown: the host's own picture takes its place in the same frame.",
		"EXACT check of the composed picture before it is shown", NULL,
		CAUSES(FAULT_WRONG_PIXELS), CONTROLS(MECHANISM_EXACT), .detect_ms = 33,
		.safe_ms = 33, .inject = corrupt_lamp, .is_safe = is_right },
	{ "6b", "a bit of a telltale is wrong in the composed picture",
		"It is never shown: it is drawn again from the atlas in the same frame.",
		"EXACT check of the composed picture before it is shown", NULL,
		CAUSES(FAULT_WRONG_PIXELS, FAULT_SHOWN_WRONG), CONTROLS(MECHANISM_EXACT),
		.detect_ms = 33, .safe_ms = 33, .inject = corrupt_composed, .is_safe = is_right },
	{ "6c", "a bit of a telltale changes behind the check", "It is seen for one frame at most.",
		"what is shown is read back and compared in the next frame", NULL,
		CAUSES(FAULT_SHOWN_WRONG), CONTROLS(MECHANISM_READBACK), .detect_ms = 33,
		.safe_ms = 50, .wrong_max = 1, .inject = corrupt_shown, .is_safe = is_right },
	{ "7", "a requested telltale is not drawn", "It is shown all the same, in the same frame.",
		"EXACT check against the requested state", NULL, CAUSES(FAULT_WRONG_PIXELS),
		CONTROLS(MECHANISM_EXACT), .detect_ms = 50, .safe_ms = 50, .inject = omit_lamp,
		.is_safe = is_right },
	{ "8", "a telltale is drawn that was not requested", "It is never shown.",
		"OFF check against the picture switched off", NULL, CAUSES(FAULT_WRONG_PIXELS),
		CONTROLS(MECHANISM_EXACT), .detect_ms = 50, .safe_ms = 50, .inject = light_lamp,
		.is_safe = is_right },
	{ "9", "a telltale is drawn some pixels beside its place",
		"It is never shown there; found to be misplaced.",
		"EXACT check, then a search around the place", NULL, CAUSES(FAULT_MISPLACED),
		CONTROLS(MECHANISM_EXACT), .detect_ms = 50, .safe_ms = 50, .inject = shift_lamp,
		.is_safe = is_right },
	{ "9b", "a telltale is drawn mirrored", "It is never shown.", "EXACT check", NULL,
		CAUSES(FAULT_WRONG_PIXELS, FAULT_MISPLACED), CONTROLS(MECHANISM_EXACT),
		.detect_ms = 50, .safe_ms = 50, .inject = mirror_lamp, .is_safe = is_right },
	{ "10", "the guest's cursor lies over a telltale", "It is clipped away.",
		"guest pixels are clipped out of safety rectangles; EXACT and OWNER verify it",
		NULL, .causes = { FAULT_NONE }, CONTROLS(MECHANISM_OWNER, MECHANISM_EXACT),
		.safe_ms = 33, .inject = put_cursor, .is_safe = is_right },
	{ "10b", "a wrong scene draws over a telltale", "It is never shown.",
		"EXACT and OWNER checks of the composed picture", NULL,
		CAUSES(FAULT_OVERDRAWN, FAULT_WRONG_PIXELS, FAULT_SHOWN_WRONG),
		CONTROLS(MECHANISM_OWNER, MECHANISM_EXACT), .detect_ms = 33, .safe_ms = 33,
		.inject = overdraw_lamp, .is_safe = is_right },
	{ "11", "an ARGB picture whose alpha hides a telltale",
		"It is never shown so; found within a frame.",
		"alpha is checked in layers that must be opaque", NULL, CAUSES(FAULT_TRANSPARENT),
		CONTROLS(MECHANISM_OPAQUE, MECHANISM_EXACT, MECHANISM_OWNER), .detect_ms = 33,
		.safe_ms = 33, .inject = clear_alpha, .is_safe = is_right },
	{ "12", "the other guest's picture goes all black", "A placeholder within 66 ms.",
		"BLACK check", NULL, CAUSES(FAULT_UNIFORM), CONTROLS(MECHANISM_UNIFORM),
		.safe_ms = 66, .inject = blacken_other, .is_safe = is_placeholder,
		.is_wrong = is_disturbed },
	{ "13", "pictures made of halves of two pictures", "None is ever shown.",
		"both tags of a picture must agree", NULL, CAUSES(FAULT_TORN),
		CONTROLS(MECHANISM_TORN), .detect_ms = 33, .inject = tear_picture,
		.is_safe = is_right, .is_wrong = is_torn },
	{ "14", "the guest writes over its picture after the flush",
		"Nothing of it is shown: what is composed is a copy that no guest reaches.",
		"the copy at TRANSFER_TO_HOST_2D; EXACT", NULL, .causes = { FAULT_NONE },
		CONTROLS(MECHANISM_EXACT), .safe_ms = 33, .inject = write_over,
		.is_safe = is_right },
	{ "15", "the VMM cuts its memory's file short while it is read",
		"Only that guest's endpoint dies; the fallback within two frames.",
		"an endpoint per guest; its death is told by its pidfd", NULL,
		CAUSES(FAULT_DIED, FAULT_HUNG_UP, FAULT_RESET), CONTROLS(MECHANISM_LOSS),
		.safe_ms = 50, .starts_again = true, .inject = truncate_memory,
		.is_safe = is_fallback_alone },
	{ "16", "a taken-over endpoint publishes frames with impossible geometry",
		"They are refused, counted, and never read.", "every field is checked at each use",
		NULL, CAUSES(FAULT_BAD_FRAME), CONTROLS(MECHANISM_SANE), .detect_ms = 100,
		.inject = scribble_frames, .is_safe = is_right },
	{ "17", "the compositor is late again and again",
		"The fallback, once twelve deadlines were missed.", "deadline monitor", NULL,
		CAUSES(FAULT_MISSED_DEADLINES), CONTROLS(MECHANISM_DEADLINE), .is_real_only = true,
		.tests = "test-compositor-timing:ticks/missed_ticks "
			 "test-compositor-supervisor:cycles/late_and_missed_ticks_are_told "
			 "test-compositor-screen_state:machine/story",
		.inject = stall_ticks, .is_safe = is_fallback },
	{ "18", "the process that makes the cluster's pictures is killed",
		"The fallback within 50 ms.", "pidfd", NULL, CAUSES(FAULT_DIED, FAULT_HUNG_UP),
		CONTROLS(MECHANISM_LOSS), .detect_ms = 33, .safe_ms = 50, .starts_again = true,
		.may_return = true, .inject = kill_endpoint, .is_safe = is_fallback },
	{ "18b", "the process that makes the cluster's pictures is stopped",
		"Its last picture is held for 100 ms, and the fallback there within 200 ms.",
		"unanswered ticks", NULL, CAUSES(FAULT_STUCK),
		CONTROLS(MECHANISM_STUCK, MECHANISM_HEARTBEAT), .safe_ms = 200, .react_ms = 117,
		.inject = stop_endpoint, .is_safe = is_fallback, .undo = continue_process },
	{ "19", "the other guest's rendering hangs",
		"A placeholder within two frames of its deadline.", "stall_ms",
		"no renderer in the tree yet: a guest whose pictures stop", CAUSES(FAULT_STALLED),
		CONTROLS(MECHANISM_STALL), .inject = silence_other, .is_safe = is_placeholder,
		.is_wrong = is_disturbed },
	{ "20", "the other guest's GPU is reset", "A placeholder; the cluster does not notice.",
		"device reset, told through the link",
		"no renderer in the tree yet: the guest resets its device",
		CAUSES(FAULT_RESET, FAULT_BLANKED), CONTROLS(MECHANISM_LOSS, MECHANISM_STALL),
		.safe_ms = 50, .inject = reset_other, .is_safe = is_placeholder,
		.is_wrong = is_disturbed },
	{ "21", "the other guest's renderer crashes",
		"A placeholder within two frames; it is started again.", "pidfd",
		"no renderer in the tree yet: the endpoint that would start it is killed",
		CAUSES(FAULT_DIED, FAULT_HUNG_UP), CONTROLS(MECHANISM_LOSS, MECHANISM_STALL),
		.safe_ms = 33, .starts_again = true, .may_return = true,
		.inject = kill_other_endpoint, .is_safe = is_placeholder,
		.is_wrong = is_disturbed },
	{ "22", "page flips never complete",
		"Committed again, mode set, then the safe state within 150 ms.", "flip supervision",
		"a decorator around the output: there is no KMS output in the tree yet",
		CAUSES(FAULT_FLIP_LOST), CONTROLS(MECHANISM_FLIP), .safe_ms = 150, .react_ms = 100,
		.inject = lose_flips, .is_answered = is_in_safe_state },
	{ "23", "the output refuses one picture", "The next one is shown.",
		"commits are tried again", "a decorator around the output", CAUSES(FAULT_COMMIT),
		CONTROLS(MECHANISM_COMMIT), .safe_ms = 50, .inject = refuse_once,
		.is_safe = is_right },
	{ "23b", "the output refuses every picture", "The safe state after three.",
		"commit errors are counted", "a decorator around the output", CAUSES(FAULT_COMMIT),
		CONTROLS(MECHANISM_COMMIT), .safe_ms = 100, .inject = refuse_all,
		.is_answered = is_in_safe_state },
	{ "24", "the display is unplugged", "Recorded within 100 ms; composing and checking go on.",
		"connection status", "a decorator around the output", CAUSES(FAULT_UNPLUGGED),
		CONTROLS(MECHANISM_CONNECTION), .detect_ms = 100, .inject = unplug,
		.is_answered = is_recorded },
	{ "25", "the display's mode changes", "The configured mode is set again.", "mode status",
		"a decorator around the output", CAUSES(FAULT_MODE), CONTROLS(MECHANISM_MODE),
		.detect_ms = 50, .inject = change_mode, .is_answered = is_recorded },
	/* no control: who bites is not ours to switch off, and who hangs pets nobody; 26b has one */
	{ "26", "the compositor hangs",
		"The watchdog is not petted: one of 150 ms bites within 200 ms of the fault.",
		"window watchdog, petted by completed cycles only", NULL, .causes = { FAULT_NONE },
		.safe_ms = 200, .is_real_only = true,
		.tests = "test-compositor-watchdog:cycles/chains_of_steps "
			 "test-compositor-watchdog:cycles/a_bad_cycle_is_not_petted "
			 "test-flow-fault:pictures/hanging_compositor",
		.starts_again = true, .prepare = let_a_second_pass, .inject = hang,
		.is_answered = is_bitten },
	{ "26b", "cycles leave out a step",
		"They are not petted for: a watchdog of 150 ms bites within 200 ms of the fault.",
		"each step adds to a token that only all of them, in order, make right", NULL,
		.causes = { FAULT_NONE }, CONTROLS(MECHANISM_WATCHDOG), .safe_ms = 200,
		.is_real_only = true,
		.tests = "test-compositor-watchdog:cycles/chains_of_steps "
			 "test-compositor-watchdog:cycles/a_bad_cycle_is_not_petted "
			 "test-compositor-watchdog:cycles/every_output_must_go_on",
		.inject = skip_pets, .is_answered = is_bitten },
	{ "26c", "the watchdog is petted too early", "A window watchdog bites with the next pet.",
		"window watchdog", NULL, .causes = { FAULT_NONE }, .safe_ms = 200,
		.is_real_only = true,
		.tests = "test-compositor-watchdog:cycles/petting_is_spoilt_on_request "
			 "test-compositor-watchdog:cycles/its_window_is_kept",
		.inject = pet_early, .is_answered = is_bitten },
	{ "27", "the checks say good, whatever they see", "Found within a second; the safe state.",
		"self-test with a known-bad signature each second", NULL, CAUSES(FAULT_SELF_TEST),
		CONTROLS(MECHANISM_SELF_TEST), .detect_ms = 1000, .is_slow = true,
		.inject = blind_checks, .is_answered = is_in_safe_state },
	{ "28", "what is read back is of an old picture", "Found within two frames.",
		"the read-back's number must be the committed one", "a decorator around the output",
		CAUSES(FAULT_READBACK_STALE), CONTROLS(MECHANISM_READBACK), .detect_ms = 50,
		.from_next = true, .inject = stale_readback, .is_answered = is_recorded },
	{ "29", "the signals stop", "All safety telltales are lit within 200 ms.",
		"time-out of the protected messages", NULL, CAUSES(FAULT_SIGNALS_LATE),
		CONTROLS(MECHANISM_SIGNALS), .safe_ms = 200, .inject = pause_signals,
		.is_safe = has_all_lit, .is_wrong = is_never },
	{ "29b", "the signals' checksums are wrong", "All safety telltales are lit within 200 ms.",
		"CRC, counter and time-out of the protected messages", NULL,
		CAUSES(FAULT_SIGNALS_CORRUPT, FAULT_SIGNALS_LATE), CONTROLS(MECHANISM_SIGNALS),
		.safe_ms = 200, .inject = corrupt_signals, .is_safe = has_all_lit,
		.is_wrong = is_never },
	{ "30", "a bit of the atlas changes in memory",
		"Found and repaired from the second copy within 10 s.", "scrubbing", NULL,
		CAUSES(FAULT_ATLAS), CONTROLS(MECHANISM_SCRUB), .detect_ms = 10000, .is_slow = true,
		.inject = flip_atlas, .is_answered = is_recorded },
	{ "31", "the clock runs too fast by 3 %", "Found within a second.",
		"the clock against the ticks", NULL, CAUSES(FAULT_CLOCK), CONTROLS(MECHANISM_CLOCK),
		.detect_ms = 1000, .is_slow = true, .is_real_only = true,
		.tests = "test-compositor-timing:ticks/clocks_against_ticks "
			 "test-compositor-timing:ticks/a_jump_of_the_clock_is_seen "
			 "test-compositor-supervisor:cycles/a_clock_that_runs_wrong_is_found",
		.inject = speed_clock_up, .is_answered = is_recorded },
	{ "32", "the cluster comes and goes", "The fallback is latched until it is acknowledged.",
		"transitions are counted", NULL, CAUSES(FAULT_FLICKER),
		CONTROLS(MECHANISM_HYSTERESIS), .is_slow = true, .inject = nothing,
		.is_answered = is_latched },
	{ "33", "pictures are taken too slowly for a third of a second",
		"Right after it, what a guest shows and plays at once is at most 40 ms apart.",
		"pictures are never queued: the newest wins", NULL, .causes = { FAULT_NONE },
		.safe_ms = 40, .is_real_only = true, .switch_off = queue_pictures,
		.inject = stall_pictures, .is_answered = is_in_step,
		.tests = "test-core-mailbox:mailbox/newest_wins" },
	{ "33b", "the sound stands still for a tenth of a second",
		"Right after it, what a guest shows and plays at once is at most 40 ms apart.",
		"the guest's clock is what was heard: completions, and what they say is queued",
		NULL, .causes = { FAULT_NONE }, .safe_ms = 40, .is_real_only = true,
		.switch_off = ignore_clock, .inject = stop_mixer, .is_answered = is_in_step,
		.undo = continue_process,
		.tests = "test-audio-sound_flow:sound_flow/latency_is_what_is_still_to_be_heard" },
	{ "34", "a chime that goes with a telltale is lost",
		"Found within 200 ms; the buzzer is asked for.", "the mixer confirms each cue",
		NULL, CAUSES(FAULT_CHIME_LOST), CONTROLS(MECHANISM_CHIME), .detect_ms = 200,
		.is_slow = true, .prepare = let_a_second_pass, .inject = drop_cue,
		.is_answered = is_recorded, .undo = unlight_chime },
	{ "35", "the compositor starts anew and no client is ready",
		"First light within 150 ms of the death of the one before.",
		"the fallback is shown before anything else", NULL, .causes = { FAULT_NONE },
		.safe_ms = 150, .is_real_only = true, .switch_off = stop_keeper,
		.undo = continue_keeper,
		.tests = "test-compositor-process:life/first_light_is_the_fallback "
			 "test-compositor-process:life/it_dies_and_its_successor_goes_on "
			 "test-flow-picture:picture/first_light",
		.starts_again = true, .prepare = let_a_second_pass, .inject = kill_compositor,
		.is_answered = has_light },
	{ "36", "after a resume commits fail and flips are lost until a mode is set",
		"Set within 150 ms.", "flip supervision and commits tried again",
		"a decorator around the output", CAUSES(FAULT_FLIP_LOST, FAULT_COMMIT),
		CONTROLS(MECHANISM_FLIP, MECHANISM_COMMIT), .safe_ms = 150, .inject = resume_badly,
		.is_safe = is_right },
	{ "37", "every processor is taken away for 30 ms", "Counted by the 2 ms alarm.",
		"lateness of each wake-up", NULL, .causes = { FAULT_NONE },
		CONTROLS(MECHANISM_LATENESS), .detect_ms = 100, .is_real_only = true,
		.tests = "test-compositor-timing:ticks/late_ones_are_told_by_the_burst "
			 "test-compositor-supervisor:cycles/late_and_missed_ticks_are_told "
			 "test-compositor-process:memory/"
			 "after_its_start_it_allocates_and_faults_nothing",
		.prepare = count_late, .inject = starve, .is_answered = is_counted_late },
	{ "38", "the guest switches its display off",
		"Nothing of its last picture is left a frame later.",
		"what was taken back is not shown", NULL, CAUSES(FAULT_BLANKED),
		CONTROLS(MECHANISM_CLEANUP, MECHANISM_LOSS, MECHANISM_HEARTBEAT), .safe_ms = 33,
		.inject = blank_guest, .is_safe = is_fallback, .is_wrong = is_leftover },
};

const uint32_t rows_len = ARRAY_LEN(rows);

bool row_has_control(const struct row *row) {
	return row->controls_len > 0 || row->switch_off != NULL;
}
