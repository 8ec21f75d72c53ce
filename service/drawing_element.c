/*
 * Elements: reading them, and what may not be.
 */
#include <math.h>
#include <string.h>

#include "core/cue.h"
#include "core/signals.h"
#include "service/drawing_impl.h"
#include "service/scalar.h"

#define OPAQUE 0xffu
#define LAMP_STATES 2
#define READOUT_STATES 12
#define READOUT_DIGITS_MAX 10

struct element_reader {
	struct drawing_reader *reader;
	const char *where; /* "elements[2]" */
	const struct file_element *file;
	struct drawing_element *element;
};

static void complain(struct element_reader *reader, const char *key, const char *message) {
	struct drawing_where at = drawing_where("%s.%s", reader->where, key);
	config_source_error(reader->reader->source, at.text, "%s %s", at.text, message);
}

static void require(struct element_reader *reader, const char *key, const void *given) {
	if (given == NULL) {
		complain(reader, key, "is missing");
	}
}

static void complain_signal(struct element_reader *reader) {
	char names[1024] = "";
	size_t used = 0;
	for (uint32_t id = 0; id < SIGNAL_VALUES; id++) {
		const struct signal_info *info = signal_info(id);
		if (info != NULL && used < sizeof(names)) {
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
				used > 0 ? ", " : "", info->name);
		}
	}
	struct drawing_where at = drawing_where("%s.signal", reader->where);
	config_source_error(reader->reader->source, at.text, "%s: '%s'; allowed: %s", at.text,
		reader->file->signal, names);
}

/* NULL: none, or unknown, or not needed. */
static const struct signal_info *read_signal(struct element_reader *reader) {
	struct atlas_element *atlas = &reader->element->atlas;
	atlas->signal = SIGNAL_NONE;
	if (atlas->kind == ATLAS_NOTICE) {
		if (reader->file->signal != NULL) {
			complain(reader, "signal", "has no meaning for a notice");
		}
		return NULL;
	}
	require(reader, "signal", reader->file->signal);
	if (reader->file->signal == NULL) {
		return NULL;
	}
	atlas->signal = signal_from_name(reader->file->signal);
	if (atlas->signal == SIGNAL_NONE) {
		complain_signal(reader);
		return NULL;
	}
	return signal_info(atlas->signal);
}

static uint32_t count_choices(const char *choices) {
	uint32_t len = choices != NULL && choices[0] != '\0';
	for (; choices != NULL && *choices != '\0'; choices++) {
		len += *choices == '|';
	}
	return len;
}

static void read_choice(struct element_reader *reader, const struct signal_info *info) {
	struct drawing_element *element = reader->element;
	uint32_t len = count_choices(info != NULL ? info->choices : NULL);
	if (info != NULL && (len == 0 || len > DRAWING_CHOICES_MAX)) {
		complain(reader, "signal", "is not one of choices");
	} else if (info != NULL && reader->file->choices_count != len) {
		struct drawing_where at = drawing_where("%s.choices", reader->where);
		config_source_error(reader->reader->source, at.text,
			"%s: %u given, a state is without a picture; signal '%s' has %u: %s",
			at.text, reader->file->choices_count, info->name, len, info->choices);
	}
	element->atlas.states_len = len + 1;
	for (uint32_t i = 0; i < MIN(reader->file->choices_count, DRAWING_CHOICES_MAX); i++) {
		struct drawing_where key = drawing_where("choices[%u]", i);
		element->has_texts |= drawing_read_text(reader->reader, reader->where, key.text,
			reader->file->choices[i], &element->choices[i]);
	}
	require(reader, "colour", reader->file->colour);
	element->single = reader->file->single != NULL && *reader->file->single;
	if (!element->single) {
		require(reader, "off", reader->file->off);
	}
	drawing_read_font(reader->reader, reader->where, reader->file->font, &element->font);
}

static void read_readout(struct element_reader *reader, const struct signal_info *info) {
	struct drawing_element *element = reader->element;
	uint32_t digits = reader->file->digits != NULL ? *reader->file->digits : 0;
	uint32_t decimals = reader->file->decimals != NULL ? *reader->file->decimals : 0;
	if (digits == 0 || digits > READOUT_DIGITS_MAX || digits > element->place.width) {
		complain(reader, "digits", "must be 1 to 10");
		digits = 1;
	}
	if (info != NULL && decimals > info->decimals) {
		complain(reader, "decimals", "are more than the signal has");
	}
	element->atlas.digits = digits;
	element->atlas.decimals = decimals;
	element->atlas.states_len = READOUT_STATES;
	require(reader, "colour", reader->file->colour);
	drawing_read_font(reader->reader, reader->where, reader->file->font, &element->font);
}

