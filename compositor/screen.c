#include "compositor/screen.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>

#include "compositor/inject.h"
#include "compositor/memory.h"
#include "compositor/spoiler.h"
#include "core/log.h"
#include "core/macros.h"

#define FLICKER_MS 10000
#define BLACK_ID (SCENE_IDS - 2)

static const char black_out_content; /* what a scene's item of it is made of */

static void export_values(struct screen *screen, struct stats *stats) {
	const char *name = screen->config->name;
	screen->exported = (struct screen_values) {
		.state = stats_value(stats, SCREEN_STATE_NAMES, "output.%s.state", name),
		.cause = stats_value(stats, "fault", "output.%s.cause", name),
		.ticks = stats_value(stats, "", "output.%s.ticks", name),
		.frames = stats_value(stats, "", "output.%s.frames", name),
		.missed = stats_value(stats, "", "output.%s.missed", name),
		.fallbacks = stats_value(stats, "", "output.%s.fallbacks", name),
		.fallback_ns = stats_value(stats, "time", "output.%s.fallback_ns", name),
		.mode_sets = stats_value(stats, "", "output.%s.mode_sets", name),
		.repaints = stats_value(stats, "", "output.%s.repaints", name),
		.compose_ns_last = stats_value(stats, "ns", "output.%s.compose_ns_last", name),
		.compose_ns_max = stats_value(stats, "ns", "output.%s.compose_ns_max", name),
		.lateness_ns_last = stats_value(stats, "ns", "output.%s.lateness_ns_last", name),
		.lateness_ns_max = stats_value(stats, "ns", "output.%s.lateness_ns_max", name),
	};
	atomic_store(screen->exported.state, SCREEN_INIT);
	atomic_store(screen->exported.cause, FAULT_NONE);
}

static uint64_t period_of(const struct config_output *config) {
	return NS_PER_S * 1000 / config->refresh_mhz;
}

static void init_machine(struct screen *screen) {
	const struct config_output *config = screen->config;
	const struct ticker *ticker = &screen->ticker;
	const struct screen_limits limits = {
		.has_fallback = config->fallback != 0,
		.dwell_ticks =
			config->dwell_ms == 0 ? 0 : ticker_ticks_from_ms(ticker, config->dwell_ms),
		.flicker_max = config->flicker_max,
		.flicker_ticks = ticker_ticks_from_ms(ticker, FLICKER_MS),
	};
	screen_machine_init(&screen->machine, &limits);
}

int screen_init(struct screen *screen, const struct config *config, uint32_t index,
	struct output *output, int step_fd, const struct screen_parts *parts) {
	*screen = (struct screen) {
		.config = &config->outputs[index],
		.index = index,
		.output = output,
		.atlas = parts->atlas,
		.values = parts->values,
	};
	int err = ticker_init(&screen->ticker, (enum ticker_kind)screen->config->clock,
		period_of(screen->config), step_fd);
	if (err < 0) {
		output_destroy(output);
		return err;
	}
	init_machine(screen);
	journal_init(&screen->journal, screen->config->name, parts->page, parts->stats);
	pace_init(&screen->pace);
	timing_init(&screen->timing, screen->ticker.period_ns);
	flips_init(&screen->flips, output, clock_now_ns());
	ticker_set_lead(&screen->ticker, screen->pace.lead_ns);
	canvas_init(&screen->canvas, output, parts->painter, screen->config->background);
	if (screen->config->fallback) {
		hmi_init(&screen->hmi, parts->atlas, config, index);
		screen->has_overlay = config->safety.signals != 0;
	}
	const struct verifier_parts verified = {
		.hmi = &screen->hmi,
		.copies = parts->copies,
		.canvas = &screen->canvas,
		.page = parts->page,
		.journal = &screen->journal,
		.stats = parts->stats,
		.has_elements = screen->has_overlay,
	};
	verifier_init(&screen->verifier, config, index, &verified);
	export_values(screen, parts->stats);
	return 0;
}

