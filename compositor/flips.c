#include "compositor/flips.h"

#include "compositor/inject.h"

void flips_init(struct flips *flips, struct output *output, uint64_t now_ns) {
	struct output_status status;
	output_status(output, &status);
	*flips = (struct flips) {
		.output = output,
		.completed = status.completed,
		.last_ns = now_ns,
	};
}

void flips_acknowledge(struct flips *flips, uint64_t now_ns) {
	const struct flips before = *flips;
	flips_init(flips, before.output, now_ns);
	flips->mode_sets = before.mode_sets;
	flips->repaints = before.repaints;
}

/* What it did is seen with the next tick. */
static void set_mode(struct flips *flips) {
	flips->mode_sets++;
	(void)output_reset(flips->output);
}

static void repaint(struct flips *flips, struct flips_verdict *verdict) {
	flips->repaints++;
	verdict->is_repaint = true;
}

void flips_handle_show(struct flips *flips, int err) {
	flips->refusals = err < 0 ? flips->refusals + 1 : 0;
}

/* Keeps in mind since when a picture is on its way. */
static void watch_pending(struct flips *flips, const struct output_status *status, uint64_t tick) {
	bool is_pending = status->committed != status->completed;
	if (!is_pending || !flips->is_pending || status->completed != flips->completed) {
		/* it was committed with the tick before, or later if ticks were missed since */
		flips->pending_tick = tick - 1;
		flips->pending_ns = flips->last_ns;
	}
	flips->is_pending = is_pending;
	flips->completed = status->completed;
}

static bool is_lost(const struct flips *flips, uint64_t tick) {
	return flips->is_pending && tick - flips->pending_tick >= FLIPS_PATIENCE_TICKS;
}

static bool is_other_mode(const struct output *output, const struct output_status *status) {
	return status->width != output->width || status->height != output->height;
}

/* What is wrong at this tick. */
static enum fault_cause judge(
	const struct flips *flips, const struct output_status *status, uint64_t tick) {
	if (!status->connected && mechanism_is_on(MECHANISM_CONNECTION)) {
		return FAULT_UNPLUGGED;
	}
	if (is_other_mode(flips->output, status) && mechanism_is_on(MECHANISM_MODE)) {
		return FAULT_MODE;
	}
	if (flips->refusals > 0 && mechanism_is_on(MECHANISM_COMMIT)) {
		return FAULT_COMMIT;
	}
	return is_lost(flips, tick) && mechanism_is_on(MECHANISM_FLIP) ? FAULT_FLIP_LOST
								       : FAULT_NONE;
}

static bool is_try_due(const struct flips *flips, uint64_t tick) {
	switch (flips->cause) {
	case FAULT_COMMIT:
		return true; /* each refusal has its own */
	case FAULT_FLIP_LOST:
	case FAULT_MODE:
		return flips->tries == 0 || tick - flips->try_tick >= FLIPS_TRY_TICKS;
	default:
		return false;
	}
}

/* The next thing that may help. */
static void try_next(struct flips *flips, uint64_t tick, struct flips_verdict *verdict) {
	bool is_reset = flips->cause == FAULT_MODE || flips->tries == 1;
	flips->tries = flips->cause == FAULT_COMMIT ? flips->refusals : flips->tries + 1;
	flips->try_tick = tick;
	if (flips->tries >= FLIPS_TRIES) {
		flips->is_hopeless = true;
		verdict->is_hopeless = true;
		return;
	}
	if (is_reset) {
		set_mode(flips);
	}
	repaint(flips, verdict);
}

static void change_cause(struct flips *flips, enum fault_cause cause, uint64_t now_ns,
	struct flips_verdict *verdict) {
	if (flips->cause == FAULT_UNPLUGGED) {
		/* whatever it shows now, it is not ours */
		set_mode(flips);
		repaint(flips, verdict);
	}
	verdict->ended = flips->cause;
	verdict->began = cause;
	verdict->onset_ns = cause == FAULT_FLIP_LOST ? flips->pending_ns : flips->last_ns;
	flips->cause = cause;
	flips->tries = 0;
}

void flips_step(
	struct flips *flips, uint64_t tick, uint64_t now_ns, struct flips_verdict *verdict) {
	struct output_status status;
	*verdict = (struct flips_verdict) { 0 };
	output_status(flips->output, &status);
	if (flips->is_hopeless) {
		/* whatever is to be shown instead may still come through */
		if (status.committed != status.completed) {
			repaint(flips, verdict);
		}
		return;
	}
	watch_pending(flips, &status, tick);
	enum fault_cause cause = judge(flips, &status, tick);
	if (cause != flips->cause) {
		change_cause(flips, cause, now_ns, verdict);
	}
	if (is_try_due(flips, tick)) {
		try_next(flips, tick, verdict);
	}
	flips->last_ns = now_ns;
}
