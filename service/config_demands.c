/*
 * What is demanded of a layer: how it must behave, what its guest draws and the host verifies, what is
 * looked at in it, and what is done when that fails.
 */
#include <stdio.h>
#include <string.h>

#include "core/macros.h"
#include "service/config_compile_impl.h"
#include "service/scalar.h"

#define FROZEN_FRAMES_DEFAULT 6
#define FOLLOW_MS_DEFAULT 100
#define QUARANTINE_LOSSES_DEFAULT 3
#define QUARANTINE_MS_DEFAULT 60000
#define MS_MAX 600000
#define LIVE_FRAMES_DEFAULT 6
#define BLACK_FRAMES_DEFAULT 3
#define CHECK_FRAMES_DEFAULT 2
#define PRESENCE_DEFAULT 32
#define CONTRAST_DEFAULT 40

#define COMPLAIN(where_, ...) config_source_error(compiler->source, (where_).text, __VA_ARGS__)

struct demands {
	struct config_compiler *compiler;
	unsigned index;
	const struct file_layer *file;
	struct config_layer *layer;
};

static struct config_where where_key(const struct demands *demands, const char *key) {
	return config_where("layers[%u].%s", demands->index, key);
}

static uint32_t number(struct demands *demands, const char *key, const uint32_t *value,
	uint32_t max, uint32_t missing) {
	return config_number(demands->compiler, where_key(demands, key), value, 0, max, missing);
}

static bool is_set(const bool *value, bool missing) {
	return value != NULL ? *value : missing;
}

/* ---- how it must behave ---- */

static void compile_tag(struct demands *demands) {
	struct config_compiler *compiler = demands->compiler;
	const struct file_layer *file = demands->file;
	struct config_layer *layer = demands->layer;
	layer->tag = is_set(file->tag, false);
	layer->frozen_frames = number(demands, "frozen_frames", file->frozen_frames, 255,
		layer->tag ? FROZEN_FRAMES_DEFAULT : 0);
	layer->lag_ms = number(demands, "lag_ms", file->lag_ms, MS_MAX, 0);
	if (layer->tag) {
		return;
	}
	const char *key = layer->frozen_frames > 0 ? "frozen_frames"
		: layer->lag_ms > 0                ? "lag_ms"
						   : NULL;
	if (key != NULL) {
		struct config_where where = where_key(demands, key);
		COMPLAIN(
			where, "%s: only a frame tag tells; write tag: true beside it", where.text);
	}
}

static void compile_heartbeat(struct demands *demands) {
	struct config_compiler *compiler = demands->compiler;
	struct config_layer *layer = demands->layer;
	layer->heartbeat_ms =
		number(demands, "heartbeat_ms", demands->file->heartbeat_ms, MS_MAX, 0);
	if (layer->heartbeat_ms == 0 || layer->tag) {
		return;
	}
	const struct config_guest *guest = &compiler->config->guests[layer->guest];
	if (!guest->channel.enabled) {
		struct config_where where = where_key(demands, "heartbeat_ms");
		COMPLAIN(where,
			"%s: guest '%s' has nothing that carries it; give the guest channel: {}, "
			"or the layer tag: true",
			where.text, guest->name);
	}
}

static void compile_quarantine(struct demands *demands) {
	struct config_compiler *compiler = demands->compiler;
	struct config_layer *layer = demands->layer;
	const char *text = demands->file->quarantine;
	layer->quarantine_losses = QUARANTINE_LOSSES_DEFAULT;
	layer->quarantine_ms = QUARANTINE_MS_DEFAULT;
	if (text != NULL && !scalar_rate(text, &layer->quarantine_losses, &layer->quarantine_ms)) {
		struct config_where where = where_key(demands, "quarantine");
		COMPLAIN(where, "%s: '%s'; allowed: %s", where.text, text, SCALAR_RATE_FORM);
	}
}

static void compile_behaviour(struct demands *demands) {
	const struct file_layer *file = demands->file;
	struct config_layer *layer = demands->layer;
	compile_tag(demands);
	compile_heartbeat(demands);
	compile_quarantine(demands);
	layer->echo_ms = number(demands, "echo_ms", file->echo_ms, MS_MAX, 0);
	layer->opaque = is_set(file->opaque, layer->critical);
	layer->dark = is_set(file->dark, !layer->critical);
	layer->follow_ms = number(
		demands, "follow_ms", file->follow_ms, CONFIG_FOLLOW_MAX_MS, FOLLOW_MS_DEFAULT);
}

/* ---- what is done ---- */

