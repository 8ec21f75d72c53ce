#include "service/config_elements.h"

#include <errno.h>
#include <string.h>

#include "service/config_source.h"

#define KNOWN_BYTES 1024

struct check {
	const struct config *config;
	const struct atlas *atlas;
	struct config_source
		*source; /* NULL: it cannot be read any more; complaints have no lines */
	FILE *errors;
	unsigned complaints;
};

bool config_names_elements(const struct config *config) {
	bool names = config->verified_len > 0;
	for (uint32_t i = 0; i < config->regions_len; i++) {
		names = names || config->regions[i].element[0] != '\0';
	}
	return names;
}

static const char *output_name(const struct check *check, uint32_t layer) {
	return check->config->outputs[check->config->layers[layer].output].name;
}

static bool is_on_output(
	const struct check *check, const struct atlas_element *element, uint32_t layer) {
	return strcmp(element->output, output_name(check, layer)) == 0;
}

static bool is_inside(
	const struct check *check, const struct atlas_element *element, uint32_t layer) {
	const struct rect *place = &check->config->layers[layer].place;
	struct rect inside = rect_intersect(place, &element->place);
	return rect_equal(&inside, &element->place);
}

/* NULL: there is none of this name on the layer's output. */
static const struct atlas_element *find(
	const struct check *check, const char *name, uint32_t layer) {
	for (uint32_t i = 0; i < check->atlas->elements_len; i++) {
		const struct atlas_element *element = &check->atlas->elements[i];
		if (is_on_output(check, element, layer) && strcmp(element->name, name) == 0) {
			return element;
		}
	}
	return NULL;
}

/* Names of what may be written there; cut when they are too many. */
static const char *known(
	const struct check *check, uint32_t layer, bool verified, char text[KNOWN_BYTES]) {
	size_t used = 0;
	snprintf(text, KNOWN_BYTES, "none, the HMI has none there");
	for (uint32_t i = 0; i < check->atlas->elements_len; i++) {
		const struct atlas_element *element = &check->atlas->elements[i];
		bool fits = is_on_output(check, element, layer) &&
			(!verified || (element->safety && is_inside(check, element, layer)));
		if (fits && used + sizeof(element->name) + 2 < KNOWN_BYTES) {
			used += (size_t)snprintf(text + used, KNOWN_BYTES - used, "%s%s",
				used == 0 ? "" : ", ", element->name);
		}
	}
	return text;
}

static void complain(
	struct check *check, const char *where, const char *what, const char *allowed) {
	check->complaints++;
	if (check->source != NULL) {
		config_source_error(
			check->source, where, "%s: %s; allowed: %s", where, what, allowed);
	} else {
		fprintf(check->errors, "%s: %s; allowed: %s\n", where, what, allowed);
	}
}

/* What is wrong with an element of a layer's `verified`; NULL: nothing. */
static const char *verified_fault(
	const struct check *check, const struct config_verified *verified, char text[128]) {
	const struct atlas_element *element = find(check, verified->element, verified->layer);
	const char *output = output_name(check, verified->layer);
	if (element == NULL) {
		snprintf(text, 128, "output '%s' has no element '%s'", output, verified->element);
	} else if (!element->safety) {
		snprintf(text, 128, "'%s' is no safety element", verified->element);
	} else if (!is_inside(check, element, verified->layer)) {
		snprintf(text, 128, "'%s' is not inside the layer", verified->element);
	} else {
		return NULL;
	}
	return text;
}

static bool any_inside(const struct check *check, uint32_t layer) {
	for (uint32_t i = 0; i < check->atlas->elements_len; i++) {
		const struct atlas_element *element = &check->atlas->elements[i];
		if (element->safety && is_on_output(check, element, layer) &&
			is_inside(check, element, layer)) {
			return true;
		}
	}
	return false;
}

static void check_verified(struct check *check, const struct config_verified *verified) {
	char where[64], text[128], names[KNOWN_BYTES];
	snprintf(where, sizeof(where), "layers[%u].verified", verified->layer);
	const char *fault = verified->element[0] != '\0' ? verified_fault(check, verified, text)
		: any_inside(check, verified->layer)     ? NULL
							 : "no safety element is inside the layer";
	if (fault != NULL) {
		complain(check, where, fault, known(check, verified->layer, true, names));
	}
}

static void check_region(struct check *check, uint32_t index) {
	const struct config_region *region = &check->config->regions[index];
	char where[64], text[128], names[KNOWN_BYTES];
	unsigned of_layer = 0; /* its number in the file's list */
	for (uint32_t i = 0; i < index; i++) {
		of_layer += check->config->regions[i].layer == region->layer;
	}
	if (region->element[0] == '\0' || find(check, region->element, region->layer) != NULL) {
		return;
	}
	snprintf(where, sizeof(where), "layers[%u].regions[%u].element", region->layer, of_layer);
	snprintf(text, sizeof(text), "output '%s' has no element '%s'",
		output_name(check, region->layer), region->element);
	complain(check, where, text, known(check, region->layer, false, names));
}

bool config_check_elements(
	const char *path, const struct config *config, const struct atlas *atlas, FILE *errors) {
	struct check check = {
		.config = config,
		.atlas = atlas,
		.source = config_source_create(path, "", errors),
		.errors = errors,
	};
	for (uint32_t i = 0; i < config->verified_len; i++) {
		check_verified(&check, &config->verified[i]);
	}
	for (uint32_t i = 0; i < config->regions_len; i++) {
		check_region(&check, i);
	}
	config_source_destroy(check.source);
	return check.complaints == 0;
}

int config_check_atlas(const char *path, const struct config *config, int atlas_fd, FILE *errors) {
	struct atlas atlas;
	int error = atlas_map(&atlas, atlas_fd);
	if (error != 0) {
		return error;
	}
	bool good = config_check_elements(path, config, &atlas, errors);
	atlas_unmap(&atlas);
	return good ? 0 : -EINVAL;
}
