#include "tests/safety/row_fault.h"

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

#include "core/clock.h"
#include "core/frame_link.h"
#include "core/macros.h"
#include "tests/support/process.h"

#define REAP_TRIES 600000 /* a minute: a guard against hanging */
#define STARVE_AFTER_NS (60 * NS_PER_MS) /* loaded, a fork takes its time */
#define STARVE_NS (30 * NS_PER_MS)
#define IMPOSSIBLE_NS (34 * NS_PER_MS) /* two pictures */

/* ---- of guests ---- */

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
	int name(struct cockpit *cockpit, struct shot *shot) {                                     \
		return fault_guest(cockpit, shot, &cockpit->cluster, fault, signal, lasts);        \
	}
#define OTHER_FAULT(name, fault)                                                                   \
	int name(struct cockpit *cockpit, struct shot *shot) {                                     \
		return fault_guest(cockpit, shot, &cockpit->other, fault, ROW_LAMP_ON, 0);         \
	}

CLUSTER_FAULT(fault_reset_guest, GUEST_RESET, ROW_LAMP_ON, 0)
CLUSTER_FAULT(fault_panic_guest, GUEST_PANIC, ROW_LAMP_ON, 0)
CLUSTER_FAULT(fault_stick_heartbeat, GUEST_SAME_BEAT, ROW_LAMP_ON, 0)
CLUSTER_FAULT(fault_freeze_guest, GUEST_FREEZE, ROW_LAMP_ON, 0)
CLUSTER_FAULT(fault_lag_guest, GUEST_LAG, ROW_LAMP_ON, 0)
CLUSTER_FAULT(fault_corrupt_lamp, GUEST_CORRUPT, ROW_LAMP_ON, 0)
CLUSTER_FAULT(fault_omit_lamp, GUEST_MISSING, ROW_LAMP_ON, 0)
CLUSTER_FAULT(fault_light_lamp, GUEST_UNREQUESTED, ROW_LAMP_OFF, 0)
CLUSTER_FAULT(fault_shift_lamp, GUEST_SHIFT, ROW_LAMP_ON, 0)
CLUSTER_FAULT(fault_mirror_lamp, GUEST_MIRROR, ROW_LAMP_ON, 0)
CLUSTER_FAULT(fault_put_cursor, GUEST_CURSOR, ROW_LAMP_ON, 0)
CLUSTER_FAULT(fault_clear_alpha, GUEST_ALPHA, ROW_LAMP_ON, 0)
CLUSTER_FAULT(fault_tear_picture, GUEST_TORN, ROW_LAMP_ON, 0)
CLUSTER_FAULT(fault_truncate_memory, GUEST_TRUNCATE, ROW_LAMP_ON, 0)
CLUSTER_FAULT(fault_blank_guest, GUEST_BLANK, ROW_LAMP_ON, 0)
OTHER_FAULT(fault_blacken_other, GUEST_BLACK)
OTHER_FAULT(fault_silence_other, GUEST_SILENT)
OTHER_FAULT(fault_reset_other, GUEST_RESET)

/* The copy cannot be switched off: the control run shows that what is written before it, unverified,
 * would be seen. */
int fault_write_over(struct cockpit *cockpit, struct shot *shot) {
	/* or what got through would be painted over before it is seen */
	int error = cockpit_mechanism(cockpit, MECHANISM_EXACT, false);
	return error != 0 ? error
			  : fault_guest(cockpit, shot, &cockpit->cluster,
				    shot->is_control ? GUEST_WRITE_BEFORE : GUEST_WRITE_AFTER,
				    ROW_LAMP_ON, 0);
}

int fault_kill_guest(struct cockpit *cockpit, struct shot *shot) {
	shot->onset_ns = cluster_guest_kill(&cockpit->cluster);
	return 0;
}

int fault_kill_other(struct cockpit *cockpit, struct shot *shot) {
	shot->onset_ns = cluster_guest_kill(&cockpit->other);
	return 0;
}

/* ---- faults of processes ---- */

