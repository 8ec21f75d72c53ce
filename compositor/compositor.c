#include "compositor/compositor.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "compositor/compositor_parts.h"
#include "compositor/memory.h"
#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"
#include "display/output.h"

/* An immediate screen has no time to wake up in advance of: small pictures that follow each other closely
 * are taken without going to sleep between them. About two wake-ups of an idle processor. */
#define PATIENCE_NS 50000

/* ---- who shows what ---- */

static bool shows(const struct layer *layer, const struct guest *guest, uint32_t channel) {
	return layer->guest == guest && layer->config->scanout == channel;
}

static struct screen *screen_of(struct compositor *compositor, const struct layer *layer) {
	return &compositor->stages[layer->config->output].screen;
}

/* The first layer in configuration order that shows a channel stands for it where only one can. */
static const struct layer *first_layer(
	const struct compositor *compositor, const struct guest *guest, uint32_t channel) {
	for (uint32_t i = 0; i < compositor->layers_len; i++) {
		if (shows(&compositor->layers[i], guest, channel)) {
			return &compositor->layers[i];
		}
	}
	return NULL;
}

static bool is_first(const struct compositor *compositor, const struct layer *layer) {
	return layer == first_layer(compositor, layer->guest, layer->config->scanout);
}

/* What the scanout shall be: as configured, of the size of the first layer that shows it 1:1, and on only
 * if it was unplugged from none. */
void compositor_update_mode(struct compositor *compositor, struct guest *guest, uint32_t channel) {
	struct frame_mode mode = guest->config->gpu.scanouts[channel];
	bool sized = false;
	for (uint32_t i = 0; i < compositor->layers_len; i++) {
		const struct layer *layer = &compositor->layers[i];
		if (!shows(layer, guest, channel)) {
			continue;
		}
		if (!layer->is_connected) {
			mode.enabled = 0;
		}
		if (!sized && layer->config->scale == 0) {
			mode.width = MIN(layer->place.width, CONFIG_MODE_MAX);
			mode.height = MIN(layer->place.height, CONFIG_MODE_MAX);
			sized = true;
		}
	}
	guest_set_mode(guest, channel, &mode);
}

/* ---- ticks ---- */

bool compositor_is_shown_on(
	struct compositor *compositor, const struct guest *guest, const struct screen *screen) {
	for (uint32_t i = 0; i < compositor->layers_len; i++) {
		const struct layer *layer = &compositor->layers[i];
		if (layer->guest == guest && screen_of(compositor, layer) == screen) {
			return true;
		}
	}
	return false;
}

/* A screen that composes when asked is asked. */
static void request_ticks(struct compositor *compositor, const struct guest *guest) {
	for (uint32_t i = 0; i < compositor->stages_len; i++) {
		struct screen *screen = &compositor->stages[i].screen;
		if (compositor_is_shown_on(compositor, guest, screen)) {
			ticker_request(&screen->ticker);
		}
	}
}

/* By the clock of one screen, whichever's tick it is. */
static void take_channel(struct compositor *compositor, struct seat *seat, uint32_t channel) {
	struct guest *guest = &seat->guest;
	if (!guest_take(guest, channel, screen_time_ns(seat->pacer))) {
		return;
	}
	const struct rects *damage = &guest->channels[channel]->view.frame.damage;
	for (uint32_t i = 0; i < compositor->layers_len; i++) {
		if (shows(&compositor->layers[i], guest, channel)) {
			layer_add_damage(&compositor->layers[i], damage);
		}
	}
}

static void take_pictures(struct compositor *compositor, const struct screen *screen) {
	uint32_t taken[CONFIG_GUESTS_MAX] = { 0 };
	for (uint32_t i = 0; i < screen->layers_len; i++) {
		const struct layer *layer = screen->layers[i];
		if (layer->guest == NULL) {
			continue;
		}
		uint32_t *channels = &taken[layer->config->guest];
		uint32_t channel = layer->config->scanout;
		if ((*channels & UINT32_C(1) << channel) == 0) {
			*channels |= UINT32_C(1) << channel;
			take_channel(compositor, &compositor->seats[layer->config->guest], channel);
		}
	}
}

