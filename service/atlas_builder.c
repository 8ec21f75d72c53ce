#include "service/atlas_builder.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compositor/check.h"
#include "compositor/painter.h"
#include "core/crc32.h"
#include "core/fd.h"

#define SLOTS (4 * ATLAS_TILES_MAX) /* of the table by checksum; mostly empty */
#define NOT_SHARED UINT32_MAX

struct atlas_builder {
	uint32_t themes_len, locales_len;
	struct atlas_element elements[ATLAS_ELEMENTS_MAX];
	uint32_t elements_len;
	struct atlas_tile tiles[ATLAS_TILES_MAX];
	const uint32_t *pixels[ATLAS_TILES_MAX];
	uint32_t *owned[ATLAS_TILES_MAX]; /* the same, or NULL */
	uint32_t shared
		[ATLAS_TILES_MAX]; /* tile with the same pixels, an earlier one, or NOT_SHARED */
	uint32_t len;
	uint32_t slots[SLOTS]; /* tile + 1, by checksum */
	uint64_t size_bytes;   /* once finished */
	int error;             /* sticky */
};

struct atlas_builder *atlas_builder_create(uint32_t themes_len, uint32_t locales_len) {
	struct atlas_builder *builder = calloc(1, sizeof(*builder));
	if (builder != NULL) {
		builder->themes_len = themes_len;
		builder->locales_len = locales_len;
	}
	return builder;
}

void atlas_builder_destroy(struct atlas_builder *builder) {
	if (builder == NULL) {
		return;
	}
	for (uint32_t i = 0; i < builder->len; i++) {
		free(builder->owned[i]);
	}
	free(builder);
}

int atlas_builder_error(const struct atlas_builder *builder) {
	return builder->error;
}

void atlas_builder_fail(struct atlas_builder *builder, int error) {
	if (builder->error == 0) {
		builder->error = error;
	}
}

uint32_t atlas_builder_themes(const struct atlas_builder *builder) {
	return builder->themes_len;
}

uint32_t atlas_builder_locales(const struct atlas_builder *builder) {
	return builder->locales_len;
}

/* ---- elements ---- */

struct atlas_element *atlas_builder_add_element(
	struct atlas_builder *builder, const struct atlas_element *element) {
	if (builder->elements_len == ATLAS_ELEMENTS_MAX) {
		atlas_builder_fail(builder, -E2BIG);
	}
	if (builder->error != 0) {
		return NULL;
	}
	struct atlas_element *added = &builder->elements[builder->elements_len++];
	*added = *element;
	added->first_tile = builder->len;
	return added;
}

uint32_t atlas_builder_elements(const struct atlas_builder *builder) {
	return builder->elements_len;
}

const struct atlas_element *atlas_builder_element(
	const struct atlas_builder *builder, uint32_t index) {
	return &builder->elements[index];
}

void atlas_builder_remove_element(struct atlas_builder *builder, uint32_t index) {
	builder->elements_len--;
	memmove(&builder->elements[index], &builder->elements[index + 1],
		(builder->elements_len - index) * sizeof(builder->elements[0]));
}

/* ---- tiles ---- */

/* Its index, or NOT_SHARED when there is an error. */
static uint32_t add_tile(
	struct atlas_builder *builder, const struct atlas_tile *tile, const uint32_t *pixels) {
	if (builder->len == ATLAS_TILES_MAX) {
		atlas_builder_fail(builder, -E2BIG);
	}
	if (builder->error != 0) {
		return NOT_SHARED;
	}
	uint32_t index = builder->len++;
	builder->tiles[index] = *tile;
	builder->pixels[index] = pixels;
	builder->shared[index] = NOT_SHARED;
	return index;
}

static size_t tile_bytes(const struct atlas_tile *tile) {
	return (size_t)tile->width * tile->height * sizeof(uint32_t);
}

