/*
 * HMI files: what is refused, and by which words; what is drawn of those that are good.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/atlas.h"
#include "core/cue.h"
#include "core/fd.h"
#include "core/macros.h"
#include "service/assets.h"
#include "service/assets_report.h"
#include "service/atlas_file.h"
#include "service/png.h"
#include "tests/suite.h"

static char dir[] = "/tmp/fascia-drawing-XXXXXX";
static char yaml_path[64], symbol_path[64], atlas_path[64];

static void write_text(const char *path, const char *text) {
	FILE *file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void make_dir(void) {
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(yaml_path, sizeof(yaml_path), "%s/x.yaml", dir);
	snprintf(symbol_path, sizeof(symbol_path), "%s/s.svg", dir);
	snprintf(atlas_path, sizeof(atlas_path), "%s/x.atlas", dir);
	write_text(symbol_path,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 8 8\">"
		"<path d=\"M1 1 H7 V7 Z\"/></svg>");
}

static void remove_dir(void) {
	(void)unlink(yaml_path);
	(void)unlink(symbol_path);
	(void)unlink(atlas_path);
	(void)rmdir(dir);
}

/* Builds `yaml`; *errors is the caller's to free. */
static int build(const char *yaml, char **errors) {
	size_t bytes;
	FILE *file = open_memstream(errors, &bytes);
	ck_assert_ptr_nonnull(file);
	write_text(yaml_path, yaml);
	int fd = assets_build(yaml_path, "o", 1, file);
	ck_assert_int_eq(fclose(file), 0);
	return fd;
}

/* ---- files that are wrong ---- */

#define TOP                                                                                        \
	"size: 100x50\n"                                                                           \
	"fonts: [{name: f, size: 10}]\n"                                                           \
	"ground:\n"                                                                                \
	"  - {kind: box, at: '0,0', size: 100x50, colour: '#102030'}\n"
#define ELEMENTS TOP "elements:\n" /* the first element is line 6 */
#define LAMP(name, at, rest)                                                                       \
	"  - {name: " name ", kind: lamp, signal: brake, at: '" at                                 \
	"', size: 8x8, symbol: s.svg, colour: '#ff0000', plate: '#000000', safety: true" rest      \
	"}\n"

struct bad_row {
	const char *name, *yaml;
	unsigned line;
	const char *message; /* what follows FILE:LINE: begins so */
};

