#include "core/atlas.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/crc32.h"
#include "core/fd.h"
#include "core/macros.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define TILES 2
#define OPAQUE_AT 320
#define CLEAR_AT 448
#define END (CLEAR_AT + 3 * 2 * 4)

/* An atlas of two tiles as its writer lays it out. */
static union {
	uint8_t bytes[END];
	struct {
		struct atlas_header header;
		struct atlas_tile tiles[TILES];
	};
} blob;

_Static_assert(sizeof(struct atlas_header) + TILES * sizeof(struct atlas_tile) <= OPAQUE_AT,
	"the tiles' pixels lie behind the table");

static void sign_tile(struct atlas_tile *tile) {
	tile->crc32 = crc32_update(0, blob.bytes + tile->offset, tile->width * tile->height * 4);
}

static void sign(void) {
	blob.header.crc32 = atlas_crc32(&blob.header, blob.tiles);
}

static void make_blob(void) {
	memset(&blob, 0, sizeof(blob));
	blob.header = (struct atlas_header) {
		.magic = ATLAS_MAGIC,
		.version = ATLAS_VERSION,
		.size_bytes = END,
		.tiles_len = TILES,
	};
	blob.tiles[0] = (struct atlas_tile) {
		.name = "hmi/front/speed/7",
		.x = -4,
		.width = 5,
		.height = 4,
		.offset = OPAQUE_AT,
		.opaque = 1,
	};
	blob.tiles[1] = (struct atlas_tile) {
		.name = "picture/logo",
		.width = 3,
		.height = 2,
		.offset = CLEAR_AT,
	};
	memset(blob.bytes + OPAQUE_AT, 0xff, 5 * 4 * 4);
	memset(blob.bytes + CLEAR_AT, 0x40, 3 * 2 * 4);
	sign_tile(&blob.tiles[0]);
	sign_tile(&blob.tiles[1]);
	sign();
}

static int map_blob(struct atlas *atlas, size_t len) {
	int fd = fd_memfd_create_constant("test", blob.bytes, len);
	ck_assert_int_ge(fd, 0);
	int rc = atlas_map(atlas, fd);
	fd_close(&fd);
	return rc;
}

START_TEST(tiles_are_found) {
	struct atlas atlas;
	ck_assert_int_eq(map_blob(&atlas, END), 0);
	ck_assert_uint_eq(atlas.tiles_len, TILES);
	const struct atlas_tile *tile = atlas_find(&atlas, "hmi/%s/speed/%d", "front", 7);
	ck_assert_ptr_nonnull(tile);
	ck_assert_int_eq(tile->x, -4);
	ck_assert_uint_eq(atlas_pixels(&atlas, tile)[19], UINT32_MAX);
	ck_assert_uint_eq(atlas_pixels(&atlas, atlas_find(&atlas, "picture/logo"))[0], 0x40404040);
	ck_assert_ptr_null(atlas_find(&atlas, "picture/log"));
	ck_assert_ptr_null(atlas_find(&atlas, "%200d", 1));
	atlas_unmap(&atlas);
	atlas_unmap(&atlas);
	ck_assert_ptr_null(atlas_find(&atlas, "picture/logo"));
}
END_TEST

START_TEST(an_empty_one_is_one) {
	blob.header.tiles_len = 0;
	blob.header.size_bytes = sizeof(blob.header);
	sign();
	struct atlas atlas;
	ck_assert_int_eq(map_blob(&atlas, sizeof(blob.header)), 0);
	atlas_unmap(&atlas);
}
END_TEST

/* Row n: cut after n bytes, once as it is and once with a header that says so. */
START_TEST(cut_short) {
	struct atlas atlas;
	ck_assert_int_eq(map_blob(&atlas, (size_t)_i), -EINVAL);
	blob.header.size_bytes = (uint64_t)_i;
	sign();
	ck_assert_int_eq(map_blob(&atlas, (size_t)_i), -EINVAL);
	ck_assert_ptr_null(atlas.base);
}
END_TEST

