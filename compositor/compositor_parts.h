/*
 * What a compositor is made of, for the files that make it one: compositor_setup.c maps what was granted
 * and says who handles which event, compositor.c does the work.
 *
 * Thread: as compositor.h.
 */
#ifndef COMPOSITOR_COMPOSITOR_PARTS_H
#define COMPOSITOR_COMPOSITOR_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "compositor/atlas_copies.h"
#include "compositor/compositor.h"
#include "compositor/cues.h"
#include "compositor/guest.h"
#include "compositor/layer.h"
#include "compositor/painter.h"
#include "compositor/screen.h"
#include "compositor/signals.h"
#include "compositor/supervisor.h"
#include "core/atlas.h"
#include "core/config.h"

/* a guest in its compositor */
struct seat {
	struct compositor *compositor;
	struct guest guest;
	struct screen *pacer;              /* whose ticks the guest hears; NULL: shown nowhere */
	struct loop_source *process;       /* NULL: none is known */
	struct loop_source *publications;  /* NULL: no immediate screen shows it */
};

/* a screen in its compositor */
struct stage {
	struct compositor *compositor;
	struct screen screen;
	int step; /* the screen's clock, if it is stepped; owned, else -1 */
	struct loop_source *ticks;
	struct loop_source
		*waiting; /* IMMEDIATE: ticks while time or signals may change something */
};

struct compositor {
	struct loop *loop; /* borrowed */
	struct stats *stats; /* borrowed */
	const struct config *config; /* mapped */
	struct atlas_copies copies; /* zeroed: there is no atlas */
	struct atlas atlas; /* the first of them */
	struct supervisor supervisor;
	_Atomic uint64_t
		*beat_ns; /* exported: end of the last cycle, of a predecessor's at first */
	struct painter *painter;
	struct safety_page *safety; /* mapped; NULL: none was granted */
	struct signals signals;
	struct cues cues;
	struct screen *signal_clock; /* whose ticks take them; NULL: none are expected */
	uint32_t seats_len;
	struct seat seats[CONFIG_GUESTS_MAX];
	uint32_t stages_len;
	struct stage stages[CONFIG_OUTPUTS_MAX];
	uint32_t layers_len;
	struct layer layers[CONFIG_LAYERS_MAX];
};

/* compositor_setup.c: fills a zeroed compositor that has its painter, loop and statistics. 0 or -errno,
 * logged; compositor_destroy() undoes it, finished or not. */
int compositor_set_up(struct compositor *compositor, struct grants *grants);

/* compositor.c: events of the loop. `data` is a stage, a stage, a seat. */
void compositor_handle_tick(void *data, uint32_t events);
void compositor_handle_waiting(void *data, uint32_t events);
void compositor_handle_publication(void *data, uint32_t events);

/* compositor.c: tells the guest what its scanout shall be. */
void compositor_update_mode(struct compositor *compositor, struct guest *guest, uint32_t channel);
/* compositor.c: whether any layer on the screen is the guest's. */
bool compositor_is_shown_on(
	struct compositor *compositor, const struct guest *guest, const struct screen *screen);

/* compositor_faults.c: looks after the compositor at the end of a cycle, and reports what is found. */
void compositor_supervise(
	struct compositor *compositor, struct stage *stage, const struct supervisor_cycle *cycle);
/* compositor_faults.c: first light was shown at `lit_ns`. If a predecessor is gone, that is written down. */
void compositor_note_light(struct compositor *compositor, uint64_t lit_ns);
/* compositor_faults.c: begins a tick as an injected hang or stall would. */
void compositor_suffer(struct compositor *compositor);
/* compositor_faults.c: CONTROL_INJECT, CONTROL_MECHANISM. 0, or -errno and the reason in the reply. */
int compositor_inject(struct compositor *compositor, const struct control_message *request,
	struct control_message *reply);
int compositor_set_mechanism(struct compositor *compositor, const struct control_message *request,
	struct control_message *reply);

#endif
