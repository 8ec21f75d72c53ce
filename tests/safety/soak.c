#include "tests/safety/soak.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/macros.h"
#include "tests/bench/lateness.h"
#include "tests/safety/cockpit.h"

/* The other guest's layer is not judged until so long after the first picture of its new machine. */
#define REBOOT_TICKS 120
#define ALARMS_SHOWN 20
/* With the one it waits for, and the phase that changes, four periods of the six that stall_ms allows. */
#define PAUSE_PICTURES 2
#define PAUSE_TICKS 30 /* from one pause to the next, at least: two in a row would be a long one */
/* a message of the source, follow_ms, and three pictures until it is on the screen */
#define FOLLOW_NS (200 * NS_PER_MS)

struct soak {
	unsigned seed;
	struct cockpit cockpit;
	uint64_t records; /* looked at */
	uint64_t sights;
	uint64_t missed; /* pictures that the observer did not see before */
	uint64_t alarms, wrong_pictures, logged, expected, pictures, reboots, changes, pauses;
	uint64_t quiet_tick; /* until then the other guest's layer is excused */
	uint64_t paused_tick;
	uint64_t changed_ns[SIGNAL_VALUES]; /* CLOCK_MONOTONIC */
	uint64_t tick;
	double speed;
};

static int32_t between(int32_t least, int32_t most) {
	return least + (int32_t)(random() % (most - least + 1));
}

static void set_value(struct soak *soak, uint32_t signal, int32_t value) {
	soak->changed_ns[signal] = clock_now_ns();
	cockpit_set_value(&soak->cockpit, signal, value);
}

/* One of the others, or, of a gauge, that it is not known. */
static void change_reading(struct soak *soak) {
	static const struct {
		uint32_t signal;
		int32_t least, most;
		bool may_be_unknown;
	} readings[] = {
		{ SIGNAL_THEME, 0, 1, false },
		{ SIGNAL_LOCALE, 0, 1, false },
		{ SIGNAL_CAMERA, 0, 1, false },
		{ SIGNAL_GEAR, 0, 3, true },
		{ SIGNAL_ODOMETER, 0, 999999, true },
		{ SIGNAL_TRIP, 0, 99999, true },
		{ SIGNAL_FUEL, 0, 1000, true },
		{ SIGNAL_COOLANT, -40, 150, true },
		{ SIGNAL_OUTSIDE, -600, 600, true },
	};
	size_t i = (size_t)random() % (2 * ARRAY_LEN(readings));
	if (i < ARRAY_LEN(readings)) {
		bool is_unknown = readings[i].may_be_unknown && random() % 4 == 0;
		set_value(soak, readings[i].signal,
			is_unknown ? SIGNAL_UNKNOWN : between(readings[i].least, readings[i].most));
	}
}

/* Every lamp, theme, locale and reading may change; the speed moves as a car's does. */
static void change_values(struct soak *soak) {
	soak->speed += between(-20, 21);
	soak->speed = soak->speed < 0 ? 0 : soak->speed > 2500 ? 2500 : soak->speed;
	set_value(soak, SIGNAL_SPEED, (int32_t)soak->speed);
	set_value(soak, SIGNAL_REVS, between(700, 7900));
	if (random() % 60 != 0) {
		return;
	}
	soak->changes++;
	uint32_t lamp = (uint32_t)between(SIGNAL_TELLTALES, SIGNAL_TELLTALES_END - 1);
	set_value(soak, lamp, !cockpit_value(&soak->cockpit, lamp));
	change_reading(soak);
}

static void reboot_other(struct soak *soak) {
	struct cluster_guest *other = &soak->cockpit.other;
	/* none smaller than its layer: around one, the region that must not be of one colour would be */
	static const struct {
		uint32_t width, height;
	} sizes[] = { { 320, 120 }, { 640, 480 }, { 800, 600 }, { 1024, 768 }, { 350, 120 } };
	size_t size = (size_t)random() % ARRAY_LEN(sizes);
	soak->quiet_tick = soak->tick + REBOOT_TICKS;
	soak->reboots++;
	cluster_guest_kill(other);
	other->options.width = sizes[size].width;
	other->options.height = sizes[size].height;
	(void)cluster_guest_start(other);
}

