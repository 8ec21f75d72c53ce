/*
 * The compositor: guests in, layers, screens out; see design.md 4 and 5.
 *
 *   compositor_create()   maps all that was granted; the last call that allocates
 *   compositor_light()    first light: every output shows something before any guest is looked at
 *   compositor_start()    clocks run; from here on the loop does the work
 *
 * A tick of an output: the newest pictures of its guests are taken, its layers are judged, what changed
 * is drawn and shown, the pictures are latched, and then the guests' producers hear of the tick.
 *
 * Thread: the owner's, which runs the loop.
 */
#ifndef COMPOSITOR_COMPOSITOR_H
#define COMPOSITOR_COMPOSITOR_H

#include <stdint.h>

#include "compositor/analyze.h"
#include "compositor/grants.h"
#include "core/control.h"
#include "core/loop.h"
#include "core/stats.h"

struct compositor;

/*
 * Takes what it needs out of `grants`. `stats` and `loop` outlive it. NULL with errno, the reason logged:
 * EINVAL a grant that is missing or not what it should be.
 */
struct compositor *compositor_create(struct grants *grants, struct stats *stats, struct loop *loop);
void compositor_destroy(struct compositor *compositor); /* NULL is fine */

/* First light, of every output. Before the memory is locked: that takes longer. */
void compositor_light(struct compositor *compositor);
void compositor_start(struct compositor *compositor);

/* A later grant: the process at the other end of a guest's link, a pidfd taken over. 0 or -EINVAL. */
int compositor_set_process(struct compositor *compositor, uint32_t guest, int process);

/* Carries out a CONTROL_LAYER or CONTROL_ACKNOWLEDGE request and makes the END that answers it. */
void compositor_command(struct compositor *compositor, const struct control_message *request,
	struct control_message *reply);

/* What CONTROL_ANALYZE says of a layer, once compositor_command() found nothing wrong with it; of no such
 * layer nothing. */
void compositor_analyze(struct compositor *compositor, const char *name, struct analysis *analysis);

#endif
