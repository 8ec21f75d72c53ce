#include "compositor/region.h"

#include <stdatomic.h>

#include "compositor/inject.h"
#include "compositor/layer_view.h"
#include "core/macros.h"

#define LAYER_IDS (2 * CONFIG_LAYERS_MAX) /* in a scene: a picture and a cursor each */

static const struct {
	enum fault_cause cause;
	enum mechanism mechanism;
} checks[SAFETY_CHECKS] = {
	[SAFETY_EXACT] = { FAULT_WRONG_PIXELS, MECHANISM_EXACT },
	[SAFETY_OFF] = { FAULT_WRONG_PIXELS, MECHANISM_EXACT },
	[SAFETY_LIVE] = { FAULT_FROZEN, MECHANISM_FROZEN },
	[SAFETY_COUNTER] = { FAULT_FROZEN, MECHANISM_FROZEN },
	[SAFETY_PRESENCE] = { FAULT_INVISIBLE, MECHANISM_VISIBLE },
	[SAFETY_CONTRAST] = { FAULT_INVISIBLE, MECHANISM_VISIBLE },
	[SAFETY_BLACK] = { FAULT_UNIFORM, MECHANISM_UNIFORM },
	[SAFETY_OWNER] = { FAULT_OVERDRAWN, MECHANISM_OWNER },
};

void region_init(struct region *region, const struct config_region *config, struct layer *layer) {
	*region = (struct region) {
		.name = config->name,
		.check = (enum safety_check)config->check,
		.layer = layer,
		.place = config->place,
		.frames = config->frames,
		.skip = config->skip,
		.threshold = config->threshold,
		.reaction = (enum fault_reaction)config->reaction,
		.element = CONFIG_NONE,
	};
}

void region_init_uniform(struct region *region, const char *name, struct layer *layer) {
	*region = (struct region) {
		.name = name,
		.check = SAFETY_BLACK,
		.layer = layer,
		.place = layer->config->place,
		.is_of_picture = true,
		.frames = REGION_UNIFORM_FRAMES - 1,
		.element = CONFIG_NONE,
	};
}

enum fault_cause region_cause(const struct region *region) {
	return checks[region->check].cause;
}

enum fault_reaction region_reaction(const struct region *region) {
	return region->reaction != FAULT_REACTION_DEFAULT
		? region->reaction
		: (enum fault_reaction)
			  region->layer->machine.limits.reactions[region_cause(region)];
}

bool region_see_own(const struct region *region, struct region_sight *sight) {
	if (!layer_view(region->layer, &sight->view)) {
		return false;
	}
	sight->place = region->is_of_picture
		? sight->view.bounds
		: layer_view_place(region->layer, &sight->view, &region->place);
	return true;
}

/* ---- OWNER ---- */

static bool covers(const struct scene *scene, size_t index, const struct rect *place) {
	struct rect common = rect_intersect(&scene->sprites[index].visible, place);
	return !rect_is_empty(&common);
}

/* The layer's picture in a scene; scene->len: it is not there. */
static size_t find_picture(const struct region *region, const struct scene *scene) {
	size_t index = 0;
	while (index < scene->len && scene->items[index].id != 2 * region->layer->index) {
		index++;
	}
	return index;
}

/* Pictures and cursors of other layers in front of the region; `is_alone`: nothing else is, either. */
static uint32_t count_foreign(
	const struct region *region, const struct scene *scene, size_t index, bool *is_alone) {
	uint32_t foreign = 0;
	*is_alone = true;
	for (size_t i = index + 1; i < scene->len; i++) {
		uint32_t id = scene->items[i].id;
		if (!covers(scene, i, &region->place)) {
			continue;
		}
		*is_alone = false;
		foreign += id < LAYER_IDS && id != 2 * region->layer->index + 1;
	}
	return foreign;
}

/* Nothing but the layer's own cursor and the host's elements may be in front. Where nothing at all is, and
 * pixels appear as they are, they must be the guest's. */
