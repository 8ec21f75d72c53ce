#include "compositor/check.h"

#include <string.h>

#include "core/crc32.h"
#include "core/frame_tag.h"
#include "core/macros.h"
#include "tests/suite.h"

/* a picture at 100,50 of an output, and a region in it */
#define WIDTH 200
#define HEIGHT 120
#define X 100
#define Y 50

static uint32_t pixels[HEIGHT][WIDTH];
static uint32_t symbol[24][32]; /* what is expected in the region */
static const struct check_view view = { pixels[0], sizeof(pixels[0]), { X, Y, WIDTH, HEIGHT } };
static const struct rect region = { X + 40, Y + 30, 32, 24 };

static uint32_t noise(uint32_t seed) {
	seed = (seed ^ seed >> 15) * 0x2c1b3c6d;
	seed = (seed ^ seed >> 12) * 0x297a2d39;
	return seed ^ seed >> 15;
}

/* a lit ring with a notch, on a dark ground: like nothing when it is turned or mirrored */
static void draw_symbol(void) {
	for (uint32_t y = 0; y < 24; y++) {
		for (uint32_t x = 0; x < 32; x++) {
			int32_t dx = (int32_t)x - 12, dy = (int32_t)y - 10;
			int32_t far = dx * dx + dy * dy;
			bool lit = far > 40 && far < 90 && !(x > 16 && y < 8);
			symbol[y][x] = lit ? 0x00e0a010 : 0x00100804;
		}
	}
}

static void put_symbol(int32_t at_x, int32_t at_y, bool mirror_x, bool mirror_y) {
	for (int32_t y = 0; y < 24; y++) {
		for (int32_t x = 0; x < 32; x++) {
			pixels[at_y - Y + y][at_x - X + x] =
				symbol[mirror_y ? 23 - y : y][mirror_x ? 31 - x : x];
		}
	}
}

static void draw(void) {
	draw_symbol();
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) {
		pixels[i / WIDTH][i % WIDTH] = noise(i);
	}
	put_symbol(region.x, region.y, false, false);
}

static uint32_t *inside(uint32_t x, uint32_t y) {
	return &pixels[region.y - Y + (int32_t)y][region.x - X + (int32_t)x];
}

static uint32_t symbol_crc(void) {
	uint8_t bytes[24 * 32 * 4];
	for (uint32_t i = 0; i < 24 * 32; i++) {
		uint32_t pixel = symbol[i / 32][i % 32];
		bytes[4 * i] = (uint8_t)pixel;
		bytes[4 * i + 1] = (uint8_t)(pixel >> 8);
		bytes[4 * i + 2] = (uint8_t)(pixel >> 16);
		bytes[4 * i + 3] = 255;
	}
	return crc32_update(0, bytes, sizeof(bytes));
}

/* ---- what may be done to the picture ---- */

static void nothing(void) {
}

static void change_alpha(void) {
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) {
		pixels[i / WIDTH][i % WIDTH] ^= noise(i) & 0xff000000;
	}
}

static void flip_first_bit(void) {
	*inside(0, 0) ^= 1;
}

static void flip_last_bit(void) {
	*inside(31, 23) ^= 0x00800000;
}

static void change_around(void) {
	*inside(0, 0) = symbol[0][0]; /* stays */
	pixels[region.y - Y - 1][region.x - X] ^= 0xffffff;
	pixels[region.y - Y + 24][region.x - X] ^= 0xffffff;
	pixels[region.y - Y][region.x - X - 1] ^= 0xffffff;
	pixels[region.y - Y][region.x - X + 32] ^= 0xffffff;
}

static void map(uint32_t (*change)(uint32_t pixel)) {
	for (uint32_t y = 0; y < 24; y++) {
		for (uint32_t x = 0; x < 32; x++) {
			*inside(x, y) = change(*inside(x, y));
		}
	}
}

static uint32_t negative(uint32_t pixel) {
	return ~pixel;
}

static uint32_t halve(uint32_t pixel) {
	return pixel >> 1 & 0x7f7f7f;
}

static uint32_t quench(uint32_t pixel) {
	return pixel >> 4 & 0x0f0f0f;
}

static uint32_t black(uint32_t pixel) {
	return 0;
}

static uint32_t grey(uint32_t pixel) {
	return 0x808080;
}

static uint32_t tint(uint32_t pixel) {
	return pixel ^ 0x080808;
}

