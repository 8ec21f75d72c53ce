#include "compositor/layer.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "compositor/inject.h"
#include "core/control.h"
#include "core/macros.h"

/* what stands for a layer whose tile is not in the atlas: visible, and nothing a guest would draw */
#define NO_TILE_COLOUR 0x303030

static uint64_t ticks_or_none(const struct ticker *ticker, uint32_t ms) {
	return ms == 0 ? 0 : ticker_ticks_from_ms(ticker, ms);
}

static void export_values(struct layer *layer, struct stats *stats) {
	const char *name = layer->config->name;
	layer->state_value = stats_value(stats, LAYER_STATE_NAMES, "layer.%s.state", name);
	layer->cause_value = stats_value(stats, "fault", "layer.%s.cause", name);
	layer->frames_value = stats_value(stats, "", "layer.%s.frames", name);
	layer->rejected_value = stats_value(stats, "", "layer.%s.rejected", name);
	layer->losses_value = stats_value(stats, "", "layer.%s.losses", name);
	layer->lost_ns_value = stats_value(stats, "time", "layer.%s.lost_ns", name);
	atomic_store(layer->state_value, layer_state(layer));
	atomic_store(layer->cause_value, layer->guest != NULL ? layer->machine.cause : FAULT_NONE);
}

void layer_init(struct layer *layer, const struct config_layer *config, uint32_t index,
	struct guest *guest, const struct atlas *atlas, const struct config_output *output,
	const struct ticker *ticker, struct stats *stats) {
	*layer = (struct layer) {
		.config = config,
		.index = index,
		.guest = guest,
		.atlas = atlas,
		.tile = atlas_find(
			atlas, guest == NULL ? "picture/%s" : "placeholder/%s", config->name),
		.place = config->place,
		.z = config->z,
		.opacity = (uint8_t)config->opacity,
		.is_visible = config->visible != 0,
		.is_connected = true,
		.ticker = ticker,
	};
	struct layer_limits limits = {
		.hold_ticks = ticks_or_none(ticker, config->hold_ms),
		.stall_ticks = ticks_or_none(ticker, config->stall_ms),
		.heartbeat_ticks = ticks_or_none(ticker, config->heartbeat_ms),
		.recover_ticks = MAX(config->recover_frames, 1),
		.dwell_ticks = ticks_or_none(ticker, output->dwell_ms),
		.quarantine_losses = config->quarantine_losses,
		.quarantine_ticks = ticks_or_none(ticker, config->quarantine_ms),
	};
	memcpy(limits.reactions, config->reactions, sizeof(limits.reactions));
	layer_machine_init(&layer->machine, &limits);
	export_values(layer, stats);
}

static struct guest_channel *channel_of(const struct layer *layer) {
	return layer->guest->channels[layer->config->scanout];
}

void layer_add_damage(struct layer *layer, const struct rects *damage) {
	rects_add_all(&layer->damage, damage);
}

enum layer_state layer_state(const struct layer *layer) {
	if (layer->guest == NULL) {
		return layer->tile != NULL ? LAYER_LIVE : LAYER_ABSENT;
	}
	return layer->machine.state;
}

void layer_report(struct layer *layer, enum fault_cause cause, enum fault_reaction reaction) {
	layer->reported[reaction] |= FAULT_BIT(cause);
}

void layer_acknowledge(struct layer *layer) {
	layer->is_acknowledged = true;
}

/* How late the answer to a tick may be. */
static struct guest_patience patience_of(const struct layer *layer) {
	const struct ticker *ticker = layer->ticker;
	uint64_t ticks = layer->config->echo_ms == 0
		? GUEST_ECHO_TICKS
		: ticker_ticks_from_ms(ticker, layer->config->echo_ms);
	/* steps come as fast as a test likes, so only their number counts there */
	uint64_t ns = ticker->kind == TICKER_STEP ? 0 : ticks * ticker->period_ns;
	return (struct guest_patience) { ticks, ns };
}

static void look(struct layer *layer, uint64_t now_ns, struct layer_signs *signs) {
	struct guest_patience patience = patience_of(layer);
	guest_look(layer->guest, layer->config->scanout, &patience, now_ns, signs);
	memcpy(signs->reported, layer->reported, sizeof(signs->reported));
	signs->acknowledged = layer->is_acknowledged;
	signs->no_hysteresis = !mechanism_is_on(MECHANISM_HYSTERESIS);
	signs->no_stall = !mechanism_is_on(MECHANISM_STALL);
	signs->no_heartbeat = !mechanism_is_on(MECHANISM_HEARTBEAT);
	memset(layer->reported, 0, sizeof(layer->reported));
	layer->is_acknowledged = false;
}

