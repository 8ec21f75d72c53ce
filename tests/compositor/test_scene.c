#include "compositor/scene.h"

#include <string.h>

#include "core/macros.h"
#include "tests/compositor/reference.h"
#include "tests/suite.h"

#define WIDTH 120
#define HEIGHT 80
#define ACTORS 7
#define STEPS 300

/* what a random walk changes; its pixels are its own */
struct actor {
	bool shown;
	int64_t order;
	struct rect place;
	struct rect clip;
	uint8_t opacity;
	uint32_t width, height;
	enum pixel_format format;
	unsigned content;
	struct rects damage;
	uint32_t pixels[48 * 48];
};

static struct actor actors[ACTORS];
static uint64_t random_state;

static uint32_t below(uint32_t limit) {
	return reference_random(&random_state) % limit;
}

static void actor_reset(struct actor *actor, int64_t order) {
	*actor = (struct actor) {
		.shown = true,
		.order = order,
		.place = { (int32_t)below(WIDTH) - 20, (int32_t)below(HEIGHT) - 20, 40, 30 },
		.clip = { 0, 0, WIDTH, HEIGHT },
		.opacity = 255,
		.width = 40,
		.height = 30,
		.format = PIXEL_FORMAT_BGRX,
	};
	for (size_t i = 0; i < ARRAY_LEN(actor->pixels); i++) {
		actor->pixels[i] = reference_random(&random_state);
	}
}

static void draw_into(struct actor *actor) {
	struct rect rect = { (int32_t)below(actor->width), (int32_t)below(actor->height),
		1 + below(actor->width), 1 + below(actor->height) };
	struct rect bounds = { 0, 0, actor->width, actor->height };
	rect = rect_intersect(&rect, &bounds);
	rects_add(&actor->damage, &rect);
	for (uint32_t y = 0; y < rect.height; y++) {
		for (uint32_t x = 0; x < rect.width; x++) {
			size_t at = (rect.y + y) * actor->width + rect.x + x;
			actor->pixels[at] = reference_random(&random_state);
		}
	}
}

static void change(struct actor *actor) {
	switch (below(11)) {
	case 0:
		actor->shown = !actor->shown;
		break;
	case 1:
		actor->place.x += (int32_t)below(9) - 4;
		actor->place.y += (int32_t)below(9) - 4;
		break;
	case 2:
		actor->place.width = 1 + below(100);
		actor->place.height = 1 + below(70);
		break;
	case 3:
		actor->opacity = (uint8_t)below(256);
		break;
	case 4:
		actor->clip = (struct rect) { (int32_t)below(WIDTH), (int32_t)below(HEIGHT),
			below(WIDTH), below(HEIGHT) };
		break;
	case 5:
		/* any order but one that is taken */
		actor->order = (int64_t)below(1000) * ACTORS + (actor - actors);
		break;
	case 6:
		actor->format = 1 + below(PIXEL_FORMAT_COUNT - 1);
		break;
	case 7:
		actor->content++;
		actor->width = 1 + below(48);
		actor->height = 1 + below(48);
		rects_clear(&actor->damage);
		break;
	default:
		draw_into(actor);
	}
}

static void build(struct scene *scene) {
	static const char contents[16];
	const struct rect bounds = { 0, 0, WIDTH, HEIGHT };
	bool added[ACTORS] = { false };

	scene_clear(scene);
	for (size_t n = 0; n < ACTORS; n++) {
		size_t next = ACTORS;
		for (size_t i = 0; i < ACTORS; i++) {
			if (!added[i] && (next == ACTORS || actors[i].order < actors[next].order)) {
				next = i;
			}
		}
		added[next] = true;
		struct actor *actor = &actors[next];
		struct sprite sprite = {
			.pixels = (const uint8_t *)actor->pixels,
			.stride = actor->width * 4,
			.width = actor->width,
			.height = actor->height,
			.format = actor->format,
			.opacity = actor->opacity,
			.opaque = actor->opacity == 255 && !pixel_format_has_alpha(actor->format),
			.place = actor->place,
		};
		struct scene_item item = { .id = (uint32_t)next,
			.order = actor->order,
			.content = &contents[actor->content % 16] };
		struct rect clip = rect_intersect(&actor->clip, &bounds);
		struct scene_item *made = NULL;
		if (actor->shown) {
			made = scene_add(scene, &item, &sprite, &clip);
		}
		if (made != NULL) {
			scene_damage_item(scene, made, &actor->damage);
		}
		rects_clear(&actor->damage);
	}
}

