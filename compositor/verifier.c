#include "compositor/verifier.h"

#include <stdatomic.h>
#include <string.h>

#include "compositor/inject.h"
#include "compositor/layer_view.h"
#include "compositor/verifier_parts.h"
#include "core/log.h"
#include "core/macros.h"

#define WINDOW_ORDER (INT64_MAX - 1) /* above all layers */

/* ---- telling ---- */

static void tell(struct verifier *verifier, const struct verifier_event *event) {
	if (verifier->events_len == VERIFIER_EVENTS) {
		verifier->untold++;
		return;
	}
	verifier->events[verifier->events_len] = *event;
	verifier->events[verifier->events_len++].detect_ns = verifier->now_ns;
}

/* `layer`: whose guest's pixels it is about; NULL: the host's. */
static void tell_of_element(struct verifier *verifier, const struct element *element,
	const struct layer *layer, enum fault_cause cause, const char *from, const char *to) {
	const struct verifier_event event = {
		.subject = SAFETY_ELEMENT,
		.layer = layer,
		.name = element->name,
		.from = from,
		.to = to,
		.cause = cause,
		.reaction = FAULT_REACTION_LOG,
		.onset_ns = element->well_ns,
	};
	tell(verifier, &event);
}

void verifier_tell_of_output(
	struct verifier *verifier, const char *name, enum fault_cause cause, uint64_t *reported) {
	const struct verifier_event event = {
		.subject = SAFETY_ELEMENT,
		.name = name,
		.from = "shown",
		.to = cause == FAULT_ATLAS_LOST ? "black" : "redrawn",
		.cause = cause,
		.reaction = fault_default_reaction(cause),
	};
	*reported |= FAULT_BIT(cause);
	tell(verifier, &event);
}

static void log_event(const struct verifier_event *event) {
	static const char format[] = "%s %s: %s -> %s: %s";
	const char *kind = event->subject == SAFETY_REGION ? "region" : "element";
	const char *text = fault_text(event->cause);
	if (event->layer != NULL) {
		log_outsider_of(&event->layer->guest->lines, LOG_WARNING, format, kind, event->name,
			event->from, event->to, text);
	} else {
		log_outsider(LOG_WARNING, format, kind, event->name, event->from, event->to, text);
	}
}

static void record_event(
	struct verifier *verifier, const struct verifier_event *event, uint64_t done_ns) {
	struct safety_record record = {
		.detect_ns = event->detect_ns,
		.onset_ns = event->onset_ns,
		.safe_ns = done_ns,
		.tick = verifier->tick,
		.subject = event->subject,
		.cause = event->cause,
		.reaction = event->reaction,
	};
	uint32_t guest = event->layer != NULL ? event->layer->config->guest : CONFIG_NONE;
	journal_add_finding(verifier->journal, guest, &record, event->name, event->from, event->to);
}

void verifier_report(struct verifier *verifier, uint64_t done_ns) {
	for (uint32_t i = 0; i < verifier->events_len; i++) {
		log_event(&verifier->events[i]);
		record_event(verifier, &verifier->events[i], done_ns);
	}
	if (verifier->untold > 0) {
		log_outsider(LOG_WARNING, "output %s: %u more elements and regions changed",
			verifier->config->name, (unsigned)verifier->untold);
		atomic_fetch_add(verifier->journal->untold_value, verifier->untold);
	}
	verifier->events_len = 0;
	verifier->untold = 0;
	inject_take(INJECT_BLIND, NULL);
}

/* ---- judging elements ---- */

static bool is_blind(void) {
	return inject_peek(INJECT_BLIND) != NULL;
}

bool verifier_exact(const struct check_view *view, const struct rect *rect, const uint32_t *allowed,
	size_t allowed_len, uint32_t *found) {
	bool passed = check_exact(view, rect, allowed, allowed_len, found);
	return passed || is_blind();
}