int fault_signal_process(struct cockpit *cockpit, struct shot *shot, const char *name, int number) {
	shot->process = cockpit_pid(cockpit, name);
	shot->onset_ns = clock_now_ns();
	return shot->process > 0 && kill(shot->process, number) == 0 ? 0 : -ESRCH;
}

/* Stepped: there is a tick between its death and what its guest does next. */
static int kill_process(struct cockpit *cockpit, struct shot *shot, const char *name) {
	int error = fault_signal_process(cockpit, shot, name, SIGKILL);
	for (unsigned i = 0; error == 0 && !cockpit->options.is_real && kill(shot->process, 0) == 0;
		i++) {
		if (i == REAP_TRIES) {
			return -ETIMEDOUT;
		}
		nanosleep(&(struct timespec) { .tv_nsec = 100000 }, NULL);
	}
	return error != 0 || cockpit->options.is_real ? error : cockpit_step(cockpit);
}

int fault_kill_endpoint(struct cockpit *cockpit, struct shot *shot) {
	return kill_process(cockpit, shot, "gpu-cluster");
}

int fault_stop_endpoint(struct cockpit *cockpit, struct shot *shot) {
	cockpit->is_endpoint_stopped = true;
	return fault_signal_process(cockpit, shot, "gpu-cluster", SIGSTOP);
}

int fault_kill_other_endpoint(struct cockpit *cockpit, struct shot *shot) {
	return kill_process(cockpit, shot, "gpu-ivi");
}

int fault_kill_compositor(struct cockpit *cockpit, struct shot *shot) {
	return fault_signal_process(cockpit, shot, "compositor", SIGKILL);
}

void fault_end_stop(struct cockpit *cockpit, struct shot *shot) {
	cockpit->is_endpoint_stopped = false;
	if (shot->process > 0) {
		kill(shot->process, SIGCONT);
	}
}

/* Nobody starts a successor then. */
int fault_stop_keeper(struct cockpit *cockpit) {
	return kill(cockpit_pid(cockpit, "keeper"), SIGSTOP) == 0 ? 0 : -errno;
}

void fault_end_stop_of_keeper(struct cockpit *cockpit, struct shot *shot) {
	kill(cockpit_pid(cockpit, "keeper"), SIGCONT);
}

/* ---- faults inside the compositor ---- */

#define INJECTION(name, fault, thing, number, ticks)                                               \
	int name(struct cockpit *cockpit, struct shot *shot) {                                     \
		return cockpit_inject(cockpit, fault, thing, number, ticks);                       \
	}

INJECTION(fault_overdraw_lamp, INJECT_OVERDRAW, "brake", 0, 0)
INJECTION(fault_corrupt_composed, INJECT_FLIP_COMPOSED, "brake", 0, 0)
INJECTION(fault_corrupt_shown, INJECT_FLIP_SHOWN, "brake", 0, 1)
INJECTION(fault_stall_ticks, INJECT_STALL, "", 40, 10)
INJECTION(fault_lose_flips, INJECT_LOSE_FLIP, "", 0, 600)
INJECTION(fault_refuse_once, INJECT_COMMIT_ERROR, "", 0, 0)
INJECTION(fault_refuse_all, INJECT_COMMIT_ERROR, "", 0, 600)
INJECTION(fault_unplug, INJECT_UNPLUG, "", 0, 600)
INJECTION(fault_change_mode, INJECT_MODE, "", 0, 0)
INJECTION(fault_hang, INJECT_HANG, "", 0, 0)
INJECTION(fault_blind_checks, INJECT_BLIND, "", 0, 6000)
INJECTION(fault_stale_readback, INJECT_STALE_READBACK, "", 0, 600)
INJECTION(fault_flip_atlas, INJECT_FLIP_ATLAS, "placeholder/ivi", 0, 0)
INJECTION(fault_speed_clock_up, INJECT_CLOCK, "", 30, 6000)
INJECTION(fault_resume_badly, INJECT_RESUME, "", 0, 0)
INJECTION(fault_skip_pets, INJECT_SKIP_STEP, "", 0, 600)
INJECTION(fault_pet_early, INJECT_EARLY_PET, "", 0, 600)

