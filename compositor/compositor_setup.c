#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "compositor/compositor_parts.h"
#include "compositor/inject.h"
#include "compositor/memory.h"
#include "core/fd.h"
#include "core/log.h"
#include "display/output.h"
#include "display/output_inject.h"

static int open_config(struct compositor *compositor, struct grants *grants) {
	compositor->config = config_map(grants->config);
	if (compositor->config == NULL) {
		log_error("the configuration cannot be used: %s", strerror(errno));
		return -EINVAL;
	}
	inject_init(compositor->config->safety.allow_inject != 0);
	if (grants->atlas < 0) {
		log_error("no atlas was granted: plain areas stand for every picture");
		return 0;
	}
	int err = atlas_copies_init(&compositor->copies, grants->atlas);
	compositor->atlas = compositor->copies.atlas;
	if (err < 0) {
		/* a driver is better served by plain areas than by nothing */
		log_error("the atlas cannot be used: %s; plain areas stand for every picture",
			strerror(-err));
	}
	return 0;
}

/* Faults are answered with or without a page to write them down in. */
static void open_safety_page(struct compositor *compositor, struct grants *grants) {
	if (grants->safety < 0) {
		return;
	}
	compositor->safety = safety_page_map(grants->safety);
	grants->safety = -1;
	if (compositor->safety == NULL) {
		log_error("the safety page cannot be used: %s; faults are only logged",
			strerror(errno));
	}
}

static bool has_fallback(const struct config *config) {
	for (uint32_t i = 0; i < config->outputs_len; i++) {
		if (config->outputs[i].fallback) {
			return true;
		}
	}
	return false;
}

static void open_signals(struct compositor *compositor, struct grants *grants) {
	const struct config_safety *safety = &compositor->config->safety;
	bool is_expected = safety->signals && has_fallback(compositor->config);
	if (is_expected && grants->signals < 0) {
		log_error("no socket of signals was granted: everything is shown as unknown");
	}
	signals_init(&compositor->signals, is_expected, grants->signals,
		safety->signal_timeout_ms * NS_PER_MS, compositor->stats);
	grants->signals = -1;
}

static void open_cues(struct compositor *compositor, struct grants *grants) {
	const struct cues_setup setup = {
		.config = &compositor->config->safety,
		.atlas = &compositor->atlas,
		.page = compositor->safety,
		.stats = compositor->stats,
		.fds = grants->cues,
		.buzzer = grants->buzzer,
	};
	grants->buzzer = -1;
	cues_init(&compositor->cues, &setup);
}

static int add_stage(struct compositor *compositor, struct grants *grants, uint32_t index) {
	const struct config_output *config = &compositor->config->outputs[index];
	struct stage *stage = &compositor->stages[index];
	struct output *output =
		output_create(config->kind, grants->outputs[index], config->width, config->height);
	if (output != NULL && inject_is_allowed()) {
		output = output_inject_create(output,
			stats_value(
				compositor->stats, "time", "output.%s.fault_hit_ns", config->name));
	}
	if (output == NULL) {
		log_error("output %s cannot be used: %s", config->name, strerror(errno));
		return -EINVAL;
	}
	stage->compositor = compositor;
	stage->step = grants->steps[index];
	grants->steps[index] = -1;
	const struct screen_parts parts = {
		.atlas = &compositor->atlas,
		.copies = &compositor->copies,
		.values = compositor->signals.receiver.values,
		.painter = compositor->painter,
		.page = compositor->safety,
		.stats = compositor->stats,
	};
	int err =
		screen_init(&stage->screen, compositor->config, index, output, stage->step, &parts);
	if (err < 0) {
		fd_close(&stage->step);
		log_error("output %s has no clock: %s", config->name, strerror(-err));
		return err;
	}
	memory_restore_screen(compositor->safety, &stage->screen);
	if (compositor->signals.is_expected && config->fallback &&
		compositor->signal_clock == NULL) {
		compositor->signal_clock = &stage->screen;
	}
	compositor->stages_len = index + 1;
	return 0;
}

static int add_seat(struct compositor *compositor, struct grants *grants, uint32_t index) {
	const struct config_guest *config = &compositor->config->guests[index];
	struct seat *seat = &compositor->seats[index];
	int *fds = grants->links[index];
	bool granted = fds[LINK_POOL] >= 0;

	if (!granted && config->gpu.enabled) {
		log_error("guest %s: no link was granted: it stays absent", config->name);
	}
	seat->compositor = compositor;
	int err = guest_init(&seat->guest, config, granted ? fds : NULL);
	for (size_t i = 0; i < LINK_FDS; i++) {
		fds[i] = -1; /* taken over, come what may */
	}
	if (err < 0) {
		log_error("guest %s: its link cannot be used: %s; it stays absent", config->name,
			strerror(-err));
		guest_init(&seat->guest, config, NULL);
	}
	compositor->seats_len = index + 1;
	return 0;
}

static const struct atlas_element *find_verified(
	const struct compositor *compositor, const struct config_verified *verified) {
	const struct config_layer *layer = &compositor->config->layers[verified->layer];
	const char *output = compositor->config->outputs[layer->output].name;
	for (uint32_t i = 0; i < compositor->atlas.elements_len; i++) {
		const struct atlas_element *element = &compositor->atlas.elements[i];
		if (strcmp(element->name, verified->element) == 0 &&
			strcmp(element->output, output) == 0) {
			return element;
		}
	}
	return NULL;
}

