/*
 * The journal of an output: what changed with it and with its layers at a tick, for the fault log in the
 * safety page (core/safety_page.h) and for the process' log.
 *
 *   journal_add_layer(), _output()   when it was noticed, before anything is shown
 *   journal_close()                  after the picture that answers it was shown: when that was; a line of
 *                                    log each
 *   journal_add_finding()            what a check found, once its answer was shown
 *
 * What a guest can cause is limited, each guest for itself, so that a guest that comes and goes, or draws
 * right and wrong by turns, does not push the others' records out of the page: what its layers go through
 * when guests boot and what is only logged, apart from their losses and quarantine, so that the one does not
 * hide the other; what checks find of its pixels; and what an output shows without being safe. What is left
 * out is counted, and acknowledging makes room.
 *
 * Thread: the compositor's. Plain storage, bounded, nothing blocks.
 */
#ifndef COMPOSITOR_JOURNAL_H
#define COMPOSITOR_JOURNAL_H

#include <stdint.h>

#include "compositor/layer.h"
#include "compositor/record.h"
#include "compositor/screen_state.h"
#include "core/safety_page.h"
#include "core/stats.h"

#define JOURNAL_ENTRIES_MAX (CONFIG_LAYERS_MAX * LAYER_TRANSITIONS_MAX + SCREEN_TRANSITIONS_MAX)

struct journal_entry {
	const struct layer *layer; /* NULL: the output itself */
	union {
		struct layer_transition of_layer;
		struct screen_transition of_output;
	};
	uint64_t record; /* its number in the page; 0: in none */
};

struct journal {
	const char *output;
	struct safety_page *page; /* borrowed; NULL: there is none */
	/* by the guests' places in the configuration; and for what an output is without its fallback */
	struct record_budget routine[CONFIG_GUESTS_MAX], losses[CONFIG_GUESTS_MAX],
		findings[CONFIG_GUESTS_MAX], output_budget;
	_Atomic uint64_t *untold_value; /* records that were left out */
	uint32_t len;
	struct journal_entry entries[JOURNAL_ENTRIES_MAX];
};

void journal_init(
	struct journal *journal, const char *output, struct safety_page *page, struct stats *stats);
/* Somebody has seen what was written: every budget is whole again. */
void journal_acknowledge(struct journal *journal);

void journal_add_layer(struct journal *journal, struct layer *layer,
	const struct layer_transition *made, uint64_t tick, uint64_t now_ns);
void journal_add_output(struct journal *journal, const struct screen_transition *made,
	uint64_t tick, uint64_t now_ns);
/* `record` has its times, tick, subject, cause and reaction. `guest`: whose pixels it is about, CONFIG_NONE:
 * the host's own. */
void journal_add_finding(struct journal *journal, uint32_t guest, struct safety_record *record,
	const char *name, const char *from, const char *to);
void journal_close(struct journal *journal, uint64_t now_ns, uint64_t done_ns);

#endif
