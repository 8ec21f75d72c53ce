#include "compositor/analyze.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/macros.h"

/* a layer's picture and its cursor, by the ids that layer.h gives them */
#define IDS_OF_LAYERS (2 * CONFIG_LAYERS_MAX)

static void say(struct analysis *analysis, const char *format, ...) PRINTF_LIKE(2, 3);

static void say(struct analysis *analysis, const char *format, ...) {
	if (analysis->len == ANALYSIS_LINES_MAX) {
		return;
	}
	va_list args;
	va_start(args, format);
	vsnprintf(analysis->lines[analysis->len++], ANALYSIS_LINE_BYTES, format, args);
	va_end(args);
}

static unsigned long long ms_since(uint64_t then_ns, uint64_t now_ns) {
	return now_ns > then_ns ? (now_ns - then_ns) / NS_PER_MS : 0;
}

/* ---- its state ---- */

static const char *advice_of(enum layer_state state) {
	switch (state) {
	case LAYER_QUARANTINED:
		return "it failed too often; 'fascia ack' lets it try again";
	case LAYER_ABSENT:
		return "no virtual machine is connected to its guest's socket";
	case LAYER_STARTING:
		return "its guest is there, but no good picture came yet";
	case LAYER_SUSPECT:
		return "its last good picture is held";
	case LAYER_PLACEHOLDER:
		return "its placeholder is shown until a good picture comes";
	case LAYER_RECOVERING:
		return "good pictures come; it is shown after recover_frames of them";
	case LAYER_LIVE:
		break;
	}
	return "its pictures are shown";
}

static void say_state(struct analysis *analysis, const struct layer *layer, uint64_t now_ns) {
	const struct layer_machine *machine = &layer->machine;
	if (layer->guest == NULL) {
		say(analysis, "it is a picture of the atlas%s",
			layer->tile == NULL ? ", which has none of its name" : "");
		return;
	}
	say(analysis, "state: %s: %s", layer_state_name(machine->state), advice_of(machine->state));
	if (machine->cause != FAULT_NONE) {
		say(analysis, "cause: %s: %s; well until %llu ms ago", fault_name(machine->cause),
			fault_text(machine->cause), ms_since(machine->well_ns, now_ns));
	}
}

static void say_picture(struct analysis *analysis, const struct layer *layer, uint64_t now_ns) {
	if (layer->guest == NULL) {
		return;
	}
	const struct guest_channel *channel = layer->guest->channels[layer->config->scanout];
	const struct frame *frame = &channel->view.frame;
	const struct frame_mode *mode = &layer->guest->modes[layer->config->scanout];
	if (channel->frames == 0 || channel->view.pixels == NULL) {
		say(analysis,
			channel->frames == 0 ? "no good picture ever came"
					     : "its last picture was taken back");
	} else {
		say(analysis, "its last picture has %ux%u pixels, format %s, flushed %llu ms ago",
			frame->width, frame->height, pixel_format_name(frame->format),
			ms_since(frame->flush_ns, now_ns));
	}
	if (channel->rejected > 0) {
		say(analysis, "%" PRIu64 " pictures were refused%s%s", channel->rejected,
			channel->refused != FAULT_NONE ? ", the newest one too: " : "",
			channel->refused != FAULT_NONE ? fault_text(channel->refused) : "");
	}
	say(analysis, "its display is %s, %ux%u; guest %s, scanout %u",
		mode->enabled ? "plugged" : "unplugged", mode->width, mode->height,
		layer->guest->config->name, layer->config->scanout);
}

/* ---- its place ---- */

static void say_place(
	struct analysis *analysis, const struct screen *screen, const struct layer *layer) {
	struct rect bounds = canvas_bounds(&screen->canvas);
	const struct rect *place = &layer->place, *clip = &layer->config->clip;
	struct rect inside = rect_intersect(place, &bounds);

	say(analysis, "output %s (%s), at %d,%d, %ux%u, z %d, %s", screen->config->name,
		screen_state_name(screen_state(screen)), place->x, place->y, place->width,
		place->height, layer->z, layer->config->scale ? "scaled" : "not scaled");
	if (!layer->is_visible) {
		say(analysis, "hidden: it is configured, or was commanded, not to be visible");
	}
	if (layer->opacity == 0) {
		say(analysis, "hidden: its opacity is 0");
	}
	if (rect_is_empty(&inside)) {
		say(analysis, "hidden: it is off the output");
	} else if (!rect_equal(&inside, place)) {
		say(analysis, "clipped: a part of it is off the output");
	}
	if (rect_is_empty(clip)) {
		return;
	}
	struct rect clipped = rect_intersect(&inside, clip);
	if (rect_is_empty(&clipped)) {
		say(analysis, "hidden: it lies outside its clip");
	} else if (!rect_equal(&clipped, &inside)) {
		say(analysis, "clipped: to %d,%d %ux%u", clip->x, clip->y, clip->width,
			clip->height);
	}
}

