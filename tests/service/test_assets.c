#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compositor/check.h"
#include "compositor/painter.h"
#include "core/atlas.h"
#include "core/fd.h"
#include "core/macros.h"
#include "core/signals.h"
#include "service/assets.h"
#include "service/png.h"
#include "tests/suite.h"

static char dir[] = "/tmp/fascia-assets-XXXXXX";

struct drawn {
	struct config config;
	struct atlas atlas;
	int fd;
};

static void draw(struct drawn *drawn, const char *yaml) {
	char path[64];
	snprintf(path, sizeof(path), "%s/x.yaml", dir);
	FILE *file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs(yaml, file);
	fclose(file);
	struct config_pictures pictures;
	ck_assert(config_compile(path, "/run/x", &drawn->config, &pictures, stderr));
	drawn->fd = assets_create_atlas(&drawn->config, &pictures, stderr);
	config_pictures_finish(&pictures);
	unlink(path);
	ck_assert_int_ge(drawn->fd, 0);
	/* checks seals, sizes, flags and every checksum */
	ck_assert_int_eq(atlas_map(&drawn->atlas, drawn->fd), 0);
}

static void finish(struct drawn *drawn) {
	atlas_unmap(&drawn->atlas);
	fd_close(&drawn->fd);
}

static void make_dir(void) {
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void) {
	(void)rmdir(dir);
}

static const struct atlas_tile *find(const struct drawn *drawn, const char *name) {
	const struct atlas_tile *tile = atlas_find(&drawn->atlas, "%s", name);
	ck_assert_msg(tile != NULL, "there is no tile %s", name);
	return tile;
}

static const struct atlas_element *find_element(
	const struct drawn *drawn, const char *output, const char *name) {
	for (uint32_t i = 0; i < drawn->atlas.elements_len; i++) {
		const struct atlas_element *element = &drawn->atlas.elements[i];
		if (strcmp(element->output, output) == 0 && strcmp(element->name, name) == 0) {
			return element;
		}
	}
	return NULL;
}

static const struct atlas_element *find_ground(const struct drawn *drawn, const char *output) {
	return find_element(drawn, output, "(ground)");
}

/* Every telltale there is has a lamp that is checked, and what a driver reads has its readings. */
static void check_cluster(const struct drawn *drawn, const char *output) {
	static const char *const others[] = { "speed", "speed-dial", "revs-dial", "gear",
		"odometer", "trip", "fuel", "coolant", "outside", "rear-view" };
	for (uint32_t id = SIGNAL_TELLTALES; id < SIGNAL_TELLTALES_END; id++) {
		const struct atlas_element *lamp =
			find_element(drawn, output, signal_info(id)->name);
		ck_assert_msg(lamp != NULL, "no lamp for %s", signal_info(id)->name);
		ck_assert_uint_eq(lamp->kind, ATLAS_LAMP);
		ck_assert_uint_eq(lamp->signal, id);
		ck_assert_uint_eq(lamp->safety, 1);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		ck_assert_msg(find_element(drawn, output, others[i]) != NULL, "no %s", others[i]);
	}
}

START_TEST(every_element_is_there) {
	struct drawn drawn;
	draw(&drawn,
		"outputs:\n"
		"  - {name: left, mode: 1280x480}\n"
		"  - {name: right, mode: 800x600}\n"
		"  - {name: plain, mode: 64x64, fallback: false}\n"
		"guests: [{name: a}, {name: b}]\n"
		"layers:\n"
		"  - {name: a, output: left, critical: true}\n"
		"  - {name: b, output: right, at: '100,50', size: 640x240, critical: true}\n"
		"  - {name: c, guest: b, scanout: 1, output: right, size: 33x17}\n");
	check_cluster(&drawn, "left");
	check_cluster(&drawn, "right");
	ck_assert_ptr_null(find_ground(&drawn, "plain"));
	ck_assert_ptr_nonnull(find_element(&drawn, "left", "a"));
	ck_assert_uint_eq(find_element(&drawn, "left", "a")->kind, ATLAS_NOTICE);
	ck_assert_ptr_nonnull(find_element(&drawn, "right", "b"));
	ck_assert_ptr_null(find_element(&drawn, "right", "a"));
	ck_assert_ptr_null(find_element(&drawn, "right", "c"));
	ck_assert_ptr_null(find_element(&drawn, "left", "no-signal"));

	/* the whole output, and what the critical layer takes */
	const struct rect left = { 0, 0, 1280, 480 }, right = { 100, 50, 640, 240 };
	ck_assert(rect_equal(&find_ground(&drawn, "left")->place, &left));
	ck_assert(rect_equal(&find_ground(&drawn, "right")->place, &right));

	const struct atlas_tile *placeholder = find(&drawn, "placeholder/c");
	ck_assert(placeholder->width == 33 && placeholder->height == 17 && placeholder->opaque);
	ck_assert_ptr_nonnull(find(&drawn, "placeholder/a"));
	finish(&drawn);
}
END_TEST

