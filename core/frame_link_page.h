/*
 * What the two halves of a frame link share (frame_link.c, frame_producer.c, frame_consumer.c); nobody
 * else reads the pages. Thread: as frame_link.h.
 */
#ifndef CORE_FRAME_LINK_PAGE_H
#define CORE_FRAME_LINK_PAGE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/frame_link.h"

static inline struct frame_producer_channel *producer_channel(
	const struct frame_link *link, unsigned channel) {
	assert(channel < FRAME_LINK_CHANNELS);
	struct frame_producer_page *page = link->link.producer_page;
	return &page->channels[channel];
}

static inline struct frame_consumer_channel *consumer_channel(
	const struct frame_link *link, unsigned channel) {
	assert(channel < FRAME_LINK_CHANNELS);
	struct frame_consumer_page *page = link->link.consumer_page;
	return &page->channels[channel];
}

/* From a picture's first byte to behind its last pixel. Never overflows. */
uint64_t frame_bytes(const struct frame *frame);

/* Whether every field that says where and what the pixels are can be used; not the damage. */
bool frame_is_sane(const struct frame *frame, uint64_t pool_bytes);

#endif
