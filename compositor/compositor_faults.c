#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "compositor/compositor_parts.h"
#include "compositor/inject.h"
#include "compositor/record.h"
#include "compositor/spoiler.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/macros.h"
#include "display/output_inject.h"

#define STALL_MS_MAX 10000
#define SKEW_PER_MILLE_MAX 1000

/* ---- life ---- */

/* Somebody ended the one before, or it ended itself: its last cycle was the last time all was well. */
static void write_succession(
	struct safety_page *page, uint64_t beat_ns, uint64_t start_ns, uint64_t lit_ns) {
	struct safety_record record = {
		.detect_ns = start_ns,
		.onset_ns = beat_ns,
		.safe_ns = lit_ns,
		.subject = SAFETY_COMPOSITOR,
		.cause = FAULT_DIED,
		.reaction = FAULT_REACTION_FALLBACK,
	};
	record_write(page, &record, "compositor", "gone", "lit");
}

void compositor_note_light(struct compositor *compositor, uint64_t lit_ns) {
	uint64_t start_ns = atomic_load(&compositor->stats->page->start_ns);
	compositor->beat_ns = stats_value(compositor->stats, "time", "compositor.beat_ns");
	atomic_store(stats_value(compositor->stats, "ns", "compositor.first_light_ns"),
		lit_ns - start_ns);
	uint64_t beat_ns = atomic_load(compositor->beat_ns);
	if (beat_ns != 0) {
		write_succession(compositor->safety, beat_ns, start_ns, lit_ns);
	}
}

/* ---- what supervision found ---- */

static void report_everywhere(struct compositor *compositor, uint64_t causes) {
	for (enum fault_cause cause = FAULT_NONE + 1; cause < FAULT_CAUSES; cause++) {
		if ((causes & FAULT_BIT(cause)) == 0) {
			continue;
		}
		for (uint32_t i = 0; i < compositor->stages_len; i++) {
			screen_report(&compositor->stages[i].screen, cause);
		}
	}
}

static void report_own(struct screen *screen, uint64_t causes) {
	for (enum fault_cause cause = FAULT_NONE + 1; cause < FAULT_CAUSES; cause++) {
		if ((causes & FAULT_BIT(cause)) != 0) {
			screen_report(screen, cause);
		}
	}
}

static void log_findings(const struct screen *screen, const struct supervisor_findings *findings) {
	const char *name = screen->config->name;
	if (findings->everywhere & (FAULT_BIT(FAULT_ATLAS) | FAULT_BIT(FAULT_ATLAS_LOST))) {
		log_outsider(LOG_ERROR, "the atlas is damaged at %s: %s",
			findings->tile != NULL ? findings->tile : "its tables",
			findings->everywhere & FAULT_BIT(FAULT_ATLAS_LOST) ? "in both copies"
									   : "repaired");
	}
	if (findings->own & FAULT_BIT(FAULT_LATE)) {
		log_outsider(LOG_WARNING, "output %s: woken %llu us late", name,
			(unsigned long long)findings->lateness_ns / 1000);
	}
	if (findings->own & FAULT_BIT(FAULT_CLOCK)) {
		log_outsider(LOG_WARNING, "output %s: the clock is %lld per mille too fast", name,
			(long long)findings->clock_per_mille);
	}
}

void compositor_supervise(
	struct compositor *compositor, struct stage *stage, const struct supervisor_cycle *cycle) {
	struct supervisor_findings findings;
	supervisor_end_cycle(&compositor->supervisor, cycle, &findings);
	atomic_store(compositor->beat_ns, clock_now_ns());
	if ((findings.own | findings.everywhere) != 0) {
		report_everywhere(compositor, findings.everywhere);
		report_own(&stage->screen, findings.own);
		log_findings(&stage->screen, &findings);
	}
}

/* ---- faults of the compositor itself ---- */

/* A watchdog that does not depend on completed cycles is petted on. */
static void hang(struct compositor *compositor) {
	const struct watchdog_chain none = { 0 };
	for (;;) {
		if (!mechanism_is_on(MECHANISM_WATCHDOG)) {
			watchdog_end_cycle(
				&compositor->supervisor.watchdog, 0, &none, false, clock_now_ns());
		}
		__asm__ volatile("" ::: "memory");
	}
}

void compositor_suffer(struct compositor *compositor) {
	struct injection stall;
	if (inject_peek(INJECT_HANG) != NULL) {
		hang(compositor);
	}
	if (inject_take(INJECT_STALL, &stall)) {
		uint64_t end_ns = clock_now_ns() + (uint64_t)stall.number * NS_PER_MS;
		while (clock_now_ns() < end_ns) {
		}
	}
}

/* ---- commands ---- */

static int refuse(struct control_message *reply, int err, const char *text) {
	snprintf(reply->text, sizeof(reply->text), "%s", text);
	return err;
}

static int refuse_all(struct control_message *reply) {
	return refuse(reply, -EPERM,
		"this service makes no faults on purpose; start it with "
		"`fascia run --allow-inject FILE`");
}

