/*
 * A host image: the host's copy of a picture that a guest draws, in one to four buffers.
 *
 * Until it is shown for the first time it lives in private memory. From then on it lives in the frame
 * link's pool, in up to three buffers, because what the compositor holds must not be written. Every
 * buffer knows where it is stale, and only that is copied when it becomes the newest one:
 *
 *      write(rect)                            present()
 *      newest not busy? ──yes──> newest       target open? copy its stale rest from the newest,
 *           │ no                                           it is the newest now
 *      open a target: a buffer that           newest in the pool? ──yes──> publish that one
 *      is not busy, a new one, or             no: copy it into a buffer that is not busy;
 *      private memory; its stale              none: -EBUSY, again at the next tick
 *      rest is copied by present()
 *
 * A guest that draws whole frames therefore never causes a copy but its own.
 *
 * Thread: the loop's.
 */
#ifndef GPU_HOST_IMAGE_H
#define GPU_HOST_IMAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/frame_link.h"
#include "core/rect.h"
#include "gpu/pixels.h"
#include "gpu/pool.h"

/* What the images of one guest share. */
struct image_store {
	struct pool pool;
	uint64_t memory_bytes; /* private bytes taken by images and by backings */
	uint64_t memory_budget;
	struct host_image *images; /* all of them */
	_Atomic uint64_t *stale_bytes; /* counts bytes copied between buffers */
};

void image_store_init(struct image_store *store, const struct frame_link *link,
	uint64_t memory_budget, _Atomic uint64_t *stale_bytes);

/* Takes `bytes` off the budget of private memory: 0 or -ENOMEM. */
int image_store_take_memory(struct image_store *store, uint64_t bytes);
void image_store_give_memory(struct image_store *store, uint64_t bytes);

/* A black picture; its private memory is taken off the budget now, and used when it is first written.
 * NULL with errno: ENOMEM. */
struct host_image *host_image_create(struct image_store *store, uint32_t width, uint32_t height);
/* What the consumer still shows of it stays as it is. */
void host_image_destroy(struct host_image **image);

/* One more scanout shows it: it moves to the pool. 0, or -ENOMEM: it does not fit there. */
int host_image_show(struct host_image *image);
/* One fewer. It may be moved out of the pool when others need the room. */
void host_image_hide(struct host_image *image);

/* Where to write `rect` (inside the picture, not empty): the caller fills all of it before the next
 * call. 0, or -ENOMEM when every buffer is busy and there is no room for another one. */
int host_image_write(struct host_image *image, const struct rect *rect, struct pixels *pixels);

/* For a shown image: the pool's offset of a buffer with the newest pixels, that the caller publishes.
 * -EBUSY: none can be had now. */
int host_image_present(struct host_image *image, uint64_t *pool_offset);

/* The newest pixels, for reading. False: it was never written, all black. */
bool host_image_read(struct host_image *image, struct pixels *pixels);

uint32_t host_image_stride(const struct host_image *image); /* bytes */

#endif
