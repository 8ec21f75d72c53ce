/*
 * The atlas: every picture the host draws itself (fallback HMI, placeholders, configured pictures),
 * rendered before start by `fascia` and handed to the compositor as one write-sealed memfd.
 *
 *   struct atlas_header | struct atlas_tile[tiles_len] | pixels
 *
 * Pixels are BGRA, premultiplied, rows of width * 4 bytes without padding. Tiles are found by name;
 * names are part of this contract:
 *   hmi/OUTPUT/background           the fallback HMI without its moving parts, opaque; tile.x,y and size:
 *                                   what it covers of the output (all of it, or where the critical
 *                                   layers are: other layers go on being shown around it)
 *   hmi/OUTPUT/speed/D              D in 0..9 and "-": one digit; tile.x,y: the leftmost digit's place,
 *                                   digits follow to the right, each one tile wide; three digits
 *   hmi/OUTPUT/gear/G               G in P R N D "-"
 *   hmi/OUTPUT/telltale/N/on, off   N in 0..HMI_TELLTALES-1
 *   hmi/OUTPUT/missing/LAYER        "LAYER: no signal", for each critical layer
 *   placeholder/LAYER               what stands in a lost layer's place, of the layer's size
 *   picture/LAYER                   a configured picture
 * OUTPUT and LAYER are names from the configuration; tile.x,y is where the tile goes on its output
 * (0,0 for placeholders and pictures: their layer says where).
 *
 * Thread: any; read-only.
 */
#ifndef CORE_ATLAS_H
#define CORE_ATLAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATLAS_MAGIC 0x534c5441u /* "ATLS" */
#define ATLAS_VERSION 1
#define ATLAS_TILES_MAX 1024
#define ATLAS_SIZE_MAX 8192 /* pixels each way */
#define ATLAS_ALIGN 64      /* of a tile's pixels: a cache line */
#define HMI_TELLTALES 8

struct atlas_tile {
	char name[88];          /* NUL-terminated, not empty */
	int32_t x, y;
	uint32_t width, height; /* 1..ATLAS_SIZE_MAX */
	uint64_t offset;        /* of the first pixel from the file's start, multiple of 64 */
	uint32_t opaque;        /* 1: every alpha is 255 */
	uint32_t crc32;         /* of the pixels */
};

struct atlas_header {
	uint32_t magic, version;
	uint64_t size_bytes;
	uint32_t tiles_len;
	uint32_t crc32;         /* of header (this field 0) and tile table */
};

struct atlas {
	const uint8_t *base;
	size_t size_bytes;
	const struct atlas_tile *tiles;
	uint32_t tiles_len;
};

/* The checksum that belongs in header->crc32, whatever is in there. */
uint32_t atlas_crc32(const struct atlas_header *header, const struct atlas_tile *tiles);

/* Maps and checks an atlas (borrows `fd`): seals, sizes, every tile inside the file, all checksums.
 * 0, -EPERM: not sealed, -EINVAL: damaged or of another version, -errno. */
int atlas_map(struct atlas *atlas, int fd);
void atlas_unmap(struct atlas *atlas);

/* NULL when there is no such tile. */
const struct atlas_tile *atlas_find(const struct atlas *atlas, const char *name_format, ...)
	__attribute__((format(printf, 2, 3)));
const uint32_t *atlas_pixels(const struct atlas *atlas, const struct atlas_tile *tile);

#endif
