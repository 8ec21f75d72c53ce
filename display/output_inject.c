#include "display/output_inject.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "core/pixel_format.h"
#include "display/output_impl.h"

struct fault {
	bool is_on;
	bool is_single;   /* ends with the picture it hits */
	bool reset_helps;
	uint32_t ticks;   /* left; not of a single one */
};

struct output_inject {
	struct output output;
	struct output *inner; /* owned */
	struct fault faults[OUTPUT_FAULTS];
	uint64_t committed, completed;
	struct output_picture back; /* as begun last */
	bool is_dark;
	bool is_back_shown; /* dark: the back picture is what the display would show */
	uint32_t *old;      /* OUTPUT_STALE: rows of width * 4 bytes */
	uint64_t old_id;    /* 0: none */
	_Atomic uint64_t *hit_ns; /* NULL: nobody asks */
};

static const struct output_impl output_inject_impl;

static struct output_inject *inject_from_output(struct output *output) {
	assert(output->impl == &output_inject_impl);
	return container_of(output, struct output_inject, output);
}

struct output *output_inject_create(struct output *inner, _Atomic uint64_t *hit_ns) {
	size_t bytes = (size_t)inner->width * PIXEL_BYTES * inner->height;
	struct output_inject *inject = calloc(1, sizeof(*inject));
	uint32_t *old = malloc(bytes);
	if (inject == NULL || old == NULL) {
		free(inject);
		free(old);
		output_destroy(inner);
		errno = ENOMEM;
		return NULL;
	}
	memset(old, 0, bytes); /* its pages are there from now on */
	struct output_status status;
	output_status(inner, &status);
	output_init(&inject->output, &output_inject_impl, inner->width, inner->height);
	inject->inner = inner;
	inject->committed = inject->completed = status.completed;
	inject->old = old;
	inject->hit_ns = hit_ns;
	return &inject->output;
}

static void inject_destroy(struct output *output) {
	struct output_inject *inject = inject_from_output(output);
	output_destroy(inject->inner);
	free(inject->old);
	free(inject);
}

static void inject_begin(struct output *output, struct output_picture *picture) {
	struct output_inject *inject = inject_from_output(output);
	output_begin(inject->inner, picture);
	inject->back = *picture;
	inject->is_back_shown = false;
}

/* Whether the fault hits this picture. */
static bool hits(struct output_inject *inject, enum output_fault fault, uint64_t now_ns) {
	struct fault *f = &inject->faults[fault];
	bool is_hit = f->is_on;
	if (is_hit && inject->hit_ns != NULL && atomic_load(inject->hit_ns) == 0) {
		atomic_store(inject->hit_ns, now_ns);
	}
	if (f->is_single) {
		f->is_on = false;
	}
	return is_hit;
}

static int inject_show(struct output *output, uint64_t now_ns) {
	struct output_inject *inject = inject_from_output(output);
	bool is_pending = inject->committed != inject->completed;

	if (hits(inject, OUTPUT_REFUSES, now_ns)) {
		return -EINVAL;
	}
	if (hits(inject, OUTPUT_SLEPT, now_ns)) {
		if (is_pending) {
			return -EBUSY;
		}
		inject->committed++;
		return 0;
	}
	if (hits(inject, OUTPUT_LOSES_FLIPS, now_ns)) {
		inject->committed++;
		return 0;
	}
	if (!inject->is_dark) {
		int err = output_show(inject->inner, now_ns);
		if (err < 0) {
			return err;
		}
	}
	inject->is_back_shown = inject->is_dark;
	inject->completed = ++inject->committed;
	return 0;
}

static void inject_status(struct output *output, struct output_status *status) {
	struct output_inject *inject = inject_from_output(output);
	output_status(inject->inner, status);
	status->committed = inject->committed;
	status->completed = inject->completed;
	status->connected = status->connected && !inject->faults[OUTPUT_UNPLUGGED].is_on;
	if (inject->faults[OUTPUT_OTHER_MODE].is_on) {
		status->width /= 2;
		status->height /= 2;
	}
}