static uint32_t faint(uint32_t pixel) {
	return (pixel & 0xff) > 8 ? 0x242424 : 0x202020;
}

static void invert(void) {
	map(negative);
}

static void dim(void) {
	map(halve);
}

static void dim_away(void) {
	map(quench);
}

static void blank(void) {
	map(black);
}

static void fill(void) {
	map(grey);
}

static void retouch(void) {
	map(tint);
}

static void fade(void) {
	map(faint);
}

static void mirror(void) {
	put_symbol(region.x, region.y, true, false);
}

static void shift(void) {
	map(grey);
	put_symbol(region.x + 9, region.y - 7, false, false);
}

static void light_one_pixel(void) {
	map(black);
	*inside(16, 12) = 0xffffff;
}

static void light_a_stripe(void) {
	map(black);
	for (uint32_t x = 0; x < 32; x++) {
		*inside(x, 12) = 0xffffff;
	}
}

/* ---- the checks ---- */

static bool exact(uint32_t *found) {
	uint32_t allowed[] = { 1, symbol_crc(), 2 };
	return check_exact(&view, &region, allowed, ARRAY_LEN(allowed), found);
}

static bool none_allowed(uint32_t *found) {
	return check_exact(&view, &region, NULL, 0, found);
}

static bool presence(uint32_t *found) {
	const struct check_reference reference = { symbol[0], 32, 24 };
	return check_presence(&view, &region, &reference, 24, found);
}

static bool contrast(uint32_t *found) {
	return check_contrast(&view, &region, 40, found);
}

static bool not_black(uint32_t *found) {
	return check_black(&view, &region, found);
}

static bool owner(uint32_t *found) {
	const struct check_view own = { symbol[0], sizeof(symbol[0]), region };
	return check_owner(&view, &region, &own, found);
}

static const struct {
	const char *name;
	bool (*check)(uint32_t *found);
	void (*change)(void);
	bool passes;
} rows[] = {
	{ "exact: what is expected", exact, nothing, true },
	{ "exact: other alpha bytes", exact, change_alpha, true },
	{ "exact: all around changed", exact, change_around, true },
	{ "exact: the first bit", exact, flip_first_bit, false },
	{ "exact: the last pixel", exact, flip_last_bit, false },
	{ "exact: negative", exact, invert, false },
	{ "exact: black", exact, blank, false },
	{ "exact: mirrored", exact, mirror, false },
	{ "exact: shifted", exact, shift, false },
	{ "exact: nothing is allowed", none_allowed, nothing, false },
	{ "presence: what is expected", presence, nothing, true },
	{ "presence: other alpha bytes", presence, change_alpha, true },
	{ "presence: a bit of noise", presence, retouch, true },
	{ "presence: one bit", presence, flip_last_bit, true },
	{ "presence: dimmed to a half", presence, dim, true },
	{ "presence: dimmed to a sixteenth", presence, dim_away, false },
	{ "presence: black", presence, blank, false },
	{ "presence: grey", presence, fill, false },
	{ "presence: negative", presence, invert, false },
	{ "presence: mirrored", presence, mirror, false },
	{ "presence: shifted", presence, shift, false },
	{ "contrast: what is expected", contrast, nothing, true },
	{ "contrast: negative", contrast, invert, true },
	{ "contrast: dimmed to a half", contrast, dim, true },
	{ "contrast: faint", contrast, fade, false },
	{ "contrast: grey", contrast, fill, false },
	{ "contrast: one bright pixel", contrast, light_one_pixel, false },
	{ "contrast: a bright stripe", contrast, light_a_stripe, true },
	{ "black: what is expected", not_black, nothing, true },
	{ "black: black", not_black, blank, false },
	{ "black: grey", not_black, fill, false },
	{ "black: one pixel of 768", not_black, light_one_pixel, false },
	{ "black: a stripe", not_black, light_a_stripe, true },
	{ "owner: its own", owner, nothing, true },
	{ "owner: other alpha bytes", owner, change_alpha, true },
	{ "owner: all around changed", owner, change_around, true },
	{ "owner: the first bit", owner, flip_first_bit, false },
	{ "owner: the last pixel", owner, flip_last_bit, false },
};

START_TEST(checks_a_region) {
	uint32_t found;
	draw();
	rows[_i].change();
	ck_assert_msg(
		rows[_i].check(&found) == rows[_i].passes, "%s: found %u", rows[_i].name, found);
}
END_TEST

