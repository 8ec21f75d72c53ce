/*
 * The instrument cluster's picture, drawn from the atlas that the host has, too: so its telltales are,
 * pixel by pixel, what the host expects and verifies. Each picture carries a frame tag. A draw touches
 * only what differs from what that buffer shows.
 *
 * Thread: one.
 */
#ifndef TESTS_GUEST_PROGRAMS_CLUSTER_FACE_H
#define TESTS_GUEST_PROGRAMS_CLUSTER_FACE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/atlas.h"
#include "core/frame_tag.h"
#include "core/signals.h"

struct cluster_face;
struct scene;

/* A frame buffer, XRGB8888, at least of the tag's size. `shown` is the face's own; NULL: nothing known. */
struct face_buffer {
	uint8_t *pixels;
	uint32_t stride; /* bytes */
	uint32_t width, height;
	struct scene *shown;
};

/* Of the HMI in this atlas. NULL, with a reason on standard error. */
struct cluster_face *cluster_face_create(const char *atlas_path);
void cluster_face_destroy(struct cluster_face *face);

/* Of the HMI. A buffer of another size shows what fits, from its top left corner on. */
void cluster_face_size(const struct cluster_face *face, uint32_t *width, uint32_t *height);

const struct atlas *cluster_face_atlas(const struct cluster_face *face);

/* 0, or -ENOMEM. What is shown outside of the HMI is left as it is. */
int face_buffer_init(struct face_buffer *buffer, uint8_t *pixels, uint32_t stride, uint32_t width,
	uint32_t height);
void face_buffer_finish(struct face_buffer *buffer);

/* Makes the buffer show these values: first the tag above, then the HMI, last the tag below. */
void cluster_face_draw(struct cluster_face *face, struct face_buffer *buffer,
	const int32_t values[SIGNAL_VALUES], const struct frame_tag *tag);

/* Writes what a buffer shows, as a PPM. 0 or -errno. */
int face_buffer_write(const struct face_buffer *buffer, const char *path);

#endif
