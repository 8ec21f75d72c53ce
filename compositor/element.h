/*
 * A safety element on an output: what is requested of it, who draws it, and whether that can be believed.
 *
 *                     its guest's layer is shown, 1:1, opaque, and covers it
 *        host-drawn <--------------------------------------------------------> guest-drawn
 *             ^   else, at once                                                     |
 *             |                                                                     | wrong
 *             |  the guest's own pixels were right for recover_frames               v
 *             +---------------------------------------------------------- distrusted (host-drawn)
 *
 * A guest may lag behind a request by its layer's follow_ms: what was requested before is right, too, for
 * so long. The host does not lag. A guest may also be ahead, since signals reach it on a way of its own:
 * another state of the element is not shown, but its layer is to blame for it after follow_ms only; for
 * anything else after ELEMENT_BAD_FRAMES in a row, or when it began anew ELEMENT_STRIKES times within
 * ELEMENT_STRIKE_TICKS.
 *
 * What lagging allows does not add up: where requests follow each other faster than follow_ms, as those of
 * an indicator may, one that never changes is never wrong for long. So a request that lasted, and that by
 * follow_ms after its end the guest had not shown for half of the time, is owed: the guest is distrusted until
 * its pixels follow a change again, and when that happened ELEMENT_STRIKES times until its layer is lost.
 *
 * While signals are not to be believed, no guest can know what is requested: the host draws, and nobody is to
 * blame.
 *
 * Thread: the compositor's. Plain storage.
 */
#ifndef COMPOSITOR_ELEMENT_H
#define COMPOSITOR_ELEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "compositor/check.h"
#include "compositor/layer.h"
#include "core/atlas.h"
#include "core/fault.h"
#include "core/safety_page.h"

#define ELEMENT_PAST 16 /* requests remembered: at the longest follow_ms one each 125 ms */
#define ELEMENT_BAD_FRAMES 2 /* wrong ones in a row before its layer is to blame */
#define ELEMENT_STRIKES 3 /* times it became wrong, */
#define ELEMENT_STRIKE_TICKS 60 /* within so many ticks */
#define ELEMENT_SEEN_MS                                                                            \
	250 /* what was requested for so long must have been shown: half a fast blink */

/* What was requested, and for how many ticks its guest was looked at meanwhile, and showed it so far. */
struct element_past {
	const struct atlas_tile *tile; /* NULL: none */
	uint64_t end_tick;
	uint32_t looked, seen;
};

struct element {
	const char *name;
	uint32_t index; /* in the atlas */
	uint32_t id; /* in a scene */
	struct layer *layer; /* whose guest draws it; NULL: the host always does */
	uint64_t follow_ticks;
	const struct atlas_tile *tile; /* what is requested; NULL: nothing yet */
	bool is_known; /* by the signals */
	uint64_t seen_ticks; /* ELEMENT_SEEN_MS */
	uint32_t looked, seen; /* as in element_past, of what is requested now */
	uint32_t seen_crc; /* of what the guest showed when it was right last; 0: not yet */
	uint32_t owed; /* requests it did not show since its layer was lost */
	bool is_owing; /* the last of them; until it follows a change */
	struct element_past past[ELEMENT_PAST];
	uint32_t past_next;
	bool is_guest_drawn; /* in the picture that is composed */
	bool is_distrusted;
	uint32_t good_frames; /* of the guest's own, while distrusted */
	uint32_t bad_frames; /* of the guest's, in a row */
	uint64_t strikes; /* times it became wrong so far, and when the last ones were */
	uint64_t strike_ticks[ELEMENT_STRIKES];
	bool is_struck; /* the last one was one too many */
	bool is_other_state; /* the last of them shows the element well, in another state */
	enum fault_cause cause; /* of those */
	uint32_t host_bad_frames; /* the host's, in a row */
	enum fault_cause host_cause;
	uint64_t well_ns; /* when it was right last */
	struct safety_region *region;
};

/* What is requested at this tick. `is_known`: by the signals. `is_shown`: its layer is; what is not owes
 * nothing. True: the guest owes an earlier request; it is distrusted now. */
bool element_request(struct element *element, const struct atlas_tile *tile, bool is_known,
	bool is_shown, uint64_t tick);

/* Where it is. */
struct rect element_place(const struct element *element);

/* The checksums that are right at this tick; how many, at most ELEMENT_PAST + 1. */
size_t element_allowed(const struct element *element, uint64_t tick, bool is_guest_drawn,
	uint32_t allowed[ELEMENT_PAST + 1]);

/* Whether its guest shall draw it in a picture that its layer is part of. */
bool element_is_for_guest(const struct element *element, const struct rect *output);

/* The guest's picture, and where the element is in it. False: there is nothing that could be judged. */
bool element_own_view(const struct element *element, struct check_view *view, struct rect *place);

/* What the guest drew was wrong: in the picture in `view`, where the element is at `place`. `may_search`:
 * whether it may be looked for nearby, which costs more than a check; false when that was done. */
void element_fail(struct element *element, const struct check_view *view, const struct rect *place,
	const struct atlas *atlas, uint64_t tick, bool *may_search);
/* What the guest drew was right, with this checksum. `is_shown`: its layer is. */
void element_see(struct element *element, uint32_t crc, bool is_shown);
/* Whether its layer is to blame for what it drew. `is_shown`: the layer is; else it is not to come back
 * with anything wrong at all. */
bool element_is_to_blame(const struct element *element, bool is_shown);
/* It was blamed: what follows counts anew. */
void element_forgive(struct element *element);
/* The guest's own pixels, which are not shown, were right. True: it is trusted again. */
bool element_pass(struct element *element);

#endif