START_TEST(the_crc_is_that_of_the_bytes) {
	/* around the chunks it is gathered in, and in one row or many */
	static uint32_t big[5000];
	for (uint32_t i = 0; i < ARRAY_LEN(big); i++) {
		big[i] = noise(i);
	}
	static const uint32_t lens[] = { 1, 2, 2047, 2048, 2049, 4095, 4096, 4097, 5000 };
	uint32_t len = lens[_i];
	uint32_t opaque[5000];
	for (uint32_t i = 0; i < len; i++) {
		opaque[i] = big[i] | 0xff000000;
	}
	uint32_t expected = crc32_update(0, opaque, len * 4);
	const struct check_view row = { big, sizeof(big), { -7, 3, 5000, 1 } };
	ck_assert_uint_eq(check_crc(&row, &(struct rect) { -7, 3, len, 1 }), expected);
	const struct check_view column = { big, 4, { -7, 3, 1, 5000 } };
	ck_assert_uint_eq(check_crc(&column, &(struct rect) { -7, 3, 1, len }), expected);
}
END_TEST

/* ---- geometry that nobody should ask for ---- */

static const struct {
	const char *name;
	struct rect rect;
} hostile[] = {
	{ "empty", { X + 5, Y + 5, 0, 0 } },
	{ "no width", { X + 5, Y + 5, 0, 10 } },
	{ "no height", { X + 5, Y + 5, 10, 0 } },
	{ "one pixel too far left", { X - 1, Y, 32, 24 } },
	{ "one pixel too high", { X, Y - 1, 32, 24 } },
	{ "one pixel too far right", { X + WIDTH - 31, Y, 32, 24 } },
	{ "one pixel too low", { X, Y + HEIGHT - 23, 32, 24 } },
	{ "all of it and one more", { X, Y, WIDTH + 1, HEIGHT } },
	{ "elsewhere", { X + WIDTH, Y, 32, 24 } },
	{ "at the end of numbers", { INT32_MAX, INT32_MAX, 32, 24 } },
	{ "at the beginning of numbers", { INT32_MIN, INT32_MIN, 32, 24 } },
	{ "everything there is", { INT32_MIN, INT32_MIN, UINT32_MAX, UINT32_MAX } },
	{ "so wide that it wraps", { X, Y, UINT32_MAX, 24 } },
	{ "so high that it wraps", { X, Y, 32, UINT32_MAX } },
	{ "an area of 2^32", { X, Y, 65536, 65536 } },
};

START_TEST(hostile_geometry_never_passes) {
	const struct rect *rect = &hostile[_i].rect;
	const struct check_view empty = { NULL, 0, { 0, 0, 0, 0 } };
	const struct check_view *views[] = { &view, &empty };
	draw();
	for (size_t i = 0; i < ARRAY_LEN(views); i++) {
		const struct check_view *in = views[i];
		const struct check_reference reference = { symbol[0], 32, 24 };
		struct check_live live = { 0 };
		struct check_counter counter = { 0 };
		struct check_found where;
		uint32_t found;
		uint32_t crc = check_crc(in, rect);
		ck_assert(!check_view_holds(in, rect));
		ck_assert(!check_exact(in, rect, &crc, 1, &found));
		ck_assert(!check_live(&live, in, rect, 255, 3, &found));
		ck_assert(!check_counter(&counter, in, rect, 255, &found));
		ck_assert(!check_presence(in, rect, &reference, 255, &found));
		ck_assert(!check_contrast(in, rect, 0, &found));
		ck_assert(!check_black(in, rect, &found));
		ck_assert(!check_owner(in, rect, in, &found));
		ck_assert(!check_find(in, rect, symbol[0], &where));
	}
}
END_TEST

START_TEST(a_view_at_the_end_of_numbers_is_searched) {
	/* places beyond do not exist; the picture is one pixel off, on the near side */
	draw();
	put_symbol(region.x - 1, region.y, false, false);
	const struct check_view far = { pixels[0], sizeof(pixels[0]),
		{ INT32_MAX - WIDTH, INT32_MAX - HEIGHT, WIDTH, HEIGHT } };
	struct rect place = region;
	place.x += far.bounds.x - X;
	place.y += far.bounds.y - Y;
	struct check_found found;
	ck_assert(check_find(&far, &place, symbol[0], &found));
	ck_assert_int_eq(found.x, -1);
	const struct rect corner = { INT32_MAX - 32, INT32_MAX - 24, 32, 24 };
	ck_assert(!check_find(&far, &corner, symbol[0], &found));
}
END_TEST