static bool has_owner(
	const struct region *region, const struct region_sight *sight, uint32_t *found) {
	const struct scene *scene = sight->scene;
	size_t index = scene != NULL ? find_picture(region, scene) : 0;
	bool is_alone;
	*found = 0;
	if (scene == NULL || index == scene->len) {
		return true;
	}
	*found = count_foreign(region, scene, index, &is_alone);
	struct check_view own;
	if (*found == 0 && is_alone && layer_view_is_direct(region->layer) &&
		layer_view(region->layer, &own)) {
		own.bounds.x = region->layer->place.x;
		own.bounds.y = region->layer->place.y;
		return check_owner(&sight->view, &sight->place, &own, found);
	}
	return *found == 0;
}

/* ---- looking ---- */

static bool judge(struct region *region, const struct region_sight *sight, uint32_t *found) {
	switch (region->check) {
	case SAFETY_LIVE:
		return check_live(&region->live, &sight->view, &sight->place, region->frames,
			region->skip, found);
	case SAFETY_COUNTER:
		return check_counter(
			&region->counter, &sight->view, &sight->place, region->frames, found);
	case SAFETY_PRESENCE:
		return sight->reference.pixels == NULL ||
			check_presence(&sight->view, &sight->place, &sight->reference,
				region->threshold, found);
	case SAFETY_CONTRAST:
		return check_contrast(&sight->view, &sight->place, region->threshold, found);
	case SAFETY_BLACK:
		return check_black(&sight->view, &sight->place, found);
	case SAFETY_OWNER:
		return has_owner(region, sight, found);
	case SAFETY_EXACT:
	case SAFETY_OFF:
	case SAFETY_CHECKS:
		break;
	}
	return true;
}

/* LIVE and COUNTER have their patience inside. */
static uint32_t patience(const struct region *region) {
	bool is_inside = region->check == SAFETY_LIVE || region->check == SAFETY_COUNTER;
	return is_inside ? 0 : region->frames;
}

static void set_verdict(struct region *region, enum safety_verdict verdict) {
	if (region->page != NULL) {
		atomic_store(&region->page->verdict, verdict);
	}
}

static void count(
	struct region *region, bool passed, uint32_t found, const struct region_sight *sight) {
	struct safety_region *page = region->page;
	set_verdict(region, passed ? SAFETY_PASSED : SAFETY_FAILED);
	if (page == NULL) {
		return;
	}
	atomic_store(&page->expected, region->threshold);
	atomic_store(&page->found, found);
	atomic_fetch_add(&page->checks, 1);
	if (!passed) {
		atomic_store(&page->cause, region_cause(region));
		atomic_fetch_add(&page->failures, 1);
		atomic_store(&page->failed_ns, sight->now_ns);
	}
}

/* A held picture does not move. */
static bool is_held(const struct region *region) {
	bool must_move = region->check == SAFETY_LIVE || region->check == SAFETY_COUNTER;
	return must_move && layer_state(region->layer) == LAYER_SUSPECT;
}

void region_look(struct region *region, const struct region_sight *sight) {
	if (region->looked_tick == sight->tick) {
		return;
	}
	region->looked_tick = sight->tick;
	if (is_held(region) || !mechanism_is_on(checks[region->check].mechanism)) {
		region->is_fault = false;
		set_verdict(region, SAFETY_IDLE);
		return;
	}
	uint32_t found = 0;
	bool passed = judge(region, sight, &found) || sight->is_blind;
	region->failed = passed ? 0 : MIN(region->failed + 1, patience(region) + 1);
	region->is_fault = region->failed > patience(region);
	if (passed) {
		region->well_ns = sight->now_ns;
	}
	count(region, passed, found, sight);
}

void region_rest(struct region *region) {
	region->live = (struct check_live) { 0 };
	region->counter = (struct check_counter) { 0 };
	region->failed = 0;
	region->is_fault = false;
	set_verdict(region, SAFETY_IDLE);
}
