#include "compositor/atlas_copies.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "core/clock.h"
#include "core/crc32.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"
#include "tests/support/grants.h"
#include "tests/support/test_atlas.h"

#define LAYERS 3

static int make_fd(void) {
	struct config config;
	test_config_init(&config, 300, 200);
	for (unsigned i = 0; i < LAYERS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "picture%u", i);
		test_config_add_layer(&config, name, CONFIG_NONE, CONFIG_NONE,
			(struct rect) { 0, 0, 90 + i, 70 });
	}
	return test_atlas_create_fd(&config, NULL);
}

static void set_up(struct atlas_copies *copies) {
	int fd = make_fd();
	ck_assert_int_eq(atlas_copies_init(copies, fd), 0);
	fd_close(&fd);
}

static struct atlas_damage scrub_all(struct atlas_copies *copies) {
	return atlas_copies_scrub(copies, copies->blocks_len);
}

static bool is_tile_whole(const struct atlas_tile *tile, const uint32_t *pixels) {
	size_t bytes = (size_t)tile->width * tile->height * sizeof(*pixels);
	return crc32_update(0, pixels, bytes) == tile->crc32;
}

START_TEST(there_are_two) {
	struct atlas_copies copies;
	set_up(&copies);
	ck_assert_ptr_ne(copies.atlas.base, copies.sealed.base);
	ck_assert_mem_eq(copies.atlas.base, copies.sealed.base, copies.atlas.size_bytes);
	const struct atlas_tile *tile = atlas_find(&copies.atlas, "picture/picture1");
	ck_assert_ptr_nonnull(tile);
	ck_assert((const uint8_t *)tile >= copies.atlas.base);
	ck_assert((const uint8_t *)tile < copies.atlas.base + copies.atlas.size_bytes);
	ck_assert_ptr_ne(atlas_pixels(&copies.atlas, tile), atlas_copies_second(&copies, tile));
	ck_assert(is_tile_whole(tile, atlas_copies_second(&copies, tile)));
	ck_assert_uint_eq(scrub_all(&copies).cause, FAULT_NONE);
	atlas_copies_finish(&copies);
}
END_TEST

START_TEST(a_changed_bit_is_put_right) {
	struct atlas_copies copies;
	set_up(&copies);
	for (uint32_t i = 0; i < copies.atlas.tiles_len; i++) {
		const struct atlas_tile *tile = &copies.atlas.tiles[i];
		ck_assert_int_eq(atlas_copies_flip(&copies, tile->name, false), 0);
		ck_assert(!is_tile_whole(tile, atlas_pixels(&copies.atlas, tile)));
		ck_assert(is_tile_whole(tile, atlas_copies_second(&copies, tile)));
		struct atlas_damage damage = scrub_all(&copies);
		ck_assert_uint_eq(damage.cause, FAULT_ATLAS);
		ck_assert_ptr_nonnull(damage.tile);
		ck_assert(is_tile_whole(tile, atlas_pixels(&copies.atlas, tile)));
		ck_assert_uint_eq(scrub_all(&copies).cause, FAULT_NONE);
	}
	ck_assert_int_eq(atlas_copies_flip(&copies, "picture/none", false), -ENOENT);
	atlas_copies_finish(&copies);
}
END_TEST

START_TEST(both_changed_is_lost) {
	struct atlas_copies copies;
	set_up(&copies);
	ck_assert_int_eq(atlas_copies_flip(&copies, "picture/picture2", true), 0);
	struct atlas_damage damage = scrub_all(&copies);
	ck_assert_uint_eq(damage.cause, FAULT_ATLAS_LOST);
	ck_assert_ptr_nonnull(damage.tile);
	/* and stays so */
	ck_assert_uint_eq(scrub_all(&copies).cause, FAULT_ATLAS_LOST);
	atlas_copies_finish(&copies);
}
END_TEST

/* Flips a bit by force, at any byte of either copy. */
static void flip_byte(const struct atlas *copy, size_t at) {
	uint8_t *base = (uint8_t *)(uintptr_t)copy->base;
	ck_assert_int_eq(mprotect(base, copy->size_bytes, PROT_READ | PROT_WRITE), 0);
	base[at] ^= 1;
	ck_assert_int_eq(mprotect(base, copy->size_bytes, PROT_READ), 0);
}