static const char *const sizes[] = { "1x1", "7x3", "64x64", "8191x16", "16x4096", "320x120",
	"333x777", "1920x1080" };

/* The atlas is good at any size (draw() maps it); where a telltale would be a dot there is the ground. */
START_TEST(every_size_can_be_drawn) {
	struct drawn drawn;
	char yaml[128];
	uint32_t width, height;
	ck_assert_int_eq(sscanf(sizes[_i], "%ux%u", &width, &height), 2);
	snprintf(yaml, sizeof(yaml), "outputs: [{name: o, mode: %s}]\nguests: [{name: a}]\n",
		sizes[_i]);
	draw(&drawn, yaml);
	const struct atlas_element *ground = find_ground(&drawn, "o");
	ck_assert_ptr_nonnull(ground);
	ck_assert(ground->place.width == width && ground->place.height == height);
	bool has_lamps = find_element(&drawn, "o", "brake") != NULL;
	ck_assert_int_eq(has_lamps, width >= 320 && height >= 120);
	finish(&drawn);
}
END_TEST

START_TEST(four_clusters_fit) {
	struct drawn drawn;
	draw(&drawn,
		"outputs: [{name: a, mode: 1280x480}, {name: b, mode: 1280x480},\n"
		"  {name: c, mode: 640x240}, {name: d, mode: 640x240}]\n"
		"guests: [{name: x}]\nlayers: [{name: x, output: b, critical: true}]\n");
	check_cluster(&drawn, "a");
	check_cluster(&drawn, "d");
	/* pixels are kept once: the same drawing at the same place of another output costs nothing */
	const struct atlas_element *a = find_ground(&drawn, "a"), *b = find_ground(&drawn, "b");
	ck_assert_uint_eq(atlas_element_tile(&drawn.atlas, a, 0, 0, 0)->offset,
		atlas_element_tile(&drawn.atlas, b, 0, 0, 0)->offset);
	finish(&drawn);
}
END_TEST

static const struct {
	const char *yaml, *message;
} refused[] = {
	{ "outputs: [{name: o, mode: 1280x480}]\nguests: [{name: g}]\n"
	  "layers: [{name: speed, guest: g, critical: true}]\n",
		"element 'speed' has the name of a critical layer; rename one of them" },
	{ "outputs: [{name: o, mode: 200x75}]\nguests: [{name: g}]\nsafety: {signals: true}\n",
		"output 'o': 200x75 is too small for the HMI of " },
	{ "outputs: [{name: o, mode: 1280x480, hmi: bad.yaml}]\nguests: [{name: g}]\n",
		"bad.yaml:1: size: 'none'; allowed: " },
};