/* a picture kept up to date by damage alone stays the picture drawn anew */
START_TEST(damage_is_enough) {
	static struct scene scenes[2];
	static uint32_t kept[WIDTH * HEIGHT];
	random_state = (uint64_t)_i * 31 + 17;
	struct painter *painter = painter_create();
	struct painter_target target = { kept, WIDTH * 4, WIDTH, HEIGHT };
	for (size_t i = 0; i < ACTORS; i++) {
		actor_reset(&actors[i], (int64_t)i);
	}
	scene_clear(&scenes[0]);

	for (unsigned step = 0; step < STEPS; step++) {
		struct scene *before = &scenes[step % 2], *now = &scenes[(step + 1) % 2];
		for (uint32_t n = below(4); n > 0; n--) {
			change(&actors[below(ACTORS)]);
		}
		build(now);
		struct rects damage;
		rects_clear(&damage);
		scene_compare(before, now, &damage);
		for (uint32_t i = 0; i < damage.len; i++) {
			painter_draw(painter, &target, now->sprites, now->len, &damage.items[i]);
		}
		for (int32_t y = 0; y < HEIGHT; y++) {
			for (int32_t x = 0; x < WIDTH; x++) {
				uint32_t expected = reference_pixel(now->sprites, now->len, x, y);
				uint32_t seen = kept[y * WIDTH + x] & 0xffffff;
				if (seen != expected) {
					ck_abort_msg("step %u, %d,%d: %06x, not %06x", step, x, y,
						seen, expected);
				}
			}
		}
	}
	painter_destroy(painter);
}
END_TEST

static struct rects compare_two(const struct sprite *a, const struct scene_item *p,
	const struct sprite *b, const struct scene_item *q) {
	static struct scene before, now;
	const struct rect bounds = { 0, 0, WIDTH, HEIGHT };
	struct rects damage;
	scene_clear(&before);
	scene_clear(&now);
	rects_clear(&damage);
	if (a != NULL) {
		scene_add(&before, p, a, &bounds);
	}
	if (b != NULL) {
		scene_add(&now, q, b, &bounds);
	}
	scene_compare(&before, &now, &damage);
	return damage;
}

START_TEST(damage_is_no_more_than_needed) {
	static const uint8_t pixels[64 * 4];
	struct sprite sprite = { .pixels = pixels,
		.stride = 32,
		.width = 8,
		.height = 8,
		.format = PIXEL_FORMAT_BGRX,
		.opacity = 255,
		.opaque = true,
		.place = { 3, 4, 8, 8 } };
	struct scene_item item = { .id = 9, .order = 1, .content = pixels };

	struct rects damage = compare_two(&sprite, &item, &sprite, &item);
	ck_assert_uint_eq(damage.len, 0);
	struct sprite flipped = sprite; /* another buffer of the same content: damage tells */
	flipped.pixels += 4;
	flipped.stride = 28;
	damage = compare_two(&sprite, &item, &flipped, &item);
	ck_assert_uint_eq(damage.len, 0);

	damage = compare_two(NULL, NULL, &sprite, &item);
	ck_assert_uint_eq(damage.len, 1);
	ck_assert(rect_equal(&damage.items[0], &sprite.place));
	damage = compare_two(&sprite, &item, NULL, NULL);
	ck_assert_uint_eq(damage.len, 1);
	ck_assert(rect_equal(&damage.items[0], &sprite.place));

	struct scene_item newer = item; /* a cursor's new image */
	newer.version++;
	damage = compare_two(&sprite, &item, &sprite, &newer);
	ck_assert_uint_eq(damage.len, 1);

	struct sprite moved = sprite;
	moved.place.x = 50;
	damage = compare_two(&sprite, &item, &moved, &item);
	ck_assert_uint_eq(damage.len, 2);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor scene");
	TCase *damage = suite_case(suite, "damage");
	tcase_add_loop_test(damage, damage_is_enough, 0, 3);
	tcase_add_test(damage, damage_is_no_more_than_needed);
	return suite;
}
