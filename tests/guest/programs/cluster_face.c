#include "tests/guest/programs/cluster_face.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compositor/hmi.h"
#include "compositor/painter.h"
#include "compositor/scene.h"
#include "core/atlas.h"
#include "core/config.h"
#include "core/macros.h"

struct cluster_face {
	void *file;
	size_t file_bytes;
	struct atlas atlas;
	struct config config; /* what hmi_init() asks: an output of the atlas' name and size */
	struct hmi hmi;
	struct painter *painter;
	struct scene *next; /* changes places with that of the buffer that is drawn */
};

/* ---- opening ---- */

static int map_file(struct cluster_face *face, const char *path) {
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0) {
		int error = -errno;
		if (fd >= 0) {
			close(fd);
		}
		return error;
	}
	void *file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	int error = file == MAP_FAILED ? -errno : 0;
	close(fd);
	if (error == 0) {
		face->file = file;
		face->file_bytes = (size_t)status.st_size;
	}
	return error;
}

static const char *open_atlas(struct cluster_face *face, const char *path) {
	int error = map_file(face, path);
	if (error < 0) {
		return strerror(-error);
	}
	const char *fault = atlas_open(&face->atlas, face->file, face->file_bytes);
	if (fault != NULL) {
		return fault;
	}
	return face->atlas.elements_len > 0 ? NULL : "it has no elements";
}

static void set_up_hmi(struct cluster_face *face) {
	struct config_output *output = &face->config.outputs[0];
	struct rect all = { 0, 0, 0, 0 };
	for (uint32_t i = 0; i < face->atlas.elements_len; i++) {
		all = rect_union(&all, &face->atlas.elements[i].place);
	}
	snprintf(output->name, sizeof(output->name), "%s", face->atlas.elements[0].output);
	output->width = (uint32_t)all.x + all.width;
	output->height = (uint32_t)all.y + all.height;
	face->config.outputs_len = 1;
	hmi_init(&face->hmi, &face->atlas, &face->config, 0);
}

struct cluster_face *cluster_face_create(const char *atlas_path) {
	struct cluster_face *face = calloc(1, sizeof(*face));
	const char *fault = face != NULL ? open_atlas(face, atlas_path) : strerror(ENOMEM);
	if (fault == NULL) {
		set_up_hmi(face);
		face->painter = painter_create();
		face->next = calloc(1, sizeof(*face->next));
		fault = face->painter != NULL && face->next != NULL ? NULL : strerror(ENOMEM);
	}
	if (fault != NULL) {
		fprintf(stderr, "cluster-hmi: %s: %s\n", atlas_path, fault);
		cluster_face_destroy(face);
		return NULL;
	}
	return face;
}

void cluster_face_destroy(struct cluster_face *face) {
	if (face == NULL) {
		return;
	}
	painter_destroy(face->painter);
	free(face->next);
	if (face->file != NULL) {
		munmap(face->file, face->file_bytes);
	}
	free(face);
}

void cluster_face_size(const struct cluster_face *face, uint32_t *width, uint32_t *height) {
	*width = face->config.outputs[0].width;
	*height = face->config.outputs[0].height;
}

const struct atlas *cluster_face_atlas(const struct cluster_face *face) {
	return &face->atlas;
}

/* ---- buffers ---- */

int face_buffer_init(struct face_buffer *buffer, uint8_t *pixels, uint32_t stride, uint32_t width,
	uint32_t height) {
	*buffer = (struct face_buffer) {
		.stride = stride,
		.width = width,
		.height = height,
		.shown = calloc(1, sizeof(struct scene)),
	};
	buffer->pixels = pixels;
	return buffer->shown != NULL ? 0 : -ENOMEM;
}

void face_buffer_finish(struct face_buffer *buffer) {
	free(buffer->shown);
	*buffer = (struct face_buffer) { 0 };
}

static uint8_t *row_of(const struct face_buffer *buffer, uint32_t y) {
	return buffer->pixels + (size_t)y * buffer->stride;
}

int face_buffer_write(const struct face_buffer *buffer, const char *path) {
	FILE *file = fopen(path, "we");
	if (file == NULL) {
		return -errno;
	}
	fprintf(file, "P6\n%u %u\n255\n", buffer->width, buffer->height);
	for (uint32_t y = 0; y < buffer->height; y++) {
		const uint8_t *row = row_of(buffer, y);
		for (uint32_t x = 0; x < buffer->width; x++) {
			const uint8_t *bgrx = row + (size_t)x * PIXEL_BYTES;
			const uint8_t rgb[] = { bgrx[2], bgrx[1], bgrx[0] };
			fwrite(rgb, 1, sizeof(rgb), file);
		}
	}
	return fclose(file) == 0 ? 0 : -errno;
}

/* ---- drawing ---- */

/* The tags' own pixels are not the painter's. */
static void paint_around_tags(
	struct cluster_face *face, const struct painter_target *target, const struct rect *damage) {
	uint32_t last = target->height - 1;
	const struct rect parts[] = {
		{ FRAME_TAG_PIXELS, 0, target->width - FRAME_TAG_PIXELS, 1 },
		{ 0, 1, target->width, last - 1 },
		{ FRAME_TAG_PIXELS, (int32_t)last, target->width - FRAME_TAG_PIXELS, 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct rect part = rect_intersect(damage, &parts[i]);
		if (!rect_is_empty(&part)) {
			painter_draw(
				face->painter, target, face->next->sprites, face->next->len, &part);
		}
	}
}

static void paint(struct cluster_face *face, struct face_buffer *buffer) {
	const struct painter_target target = {
		.pixels = (uint32_t *)(void *)buffer->pixels,
		.stride = buffer->stride,
		.width = buffer->width,
		.height = buffer->height,
	};
	struct rects damage;
	rects_clear(&damage);
	scene_compare(buffer->shown, face->next, &damage);
	for (uint32_t i = 0; i < damage.len; i++) {
		paint_around_tags(face, &target, &damage.items[i]);
	}
	struct scene *shown = face->next;
	face->next = buffer->shown;
	buffer->shown = shown;
}

void cluster_face_draw(struct cluster_face *face, struct face_buffer *buffer,
	const int32_t values[SIGNAL_VALUES], const struct frame_tag *tag) {
	const struct rect bounds = { 0, 0, buffer->width, buffer->height };
	uint32_t pixels[FRAME_TAG_PIXELS];
	frame_tag_encode(tag, pixels);
	memcpy(row_of(buffer, 0), pixels, sizeof(pixels));
	scene_clear(face->next);
	hmi_add_fallback(&face->hmi, values, 0, face->next, &bounds);
	paint(face, buffer);
	memcpy(row_of(buffer, buffer->height - 1), pixels, sizeof(pixels));
}