static void pause_other(struct soak *soak) {
	soak->pauses++;
	soak->paused_tick = soak->tick;
	cluster_guest_set_fault(
		&soak->cockpit.other, GUEST_SILENT, 0, NULL, (uint32_t)between(1, PAUSE_PICTURES));
}

static void disturb_other(struct soak *soak) {
	bool is_booting = atomic_load(&soak->cockpit.other.shared->is_ready) == 0;
	if (is_booting) {
		soak->quiet_tick = soak->tick + REBOOT_TICKS;
	} else if (soak->tick > soak->quiet_tick && random() % (60 * 20) == 0) {
		reboot_other(soak);
	} else if (soak->tick > soak->quiet_tick && soak->tick > soak->paused_tick + PAUSE_TICKS &&
		random() % 90 == 0) {
		pause_other(soak);
	}
}

static bool is_of_check(const struct safety_record *record) {
	return record->subject == SAFETY_ELEMENT || record->subject == SAFETY_REGION;
}

/* What the other guest's layer, and the region of it, go through while its machine is away or starts. */
static bool is_of_other(const struct safety_record *record) {
	return strcmp(record->name, "ivi") == 0 ||
		(record->subject == SAFETY_REGION && strcmp(record->name, "all") == 0);
}

static bool is_expected(const struct soak *soak, const struct safety_record *record) {
	return soak->tick < soak->quiet_tick && strcmp(record->to, "quarantined") != 0 &&
		(is_of_other(record) ||
			(record->subject == SAFETY_OUTPUT && strcmp(record->to, "fallback") != 0 &&
				strcmp(record->to, "safe") != 0));
}

static void look_at_records(struct soak *soak) {
	struct safety_record record;
	uint64_t newest = cockpit_newest_record(&soak->cockpit);
	for (; soak->records < newest; soak->records++) {
		if (!safety_page_read(soak->cockpit.safety, soak->records + 1, &record)) {
			soak->alarms++; /* one that cannot be read may have been one */
			continue;
		}
		if (is_expected(soak, &record)) {
			soak->expected++;
		} else if (record.reaction <= FAULT_REACTION_LOG && !is_of_check(&record)) {
			soak->logged++;
		} else if (soak->alarms++ < ALARMS_SHOWN) {
			printf("tick %" PRIu64 ": %s: %s -> %s: %s\n", soak->tick, record.name,
				record.from, record.to, fault_text((enum fault_cause)record.cause));
			fflush(stdout);
		}
	}
}

/* Whether it may still show what was asked for before. */
static bool is_following(const struct soak *soak, const struct sight *sight, uint32_t element) {
	const uint32_t signals[] = { soak->cockpit.atlas.elements[element].signal, SIGNAL_THEME,
		SIGNAL_LOCALE };
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		if (sight->shown_ns < soak->changed_ns[signals[i]] + FOLLOW_NS) {
			return true;
		}
	}
	return false;
}

static bool is_wrong(const struct soak *soak, const struct sight *sight) {
	for (uint32_t i = 0; i < 64; i++) {
		if ((sight->wrong & UINT64_C(1) << i) != 0 && !is_following(soak, sight, i)) {
			return true;
		}
	}
	/* the lower tag of a screen larger than its layer is not to be seen */
	bool is_there = sight->other == SIGHT_GUEST || sight->other == SIGHT_TORN;
	bool is_away = soak->tick < soak->quiet_tick;
	return sight->cluster != SIGHT_GUEST || (!is_away && !is_there);
}

static void look_at_pictures(struct soak *soak) {
	struct sight sight;
	uint64_t len = observer_len(&soak->cockpit.observer);
	for (; soak->sights < len; soak->sights++) {
		if (!observer_get(&soak->cockpit.observer, soak->sights, &sight)) {
			continue;
		}
		soak->pictures++;
		if (is_wrong(soak, &sight) && soak->wrong_pictures++ < ALARMS_SHOWN) {
			printf("tick %" PRIu64 ": wrong picture: cluster %u, other %u (of %s), "
			       "elements %#" PRIx64 "\n",
				soak->tick, sight.cluster, sight.other, SIGHT_CLASS_NAMES,
				sight.wrong);
			fflush(stdout);
		}
	}
}

