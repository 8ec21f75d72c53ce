/*
 * What the compositor's successor must know, in the safety page: an output that is SAFE stays so, a latched
 * fallback stays latched, a layer in quarantine stays there, and layers are where commands put them.
 *
 * Kept before a picture is shown, so that nothing is seen that would be forgotten.
 *
 * Thread: the compositor's. Nothing allocates or blocks.
 */
#ifndef COMPOSITOR_MEMORY_H
#define COMPOSITOR_MEMORY_H

#include "core/safety_page.h"

struct layer;
struct screen;

/* At each tick, and whenever a command changed something. `page` may be NULL. */
void memory_keep_screen(struct safety_page *page, const struct screen *screen);
void memory_keep_layer(struct safety_page *page, const struct layer *layer);

/* Before their first tick. What makes no sense, or is of something else, is left out; of an output whose
 * memory is damaged the worst that leaves a picture is assumed: the fallback is latched. */
void memory_restore_screen(struct safety_page *page, struct screen *screen);
void memory_restore_layer(struct safety_page *page, struct layer *layer);

#endif