/* FAULT_REACTION_DEFAULT after a complaint. */
static enum fault_reaction compile_reaction(
	struct config_compiler *compiler, struct config_where where, const char *text) {
	enum fault_reaction reaction = fault_reaction_from_name(text);
	if (reaction != FAULT_REACTION_DEFAULT) {
		return reaction;
	}
	char allowed[128];
	size_t used = 0;
	for (unsigned i = FAULT_REACTION_LOG; i < FAULT_REACTIONS; i++) {
		used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
			i == FAULT_REACTION_LOG ? "" : ", ", fault_reaction_name(i));
	}
	COMPLAIN(where, "%s: '%s'; allowed: %s", where.text, text, allowed);
	return FAULT_REACTION_DEFAULT;
}

static void complain_cause(
	struct demands *demands, const struct config_node *key, const char *name) {
	char allowed[512];
	size_t used = 0;
	for (unsigned i = FAULT_NONE + 1; i < FAULT_CAUSES; i++) {
		if (fault_is_of_layer(i)) {
			used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s",
				used == 0 ? "" : ", ", fault_name(i));
		}
	}
	config_source_error_at(demands->compiler->source, key,
		"layers[%u].reactions: there is no '%s' of a layer; allowed: %s", demands->index,
		name, allowed);
}

static void compile_reactions(struct demands *demands) {
	struct config_source *source = demands->compiler->source;
	struct config_where where = where_key(demands, "reactions");
	const struct config_node *node = config_source_find(source, where.text);
	if (node == NULL) {
		return;
	}
	if (config_node_kind(node) != CONFIG_NODE_MAPPING) {
		config_source_error_at(source, node,
			"%s: expected causes and reactions, as frozen: placeholder", where.text);
		return;
	}
	for (size_t i = 0; i < config_node_len(node); i++) {
		const struct config_node *key;
		const struct config_node *value = config_node_pair(source, node, i, &key);
		bool scalars = config_node_kind(key) == CONFIG_NODE_SCALAR &&
			config_node_kind(value) == CONFIG_NODE_SCALAR;
		const char *name = scalars ? config_node_text(key) : "?";
		enum fault_cause cause = fault_from_name(name);
		if (cause == FAULT_NONE || !fault_is_of_layer(cause)) {
			complain_cause(demands, key, name);
			continue;
		}
		where = config_where("layers[%u].reactions.%s", demands->index, name);
		demands->layer->reactions[cause] =
			compile_reaction(demands->compiler, where, config_node_text(value));
	}
}

/* ---- what its guest draws ---- */

static void add_verified(
	struct demands *demands, const struct config_node *node, const char *element) {
	struct config_compiler *compiler = demands->compiler;
	struct config *config = compiler->config;
	if (config->verified_len == CONFIG_VERIFIED_MAX) {
		config_source_error_at(compiler->source, node,
			"verified: more than %d elements; allowed: that many, or all",
			CONFIG_VERIFIED_MAX);
		return;
	}
	if (element[0] != '\0' && !scalar_is_name(element)) {
		config_source_error_at(compiler->source, node,
			"layers[%u].verified: '%s'; allowed: names of safety elements of the HMI",
			demands->index, element);
		return;
	}
	for (uint32_t i = 0; i < config->verified_len; i++) {
		const struct config_verified *other = &config->verified[i];
		if (strcmp(other->element, element) == 0 &&
			config->layers[other->layer].output == demands->layer->output &&
			(element[0] != '\0' || other->layer == demands->index)) {
			config_source_error_at(compiler->source, node,
				"layers[%u].verified: '%s' is drawn by layer '%s'; an element has "
				"one owner",
				demands->index, element, config->layers[other->layer].name);
			return;
		}
	}
	struct config_verified *verified = &config->verified[config->verified_len++];
	snprintf(verified->element, sizeof(verified->element), "%s", element);
	verified->layer = demands->index;
}

/* The host can only compare pixels that it could have drawn itself. */
static void check_verified(struct demands *demands) {
	struct config_compiler *compiler = demands->compiler;
	const struct config_layer *layer = demands->layer;
	const char *needed = !compiler->config->safety.signals ? "safety: {signals: true}"
		: !compiler->config->outputs[layer->output].fallback
		? "an output with fallback: true"
		: layer->kind != CONFIG_LAYER_GUEST ? "a guest, not a picture"
		: layer->scale                      ? "scale: false"
		: !layer->opaque                    ? "opaque: true"
		: layer->opacity != 255             ? "opacity: 255"
						    : NULL;
	if (needed != NULL) {
		struct config_where where = where_key(demands, "verified");
		COMPLAIN(where, "%s: needs %s", where.text, needed);
	}
}

