#include "service/assets_report.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/cue.h"
#include "core/macros.h"
#include "core/signals.h"
#include "service/assets_mock.h"
#include "service/png.h"

#define SHEET_WIDTH 1180u
#define SHEET_GAP 6u
#define SHEET_COLOUR 0xff30363d

struct report {
	const struct atlas *atlas;
	const char *output;
	const char *dir;
	FILE *html;
	int error; /* sticky */
};

static const char *const kinds[ATLAS_KINDS] = {
	[ATLAS_GROUND] = "ground",
	[ATLAS_LAMP] = "lamp",
	[ATLAS_CHOICE] = "choice",
	[ATLAS_READOUT] = "readout",
	[ATLAS_GAUGE] = "gauge",
	[ATLAS_NOTICE] = "notice",
	[ATLAS_FRAME] = "frame",
};
static const char *const chimes[CUE_CHIMES] = { "none", "information", "caution", "warning" };

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>HMI "
	"atlas</title>\n"
	"<style>\n"
	"body{font:15px/1.5 'B612','Segoe "
	"UI',system-ui,sans-serif;background:#16191d;color:#d6dde4;"
	"margin:0 auto;max-width:1280px;padding:32px 24px}\n"
	"h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;margin:44px 0 12px;border-bottom:1px "
	"solid #333a42;padding-bottom:6px}h3{font-size:16px;margin:28px 0 4px}\n"
	"p{margin:4px 0 12px;color:#9aa6b2}img{max-width:100%;display:block;border-radius:6px}\n"
	"figure{margin:0 0 22px}figcaption{color:#9aa6b2;margin:0 0 6px}\n"
	"table{border-collapse:collapse;font-size:14px}td,th{text-align:left;padding:3px 16px 3px "
	"0;border-bottom:1px solid #272d34}th{color:#9aa6b2;font-weight:normal}\n"
	"code{font:13px 'B612 Mono',monospace;color:#b9d3ea}.safety{color:#ffb000}summary{cursor:"
	"pointer;color:#9aa6b2;margin:8px 0}\n"
	"</style></head><body>\n";

static void write_png(struct report *report, const uint32_t *pixels, uint32_t width,
	uint32_t height, const char *name) {
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/%s.png", report->dir, name) >= (int)sizeof(path)) {
		report->error = -ENAMETOOLONG;
	}
	if (report->error == 0) {
		report->error = png_write_opaque(path, pixels, width, height, width * 4);
	}
}

static const char *word(enum signal_id signal, uint32_t index, char text[16]) {
	signal_format(signal, (int32_t)index, text, 16);
	return text;
}

/* ---- the whole ---- */

struct scenario {
	const char *name, *title;
	bool all_known, lamps, camera, notices;
};

static const struct scenario scenarios[] = {
	{ "drive", "a drive", true, false, false, false },
	{ "lamps", "lamp check", true, true, false, false },
	{ "camera", "in reverse", true, false, true, false },
	{ "lost", "nothing known, the cluster's picture lost", false, true, false, true },
};

static void set_values(struct assets_values *values, const struct scenario *scenario) {
	static const struct {
		enum signal_id id;
		const char *text;
	} examples[] = {
		{ SIGNAL_SPEED, "87.4" },
		{ SIGNAL_REVS, "2350" },
		{ SIGNAL_GEAR, "D" },
		{ SIGNAL_ODOMETER, "48217" },
		{ SIGNAL_TRIP, "123.4" },
		{ SIGNAL_FUEL, "64.0" },
		{ SIGNAL_COOLANT, "90" },
		{ SIGNAL_OUTSIDE, "-3.5" },
		{ SIGNAL_LOW_BEAM, "on" },
		{ SIGNAL_TURN_LEFT, "on" },
		{ SIGNAL_CRUISE, "on" },
	};
	for (uint32_t i = 0; i < SIGNAL_VALUES; i++) {
		values->signals[i] = scenario->all_known ? 0 : SIGNAL_UNKNOWN;
		if (i >= SIGNAL_TELLTALES && i < SIGNAL_TELLTALES_END) {
			values->signals[i] = scenario->lamps;
		}
	}
	for (size_t i = 0; scenario->all_known && i < ARRAY_LEN(examples); i++) {
		(void)signal_parse(
			examples[i].id, examples[i].text, &values->signals[examples[i].id]);
	}
	if (scenario->camera) {
		values->signals[SIGNAL_CAMERA] = 1;
		(void)signal_parse(SIGNAL_SPEED, "4.0", &values->signals[SIGNAL_SPEED]);
		(void)signal_parse(SIGNAL_REVS, "900", &values->signals[SIGNAL_REVS]);
		(void)signal_parse(SIGNAL_GEAR, "R", &values->signals[SIGNAL_GEAR]);
	}
	values->all_notices = scenario->notices;
}