/* ---- LIVE and COUNTER ---- */

static const struct {
	const char *name;
	uint32_t frames, skip;
	const char *content; /* a letter is a content; the same letter is the same one */
	const char *passed;  /* y or n, by frame */
} lives[] = {
	{ "changes always", 2, 0, "abcdefab", "yyyyyyyy" },
	{ "changes just in time", 3, 0, "aaabbbccc", "yyyyyyyyy" },
	{ "changes a frame too late", 3, 0, "aaaabbbb", "yyynyyyn" },
	{ "freezes", 6, 0, "abcccccccccc", "yyyyyyyynnnn" },
	{ "must change with each frame", 1, 0, "abbcc", "yynyn" },
	{ "goes on after a freeze", 2, 0, "aaaaabb", "yynnnyy" },
	{ "between two pictures", 2, 0, "abababab", "yyyyyyyy" },
	{ "between two pictures, every other one looked at", 4, 1, "abababab", "yyyynnnn" },
	{ "changes between the looks are missed", 4, 3, "abcdaefg", "yyyynnnn" },
	{ "a change is seen at the next look", 4, 1, "aaaabbb", "yyyyyyy" },
	{ "frozen, every fourth one looked at", 6, 3, "aaaaaaaaaaa", "yyyyyyyynnn" },
	{ "the longest time", 255, 0, "aaaaaaaa", "yyyyyyyy" },
};

START_TEST(a_live_region_must_change) {
	struct check_live live = { 0 };
	draw();
	for (size_t i = 0; lives[_i].content[i] != '\0'; i++) {
		uint32_t found;
		*inside(31, 23) = (uint32_t)lives[_i].content[i];
		bool passed =
			check_live(&live, &view, &region, lives[_i].frames, lives[_i].skip, &found);
		ck_assert_msg(
			passed == (lives[_i].passed[i] == 'y'), "%s: frame %zu", lives[_i].name, i);
		ck_assert_uint_eq(found, live.crc);
	}
}
END_TEST

static const struct {
	const char *name;
	uint32_t frames;
	int64_t counters[8]; /* -1: no tag */
	const char *passed;
} counters[] = {
	{ "goes on", 2, { 1, 2, 3, 4, 5, 6, 7, 8 }, "yyyyyyyy" },
	{ "goes on by more", 2, { 1, 5, 100, 101, 1000, 1001, 1002, 5000 }, "yyyyyyyy" },
	{ "wraps", 1, { 0xfffffffe, 0xffffffff, 0, 1, 2, 3, 4, 5 }, "yyyyyyyy" },
	{ "stands still", 3, { 7, 7, 7, 7, 7, 7, 8, 8 }, "yyynnnyy" },
	{ "goes back, then on", 2, { 9, 10, 8, 9, 10, 11, 12, 13 }, "yyyyyyyy" },
	{ "goes back always", 2, { 9, 8, 7, 6, 5, 4, 3, 2 }, "yynnnnnn" },
	{ "is damaged once", 2, { 1, 2, -1, 4, 5, 6, 7, 8 }, "yyyyyyyy" },
	{ "is damaged for good", 2, { 1, 2, -1, -1, -1, -1, -1, -1 }, "yyynnnnn" },
	{ "is never there", 2, { -1, -1, -1, -1, -1, -1, -1, -1 }, "ynnnnnnn" },
};

START_TEST(a_counter_must_go_on) {
	struct check_counter state = { 0 };
	draw();
	for (size_t i = 0; i < ARRAY_LEN(counters[_i].counters); i++) {
		uint32_t found;
		const struct frame_tag tag = { .counter = (uint32_t)counters[_i].counters[i] };
		frame_tag_encode(&tag, inside(0, 0));
		*inside(5, 0) ^= counters[_i].counters[i] < 0 ? 0x010000 : 0;
		bool passed = check_counter(&state, &view, &region, counters[_i].frames, &found);
		ck_assert_msg(passed == (counters[_i].passed[i] == 'y'), "%s: frame %zu",
			counters[_i].name, i);
	}
	const struct rect narrow = { region.x, region.y, FRAME_TAG_PIXELS - 1, 1 };
	uint32_t found;
	ck_assert(!check_counter(&state, &view, &narrow, 2, &found));
}
END_TEST

