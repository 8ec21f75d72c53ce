#include "compositor/screen.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>

#include "core/log.h"
#include "core/macros.h"

static const char *const state_names[] = {
	[SCREEN_INIT] = "init",
	[SCREEN_FALLBACK] = "fallback",
	[SCREEN_NORMAL] = "normal",
	[SCREEN_DEGRADED] = "degraded",
};

static void export_values(struct screen *screen, struct stats *stats) {
	const char *name = screen->config->name;
	screen->exported = (struct screen_values) {
		.state = stats_value(stats, SCREEN_STATE_NAMES, "output.%s.state", name),
		.ticks = stats_value(stats, "", "output.%s.ticks", name),
		.frames = stats_value(stats, "", "output.%s.frames", name),
		.missed = stats_value(stats, "", "output.%s.missed", name),
		.fallbacks = stats_value(stats, "", "output.%s.fallbacks", name),
		.fallback_ns = stats_value(stats, "time", "output.%s.fallback_ns", name),
		.compose_ns_last = stats_value(stats, "ns", "output.%s.compose_ns_last", name),
		.compose_ns_max = stats_value(stats, "ns", "output.%s.compose_ns_max", name),
		.lateness_ns_last = stats_value(stats, "ns", "output.%s.lateness_ns_last", name),
		.lateness_ns_max = stats_value(stats, "ns", "output.%s.lateness_ns_max", name),
	};
	atomic_store(screen->exported.state, SCREEN_INIT);
}

static uint64_t period_of(const struct config_output *config) {
	return NS_PER_S * 1000 / config->refresh_mhz;
}

int screen_init(struct screen *screen, const struct config *config, uint32_t index,
	const struct atlas *atlas, struct output *output, int step_fd, struct painter *painter,
	struct stats *stats) {
	*screen = (struct screen) { .config = &config->outputs[index], .output = output };
	int err = ticker_init(&screen->ticker, (enum ticker_kind)screen->config->clock,
		period_of(screen->config), step_fd);
	if (err < 0) {
		output_destroy(output);
		return err;
	}
	pace_init(&screen->pace);
	ticker_set_lead(&screen->ticker, screen->pace.lead_ns);
	canvas_init(&screen->canvas, output, painter, screen->config->background);
	hmi_values_init(&screen->values);
	if (screen->config->fallback) {
		hmi_init(&screen->hmi, atlas, config, index);
	}
	export_values(screen, stats);
	return 0;
}

void screen_finish(struct screen *screen) {
	if (screen->output != NULL) {
		ticker_finish(&screen->ticker);
		output_destroy(screen->output);
	}
	screen->output = NULL;
}

void screen_add_layer(struct screen *screen, struct layer *layer) {
	assert(screen->layers_len < CONFIG_LAYERS_MAX);
	screen->layers[screen->layers_len++] = layer;
	screen_sort_layers(screen);
}

static bool is_behind(const struct layer *a, const struct layer *b) {
	return a->z != b->z ? a->z < b->z : a->index < b->index;
}

void screen_sort_layers(struct screen *screen) {
	for (uint32_t i = 1; i < screen->layers_len; i++) {
		struct layer *layer = screen->layers[i];
		uint32_t at = i;
		for (; at > 0 && is_behind(layer, screen->layers[at - 1]); at--) {
			screen->layers[at] = screen->layers[at - 1];
		}
		screen->layers[at] = layer;
	}
}

static bool is_missing(const struct layer *layer) {
	return layer->config->critical && layer->guest != NULL &&
		!layer_machine_shows_picture(&layer->machine);
}

/* Bit n: critical layer n. */
static uint32_t missing_layers(const struct screen *screen) {
	uint32_t missing = 0;
	for (uint32_t i = 0; i < screen->layers_len; i++) {
		if (is_missing(screen->layers[i])) {
			missing |= UINT32_C(1) << screen->layers[i]->index;
		}
	}
	return missing;
}

static enum screen_state judge(const struct screen *screen) {
	if (screen->config->fallback &&
		(screen->state == SCREEN_INIT || missing_layers(screen) != 0)) {
		return SCREEN_FALLBACK;
	}
	for (uint32_t i = 0; i < screen->layers_len; i++) {
		if (layer_state(screen->layers[i]) != LAYER_LIVE) {
			return SCREEN_DEGRADED;
		}
	}
	return SCREEN_NORMAL;
}

static void step_layers(struct screen *screen, uint64_t now_ns) {
	/* steps come as fast as a test likes, so only their number counts there */
	uint64_t echo_ns = screen->ticker.kind == TICKER_STEP
		? 0
		: GUEST_ECHO_TICKS * screen->ticker.period_ns;

	screen->events_len = 0;
	for (uint32_t i = 0; i < screen->layers_len; i++) {
		struct layer *layer = screen->layers[i];
		struct layer_transition made[LAYER_TRANSITIONS_MAX];
		size_t len = layer_step(layer, screen->tick, echo_ns, now_ns, made);
		for (size_t n = 0; n < len; n++) {
			screen->events[screen->events_len++] =
				(struct screen_event) { layer, made[n] };
		}
	}
}