/* ---- signals and chimes ---- */

int fault_pause_signals(struct cockpit *cockpit, struct shot *shot) {
	atomic_store(&cockpit->source.is_paused, true);
	return 0;
}

int fault_corrupt_signals(struct cockpit *cockpit, struct shot *shot) {
	atomic_store(&cockpit->source.is_corrupt, true);
	return 0;
}

/* A chime is asked for once a second at most. */
int fault_after_a_second(struct cockpit *cockpit, struct shot *shot) {
	for (unsigned i = 0; i < 66; i++) {
		(void)cockpit_tick(cockpit);
	}
	return 0;
}

static bool has_old_pictures(struct cockpit *cockpit, const void *data) {
	return atomic_load(&cockpit->cluster.shared->pictures) > CLUSTER_GUEST_LAG;
}

int fault_after_pictures(struct cockpit *cockpit, struct shot *shot) {
	return cockpit_wait(cockpit, has_old_pictures, NULL, 10 * CLUSTER_GUEST_LAG) ? 0
										     : -ETIMEDOUT;
}

int fault_drop_cue(struct cockpit *cockpit, struct shot *shot) {
	int error = cockpit_inject(cockpit, INJECT_DROP_CUES, "", 0, 600);
	shot->onset_ns = clock_now_ns();
	cockpit_set_value(cockpit, ROW_LAMP_CHIMES, 1);
	return error;
}

void fault_end_chime(struct cockpit *cockpit, struct shot *shot) {
	cockpit_set_value(cockpit, ROW_LAMP_CHIMES, 0);
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

/* The newest frame once more, with impossible geometry. Its slot. */
static unsigned publish_impossible(struct frame_producer_channel *channel) {
	unsigned newest = mailbox_slot(atomic_load(&channel->frame_box.published));
	unsigned slot = (newest + 1) % MAILBOX_SLOTS;
	channel->frames[slot] = channel->frames[newest];
	channel->frames[slot].sequence++;
	channel->frames[slot].stride = UINT32_MAX - 3;
	mailbox_publish(&channel->frame_box, slot);
	return slot;
}

/* It is itself again afterwards: the frame is put right, or it would find no free buffer any more. */
static int publish_for_endpoint(
	struct cockpit *cockpit, struct shot *shot, struct frame_producer_channel *channel) {
	shot->process = cockpit_pid(cockpit, "gpu-cluster");
	int error = process_stop(shot->process) ? 0 : -ETIMEDOUT;
	if (error == 0) {
		shot->onset_ns = clock_now_ns();
		unsigned slot = publish_impossible(channel);
		nanosleep(&(struct timespec) { .tv_nsec = (long)IMPOSSIBLE_NS }, NULL);
		channel->frames[slot].stride = channel->frames[(slot + 3) % MAILBOX_SLOTS].stride;
	}
	fault_end_stop(cockpit, shot);
	return error;
}

int fault_scribble_frames(struct cockpit *cockpit, struct shot *shot) {
	struct frame_producer_page *page = open_producer_page(cockpit);
	if (page == NULL) {
		return -ENODEV;
	}
	struct frame_producer_channel *channel = &page->channels[0];
	int error = 0;
	if (cockpit->options.is_real) {
		error = publish_for_endpoint(cockpit, shot, channel);
	} else {
		/* between its own publication and the tick that takes the newest */
		(void)cluster_guest_draw(&cockpit->cluster);
		uint32_t stride = channel->frames[0].stride;
		unsigned slot = publish_impossible(channel);
		error = cockpit_step(cockpit);
		channel->frames[slot].stride = stride;
	}
	munmap(page, sizeof(*page));
	return error;
}

/* ---- load ---- */

/* Every processor is taken away for some milliseconds, by threads of a higher priority. */
int fault_starve(struct cockpit *cockpit, struct shot *shot) {
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
