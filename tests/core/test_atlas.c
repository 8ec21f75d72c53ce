#include "core/atlas.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/crc32.h"
#include "core/cue.h"
#include "core/fd.h"
#include "core/macros.h"
#include "core/signals.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

#define ELEMENTS 4
#define TILES 35
#define DARK_AT 5056
#define LIT_AT 5184
#define CLEAR_AT 5312
#define END (CLEAR_AT + 3 * 2 * 4)

enum { GROUND, BRAKE, SPEED, REVS };

/* An atlas of two themes as its writer lays it out: three pictures, which all tiles share. */
static union {
	uint8_t bytes[END];
	struct {
		struct atlas_header header;
		struct atlas_element elements[ELEMENTS];
		struct atlas_tile tiles[TILES];
	};
} blob;

_Static_assert(sizeof(struct atlas_header) + ELEMENTS * sizeof(struct atlas_element) +
			TILES * sizeof(struct atlas_tile) <=
		DARK_AT,
	"the tiles' pixels lie behind the tables");

static const struct atlas_element elements[ELEMENTS] = {
	[GROUND] = { .name = "ground",
		.output = "front",
		.kind = ATLAS_GROUND,
		.signal = SIGNAL_NONE,
		.place = { 0, 0, 100, 50 },
		.states_len = 1,
		.first_tile = 0 },
	[BRAKE] = { .name = "brake",
		.output = "front",
		.kind = ATLAS_LAMP,
		.signal = SIGNAL_BRAKE,
		.safety = 1,
		.chime = CUE_CHIME_WARNING,
		.place = { 10, 10, 5, 4 },
		.states_len = 2,
		.first_tile = 2 },
	[SPEED] = { .name = "speed",
		.output = "front",
		.kind = ATLAS_READOUT,
		.signal = SIGNAL_SPEED,
		.digits = 3,
		.place = { 20, 10, 15, 4 },
		.states_len = 12,
		.first_tile = 6 },
	[REVS] = { .name = "revs",
		.output = "front",
		.kind = ATLAS_GAUGE,
		.signal = SIGNAL_REVS,
		.least = -10,
		.most = 8000,
		.place = { 40, 10, 8, 6 },
		.states_len = 2,
		.first_tile = 30 },
};

static void sign(void) {
	blob.header.crc32 = atlas_crc32(&blob.header, blob.elements, blob.tiles);
}

/* The tile at the left of the element's place; for the last state of two the lit picture. */
static void make_tile(const struct atlas_element *element, uint32_t index) {
	uint32_t state = (index - element->first_tile) % element->states_len;
	bool is_lit = element->states_len == 2 && state == 1;
	struct atlas_tile *tile = &blob.tiles[index];
	*tile = (struct atlas_tile) {
		.x = element->place.x,
		.y = element->place.y,
		.width = 5,
		.height = 4,
		.offset = is_lit ? LIT_AT : DARK_AT,
		.opaque = 1,
	};
	snprintf(tile->name, sizeof(tile->name), "%.31s/%u", element->name, index);
	tile->crc32 = crc32_update(0, blob.bytes + tile->offset, 5 * 4 * 4);
}

static void make_blob(void) {
	memset(&blob, 0, sizeof(blob));
	memset(blob.bytes + DARK_AT, 0xff, 5 * 4 * 4);
	memset(blob.bytes + LIT_AT, 0xfe, 5 * 4 * 4);
	for (unsigned i = 3; i < 5 * 4 * 4; i += 4) {
		blob.bytes[LIT_AT + i] = 0xff;
	}
	memset(blob.bytes + CLEAR_AT, 0x40, 3 * 2 * 4);
	blob.header = (struct atlas_header) {
		.magic = ATLAS_MAGIC,
		.version = ATLAS_VERSION,
		.size_bytes = END,
		.themes_len = 2,
		.locales_len = 1,
		.elements_len = ELEMENTS,
		.tiles_len = TILES,
	};
	memcpy(blob.elements, elements, sizeof(elements));
	for (unsigned i = 0; i < ELEMENTS; i++) {
		uint32_t len = 2 * elements[i].states_len;
		for (uint32_t n = 0; n < len; n++) {
			make_tile(&elements[i], elements[i].first_tile + n);
		}
	}
	struct atlas_tile *logo = &blob.tiles[TILES - 1];
	*logo = (struct atlas_tile) {
		.name = "picture/logo",
		.x = -4,
		.width = 3,
		.height = 2,
		.offset = CLEAR_AT,
		.crc32 = crc32_update(0, blob.bytes + CLEAR_AT, 3 * 2 * 4),
	};
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
	ck_assert_pstr_eq(atlas_fault(blob.bytes, END), NULL);
	ck_assert_int_eq(map_blob(&atlas, END), 0);
	ck_assert_uint_eq(atlas.tiles_len, TILES);
	const struct atlas_tile *tile = atlas_find(&atlas, "%s/%d", "brake", 3);
	ck_assert_ptr_nonnull(tile);
	ck_assert_int_eq(tile->x, 10);
	ck_assert_uint_eq(atlas_pixels(&atlas, tile)[19], 0xfffefefe);
	tile = atlas_find(&atlas, "picture/logo");
	ck_assert_int_eq(tile->x, -4);
	ck_assert_uint_eq(atlas_pixels(&atlas, tile)[0], 0x40404040);
	ck_assert_ptr_null(atlas_find(&atlas, "picture/log"));
	ck_assert_ptr_null(atlas_find(&atlas, "%200d", 1));
	atlas_unmap(&atlas);
	atlas_unmap(&atlas);
	ck_assert_ptr_null(atlas_find(&atlas, "picture/logo"));
}
END_TEST

