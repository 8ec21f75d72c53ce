#include "audio/sound_device_impl.h"

#include <stdatomic.h>

#include "audio/pcm_format.h"
#include "audio/pcm_rate.h"
#include "audio/remix.h"
#include "core/checked.h"
#include "core/log.h"
#include "core/macros.h"

/* How many items of `item_bytes` each there are to ask for. */
static uint32_t check_query(
	const struct virtio_snd_query *query, uint32_t total, uint32_t item_bytes, uint64_t space) {
	bool sane = query->size == item_bytes && query->count > 0 &&
		checked_range_fits(query->start_id, query->count, total) &&
		VIRTIO_SND_HEADER_BYTES + (uint64_t)query->count * item_bytes <= space;
	return sane ? VIRTIO_SND_OK : VIRTIO_SND_BAD_MSG;
}

static uint32_t answer_jack_info(struct sound_device *device,
	const struct virtio_snd_request *request, uint64_t space, struct sound_response *response) {
	return check_query(&request->query, 0, VIRTIO_SND_JACK_INFO_BYTES, space);
}

static uint32_t answer_jack_remap(struct sound_device *device,
	const struct virtio_snd_request *request, uint64_t space, struct sound_response *response) {
	return VIRTIO_SND_BAD_MSG; /* there is no jack with any id */
}

static uint32_t answer_pcm_info(struct sound_device *device,
	const struct virtio_snd_request *request, uint64_t space, struct sound_response *response) {
	const struct virtio_snd_query *query = &request->query;
	uint32_t status =
		check_query(query, device->playbacks_len, VIRTIO_SND_PCM_INFO_BYTES, space);
	for (uint32_t i = 0; status == VIRTIO_SND_OK && i < query->count; i++) {
		struct virtio_snd_pcm_info info = {
			.hda_fn_nid = query->start_id + i,
			.formats = pcm_format_mask(),
			.rates = pcm_rate_mask(),
			.direction = VIRTIO_SND_OUTPUT,
			.channels_min = 1,
			.channels_max = REMIX_CHANNELS_MAX,
		};
		virtio_snd_pcm_info_encode(&info, response->data + response->len);
		response->len += VIRTIO_SND_PCM_INFO_BYTES;
	}
	return status;
}

static uint32_t answer_chmap_info(struct sound_device *device,
	const struct virtio_snd_request *request, uint64_t space, struct sound_response *response) {
	const struct virtio_snd_query *query = &request->query;
	uint32_t status =
		check_query(query, device->playbacks_len, VIRTIO_SND_CHMAP_INFO_BYTES, space);
	for (uint32_t i = 0; status == VIRTIO_SND_OK && i < query->count; i++) {
		struct virtio_snd_chmap_info info = {
			.hda_fn_nid = query->start_id + i,
			.direction = VIRTIO_SND_OUTPUT,
			.channels = 2,
			.positions = { VIRTIO_SND_POSITION_FL, VIRTIO_SND_POSITION_FR },
		};
		virtio_snd_chmap_info_encode(&info, response->data + response->len);
		response->len += VIRTIO_SND_CHMAP_INFO_BYTES;
	}
	return status;
}

static uint32_t do_set_params(struct sound_device *device, struct playback *playback,
	const struct virtio_snd_request *request) {
	struct playback_params params = {
		.buffer_bytes = request->set_params.buffer_bytes,
		.period_bytes = request->set_params.period_bytes,
		.features = request->set_params.features,
		.channels = request->set_params.channels,
		.format = request->set_params.format,
		.rate = request->set_params.rate,
	};
	uint32_t status = playback_set_params(playback, &params);
	if (status == VIRTIO_SND_OK) {
		/* queued for other parameters, and never started */
		sound_device_flush(device, playback, VIRTIO_SND_IO_ERR);
	}
	return status;
}

static uint32_t do_prepare(struct sound_device *device, struct playback *playback,
	const struct virtio_snd_request *request) {
	return playback_command(playback, STREAM_PREPARE);
}