size_t layer_step(struct layer *layer, uint64_t tick, uint64_t now_ns,
	struct layer_transition transitions[LAYER_TRANSITIONS_MAX]) {
	if (layer->guest == NULL) {
		return 0;
	}
	struct layer_signs signs;
	look(layer, now_ns, &signs);
	size_t len = layer_machine_step(&layer->machine, &signs, tick, now_ns, transitions);

	for (size_t i = 0; i < len; i++) {
		if (transitions[i].from == LAYER_LIVE && transitions[i].to != LAYER_LIVE) {
			atomic_fetch_add(layer->losses_value, 1);
			atomic_store(layer->lost_ns_value, now_ns);
		}
	}
	atomic_store(layer->state_value, layer->machine.state);
	atomic_store(layer->cause_value, layer->machine.cause);
	atomic_store(layer->frames_value, channel_of(layer)->frames);
	atomic_store(layer->rejected_value, channel_of(layer)->rejected);
	return len;
}

bool layer_has_new_picture(const struct layer *layer) {
	return layer->guest != NULL && channel_of(layer)->frames != layer->machine.seen.frames;
}

static bool has_source(const struct layer *layer) {
	const struct guest *guest = layer->guest;
	return guest->is_linked && !guest->died &&
		link_get_peer(&guest->link.link) == LINK_PEER_RUNNING &&
		!channel_of(layer)->view.retracted;
}

bool layer_is_judged(const struct layer *layer) {
	switch (layer_state(layer)) {
	case LAYER_LIVE:
	case LAYER_SUSPECT:
	case LAYER_RECOVERING:
		return layer->guest != NULL;
	case LAYER_STARTING:
	case LAYER_PLACEHOLDER:
		return has_source(layer);
	case LAYER_ABSENT:
	case LAYER_QUARANTINED:
		break;
	}
	return false;
}

static struct sprite tile_sprite(const struct layer *layer, bool scaled) {
	const struct atlas_tile *tile = layer->tile;
	struct sprite sprite = { .opacity = layer->opacity, .place = layer->place };
	if (tile == NULL) {
		sprite.colour = NO_TILE_COLOUR;
		sprite.opaque = layer->opacity == 255;
		return sprite;
	}
	sprite.pixels = (const uint8_t *)atlas_pixels(layer->atlas, tile);
	sprite.stride = tile->width * PIXEL_BYTES;
	sprite.width = tile->width;
	sprite.height = tile->height;
	sprite.format = PIXEL_FORMAT_BGRA;
	sprite.opaque = tile->opaque != 0 && layer->opacity == 255;
	if (!scaled) {
		sprite.place.width = tile->width;
		sprite.place.height = tile->height;
	}
	return sprite;
}

static struct sprite guest_sprite(const struct layer *layer, const struct frame_view *view) {
	struct sprite sprite = {
		.pixels = view->pixels,
		.stride = view->frame.stride,
		.width = view->frame.width,
		.height = view->frame.height,
		.format = view->frame.format,
		.opacity = layer->opacity,
		.opaque = layer->opacity == 255 && !pixel_format_has_alpha(view->frame.format),
		.place = layer->place,
	};
	if (layer->config->scale == 0) {
		sprite.place.width = sprite.width;
		sprite.place.height = sprite.height;
	}
	return sprite;
}

/* Where a guest's pixel goes, rounded down, on one axis. */
static int64_t scale_position(int64_t position, uint32_t from_len, uint32_t to_len) {
	int64_t scaled = position * to_len;
	return scaled / from_len - (scaled % from_len < 0);
}

/* The cursor is drawn with the picture it belongs to: scaled as that is, clipped to what shows of it. */
static void add_cursor(const struct layer *layer, const struct frame_cursor *cursor,
	const struct sprite *picture, const struct rect *clip, int64_t order, struct scene *scene) {
	const struct rect *place = &picture->place;
	int64_t x =
		scale_position((int64_t)cursor->x - cursor->hot_x, picture->width, place->width);
	int64_t y =
		scale_position((int64_t)cursor->y - cursor->hot_y, picture->height, place->height);
	/* far outside in any case, and no sum below overflows */
	if (x < -PAINTER_SOURCE_MAX || x > PAINTER_SOURCE_MAX || y < -PAINTER_SOURCE_MAX ||
		y > PAINTER_SOURCE_MAX) {
		return;
	}
	struct sprite sprite = {
		.pixels = (const uint8_t *)cursor->image,
		.stride = FRAME_CURSOR_SIZE * PIXEL_BYTES,
		.width = FRAME_CURSOR_SIZE,
		.height = FRAME_CURSOR_SIZE,
		.format = PIXEL_FORMAT_BGRA,
		.opacity = layer->opacity,
		.place = {
			.x = place->x + (int32_t)x,
			.y = place->y + (int32_t)y,
			.width = (uint32_t)MAX(scale_position(FRAME_CURSOR_SIZE, picture->width, place->width), 1),
			.height = (uint32_t)MAX(scale_position(FRAME_CURSOR_SIZE, picture->height, place->height), 1),
		},
	};
	const struct scene_item item = {
		.id = 2 * layer->index + 1,
		.order = order + 1,
		.content = cursor,
		.version = cursor->image_sequence,
	};
	struct rect cursor_clip = rect_intersect(place, clip);
	scene_add(scene, &item, &sprite, &cursor_clip);
}

