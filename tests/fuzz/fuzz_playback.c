/*
 * One stream of the sound device, from requests to completions: the input is a script of control
 * requests, transfers, quanta of a mixer, and resets. Whatever it says, every chain comes back once,
 * and no more is ahead of the mixer than the stream may have.
 */
#include <stdlib.h>
#include <string.h>

#include "audio/playback.h"
#include "core/bytes.h"
#include "core/macros.h"
#include "protocol/virtio_snd.h"
#include "tests/fuzz/fuzz.h"

#define QUANTUM 64
#define RATE 48000
#define MEMORY_BYTES 4096
#define SPANS_MAX 8

static struct link producer, consumer;
static _Atomic uint64_t counters[5];
static uint8_t memory[MEMORY_BYTES]; /* the guest's */
static uint32_t accepted, returned;

static void require(bool holds) {
	if (!holds) {
		abort();
	}
}

static void open_links(void) {
	int fds[LINK_FDS], ours[LINK_FDS], theirs[LINK_FDS];
	require(sample_link_create_fds("fuzz", fds) == 0);
	require(link_grant_fds(fds, LINK_PRODUCER, ours) == 0);
	require(link_grant_fds(fds, LINK_CONSUMER, theirs) == 0);
	require(sample_link_init(&consumer, LINK_CONSUMER, theirs) == 0);
	require(sample_link_init(&producer, LINK_PRODUCER, ours) == 0);
	sample_link_set_clock(&consumer, RATE, QUANTUM);
	link_close_fds(fds);
}

static void request(struct playback *playback, struct byte_reader *reader) {
	uint8_t data[VIRTIO_SND_REQUEST_BYTES_MAX];
	uint8_t len = byte_reader_u8(reader) % (sizeof(data) + 1);
	struct virtio_snd_request request;
	memset(data, 0, sizeof(data));
	byte_reader_copy(reader, data, len);
	if (virtio_snd_request_decode(data, len, &request) != VIRTIO_SND_DECODED ||
		request.code != VIRTIO_SND_PCM_SET_PARAMS) {
		return;
	}
	struct playback_params params = {
		.buffer_bytes = request.set_params.buffer_bytes,
		.period_bytes = request.set_params.period_bytes,
		.features = request.set_params.features,
		.channels = request.set_params.channels,
		.format = request.set_params.format,
		.rate = request.set_params.rate,
	};
	struct playback_done done;
	if (playback_set_params(playback, &params) == VIRTIO_SND_OK) {
		while (playback_flush(playback, &done)) {
			returned++;
		}
	}
}

static uint16_t make_spans(struct byte_reader *reader, struct span *spans, uint64_t *bytes) {
	uint16_t len = byte_reader_u8(reader) % (SPANS_MAX + 1);
	*bytes = 0;
	for (uint16_t i = 0; i < len; i++) {
		uint16_t at = byte_reader_u16(reader) % MEMORY_BYTES;
		uint16_t span_bytes = byte_reader_u16(reader);
		spans[i].base = memory + at;
		spans[i].len = MIN(1 + (size_t)span_bytes, MEMORY_BYTES - (size_t)at);
		*bytes += spans[i].len;
	}
	return len;
}

static void transfer(struct playback *playback, struct byte_reader *reader) {
	struct span readable[SPANS_MAX], writable[SPANS_MAX];
	struct virtqueue_chain chain = { .readable = readable, .writable = writable };
	chain.readable_len = make_spans(reader, readable, &chain.readable_bytes);
	chain.writable_len = make_spans(reader, writable, &chain.writable_bytes);
	/* what the device looks at before */
	if (chain.readable_bytes >= VIRTIO_SND_XFER_BYTES &&
		chain.writable_bytes >= VIRTIO_SND_XFER_STATUS_BYTES) {
		accepted += playback_accept(playback, &chain) == PLAYBACK_PENDING;
	}
}

static void complete(struct playback_done *done) {
	uint8_t status[VIRTIO_SND_XFER_STATUS_BYTES];
	virtio_snd_xfer_status_encode(done->status, done->latency_bytes, status);
	require(spans_write(done->writable, done->writable_len, 0, status, sizeof(status)) ==
		sizeof(status));
	returned++;
}

static void quantum(struct playback *playback, uint32_t frames) {
	struct playback_done done;
	uint32_t readable = sample_link_readable(&consumer, 0);
	require(readable < PLAYBACK_AHEAD_QUANTA * QUANTUM + 2 * CONVERTER_OUT_FRAMES);
	sample_link_consume(&consumer, 0, frames % (2 * QUANTUM));
	playback_pump(playback);
	while (playback_reap(playback, 0, &done)) {
		complete(&done);
	}
}

static void step(struct playback *playback, struct byte_reader *reader) {
	struct playback_done done;
	uint8_t what = byte_reader_u8(reader);
	switch (what % 8) {
	case 0:
		request(playback, reader);
		break;
	case 1:
		transfer(playback, reader);
		break;
	case 2:
		quantum(playback, byte_reader_u8(reader));
		break;
	case 3:
		playback_hold(playback);
		break;
	case 4:
		while (playback_flush(playback, &done)) {
			complete(&done);
		}
		break;
	default:
		(void)playback_command(playback, (enum stream_command)(1 + what / 8 % 4));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct byte_reader reader;
	struct playback playback;
	const struct playback_counters into = {
		.state = &counters[0],
		.periods = &counters[1],
		.bytes = &counters[2],
		.xruns = &counters[3],
		.errors = &counters[4],
	};
	byte_reader_init(&reader, data, size);
	accepted = returned = 0;
	open_links();
	require(playback_init(&playback, &producer, 0, RATE, QUANTUM, &into) == 0);
	while (byte_reader_left(&reader) > 0) {
		step(&playback, &reader);
	}
	struct playback_done done;
	while (playback_flush(&playback, &done)) {
		complete(&done);
	}
	require(accepted == returned);
	playback_reset(&playback);
	playback_finish(&playback);
	sample_link_finish(&producer);
	sample_link_finish(&consumer);
	return 0;
}