static const struct bad_row bad_rows[] = {
	{ "empty", "", 1, "expected 'key: value' lines; the smallest HMI is" },
	{ "unknown key", TOP "colour: '#ffffff'\n", 5,
		"HMI: unknown key 'colour'; allowed: size, " },
	{ "no size", "themes: [day]\n", 1, "size is missing" },
	{ "bad size", "size: 0x480\n", 1, "size: '0x480'; allowed: WIDTHxHEIGHT" },
	{ "theme of no signal", TOP "themes: [bright]\n", 5,
		"themes: 'bright' is not number 0 of signal 'theme': day|night" },
	{ "themes in another order", TOP "themes: [night, day]\n", 5,
		"themes: 'night' is not number 0" },
	{ "more locales than the signal has", TOP "locales: [en, de, fr]\n", 5,
		"locales: 'fr' is not number 2 of signal 'locale': en|de" },
	{ "colour for one theme of two",
		TOP "themes: [day, night]\ncolours:\n"
		    "  - {name: a, values: ['#000000', '#111111', '#222222']}\n",
		7, "colours[0].values: 3 given; allowed: one, or one per theme: 2" },
	{ "colour twice",
		TOP "colours:\n  - {name: a, values: ['#000000']}\n"
		    "  - {name: a, values: ['#000000']}\n",
		7, "colours[1]: 'a' is taken" },
	{ "unknown colour",
		"size: 9x9\nground:\n  - {kind: box, at: '0,0', size: 9x9, colour: mauve}\n", 3,
		"ground[0].colour: 'mauve'; allowed: the name of a colour" },
	{ "opacity beyond all",
		"size: 9x9\nground:\n  - {kind: box, at: '0,0', size: 9x9, colour: "
		"'#000000/101'}\n",
		3, "ground[0].colour: '#000000/101'; allowed" },
	{ "unknown font", TOP "  - {kind: text, at: '1,1', font: g, text: x, colour: '#ffffff'}\n",
		5, "ground[1].font: 'g' is none of `fonts`" },
	{ "unknown text", TOP "  - {kind: text, at: '1,1', font: f, text: $x, colour: '#ffffff'}\n",
		5, "ground[1].text: '$x' is none of `texts`" },
	{ "shape without its radius", TOP "  - {kind: glow, at: '1,1', colour: '#ffffff'}\n", 5,
		"ground[1].radius is missing" },
	{ "numerals without end",
		TOP "  - {kind: numerals, at: '1,1', radius: 9, from: 0, to: 90, least: 0, most: "
		    "9, step: 0, font: f, colour: '#ffffff'}\n",
		5, "ground[1]: least, most and step make no numerals" },
	{ "no symbol",
		ELEMENTS "  - {name: a, kind: lamp, signal: brake, at: '1,1', size: 8x8, "
			 "colour: '#ff0000'}\n",
		6, "elements[0].symbol is missing" },
	{ "symbol that is not there",
		ELEMENTS "  - {name: a, kind: lamp, signal: brake, at: '1,1', size: 8x8, symbol: "
			 "t.svg, colour: '#ff0000'}\n",
		6, "elements[0].symbol: /tmp/fascia-drawing-" },
	{ "symbol that is none",
		ELEMENTS "  - {name: a, kind: lamp, signal: brake, at: '1,1', size: 8x8, symbol: "
			 "x.yaml, colour: '#ff0000'}\n",
		6, "elements[0].symbol: /tmp/fascia-drawing-" },
	{ "unknown signal",
		ELEMENTS "  - {name: a, kind: lamp, signal: horn, at: '1,1', size: 8x8, symbol: "
			 "s.svg, colour: '#ff0000'}\n",
		6, "elements[0].signal: 'horn'; allowed: speed, revs, gear, " },
	{ "name twice", ELEMENTS LAMP("a", "0,0", "") LAMP("a", "9,0", ""), 7,
		"elements[1].name is taken" },
	{ "off the drawing", ELEMENTS LAMP("a", "93,0", ""), 6,
		"elements[0].at: 93,0 8x8 is not inside the drawing of 100x50" },
	{ "safety over safety", ELEMENTS LAMP("a", "0,0", "") LAMP("b", "7,7", ""), 7,
		"elements[1].at: 'b' lies over 'a'; nothing may lie over a safety element" },
	{ "gauge over safety",
		ELEMENTS LAMP("a", "0,0",
			"") "  - {name: g, kind: gauge, signal: fuel, at: '4,4', size: 20x4, "
			    "least: "
			    "'0', most: '100', states: 3, colour: '#ffffff', off: '#333333'}\n",
		7, "elements[1].at: 'g' lies over 'a'" },
	{ "safety over a frame",
		ELEMENTS "  - {name: r, kind: frame, signal: camera, at: '0,0', size: 40x40, "
			 "shapes: [{kind: outline, at: '0,0', size: 40x40, line: 2, colour: "
			 "'#ffffff'}]}\n" LAMP("a", "20,20", ""),
		7, "elements[1].at: 'a' lies over 'r'" },
	{ "safety that shines through",
		ELEMENTS "  - {name: a, kind: lamp, signal: brake, at: '1,1', size: 8x8, symbol: "
			 "s.svg, colour: '#ff0000', plate: '#000000/99', safety: true}\n",
		6, "elements[0].plate of a safety element must be a colour without /PERCENT" },
	{ "safety gauge",
		ELEMENTS "  - {name: g, kind: gauge, signal: fuel, at: '4,4', size: 20x4, least: "
			 "'0', most: '100', states: 3, colour: '#ffffff', off: '#333333', plate: "
			 "'#000000', safety: true}\n",
		6, "elements[0].safety is for lamps and choices only" },
	{ "two states that look the same", ELEMENTS LAMP("a", "0,0", ", off: '#ff0000'"), 6,
		"elements[0]: states 0 and 1 of safety element 'a' look the same" },
	{ "choice with a state without a picture",
		ELEMENTS "  - {name: g, kind: choice, signal: gear, at: '4,4', size: 40x20, "
			 "choices: [P, R, N], font: f, colour: '#ffffff', off: '#333333'}\n",
		6,
		"elements[0].choices: 3 given, a state is without a picture; signal 'gear' has "
		"4: P|R|N|D" },
	{ "choice of a number",
		ELEMENTS "  - {name: g, kind: choice, signal: speed, at: '4,4', size: 40x20, "
			 "choices: [P], font: f, colour: '#ffffff', off: '#333333'}\n",
		6, "elements[0].signal is not one of choices" },
	{ "readout without digits",
		ELEMENTS "  - {name: g, kind: readout, signal: speed, at: '4,4', size: 40x20, "
			 "font: f, colour: '#ffffff'}\n",
		6, "elements[0].digits must be 1 to 10" },
	{ "readout of more decimals than there are",
		ELEMENTS "  - {name: g, kind: readout, signal: revs, at: '4,4', size: 40x20, "
			 "digits: 4, decimals: 1, font: f, colour: '#ffffff'}\n",
		6, "elements[0].decimals are more than the signal has" },
	{ "gauge the wrong way round",
		ELEMENTS "  - {name: g, kind: gauge, signal: fuel, at: '4,4', size: 20x4, least: "
			 "'90', most: '10', states: 3, colour: '#ffffff', off: '#333333'}\n",
		6, "elements[0].most must be more than least" },
	{ "gauge beyond its signal",
		ELEMENTS "  - {name: g, kind: gauge, signal: fuel, at: '4,4', size: 20x4, least: "
			 "'0', most: '101', states: 3, colour: '#ffffff', off: '#333333'}\n",
		6, "elements[0].most: '101' is no value of signal 'fuel'" },
	{ "gauge of too many states",
		ELEMENTS "  - {name: g, kind: gauge, signal: fuel, at: '4,4', size: 20x4, least: "
			 "'0', most: '100', states: 513, colour: '#ffffff', off: '#333333'}\n",
		6, "elements[0].states must be 2 to 512" },
	{ "needle that leaves its place",
		ELEMENTS "  - {name: g, kind: gauge, signal: fuel, at: '4,4', size: 20x20, least: "
			 "'0', most: '100', states: 9, colour: '#ffffff', needle: {at: '14,14', "
			 "inner: 2, outer: 15, width: 2, from: 0, to: 90}}\n",
		6, "elements[0].needle leaves the element's place" },
	{ "chime of a gauge",
		ELEMENTS "  - {name: g, kind: gauge, signal: fuel, at: '4,4', size: 20x4, least: "
			 "'0', most: '100', states: 3, colour: '#ffffff', off: '#333333', chime: "
			 "warning}\n",
		6, "elements[0].chime is for lamps only" },
	{ "notice with a signal",
		ELEMENTS
		"  - {name: n, kind: notice, signal: brake, at: '4,4', size: 20x4, shapes: "
		"[{kind: box, at: '4,4', size: 20x4, colour: '#ffffff'}]}\n",
		6, "elements[0].signal has no meaning for a notice" },
	{ "frame of nothing",
		ELEMENTS "  - {name: n, kind: frame, signal: camera, at: '4,4', size: 20x4}\n", 6,
		"elements[0].shapes is missing" },
};