static bool is_picture_needed(
	const struct compositor *compositor, const struct guest *guest, uint32_t channel) {
	for (uint32_t i = 0; i < compositor->layers_len; i++) {
		const struct layer *layer = &compositor->layers[i];
		if (shows(layer, guest, channel) && layer_machine_shows_picture(&layer->machine)) {
			return true;
		}
	}
	return false;
}

/* Also pictures that nobody sees, under the fallback or while recovering: the guest shall go on. */
static void latch_pictures(
	struct compositor *compositor, const struct screen *screen, uint64_t now_ns) {
	for (uint32_t i = 0; i < screen->layers_len; i++) {
		const struct layer *layer = screen->layers[i];
		if (layer->guest == NULL || !is_first(compositor, layer)) {
			continue;
		}
		uint32_t channel = layer->config->scanout;
		guest_latch(layer->guest, channel, now_ns);
		if (!is_picture_needed(compositor, layer->guest, channel)) {
			guest_drop_picture(layer->guest, channel);
		}
	}
}

static void tell_guests(
	struct compositor *compositor, const struct screen *screen, uint64_t now_ns) {
	for (uint32_t i = 0; i < compositor->seats_len; i++) {
		if (compositor->seats[i].pacer == screen) {
			guest_tick(&compositor->seats[i].guest, now_ns);
		}
	}
}

/* Steps come as fast as a test likes, so only their number counts there. */
static uint64_t tick_time_ns(const struct screen *screen, uint64_t now_ns) {
	const struct ticker *ticker = &screen->ticker;
	return ticker->kind == TICKER_STEP ? ticker->count * ticker->period_ns : now_ns;
}

static void take_signals(struct compositor *compositor, const struct screen *screen) {
	if (screen == compositor->signal_clock) {
		uint64_t now_ns = clock_now_ns();
		uint64_t time_ns = tick_time_ns(screen, now_ns);
		signals_take(&compositor->signals, screen->ticker.count, time_ns, now_ns);
		cues_step(&compositor->cues, compositor->signals.receiver.values,
			screen->ticker.count, time_ns, now_ns);
	}
}

static bool is_waiting(const struct compositor *compositor, const struct screen *screen) {
	return screen_is_waiting(screen) ||
		(compositor->signal_clock != NULL && screen->config->fallback);
}

void compositor_handle_tick(void *data, uint32_t events) {
	struct stage *stage = data;
	struct compositor *compositor = stage->compositor;
	struct screen *screen = &stage->screen;
	uint64_t due_ns;

	if (!ticker_take(&screen->ticker, &due_ns)) {
		return;
	}
	uint64_t now_ns = clock_now_ns();
	uint64_t lead_ns = screen->ticker.lead_ns;
	compositor_suffer(compositor);
	watchdog_chain_begin(&screen->chain, screen->ticker.count);
	take_signals(compositor, screen);
	take_pictures(compositor, screen);
	watchdog_chain_add(&screen->chain, WATCHDOG_TAKE);
	uint64_t done_ns = screen_tick(screen, due_ns, clock_now_ns());
	latch_pictures(compositor, screen, done_ns);
	/* then, so that a producer that wakes up finds its picture latched */
	tell_guests(compositor, screen, done_ns);
	/* last, so that who waits for the tick finds all of it done */
	output_tick(screen->output, due_ns, done_ns);
	signals_report(&compositor->signals, compositor->safety, done_ns);
	const struct supervisor_cycle cycle = {
		.output = (uint32_t)(stage - compositor->stages),
		.ticker = &screen->ticker,
		.timing = &screen->timing,
		.chain = &screen->chain,
		.is_fit = screen_state(screen) != SCREEN_SAFE,
		.due_ns = due_ns,
		.lead_ns = lead_ns,
		.now_ns = now_ns,
		.time_ns = tick_time_ns(screen, done_ns),
	};
	compositor_supervise(compositor, stage, &cycle);
	if (stage->waiting != NULL && is_waiting(compositor, screen)) {
		loop_timer_set(stage->waiting, screen->ticker.period_ns, 0);
	}
}

