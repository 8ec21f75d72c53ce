#include "compositor/candidate.h"

#include <string.h>

#include "compositor/inject.h"
#include "core/clock.h"
#include "core/macros.h"
#include "core/pixel_format.h"

void candidate_add_rules(struct candidate_rules *rules, const struct config_layer *layer) {
	bool is_less = rules->lag_ms == 0 || layer->lag_ms < rules->lag_ms;
	if (layer->lag_ms != 0 && is_less) {
		rules->lag_ms = layer->lag_ms;
	}
	is_less = rules->frozen_frames == 0 || layer->frozen_frames < rules->frozen_frames;
	if (layer->frozen_frames != 0 && is_less) {
		rules->frozen_frames = layer->frozen_frames;
	}
	rules->tag = rules->tag || layer->tag != 0;
	rules->opaque = rules->opaque || layer->opaque != 0;
}

void candidate_watch(struct candidate_rules *rules, const struct rect *rect) {
	if (rules->watched_len < ARRAY_LEN(rules->watched)) {
		rules->watched[rules->watched_len++] = *rect;
	}
}

/* ---- frame tags ---- */

static bool read_tag(const struct frame_view *view, uint32_t row, struct frame_tag *tag) {
	uint32_t pixels[FRAME_TAG_PIXELS];
	/* once: its producer could change them while they are looked at */
	memcpy(pixels, view->pixels + (uint64_t)row * view->frame.stride, sizeof(pixels));
	return frame_tag_decode(tag, pixels);
}

static bool can_have_tag(const struct frame *frame) {
	return (frame->format == PIXEL_FORMAT_BGRX || frame->format == PIXEL_FORMAT_BGRA) &&
		frame->width >= FRAME_TAG_PIXELS && frame->height >= 2;
}

/* NONE with `has_tag` false: there is no whole tag, and that is no matter. */
static enum fault_cause find_tag(
	const struct frame_view *view, struct frame_tag *tag, bool *has_tag) {
	struct frame_tag bottom;
	bool can_have = can_have_tag(&view->frame);
	bool has_top = can_have && read_tag(view, 0, tag);
	bool has_bottom = can_have && read_tag(view, view->frame.height - 1, &bottom);
	*has_tag = has_top || has_bottom;
	if (!*has_tag) {
		return mechanism_is_on(MECHANISM_SANE) ? FAULT_BAD_FRAME : FAULT_NONE;
	}
	bool agree = has_top && has_bottom && memcmp(tag, &bottom, sizeof(*tag)) == 0;
	if (!agree && mechanism_is_on(MECHANISM_TORN)) {
		return FAULT_TORN;
	}
	*tag = has_top ? *tag : bottom;
	return FAULT_NONE;
}

static bool is_after(uint32_t later, uint32_t earlier) {
	return (int32_t)(later - earlier) > 0;
}

/* A counter went back. Whether it is that of a program that began anew, and is to be believed. */
static bool is_restarted(struct candidate_memory *memory, const struct frame_tag *tag) {
	bool goes_on = memory->others > 0 && is_after(tag->counter, memory->other.counter) &&
		is_after(tag->time_ms, memory->other.time_ms);
	if (!is_after(tag->time_ms, memory->tag.time_ms)) {
		memory->others = 0; /* it was there before */
		return false;
	}
	memory->others = goes_on ? memory->others + 1 : 1;
	memory->other = *tag;
	return memory->others >= CANDIDATE_RESTART;
}

static bool is_too_old(struct candidate_memory *memory, uint32_t lag_ms,
	const struct frame_tag *tag, uint64_t now_ns) {
	uint32_t behind_ms = (uint32_t)(now_ns / NS_PER_MS) - tag->time_ms;
	uint64_t drift_ms =
		(now_ns - memory->least_ns) / (1000000 / CANDIDATE_DRIFT_PPM) / NS_PER_MS;
	bool is_silent = now_ns - memory->tag_ns >= CANDIDATE_SILENCE_MS * NS_PER_MS;
	int64_t lag = (int64_t)(int32_t)(behind_ms - memory->least_ms) - (int64_t)drift_ms;
	if (!memory->has_tag || is_silent || lag < 0) {
		memory->least_ms = behind_ms;
		memory->least_ns = now_ns;
		return false;
	}
	return lag_ms != 0 && lag > lag_ms;
}

