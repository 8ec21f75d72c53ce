/*
 * What an output shows, verified: every safety element and configured region, at each frame. In a tick:
 *
 *   verifier_begin()    what is requested now; the guests' own pictures where they are not shown; what is
 *                       shown, read back, against what was checked. Then layers and output are judged
 *   verifier_arrange()  who draws which element in the next picture. Guest-drawn ones are put in front of
 *                       all other layers and of cursors
 *   verifier_check()    the composed picture, before it is shown. A wrong element is painted over with the
 *                       host's picture of it, at once
 *   verifier_note_shown(), verifier_report()   once it is shown
 *
 * A guest that draws an element wrong is not believed again until its own pixels were right for its layer's
 * recover_frames; two wrong frames in a row, or wrong ones again and again, are told of its layer. What is wrong though the host drew it is
 * told of the output. Where an element cannot be made right, all of the picture is black, at once.
 *
 * Thread: the compositor's. Nothing allocates after verifier_init().
 */
#ifndef COMPOSITOR_VERIFIER_H
#define COMPOSITOR_VERIFIER_H

#include <stdbool.h>
#include <stdint.h>

#include "compositor/atlas_copies.h"
#include "compositor/canvas.h"
#include "compositor/element.h"
#include "compositor/hmi.h"
#include "compositor/journal.h"
#include "compositor/region.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/safety_page.h"

#define VERIFIER_PICTURES 4 /* committed ones whose checksums are remembered */
#define VERIFIER_EVENTS 32 /* told of a tick; more are only counted, as what journal.h leaves out */

/* What the elements of a committed picture were found to be. */
struct verifier_picture {
	uint64_t id; /* 0: none */
	bool is_checked[ATLAS_ELEMENTS_MAX];
	struct rect places[ATLAS_ELEMENTS_MAX];
	uint32_t crcs[ATLAS_ELEMENTS_MAX];
};

struct verifier_event {
	enum safety_subject subject;
	const struct layer *layer; /* whose guest's pixels it is about; NULL: the host's */
	const char *name, *from, *to;
	enum fault_cause cause;
	enum fault_reaction reaction;
	uint64_t detect_ns, onset_ns;
};

/* Who draws the elements. */
enum verifier_scene {
	VERIFIER_NOTHING, /* there are none in the picture */
	VERIFIER_HOST, /* the fallback HMI is there, with all of them */
	VERIFIER_LAYERS, /* guests may draw theirs */
};

struct verifier {
	const struct config_output *config;
	const struct hmi *hmi;
	const struct atlas_copies *copies;
	struct canvas *canvas;
	struct output *output;
	struct safety_page *page; /* NULL: nobody reads */
	struct journal *journal;

	uint32_t elements_len;
	struct element elements[ATLAS_ELEMENTS_MAX];
	uint32_t regions_len;
	struct region regions[CONFIG_REGIONS_MAX + CONFIG_LAYERS_MAX];
	char uniform_names[CONFIG_LAYERS_MAX][SAFETY_NAME_BYTES];

	/* of this tick */
	const int32_t *values;
	uint64_t tick, now_ns;
	enum verifier_scene scene;
	bool may_search; /* for an element that is misplaced: once a tick, it costs more than a check */
	bool host_drawn[ATLAS_ELEMENTS_MAX]; /* by index in the atlas */
	uint64_t reported; /* set of causes (FAULT_BIT) of the output */

	struct verifier_picture composed;
	struct verifier_picture pictures[VERIFIER_PICTURES];
	uint32_t pictures_next;
	bool is_stale; /* what was read back last was of an older picture than the completed one */

	uint32_t events_len;
	struct verifier_event events[VERIFIER_EVENTS];
	uint32_t untold; /* that found no place there */
	_Atomic uint64_t *checks_value, *failures_value, *repairs_value;
};

/* What it works with; all but `stats` stays borrowed. */
struct verifier_parts {
	const struct hmi *hmi;
	const struct atlas_copies *copies;
	struct canvas *canvas;
	struct safety_page *page; /* may be NULL */
	struct journal *journal;
	struct stats *stats;
	bool has_elements; /* else none is looked for */
};

/* Layers are added next. */
void verifier_init(struct verifier *verifier, const struct config *config, uint32_t output,
	const struct verifier_parts *parts);

/* A layer of the output: which elements it draws, what of it is checked. Once each. */
void verifier_add_layer(struct verifier *verifier, const struct config *config, struct layer *layer,
	const struct ticker *ticker);

/* Layers get their reports now; the output's are the set of causes that is returned. */
uint64_t verifier_begin(struct verifier *verifier, const int32_t values[SIGNAL_VALUES],
	uint64_t tick, uint64_t now_ns);

/* Decides host_drawn[], and puts the elements that guests draw on top of the scene, which has its layers. */
void verifier_arrange(
	struct verifier *verifier, enum verifier_scene arrangement, struct scene *scene);

/* Returns the set of causes that the output failed by. */
uint64_t verifier_check(struct verifier *verifier, const struct scene *scene);

/* What became of the picture that was checked. `is_new`: a picture was committed. */
void verifier_note_shown(struct verifier *verifier, bool is_new);
/* Writes down what happened at this tick; its answer was shown at `done_ns`. */
void verifier_report(struct verifier *verifier, uint64_t done_ns);

/* The check that decides on elements: check_exact() as the verifier does it, for the self-test. */
bool verifier_exact(const struct check_view *view, const struct rect *rect, const uint32_t *allowed,
	size_t allowed_len, uint32_t *found);

#endif
