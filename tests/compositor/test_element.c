#include "compositor/element.h"

#include <string.h>

#include "compositor/check.h"
#include "core/atlas.h"
#include "core/macros.h"
#include "tests/suite.h"

/* A lamp of two states in the middle of a picture that its guest draws. */
#define PICTURE 48
#define PLACE 20
#define SIZE 6
#define RECOVER 2
#define SEEN 6

static uint32_t pixels[2 * SIZE * SIZE];
static uint32_t picture[PICTURE * PICTURE];
static struct atlas_tile tiles[2];
static struct atlas_element lamp;
static struct atlas atlas;
static struct config_layer config;
static struct layer layer;
static struct element element;
static const struct rect place = { PLACE, PLACE, SIZE, SIZE };
static const struct check_view view = { picture, PICTURE * 4, { 0, 0, PICTURE, PICTURE } };

static void make_lamp(uint64_t follow_ticks) {
	for (uint32_t i = 0; i < ARRAY_LEN(pixels); i++) {
		pixels[i] = 0xff000000u + i * i * 0x0301;
	}
	for (uint32_t i = 0; i < 2; i++) {
		const struct check_view own = { &pixels[i * SIZE * SIZE], SIZE * 4,
			{ 0, 0, SIZE, SIZE } };
		tiles[i] = (struct atlas_tile) {
			.x = PLACE,
			.y = PLACE,
			.width = SIZE,
			.height = SIZE,
			.offset = (uint64_t)i * SIZE * SIZE * 4,
			.shown_crc32 = check_crc(&own, &own.bounds),
		};
	}
	lamp = (struct atlas_element) { .states_len = 2, .kind = ATLAS_LAMP, .safety = 1 };
	atlas = (struct atlas) {
		.base = (const uint8_t *)pixels,
		.elements = &lamp,
		.tiles = tiles,
		.themes_len = 1,
		.locales_len = 1,
		.elements_len = 1,
		.tiles_len = 2,
	};
	config = (struct config_layer) { .recover_frames = RECOVER };
	layer = (struct layer) { .config = &config };
	element = (struct element) {
		.layer = &layer,
		.follow_ticks = follow_ticks,
		.seen_ticks = SEEN,
	};
}

static void put(uint32_t state, uint32_t x, uint32_t y) {
	memset(picture, 0, sizeof(picture));
	for (uint32_t row = 0; row < SIZE; row++) {
		memcpy(&picture[(y + row) * PICTURE + x], &pixels[(state * SIZE + row) * SIZE],
			SIZE * sizeof(*pixels));
	}
}

/* What the guest draws: 0 or 1, the state; x a wrong pixel; m it is elsewhere. */
static void draw(char letter) {
	put(letter == '0' ? 0 : 1, letter == 'm' ? PLACE + 3 : PLACE, PLACE);
	picture[PLACE * PICTURE + PLACE] ^= letter == 'x' ? 0x10 : 0;
}

static bool may_search, is_shown = true;

static void look(uint64_t tick) {
	uint32_t allowed[ELEMENT_PAST + 1], found;
	size_t len = element_allowed(&element, tick, true, allowed);
	may_search = true;
	if (!check_exact(&view, &place, allowed, len, &found)) {
		element_fail(&element, &view, &place, &atlas, tick, &may_search);
		return;
	}
	element_see(&element, found, is_shown);
	if (element.is_distrusted) {
		element_pass(&element);
	} else {
		element.bad_frames = 0;
	}
}

/* A tick: what is requested (u: unknown, so that it is lit), what the guest draws (-: nobody looks), and
 * what becomes of it: g the guest is trusted, h it is not, B its layer is to blame. */
struct story {
	const char *name;
	uint64_t follow_ticks;
	const char *requested, *drawn, *trusted;
};

#define FORTY(two) two "00000000000000000000000000000000000000"

static const struct story stories[] = {
	{ "right", 3, "000111", "000111", "gggggg" },
	{ "later, within its time", 3, "000111000", "000001110", "ggggggggg" },
	{ "not for ever", 3, "000111111", "000000000", "gggggghhB" },
	{ "wrong once", 3, "0000000", "000x000", "ggghhgg" },
	{ "wrong twice", 3, "0000000", "000xx00", "ggghBhg" },
	{ "ahead of its signals", 3, "000000111", "000011111", "gggghhhgg" },
	{ "too far ahead", 3, "00000000111", "00001111111", "gggghhBBhgg" },
	{ "wrong and right by turns", 3, "000000000", "0x0x0x000", "ghhhhBhgg" },
	{ "wrong now and then", 3, FORTY("00") FORTY("00") FORTY("00") FORTY("00"),
		FORTY("x0") FORTY("x0") FORTY("x0") FORTY("x0"), NULL },
	{ "in another state by turns", 3, "00000000000", "01010101000", "ghhhhhhhhgg" },

	/* requests that follow each other faster than it may lag */
	{ "it blinks", 9, "0111111000000111111000000111", "0000111111000000111111000000",
		"gggggggggggggggggggggggggggg" },
	{ "it does not", 9, "01111110000001111110000001111110000001", "0",
		"gggggggggggggggghhhhhhhhhhhhhhhhhhhhhhhh" },
	{ "it does again", 9, "011111100000011111100000011111100000000",
		"000000000000000000000000000111100000000",
		"gggggggggggggggghhhhhhhhhhhhggggggggggg" },
	{ "a flash of it is not enough", 9, "011111100000011111100000011111100000000",
		"000010000000000001000000000000000000000",
		"gggggggggggggggghhggggggggggggggggggggg" },
	{ "shown for most of the time is", 9, "0111111000000111111000000000",
		"0000111100000000001111000000", "gggggggggggggggggggggggggggg" },
	{ "requests too short to be seen", 9, "01110001110001110001110001110000", "0",
		"gggggggggggggggggggggggggggggggg" },
	{ "nobody looked", 9, "01111110000001111110000001111110000001",
		"--------------------------------------",
		"gggggggggggggggggggggggggggggggggggggg" },
	{ "nobody knew", 9, "0uuuuuuuu0000000000000000", "0--------0000000000000000",
		"ggggggggggggggggggggggggg" },
};