/* What was asked for in a round of the loop is one tick: it takes all that was published. */
static void serve_requests(void *data) {
	struct compositor *compositor = data;
	for (uint32_t i = 0; i < compositor->stages_len; i++) {
		if (compositor->stages[i].screen.ticker.kind == TICKER_IMMEDIATE) {
			compositor_handle_tick(&compositor->stages[i], 0);
		}
	}
}

void compositor_handle_waiting(void *data, uint32_t events) {
	struct stage *stage = data;
	ticker_request(&stage->screen.ticker);
}

void compositor_handle_publication(void *data, uint32_t events) {
	struct seat *seat = data;
	(void)link_event_take(seat->guest.link.link.producer_event);
	request_ticks(seat->compositor, &seat->guest);
}

static void handle_death(void *data, uint32_t events) {
	struct seat *seat = data;
	loop_remove(&seat->process);
	guest_mark_died(&seat->guest);
	request_ticks(seat->compositor, &seat->guest);
}

/* ---- life ---- */

struct compositor *compositor_create(
	struct grants *grants, struct stats *stats, struct loop *loop) {
	struct compositor *compositor = calloc(1, sizeof(*compositor));
	if (compositor == NULL) {
		return NULL;
	}
	compositor->loop = loop;
	compositor->stats = stats;
	compositor->supervisor.watchdog.fd = -1;
	compositor->cues.buzzer = -1;
	compositor->painter = painter_create();
	int err = compositor->painter == NULL ? -ENOMEM : compositor_set_up(compositor, grants);
	if (err < 0) {
		compositor_destroy(compositor);
		errno = -err;
		return NULL;
	}
	return compositor;
}

void compositor_destroy(struct compositor *compositor) {
	if (compositor == NULL) {
		return;
	}
	loop_set_after(compositor->loop, NULL, NULL);
	for (uint32_t i = 0; i < compositor->stages_len; i++) {
		loop_remove(&compositor->stages[i].ticks);
		loop_remove(&compositor->stages[i].waiting);
		screen_finish(&compositor->stages[i].screen);
		fd_close(&compositor->stages[i].step);
	}
	for (uint32_t i = 0; i < compositor->seats_len; i++) {
		loop_remove(&compositor->seats[i].process);
		loop_remove(&compositor->seats[i].publications);
		guest_finish(&compositor->seats[i].guest);
	}
	signals_finish(&compositor->signals);
	cues_finish(&compositor->cues);
	if (compositor->safety != NULL) {
		safety_page_unmap(compositor->safety);
	}
	painter_destroy(compositor->painter);
	supervisor_finish(&compositor->supervisor);
	atlas_copies_finish(&compositor->copies);
	if (compositor->config != NULL) {
		config_unmap(compositor->config);
	}
	free(compositor);
}

void compositor_light(struct compositor *compositor) {
	for (uint32_t i = 0; i < compositor->stages_len; i++) {
		screen_light(&compositor->stages[i].screen);
	}
	compositor_note_light(compositor, clock_now_ns());
}

static bool has_immediate_screen(const struct compositor *compositor) {
	for (uint32_t i = 0; i < compositor->stages_len; i++) {
		if (compositor->stages[i].screen.ticker.kind == TICKER_IMMEDIATE) {
			return true;
		}
	}
	return false;
}

void compositor_start(struct compositor *compositor) {
	for (uint32_t i = 0; i < compositor->stages_len; i++) {
		struct ticker *ticker = &compositor->stages[i].screen.ticker;
		ticker_start(ticker);
		ticker_request(ticker); /* what was published before our time */
	}
	loop_set_after(compositor->loop, serve_requests, compositor);
	if (has_immediate_screen(compositor)) {
		loop_set_patience(compositor->loop, PATIENCE_NS);
	}
	serve_requests(compositor);
}

/* ---- commands and later grants ---- */

int compositor_set_process(struct compositor *compositor, uint32_t guest, int process) {
	if (guest >= compositor->seats_len) {
		fd_close(&process);
		return -EINVAL;
	}
	struct seat *seat = &compositor->seats[guest];
	loop_remove(&seat->process);
	seat->process = loop_add(compositor->loop, process, EPOLLIN, handle_death, seat);
	int err = seat->process == NULL ? -errno : 0;
	guest_set_process(&seat->guest, process);
	return err;
}