/*
 * The queues' kicks come in no order: what the driver queued before this command may not have been
 * seen. START wants to hear it, and RELEASE must give it back before it answers.
 */
static uint32_t do_start(struct sound_device *device, struct playback *playback,
	const struct virtio_snd_request *request) {
	sound_device_take_tx(device, VIRTQUEUE_SIZE_MAX);
	return playback_command(playback, STREAM_START);
}

static uint32_t do_stop(struct sound_device *device, struct playback *playback,
	const struct virtio_snd_request *request) {
	return playback_command(playback, STREAM_STOP);
}

static uint32_t do_release(struct sound_device *device, struct playback *playback,
	const struct virtio_snd_request *request) {
	sound_device_take_tx(device, VIRTQUEUE_SIZE_MAX);
	uint32_t status = playback_command(playback, STREAM_RELEASE);
	if (status == VIRTIO_SND_OK) {
		sound_device_flush(device, playback, VIRTIO_SND_OK);
	}
	return status;
}

static const struct {
	uint32_t code;
	/* one of the two */
	uint32_t (*answer)(struct sound_device *device, const struct virtio_snd_request *request,
		uint64_t space, struct sound_response *response);
	uint32_t (*command)(struct sound_device *device, struct playback *playback,
		const struct virtio_snd_request *request);
} handlers[] = {
	{ VIRTIO_SND_JACK_INFO, answer_jack_info, NULL },
	{ VIRTIO_SND_JACK_REMAP, answer_jack_remap, NULL },
	{ VIRTIO_SND_PCM_INFO, answer_pcm_info, NULL },
	{ VIRTIO_SND_PCM_SET_PARAMS, NULL, do_set_params },
	{ VIRTIO_SND_PCM_PREPARE, NULL, do_prepare },
	{ VIRTIO_SND_PCM_RELEASE, NULL, do_release },
	{ VIRTIO_SND_PCM_START, NULL, do_start },
	{ VIRTIO_SND_PCM_STOP, NULL, do_stop },
	{ VIRTIO_SND_CHMAP_INFO, answer_chmap_info, NULL },
};

static uint32_t handle_request(struct sound_device *device,
	const struct virtio_snd_request *request, uint64_t space, struct sound_response *response) {
	for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
		if (handlers[i].code != request->code) {
			continue;
		}
		if (handlers[i].answer != NULL) {
			return handlers[i].answer(device, request, space, response);
		}
		if (request->id >= device->playbacks_len) {
			return VIRTIO_SND_BAD_MSG;
		}
		return handlers[i].command(device, &device->playbacks[request->id], request);
	}
	return VIRTIO_SND_BAD_MSG;
}

uint32_t sound_control_answer(struct sound_device *device, const uint8_t *data, uint64_t len,
	uint64_t space, struct sound_response *response) {
	struct virtio_snd_request request;
	uint32_t status = VIRTIO_SND_BAD_MSG;
	response->len = VIRTIO_SND_HEADER_BYTES;
	switch (virtio_snd_request_decode(data, len, &request)) {
	case VIRTIO_SND_DECODED:
		status = handle_request(device, &request, space, response);
		break;
	case VIRTIO_SND_CONTROL_ELEMENT:
		status = VIRTIO_SND_NOT_SUPP;
		break;
	case VIRTIO_SND_MALFORMED:
		break;
	}
	virtio_snd_status_encode(status, response->data);
	atomic_fetch_add_explicit(device->requests, 1, memory_order_relaxed);
	if (status != VIRTIO_SND_OK) {
		atomic_fetch_add_explicit(device->bad_requests, 1, memory_order_relaxed);
		log_outsider(LOG_WARNING,
			"request 0x%04x of %llu bytes for stream %u answered 0x%04x", request.code,
			(unsigned long long)len, request.id, status);
	}
	return status;
}