/* The last letter stands for the rest. */
static char letter_at(const char *letters, size_t i) {
	return letters[MIN(i, strlen(letters) - 1)];
}

static char step(const struct story *story, size_t i) {
	char requested = story->requested[i];
	char drawn = letter_at(story->drawn, i);
	const struct atlas_tile *tile = &tiles[requested == '0' ? 0 : 1];
	is_shown = drawn != '-';
	element_request(&element, tile, requested != 'u', is_shown, i);
	if (drawn != '-') {
		draw(drawn);
		look(i);
	}
	if (element_is_to_blame(&element, true)) {
		element_forgive(&element);
		return 'B';
	}
	return element.is_distrusted ? 'h' : 'g';
}

START_TEST(story_is_told) {
	const struct story *story = &stories[_i];
	make_lamp(story->follow_ticks);
	for (size_t i = 0; story->requested[i] != '\0'; i++) {
		char is = step(story, i);
		if (story->trusted == NULL) {
			ck_assert_msg(is != 'B', "%s: tick %zu", story->name, i);
		} else {
			char shall = letter_at(story->trusted, i);
			ck_assert_msg(
				is == shall, "%s: tick %zu: %c, not %c", story->name, i, is, shall);
		}
	}
}
END_TEST

/* It may repent twice. */
START_TEST(it_is_not_trusted_again_and_again) {
	enum { ROUNDS = ELEMENT_STRIKES + 2, HALF = 2 * SEEN };
	make_lamp(2 * HALF);
	for (uint64_t tick = 0; tick < (uint64_t)ROUNDS * 8 * HALF; tick++) {
		uint64_t phase = tick % (8 * HALF);
		bool is_requested = tick / HALF % 2 == 1;
		/* what is requested, once in four blinks: else nothing */
		bool is_drawn = is_requested && phase >= 7 * HALF;
		element_request(&element, &tiles[is_requested], true, true, tick);
		draw(is_drawn ? '1' : '0');
		look(tick);
		if (phase == 6 * HALF) {
			ck_assert_msg(element.is_distrusted, "tick %u", (unsigned)tick);
		}
	}
	ck_assert_uint_ge(element.owed, ELEMENT_STRIKES);
	ck_assert(element.is_distrusted);
	/* its layer was lost: a new guest */
	element_request(&element, &tiles[0], true, false, 100000);
	ck_assert(!element.is_owing);
}
END_TEST

/* It costs more than a check: not at each turn of one that is right and wrong by turns. */
START_TEST(it_is_searched_for_once) {
	make_lamp(3);
	element_request(&element, &tiles[1], true, true, 1);
	draw('m');
	look(1);
	ck_assert(!may_search);
	ck_assert_uint_eq(element.cause, FAULT_MISPLACED);
	for (uint64_t tick = 2; tick < 10; tick++) {
		element_request(&element, &tiles[1], true, true, tick);
		draw(tick % 2 ? 'm' : '1');
		look(tick);
		ck_assert_msg(may_search, "tick %u", (unsigned)tick);
		ck_assert_uint_eq(element.cause, FAULT_MISPLACED);
	}
	for (uint64_t tick = 10; tick < 10 + RECOVER; tick++) {
		draw('1');
		look(tick);
	}
	ck_assert(!element.is_distrusted);
	draw('m');
	look(20);
	ck_assert(!may_search);
}
END_TEST

/* Another element of the tick was searched for. */
START_TEST(without_a_search_it_is_wrong) {
	make_lamp(3);
	element_request(&element, &tiles[1], true, true, 1);
	draw('m');
	may_search = false;
	element_fail(&element, &view, &place, &atlas, 1, &may_search);
	ck_assert_uint_eq(element.cause, FAULT_WRONG_PIXELS);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor element");
	TCase *trust = suite_case(suite, "trust");
	tcase_add_loop_test(trust, story_is_told, 0, ARRAY_LEN(stories));
	tcase_add_test(trust, it_is_not_trusted_again_and_again);
	tcase_add_test(trust, it_is_searched_for_once);
	tcase_add_test(trust, without_a_search_it_is_wrong);
	return suite;
}