static void read_bound(struct element_reader *reader, const char *key, const char *text,
	const struct signal_info *info, int32_t *value) {
	require(reader, key, text);
	if (text != NULL && info != NULL &&
		(!signal_parse(reader->element->atlas.signal, text, value) ||
			*value == SIGNAL_UNKNOWN)) {
		struct drawing_where at = drawing_where("%s.%s", reader->where, key);
		config_source_error(reader->reader->source, at.text,
			"%s: '%s' is no value of signal '%s'", at.text, text, info->name);
	}
}

static void read_needle(struct element_reader *reader, const struct file_needle *file) {
	struct drawing_needle *needle = &reader->element->needle;
	struct drawing_where where = drawing_where("%s.needle", reader->where);
	int32_t x = 0, y = 0;
	(void)drawing_read_place(reader->reader, where.text, "at", file->at, &x, &y);
	if (file->inner == NULL || file->outer == NULL || file->width == NULL ||
		file->from == NULL || file->to == NULL || !(*file->inner >= 0) ||
		!(*file->outer > *file->inner) || !(*file->width > 0)) {
		complain(reader, "needle", "needs at, 0 <= inner < outer, width > 0, from and to");
		return;
	}
	*needle = (struct drawing_needle) {
		.at = { x, y },
		.inner = *file->inner,
		.outer = *file->outer,
		.width = *file->width,
		.from = *file->from,
		.to = *file->to,
	};
	reader->element->has_needle = true;
}

static void read_gauge(struct element_reader *reader, const struct signal_info *info) {
	struct drawing_element *element = reader->element;
	uint32_t states = reader->file->states != NULL ? *reader->file->states : 0;
	read_bound(reader, "least", reader->file->least, info, &element->atlas.least);
	read_bound(reader, "most", reader->file->most, info, &element->atlas.most);
	if (element->atlas.most <= element->atlas.least && reader->file->most != NULL) {
		complain(reader, "most", "must be more than least");
	}
	if (states < 2 || states > DRAWING_STATES_MAX) {
		complain(reader, "states", "must be 2 to 512");
		states = 2;
	}
	element->atlas.states_len = states;
	require(reader, "colour", reader->file->colour);
	if (reader->file->needle != NULL) {
		read_needle(reader, reader->file->needle);
	} else {
		require(reader, "off", reader->file->off);
	}
}

static void read_kind(struct element_reader *reader) {
	struct drawing_element *element = reader->element;
	const struct signal_info *info = read_signal(reader);
	switch (element->atlas.kind) {
	case ATLAS_LAMP:
		element->atlas.states_len = LAMP_STATES;
		require(reader, "symbol", reader->file->symbol);
		require(reader, "colour", reader->file->colour);
		break;
	case ATLAS_CHOICE:
		read_choice(reader, info);
		break;
	case ATLAS_READOUT:
		read_readout(reader, info);
		break;
	case ATLAS_GAUGE:
		read_gauge(reader, info);
		break;
	default: /* a notice, a frame */
		element->atlas.states_len = 1;
		require(reader, "shapes", reader->file->shapes);
		break;
	}
}

/* A gauge's pictures are cut off at its place. */
static void check_needle(struct element_reader *reader) {
	const struct drawing_element *element = reader->element;
	for (uint32_t i = 0; element->has_needle && i < element->atlas.states_len; i++) {
		struct drawing_box box = drawing_state_box(element, i);
		const struct rect *place = &element->place;
		if (box.x < place->x || box.y < place->y ||
			box.x + box.width > place->x + (double)place->width ||
			box.y + box.height > place->y + (double)place->height) {
			complain(reader, "needle", "leaves the element's place");
			return;
		}
	}
}

/* What a safety element must be. */
static void check_safety(struct element_reader *reader) {
	const struct drawing_element *element = reader->element;
	if (element->atlas.kind != ATLAS_LAMP && element->atlas.kind != ATLAS_CHOICE) {
		complain(reader, "safety", "is for lamps and choices only");
	}
	for (uint32_t i = 0; i < reader->reader->drawing->themes_len; i++) {
		if (element->plate.argb[i] >> 24 != OPAQUE) {
			complain(reader, "plate",
				"of a safety element must be a colour without /PERCENT: "
				"what is below it may not shine through");
			return;
		}
	}
}