static void run(struct soak *soak, uint32_t seconds) {
	uint64_t start_ns = clock_now_ns(), end_ns = start_ns + seconds * NS_PER_S;
	uint64_t told_ns = 0, now_ns;
	while ((now_ns = clock_now_ns()) < end_ns) {
		(void)cockpit_tick(&soak->cockpit);
		soak->tick++;
		change_values(soak);
		disturb_other(soak);
		look_at_records(soak);
		look_at_pictures(soak);
		if (now_ns - told_ns > NS_PER_S) {
			fprintf(stderr, "\rsoak: %" PRIu64 " of %u s, %" PRIu64 " alarms ",
				(now_ns - start_ns) / NS_PER_S, seconds, soak->alarms);
			told_ns = now_ns;
		}
	}
	fprintf(stderr, "\n");
}

static int report(const struct soak *soak, uint32_t seconds, uint64_t machine_ns, const char *out) {
	char path[512];
	uint64_t missed = atomic_load(&soak->cockpit.observer.missed) - soak->missed;
	/* it is about pictures: there must have been some, and somebody who saw them */
	bool is_seen = soak->pictures >= seconds * UINT64_C(54) && missed <= soak->pictures / 1000;
	snprintf(path, sizeof(path), "%s/soak.json", out);
	FILE *file = fopen(path, "we");
	if (file == NULL) {
		perror(path);
		return EXIT_FAILURE;
	}
	fprintf(file,
		"{\"seconds\": %u, \"reactions\": %" PRIu64 ", \"wrong_pictures\": %" PRIu64
		", \"logged\": %" PRIu64 ", \"pictures\": %" PRIu64 ", \"reboots\": %" PRIu64
		", \"pauses\": %" PRIu64 ", \"changes\": %" PRIu64 ", \"expected\": %" PRIu64
		", \"missed\": %" PRIu64 ", \"seed\": %u, \"machine_worst_ms\": %.2f}\n",
		seconds, soak->alarms, soak->wrong_pictures, soak->logged, soak->pictures,
		soak->reboots, soak->pauses, soak->changes, soak->expected, missed, soak->seed,
		(double)machine_ns / 1e6);
	fclose(file);
	if (!is_seen) {
		printf("only %" PRIu64 " pictures were seen, and %" PRIu64 " were not\n",
			soak->pictures, missed);
	}
	printf("%u s: %" PRIu64 " reactions, %" PRIu64 " wrong pictures among %" PRIu64 "; %" PRIu64
	       " changes of lamps, themes and locales, %" PRIu64
	       " restarts of the other guest; %" PRIu64
	       " records without a reaction; machine late by "
	       "at most %.1f ms\n",
		seconds, soak->alarms, soak->wrong_pictures, soak->pictures, soak->changes,
		soak->reboots, soak->logged, (double)machine_ns / 1e6);
	bool is_good = is_seen && soak->alarms == 0 && soak->wrong_pictures == 0;
	return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int soak_run(uint32_t seconds, const char *out) {
	static struct soak soak;
	static struct lateness_monitor monitor;
	const struct cockpit_options options = { .is_real = true, .has_sound = true };
	soak.seed = (unsigned)clock_now_ns();
	srandom(soak.seed);
	if (cockpit_init(&soak.cockpit, &options) != 0 || cockpit_recover(&soak.cockpit) != 0 ||
		cockpit_set_sound(&soak.cockpit, true) != 0 ||
		lateness_monitor_init(&monitor) != 0) {
		cockpit_finish(&soak.cockpit);
		fprintf(stderr,
			"soak: no cockpit, as said above; does `./dev test safety` pass?\n");
		return EXIT_FAILURE;
	}
	soak.records = cockpit_newest_record(&soak.cockpit);
	soak.sights = observer_len(&soak.cockpit.observer);
	soak.missed = atomic_load(&soak.cockpit.observer.missed);
	run(&soak, seconds);
	uint64_t machine_ns = lateness_monitor_worst(&monitor, 0, UINT64_MAX);
	lateness_monitor_finish(&monitor);
	cockpit_finish(&soak.cockpit);
	return report(&soak, seconds, machine_ns, out);
}