/* Row n: one bit of byte n flipped. Only padding that no checksum covers may go unseen. */
START_TEST(flipped_bits_are_found) {
	bool is_padding = (size_t)_i >= sizeof(blob.header) + sizeof(blob.tiles) &&
		(_i < OPAQUE_AT || (_i >= OPAQUE_AT + 5 * 4 * 4 && _i < CLEAR_AT));
	struct atlas atlas;
	blob.bytes[_i] ^= 4;
	ck_assert_int_eq(map_blob(&atlas, END), is_padding ? 0 : -EINVAL);
	atlas_unmap(&atlas);
}
END_TEST

/* Values that lie under right checksums. */
#define LIE(number, text, statement)                                                               \
	static void lie_##number(struct atlas_header *header, struct atlas_tile *tile) {           \
		statement;                                                                         \
	}
#define LIES(X)                                                                                    \
	X(1, "magic", header->magic++)                                                             \
	X(2, "version", header->version++)                                                         \
	X(3, "size one more", header->size_bytes++)                                                \
	X(4, "more tiles than fit", header->tiles_len = ATLAS_TILES_MAX)                           \
	X(5, "more tiles than may be", header->tiles_len = ATLAS_TILES_MAX + 1)                    \
	X(6, "as many tiles as can be said", header->tiles_len = UINT32_MAX)                       \
	X(7, "no name", tile->name[0] = '\0')                                                      \
	X(8, "name without an end", memset(tile->name, 'a', sizeof(tile->name)))                   \
	X(9, "no width", tile->width = 0)                                                          \
	X(10, "no height", tile->height = 0)                                                       \
	X(11, "too wide", tile->width = ATLAS_SIZE_MAX + 1)                                        \
	X(12, "width that wraps", tile->width = UINT32_MAX)                                        \
	X(13, "past the end", tile->height++)                                                      \
	X(14, "in the header", tile->offset = 0)                                                   \
	X(15, "in the table", tile->offset = 64)                                                   \
	X(16, "not aligned", tile->offset -= 32)                                                   \
	X(17, "behind the end", tile->offset = 64 * 1000)                                          \
	X(18, "offset that wraps", tile->offset = UINT64_MAX - 63)                                 \
	X(19, "opaque, but is not", tile->opaque = 1)                                              \
	X(20, "neither opaque nor not", tile->opaque = 2)                                          \
	X(21, "pixels of another checksum", tile->crc32++)

LIES(LIE)

#define ROW(number, text, statement) { text, lie_##number },
static const struct {
	const char *name;
	void (*tell)(struct atlas_header *header, struct atlas_tile *tile);
} lies[] = { LIES(ROW) };

/* The checksum over a table that may be longer than the file. */
static void sign_as_said(void) {
	if (blob.header.tiles_len <= TILES) {
		sign();
	}
}

START_TEST(lies_are_found) {
	lies[_i].tell(&blob.header, &blob.tiles[1]);
	sign_as_said();
	struct atlas atlas;
	int rc = map_blob(&atlas, END);
	ck_assert_msg(rc == -EINVAL, "%s: %d", lies[_i].name, rc);
	ck_assert_ptr_null(atlas.base);
}
END_TEST

START_TEST(unsealed_is_refused) {
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_eq(write(fd, blob.bytes, END), END);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	struct atlas atlas;
	ck_assert_int_eq(atlas_map(&atlas, fd), -EPERM);
	fd_close(&fd);
}
END_TEST

START_TEST(fails_clean) {
	int fd = fd_memfd_create_constant("test", blob.bytes, END);
	struct atlas atlas;
	fault_at(1);
	ck_assert_int_eq(atlas_map(&atlas, fd), -ENOMEM);
	fault_off();
	fd_close(&fd);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core atlas");
	TCase *tcase = suite_case(suite, "atlas");
	tcase_add_checked_fixture(tcase, make_blob, NULL);
	tcase_add_test(tcase, tiles_are_found);
	tcase_add_test(tcase, an_empty_one_is_one);
	tcase_add_loop_test(tcase, cut_short, 0, END);
	tcase_add_loop_test(tcase, flipped_bits_are_found, 0, END);
	tcase_add_loop_test(tcase, lies_are_found, 0, ARRAY_LEN(lies));
	tcase_add_test(tcase, unsealed_is_refused);
	tcase_add_test(tcase, fails_clean);
	return suite;
}
