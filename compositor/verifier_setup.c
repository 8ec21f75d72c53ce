#include <stdio.h>
#include <string.h>

#include "compositor/verifier.h"
#include "core/log.h"

static struct safety_region *add_page_region(struct verifier *verifier, const char *name,
	const char *layer, enum safety_check check, const struct rect *place) {
	if (verifier->page == NULL) {
		return NULL;
	}
	struct safety_region *region = safety_page_add_region(
		verifier->page, name, verifier->config->name, layer, check, place);
	if (region == NULL) {
		log_warning("output %s: region %s is checked, but not listed: the list is full",
			verifier->config->name, name);
	}
	return region;
}

static void add_element(struct verifier *verifier, const struct hmi_element *of) {
	const struct atlas_element *element = &verifier->hmi->atlas->elements[of->index];
	if (element->safety == 0) {
		return;
	}
	verifier->elements[verifier->elements_len++] = (struct element) {
		.name = element->name,
		.index = of->index,
		.id = of->id,
		.region =
			add_page_region(verifier, element->name, "", SAFETY_EXACT, &element->place),
	};
}

void verifier_init(struct verifier *verifier, const struct config *config, uint32_t output,
	const struct verifier_parts *parts) {
	const char *name = config->outputs[output].name;
	*verifier = (struct verifier) {
		.config = &config->outputs[output],
		.hmi = parts->hmi,
		.copies = parts->copies,
		.canvas = parts->canvas,
		.output = parts->canvas->output,
		.page = parts->page,
		.journal = parts->journal,
		.checks_value = stats_value(parts->stats, "", "output.%s.checks", name),
		.failures_value = stats_value(parts->stats, "", "output.%s.failures", name),
		.repairs_value = stats_value(parts->stats, "", "output.%s.repairs", name),
	};
	for (uint32_t i = 0; parts->has_elements && i < parts->hmi->elements_len; i++) {
		add_element(verifier, &parts->hmi->elements[i]);
	}
}

static bool is_of_layer(const struct config_verified *verified, const struct layer *layer,
	const struct atlas_element *element) {
	struct rect inside = rect_intersect(&element->place, &layer->config->place);
	return verified->layer == layer->index &&
		(verified->element[0] == '\0' ? rect_equal(&inside, &element->place)
					      : strcmp(verified->element, element->name) == 0);
}

static void give_elements(struct verifier *verifier, const struct config *config,
	const struct config_verified *verified, struct layer *layer, const struct ticker *ticker) {
	uint32_t follow_ms = layer->config->follow_ms;
	for (uint32_t i = 0; i < verifier->elements_len; i++) {
		struct element *element = &verifier->elements[i];
		if (!is_of_layer(
			    verified, layer, &verifier->hmi->atlas->elements[element->index])) {
			continue;
		}
		element->layer = layer;
		element->seen_ticks = ticker_ticks_from_ms(ticker, ELEMENT_SEEN_MS);
		element->follow_ticks =
			follow_ms == 0 ? 0 : ticker_ticks_from_ms(ticker, follow_ms);
		if (element->region != NULL) {
			snprintf(element->region->layer, sizeof(element->region->layer), "%s",
				layer->config->name);
		}
	}
}

static uint32_t find_element(const struct verifier *verifier, const char *name) {
	for (uint32_t i = 0; i < verifier->hmi->elements_len; i++) {
		uint32_t index = verifier->hmi->elements[i].index;
		if (strcmp(verifier->hmi->atlas->elements[index].name, name) == 0) {
			return index;
		}
	}
	return CONFIG_NONE;
}

static void add_region(
	struct verifier *verifier, const struct config_region *config, struct layer *layer) {
	struct region *region = &verifier->regions[verifier->regions_len++];
	region_init(region, config, layer);
	if (region->check == SAFETY_PRESENCE) {
		region->element = find_element(verifier, config->element);
		if (region->element == CONFIG_NONE) {
			log_error("region %s: output %s has no element %s to compare with: it is "
				  "not checked",
				config->name, verifier->config->name, config->element);
		}
	}
	region->page = add_page_region(
		verifier, region->name, layer->config->name, region->check, &region->place);
}

static void add_uniform(struct verifier *verifier, struct layer *layer) {
	struct region *region = &verifier->regions[verifier->regions_len++];
	char *name = verifier->uniform_names[layer->index];
	snprintf(name, SAFETY_NAME_BYTES, "%.21s/uniform", layer->config->name);
	region_init_uniform(region, name, layer);
	region->page =
		add_page_region(verifier, name, layer->config->name, region->check, &region->place);
}

void verifier_add_layer(struct verifier *verifier, const struct config *config, struct layer *layer,
	const struct ticker *ticker) {
	if (layer->guest == NULL) {
		return;
	}
	for (uint32_t i = 0; i < config->verified_len; i++) {
		give_elements(verifier, config, &config->verified[i], layer, ticker);
	}
	for (uint32_t i = 0; i < config->regions_len; i++) {
		if (config->regions[i].layer == layer->index) {
			add_region(verifier, &config->regions[i], layer);
		}
	}
	if (layer->config->critical && !layer->config->dark) {
		add_uniform(verifier, layer);
	}
}