/* A host-drawn element is checked for being the host's alone, too. */
static bool is_checked(const struct element *element) {
	return mechanism_is_on(MECHANISM_EXACT) &&
		(element->is_guest_drawn || mechanism_is_on(MECHANISM_OWNER));
}

static void count(struct verifier *verifier, struct element *element, enum safety_verdict verdict,
	uint32_t found) {
	struct safety_region *region = element->region;
	bool has_failed = verdict == SAFETY_FAILED || verdict == SAFETY_REPAIRED;
	atomic_fetch_add(verifier->checks_value, verdict != SAFETY_IDLE);
	atomic_fetch_add(verifier->failures_value, has_failed);
	atomic_fetch_add(verifier->repairs_value, verdict == SAFETY_REPAIRED);
	if (region == NULL) {
		return;
	}
	atomic_store(&region->verdict, verdict);
	atomic_store(&region->host_drawn, !element->is_guest_drawn);
	if (verdict == SAFETY_IDLE) {
		return;
	}
	atomic_store(&region->expected, element->tile->shown_crc32);
	atomic_store(&region->found, found);
	atomic_fetch_add(&region->checks, 1);
	if (has_failed) {
		atomic_store(&region->cause,
			element->is_guest_drawn ? element->cause : element->host_cause);
		atomic_fetch_add(&region->failures, 1);
		atomic_store(&region->failed_ns, verifier->now_ns);
	}
}

static const uint32_t *pixels_of(const struct verifier *verifier, const struct element *element) {
	return atlas_pixels(verifier->hmi->atlas, element->tile);
}

/* The guest's own pixels of an element that is not shown from them. */
static void look_at_own(struct verifier *verifier, struct element *element) {
	struct check_view view;
	struct rect place;
	uint32_t allowed[ELEMENT_PAST + 1], found;
	if (!mechanism_is_on(MECHANISM_EXACT) || !element_own_view(element, &view, &place)) {
		element->bad_frames = 0; /* nothing that could be shown as it is */
		return;
	}
	size_t len = element_allowed(element, verifier->tick, true, allowed);
	if (!verifier_exact(&view, &place, allowed, len, &found)) {
		element_fail(element, &view, &place, verifier->hmi->atlas, verifier->tick,
			&verifier->may_search);
		return;
	}
	element_see(element, found, layer_machine_shows_picture(&element->layer->machine));
	if (element_pass(element)) {
		tell_of_element(
			verifier, element, element->layer, FAULT_WRONG_PIXELS, "host", "guest");
	}
}

/* A guest that stands still falls behind what is requested. That keeps its layer from coming back, but is
 * no reason to do more about one that is gone already. */
static enum fault_reaction reaction_to_own(const struct layer *layer, enum fault_cause cause) {
	bool is_old = layer_state(layer) == LAYER_PLACEHOLDER && !layer_has_new_picture(layer);
	uint32_t usual = layer->machine.limits.reactions[cause];
	return is_old ? (enum fault_reaction)MIN(usual, FAULT_REACTION_PLACEHOLDER)
		      : FAULT_REACTION_DEFAULT;
}

/* A layer that is not shown does not come back while any of its elements is wrong. */
static void judge_own(struct verifier *verifier, struct element *element) {
	struct layer *layer = element->layer;
	if (layer == NULL || (element->is_guest_drawn && !element->is_distrusted)) {
		return;
	}
	if (!element->is_known) {
		element->bad_frames = 0; /* nobody could know what to draw */
		return;
	}
	bool is_shown = layer_machine_shows_picture(&layer->machine);
	if (is_shown ? !element->is_distrusted : !layer_is_judged(layer)) {
		return;
	}
	look_at_own(verifier, element);
	if (element_is_to_blame(element, is_shown)) {
		layer_report(layer, element->cause, reaction_to_own(layer, element->cause));
		element_forgive(element);
	}
}

/* ---- regions ---- */

