#include "compositor/journal.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"

void journal_init(struct journal *journal, const char *output, struct safety_page *page,
	struct stats *stats) {
	*journal = (struct journal) {
		.output = output,
		.page = page,
		.untold_value = stats_value(stats, "", "output.%s.untold", output),
	};
}

void journal_acknowledge(struct journal *journal) {
	memset(journal->routine, 0, sizeof(journal->routine));
	memset(journal->losses, 0, sizeof(journal->losses));
	memset(journal->findings, 0, sizeof(journal->findings));
	journal->output_budget = (struct record_budget) { 0 };
}

/* Whether a record may be written; counts what may not. */
static bool may_write(struct journal *journal, struct record_budget *budget, uint64_t tick) {
	bool may = record_budget_take(budget, tick);
	atomic_fetch_add(journal->untold_value, !may);
	return may;
}

static struct journal_entry *add(struct journal *journal) {
	assert(journal->len < JOURNAL_ENTRIES_MAX);
	return &journal->entries[journal->len++];
}

/* What guests do when they boot, and what changes nothing. */
static bool is_routine(const struct layer_transition *made) {
	return made->reaction <= FAULT_REACTION_LOG || made->cause == FAULT_RESET ||
		made->cause == FAULT_BLANKED;
}

void journal_add_layer(struct journal *journal, struct layer *layer,
	const struct layer_transition *made, uint64_t tick, uint64_t now_ns) {
	struct journal_entry *entry = add(journal);
	*entry = (struct journal_entry) { .layer = layer, .of_layer = *made };
	uint32_t guest = layer->config->guest;
	struct record_budget *budget =
		is_routine(made) ? &journal->routine[guest] : &journal->losses[guest];
	if (!may_write(journal, budget, tick)) {
		return;
	}
	struct safety_record record = {
		.detect_ns = now_ns,
		.onset_ns = made->onset_ns,
		.tick = tick,
		.subject = SAFETY_LAYER,
		.cause = made->cause,
		.reaction = made->reaction,
	};
	entry->record = record_write(journal->page, &record, layer->config->name,
		layer_state_name(made->from), layer_state_name(made->to));
}

/* A guest that comes and goes makes it so. What ends in the safe state, or is of the output itself, is not. */
static bool is_of_guests(const struct screen_transition *made) {
	return made->from != made->to && made->from != SCREEN_INIT && made->from != SCREEN_SAFE &&
		made->to != SCREEN_SAFE;
}

void journal_add_output(struct journal *journal, const struct screen_transition *made,
	uint64_t tick, uint64_t now_ns) {
	struct journal_entry *entry = add(journal);
	*entry = (struct journal_entry) { .of_output = *made };
	if (is_of_guests(made) && !may_write(journal, &journal->output_budget, tick)) {
		return;
	}
	struct safety_record record = {
		.detect_ns = now_ns,
		.onset_ns = made->onset_ns,
		.tick = tick,
		.subject = SAFETY_OUTPUT,
		.cause = made->cause,
		.reaction = made->reaction,
	};
	entry->record = record_write(journal->page, &record, journal->output,
		screen_state_name(made->from), screen_state_name(made->to));
}

void journal_add_finding(struct journal *journal, uint32_t guest, struct safety_record *record,
	const char *name, const char *from, const char *to) {
	if (guest != CONFIG_NONE && !may_write(journal, &journal->findings[guest], record->tick)) {
		return;
	}
	record_write(journal->page, record, name, from, to);
}

static unsigned long long microseconds(uint64_t from_ns, uint64_t to_ns) {
	return to_ns > from_ns ? (to_ns - from_ns) / 1000 : 0;
}

static void log_layer(const struct journal_entry *entry, uint64_t now_ns, uint64_t done_ns) {
	const struct layer_transition *made = &entry->of_layer;
	struct log_budget *budget = &entry->layer->guest->lines;
	const char *name = entry->layer->config->name;
	const char *from = layer_state_name(made->from);
	const char *to = layer_state_name(made->to);
	const char *cause = fault_text(made->cause);

	if (made->from == made->to) {
		log_outsider_of(budget, LOG_WARNING, "layer %s: %s; noticed within %llu us", name,
			cause, microseconds(made->onset_ns, now_ns));
	} else if (made->from == LAYER_LIVE) {
		log_outsider_of(budget, LOG_WARNING,
			"layer %s: %s -> %s: %s; noticed within %llu us, shown after %llu us", name,
			from, to, cause, microseconds(made->onset_ns, now_ns),
			microseconds(now_ns, done_ns));
	} else {
		log_outsider_of(budget, LOG_INFO, "layer %s: %s -> %s (%s), shown after %llu us",
			name, from, to, cause, microseconds(now_ns, done_ns));
	}
}

static void log_output(const struct journal *journal, const struct screen_transition *made,
	uint64_t now_ns, uint64_t done_ns) {
	const char *name = journal->output;
	bool is_bad = made->to != SCREEN_NORMAL && made->from != SCREEN_INIT;
	bool has_cause = made->cause != FAULT_NONE;

	if (made->from == made->to) {
		log_outsider(LOG_WARNING, "output %s: %s", name, fault_text(made->cause));
		return;
	}
	log_printf(is_bad ? LOG_WARNING : LOG_INFO, "output %s: %s -> %s%s%s, shown after %llu us",
		name, screen_state_name(made->from), screen_state_name(made->to),
		has_cause ? ": " : "", has_cause ? fault_text(made->cause) : "",
		microseconds(now_ns, done_ns));
}

void journal_close(struct journal *journal, uint64_t now_ns, uint64_t done_ns) {
	for (uint32_t i = 0; i < journal->len; i++) {
		const struct journal_entry *entry = &journal->entries[i];
		if (entry->record != 0) {
			safety_page_set_safe(journal->page, entry->record, done_ns);
		}
	}
	/* last, since a line costs time */
	for (uint32_t i = 0; i < journal->len; i++) {
		const struct journal_entry *entry = &journal->entries[i];
		if (entry->layer != NULL) {
			log_layer(entry, now_ns, done_ns);
		} else {
			log_output(journal, &entry->of_output, now_ns, done_ns);
		}
	}
	journal->len = 0;
}