/* ---- what is above it ---- */

static size_t find_item(const struct scene *scene, uint32_t id) {
	size_t i = 0;
	while (i < scene->len && scene->items[i].id != id) {
		i++;
	}
	return i;
}

static void name_cover(const struct screen *screen, uint32_t id, char name[64]) {
	snprintf(name, 64, "%s",
		screen_state(screen) == SCREEN_SAFE               ? "the safe state's black"
			: screen_state(screen) == SCREEN_FALLBACK ? "the fallback HMI"
								  : "the host's own elements");
	for (uint32_t i = 0; id < IDS_OF_LAYERS && i < screen->layers_len; i++) {
		if (screen->layers[i]->index == id / 2) {
			snprintf(name, 64, "layer %s", screen->layers[i]->config->name);
		}
	}
}

static uint64_t area_of(const struct rects *rects) {
	uint64_t area = 0;
	for (uint32_t i = 0; i < rects->len; i++) {
		area += (uint64_t)rects->items[i].width * rects->items[i].height;
	}
	return area;
}

/* Who took pixels away, one line each layer, the host once. */
static void say_covers(struct analysis *analysis, const struct screen *screen,
	const struct scene *scene, size_t at, struct rects *left) {
	char last[64] = "";
	for (size_t i = at + 1; i < scene->len; i++) {
		const struct sprite *sprite = &scene->sprites[i];
		struct rect common = rect_intersect(&sprite->visible, &scene->sprites[at].visible);
		uint32_t id = scene->items[i].id;
		char name[64];
		if (rect_is_empty(&common) || id == scene->items[at].id + 1) {
			continue; /* its own cursor */
		}
		if (sprite->opaque) {
			rects_subtract(left, &common);
		}
		name_cover(screen, id, name);
		if (strcmp(name, last) != 0) {
			say(analysis, "%s by %s",
				sprite->opaque ? "covered" : "covered, not fully,", name);
			snprintf(last, sizeof(last), "%s", name);
		}
	}
}

static void say_visible(
	struct analysis *analysis, const struct screen *screen, const struct layer *layer) {
	const struct scene *scene = &screen->canvas.scenes[screen->canvas.shown];
	size_t at = find_item(scene, 2 * layer->index);
	if (at == scene->len) {
		bool replaced =
			screen_state(screen) == SCREEN_FALLBACK && layer->config->critical != 0;
		say(analysis,
			replaced ? "the fallback HMI is shown in its place"
				 : "nothing of it is in the picture that is shown now");
		return;
	}
	struct rects left;
	rects_clear(&left);
	rects_add(&left, &scene->sprites[at].visible);
	say_covers(analysis, screen, scene, at, &left);
	const struct rect *all = &layer->place;
	say(analysis, "up to %" PRIu64 " of its %" PRIu64 " pixels are visible now", area_of(&left),
		(uint64_t)all->width * all->height);
}

static void say_verified(
	struct analysis *analysis, const struct config *config, const struct layer *layer) {
	for (uint32_t i = 0; i < config->verified_len; i++) {
		if (config->verified[i].layer == layer->index) {
			const char *element = config->verified[i].element;
			say(analysis, "its guest draws, and the host verifies, %s%s",
				element[0] != '\0' ? "element "
						   : "all safety elements in its place",
				element);
		}
	}
}

void analyze(struct analysis *analysis, const struct config *config, const struct screen *screen,
	const struct layer *layer, uint64_t now_ns) {
	analysis->len = 0;
	say_state(analysis, layer, now_ns);
	say_picture(analysis, layer, now_ns);
	say_place(analysis, screen, layer);
	say_visible(analysis, screen, layer);
	say_verified(analysis, config, layer);
}
