/*
 * The load generator: a guest that draws one scanout, driven through the front-end of tests/vmm. The
 * same one drives fascia and QEMU's vhost-user-gpu.
 *
 * Each picture carries a random tag in the first and the last pixel of its damage, so whoever looks
 * at the far end knows that it sees this picture, whole.
 *
 * Thread: one.
 */
#ifndef TESTS_BENCH_GENERATOR_H
#define TESTS_BENCH_GENERATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "core/rect.h"
#include "tests/vmm/vmm.h"

struct generator {
	struct vmm_ram ram;
	struct vmm_device device;
	uint32_t width, height;
	uint32_t *pixels; /* the guest's picture, BGRX */
	uint64_t requests; /* guest address of the two requests of a picture, then their replies */
	uint32_t seed;
};

/* Connects to the device at `path`, or takes over `socket` when path is NULL. `gpu_socket` (or -1) is
 * handed over as QEMU does before the driver starts; borrowed. 0 or -errno. */
int generator_init(struct generator *generator, const char *path, int socket, int gpu_socket,
	uint32_t width, uint32_t height);
void generator_finish(struct generator *generator);

/* Makes the resource and shows it. Separate, as QEMU's back-end wants its display answered first. */
int generator_show(struct generator *generator);

/* Draws a new picture inside `damage` and hands it over with one kick. *tag is what its corners hold,
 * *kick_ns when it was kicked. 0 or -errno. */
int generator_draw(
	struct generator *generator, const struct rect *damage, uint32_t *tag, uint64_t *kick_ns);

/* Waits until the device has answered both requests of the last picture. 0 or -errno. */
int generator_collect(struct generator *generator);

/* Whether a picture of `stride_pixels` holds the tag in both corners of `damage`. */
bool generator_is_shown(
	const uint32_t *pixels, uint32_t stride_pixels, const struct rect *damage, uint32_t tag);

#endif
