/*
 * The atlas, twice: a private copy that everything is drawn from, and the sealed file it was made of. A
 * bit that changes in either is found by scrubbing and put right from the other.
 *
 * Both are divided into blocks, whose checksums are taken at start, when the whole atlas was found to be in
 * order. Neither copy can be written to but while a block is put right.
 *
 * Thread: the compositor's. Nothing allocates after atlas_copies_init().
 */
#ifndef COMPOSITOR_ATLAS_COPIES_H
#define COMPOSITOR_ATLAS_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/atlas.h"
#include "core/fault.h"

#define ATLAS_BLOCK_BYTES (16 * 1024)
#define ATLAS_SCRUB_MS 8000 /* for all of it: 10 s are promised, and a tick may be missed */

struct atlas_copies {
	struct atlas atlas; /* the first copy, as everybody uses it; zeroed: there is no atlas */
	struct atlas sealed; /* the second */
	uint32_t *crcs; /* of each block */
	uint32_t blocks_len;
	uint32_t next; /* block to be scrubbed */
};

/* What a scrubbing found. */
struct atlas_damage {
	enum fault_cause cause; /* FAULT_ATLAS, FAULT_ATLAS_LOST */
	const char *tile; /* name of one that lies there; NULL: the tables */
};

/* Maps, checks and copies (borrows `fd`). 0 or -errno as atlas_map(); then there is nothing to finish. */
int atlas_copies_init(struct atlas_copies *copies, int fd);
void atlas_copies_finish(struct atlas_copies *copies);

/* Blocks to be scrubbed at each tick of a clock of this period. */
uint32_t atlas_copies_share(const struct atlas_copies *copies, uint64_t period_ns);

/* Scrubs the next blocks, in both copies. What cannot be put right stays. The worst that was found;
 * FAULT_NONE: nothing. */
struct atlas_damage atlas_copies_scrub(struct atlas_copies *copies, uint32_t blocks);

/* A tile's pixels in the second copy. */
const uint32_t *atlas_copies_second(
	const struct atlas_copies *copies, const struct atlas_tile *tile);

/* For faults to be injected: flips a bit of the tile of that name. 0, -ENOENT: no such tile. */
int atlas_copies_flip(struct atlas_copies *copies, const char *name, bool is_both);

#endif