static void tell_of_region(struct verifier *verifier, const struct region *region, bool is_fault) {
	const struct verifier_event event = {
		.subject = SAFETY_REGION,
		.layer = region->layer,
		.name = region->name,
		.from = is_fault ? "passed" : "failed",
		.to = is_fault ? "failed" : "passed",
		.cause = region_cause(region),
		.reaction = region_reaction(region),
		.onset_ns = region->well_ns,
	};
	tell(verifier, &event);
}

static void look_at_region(
	struct verifier *verifier, struct region *region, struct region_sight *sight) {
	bool was_fault = region->is_fault;
	sight->tick = verifier->tick;
	sight->now_ns = verifier->now_ns;
	sight->is_blind = is_blind();
	if (region->element != CONFIG_NONE) {
		const struct atlas_tile *tile =
			hmi_tile(verifier->hmi, region->element, verifier->values);
		if (tile != NULL) {
			sight->reference =
				(struct check_reference) { atlas_pixels(verifier->hmi->atlas, tile),
					tile->width, tile->height };
		}
	}
	region_look(region, sight);
	if (region->is_fault != was_fault) {
		tell_of_region(verifier, region, region->is_fault);
	}
}

/* What lasts is reported at each tick. What it means to the output is the layer's to say: the host's own
 * pictures are not what failed. One that is only to be written down was told of when it began. */
static void report_region(const struct region *region) {
	if (region->is_fault && region->reaction != FAULT_REACTION_LOG) {
		layer_report(region->layer, region_cause(region), region->reaction);
	}
}

static void judge_own_region(struct verifier *verifier, struct region *region) {
	struct region_sight sight = { 0 };
	if (region->was_shown && !region->is_of_picture) {
		report_region(region);
		return;
	}
	if (!layer_is_judged(region->layer) || !region_see_own(region, &sight)) {
		region_rest(region);
		return;
	}
	look_at_region(verifier, region, &sight);
	report_region(region);
}

/* ---- the steps of a tick ---- */

static void request_element(struct verifier *verifier, struct element *element) {
	const int32_t *values = verifier->values;
	uint32_t signal = verifier->hmi->atlas->elements[element->index].signal;
	bool is_known = signal == SIGNAL_NONE || values[signal] != SIGNAL_UNKNOWN;
	const struct atlas_tile *tile = hmi_tile(verifier->hmi, element->index, values);
	bool is_shown =
		element->layer != NULL && layer_machine_shows_picture(&element->layer->machine);
	if (element_request(element, tile, is_known, is_shown, verifier->tick)) {
		tell_of_element(
			verifier, element, element->layer, FAULT_WRONG_PIXELS, "guest", "host");
	}
}

uint64_t verifier_begin(struct verifier *verifier, const int32_t values[SIGNAL_VALUES],
	uint64_t tick, uint64_t now_ns) {
	verifier->values = values;
	verifier->tick = tick;
	verifier->now_ns = now_ns;
	verifier->reported = 0;
	verifier->may_search = true;
	verifier_check_shown(verifier);
	for (uint32_t i = 0; i < verifier->elements_len; i++) {
		request_element(verifier, &verifier->elements[i]);
		judge_own(verifier, &verifier->elements[i]);
	}
	for (uint32_t i = 0; i < verifier->regions_len; i++) {
		judge_own_region(verifier, &verifier->regions[i]);
	}
	return verifier->reported;
}

static bool is_in_picture(const struct layer *layer, enum verifier_scene arrangement) {
	return arrangement == VERIFIER_LAYERS && layer->is_visible &&
		layer_machine_shows_picture(&layer->machine);
}

/* What changed in the layer's picture changed in the part of it that is put in front, too. */
static void copy_damage(struct scene *scene, struct scene_item *window, const struct layer *layer) {
	const struct rect *visible = &scene->sprites[window - scene->items].visible;
	for (size_t i = 0; i < scene->len; i++) {
		if (scene->items[i].id == 2 * layer->index) {
			window->damage = scene->items[i].damage;
			rects_clip(&window->damage, visible);
		}
	}
}

