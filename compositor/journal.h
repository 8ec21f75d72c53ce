/*
 * The journal of an output: what changed with it and with its layers at a tick, for the fault log in the
 * safety page (core/safety_page.h) and for the process' log.
 *
 *   journal_add_...()   when it was noticed, before anything is shown
 *   journal_close()     after the picture that answers it was shown: when that was; a line of log each
 *
 * Thread: the compositor's. Plain storage, bounded, nothing blocks.
 */
#ifndef COMPOSITOR_JOURNAL_H
#define COMPOSITOR_JOURNAL_H

#include <stdint.h>

#include "compositor/layer.h"
#include "compositor/screen_state.h"
#include "core/safety_page.h"

#define JOURNAL_ENTRIES_MAX (CONFIG_LAYERS_MAX * LAYER_TRANSITIONS_MAX + SCREEN_TRANSITIONS_MAX)
/* a guest that comes and goes at each tick shall not push the others' records out of the page */
#define JOURNAL_RECORDS_PER_SECOND 20

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
	uint32_t len;
	struct journal_entry entries[JOURNAL_ENTRIES_MAX];
};

void journal_add_layer(struct journal *journal, struct layer *layer,
	const struct layer_transition *made, uint64_t tick, uint64_t now_ns);
void journal_add_output(struct journal *journal, const struct screen_transition *made,
	uint64_t tick, uint64_t now_ns);
void journal_close(struct journal *journal, uint64_t now_ns, uint64_t done_ns);

#endif
