#include "compositor/cues.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "compositor/inject.h"
#include "compositor/record.h"
#include "core/clock.h"
#include "core/fault.h"
#include "core/fd.h"
#include "core/log.h"

/* ---- life ---- */

static void find_elements(struct cues *cues, const struct atlas *atlas) {
	for (uint32_t i = 0; i < atlas->elements_len; i++) {
		const struct atlas_element *element = &atlas->elements[i];
		if (element->chime > CUE_CHIME_NONE && element->chime < CUE_CHIMES &&
			element->signal < SIGNAL_VALUES) {
			cues->elements[cues->elements_len++].element = element;
		}
	}
}

static void open_requester(struct cues *cues, int fds[CUE_FDS]) {
	if (fds[CUE_REQUESTS] < 0) {
		log_error("no cues were granted: chimes are lost");
		return;
	}
	int err = cue_requester_init(&cues->requester, fds);
	if (err < 0) {
		log_error("cues cannot be used: %s; chimes are lost", strerror(-err));
	}
	cues->has_requester = err == 0;
}

void cues_init(struct cues *cues, const struct cues_setup *setup) {
	*cues = (struct cues) {
		.buzzer = setup->buzzer,
		.page = setup->page,
		.begin_ns = setup->config->chime_ms * NS_PER_MS,
		.exported_asked = stats_value(setup->stats, "", "chimes.asked"),
		.begun = stats_value(setup->stats, "", "chimes.begun"),
		.heard = stats_value(setup->stats, "", "chimes.heard"),
		.lost = stats_value(setup->stats, "", "chimes.lost"),
		.quiet = stats_value(setup->stats, "", "chimes.quiet"),
		.buzzed = stats_value(setup->stats, "", "chimes.buzzed"),
	};
	if (!setup->config->chimes) {
		return;
	}
	if (cues->buzzer >= 0) {
		/* whatever is behind it, a full one must not hold up a picture */
		(void)fcntl(cues->buzzer, F_SETFL, O_NONBLOCK);
	}
	find_elements(cues, setup->atlas);
	open_requester(cues, setup->fds);
}

void cues_finish(struct cues *cues) {
	if (cues->has_requester) {
		cue_requester_finish(&cues->requester);
	}
	fd_close(&cues->buzzer);
}

static void count(_Atomic uint64_t *value) {
	atomic_fetch_add_explicit(value, 1, memory_order_relaxed);
}

/* ---- what was lost ---- */

static bool buzz(struct cues *cues) {
	bool buzzes = cues->buzzer >= 0 && write(cues->buzzer, "1", 1) == 1;
	if (buzzes) {
		count(cues->buzzed);
	}
	return buzzes;
}

static void record_loss(struct cues *cues, const struct cues_pending *pending, const char *to,
	uint64_t tick, uint64_t now_ns, bool buzzes) {
	struct safety_record record = {
		.detect_ns = now_ns,
		.onset_ns = pending->asked_ns,
		.safe_ns = buzzes ? now_ns : 0,
		.tick = tick,
		.subject = SAFETY_ELEMENT,
		.cause = FAULT_CHIME_LOST,
		.reaction = FAULT_REACTION_LOG,
	};
	record_write(cues->page, &record, pending->element->name,
		pending->begun ? "begun" : "asked", to);
}

static void lose(struct cues *cues, struct cues_pending *pending, const char *to, uint64_t tick,
	uint64_t now_ns) {
	bool buzzes = buzz(cues);
	count(cues->lost);
	log_warning("the chime of %s was %s %s%s", pending->element->name,
		pending->begun ? "begun and" : "asked for and", to,
		buzzes ? "; the buzzer stands for it" : "");
	record_loss(cues, pending, to, tick, now_ns, buzzes);
	*pending = (struct cues_pending) { 0 };
}

/* ---- what was asked for ---- */

static void look_after(struct cues *cues, struct cues_pending *pending, uint64_t tick,
	uint64_t time_ns, uint64_t now_ns) {
	enum cue_progress progress = CUE_WAITING;
	if (pending->number != 0) {
		progress = cue_progress(&cues->requester, pending->number);
	}
	if (!pending->begun && (progress == CUE_BEGUN || progress == CUE_HEARD)) {
		pending->begun = true;
		count(cues->begun);
	}
	uint64_t limit_ns = pending->begun ? CUES_HEARD_MS * NS_PER_MS : cues->begin_ns;
	if (progress == CUE_HEARD) {
		count(cues->heard);
		*pending = (struct cues_pending) { 0 };
	} else if (!mechanism_is_on(MECHANISM_CHIME)) {
		return;
	} else if (progress == CUE_REFUSED) {
		lose(cues, pending, "refused", tick, now_ns);
	} else if (time_ns - pending->asked_time_ns >= limit_ns) {
		lose(cues, pending, "lost", tick, now_ns);
	}
}

static void ask(
	struct cues *cues, const struct atlas_element *element, uint64_t time_ns, uint64_t now_ns) {
	enum cue_chime chime = (enum cue_chime)element->chime;
	uint64_t number = 0;
	if (!inject_take(INJECT_DROP_CUES, NULL) && cues->has_requester) {
		number = cue_request(&cues->requester, chime, now_ns);
	}
	/* the oldest one gives way: the newer one's answer stands for it */
	cues->pending[cues->asked++ % CUE_PENDING_MAX] = (struct cues_pending) {
		.element = element,
		.number = number,
		.asked_time_ns = time_ns,
		.asked_ns = now_ns,
	};
	cues->last = chime;
	cues->last_time_ns = time_ns;
	count(cues->exported_asked);
}

/* The element with the most severe chime of those that just went on; NULL: none did. */
static const struct atlas_element *find_due(
	struct cues *cues, const int32_t values[SIGNAL_VALUES]) {
	const struct atlas_element *most = NULL;
	for (uint32_t i = 0; i < cues->elements_len; i++) {
		struct cues_element *each = &cues->elements[i];
		int32_t value = values[each->element->signal];
		if (value == SIGNAL_UNKNOWN) {
			continue;
		}
		bool is_due = value != 0 && !each->was_on;
		each->was_on = value != 0;
		if (is_due && (most == NULL || each->element->chime > most->chime)) {
			most = each->element;
		}
	}
	return most;
}

static bool is_quiet(
	const struct cues *cues, const struct atlas_element *element, uint64_t time_ns) {
	return cues->asked > 0 && element->chime <= cues->last &&
		time_ns - cues->last_time_ns < CUES_QUIET_MS * NS_PER_MS;
}

void cues_step(struct cues *cues, const int32_t values[SIGNAL_VALUES], uint64_t tick,
	uint64_t time_ns, uint64_t now_ns) {
	for (unsigned i = 0; i < CUE_PENDING_MAX; i++) {
		if (cues->pending[i].element != NULL) {
			look_after(cues, &cues->pending[i], tick, time_ns, now_ns);
		}
	}
	const struct atlas_element *due = find_due(cues, values);
	if (due == NULL) {
		return;
	}
	if (is_quiet(cues, due, time_ns)) {
		count(cues->quiet);
	} else {
		ask(cues, due, time_ns, now_ns);
	}
}
