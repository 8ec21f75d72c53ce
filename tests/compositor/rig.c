#include "tests/compositor/rig.h"

#include <check.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fd.h"
#include "core/pixel_format.h"

#define CHANNEL_POOL_BYTES (1 << 20) /* each channel's part of its guest's pool */

static int duplicate(int fd) {
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static void copy_grants(const struct test_grants *from, struct grants *to) {
	grants_init(to);
	to->config = duplicate(from->config_fd);
	to->atlas = duplicate(from->atlas_fd);
	to->safety = duplicate(from->safety_fd);
	to->signals = duplicate(from->signals[1]);
	for (uint32_t i = 0; i < from->config.outputs_len; i++) {
		to->outputs[i] = duplicate(from->outputs[i]);
		to->steps[i] = duplicate(from->steps[i]);
	}
	for (uint32_t i = 0; i < from->config.guests_len; i++) {
		if (from->links[i][LINK_POOL] >= 0) {
			ck_assert_int_eq(
				link_grant_fds(from->links[i], LINK_CONSUMER, to->links[i]), 0);
		}
	}
}

static void start(struct rig *rig) {
	struct grants grants;
	copy_grants(&rig->grants, &grants);
	rig->loop = loop_create();
	ck_assert_ptr_nonnull(rig->loop);
	rig->compositor = compositor_create(&grants, &rig->stats, rig->loop);
	ck_assert_ptr_nonnull(rig->compositor);
	grants_finish(&grants);
	compositor_light(rig->compositor);
	compositor_start(rig->compositor);
}

static void attach(struct rig *rig) {
	for (uint32_t i = 0; i < rig->grants.config.guests_len; i++) {
		if (rig->grants.links[i][LINK_POOL] < 0) {
			continue;
		}
		test_grants_producer(&rig->grants, i, &rig->guests[i].link);
		link_set_peer(&rig->guests[i].link.link, LINK_PEER_RUNNING);
		rig->guests[i].is_attached = true;
	}
}

void rig_init(struct rig *rig, const struct config *config, const char *without) {
	*rig = (struct rig) { 0 };
	test_grants_init(&rig->grants, config, without);
	ck_assert_int_eq(stats_init(&rig->stats, duplicate(rig->grants.stats_fd), "compositor"), 0);
	/* a level of its own: what the lines say is not under test, that they can be written is */
	log_init("test", LOG_DEBUG, &rig->stats, false);
	rig->page = test_grants_stats(&rig->grants);
	test_grants_reader(&rig->grants, 0, &rig->reader);
	const struct config_output *output = &config->outputs[0];
	rig->picture = calloc((size_t)output->width * output->height, sizeof(*rig->picture));
	ck_assert_ptr_nonnull(rig->picture);
	attach(rig);
	start(rig);
}

void rig_finish(struct rig *rig) {
	compositor_destroy(rig->compositor);
	loop_destroy(rig->loop);
	for (uint32_t i = 0; i < CONFIG_GUESTS_MAX; i++) {
		if (rig->guests[i].is_attached) {
			frame_link_finish(&rig->guests[i].link);
		}
	}
	output_reader_finish(&rig->reader);
	free(rig->picture);
	log_init("test", LOG_DEBUG, NULL, false);
	stats_unmap(rig->page);
	stats_finish(&rig->stats);
	test_grants_finish(&rig->grants);
}

void rig_restart(struct rig *rig) {
	compositor_destroy(rig->compositor);
	loop_destroy(rig->loop);
	start(rig);
}

void rig_step(struct rig *rig, unsigned steps) {
	const struct output_memory_page *page = rig->reader.page;
	for (unsigned n = 0; n < steps; n++) {
		for (uint32_t i = 0; i < CONFIG_GUESTS_MAX; i++) {
			if (rig->guests[i].is_attached && !rig->guests[i].is_stopped) {
				link_echo(&rig->guests[i].link.link);
			}
		}
		uint64_t before = atomic_load(&page->tick);
		test_grants_step(&rig->grants, 0, 1);
		while (atomic_load(&page->tick) == before) {
			ck_assert_int_ge(loop_dispatch(rig->loop, 60000), 1);
		}
	}
}

uint8_t *rig_buffer(struct rig *rig, uint32_t guest, unsigned channel, size_t bytes) {
	struct frame_link *link = &rig->guests[guest].link;
	size_t each = CHANNEL_POOL_BYTES / RIG_BUFFERS / 64 * 64;
	ck_assert_uint_le(bytes, each);
	for (unsigned i = 0; i < RIG_BUFFERS; i++) {
		uint64_t offset = channel * CHANNEL_POOL_BYTES + i * each;
		if (!frame_link_is_busy(link, offset, each)) {
			return (uint8_t *)link->link.pool + offset;
		}
	}
	ck_abort_msg("every buffer of the channel is busy");
	return NULL;
}

void rig_publish(struct rig *rig, uint32_t guest, unsigned channel, const uint8_t *buffer,
	const struct frame *frame) {
	struct frame_link *link = &rig->guests[guest].link;
	struct frame published = *frame;
	published.pool_offset = (uint64_t)(buffer - (const uint8_t *)link->link.pool);
	if (published.damage.len == 0) {
		struct rect whole = { 0, 0, frame->width, frame->height };
		rects_add(&published.damage, &whole);
	}
	frame_link_count_flush(link, channel);
	frame_link_publish(link, channel, &published);
}

void rig_publish_plain(struct rig *rig, uint32_t guest, unsigned channel, uint32_t width,
	uint32_t height, uint32_t colour) {
	const struct frame frame = {
		.width = width,
		.height = height,
		.stride = width * PIXEL_BYTES,
		.format = PIXEL_FORMAT_BGRX,
	};
	uint8_t *buffer = rig_buffer(rig, guest, channel, (size_t)frame.stride * height);
	for (size_t i = 0; i < (size_t)width * height; i++) {
		memcpy(buffer + i * PIXEL_BYTES, &colour, PIXEL_BYTES);
	}
	rig_publish(rig, guest, channel, buffer, &frame);
}

int64_t rig_look(struct rig *rig) {
	int64_t number = output_reader_copy(&rig->reader, rig->picture);
	ck_assert_int_gt(number, 0);
	return number;
}

uint32_t rig_pixel(const struct rig *rig, int32_t x, int32_t y) {
	return rig->picture[(size_t)y * rig->reader.page->width + (size_t)x] & 0xffffff;
}

uint64_t rig_value(const struct rig *rig, const char *format, ...) {
	char name[64];
	va_list args;
	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	return test_stats_value(rig->page, name);
}

int rig_command(
	struct rig *rig, const char *layer, enum control_layer command, int64_t a, int64_t b) {
	struct control_message request = { .type = CONTROL_LAYER, .arg = { command, a, b } };
	struct control_message reply;
	snprintf(request.name, sizeof(request.name), "%s", layer);
	compositor_command(rig->compositor, &request, &reply);
	ck_assert_uint_eq(reply.type, CONTROL_END);
	ck_assert_int_eq(reply.arg[0] != 0, reply.text[0] != '\0');
	return (int)reply.arg[0];
}