static void report_mock(
	struct report *report, const struct scenario *scenario, uint32_t theme, uint32_t locale) {
	struct assets_values values = { .theme = theme, .locale = locale };
	struct assets_mock mock;
	char name[96], theme_name[16], locale_name[16];
	set_values(&values, scenario);
	snprintf(name, sizeof(name), "%s-%s-%s", scenario->name,
		word(SIGNAL_THEME, theme, theme_name), word(SIGNAL_LOCALE, locale, locale_name));
	int error = assets_mock_init(&mock, report->atlas, report->output, &values);
	if (error == 0) {
		write_png(report, mock.pixels, mock.place.width, mock.place.height, name);
		fprintf(report->html,
			"<figure><figcaption>%s, theme %s, locale %s</figcaption><img "
			"src=\"%s.png\" "
			"alt=\"\"></figure>\n",
			scenario->title, theme_name, locale_name, name);
		assets_mock_finish(&mock);
	} else {
		report->error = error;
	}
}

static void report_mocks(struct report *report) {
	fputs("<h2>The whole</h2>\n", report->html);
	for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
		for (uint32_t theme = 0; theme < report->atlas->themes_len; theme++) {
			for (uint32_t locale = 0; locale < report->atlas->locales_len; locale++) {
				if (report->error == 0) {
					report_mock(report, &scenarios[i], theme, locale);
				}
			}
		}
	}
}

/* ---- element by element ---- */

/* All states of an element side by side, row by row. Counts only when there is no picture yet. */
static void lay_sheet(const struct report *report, const struct atlas_element *element,
	uint32_t theme, uint32_t locale, struct assets_mock *sheet) {
	uint32_t x = 0, y = 0, row = 0, width = 0;
	for (uint32_t state = 0; state < element->states_len; state++) {
		const struct atlas_tile *tile =
			atlas_element_tile(report->atlas, element, theme, locale, state);
		if (x > 0 && x + tile->width > SHEET_WIDTH) {
			x = 0;
			y += row + SHEET_GAP;
			row = 0;
		}
		if (sheet->pixels != NULL) {
			assets_mock_blend(sheet, report->atlas, tile, (int32_t)x, (int32_t)y);
		}
		x += tile->width + SHEET_GAP;
		row = MAX(row, tile->height);
		width = MAX(width, x - SHEET_GAP);
	}
	sheet->place.width = width;
	sheet->place.height = y + row;
}

static void report_sheet(struct report *report, const struct atlas_element *element, uint32_t theme,
	uint32_t locale) {
	struct assets_mock sheet = { 0 };
	char name[96], theme_name[16], locale_name[16];
	lay_sheet(report, element, theme, locale, &sheet);
	size_t len = (size_t)sheet.place.width * sheet.place.height;
	assert(len > 0); /* a checked atlas has no empty tiles */
	sheet.pixels = malloc(len * sizeof(*sheet.pixels));
	if (sheet.pixels == NULL) {
		report->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < len; i++) {
		sheet.pixels[i] = SHEET_COLOUR;
	}
	lay_sheet(report, element, theme, locale, &sheet);
	snprintf(name, sizeof(name), "element-%s-%s-%s",
		element->kind == ATLAS_GROUND ? "ground" : element->name,
		word(SIGNAL_THEME, theme, theme_name), word(SIGNAL_LOCALE, locale, locale_name));
	write_png(report, sheet.pixels, sheet.place.width, sheet.place.height, name);
	free(sheet.pixels);
	fprintf(report->html,
		"<figure><figcaption>%s, %s</figcaption><img src=\"%s.png\" alt=\"\"></figure>\n",
		theme_name, locale_name, name);
}