static const struct {
	uint32_t element, theme, locale, state, tile;
} pictures[] = {
	{ GROUND, 0, 0, 0, 0 },
	{ GROUND, 1, 0, 0, 1 },
	{ BRAKE, 0, 0, 1, 3 },
	{ BRAKE, 1, 0, 0, 4 },
	{ BRAKE, 2, 0, 0, 2 },          /* no such theme */
	{ BRAKE, UINT32_MAX, 0, 1, 3 },
	{ BRAKE, 1, 1, 1, 5 },          /* no such locale */
	{ BRAKE, 1, UINT32_MAX, 1, 5 },
};

START_TEST(elements_have_a_tile_for_each_state) {
	struct atlas atlas;
	ck_assert_int_eq(map_blob(&atlas, END), 0);
	ck_assert_uint_eq(atlas.elements_len, ELEMENTS);
	const struct atlas_element *element = &atlas.elements[pictures[_i].element];
	ck_assert_ptr_eq(atlas_element_tile(&atlas, element, pictures[_i].theme,
				 pictures[_i].locale, pictures[_i].state),
		&atlas.tiles[pictures[_i].tile]);
	atlas_unmap(&atlas);
}
END_TEST

START_TEST(an_empty_one_is_one) {
	blob.header.elements_len = 0;
	blob.header.tiles_len = 0;
	blob.header.size_bytes = sizeof(blob.header);
	sign();
	struct atlas atlas;
	ck_assert_int_eq(map_blob(&atlas, sizeof(blob.header)), 0);
	atlas_unmap(&atlas);
}
END_TEST

/* Cut after each byte, once as it is and once with a header that says so. */
START_TEST(cut_short) {
	struct atlas atlas;
	for (size_t len = 0; len < END; len++) {
		make_blob();
		ck_assert_int_eq(map_blob(&atlas, len), -EINVAL);
		blob.header.size_bytes = len;
		sign();
		ck_assert_msg(map_blob(&atlas, len) == -EINVAL, "cut after %zu bytes", len);
		ck_assert_ptr_null(atlas.base);
	}
}
END_TEST

static bool is_covered(size_t at) {
	return at < sizeof(blob.header) + sizeof(blob.elements) + sizeof(blob.tiles) ||
		(at >= DARK_AT && at < DARK_AT + 5 * 4 * 4) ||
		(at >= LIT_AT && at < LIT_AT + 5 * 4 * 4) || at >= CLEAR_AT;
}

/* One bit of each byte flipped. Only padding that no checksum covers may go unseen. */
START_TEST(flipped_bits_are_found) {
	for (size_t at = 0; at < END; at++) {
		struct atlas atlas;
		blob.bytes[at] ^= 4;
		int rc = map_blob(&atlas, END);
		ck_assert_msg(rc == (is_covered(at) ? -EINVAL : 0), "byte %zu: %d", at, rc);
		atlas_unmap(&atlas);
		blob.bytes[at] ^= 4;
	}
}
END_TEST