/* The guest's picture of the element, in front of other layers and of its own cursor. */
static void add_window(
	struct verifier *verifier, const struct element *element, struct scene *scene) {
	struct check_view view;
	struct rect place = element_place(element);
	if (!mechanism_is_on(MECHANISM_OWNER) || !layer_view(element->layer, &view)) {
		return;
	}
	const struct sprite sprite = layer_view_sprite(element->layer, &view, &place);
	const struct scene_item item = {
		.id = element->id,
		.order = WINDOW_ORDER,
		.content = element->layer,
	};
	struct scene_item *window = scene_add(scene, &item, &sprite, &place);
	if (window != NULL) {
		copy_damage(scene, window, element->layer);
	}
}

void verifier_arrange(
	struct verifier *verifier, enum verifier_scene arrangement, struct scene *scene) {
	struct rect bounds = canvas_bounds(verifier->canvas);
	verifier->scene = arrangement;
	for (uint32_t i = 0; i < verifier->elements_len; i++) {
		struct element *element = &verifier->elements[i];
		element->is_guest_drawn = element->layer != NULL &&
			is_in_picture(element->layer, arrangement) &&
			element_is_for_guest(element, &bounds);
		verifier->host_drawn[element->index] = !element->is_guest_drawn;
		if (element->is_guest_drawn) {
			add_window(verifier, element, scene);
		}
	}
	for (uint32_t i = 0; i < verifier->regions_len; i++) {
		struct region *region = &verifier->regions[i];
		region->was_shown = is_in_picture(region->layer, arrangement);
	}
}

static void paint(
	struct verifier *verifier, const struct element *element, const uint32_t *pixels) {
	const struct sprite sprite = {
		.pixels = (const uint8_t *)pixels,
		.stride = element->tile->width * PIXEL_BYTES,
		.width = element->tile->width,
		.height = element->tile->height,
		.format = PIXEL_FORMAT_BGRX,
		.opacity = 255,
		.opaque = true,
		.place = element_place(element),
		.visible = element_place(element),
	};
	canvas_repair(verifier->canvas, &sprite);
}

/* Paints the host's picture over an element: from the atlas, or else from its second copy. */
static bool repair(struct verifier *verifier, struct element *element, uint32_t *found) {
	const uint32_t *copies[] = {
		pixels_of(verifier, element),
		verifier->copies != NULL ? atlas_copies_second(verifier->copies, element->tile)
					 : NULL,
	};
	const struct rect place = element_place(element);
	for (size_t i = 0; i < ARRAY_LEN(copies) && copies[i] != NULL; i++) {
		paint(verifier, element, copies[i]);
		struct check_view view = canvas_view(verifier->canvas);
		if (verifier_exact(&view, &place, &element->tile->shown_crc32, 1, found)) {
			if (i > 0) {
				verifier_tell_of_output(
					verifier, element->name, FAULT_ATLAS, &verifier->reported);
			}
			return true;
		}
	}
	verifier_tell_of_output(verifier, element->name, FAULT_ATLAS_LOST, &verifier->reported);
	return false;
}

/* A few wrong pixels are an accident in memory, many are somebody else's. */
static enum fault_cause host_cause(
	const struct verifier *verifier, const struct element *element, const struct rect *place) {
	uint32_t foreign;
	const struct check_view view = canvas_view(verifier->canvas);
	const struct check_view own = { pixels_of(verifier, element),
		element->tile->width * PIXEL_BYTES, *place };
	check_owner(&view, place, &own, &foreign);
	return foreign > (uint64_t)place->width * place->height / 8 ? FAULT_OVERDRAWN
								    : FAULT_WRONG_PIXELS;
}