START_TEST(hmi_that_does_not_fit_is_refused) {
	struct config config;
	struct config_pictures pictures;
	char path[64], bad_path[64], *errors;
	size_t bytes;
	snprintf(path, sizeof(path), "%s/x.yaml", dir);
	snprintf(bad_path, sizeof(bad_path), "%s/bad.yaml", dir);
	const struct {
		const char *path, *text;
	} files[] = { { path, refused[_i].yaml }, { bad_path, "size: none\n" } };
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		FILE *file = fopen(files[i].path, "we");
		ck_assert_ptr_nonnull(file);
		fputs(files[i].text, file);
		fclose(file);
	}
	ck_assert(config_compile(path, "/run/x", &config, &pictures, stderr));
	FILE *file = open_memstream(&errors, &bytes);
	ck_assert_int_eq(assets_create_atlas(&config, &pictures, file), -EINVAL);
	fclose(file);
	ck_assert_msg(strstr(errors, refused[_i].message) != NULL, "got: %s", errors);
	free(errors);
	config_pictures_finish(&pictures);
	unlink(path);
	unlink(bad_path);
}
END_TEST

/* What the compositor will find on its picture is what the builder said: of each state of each safety
 * element, over a black ground. */
START_TEST(shown_checksums_are_those_of_the_compositor) {
	struct drawn drawn;
	draw(&drawn, "outputs: [{name: o, mode: 1280x480}]\nguests: [{name: a}]\n");
	struct painter *painter = painter_create();
	uint32_t *pixels = calloc(1280 * 480, sizeof(*pixels));
	ck_assert(painter != NULL && pixels != NULL);
	const struct painter_target target = { pixels, 1280 * 4, 1280, 480 };
	const struct check_view view = { pixels, 1280 * 4, { 0, 0, 1280, 480 } };
	unsigned checked = 0;
	for (uint32_t i = 0; i < drawn.atlas.tiles_len; i++) {
		const struct atlas_tile *tile = &drawn.atlas.tiles[i];
		const struct rect place = { tile->x, tile->y, tile->width, tile->height };
		if (!rect_fits(&place, 1280, 480)) {
			continue;
		}
		const struct sprite sprite = {
			.pixels = (const uint8_t *)atlas_pixels(&drawn.atlas, tile),
			.stride = tile->width * 4,
			.width = tile->width,
			.height = tile->height,
			.format = PIXEL_FORMAT_BGRA,
			.opacity = 255,
			.opaque = tile->opaque != 0,
			.place = place,
			.visible = place,
		};
		painter_draw(painter, &target, &sprite, 1, &place);
		ck_assert_uint_eq(check_crc(&view, &place), tile->shown_crc32);
		checked++;
	}
	ck_assert_uint_gt(checked, 1000);
	free(pixels);
	painter_destroy(painter);
	finish(&drawn);
}
END_TEST

/* What is drawn depends on the configuration alone: the flow tests draw it again to compare. */
START_TEST(drawn_twice_is_the_same) {
	static const char yaml[] = "guests: [{name: a}]\n";
	struct drawn one, two;
	draw(&one, yaml);
	draw(&two, yaml);
	ck_assert_uint_eq(one.atlas.size_bytes, two.atlas.size_bytes);
	ck_assert_mem_eq(one.atlas.base, two.atlas.base, one.atlas.size_bytes);
	finish(&one);
	finish(&two);
}
END_TEST

/* 2 x 2 pixels: red, half of white, an invisible grey, blue; not written by the code under test */
static const uint8_t small_png[] = {
	0x89,
	0x50,
	0x4e,
	0x47,
	0x0d,
	0x0a,
	0x1a,
	0x0a,
	0x00,
	0x00,
	0x00,
	0x0d,
	0x49,
	0x48,
	0x44,
	0x52,
	0x00,
	0x00,
	0x00,
	0x02,
	0x00,
	0x00,
	0x00,
	0x02,
	0x08,
	0x06,
	0x00,
	0x00,
	0x00,
	0x72,
	0xb6,
	0x0d,
	0x24,
	0x00,
	0x00,
	0x00,
	0x16,
	0x49,
	0x44,
	0x41,
	0x54,
	0x78,
	0x9c,
	0x63,
	0xf8,
	0xcf,
	0xc0,
	0xf0,
	0x1f,
	0x08,
	0x1a,
	0x18,
	0x38,
	0x39,
	0x39,
	0x19,
	0x40,
	0x6c,
	0x00,
	0x4b,
	0x89,
	0x07,
	0x95,
	0xdd,
	0x93,
	0x94,
	0x91,
	0x00,
	0x00,
	0x00,
	0x00,
	0x49,
	0x45,
	0x4e,
	0x44,
	0xae,
	0x42,
	0x60,
	0x82,
};

