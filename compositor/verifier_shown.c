#include "compositor/inject.h"
#include "compositor/verifier_parts.h"

static const struct verifier_picture *find_picture(const struct verifier *verifier, uint64_t id) {
	for (uint32_t i = 0; i < VERIFIER_PICTURES; i++) {
		if (verifier->pictures[i].id == id) {
			return &verifier->pictures[i];
		}
	}
	return NULL;
}

static void compare_shown(struct verifier *verifier, const struct verifier_picture *picture,
	const struct check_view *shown) {
	for (uint32_t i = 0; i < verifier->elements_len; i++) {
		uint32_t found;
		if (picture->is_checked[i] &&
			!verifier_exact(shown, &picture->places[i], &picture->crcs[i], 1, &found)) {
			verifier_tell_of_output(verifier, verifier->elements[i].name,
				FAULT_SHOWN_WRONG, &verifier->reported);
			/* all of it is drawn anew, elsewhere */
			canvas_forget_shown(verifier->canvas);
		}
	}
}

void verifier_check_shown(struct verifier *verifier) {
	struct output_status status;
	struct check_view shown = { .bounds = canvas_bounds(verifier->canvas) };
	uint64_t id;
	shown.pixels = output_shown(verifier->output, &id, &shown.stride_bytes);
	if (shown.pixels == NULL || !mechanism_is_on(MECHANISM_READBACK)) {
		verifier->is_stale = false;
		return;
	}
	output_status(verifier->output, &status);
	if (id != status.completed) {
		if (!verifier->is_stale) {
			verifier_tell_of_output(verifier, verifier->config->name,
				FAULT_READBACK_STALE, &verifier->reported);
		}
		verifier->reported |= FAULT_BIT(FAULT_READBACK_STALE);
		verifier->is_stale = true;
		return;
	}
	verifier->is_stale = false;
	const struct verifier_picture *picture = find_picture(verifier, id);
	if (picture != NULL) {
		compare_shown(verifier, picture, &shown);
	}
}

void verifier_note_shown(struct verifier *verifier, bool is_new) {
	struct output_status status;
	if (!is_new) {
		return;
	}
	output_status(verifier->output, &status);
	verifier->composed.id = status.committed;
	verifier->pictures[verifier->pictures_next] = verifier->composed;
	verifier->pictures_next = (verifier->pictures_next + 1) % VERIFIER_PICTURES;
}