static const uint32_t *inject_shown(struct output *output, uint64_t *id, uint32_t *stride) {
	struct output_inject *inject = inject_from_output(output);
	uint64_t inner_id;

	if (inject->faults[OUTPUT_STALE].is_on && inject->old_id != 0) {
		*id = inject->old_id;
		*stride = output->width * PIXEL_BYTES;
		return inject->old;
	}
	*id = inject->completed;
	if (!inject->is_dark) {
		return output_shown(inject->inner, &inner_id, stride);
	}
	*stride = inject->back.stride;
	return inject->is_back_shown ? inject->back.pixels : NULL;
}

static int inject_reset(struct output *output) {
	struct output_inject *inject = inject_from_output(output);
	if (inject->faults[OUTPUT_UNPLUGGED].is_on) {
		return -ENOTCONN;
	}
	int err = output_reset(inject->inner);
	if (err < 0) {
		return err;
	}
	for (size_t i = 0; i < OUTPUT_FAULTS; i++) {
		if (inject->faults[i].reset_helps) {
			inject->faults[i].is_on = false;
		}
	}
	inject->is_dark = false;
	return 0;
}

static void inject_tick(struct output *output, uint64_t due_ns, uint64_t done_ns) {
	struct output_inject *inject = inject_from_output(output);
	for (size_t i = 0; i < OUTPUT_FAULTS; i++) {
		struct fault *fault = &inject->faults[i];
		if (fault->is_on && fault->ticks > 0) {
			fault->ticks--;
			fault->is_on = fault->ticks > 0;
		}
	}
	output_tick(inject->inner, due_ns, done_ns);
}

static const struct output_impl output_inject_impl = {
	.name = "inject",
	.destroy = inject_destroy,
	.begin = inject_begin,
	.show = inject_show,
	.status = inject_status,
	.shown = inject_shown,
	.reset = inject_reset,
	.tick = inject_tick,
};

static void keep_old(struct output_inject *inject) {
	uint32_t stride;
	const uint32_t *shown = inject_shown(&inject->output, &inject->old_id, &stride);
	if (shown == NULL) {
		inject->old_id = 0;
		return;
	}
	size_t row_pixels = inject->output.width;
	for (size_t y = 0; y < inject->output.height; y++) {
		memcpy(inject->old + y * row_pixels, shown + y * (stride / PIXEL_BYTES),
			row_pixels * PIXEL_BYTES);
	}
}

void output_inject_fault(
	struct output *output, enum output_fault fault, uint32_t ticks, bool reset_helps) {
	struct output_inject *inject = inject_from_output(output);
	bool is_of_pictures = fault == OUTPUT_REFUSES || fault == OUTPUT_LOSES_FLIPS;
	bool is_until_reset = fault == OUTPUT_OTHER_MODE || fault == OUTPUT_SLEPT;

	inject->faults[fault].is_on = false;
	if (inject->hit_ns != NULL && (is_of_pictures || fault == OUTPUT_SLEPT)) {
		atomic_store(inject->hit_ns, 0);
	}
	if (fault == OUTPUT_STALE) {
		keep_old(inject);
	}
	if (fault == OUTPUT_UNPLUGGED || fault == OUTPUT_OTHER_MODE) {
		inject->is_dark = true;
	}
	inject->faults[fault] = (struct fault) {
		.is_on = true,
		.is_single = is_of_pictures && ticks == 0,
		.reset_helps = reset_helps || is_until_reset,
		.ticks = is_until_reset || is_of_pictures ? ticks : MAX(ticks, 1u),
	};
}

void output_inject_clear(struct output *output) {
	struct output_inject *inject = inject_from_output(output);
	for (size_t i = 0; i < OUTPUT_FAULTS; i++) {
		inject->faults[i].is_on = false;
	}
}