START_TEST(every_byte_counts) {
	struct atlas_copies copies;
	set_up(&copies);
	size_t size = copies.atlas.size_bytes;
	const size_t places[] = { 0, 1, 100, ATLAS_BLOCK_BYTES - 1, ATLAS_BLOCK_BYTES, size / 2,
		size - 1 };
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		flip_byte(&copies.atlas, places[i]);
		ck_assert_uint_eq(scrub_all(&copies).cause, FAULT_ATLAS);
		ck_assert_mem_eq(copies.atlas.base, copies.sealed.base, size);
		/* the second one, too, before it is needed */
		flip_byte(&copies.sealed, places[i]);
		ck_assert_uint_eq(scrub_all(&copies).cause, FAULT_ATLAS);
		ck_assert_mem_eq(copies.atlas.base, copies.sealed.base, size);
	}
	ck_assert_uint_eq(scrub_all(&copies).cause, FAULT_NONE);
	atlas_copies_finish(&copies);
}
END_TEST

static const struct {
	const char *name;
	size_t atlas_bytes;
	uint64_t period_ns;
} shares[] = {
	{ "tiny", 1, NS_PER_S / 60 },
	{ "small", 1000 * 1000, NS_PER_S / 60 },
	{ "cluster", 25 * 1000 * 1000, NS_PER_S / 60 },
	{ "large", 200 * 1000 * 1000, NS_PER_S / 60 },
	{ "slow output", 25 * 1000 * 1000, NS_PER_S },
	{ "very slow output", 25 * 1000 * 1000, 20 * NS_PER_S },
};

START_TEST(all_of_it_takes_ten_seconds) {
	struct atlas_copies copies = {
		.blocks_len = (uint32_t)((shares[_i].atlas_bytes + ATLAS_BLOCK_BYTES - 1) /
			ATLAS_BLOCK_BYTES)
	};
	uint64_t share = atlas_copies_share(&copies, shares[_i].period_ns);
	ck_assert_uint_ge(share, 1);
	uint64_t ticks = (copies.blocks_len + share - 1) / share;
	if (ticks > 1) {
		ck_assert_uint_le(ticks * shares[_i].period_ns, 10 * NS_PER_S);
	}
}
END_TEST

START_TEST(shares_reach_everything) {
	struct atlas_copies copies;
	set_up(&copies);
	ck_assert_uint_gt(copies.blocks_len, 4);
	flip_byte(&copies.atlas, copies.atlas.size_bytes - 1);
	unsigned steps = 1;
	while (atlas_copies_scrub(&copies, 2).cause == FAULT_NONE) {
		ck_assert_uint_lt(steps++, copies.blocks_len);
	}
	ck_assert_uint_eq(steps, (copies.blocks_len + 1) / 2);
	atlas_copies_finish(&copies);
}
END_TEST

START_TEST(its_create_may_fail) {
	int fd = make_fd();
	unsigned n = 1;
	for (;; n++) {
		struct atlas_copies copies;
		fault_at(n);
		int err = atlas_copies_init(&copies, fd);
		bool hit = fault_hit();
		fault_off();
		ck_assert_int_eq(err < 0, hit);
		if (!hit) {
			atlas_copies_finish(&copies);
			break;
		}
		ck_assert_int_eq(err, -ENOMEM);
	}
	ck_assert_uint_eq(n, 4);
	fd_close(&fd);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor atlas_copies");
	TCase *scrub = suite_case(suite, "scrub");
	tcase_add_test(scrub, there_are_two);
	tcase_add_test(scrub, a_changed_bit_is_put_right);
	tcase_add_test(scrub, both_changed_is_lost);
	tcase_add_test(scrub, every_byte_counts);
	tcase_add_loop_test(scrub, all_of_it_takes_ten_seconds, 0, ARRAY_LEN(shares));
	tcase_add_test(scrub, shares_reach_everything);
	tcase_add_test(scrub, its_create_may_fail);
	return suite;
}