/* Values that lie under right checksums: `e` the elements, `t` their tiles, `tile` the picture's. */
#define LIE(number, text, ...)                                                                     \
	static void lie_##number(struct atlas_header *header, struct atlas_element *e,             \
		struct atlas_tile *t, struct atlas_tile *tile) {                                   \
		__VA_ARGS__;                                                                       \
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
	X(15, "in the table", tile->offset = 3200)                                                 \
	X(16, "not aligned", tile->offset -= 32)                                                   \
	X(17, "behind the end", tile->offset = 64 * 1000)                                          \
	X(18, "offset that wraps", tile->offset = UINT64_MAX - 63)                                 \
	X(19, "opaque, but is not", tile->opaque = 1)                                              \
	X(20, "neither opaque nor not", tile->opaque = 2)                                          \
	X(21, "pixels of another checksum", tile->crc32++)                                         \
	X(22, "a shared picture's checksum", t[9].crc32++)                                         \
	X(23, "no theme", header->themes_len = 0)                                                  \
	X(24, "too many themes", header->themes_len = ATLAS_THEMES_MAX + 1)                        \
	X(25, "themes that wrap", header->themes_len = 0x10000001)                                 \
	X(26, "no locale", header->locales_len = 0)                                                \
	X(27, "too many locales", header->locales_len = ATLAS_LOCALES_MAX + 1)                     \
	X(28, "locales without tiles", header->locales_len = ATLAS_LOCALES_MAX)                    \
	X(29, "more elements than fit", header->elements_len = ATLAS_ELEMENTS_MAX)                 \
	X(30, "more elements than may be", header->elements_len = ATLAS_ELEMENTS_MAX + 1)          \
	X(31, "as many elements as can be said", header->elements_len = UINT32_MAX)                \
	X(32, "element without a name", e[REVS].name[0] = '\0')                                    \
	X(33, "element's name without an end", memset(e[REVS].name, 'a', sizeof(e->name)))         \
	X(34, "element without an output", e[REVS].output[0] = '\0')                               \
	X(35, "output without an end", memset(e[REVS].output, 'a', sizeof(e->output)))             \
	X(36, "two of one name", strcpy(e[REVS].name, "brake"))                                    \
	X(37, "no such kind", e[REVS].kind = ATLAS_KINDS)                                          \
	X(38, "kind that wraps", e[REVS].kind = UINT32_MAX)                                        \
	X(39, "no such signal", e[REVS].signal = SIGNAL_VALUES)                                    \
	X(40, "gauge of no signal", e[REVS].signal = SIGNAL_NONE)                                  \
	X(41, "neither safety nor not", e[BRAKE].safety = 2)                                       \
	X(42, "safety gauge", e[REVS].safety = 1)                                                  \
	X(43, "safety ground", e[GROUND].safety = 1)                                               \
	X(44, "safety lamp of no signal", e[BRAKE].signal = SIGNAL_NONE)                           \
	X(45, "no such chime", e[BRAKE].chime = CUE_CHIMES)                                        \
	X(46, "lamp of one state", e[BRAKE].states_len = 1)                                        \
	X(47, "ground of two", e[GROUND].states_len = 2)                                           \
	X(48, "choice of one state", e[GROUND].kind = ATLAS_CHOICE;                                \
		e[GROUND].signal = SIGNAL_GEAR)                                                    \
	X(49, "readout of 11 states", e[SPEED].states_len = 11)                                    \
	X(50, "no states", e[REVS].states_len = 0)                                                 \
	X(51, "states past the table", e[REVS].states_len = 3)                                     \
	X(52, "states that wrap", e[REVS].states_len = UINT32_MAX)                                 \
	X(53, "tiles past the table", e[REVS].first_tile = TILES - 3)                              \
	X(54, "tiles that wrap", e[REVS].first_tile = UINT32_MAX)                                  \
	X(55, "readout without digits", e[SPEED].digits = 0)                                       \
	X(56, "too many digits", e[SPEED].digits = ATLAS_DIGITS_MAX + 1;                           \
		e[SPEED].place.width = 70)                                                         \
	X(57, "digits past the place", e[SPEED].digits = 4)                                        \
	X(58, "all decimals", e[SPEED].decimals = 3)                                               \
	X(59, "digit of another place", t[7].x++; e[SPEED].place.width++)                          \
	X(60, "digit of another size", t[7].height--;                                              \
		t[7].crc32 = crc32_update(0, blob.bytes + DARK_AT, 60))                            \
	X(61, "gauge of no range", e[REVS].most = e[REVS].least)                                   \
	X(62, "gauge of a range backwards", e[REVS].most = INT32_MIN)                              \
	X(63, "no place", e[REVS].place = (struct rect) { 0 })                                     \
	X(64, "place left of the output", e[REVS].place.x = -1; e[REVS].place.width = 60)          \
	X(65, "place that is too far", e[REVS].place.width = ATLAS_SIZE_MAX)                       \
	X(66, "place that wraps", e[REVS].place.width = UINT32_MAX; e[REVS].place.x = INT32_MAX)   \
	X(67, "tile left of its place", t[2].x--)                                                  \
	X(68, "tile right of its place", t[2].x++)                                                 \
	X(69, "tile above its place", t[3].y--)                                                    \
	X(70, "tile below its place", t[4].y++)                                                    \
	X(71, "tile far outside", t[5].x = INT32_MIN)                                              \
	X(72, "night tile outside", t[5].x++)                                                      \
	X(73, "safety tile that shines through", t[3].opaque = 0)                                  \
	X(74, "ground that shines through", t[1].opaque = 0)                                       \
	X(75, "lit and dark look the same", t[3] = t[2])                                           \
	X(76, "they do at night", t[4] = t[5])                                                     \
	X(77, "safety under a gauge", e[REVS].place = (struct rect) { 14, 10, 40, 40 })            \
	X(78, "safety over a readout", e[SPEED].place = (struct rect) { 12, 10, 30, 4 })

LIES(LIE)

#define ROW(number, text, ...) { text, lie_##number },
static const struct {
	const char *name;
	void (*tell)(struct atlas_header *header, struct atlas_element *e, struct atlas_tile *t,
		struct atlas_tile *tile);
} lies[] = { LIES(ROW) };

/* The checksum over a table that may be longer than the file. */
static void sign_as_said(void) {
	if (blob.header.tiles_len <= TILES && blob.header.elements_len <= ELEMENTS) {
		sign();
	}
}

START_TEST(lies_are_found) {
	lies[_i].tell(&blob.header, blob.elements, blob.tiles, &blob.tiles[TILES - 1]);
	sign_as_said();
	struct atlas atlas;
	int rc = map_blob(&atlas, END);
	ck_assert_msg(rc == -EINVAL, "%s: %d", lies[_i].name, rc);
	ck_assert_ptr_null(atlas.base);
}
END_TEST

#define READOUTS (ATLAS_SPRITES_MAX / ATLAS_DIGITS_MAX + 1)

static struct {
	struct atlas_header header;
	struct atlas_element elements[READOUTS];
	struct atlas_tile tiles[ATLAS_READOUT_STATES];
	_Alignas(ATLAS_ALIGN) uint32_t pixel;
} many;

/* `len` readouts on one output, the rest on another. */
static void make_many(unsigned len) {
	memset(&many, 0, sizeof(many));
	many.header = blob.header;
	many.header.themes_len = 1;
	many.header.size_bytes = sizeof(many);
	many.header.elements_len = READOUTS;
	many.header.tiles_len = ARRAY_LEN(many.tiles);
	for (unsigned i = 0; i < READOUTS; i++) {
		struct atlas_element *element = &many.elements[i];
		*element = elements[SPEED];
		element->digits = ATLAS_DIGITS_MAX;
		element->first_tile = 0;
		snprintf(element->name, sizeof(element->name), "%u", i);
		if (i >= len) {
			strcpy(element->output, "rear");
		}
	}
	for (unsigned i = 0; i < ARRAY_LEN(many.tiles); i++) {
		many.tiles[i] = (struct atlas_tile) { .name = "digit",
			.x = 20,
			.y = 10,
			.width = 1,
			.height = 1,
			.offset = offsetof(__typeof__(many), pixel),
			.crc32 = crc32_update(0, &many.pixel, sizeof(many.pixel)) };
	}
	many.header.crc32 = atlas_crc32(&many.header, many.elements, many.tiles);
}

START_TEST(an_output_has_so_many_elements) {
	make_many(READOUTS - 1);
	ck_assert_pstr_eq(atlas_fault(&many, sizeof(many)), NULL);
	make_many(READOUTS);
	ck_assert_pstr_eq(atlas_fault(&many, sizeof(many)), "an output has too many elements");
}
END_TEST

#define OVERLAPPING 2000

static struct {
	struct atlas_header header;
	struct atlas_tile tiles[OVERLAPPING];
	_Alignas(ATLAS_ALIGN) uint8_t pixels[OVERLAPPING * ATLAS_ALIGN + 64 * 64 * 4];
} heap;

/* Each tile is right for itself; together they would take for ever. */
START_TEST(a_heap_of_tiles_is_refused) {
	heap.header = blob.header;
	heap.header.elements_len = 0;
	heap.header.tiles_len = OVERLAPPING;
	heap.header.size_bytes = sizeof(heap);
	uint32_t crc = crc32_update(0, heap.pixels, 64 * 64 * 4);
	for (unsigned i = 0; i < OVERLAPPING; i++) {
		heap.tiles[i] = (struct atlas_tile) { .name = "tile",
			.width = 64,
			.height = 64,
			.offset = offsetof(__typeof__(heap), pixels) + i * ATLAS_ALIGN,
			.crc32 = crc };
	}
	heap.header.crc32 = atlas_crc32(&heap.header, NULL, heap.tiles);
	ck_assert_pstr_eq(atlas_fault(&heap, sizeof(heap)), "tiles overlap each other");
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
	tcase_add_loop_test(tcase, elements_have_a_tile_for_each_state, 0, ARRAY_LEN(pictures));
	tcase_add_test(tcase, cut_short);
	tcase_add_test(tcase, flipped_bits_are_found);
	tcase_add_loop_test(tcase, lies_are_found, 0, ARRAY_LEN(lies));
	tcase_add_test(tcase, an_output_has_so_many_elements);
	tcase_add_test(tcase, a_heap_of_tiles_is_refused);
	tcase_add_test(tcase, unsealed_is_refused);
	tcase_add_test(tcase, fails_clean);
	return suite;
}