START_TEST(bad_file) {
	const struct bad_row *row = &bad_rows[_i];
	char *errors, expected[256];
	int fd = build(row->yaml, &errors);
	ck_assert_msg(fd < 0, "%s: was built", row->name);
	int len = snprintf(
		expected, sizeof(expected), "%s:%u: %s", yaml_path, row->line, row->message);
	ck_assert_msg(strncmp(errors, expected, (size_t)len) == 0, "%s: expected\n%s\ngot\n%s",
		row->name, expected, errors);
	free(errors);
}
END_TEST

START_TEST(too_many_elements) {
	char *errors, *yaml;
	size_t bytes;
	FILE *file = open_memstream(&yaml, &bytes);
	fputs(ELEMENTS, file);
	for (unsigned i = 0; i < 65; i++) {
		fprintf(file,
			"  - {name: e%u, kind: lamp, signal: brake, at: '0,0', size: 8x8, symbol: "
			"s.svg, colour: '#ff0000'}\n",
			i);
	}
	fclose(file);
	int fd = build(yaml, &errors);
	ck_assert_int_lt(fd, 0);
	ck_assert_ptr_nonnull(strstr(errors, "x.yaml:6: elements: 65 given; allowed: 1 to 64"));
	free(errors);
	free(yaml);
}
END_TEST

/* ---- files that are good ---- */

static const char good[] =
	"size: 100x50\n"
	"themes: [day, night]\n"
	"locales: [en, de]\n"
	"colours: [{name: c, values: ['#102030', '#010203']}]\n"
	"texts: [{name: t, values: [one, eins]}]\n"
	"fonts: [{name: f, size: 10}]\n"
	"ground:\n"
	"  - {kind: box, at: '0,0', size: 100x50, colour: c}\n"
	"elements:\n" LAMP(
		"a", "0,0", ", chime: warning") "  - {name: r, kind: readout, signal: trip, at: "
						"'10,0', size: 50x12, "
						"digits: 5, decimals: 1, font: f, colour: c}\n"
						"  - {name: w, kind: frame, signal: camera, at: "
						"'10,14', size: 40x12, "
						"shapes: [{kind: text, at: '10,24', font: f, text: "
						"$t, colour: c}]}\n";