static void compile_verified(struct demands *demands) {
	struct config_source *source = demands->compiler->source;
	struct config_where where = where_key(demands, "verified");
	const struct config_node *node = config_source_find(source, where.text);
	if (node == NULL) {
		return;
	}
	if (config_node_kind(node) == CONFIG_NODE_SCALAR &&
		strcmp(config_node_text(node), "all") == 0) {
		add_verified(demands, node, "");
	} else if (config_node_kind(node) == CONFIG_NODE_LIST) {
		for (size_t i = 0; i < config_node_len(node); i++) {
			const struct config_node *item = config_node_item(source, node, i);
			bool scalar = config_node_kind(item) == CONFIG_NODE_SCALAR;
			add_verified(demands, item, scalar ? config_node_text(item) : "[]");
		}
	} else {
		config_source_error_at(source, node,
			"%s: allowed: all, or a list [brake, airbag, ...] of safety elements of "
			"the "
			"HMI",
			where.text);
	}
	check_verified(demands);
}

/* ---- what is looked at ---- */

static void compile_region_place(struct demands *demands, unsigned number_,
	const struct file_region *file, struct config_region *region) {
	struct config_compiler *compiler = demands->compiler;
	const struct config_layer *layer = demands->layer;
	struct config_where at = config_where("layers[%u].regions[%u].at", demands->index, number_);
	struct config_where size =
		config_where("layers[%u].regions[%u].size", demands->index, number_);
	region->place = layer->place;
	if (file->at != NULL && !scalar_place(file->at, &region->place.x, &region->place.y)) {
		COMPLAIN(at, "%s: '%s'; allowed: %s", at.text, file->at, SCALAR_PLACE_FORM);
		return;
	}
	if ((file->at == NULL) != (file->size == NULL)) {
		COMPLAIN(at, "%s: at and size go together; without both, it is the whole layer",
			at.text);
		return;
	}
	if (file->size != NULL &&
		!scalar_size(file->size, &region->place.width, &region->place.height)) {
		COMPLAIN(size, "%s: '%s'; allowed: %s", size.text, file->size, SCALAR_SIZE_FORM);
		return;
	}
	struct rect inside = rect_intersect(&region->place, &layer->place);
	if (!rect_equal(&inside, &region->place)) {
		COMPLAIN(at, "%s: it leaves the layer; allowed: inside %d,%d %ux%u (on the output)",
			at.text, layer->place.x, layer->place.y, layer->place.width,
			layer->place.height);
	}
}

static uint32_t frames_default(uint32_t check) {
	return check == SAFETY_LIVE || check == SAFETY_COUNTER ? LIVE_FRAMES_DEFAULT
		: check == SAFETY_BLACK                        ? BLACK_FRAMES_DEFAULT
							       : CHECK_FRAMES_DEFAULT;
}

/* Keys that belong to one check only, and those it cannot do without. */
static void check_region_keys(struct demands *demands, unsigned number_,
	const struct file_region *file, const struct config_region *region) {
	struct config_compiler *compiler = demands->compiler;
	struct config_where where = config_where("layers[%u].regions[%u]", demands->index, number_);
	bool with_element = region->check == SAFETY_PRESENCE;
	bool with_threshold = region->check == SAFETY_PRESENCE || region->check == SAFETY_CONTRAST;
	if (with_element && file->element == NULL) {
		COMPLAIN(where,
			"%s.element is missing; check: presence compares with that element's "
			"picture",
			where.text);
	} else if (!with_element && file->element != NULL) {
		COMPLAIN(where, "%s.element: only check: presence has one", where.text);
	} else if (with_element && !scalar_is_name(file->element)) {
		COMPLAIN(where, "%s.element: '%s'; allowed: the name of an element of the HMI",
			where.text, file->element);
	}
	if (!with_threshold && file->threshold != NULL) {
		COMPLAIN(where, "%s.threshold: only check: presence and check: contrast have one",
			where.text);
	}
	if (region->check != SAFETY_LIVE && file->skip != NULL) {
		COMPLAIN(where, "%s.skip: only check: live has it", where.text);
	}
	if (region->check == SAFETY_COUNTER && !demands->layer->tag) {
		COMPLAIN(where, "%s.check: counter reads the frame tag; the layer needs tag: true",
			where.text);
	}
}

