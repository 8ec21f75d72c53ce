#include "service/drawing_file.h"

#include "core/atlas.h"
#include "core/cue.h"
#include "service/drawing.h"
#include "service/schema.h"

static const cyaml_schema_value_t text_schema = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED),
};

static const cyaml_schema_field_t named_fields[] = {
	SCHEMA_TEXT("name", struct file_named, name),
	SCHEMA_LIST("values", struct file_named, values, &text_schema, ATLAS_THEMES_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t named_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_named, named_fields),
};

static const cyaml_schema_field_t font_fields[] = {
	SCHEMA_TEXT("name", struct file_font, name),
	SCHEMA_TEXT("family", struct file_font, family),
	SCHEMA_SWITCH("bold", struct file_font, bold),
	SCHEMA_FLOAT("size", struct file_font, size),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t font_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_font, font_fields),
};

static const cyaml_strval_t shape_kinds[] = {
	{ "box", DRAWING_BOX },
	{ "outline", DRAWING_OUTLINE },
	{ "shade", DRAWING_SHADE },
	{ "glow", DRAWING_GLOW },
	{ "arc", DRAWING_ARC },
	{ "ticks", DRAWING_TICKS },
	{ "numerals", DRAWING_NUMERALS },
	{ "text", DRAWING_TEXT },
	{ "symbol", DRAWING_SYMBOL },
};

static const cyaml_strval_t aligns[] = {
	{ "left", CANVAS_LEFT },
	{ "centre", CANVAS_CENTRE },
	{ "right", CANVAS_RIGHT },
};

static const cyaml_schema_field_t shape_fields[] = {
	SCHEMA_WORD("kind", struct file_shape, kind, shape_kinds),
	SCHEMA_TEXT("at", struct file_shape, at),
	SCHEMA_TEXT("size", struct file_shape, size),
	SCHEMA_FLOAT("radius", struct file_shape, radius),
	SCHEMA_FLOAT("from", struct file_shape, from),
	SCHEMA_FLOAT("to", struct file_shape, to),
	SCHEMA_FLOAT("line", struct file_shape, line),
	SCHEMA_FLOAT("length", struct file_shape, length),
	SCHEMA_NUMBER("count", struct file_shape, count),
	SCHEMA_NUMBER("least", struct file_shape, least),
	SCHEMA_NUMBER("most", struct file_shape, most),
	SCHEMA_NUMBER("step", struct file_shape, step),
	SCHEMA_TEXT("colour", struct file_shape, colour),
	SCHEMA_TEXT("end", struct file_shape, end),
	SCHEMA_TEXT("font", struct file_shape, font),
	SCHEMA_WORD("align", struct file_shape, align, aligns),
	SCHEMA_TEXT("text", struct file_shape, text),
	SCHEMA_TEXT("symbol", struct file_shape, symbol),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t shape_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_shape, shape_fields),
};

static const cyaml_strval_t element_kinds[] = {
	{ "lamp", ATLAS_LAMP },
	{ "choice", ATLAS_CHOICE },
	{ "readout", ATLAS_READOUT },
	{ "gauge", ATLAS_GAUGE },
	{ "notice", ATLAS_NOTICE },
	{ "frame", ATLAS_FRAME },
};

static const cyaml_strval_t chimes[] = {
	{ "none", CUE_CHIME_NONE },
	{ "information", CUE_CHIME_INFORMATION },
	{ "caution", CUE_CHIME_CAUTION },
	{ "warning", CUE_CHIME_WARNING },
};

static const cyaml_schema_field_t needle_fields[] = {
	SCHEMA_TEXT("at", struct file_needle, at),
	SCHEMA_FLOAT("inner", struct file_needle, inner),
	SCHEMA_FLOAT("outer", struct file_needle, outer),
	SCHEMA_FLOAT("width", struct file_needle, width),
	SCHEMA_FLOAT("from", struct file_needle, from),
	SCHEMA_FLOAT("to", struct file_needle, to),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t element_fields[] = {
	SCHEMA_TEXT("name", struct file_element, name),
	SCHEMA_WORD("kind", struct file_element, kind, element_kinds),
	SCHEMA_TEXT("signal", struct file_element, signal),
	SCHEMA_TEXT("at", struct file_element, at),
	SCHEMA_TEXT("size", struct file_element, size),
	SCHEMA_SWITCH("safety", struct file_element, safety),
	SCHEMA_WORD("chime", struct file_element, chime, chimes),
	SCHEMA_TEXT("symbol", struct file_element, symbol),
	SCHEMA_TEXT("colour", struct file_element, colour),
	SCHEMA_TEXT("off", struct file_element, off),
	SCHEMA_TEXT("plate", struct file_element, plate),
	SCHEMA_TEXT("font", struct file_element, font),
	SCHEMA_LIST("choices", struct file_element, choices, &text_schema, DRAWING_CHOICES_MAX),
	SCHEMA_SWITCH("single", struct file_element, single),
	SCHEMA_NUMBER("digits", struct file_element, digits),
	SCHEMA_NUMBER("decimals", struct file_element, decimals),
	SCHEMA_TEXT("least", struct file_element, least),
	SCHEMA_TEXT("most", struct file_element, most),
	SCHEMA_NUMBER("states", struct file_element, states),
	SCHEMA_SECTION("needle", struct file_element, needle, needle_fields),
	SCHEMA_LIST("shapes", struct file_element, shapes, &shape_schema, DRAWING_SHAPES_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t element_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct file_element, element_fields),
};

static const cyaml_schema_field_t root_fields[] = {
	SCHEMA_TEXT("size", struct file_drawing, size),
	SCHEMA_LIST("themes", struct file_drawing, themes, &text_schema, ATLAS_THEMES_MAX),
	SCHEMA_LIST("locales", struct file_drawing, locales, &text_schema, ATLAS_LOCALES_MAX),
	SCHEMA_LIST("colours", struct file_drawing, colours, &named_schema, DRAWING_NAMES_MAX),
	SCHEMA_LIST("texts", struct file_drawing, texts, &named_schema, DRAWING_NAMES_MAX),
	SCHEMA_LIST("fonts", struct file_drawing, fonts, &font_schema, DRAWING_NAMES_MAX),
	SCHEMA_LIST("ground", struct file_drawing, ground, &shape_schema, DRAWING_SHAPES_MAX),
	SCHEMA_LIST(
		"elements", struct file_drawing, elements, &element_schema, DRAWING_ELEMENTS_MAX),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t root_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct file_drawing, root_fields),
};

struct file_drawing *drawing_file_load(struct config_source *source) {
	return schema_load(source, "HMI", &root_schema);
}

void drawing_file_free(struct file_drawing *file) {
	schema_free(&root_schema, file);
}