static void report_states(struct report *report, const struct atlas_element *element) {
	FILE *html = report->html;
	fprintf(html,
		"<details%s><summary>%u states: places and checksums</summary><table>"
		"<tr><th>state<th>theme<th>locale<th>place<th>pixels<th>CRC-32 as shown</tr>\n",
		element->safety ? " open" : "", element->states_len);
	for (uint32_t theme = 0; theme < report->atlas->themes_len; theme++) {
		for (uint32_t locale = 0; locale < report->atlas->locales_len; locale++) {
			for (uint32_t state = 0; state < element->states_len; state++) {
				const struct atlas_tile *tile = atlas_element_tile(
					report->atlas, element, theme, locale, state);
				char theme_name[16], locale_name[16];
				fprintf(html,
					"<tr><td>%u<td>%s<td>%s<td>%d,%d<td>%ux%u%s<td><code>%08x"
					"</code></tr>\n",
					state, word(SIGNAL_THEME, theme, theme_name),
					word(SIGNAL_LOCALE, locale, locale_name), tile->x, tile->y,
					tile->width, tile->height, tile->opaque ? "" : ", alpha",
					tile->shown_crc32);
			}
		}
	}
	fputs("</table></details>\n", html);
}

/* Whether the pictures differ from those of the theme or locale before. */
static bool looks_new(const struct atlas *atlas, const struct atlas_element *element,
	uint32_t theme, uint32_t locale) {
	for (uint32_t before = 0; before < theme * atlas->locales_len + locale; before++) {
		uint32_t equal = 0;
		for (uint32_t state = 0; state < element->states_len; state++) {
			equal += atlas_element_tile(atlas, element, before / atlas->locales_len,
					 before % atlas->locales_len, state)
					 ->crc32 ==
				atlas_element_tile(atlas, element, theme, locale, state)->crc32;
		}
		if (equal == element->states_len) {
			return false;
		}
	}
	return true;
}

static void report_element(struct report *report, const struct atlas_element *element) {
	const struct signal_info *signal = signal_info(element->signal);
	fprintf(report->html,
		"<h3 id=\"%s\">%s</h3><p>%s, signal %s, place %d,%d %ux%u%s, chime %s</p>\n",
		element->name, element->name, kinds[element->kind],
		signal != NULL ? signal->name : "none", element->place.x, element->place.y,
		element->place.width, element->place.height,
		element->safety ? ", <span class=\"safety\">safety element</span>" : "",
		chimes[element->chime]);
	for (uint32_t theme = 0; theme < report->atlas->themes_len; theme++) {
		for (uint32_t locale = 0; locale < report->atlas->locales_len; locale++) {
			if (report->error == 0 &&
				looks_new(report->atlas, element, theme, locale)) {
				report_sheet(report, element, theme, locale);
			}
		}
	}
	report_states(report, element);
}

static void report_all(struct report *report) {
	const struct atlas *atlas = report->atlas;
	fputs(head, report->html);
	fprintf(report->html,
		"<h1>HMI atlas, output %s</h1><p>%u elements, %u tiles, %.1f MB; %u themes, %u "
		"locales</p>\n",
		report->output, atlas->elements_len, atlas->tiles_len,
		(double)atlas->size_bytes / 1e6, atlas->themes_len, atlas->locales_len);
	report_mocks(report);
	fputs("<h2>Elements</h2>\n", report->html);
	for (uint32_t i = 0; i < atlas->elements_len && report->error == 0; i++) {
		if (strcmp(atlas->elements[i].output, report->output) == 0) {
			report_element(report, &atlas->elements[i]);
		}
	}
	fputs("</body></html>\n", report->html);
}

int assets_report(const struct atlas *atlas, const char *output, const char *dir) {
	struct report report = { .atlas = atlas, .output = output, .dir = dir };
	char path[PATH_MAX];
	if (mkdir(dir, 0755) != 0 && errno != EEXIST) {
		return -errno;
	}
	if (snprintf(path, sizeof(path), "%s/index.html", dir) >= (int)sizeof(path)) {
		return -ENAMETOOLONG;
	}
	report.html = fopen(path, "we");
	if (report.html == NULL) {
		return -errno;
	}
	report_all(&report);
	if (ferror(report.html) && report.error == 0) {
		report.error = -EIO;
	}
	if (fclose(report.html) != 0 && report.error == 0) {
		report.error = -errno;
	}
	return report.error;
}
