/*
 * The atlas: every picture the host draws itself (fallback HMI, placeholders, configured pictures),
 * rendered before start by `fascia` and handed to the compositor as one write-sealed memfd.
 *
 *   struct atlas_header | struct atlas_element[elements_len] | struct atlas_tile[tiles_len] | pixels
 *
 * Pixels are BGRA, premultiplied, rows of width * 4 bytes without padding.
 *
 * An element is one thing of the HMI: a telltale, a gauge, a row of digits. It has a picture (a tile) for
 * each of its states, in each theme and locale:
 *   tile index = first_tile + (theme * locales_len + locale) * states_len + state
 * Themes and locales are numbered as the choices of SIGNAL_THEME and SIGNAL_LOCALE; a signal beyond what
 * the atlas has is taken as 0. Several states, themes or locales may share pixels (equal offsets).
 * Elements are drawn in their order, the first one rearmost. A safety element overlaps no other
 * element but grounds, and no two states of one safety element have equal pixels.
 *
 * Tiles that belong to no element are found by name:
 *   placeholder/LAYER               what stands in a lost layer's place, of the layer's size
 *   picture/LAYER                   a configured picture
 * LAYER is a name from the configuration; their tile.x,y is 0,0 (their layer says where).
 *
 * Thread: any; read-only.
 */
#ifndef CORE_ATLAS_H
#define CORE_ATLAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/rect.h"

#define ATLAS_MAGIC 0x534c5441u /* "ATLS" */
#define ATLAS_VERSION 2
#define ATLAS_TILES_MAX 16384
#define ATLAS_ELEMENTS_MAX 256 /* of all outputs: four clusters fit */
#define ATLAS_SPRITES_MAX 320 /* of one output's elements; a readout counts its digits */
#define ATLAS_DIGITS_MAX 10   /* of a readout: any 32-bit number has no more */
#define ATLAS_READOUT_STATES 12
#define ATLAS_READOUT_MINUS 10
#define ATLAS_READOUT_BLANK 11
#define ATLAS_THEMES_MAX 4
#define ATLAS_LOCALES_MAX 4
#define ATLAS_SIZE_MAX 8192 /* pixels each way */
#define ATLAS_ALIGN 64      /* of a tile's pixels: a cache line */

enum atlas_element_kind {
	ATLAS_GROUND, /* 1 state, opaque: under all others; covers the fallback HMI's whole area */
	ATLAS_LAMP, /* off, on: the state is the signal, anything but 0 is on. Unknown: on */
	ATLAS_CHOICE, /* a state per choice of the signal, then one for unknown */
	ATLAS_READOUT, /* a number, right-aligned: tiles 0-9, 10: "-", 11: blank. `digits` tiles side by side,
	                * the leftmost at its tile's x,y; unknown: dashes */
	ATLAS_GAUGE, /* states over signal `least`..`most`, linearly; unknown: nothing is drawn */
	ATLAS_NOTICE, /* 1 state: shown while the layer of the element's name is missing */
	ATLAS_FRAME, /* 1 state: shown while the signal is not 0 (and known), above the layers as well */
	ATLAS_KINDS,
};

struct atlas_element {
	char name[32]; /* NUL-terminated; unique on its output: "brake", "speed" */
	char output[32]; /* name from the configuration */
	uint32_t kind; /* enum atlas_element_kind */
	uint32_t signal; /* enum signal_id, or SIGNAL_NONE */
	uint32_t
		safety; /* 1: a safety element (a lamp or choice): shown above all layers, checked at each frame, lit
	                         * while signals are not to be believed. Its tiles are opaque */
	uint32_t chime; /* enum cue_chime: cued when it goes on */
	uint32_t digits,
		decimals; /* of a readout: 1..10; the value is shown in units of 10^-decimals */
	int32_t least, most; /* of a gauge */
	struct rect place; /* on the output: what its tiles may cover */
	uint32_t states_len, first_tile;
};

struct atlas_tile {
	char name[88]; /* NUL-terminated, not empty */
	int32_t x, y;
	uint32_t width, height; /* 1..ATLAS_SIZE_MAX */
	uint64_t offset; /* of the first pixel from the file's start, multiple of 64 */
	uint32_t opaque; /* 1: every alpha is 255 */
	uint32_t crc32; /* of the pixels */
	uint32_t
		shown_crc32; /* of what the compositor makes of it on a black ground: check_crc() */
};

struct atlas_header {
	uint32_t magic, version;
	uint64_t size_bytes;
	uint32_t themes_len, locales_len; /* 1..; of the elements */
	uint32_t elements_len;
	uint32_t tiles_len;
	uint32_t crc32; /* of header (this field 0), element and tile table */
};

struct atlas {
	const uint8_t *base;
	size_t size_bytes;
	const struct atlas_element *elements;
	const struct atlas_tile *tiles;
	uint32_t themes_len, locales_len;
	uint32_t elements_len, tiles_len;
};

/* The checksum that belongs in header->crc32, whatever is in there. */
uint32_t atlas_crc32(const struct atlas_header *header, const struct atlas_element *elements,
	const struct atlas_tile *tiles);

/* What is wrong with a file of `size_bytes` at `file` (aligned to 8): sizes, ranges, checksums and all
 * that is said above, as a static string; NULL: nothing. */
const char *atlas_fault(const void *file, size_t size_bytes);

/* Looks into such a file after checking it; it must live as long. NULL, or what is wrong with it. For
 * tools: a compositor maps sealed ones. */
const char *atlas_open(struct atlas *atlas, const void *file, size_t size_bytes);

/* Maps and checks an atlas (borrows `fd`): its seals, and atlas_fault(). 0, -EPERM: not sealed, -EINVAL:
 * damaged or of another version, -errno. */
int atlas_map(struct atlas *atlas, int fd);
void atlas_unmap(struct atlas *atlas);

/* NULL when there is no such tile. */
const struct atlas_tile *atlas_find(const struct atlas *atlas, const char *name_format, ...)
	__attribute__((format(printf, 2, 3)));
/* The element's picture: `state` < its states_len; a theme or locale that the atlas does not have is
 * taken as 0. */
const struct atlas_tile *atlas_element_tile(const struct atlas *atlas,
	const struct atlas_element *element, uint32_t theme, uint32_t locale, uint32_t state);
const uint32_t *atlas_pixels(const struct atlas *atlas, const struct atlas_tile *tile);

#endif