static const struct {
	enum inject_fault fault;
	enum output_fault output_fault;
} output_faults[] = {
	{ INJECT_STALE_READBACK, OUTPUT_STALE },
	{ INJECT_COMMIT_ERROR, OUTPUT_REFUSES },
	{ INJECT_LOSE_FLIP, OUTPUT_LOSES_FLIPS },
	{ INJECT_UNPLUG, OUTPUT_UNPLUGGED },
	{ INJECT_MODE, OUTPUT_OTHER_MODE },
	{ INJECT_RESUME, OUTPUT_SLEPT },
};

/* An output's fault begins at once, at all outputs if none is named. */
static int spoil_output(struct compositor *compositor, enum output_fault fault,
	const struct control_message *request, struct control_message *reply) {
	bool is_any = false;
	for (uint32_t i = 0; i < compositor->stages_len; i++) {
		struct screen *screen = &compositor->stages[i].screen;
		if (request->text[0] != '\0' && strcmp(request->text, screen->config->name) != 0) {
			continue;
		}
		output_inject_fault(
			screen->output, fault, (uint32_t)request->arg[1], request->arg[0] != 0);
		is_any = true;
	}
	return is_any ? 0 : refuse(reply, -ENOENT, "there is no such output; see 'fascia status'");
}

static int clear(struct compositor *compositor) {
	for (uint32_t i = 0; i < compositor->stages_len; i++) {
		struct screen *screen = &compositor->stages[i].screen;
		output_inject_clear(screen->output);
		/* a display that was away and was not missed stays dark until then */
		(void)output_reset(screen->output);
		canvas_forget_shown(&screen->canvas);
	}
	compositor->supervisor.skew_ns = 0;
	return inject_fault(INJECT_CLEAR, "", 0, 0);
}

/* Whether what the fault is about is there, and its number makes sense. */
static int check_thing(struct compositor *compositor, enum inject_fault fault,
	const struct control_message *request, struct control_message *reply) {
	int64_t number = request->arg[0];
	switch (fault) {
	case INJECT_FLIP_COMPOSED:
	case INJECT_FLIP_SHOWN:
	case INJECT_OVERDRAW:
		if (spoiler_find(&compositor->atlas, NULL, request->text) == NULL) {
			return refuse(
				reply, -ENOENT, "there is no such element; see 'fascia regions'");
		}
		return 0;
	case INJECT_STALL:
		return number >= 1 && number <= STALL_MS_MAX
			? 0
			: refuse(reply, -EINVAL, "it takes 1 to 10000 ms");
	case INJECT_CLOCK:
		return number >= -SKEW_PER_MILLE_MAX && number <= SKEW_PER_MILLE_MAX
			? 0
			: refuse(reply, -EINVAL, "it takes -1000 to 1000 per mille");
	default:
		return 0;
	}
}

static int begin(struct compositor *compositor, enum inject_fault fault,
	const struct control_message *request, struct control_message *reply) {
	if (fault == INJECT_CLEAR) {
		return clear(compositor);
	}
	if (fault == INJECT_FLIP_ATLAS) {
		int err =
			atlas_copies_flip(&compositor->copies, request->text, request->arg[0] != 0);
		return err == 0 ? 0 : refuse(reply, err, "there is no such tile in the atlas");
	}
	for (size_t i = 0; i < ARRAY_LEN(output_faults); i++) {
		if (output_faults[i].fault == fault) {
			return spoil_output(
				compositor, output_faults[i].output_fault, request, reply);
		}
	}
	int err = check_thing(compositor, fault, request, reply);
	return err < 0 ? err : inject_fault(fault, request->text, request->arg[0], request->arg[1]);
}

static void request_ticks_everywhere(struct compositor *compositor) {
	for (uint32_t i = 0; i < compositor->stages_len; i++) {
		ticker_request(&compositor->stages[i].screen.ticker);
	}
}

int compositor_inject(struct compositor *compositor, const struct control_message *request,
	struct control_message *reply) {
	if (!inject_is_allowed()) {
		return refuse_all(reply);
	}
	enum inject_fault fault = inject_fault_from_name(request->name);
	if (fault == INJECT_FAULTS) {
		return refuse(reply, -ENOENT,
			"there is no such fault; 'fascia inject --list' names them");
	}
	if (request->arg[1] < 0 || request->arg[1] > INJECT_TICKS_MAX) {
		return refuse(reply, -EINVAL, "it lasts 0 to 1000000 ticks");
	}
	int err = begin(compositor, fault, request, reply);
	if (err == 0) {
		log_outsider(LOG_WARNING, "fault %s (%s) was injected", request->name,
			request->text[0] != '\0' ? request->text : "-");
		request_ticks_everywhere(compositor);
	}
	return err;
}

int compositor_set_mechanism(struct compositor *compositor, const struct control_message *request,
	struct control_message *reply) {
	if (!inject_is_allowed()) {
		return refuse_all(reply);
	}
	enum mechanism mechanism = mechanism_from_name(request->name);
	if (mechanism == MECHANISMS) {
		return refuse(reply, -ENOENT,
			"there is no such mechanism; 'fascia inject --list' names them");
	}
	log_outsider(LOG_WARNING, "mechanism %s was switched %s", request->name,
		request->arg[0] != 0 ? "on" : "off");
	return mechanism_set(mechanism, request->arg[0] != 0);
}