static void name_tile(struct atlas_tile *tile, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void name_tile(struct atlas_tile *tile, const char *format, va_list args) {
	int len = vsnprintf(tile->name, sizeof(tile->name), format, args);
	assert(len > 0 && (size_t)len < sizeof(tile->name)); /* configured names are short */
}

uint32_t *atlas_builder_add(
	struct atlas_builder *builder, const struct rect *place, const char *name_format, ...) {
	struct atlas_tile tile = {
		.x = place->x,
		.y = place->y,
		.width = place->width,
		.height = place->height,
	};
	va_list args;
	va_start(args, name_format);
	name_tile(&tile, name_format, args);
	va_end(args);
	uint32_t *pixels = calloc(1, tile_bytes(&tile));
	if (pixels == NULL) {
		atlas_builder_fail(builder, -ENOMEM);
		return NULL;
	}
	uint32_t index = add_tile(builder, &tile, pixels);
	if (index == NOT_SHARED) {
		free(pixels);
		return NULL;
	}
	builder->owned[index] = pixels;
	return pixels;
}

void atlas_builder_borrow(
	struct atlas_builder *builder, const struct atlas_tile *tile, const uint32_t *pixels) {
	(void)add_tile(builder, tile, pixels);
}

void atlas_builder_share(
	struct atlas_builder *builder, uint32_t index, const char *name_format, ...) {
	if (builder->error != 0) {
		return;
	}
	struct atlas_tile tile = builder->tiles[index];
	va_list args;
	va_start(args, name_format);
	name_tile(&tile, name_format, args);
	va_end(args);
	uint32_t added = add_tile(builder, &tile, builder->pixels[index]);
	if (added != NOT_SHARED) {
		builder->shared[added] = index;
	}
}

uint32_t atlas_builder_tiles(const struct atlas_builder *builder) {
	return builder->len;
}

const struct atlas_tile *atlas_builder_tile(const struct atlas_builder *builder, uint32_t index) {
	return &builder->tiles[index];
}

const uint32_t *atlas_builder_pixels(const struct atlas_builder *builder, uint32_t index) {
	return builder->pixels[index];
}

struct canvas *atlas_builder_draw(struct atlas_builder *builder) {
	if (builder->error != 0) {
		return NULL;
	}
	const struct atlas_tile *tile = &builder->tiles[builder->len - 1];
	struct canvas *canvas = canvas_create(builder->owned[builder->len - 1], tile->width,
		tile->height, (struct canvas_point) { tile->x, tile->y });
	if (canvas == NULL) {
		atlas_builder_fail(builder, -errno);
	}
	return canvas;
}

/* ---- finishing ---- */

static bool is_opaque(const uint32_t *pixels, size_t len) {
	uint32_t alpha = 0xff000000;
	for (size_t i = 0; i < len; i++) {
		alpha &= pixels[i];
	}
	return alpha == 0xff000000;
}

/* What the compositor makes of the tile on a black ground, by the compositor's own drawing. */
struct stage {
	struct painter *painter;
	uint32_t *pixels;
	size_t bytes;
};

static int show(
	struct stage *stage, const struct atlas_tile *tile, const uint32_t *pixels, uint32_t *crc) {
	if (tile_bytes(tile) > stage->bytes) {
		free(stage->pixels);
		stage->bytes = tile_bytes(tile);
		stage->pixels = malloc(stage->bytes);
		if (stage->pixels == NULL) {
			stage->bytes = 0;
			return -ENOMEM;
		}
	}
	const struct rect all = { 0, 0, tile->width, tile->height };
	const struct painter_target target = {
		.pixels = stage->pixels,
		.stride = tile->width * PIXEL_BYTES,
		.width = tile->width,
		.height = tile->height,
	};
	const struct sprite sprite = {
		.pixels = (const uint8_t *)pixels,
		.stride = tile->width * PIXEL_BYTES,
		.width = tile->width,
		.height = tile->height,
		.format = PIXEL_FORMAT_BGRA,
		.opacity = 255,
		.opaque = tile->opaque != 0,
		.place = all,
		.visible = all,
	};
	painter_draw(stage->painter, &target, &sprite, 1, &all);
	const struct check_view view = { stage->pixels, tile->width * PIXEL_BYTES, all };
	*crc = check_crc(&view, &all);
	return 0;
}

/* The tile before with equal pixels, or NOT_SHARED; then this one is found by later ones. */
static uint32_t find_equal(struct atlas_builder *builder, uint32_t index) {
	const struct atlas_tile *tile = &builder->tiles[index];
	uint32_t slot = tile->crc32 % SLOTS;
	for (; builder->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
		uint32_t other = builder->slots[slot] - 1;
		const struct atlas_tile *before = &builder->tiles[other];
		if (before->crc32 == tile->crc32 && before->width == tile->width &&
			before->height == tile->height &&
			(builder->pixels[other] == builder->pixels[index] ||
				memcmp(builder->pixels[other], builder->pixels[index],
					tile_bytes(tile)) == 0)) {
			return other;
		}
	}
	builder->slots[slot] = index + 1;
	return NOT_SHARED;
}

static int finish_tile(struct atlas_builder *builder, struct stage *stage, uint32_t index) {
	struct atlas_tile *tile = &builder->tiles[index];
	bool is_drawn = builder->owned[index] != NULL; /* a borrowed one is known */
	if (builder->shared[index] == NOT_SHARED) {
		size_t bytes = tile_bytes(tile);
		if (is_drawn) {
			tile->crc32 = crc32_update(0, builder->pixels[index], bytes);
			tile->opaque = is_opaque(builder->pixels[index], bytes / sizeof(uint32_t));
		}
		builder->shared[index] = find_equal(builder, index);
	}
	if (builder->shared[index] != NOT_SHARED) {
		const struct atlas_tile *same = &builder->tiles[builder->shared[index]];
		tile->offset = same->offset;
		tile->crc32 = same->crc32;
		tile->opaque = same->opaque;
		tile->shown_crc32 = same->shown_crc32;
		return 0;
	}
	tile->offset = builder->size_bytes;
	builder->size_bytes += (tile_bytes(tile) + ATLAS_ALIGN - 1) / ATLAS_ALIGN * ATLAS_ALIGN;
	return is_drawn ? show(stage, tile, builder->pixels[index], &tile->shown_crc32) : 0;
}

int atlas_builder_finish(struct atlas_builder *builder) {
	struct stage stage = { .painter = painter_create() };
	if (stage.painter == NULL) {
		atlas_builder_fail(builder, -ENOMEM);
	}
	uint64_t tables = sizeof(struct atlas_header) +
		builder->elements_len * sizeof(struct atlas_element) +
		builder->len * sizeof(struct atlas_tile);
	builder->size_bytes = (tables + ATLAS_ALIGN - 1) / ATLAS_ALIGN * ATLAS_ALIGN;
	for (uint32_t i = 0; i < builder->len && builder->error == 0; i++) {
		builder->error = finish_tile(builder, &stage, i);
	}
	free(stage.pixels);
	painter_destroy(stage.painter);
	return builder->error;
}

static void write_file(const struct atlas_builder *builder, uint8_t *file) {
	struct atlas_header header = {
		.magic = ATLAS_MAGIC,
		.version = ATLAS_VERSION,
		.size_bytes = builder->size_bytes,
		.themes_len = builder->themes_len,
		.locales_len = builder->locales_len,
		.elements_len = builder->elements_len,
		.tiles_len = builder->len,
	};
	header.crc32 = atlas_crc32(&header, builder->elements, builder->tiles);
	size_t elements_bytes = builder->elements_len * sizeof(struct atlas_element);
	memcpy(file, &header, sizeof(header));
	memcpy(file + sizeof(header), builder->elements, elements_bytes);
	memcpy(file + sizeof(header) + elements_bytes, builder->tiles,
		builder->len * sizeof(struct atlas_tile));
	for (uint32_t i = 0; i < builder->len; i++) {
		if (builder->shared[i] == NOT_SHARED) {
			memcpy(file + builder->tiles[i].offset, builder->pixels[i],
				tile_bytes(&builder->tiles[i]));
		}
	}
}

int atlas_builder_seal(const struct atlas_builder *builder) {
	int fd = memfd_create("atlas", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0) {
		return -errno;
	}
	uint8_t *file = MAP_FAILED;
	if (ftruncate(fd, (off_t)builder->size_bytes) == 0) {
		file = mmap(NULL, builder->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	int error = file == MAP_FAILED ? -errno : 0;
	if (error == 0) {
		write_file(builder, file);
		/* the kernel seals nothing that somebody may still write to */
		munmap(file, builder->size_bytes);
		const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
		error = fcntl(fd, F_ADD_SEALS, seals) == 0 ? 0 : -errno;
	}
	if (error != 0) {
		fd_close(&fd);
		return error;
	}
	return fd;
}