static void build_scene(struct screen *screen) {
	struct rect bounds = canvas_bounds(&screen->canvas);
	struct scene *scene = canvas_begin(&screen->canvas);

	for (uint32_t i = 0; i < screen->layers_len; i++) {
		struct layer *layer = screen->layers[i];
		if (screen->state == SCREEN_FALLBACK && layer->config->critical) {
			/* all of it is new when it comes back */
			rects_clear(&layer->damage);
		} else {
			layer_add_to_scene(layer, scene, &bounds);
		}
	}
	if (screen->state == SCREEN_FALLBACK) {
		hmi_add_to_scene(
			&screen->hmi, &screen->values, missing_layers(screen), scene, &bounds);
	}
}

static void store_max(_Atomic uint64_t *value, uint64_t candidate) {
	if (candidate > atomic_load(value)) {
		atomic_store(value, candidate);
	}
}

static unsigned long long microseconds(uint64_t from_ns, uint64_t to_ns) {
	return to_ns > from_ns ? (to_ns - from_ns) / 1000 : 0;
}

static void log_layer(const struct screen_event *event, uint64_t now_ns, uint64_t done_ns) {
	const struct layer_transition *made = &event->transition;
	const char *name = event->layer->config->name;
	const char *from = layer_state_name(made->from);
	const char *to = layer_state_name(made->to);
	const char *cause = layer_cause_name(made->cause);

	if (made->from == LAYER_LIVE) {
		log_outsider(LOG_WARNING,
			"layer %s: %s -> %s: %s; noticed within %llu us, shown after %llu us", name,
			from, to, cause, microseconds(made->onset_ns, now_ns),
			microseconds(now_ns, done_ns));
	} else {
		log_outsider(LOG_INFO, "layer %s: %s -> %s (%s), shown after %llu us", name, from,
			to, cause, microseconds(now_ns, done_ns));
	}
}

/* After the picture is shown: a line costs time. */
static void report(
	struct screen *screen, enum screen_state before, uint64_t now_ns, uint64_t done_ns) {
	for (uint32_t i = 0; i < screen->events_len; i++) {
		log_layer(&screen->events[i], now_ns, done_ns);
	}
	if (screen->state == before) {
		return;
	}
	bool is_bad = screen->state != SCREEN_NORMAL && before != SCREEN_INIT;
	log_printf(is_bad ? LOG_WARNING : LOG_INFO, "output %s: %s -> %s, shown after %llu us",
		screen->config->name, state_names[before], state_names[screen->state],
		microseconds(now_ns, done_ns));
	atomic_store(screen->exported.state, screen->state);
	if (screen->state == SCREEN_FALLBACK) {
		atomic_fetch_add(screen->exported.fallbacks, 1);
		atomic_store(screen->exported.fallback_ns, done_ns);
	}
}

static void count(
	struct screen *screen, uint64_t due_ns, uint64_t now_ns, uint64_t done_ns, bool was_shown) {
	const struct screen_values *exported = &screen->exported;
	atomic_fetch_add(exported->ticks, 1);
	atomic_fetch_add(exported->frames, was_shown);
	atomic_store(exported->compose_ns_last, done_ns - now_ns);
	store_max(exported->compose_ns_max, done_ns - now_ns);
	if (screen->ticker.kind != TICKER_REAL) {
		return;
	}
	/* late counts from the first tick that was not served */
	uint64_t missed = screen->ticker.missed - screen->missed;
	uint64_t first_due_ns = due_ns - missed * screen->ticker.period_ns;
	uint64_t lateness_ns = done_ns > first_due_ns ? done_ns - first_due_ns : 0;
	screen->missed = screen->ticker.missed;
	atomic_fetch_add(exported->missed, missed);
	atomic_store(exported->lateness_ns_last, lateness_ns);
	store_max(exported->lateness_ns_max, lateness_ns);
}

/* The scene of the present state, shown. Returns when that was done. */
static uint64_t compose(struct screen *screen, bool *was_shown) {
	build_scene(screen);
	uint64_t shown_ns;
	canvas_compose(&screen->canvas);
	canvas_present(&screen->canvas, &shown_ns);
	*was_shown = shown_ns != 0;
	return *was_shown ? shown_ns : clock_now_ns();
}

void screen_light(struct screen *screen) {
	uint64_t now_ns = clock_now_ns();
	bool was_shown;
	screen->state = judge(screen);
	uint64_t done_ns = compose(screen, &was_shown);
	report(screen, SCREEN_INIT, now_ns, done_ns);
	atomic_fetch_add(screen->exported.frames, was_shown);
}

uint64_t screen_tick(struct screen *screen, uint64_t due_ns, uint64_t now_ns) {
	enum screen_state before = screen->state;
	bool was_shown;

	screen->tick++;
	step_layers(screen, now_ns);
	screen->state = judge(screen);
	uint64_t done_ns = compose(screen, &was_shown);

	count(screen, due_ns, now_ns, done_ns, was_shown);
	report(screen, before, now_ns, done_ns);
	if (pace_add(&screen->pace, done_ns - now_ns)) {
		ticker_set_lead(&screen->ticker, screen->pace.lead_ns);
	}
	return done_ns;
}

bool screen_is_waiting(const struct screen *screen) {
	for (uint32_t i = 0; i < screen->layers_len; i++) {
		const struct layer *layer = screen->layers[i];
		if (layer->guest != NULL && layer_machine_is_waiting(&layer->machine)) {
			return true;
		}
	}
	return false;
}