START_TEST(presence_scales_its_reference) {
	static uint32_t small[12][16];
	draw();
	for (uint32_t y = 0; y < 24; y++) {
		for (uint32_t x = 0; x < 32; x++) {
			small[y / 2][x / 2] = (x / 8 + y / 8) % 2 ? 0xffffff : 0;
			*inside(x, y) = (x / 8 + y / 8) % 2 ? 0xffffff : 0;
		}
	}
	const struct check_reference reference = { small[0], 16, 12 };
	uint32_t found;
	ck_assert(check_presence(&view, &region, &reference, 0, &found));
	*inside(3, 3) = 0xffffff;
	ck_assert(!check_presence(&view, &region, &reference, 0, &found));
}
END_TEST

/* ---- check_find() ---- */

static const struct {
	const char *name;
	int32_t x, y;
	bool mirror_x, mirror_y, is_found;
} places[] = {
	{ "a pixel to the right", 1, 0, false, false, true },
	{ "a pixel up", 0, -1, false, false, true },
	{ "as far as is looked", 16, -16, false, false, true },
	{ "as far as is looked, the other way", -16, 16, false, false, true },
	{ "mirrored in place", 0, 0, true, false, true },
	{ "upside down in place", 0, 0, false, true, true },
	{ "turned in place", 0, 0, true, true, true },
	{ "mirrored and moved", -5, 11, true, false, true },
	{ "where it belongs", 0, 0, false, false, false },
	{ "too far right", 17, 0, false, false, false },
	{ "too far down", 0, 17, false, false, false },
};

START_TEST(finds_a_picture_nearby) {
	struct check_found found;
	draw();
	map(grey);
	put_symbol(region.x + places[_i].x, region.y + places[_i].y, places[_i].mirror_x,
		places[_i].mirror_y);
	change_alpha();
	ck_assert_msg(check_find(&view, &region, symbol[0], &found) == places[_i].is_found, "%s",
		places[_i].name);
	if (places[_i].is_found) {
		ck_assert_int_eq(found.x, places[_i].x);
		ck_assert_int_eq(found.y, places[_i].y);
		ck_assert_int_eq(found.is_mirrored_x, places[_i].mirror_x);
		ck_assert_int_eq(found.is_mirrored_y, places[_i].mirror_y);
	}
	/* nearly there is not there */
	map(grey);
	put_symbol(region.x + 3, region.y, false, false);
	*inside(4, 23) ^= 1;
	ck_assert(!check_find(&view, &region, symbol[0], &found) || !places[_i].is_found ||
		found.x != 3);
}
END_TEST

START_TEST(a_plain_picture_is_not_found) {
	struct check_found found;
	draw();
	memset(pixels, 0, sizeof(pixels));
	memset(symbol, 0, sizeof(symbol));
	ck_assert(!check_find(&view, &region, symbol[0], &found));
}
END_TEST

START_TEST(a_search_gives_up) {
	/* stripes match almost everywhere but in the last pixel */
	struct check_found found;
	for (uint32_t i = 0; i < WIDTH * HEIGHT; i++) {
		pixels[i / WIDTH][i % WIDTH] = i % WIDTH % 2 ? 0xffffff : 0;
	}
	for (uint32_t i = 0; i < 24 * 32; i++) {
		symbol[i / 32][i % 32] = i % 2 ? 0xffffff : 0;
	}
	symbol[23][31] = 0x808080;
	ck_assert(!check_find(&view, &region, symbol[0], &found));
	/* what it looks for is there, further than its patience */
	pixels[region.y - Y + 23 + 16][region.x - X + 31 + 16] = 0x808080;
	ck_assert(!check_find(&view, &region, symbol[0], &found));
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor check");
	TCase *check = suite_case(suite, "check");
	tcase_add_loop_test(check, checks_a_region, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(check, the_crc_is_that_of_the_bytes, 0, 9);
	tcase_add_loop_test(check, hostile_geometry_never_passes, 0, ARRAY_LEN(hostile));
	tcase_add_test(check, a_view_at_the_end_of_numbers_is_searched);
	tcase_add_loop_test(check, a_live_region_must_change, 0, ARRAY_LEN(lives));
	tcase_add_loop_test(check, a_counter_must_go_on, 0, ARRAY_LEN(counters));
	tcase_add_test(check, presence_scales_its_reference);
	TCase *find = suite_case(suite, "find");
	tcase_add_loop_test(find, finds_a_picture_nearby, 0, ARRAY_LEN(places));
	tcase_add_test(find, a_plain_picture_is_not_found);
	tcase_add_test(find, a_search_gives_up);
	return suite;
}