START_TEST(pictures_are_premultiplied) {
	static const uint32_t pixels[4] = { 0xffff0000, 0x80808080, 0x00000000, 0xff0000ff };
	struct drawn drawn;
	char path[64];
	snprintf(path, sizeof(path), "%s/p.png", dir);
	FILE *file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(small_png, sizeof(small_png), 1, file), 1);
	fclose(file);
	/* a relative path starts at the configuration */
	draw(&drawn, "layers: [{name: p, picture: p.png, size: 20x10}]\n");
	const struct atlas_tile *tile = find(&drawn, "picture/p");
	ck_assert(tile->width == 2 && tile->height == 2 && !tile->opaque);
	ck_assert_mem_eq(atlas_pixels(&drawn.atlas, tile), pixels, sizeof(pixels));
	finish(&drawn);
	unlink(path);
}
END_TEST

START_TEST(opaque_png_there_and_back) {
	char path[64];
	uint32_t width, height;
	struct png png;
	snprintf(path, sizeof(path), "%s/p.png", dir);
	/* 3 pixels of a row of 4: the stride is not the width */
	const uint32_t pixels[8] = { 0x00ff0000, 0x0000ff00, 0x000000ff, 0, 1, 2, 3, 0 };
	ck_assert_int_eq(png_write_opaque(path, pixels, 3, 2, 16), 0);
	ck_assert_int_eq(png_read_size(path, &width, &height), 0);
	ck_assert(width == 3 && height == 2);
	ck_assert_int_eq(png_read(&png, path), 0);
	for (unsigned i = 0; i < 6; i++) {
		ck_assert_uint_eq(png.pixels[i], pixels[i / 3 * 4 + i % 3] | 0xff000000);
	}
	png_finish(&png);
	unlink(path);
	ck_assert_int_eq(png_read(&png, path), -ENOENT);
	ck_assert_int_eq(png_write_opaque("/nowhere/x.png", pixels, 1, 1, 4), -ENOENT);
}
END_TEST

/* Cut anywhere: an error, or, when only checksums are gone, the whole picture. */
START_TEST(damaged_png) {
	char path[64];
	snprintf(path, sizeof(path), "%s/p.png", dir);
	for (size_t len = 0; len < sizeof(small_png) - 12; len++) {
		FILE *file = fopen(path, "we");
		ck_assert_ptr_nonnull(file);
		ck_assert_uint_eq(fwrite(small_png, 1, len, file), len);
		fclose(file);
		struct png png = { 0 };
		if (png_read(&png, path) == 0) {
			static const uint32_t pixels[4] = { 0xffff0000, 0x80ffffff, 0x00090909,
				0xff0000ff };
			ck_assert_mem_eq(png.pixels, pixels, sizeof(pixels));
			png_finish(&png);
		} else {
			ck_assert_ptr_null(png.pixels);
		}
	}
	unlink(path);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service assets");
	TCase *tcase = suite_case(suite, "assets");
	tcase_add_checked_fixture(tcase, make_dir, remove_dir);
	tcase_add_test(tcase, every_element_is_there);
	tcase_add_loop_test(tcase, every_size_can_be_drawn, 0, (int)ARRAY_LEN(sizes));
	tcase_add_test(tcase, four_clusters_fit);
	tcase_add_loop_test(tcase, hmi_that_does_not_fit_is_refused, 0, (int)ARRAY_LEN(refused));
	tcase_add_test(tcase, shown_checksums_are_those_of_the_compositor);
	tcase_add_test(tcase, drawn_twice_is_the_same);
	tcase_add_test(tcase, pictures_are_premultiplied);
	tcase_add_test(tcase, opaque_png_there_and_back);
	tcase_add_test(tcase, damaged_png);
	return suite;
}