static void compile_region(struct demands *demands, unsigned number_,
	const struct file_region *file, struct config_region *region) {
	struct config_compiler *compiler = demands->compiler;
	unsigned index = demands->index;
	struct config *config = compiler->config;
#define WHERE(key) config_where("layers[%u].regions[%u]." key, index, number_)
	config_name(compiler, WHERE("name"), file->name, region->name, config->regions,
		sizeof(config->regions[0]), config->regions_len);
	region->layer = index;
	if (file->check == NULL) {
		struct config_where where = WHERE("check");
		COMPLAIN(where,
			"%s is missing; allowed: live, counter, presence, contrast, black, owner",
			where.text);
		return;
	}
	region->check = *file->check;
	compile_region_place(demands, number_, file, region);
	region->frames = config_number(
		compiler, WHERE("frames"), file->frames, 1, 255, frames_default(region->check));
	region->skip = config_number(compiler, WHERE("skip"), file->skip, 0, 3, 0);
	region->threshold = config_number(compiler, WHERE("threshold"), file->threshold, 0, 255,
		region->check == SAFETY_PRESENCE           ? PRESENCE_DEFAULT
			: region->check == SAFETY_CONTRAST ? CONTRAST_DEFAULT
							   : 0);
	if (file->element != NULL) {
		snprintf(region->element, sizeof(region->element), "%s", file->element);
	}
	if (file->reaction != NULL) {
		region->reaction = compile_reaction(compiler, WHERE("reaction"), file->reaction);
	}
	check_region_keys(demands, number_, file, region);
#undef WHERE
}

static void compile_regions(struct demands *demands) {
	struct config_compiler *compiler = demands->compiler;
	const struct file_layer *file = demands->file;
	struct config *config = compiler->config;
	for (unsigned i = 0; i < file->regions_count; i++) {
		if (config->regions_len == CONFIG_REGIONS_MAX) {
			struct config_where where =
				config_where("layers[%u].regions[%u]", demands->index, i);
			COMPLAIN(where, "%s: one too many; allowed: %d in all layers together",
				where.text, CONFIG_REGIONS_MAX);
			return;
		}
		compile_region(
			demands, i, &file->regions[i], &config->regions[config->regions_len]);
		config->regions_len++;
	}
}

/* ---- the whole ---- */

/* A picture cannot misbehave. */
static void refuse_for_picture(struct demands *demands) {
	static const char *const keys[] = { "echo_ms", "heartbeat_ms", "tag", "frozen_frames",
		"lag_ms", "quarantine", "follow_ms", "reactions", "verified", "regions", "opaque",
		"dark" };
	struct config_compiler *compiler = demands->compiler;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct config_where where = where_key(demands, keys[i]);
		if (config_source_find(compiler->source, where.text) != NULL) {
			COMPLAIN(where, "%s: only a guest's layer has it, not a picture",
				where.text);
		}
	}
	demands->layer->dark = 1;
}

void config_compile_demands(
	struct config_compiler *compiler, unsigned index, const struct file_layer *file) {
	struct demands demands = {
		.compiler = compiler,
		.index = index,
		.file = file,
		.layer = &compiler->config->layers[index],
	};
	if (demands.layer->kind == CONFIG_LAYER_PICTURE) {
		refuse_for_picture(&demands);
		return;
	}
	compile_behaviour(&demands);
	compile_reactions(&demands);
	compile_verified(&demands);
	compile_regions(&demands);
}

static bool is_in_front(const struct config *config, uint32_t layer, uint32_t of) {
	const struct config_layer *a = &config->layers[layer], *b = &config->layers[of];
	return layer != of && a->output == b->output && (a->z != b->z ? a->z > b->z : layer > of);
}

/* Its number among its layer's. */
static unsigned region_number(const struct config *config, uint32_t region) {
	unsigned number = 0;
	for (uint32_t i = 0; i < region; i++) {
		number += config->regions[i].layer == config->regions[region].layer;
	}
	return number;
}

void config_check_regions(struct config_compiler *compiler) {
	const struct config *config = compiler->config;
	for (uint32_t i = 0; i < config->regions_len; i++) {
		const struct config_region *region = &config->regions[i];
		for (uint32_t n = 0; n < config->layers_len; n++) {
			struct rect common =
				rect_intersect(&region->place, &config->layers[n].place);
			if (rect_is_empty(&common) || !is_in_front(config, n, region->layer)) {
				continue;
			}
			struct config_where where = config_where(
				"layers[%u].regions[%u]", region->layer, region_number(config, i));
			COMPLAIN(where,
				"%s: layer '%s' is in front of it; give that one a lower z, or "
				"move "
				"one of them",
				where.text, config->layers[n].name);
		}
	}
}