void screen_finish(struct screen *screen) {
	if (screen->output != NULL) {
		ticker_finish(&screen->ticker);
		output_destroy(screen->output);
	}
	screen->output = NULL;
}

void screen_add_layer(struct screen *screen, const struct config *config, struct layer *layer) {
	assert(screen->layers_len < CONFIG_LAYERS_MAX);
	verifier_add_layer(&screen->verifier, config, layer, &screen->ticker);
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

void screen_report(struct screen *screen, enum fault_cause cause) {
	screen->reported |= FAULT_BIT(cause);
}

void screen_acknowledge(struct screen *screen) {
	screen->is_acknowledged = true;
	journal_acknowledge(&screen->journal);
}

enum screen_state screen_state(const struct screen *screen) {
	return screen->machine.state;
}

uint64_t screen_time_ns(const struct screen *screen) {
	const struct ticker *ticker = &screen->ticker;
	return ticker->kind == TICKER_IMMEDIATE
		? clock_now_ns()
		: (ticker->count + ticker->missed) * ticker->period_ns;
}

/* ---- judging ---- */

static void step_layers(struct screen *screen, uint64_t now_ns) {
	screen->events_len = 0;
	for (uint32_t i = 0; i < screen->layers_len; i++) {
		struct layer *layer = screen->layers[i];
		struct layer_transition made[LAYER_TRANSITIONS_MAX];
		size_t len = layer_step(layer, screen->tick, now_ns, made);
		for (size_t n = 0; n < len; n++) {
			screen->events[screen->events_len++] =
				(struct screen_event) { layer, made[n] };
		}
	}
}

/* Why the output cannot do without the fallback as far as this layer goes; NONE: it can. */
static enum fault_cause lacking(const struct layer *layer) {
	if (layer->guest == NULL || layer_machine_shows_picture(&layer->machine)) {
		return FAULT_NONE;
	}
	bool asks = layer->machine.reaction >= FAULT_REACTION_FALLBACK;
	return layer->config->critical || asks ? layer->machine.cause : FAULT_NONE;
}

static void look_at_layer(const struct layer *layer, struct screen_signs *signs) {
	bool is_live = layer_state(layer) == LAYER_LIVE;
	signs->impaired = signs->impaired || !is_live;
	signs->waiting =
		signs->waiting || (layer->config->critical && layer->guest != NULL && !is_live);
	if (signs->missing == FAULT_NONE) {
		signs->missing = lacking(layer);
	}
}

/* A loss, or something that makes it worse; not a quarantine that ends. */
static bool is_loss(const struct layer_transition *made) {
	return made->from == made->to
		? made->reaction > FAULT_REACTION_LOG
		: made->to == LAYER_PLACEHOLDER && made->from != LAYER_QUARANTINED;
}

/* What a loss at this tick means to the output. */
static void look_at_event(const struct screen_event *event, struct screen_signs *signs) {
	const struct layer_transition *made = &event->transition;
	if (!is_loss(made)) {
		return;
	}
	if (made->cause == signs->missing) {
		signs->missing_onset_ns = made->onset_ns;
	}
	if (made->reaction == FAULT_REACTION_SAFE) {
		signs->unsafe = made->cause;
	}
}

/* Whether pictures arrive. What may still be helped is written down, and a refused picture is tried again
 * as the fallback; what cannot be helped is reported. */
static void step_flips(struct screen *screen, uint64_t now_ns, struct screen_signs *signs) {
	struct flips *flips = &screen->flips;
	struct flips_verdict verdict;
	if (screen->is_acknowledged && flips->is_hopeless) {
		flips_acknowledge(flips, now_ns);
		canvas_forget_shown(&screen->canvas);
	}
	flips_step(flips, screen->tick + screen->ticker.missed, now_ns, &verdict);
	atomic_store(screen->exported.mode_sets, flips->mode_sets);
	atomic_store(screen->exported.repaints, flips->repaints);
	if (verdict.is_repaint) {
		canvas_forget_shown(&screen->canvas);
	}
	if (flips->is_hopeless) {
		/* a mode that cannot be set is a display that refuses */
		signs->unsafe = flips->cause == FAULT_MODE ? FAULT_COMMIT : flips->cause;
	} else if (flips->cause != FAULT_NONE) {
		signs->noted |= FAULT_BIT(flips->cause);
		signs->missing = flips->cause == FAULT_COMMIT ? FAULT_COMMIT : FAULT_NONE;
		signs->missing_onset_ns = verdict.began == FAULT_COMMIT ? verdict.onset_ns : 0;
	}
}

static void step_machine(struct screen *screen, uint64_t now_ns) {
	struct screen_signs signs = {
		.reported = screen->reported,
		.acknowledged = screen->is_acknowledged,
		.no_hysteresis = !mechanism_is_on(MECHANISM_HYSTERESIS),
	};
	step_flips(screen, now_ns, &signs);
	for (uint32_t i = 0; i < screen->layers_len; i++) {
		look_at_layer(screen->layers[i], &signs);
	}
	for (uint32_t i = 0; i < screen->events_len; i++) {
		look_at_event(&screen->events[i], &signs);
	}
	screen->transitions_len = (uint32_t)screen_machine_step(
		&screen->machine, &signs, screen->tick, now_ns, screen->transitions);
	screen->reported = 0;
	screen->is_acknowledged = false;
}

/* ---- showing ---- */

/* Nothing but black, above all else. */
static void black_out(struct scene *scene, const struct rect *bounds) {
	const struct sprite sprite = { .opacity = 255, .opaque = true, .place = *bounds };
	const struct scene_item item = {
		.id = BLACK_ID,
		.order = INT64_MAX,
		.content = &black_out_content,
	};
	scene_add(scene, &item, &sprite, bounds);
}

static void build_scene(struct screen *screen, struct scene *scene) {
	struct rect bounds = canvas_bounds(&screen->canvas);
	enum screen_state state = screen_state(screen);

	if (state == SCREEN_SAFE) {
		for (uint32_t i = 0; i < screen->layers_len; i++) {
			rects_clear(&screen->layers[i]->damage);
		}
		verifier_arrange(&screen->verifier, VERIFIER_NOTHING, scene);
		black_out(scene, &bounds);
		return;
	}
	for (uint32_t i = 0; i < screen->layers_len; i++) {
		struct layer *layer = screen->layers[i];
		if (state == SCREEN_FALLBACK && layer->config->critical) {
			/* all of it is new when it comes back */
			rects_clear(&layer->damage);
		} else {
			layer_add_to_scene(layer, scene, &bounds);
		}
	}
	verifier_arrange(&screen->verifier,
		state == SCREEN_FALLBACK ? VERIFIER_HOST : VERIFIER_LAYERS, scene);
	if (state == SCREEN_FALLBACK) {
		hmi_add_fallback(
			&screen->hmi, screen->values, missing_layers(screen), scene, &bounds);
	} else if (screen->has_overlay) {
		hmi_add_overlay(
			&screen->hmi, screen->values, screen->verifier.host_drawn, scene, &bounds);
	}
	spoiler_add_to_scene(screen->atlas, screen->config->name, scene, &bounds);
}

static void store_max(_Atomic uint64_t *value, uint64_t candidate) {
	if (candidate > atomic_load(value)) {
		atomic_store(value, candidate);
	}
}

/* Before it is shown. */
static void note(struct screen *screen, uint64_t now_ns) {
	struct safety_page *page = screen->journal.page;
	memory_keep_screen(page, screen);
	for (uint32_t i = 0; i < screen->layers_len; i++) {
		memory_keep_layer(page, screen->layers[i]);
	}
	for (uint32_t i = 0; i < screen->events_len; i++) {
		const struct screen_event *event = &screen->events[i];
		journal_add_layer(
			&screen->journal, event->layer, &event->transition, screen->tick, now_ns);
	}
	for (uint32_t i = 0; i < screen->transitions_len; i++) {
		journal_add_output(&screen->journal, &screen->transitions[i], screen->tick, now_ns);
	}
}

/* After the picture is shown: a line costs time. */
static void report(struct screen *screen, uint64_t now_ns, uint64_t done_ns) {
	journal_close(&screen->journal, now_ns, done_ns);
	for (uint32_t i = 0; i < screen->transitions_len; i++) {
		const struct screen_transition *made = &screen->transitions[i];
		if (made->from != made->to && made->to == SCREEN_FALLBACK) {
			atomic_fetch_add(screen->exported.fallbacks, 1);
			atomic_store(screen->exported.fallback_ns, done_ns);
		}
	}
	atomic_store(screen->exported.state, screen_state(screen));
	atomic_store(screen->exported.cause, screen->machine.cause);
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

/* The scene of the present state, checked, then shown. Returns when that was done. */
static uint64_t compose(struct screen *screen, bool *was_shown) {
	const char *name = screen->config->name;
	uint64_t shown_ns;
	build_scene(screen, canvas_begin(&screen->canvas));
	canvas_compose(&screen->canvas);
	watchdog_chain_add(&screen->chain, WATCHDOG_COMPOSE);
	spoiler_flip_composed(screen->atlas, name, &screen->canvas);
	screen->reported |= verifier_check(&screen->verifier, canvas_scene(&screen->canvas));
	watchdog_chain_add(&screen->chain, WATCHDOG_CHECK);
	flips_handle_show(&screen->flips, canvas_present(&screen->canvas, &shown_ns));
	watchdog_chain_add(&screen->chain, WATCHDOG_SHOW);
	spoiler_flip_shown(screen->atlas, name, screen->output);
	*was_shown = shown_ns != 0;
	verifier_note_shown(&screen->verifier, *was_shown);
	return *was_shown ? shown_ns : clock_now_ns();
}

void screen_light(struct screen *screen) {
	uint64_t now_ns = clock_now_ns();
	bool was_shown;
	verifier_begin(&screen->verifier, screen->values, screen->tick, now_ns);
	step_machine(screen, now_ns);
	note(screen, now_ns);
	uint64_t done_ns = compose(screen, &was_shown);
	report(screen, now_ns, done_ns);
	verifier_report(&screen->verifier, done_ns);
	atomic_fetch_add(screen->exported.frames, was_shown);
}

uint64_t screen_tick(struct screen *screen, uint64_t due_ns, uint64_t now_ns) {
	bool was_shown;

	screen->tick++;
	screen->reported |= verifier_begin(&screen->verifier, screen->values, screen->tick, now_ns);
	step_layers(screen, now_ns);
	step_machine(screen, now_ns);
	note(screen, now_ns);
	watchdog_chain_add(&screen->chain, WATCHDOG_JUDGE);
	uint64_t done_ns = compose(screen, &was_shown);

	count(screen, due_ns, now_ns, done_ns, was_shown);
	report(screen, now_ns, done_ns);
	verifier_report(&screen->verifier, done_ns);
	if (pace_add(&screen->pace, done_ns - now_ns)) {
		ticker_set_lead(&screen->ticker, screen->pace.lead_ns);
	}
	return done_ns;
}

bool screen_is_waiting(const struct screen *screen) {
	if (screen->machine.is_waiting) {
		return true;
	}
	for (uint32_t i = 0; i < screen->layers_len; i++) {
		const struct layer *layer = screen->layers[i];
		if (layer->guest != NULL && layer_machine_is_waiting(&layer->machine)) {
			return true;
		}
	}
	return false;
}