static const struct atlas_element *find(const struct atlas *atlas, const char *name) {
	for (uint32_t i = 0; i < atlas->elements_len; i++) {
		if (strcmp(atlas->elements[i].name, name) == 0) {
			return &atlas->elements[i];
		}
	}
	ck_abort_msg("no element %s", name);
	return NULL;
}

static uint32_t crc(const struct atlas *atlas, const char *name, uint32_t theme, uint32_t locale) {
	return atlas_element_tile(atlas, find(atlas, name), theme, locale, 0)->crc32;
}

START_TEST(themes_and_locales_share_what_is_equal) {
	char *errors;
	struct atlas atlas;
	int fd = build(good, &errors);
	ck_assert_msg(fd >= 0, "%s", errors);
	ck_assert_int_eq(atlas_map(&atlas, fd), 0);
	ck_assert_uint_eq(atlas.themes_len, 2);
	ck_assert_uint_eq(atlas.locales_len, 2);
	const struct atlas_element *lamp = find(&atlas, "a");
	ck_assert_uint_eq(lamp->chime, CUE_CHIME_WARNING);
	ck_assert_uint_eq(lamp->safety, 1);
	ck_assert_str_eq(lamp->output, "o");
	/* one plate in all themes: one file's place */
	const struct atlas_tile *day = atlas_element_tile(&atlas, lamp, 0, 0, 1);
	const struct atlas_tile *night = atlas_element_tile(&atlas, lamp, 1, 1, 1);
	ck_assert_uint_eq(day->offset, night->offset);
	ck_assert(day->opaque == 1 && day->width == 8 && day->height == 8);

	ck_assert_uint_ne(crc(&atlas, "(ground)", 0, 0), crc(&atlas, "(ground)", 1, 0));
	ck_assert_uint_eq(crc(&atlas, "(ground)", 0, 0), crc(&atlas, "(ground)", 0, 1));
	ck_assert_uint_ne(crc(&atlas, "w", 0, 0), crc(&atlas, "w", 0, 1));
	const struct atlas_element *readout = find(&atlas, "r");
	ck_assert_uint_eq(readout->digits, 5);
	ck_assert_uint_eq(atlas_element_tile(&atlas, readout, 0, 0, 3)->width, 10);
	atlas_unmap(&atlas);
	close(fd);
	free(errors);
}
END_TEST