static void read_place(struct element_reader *reader) {
	struct rect *place = &reader->element->place;
	const struct drawing *drawing = reader->reader->drawing;
	const struct file_element *file = reader->file;
	bool placed = drawing_read_place(
		reader->reader, reader->where, "at", file->at, &place->x, &place->y);
	bool sized = drawing_read_size(
		reader->reader, reader->where, "size", file->size, &place->width, &place->height);
	if (placed && sized && !rect_fits(place, drawing->width, drawing->height)) {
		struct drawing_where at = drawing_where("%s.at", reader->where);
		config_source_error(reader->reader->source, at.text,
			"%s: %s %s is not inside the drawing of %ux%u", at.text, file->at,
			file->size, drawing->width, drawing->height);
	}
}

static void read_name(struct element_reader *reader) {
	const struct drawing *drawing = reader->reader->drawing;
	const char *name = reader->file->name;
	require(reader, "name", name);
	if (name == NULL) {
		return;
	}
	if (!scalar_is_name(name)) {
		complain(reader, "name", "must be " SCALAR_NAME_FORM);
		return;
	}
	for (uint32_t i = 0; i < drawing->elements_len; i++) {
		if (strcmp(drawing->elements[i].atlas.name, name) == 0) {
			complain(reader, "name", "is taken; elements must differ");
			return;
		}
	}
	snprintf(reader->element->atlas.name, sizeof(reader->element->atlas.name), "%s", name);
}

static void read_element(struct element_reader *reader) {
	const struct file_element *file = reader->file;
	struct drawing_element *element = reader->element;
	read_name(reader);
	read_place(reader);
	require(reader, "kind", file->kind);
	if (file->kind == NULL) {
		return;
	}
	element->atlas.kind = *file->kind;
	element->atlas.safety = file->safety != NULL && *file->safety;
	element->atlas.chime = file->chime != NULL ? *file->chime : (uint32_t)CUE_CHIME_NONE;
	if (element->atlas.chime != CUE_CHIME_NONE && element->atlas.kind != ATLAS_LAMP) {
		complain(reader, "chime", "is for lamps only");
	}
	drawing_read_colour(
		reader->reader, reader->where, "colour", file->colour, &element->colour);
	drawing_read_colour(reader->reader, reader->where, "off", file->off, &element->off);
	drawing_read_colour(reader->reader, reader->where, "plate", file->plate, &element->plate);
	element->symbol = drawing_read_symbol(reader->reader, reader->where, file->symbol);
	struct drawing_where shapes = drawing_where("%s.shapes", reader->where);
	element->has_texts = drawing_read_shapes(
		reader->reader, shapes.text, file->shapes, file->shapes_count, &element->shapes);
	read_kind(reader);
	check_needle(reader);
	if (element->atlas.safety) {
		check_safety(reader);
	}
}

/* A safety element is alone in its place: what is drawn there is what is checked there. */
static void check_overlaps(struct drawing_reader *reader) {
	const struct drawing *drawing = reader->drawing;
	for (uint32_t i = 0; i < drawing->elements_len; i++) {
		for (uint32_t other = 0; other < i; other++) {
			const struct drawing_element *a = &drawing->elements[i];
			const struct drawing_element *b = &drawing->elements[other];
			struct rect common = rect_intersect(&a->place, &b->place);
			if (rect_is_empty(&common) || (!a->atlas.safety && !b->atlas.safety)) {
				continue;
			}
			struct drawing_where at = drawing_where("elements[%u].at", i);
			config_source_error(reader->source, at.text,
				"%s: '%s' lies over '%s'; nothing may lie over a safety element, "
				"nor it over anything",
				at.text, a->atlas.name, b->atlas.name);
		}
	}
}

void drawing_read_elements(struct drawing_reader *reader) {
	const struct file_drawing *file = reader->file;
	struct drawing *drawing = reader->drawing;
	bool has_notice = false;
	for (uint32_t i = 0; i < file->elements_count; i++) {
		struct drawing_where where = drawing_where("elements[%u]", i);
		struct element_reader element = {
			.reader = reader,
			.where = where.text,
			.file = &file->elements[i],
			.element = &drawing->elements[i],
		};
		read_element(&element);
		drawing->elements_len++; /* counted at once: there may be something to release */
		bool is_notice = drawing->elements[i].atlas.kind == ATLAS_NOTICE;
		if (is_notice && has_notice) {
			complain(
				&element, "kind", "notice was given before; one serves all layers");
		}
		has_notice |= is_notice;
	}
	check_overlaps(reader);
}