static struct layer *find_layer(struct compositor *compositor, const char *name) {
	for (uint32_t i = 0; i < compositor->layers_len; i++) {
		if (strcmp(compositor->layers[i].config->name, name) == 0) {
			return &compositor->layers[i];
		}
	}
	return NULL;
}

static int change_layer(struct compositor *compositor, const struct control_message *request,
	struct control_message *reply) {
	struct layer *layer = find_layer(compositor, request->name);
	if (layer == NULL) {
		snprintf(reply->text, sizeof(reply->text),
			"there is no layer '%s'; see 'fascia status'", request->name);
		return -ENOENT;
	}
	int err = layer_command(layer, request->arg[0], &request->arg[1]);
	if (err < 0) {
		snprintf(reply->text, sizeof(reply->text),
			"layer %s: a value is out of range, or not for this kind of layer",
			request->name);
		return err;
	}
	struct screen *screen = screen_of(compositor, layer);
	memory_keep_layer(compositor->safety, layer);
	screen_sort_layers(screen);
	ticker_request(&screen->ticker);
	if (layer->guest != NULL) {
		compositor_update_mode(compositor, layer->guest, layer->config->scanout);
	}
	return 0;
}

static bool is_meant(const struct control_message *request, const char *name) {
	return request->name[0] == '\0' || strcmp(request->name, name) == 0;
}

/* Layers and outputs of this name; "": all of them. */
static int acknowledge(struct compositor *compositor, const struct control_message *request,
	struct control_message *reply) {
	bool is_any = false;
	for (uint32_t i = 0; i < compositor->layers_len; i++) {
		struct layer *layer = &compositor->layers[i];
		if (is_meant(request, layer->config->name)) {
			layer_acknowledge(layer);
			ticker_request(&screen_of(compositor, layer)->ticker);
			is_any = true;
		}
	}
	for (uint32_t i = 0; i < compositor->stages_len; i++) {
		struct screen *screen = &compositor->stages[i].screen;
		if (is_meant(request, screen->config->name)) {
			screen_acknowledge(screen);
			ticker_request(&screen->ticker);
			is_any = true;
		}
	}
	if (!is_any) {
		snprintf(reply->text, sizeof(reply->text),
			"there is no layer or output '%s'; see 'fascia status'", request->name);
	}
	return is_any ? 0 : -ENOENT;
}

static int require_layer(struct compositor *compositor, const struct control_message *request,
	struct control_message *reply) {
	if (find_layer(compositor, request->name) != NULL) {
		return 0;
	}
	snprintf(reply->text, sizeof(reply->text), "there is no layer '%s'; see 'fascia status'",
		request->name);
	return -ENOENT;
}

void compositor_analyze(
	struct compositor *compositor, const char *name, struct analysis *analysis) {
	const struct layer *layer = find_layer(compositor, name);
	analysis->len = 0;
	if (layer != NULL) {
		analyze(analysis, compositor->config, screen_of(compositor, layer), layer,
			clock_now_ns());
	}
}

static int carry_out(struct compositor *compositor, const struct control_message *request,
	struct control_message *reply) {
	switch (request->type) {
	case CONTROL_LAYER:
		return change_layer(compositor, request, reply);
	case CONTROL_ANALYZE:
		return require_layer(compositor, request, reply);
	case CONTROL_ACKNOWLEDGE:
		return acknowledge(compositor, request, reply);
	case CONTROL_INJECT:
		return compositor_inject(compositor, request, reply);
	case CONTROL_MECHANISM:
		return compositor_set_mechanism(compositor, request, reply);
	default:
		snprintf(reply->text, sizeof(reply->text),
			"this is not a command that the compositor takes");
		return -ENOTSUP;
	}
}

void compositor_command(struct compositor *compositor, const struct control_message *request,
	struct control_message *reply) {
	*reply = (struct control_message) { .type = CONTROL_END };
	memcpy(reply->name, request->name, sizeof(reply->name));
	reply->arg[0] = -carry_out(compositor, request, reply);
	reply->arg[1] = (int64_t)clock_now_ns();
}