/* What the pictures of a layer's channel must be: opaque above all where verified elements are. */
static void set_rules(
	const struct compositor *compositor, uint32_t index, struct guest_channel *channel) {
	const struct config *config = compositor->config;
	const struct config_layer *layer = &config->layers[index];
	candidate_add_rules(&channel->rules, layer);
	for (uint32_t i = 0; i < config->verified_len; i++) {
		const struct atlas_element *element = config->verified[i].layer == index
			? find_verified(compositor, &config->verified[i])
			: NULL;
		if (element != NULL) {
			/* shown 1:1, so a picture's pixel is one of the output's */
			struct rect place = element->place;
			place.x -= layer->place.x;
			place.y -= layer->place.y;
			candidate_watch(&channel->rules, &place);
		}
	}
}

static int add_layer(struct compositor *compositor, uint32_t index) {
	const struct config_layer *config = &compositor->config->layers[index];
	struct layer *layer = &compositor->layers[index];
	struct screen *screen = &compositor->stages[config->output].screen;
	struct guest *guest = NULL;

	if (config->kind == CONFIG_LAYER_GUEST) {
		struct seat *seat = &compositor->seats[config->guest];
		guest = &seat->guest;
		if (guest_use_channel(guest, config->scanout) < 0) {
			return -ENOMEM;
		}
		if (seat->pacer == NULL) {
			seat->pacer = screen;
		}
		set_rules(compositor, index, guest->channels[config->scanout]);
	}
	layer_init(layer, config, index, guest, &compositor->atlas, screen->config, &screen->ticker,
		compositor->stats);
	memory_restore_layer(compositor->safety, layer);
	if (layer->tile == NULL) {
		log_error("layer %s: the atlas has no tile %s/%s; a plain area stands for it",
			config->name, guest == NULL ? "picture" : "placeholder", config->name);
	}
	compositor->layers_len = index + 1;
	screen_add_layer(screen, compositor->config, layer);
	return 0;
}

static bool is_on_immediate_screen(struct compositor *compositor, const struct guest *guest) {
	for (uint32_t i = 0; i < compositor->stages_len; i++) {
		const struct screen *screen = &compositor->stages[i].screen;
		if (screen->ticker.kind == TICKER_IMMEDIATE &&
			compositor_is_shown_on(compositor, guest, screen)) {
			return true;
		}
	}
	return false;
}

static int watch_seat(struct compositor *compositor, struct seat *seat) {
	struct guest *guest = &seat->guest;
	if (!guest->is_linked) {
		return 0;
	}
	for (uint32_t i = 0; i < guest->config->gpu.scanouts_len; i++) {
		compositor_update_mode(compositor, guest, i);
	}
	if (seat->pacer != NULL) {
		frame_link_set_period_ns(&guest->link, seat->pacer->ticker.period_ns);
	}
	if (is_on_immediate_screen(compositor, guest)) {
		seat->publications = loop_add(compositor->loop, guest->link.link.producer_event,
			EPOLLIN, compositor_handle_publication, seat);
		return seat->publications == NULL ? -errno : 0;
	}
	return 0;
}

static int watch_stage(struct compositor *compositor, struct stage *stage) {
	struct ticker *ticker = &stage->screen.ticker;
	if (ticker->kind == TICKER_IMMEDIATE) {
		stage->waiting = loop_add_timer(compositor->loop, compositor_handle_waiting, stage);
		return stage->waiting == NULL ? -errno : 0;
	}
	stage->ticks =
		loop_add(compositor->loop, ticker->fd, EPOLLIN, compositor_handle_tick, stage);
	return stage->ticks == NULL ? -errno : 0;
}

/* Those that have a clock of their own must go on; the others tick when there is something new. */
static void start_supervision(struct compositor *compositor, struct grants *grants) {
	uint32_t clocked = 0;
	const struct ticker *leader = &compositor->stages[0].screen.ticker;
	for (uint32_t i = compositor->stages_len; i-- > 0;) {
		const struct ticker *ticker = &compositor->stages[i].screen.ticker;
		if (ticker->kind != TICKER_IMMEDIATE) {
			clocked |= UINT32_C(1) << i;
			leader = ticker;
		}
	}
	if (compositor->config->safety.watchdog != CONFIG_WATCHDOG_NONE && grants->watchdog < 0) {
		log_error("no watchdog was granted: nobody notices when all this stands still");
	}
	const struct supervisor_clock clock = {
		.clocked = clocked,
		.period_ns = leader->period_ns,
		.now_ns = leader->kind == TICKER_STEP ? 0 : clock_now_ns(),
	};
	supervisor_init(&compositor->supervisor, compositor->config, &compositor->copies,
		grants->watchdog, &clock, verifier_exact, compositor->stats);
	grants->watchdog = -1;
}

int compositor_set_up(struct compositor *compositor, struct grants *grants) {
	int err = open_config(compositor, grants);
	const struct config *config = compositor->config;
	if (err == 0) {
		open_safety_page(compositor, grants);
		open_signals(compositor, grants);
		open_cues(compositor, grants);
	}
	for (uint32_t i = 0; err == 0 && i < config->outputs_len; i++) {
		err = add_stage(compositor, grants, i);
	}
	if (err == 0) {
		start_supervision(compositor, grants);
	}
	for (uint32_t i = 0; err == 0 && i < config->guests_len; i++) {
		err = add_seat(compositor, grants, i);
	}
	for (uint32_t i = 0; err == 0 && i < config->layers_len; i++) {
		err = add_layer(compositor, i);
	}
	for (uint32_t i = 0; err == 0 && i < compositor->seats_len; i++) {
		err = watch_seat(compositor, &compositor->seats[i]);
	}
	for (uint32_t i = 0; err == 0 && i < compositor->stages_len; i++) {
		err = watch_stage(compositor, &compositor->stages[i]);
	}
	for (uint32_t i = 0; err == 0 && i < compositor->seats_len; i++) {
		if (grants->processes[i] >= 0) {
			err = compositor_set_process(compositor, i, grants->processes[i]);
			grants->processes[i] = -1;
		}
	}
	return err;
}