START_TEST(built_twice_is_the_same) {
	struct atlas one, two;
	char *errors;
	int fds[2];
	fds[0] = build(good, &errors);
	free(errors);
	fds[1] = build(good, &errors);
	free(errors);
	ck_assert_int_eq(atlas_map(&one, fds[0]), 0);
	ck_assert_int_eq(atlas_map(&two, fds[1]), 0);
	ck_assert_uint_eq(one.size_bytes, two.size_bytes);
	ck_assert_mem_eq(one.base, two.base, one.size_bytes);
	atlas_unmap(&one);
	atlas_unmap(&two);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* Every picture that the report's page shows is there, and is a PNG. */
START_TEST(report_has_its_pictures) {
	char *errors, report[64], path[512], line[512];
	struct atlas atlas;
	int fd = build(good, &errors);
	free(errors);
	ck_assert_int_eq(atlas_map(&atlas, fd), 0);
	snprintf(report, sizeof(report), "%s/report", dir);
	ck_assert_int_eq(assets_report(&atlas, "o", report), 0);
	ck_assert_int_eq(assets_report(&atlas, "o", "/nowhere/report"), -ENOENT);
	snprintf(path, sizeof(path), "%s/index.html", report);
	FILE *html = fopen(path, "re");
	ck_assert_ptr_nonnull(html);
	unsigned pictures = 0, checksums = 0;
	char shown[16];
	snprintf(shown, sizeof(shown), "%08x",
		atlas_element_tile(&atlas, find(&atlas, "a"), 1, 0, 1)->shown_crc32);
	while (fgets(line, sizeof(line), html) != NULL) {
		checksums += strstr(line, shown) != NULL;
		const char *image = strstr(line, "<img src=\"");
		if (image == NULL) {
			continue;
		}
		image += strlen("<img src=\"");
		uint32_t width, height;
		snprintf(path, sizeof(path), "%s/%.*s", report, (int)strcspn(image, "\""), image);
		ck_assert_msg(png_read_size(path, &width, &height) == 0, "no %s", path);
		unlink(path);
		pictures++;
	}
	fclose(html);
	/* the whole: 4 scenes in 2 themes and 2 locales; elements only where they look different */
	ck_assert_uint_eq(pictures, 16 + 2 + 1 + 2 + 4);
	ck_assert_uint_eq(checksums, 4);
	snprintf(path, sizeof(path), "%s/index.html", report);
	unlink(path);
	ck_assert_int_eq(rmdir(report), 0);
	atlas_unmap(&atlas);
	close(fd);
}
END_TEST

/* ---- built ones in a configuration ---- */

static int create_atlas(const char *mode, char **errors) {
	char config_text[256], config_path[64];
	struct config config;
	struct config_pictures pictures;
	size_t bytes;
	snprintf(config_path, sizeof(config_path), "%s/c.yaml", dir);
	snprintf(config_text, sizeof(config_text),
		"outputs: [{name: main, mode: 200x100, hmi: x.atlas}]\n"
		"guests: [{name: cluster}]\n"
		"layers: [{name: cluster, at: '50,20', size: %s, critical: true}]\n",
		mode);
	write_text(config_path, config_text);
	ck_assert(config_compile(config_path, "/run/x", &config, &pictures, stderr));
	FILE *file = open_memstream(errors, &bytes);
	int fd = assets_create_atlas(&config, &pictures, file);
	fclose(file);
	config_pictures_finish(&pictures);
	unlink(config_path);
	return fd;
}

START_TEST(built_atlas_is_moved_to_its_place) {
	char *errors;
	int built = build(good, &errors);
	free(errors);
	ck_assert_int_eq(atlas_file_write(built, atlas_path), 0);
	struct atlas from, to;
	ck_assert_int_eq(atlas_map(&from, built), 0);

	int fd = create_atlas("100x50", &errors);
	ck_assert_msg(fd >= 0, "%s", errors);
	free(errors);
	ck_assert_int_eq(atlas_map(&to, fd), 0);
	ck_assert_uint_eq(to.elements_len, from.elements_len);
	for (uint32_t i = 0; i < from.elements_len; i++) {
		const struct atlas_element *a = &from.elements[i], *b = &to.elements[i];
		ck_assert_str_eq(a->name, b->name);
		ck_assert_str_eq(b->output, "main");
		ck_assert(b->place.x == a->place.x + 50 && b->place.y == a->place.y + 20);
		for (uint32_t state = 0; state < a->states_len; state++) {
			const struct atlas_tile *tile = atlas_element_tile(&from, a, 1, 1, state);
			const struct atlas_tile *moved = atlas_element_tile(&to, b, 1, 1, state);
			ck_assert_uint_eq(tile->shown_crc32, moved->shown_crc32);
			ck_assert(moved->x == tile->x + 50 && moved->y == tile->y + 20);
		}
	}
	atlas_unmap(&to);
	close(fd);

	ck_assert_int_lt(create_atlas("100x51", &errors), 0);
	ck_assert_ptr_nonnull(strstr(errors, "built for 100x50; output 'main' has 100x51 for it"));
	free(errors);
	atlas_unmap(&from);
	close(built);
}
END_TEST

START_TEST(damaged_file_is_refused) {
	char *errors;
	size_t bytes;
	int built = build(good, &errors);
	free(errors);
	ck_assert_int_eq(atlas_file_write(built, atlas_path), 0);
	close(built);
	FILE *file = fopen(atlas_path, "r+e");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fseek(file, -64, SEEK_END), 0);
	int byte = fgetc(file);
	ck_assert_int_eq(fseek(file, -64, SEEK_END), 0);
	fputc(byte ^ 1, file);
	fclose(file);
	file = open_memstream(&errors, &bytes);
	ck_assert_ptr_null(atlas_file_open(atlas_path, file));
	ck_assert_ptr_null(atlas_file_open(dir, file));
	ck_assert_ptr_null(atlas_file_open("/nowhere/x.atlas", file));
	fclose(file);
	ck_assert_ptr_nonnull(
		strstr(errors, "x.atlas: a tile's pixels are damaged; build it again"));
	ck_assert_ptr_nonnull(strstr(errors, "no file of an atlas"));
	ck_assert_ptr_nonnull(strstr(errors, "/nowhere/x.atlas: No such file or directory"));
	free(errors);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service drawing");
	TCase *tcase = suite_case(suite, "drawing");
	tcase_add_checked_fixture(tcase, make_dir, remove_dir);
	tcase_add_loop_test(tcase, bad_file, 0, (int)ARRAY_LEN(bad_rows));
	tcase_add_test(tcase, too_many_elements);
	tcase_add_test(tcase, themes_and_locales_share_what_is_equal);
	tcase_add_test(tcase, built_twice_is_the_same);
	tcase_add_test(tcase, report_has_its_pictures);
	tcase_add_test(tcase, built_atlas_is_moved_to_its_place);
	tcase_add_test(tcase, damaged_file_is_refused);
	return suite;
}