static enum fault_cause judge_order(struct candidate_memory *memory,
	const struct candidate_rules *rules, const struct frame_tag *tag, uint64_t now_ns) {
	int32_t step = memory->has_tag ? (int32_t)(tag->counter - memory->tag.counter) : 1;
	bool goes_back = step < 0 && !is_restarted(memory, tag);
	/* a picture that was not drawn anew is as old as it was then */
	bool is_old = step != 0 && !goes_back && is_too_old(memory, rules->lag_ms, tag, now_ns);
	if ((goes_back || is_old) && mechanism_is_on(MECHANISM_ORDER)) {
		return FAULT_LAGGED;
	}
	memory->unchanged = step != 0 ? 0 : MIN(memory->unchanged, UINT32_MAX - 1) + 1;
	memory->others = 0;
	memory->tag = *tag;
	memory->tag_ns = now_ns;
	memory->has_tag = true;
	return FAULT_NONE;
}

bool candidate_is_frozen(
	const struct candidate_memory *memory, const struct candidate_rules *rules) {
	return rules->tag && rules->frozen_frames != 0 && memory->unchanged >= rules->frozen_frames;
}

/* ---- alpha ---- */

static uint32_t alpha_mask(uint32_t format) {
	return format == PIXEL_FORMAT_BGRA || format == PIXEL_FORMAT_RGBA ? 0xff000000 : 0x000000ff;
}

static bool is_row_opaque(
	const struct frame_view *view, uint32_t y, uint32_t x, uint32_t width, uint32_t mask) {
	const uint8_t *row =
		view->pixels + (uint64_t)y * view->frame.stride + (uint64_t)x * PIXEL_BYTES;
	uint32_t all = UINT32_MAX;
	for (uint32_t i = 0; i < width; i++) {
		uint32_t pixel;
		memcpy(&pixel, row + (size_t)i * PIXEL_BYTES, sizeof(pixel));
		all &= pixel;
	}
	return (all & mask) == mask;
}

static bool is_rect_opaque(
	const struct frame_view *view, const struct rect *watched, uint32_t mask) {
	const struct rect picture = { 0, 0, view->frame.width, view->frame.height };
	struct rect rect = rect_intersect(watched, &picture);
	for (uint32_t i = 0; i < rect.height; i++) {
		if (!is_row_opaque(
			    view, (uint32_t)rect.y + i, (uint32_t)rect.x, rect.width, mask)) {
			return false;
		}
	}
	return true;
}

static bool is_opaque(struct candidate_memory *memory, const struct candidate_rules *rules,
	const struct frame_view *view) {
	uint32_t mask = alpha_mask(view->frame.format);
	if (!pixel_format_has_alpha(view->frame.format)) {
		return true;
	}
	for (uint32_t y = memory->row; y < view->frame.height; y += CANDIDATE_ROWS) {
		if (!is_row_opaque(view, y, 0, view->frame.width, mask)) {
			return false;
		}
	}
	memory->row = (memory->row + 1) % CANDIDATE_ROWS;
	for (uint32_t i = 0; i < rules->watched_len; i++) {
		if (!is_rect_opaque(view, &rules->watched[i], mask)) {
			return false;
		}
	}
	return true;
}

enum fault_cause candidate_judge(struct candidate_memory *memory,
	const struct candidate_rules *rules, const struct frame_view *view, uint64_t now_ns) {
	struct frame_tag tag;
	bool has_tag = false;
	enum fault_cause cause = rules->tag ? find_tag(view, &tag, &has_tag) : FAULT_NONE;
	if (cause == FAULT_NONE && rules->opaque && mechanism_is_on(MECHANISM_OPAQUE) &&
		!is_opaque(memory, rules, view)) {
		cause = FAULT_TRANSPARENT;
	}
	return cause == FAULT_NONE && has_tag ? judge_order(memory, rules, &tag, now_ns) : cause;
}