static struct rect layer_clip(const struct layer *layer, const struct rect *output) {
	struct rect clip = rect_intersect(&layer->place, output);
	if (!rect_is_empty(&layer->config->clip)) {
		clip = rect_intersect(&clip, &layer->config->clip);
	}
	return clip;
}

static void add_guest_picture(
	struct layer *layer, const struct rect *clip, int64_t order, struct scene *scene) {
	const struct guest_channel *channel = channel_of(layer);
	struct sprite sprite = guest_sprite(layer, &channel->view);
	const struct scene_item item = {
		.id = 2 * layer->index,
		.order = order,
		.content = channel,
	};
	struct scene_item *added = scene_add(scene, &item, &sprite, clip);
	if (added != NULL) {
		scene_damage_item(scene, added, &layer->damage);
	}
	if (channel->cursor.visible != 0) {
		add_cursor(layer, &channel->cursor, &sprite, clip, order, scene);
	}
}

void layer_add_to_scene(struct layer *layer, struct scene *scene, const struct rect *output) {
	struct rect clip = layer_clip(layer, output);
	/* room for the cursor of this layer below the picture of the next one */
	int64_t order = ((int64_t)layer->z * CONFIG_LAYERS_MAX + layer->index) * 2;

	if (layer->is_visible && layer->guest != NULL &&
		layer_machine_shows_picture(&layer->machine) &&
		channel_of(layer)->view.pixels != NULL) {
		add_guest_picture(layer, &clip, order, scene);
	} else if (layer->is_visible) {
		/* a placeholder fills its layer; a configured picture does as it is told */
		bool scaled = layer->guest != NULL || layer->config->scale != 0;
		struct sprite sprite = tile_sprite(layer, scaled);
		const struct scene_item item = {
			.id = 2 * layer->index,
			.order = order,
			.content = layer,
		};
		scene_add(scene, &item, &sprite, &clip);
	}
	rects_clear(&layer->damage);
}

/* the least and the most of a command's values, by enum control_layer */
static const struct {
	int64_t least, most;
	bool has_two;
} ranges[] = {
	[CONTROL_LAYER_AT] = { -CONFIG_PLACE_MAX, CONFIG_PLACE_MAX, true },
	[CONTROL_LAYER_SIZE] = { 1, CONFIG_SIZE_MAX, true },
	[CONTROL_LAYER_Z] = { INT32_MIN, INT32_MAX, false },
	[CONTROL_LAYER_OPACITY] = { 0, 255, false },
	[CONTROL_LAYER_VISIBLE] = { 0, 1, false },
	[CONTROL_LAYER_CONNECT] = { 0, 1, false },
};

static bool is_in_range(int64_t command, const int64_t values[3]) {
	if (command < 0 || command >= (int64_t)ARRAY_LEN(ranges)) {
		return false;
	}
	for (int i = 0; i < (ranges[command].has_two ? 2 : 1); i++) {
		if (values[i] < ranges[command].least || values[i] > ranges[command].most) {
			return false;
		}
	}
	return true;
}

int layer_command(struct layer *layer, int64_t command, const int64_t values[3]) {
	if (!is_in_range(command, values)) {
		return -EINVAL;
	}
	switch ((enum control_layer)command) {
	case CONTROL_LAYER_AT:
		layer->place.x = (int32_t)values[0];
		layer->place.y = (int32_t)values[1];
		break;
	case CONTROL_LAYER_SIZE:
		layer->place.width = (uint32_t)values[0];
		layer->place.height = (uint32_t)values[1];
		break;
	case CONTROL_LAYER_Z:
		layer->z = (int32_t)values[0];
		break;
	case CONTROL_LAYER_OPACITY:
		layer->opacity = (uint8_t)values[0];
		break;
	case CONTROL_LAYER_VISIBLE:
		layer->is_visible = values[0] != 0;
		break;
	case CONTROL_LAYER_CONNECT:
		if (layer->guest == NULL) {
			return -EINVAL;
		}
		layer->is_connected = values[0] != 0;
		break;
	}
	return 0;
}