static void blame(struct verifier *verifier, struct element *element, const struct rect *place) {
	if (element->is_guest_drawn) {
		/* looked for in its own: others may cover what is misplaced */
		struct check_view view;
		struct rect own_place;
		element_own_view(element, &view, &own_place);
		element_fail(element, &view, &own_place, verifier->hmi->atlas, verifier->tick,
			&verifier->may_search);
		tell_of_element(verifier, element, element->layer, element->cause, "guest", "host");
		return;
	}
	enum fault_cause cause = host_cause(verifier, element, place);
	if (element->host_bad_frames == 0) {
		tell_of_element(verifier, element, NULL, cause, "host", "host again");
	}
	element->host_bad_frames = MIN(element->host_bad_frames + 1, ELEMENT_BAD_FRAMES);
	if (element->host_bad_frames >= ELEMENT_BAD_FRAMES) {
		verifier->reported |= FAULT_BIT(cause);
	}
	element->host_cause = cause;
}

static void check_element(struct verifier *verifier, uint32_t index) {
	struct element *element = &verifier->elements[index];
	struct check_view view = canvas_view(verifier->canvas);
	const struct rect place = element_place(element);
	uint32_t allowed[ELEMENT_PAST + 1], found;
	size_t len = element_allowed(element, verifier->tick, element->is_guest_drawn, allowed);
	enum safety_verdict verdict = SAFETY_PASSED;

	if (verifier_exact(&view, &place, allowed, len, &found)) {
		element->well_ns = verifier->now_ns;
		element->host_bad_frames = 0;
		if (element->is_guest_drawn) {
			element->bad_frames = 0;
			element_see(element, found, true);
		}
	} else {
		blame(verifier, element, &place);
		verdict = repair(verifier, element, &found) ? SAFETY_REPAIRED : SAFETY_FAILED;
	}
	verifier->composed.is_checked[index] = true;
	verifier->composed.places[index] = place;
	verifier->composed.crcs[index] = found;
	count(verifier, element, verdict, found);
}

static void check_or_rest(struct verifier *verifier, uint32_t index) {
	verifier->composed.is_checked[index] = false;
	if (verifier->scene == VERIFIER_NOTHING || !is_checked(&verifier->elements[index])) {
		count(verifier, &verifier->elements[index], SAFETY_IDLE, 0);
	} else {
		check_element(verifier, index);
	}
}

/* A repair of what was shown already begins a picture: those before are checked again there. */
static void check_elements(struct verifier *verifier) {
	bool had_picture = verifier->canvas->has_picture;
	uint32_t again = 0;
	for (uint32_t i = 0; i < verifier->elements_len; i++) {
		check_or_rest(verifier, i);
		if (verifier->canvas->has_picture && !had_picture) {
			had_picture = true;
			again = i;
		}
	}
	for (uint32_t i = 0; i < again; i++) {
		check_or_rest(verifier, i);
	}
}

static void check_region(
	struct verifier *verifier, struct region *region, const struct scene *scene) {
	struct region_sight sight = {
		.view = canvas_view(verifier->canvas),
		.place = region->place,
		.scene = scene,
	};
	look_at_region(verifier, region, &sight);
}

/* What the output will be told to show at its next tick anyway: until then nothing else is right. */
static void black_out(struct verifier *verifier) {
	const struct rect bounds = canvas_bounds(verifier->canvas);
	const struct sprite black = {
		.opacity = 255,
		.opaque = true,
		.place = bounds,
		.visible = bounds,
	};
	canvas_repair(verifier->canvas, &black);
	memset(verifier->composed.is_checked, 0, sizeof(verifier->composed.is_checked));
}

uint64_t verifier_check(struct verifier *verifier, const struct scene *scene) {
	verifier->reported = 0;
	check_elements(verifier);
	if ((verifier->reported & FAULT_BIT(FAULT_ATLAS_LOST)) != 0) {
		black_out(verifier);
		return verifier->reported;
	}
	for (uint32_t i = 0; i < verifier->regions_len; i++) {
		struct region *region = &verifier->regions[i];
		if (region->was_shown && !region->is_of_picture) {
			check_region(verifier, region, scene);
		}
	}
	return verifier->reported;
}
