#include "audio/sound_device_impl.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/macros.h"

/* Work per wake-up; the rest comes after the other queues and the quantum had their turn. */
#define REQUESTS_PER_WAKE 16
#define TRANSFERS_PER_WAKE 64
/* Between looks for lost notifications: Linux gives up a write that waits 1.1 buffers, 100 ms at least. */
#define REVISIT_NS (100 * NS_PER_MS)

static struct virtqueue *queue_of(struct sound_device *device, enum virtio_snd_queue index) {
	return vhost_session_queue(device->session, index);
}

static void count(_Atomic uint64_t *counter) {
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- transfers ---- */

/* Returns a chain of tx or rx with the status in the 8 bytes at `offset` of its writable part. */
static void complete(struct virtqueue *queue, uint16_t head, const struct span *writable,
	uint16_t writable_len, uint64_t offset, uint32_t status, uint32_t latency_bytes) {
	uint8_t data[VIRTIO_SND_XFER_STATUS_BYTES];
	virtio_snd_xfer_status_encode(status, latency_bytes, data);
	spans_write(writable, writable_len, offset, data, sizeof(data));
	virtqueue_push(queue, head, sizeof(data));
}

static void complete_done(struct sound_device *device, const struct playback_done *done) {
	complete(queue_of(device, VIRTIO_SND_QUEUE_TX), done->head, done->writable,
		done->writable_len, 0, done->status, done->latency_bytes);
}

void sound_device_flush(struct sound_device *device, struct playback *playback, uint32_t status) {
	struct playback_done done;
	while (playback_flush(playback, &done)) {
		done.status = status;
		complete_done(device, &done);
	}
	virtqueue_notify(queue_of(device, VIRTIO_SND_QUEUE_TX));
}

static void reap(struct sound_device *device, struct playback *playback) {
	struct playback_done done;
	uint64_t now_ns = device->options.now_ns();
	while (playback_reap(playback, now_ns, &done)) {
		complete_done(device, &done);
	}
}

/* PENDING, or why the chain is to be completed at once. */
static enum playback_accepted accept_tx(
	struct sound_device *device, const struct virtqueue_chain *chain) {
	uint8_t header[VIRTIO_SND_XFER_BYTES];
	if (chain->writable_bytes < VIRTIO_SND_XFER_STATUS_BYTES ||
		spans_read(chain->readable, chain->readable_len, 0, header, sizeof(header)) <
			sizeof(header)) {
		return PLAYBACK_BAD;
	}
	uint32_t stream = virtio_snd_xfer_decode(header);
	if (stream >= device->playbacks_len) {
		return PLAYBACK_BAD;
	}
	struct playback *playback = &device->playbacks[stream];
	enum playback_accepted accepted = playback_accept(playback, chain);
	if (accepted > PLAYBACK_LATE) {
		count(playback->counters.errors);
	}
	return accepted;
}

static void refuse_tx(struct sound_device *device, const struct virtqueue_chain *chain,
	enum playback_accepted accepted) {
	static const uint32_t statuses[] = {
		[PLAYBACK_LATE] = VIRTIO_SND_OK,
		[PLAYBACK_NOT_READY] = VIRTIO_SND_IO_ERR,
		[PLAYBACK_BAD] = VIRTIO_SND_BAD_MSG,
		[PLAYBACK_FULL] = VIRTIO_SND_IO_ERR,
	};
	struct virtqueue *queue = queue_of(device, VIRTIO_SND_QUEUE_TX);
	count(accepted == PLAYBACK_LATE ? device->late_transfers : device->bad_transfers);
	if (chain->writable_bytes < VIRTIO_SND_XFER_STATUS_BYTES) {
		virtqueue_push(queue, chain->head, 0);
		return;
	}
	complete(
		queue, chain->head, chain->writable, chain->writable_len, 0, statuses[accepted], 0);
}

bool sound_device_take_tx(struct sound_device *device, unsigned limit) {
	struct virtqueue *queue = queue_of(device, VIRTIO_SND_QUEUE_TX);
	for (unsigned i = 0; i < limit; i++) {
		struct virtqueue_chain chain;
		if (virtqueue_pop(queue, &chain) <= 0) {
			return false;
		}
		enum playback_accepted accepted = accept_tx(device, &chain);
		if (accepted != PLAYBACK_PENDING) {
			refuse_tx(device, &chain, accepted);
		}
	}
	return true;
}

static void move_pcm(struct sound_device *device) {
	for (uint32_t i = 0; i < device->playbacks_len; i++) {
		playback_pump(&device->playbacks[i]);
		reap(device, &device->playbacks[i]);
	}
	virtqueue_notify(queue_of(device, VIRTIO_SND_QUEUE_TX));
}

static void handle_quantum(void *data, uint32_t events) {
	struct sound_device *device = data;
	link_echo(device->options.link);
	move_pcm(device);
}

static bool handle_tx(struct sound_device *device) {
	bool more = sound_device_take_tx(device, TRANSFERS_PER_WAKE);
	move_pcm(device);
	return more;
}

/* There is no input stream: whatever is queued to record comes back at once, with nothing in it. */
static bool handle_rx(struct sound_device *device) {
	struct virtqueue *queue = queue_of(device, VIRTIO_SND_QUEUE_RX);
	struct virtqueue_chain chain;
	unsigned taken = 0;
	while (taken < TRANSFERS_PER_WAKE && virtqueue_pop(queue, &chain) > 0) {
		taken++;
		count(device->bad_transfers);
		if (chain.writable_bytes < VIRTIO_SND_XFER_STATUS_BYTES) {
			virtqueue_push(queue, chain.head, 0);
			continue;
		}
		uint64_t offset = chain.writable_bytes - VIRTIO_SND_XFER_STATUS_BYTES;
		uint32_t status = chain.readable_bytes == VIRTIO_SND_XFER_BYTES
			? VIRTIO_SND_IO_ERR
			: VIRTIO_SND_BAD_MSG;
		complete(queue, chain.head, chain.writable, chain.writable_len, offset, status, 0);
	}
	virtqueue_notify(queue);
	return taken == TRANSFERS_PER_WAKE;
}

/* ---- control ---- */

static void answer_chain(struct sound_device *device, const struct virtqueue_chain *chain) {
	struct virtqueue *queue = queue_of(device, VIRTIO_SND_QUEUE_CONTROL);
	uint8_t data[VIRTIO_SND_REQUEST_BYTES_MAX] = { 0 };
	if (chain->writable_bytes < VIRTIO_SND_HEADER_BYTES) {
		/* no room for as much as a status, so nothing is done */
		count(device->bad_requests);
		virtqueue_push(queue, chain->head, 0);
		return;
	}
	spans_read(chain->readable, chain->readable_len, 0, data, sizeof(data));
	struct sound_response response;
	sound_control_answer(device, data, chain->readable_bytes, chain->writable_bytes, &response);
	spans_write(chain->writable, chain->writable_len, 0, response.data, response.len);
	virtqueue_push(queue, chain->head, response.len);
}

static bool handle_control(struct sound_device *device) {
	struct virtqueue *queue = queue_of(device, VIRTIO_SND_QUEUE_CONTROL);
	struct virtqueue_chain chain;
	unsigned taken = 0;
	while (taken < REQUESTS_PER_WAKE && virtqueue_pop(queue, &chain) > 0) {
		taken++;
		answer_chain(device, &chain);
	}
	virtqueue_notify(queue);
	return taken == REQUESTS_PER_WAKE;
}

/* ---- lost notifications ---- */

static void handle_revisit(void *data, uint32_t events) {
	static const enum virtio_snd_queue queues[] = { VIRTIO_SND_QUEUE_CONTROL,
		VIRTIO_SND_QUEUE_TX, VIRTIO_SND_QUEUE_RX };
	struct sound_device *device = data;
	for (size_t i = 0; i < ARRAY_LEN(queues); i++) {
		if (virtqueue_revisit(queue_of(device, queues[i]))) {
			vhost_session_schedule(device->session, queues[i]);
		}
	}
}

/* ---- session ---- */

static uint64_t sound_features(void *data) {
	return 0; /* bit 0, control elements, is not offered */
}

static void sound_handle_features(void *data, uint64_t features) {
	struct sound_device *device = data;
	link_set_peer(device->options.link, LINK_PEER_RUNNING);
}

static void sound_config_read(void *data, uint32_t offset, uint8_t *bytes, uint32_t len) {
	struct sound_device *device = data;
	struct virtio_snd_config config = {
		.streams = device->playbacks_len,
		.chmaps = device->playbacks_len,
	};
	uint8_t encoded[VIRTIO_SND_CONFIG_BYTES];
	virtio_snd_config_encode(&config, encoded);
	for (uint32_t i = 0; i < len; i++) {
		uint64_t at = (uint64_t)offset + i;
		bytes[i] = at < sizeof(encoded) ? encoded[at] : 0;
	}
}

static bool sound_handle_queue(void *data, unsigned index) {
	struct sound_device *device = data;
	switch ((enum virtio_snd_queue)index) {
	case VIRTIO_SND_QUEUE_CONTROL:
		return handle_control(device);
	case VIRTIO_SND_QUEUE_TX:
		return handle_tx(device);
	case VIRTIO_SND_QUEUE_RX:
		return handle_rx(device);
	default:
		/* the event queue: its buffers stay in the ring until there is something to tell */
		return false;
	}
}

static void sound_handle_queue_stop(void *data, unsigned index) {
	struct sound_device *device = data;
	for (uint32_t i = 0; index == VIRTIO_SND_QUEUE_TX && i < device->playbacks_len; i++) {
		sound_device_flush(device, &device->playbacks[i], VIRTIO_SND_OK);
		playback_hold(&device->playbacks[i]);
	}
}

static void sound_handle_reset(void *data) {
	struct sound_device *device = data;
	for (uint32_t i = 0; i < device->playbacks_len; i++) {
		playback_reset(&device->playbacks[i]);
	}
	link_count_reset(device->options.link);
	link_set_peer(device->options.link, LINK_PEER_CONNECTED);
}

/* The machine pauses, or its driver goes: streams keep their state until we know which. */
static void sound_handle_suspend(void *data) {
	struct sound_device *device = data;
	link_set_peer(device->options.link, LINK_PEER_CONNECTED);
}

static void sound_handle_resume(void *data) {
	struct sound_device *device = data;
	link_set_peer(device->options.link, LINK_PEER_RUNNING);
}

/* What is pending points into memory that is gone; its status cannot be written any more. */
static void sound_handle_memory_change(void *data) {
	struct sound_device *device = data;
	struct virtqueue *queue = queue_of(device, VIRTIO_SND_QUEUE_TX);
	struct playback_done done;
	for (uint32_t i = 0; i < device->playbacks_len; i++) {
		while (playback_flush(&device->playbacks[i], &done)) {
			count(device->playbacks[i].counters.errors);
			virtqueue_push(queue, done.head, 0);
		}
	}
	virtqueue_notify(queue);
}

static void sound_handle_end(void *data, int error) {
	struct sound_device *device = data;
	link_set_peer(device->options.link, LINK_PEER_ABSENT);
	device->options.handle_end(device->options.data, error);
}

static const struct vhost_device_impl impl = {
	.name = "sound",
	.queues_len = VIRTIO_SND_QUEUES,
	.features = sound_features,
	.handle_features = sound_handle_features,
	.config_read = sound_config_read,
	.handle_queue = sound_handle_queue,
	.handle_queue_stop = sound_handle_queue_stop,
	.handle_reset = sound_handle_reset,
	.handle_suspend = sound_handle_suspend,
	.handle_resume = sound_handle_resume,
	.handle_memory_change = sound_handle_memory_change,
	.handle_end = sound_handle_end,
};

static int playbacks_init(struct sound_device *device) {
	const struct sound_device_options *options = &device->options;
	for (unsigned i = 0; i < options->streams; i++) {
		struct stats *stats = options->stats;
		struct playback_counters counters = {
			.state = stats_value(stats, STREAM_STATE_NAMES, "stream.%u.state", i),
			.periods = stats_value(stats, "", "stream.%u.periods", i),
			.bytes = stats_value(stats, "bytes", "stream.%u.bytes", i),
			.xruns = stats_value(stats, "", "stream.%u.xruns", i),
			.errors = stats_value(stats, "", "stream.%u.errors", i),
		};
		int error = playback_init(&device->playbacks[i], options->link, i, options->rate,
			options->quantum_frames, &counters);
		if (error < 0) {
			return error;
		}
		device->playbacks_len++;
	}
	return 0;
}

static int device_start(struct sound_device *device, int socket) {
	const struct sound_device_options *options = &device->options;
	int error = playbacks_init(device);
	if (error < 0) {
		close(socket);
		return error;
	}
	device->quantum_source = loop_add(
		options->loop, options->link->consumer_event, EPOLLIN, handle_quantum, device);
	if (device->quantum_source == NULL) {
		error = -errno;
		close(socket);
		return error;
	}
	device->session =
		vhost_session_create(options->loop, socket, &impl, device, options->stats);
	if (device->session == NULL) {
		return -errno;
	}
	device->revisit_timer = loop_add_timer(options->loop, handle_revisit, device);
	if (device->revisit_timer == NULL) {
		return -errno;
	}
	loop_timer_set(device->revisit_timer, REVISIT_NS, REVISIT_NS);
	return 0;
}

struct sound_device *sound_device_create(const struct sound_device_options *options, int socket) {
	assert(options->streams >= 1 && options->streams <= SAMPLE_LINK_STREAMS);
	struct sound_device *device = calloc(1, sizeof(*device));
	if (device == NULL) {
		close(socket);
		return NULL;
	}
	device->options = *options;
	device->requests = stats_value(options->stats, "", "requests");
	device->bad_requests = stats_value(options->stats, "", "requests.bad");
	device->bad_transfers = stats_value(options->stats, "", "transfers.bad");
	device->late_transfers = stats_value(options->stats, "", "transfers.late");
	int error = device_start(device, socket);
	if (error < 0) {
		sound_device_destroy(device);
		errno = -error;
		return NULL;
	}
	link_set_peer(options->link, LINK_PEER_CONNECTED);
	return device;
}

void sound_device_destroy(struct sound_device *device) {
	if (device == NULL) {
		return;
	}
	loop_remove(&device->revisit_timer);
	vhost_session_destroy(device->session);
	loop_remove(&device->quantum_source);
	link_set_peer(device->options.link, LINK_PEER_ABSENT);
	for (uint32_t i = 0; i < device->playbacks_len; i++) {
		playback_finish(&device->playbacks[i]);
	}
	free(device);
}
