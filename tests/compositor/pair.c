#include "tests/compositor/pair.h"

#include <check.h>
#include <stdio.h>

#include "tests/support/test_atlas.h"

const struct rect pair_left = { 0, 0, PAIR_WIDTH / 2, PAIR_HEIGHT };
const struct rect pair_right = { PAIR_WIDTH / 2, 0, PAIR_WIDTH / 2, PAIR_HEIGHT };

void pair_config(struct config *config) {
	test_config_init(config, PAIR_WIDTH, PAIR_HEIGHT);
	uint32_t cluster =
		test_config_add_guest(config, "cluster", 1, pair_left.width, PAIR_HEIGHT);
	uint32_t ivi = test_config_add_guest(config, "ivi", 1, pair_right.width, PAIR_HEIGHT);
	test_config_add_layer(config, "cluster", cluster, 0, pair_left)->critical = 1;
	test_config_add_layer(config, "ivi", ivi, 0, pair_right);
}

void pair_draw(struct rig *rig) {
	rig_publish_plain(rig, 0, 0, pair_left.width, PAIR_HEIGHT, PAIR_CLUSTER);
	rig_publish_plain(rig, 1, 0, pair_right.width, PAIR_HEIGHT, PAIR_IVI);
	rig_step(rig, 1);
}

void pair_expect(struct rig *rig, const char *name, uint64_t state) {
	uint64_t seen = rig_value(rig, "%s.state", name);
	ck_assert_msg(seen == state, "%s: state %d, not %d", name, (int)seen, (int)state);
}

uint32_t pair_hmi(const char *tile) {
	char name[88];
	snprintf(name, sizeof(name), "hmi/main/%s", tile);
	return test_atlas_colour(name);
}

void pair_expect_fallback(struct rig *rig) {
	pair_expect(rig, "output.main", SCREEN_FALLBACK);
	rig_look(rig);
	ck_assert_uint_eq(rig_pixel(rig, 0, 0), pair_hmi("ground/one"));
	ck_assert_uint_eq(rig_pixel(rig, PAIR_WIDTH - 1, PAIR_HEIGHT - 1), pair_hmi("ground/one"));
	ck_assert_uint_eq(rig_pixel(rig, 2, 4), pair_hmi("speed/-"));
	ck_assert_uint_eq(rig_pixel(rig, 2 + 3 * 8 - 1, 15), pair_hmi("speed/-"));
	ck_assert_uint_eq(rig_pixel(rig, 2 + 4 * 8, 4), pair_hmi("gear/-"));
	for (int i = 0; i < TEST_ATLAS_LAMPS; i++) {
		char tile[32];
		snprintf(tile, sizeof(tile), "%s/on", test_lamps[i].name);
		ck_assert_uint_eq(rig_pixel(rig, 2 + 6 * i, 20), pair_hmi(tile));
	}
	ck_assert_uint_eq(rig_pixel(rig, 2, 28), pair_hmi("cluster/one"));
}
