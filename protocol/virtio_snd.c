#include "protocol/virtio_snd.h"

#include "core/bytes.h"
#include "core/macros.h"

static void decode_query(struct byte_reader *reader, struct virtio_snd_request *request) {
	request->query.start_id = byte_reader_u32(reader);
	request->query.count = byte_reader_u32(reader);
	request->query.size = byte_reader_u32(reader);
}

static void decode_id(struct byte_reader *reader, struct virtio_snd_request *request) {
	request->id = byte_reader_u32(reader);
}

static void decode_jack_remap(struct byte_reader *reader, struct virtio_snd_request *request) {
	decode_id(reader, request);
	byte_reader_skip(reader, 8); /* association, sequence: this device has no jack to remap */
}

static void decode_set_params(struct byte_reader *reader, struct virtio_snd_request *request) {
	decode_id(reader, request);
	request->set_params.buffer_bytes = byte_reader_u32(reader);
	request->set_params.period_bytes = byte_reader_u32(reader);
	request->set_params.features = byte_reader_u32(reader);
	request->set_params.channels = byte_reader_u8(reader);
	request->set_params.format = byte_reader_u8(reader);
	request->set_params.rate = byte_reader_u8(reader);
	byte_reader_skip(reader, 1); /* padding: "zero" for the driver, ignored by a kind device */
}

static const struct {
	uint32_t code;
	void (*decode)(struct byte_reader *reader, struct virtio_snd_request *request);
} requests[] = {
	{ VIRTIO_SND_JACK_INFO, decode_query },
	{ VIRTIO_SND_JACK_REMAP, decode_jack_remap },
	{ VIRTIO_SND_PCM_INFO, decode_query },
	{ VIRTIO_SND_PCM_SET_PARAMS, decode_set_params },
	{ VIRTIO_SND_PCM_PREPARE, decode_id },
	{ VIRTIO_SND_PCM_RELEASE, decode_id },
	{ VIRTIO_SND_PCM_START, decode_id },
	{ VIRTIO_SND_PCM_STOP, decode_id },
	{ VIRTIO_SND_CHMAP_INFO, decode_query },
};

enum virtio_snd_decoded virtio_snd_request_decode(
	const uint8_t *data, uint64_t len, struct virtio_snd_request *request) {
	struct byte_reader reader;
	byte_reader_init(&reader, data, (size_t)MIN(len, VIRTIO_SND_REQUEST_BYTES_MAX));
	*request = (struct virtio_snd_request) { .code = byte_reader_u32(&reader) };
	if (reader.failed) {
		return VIRTIO_SND_MALFORMED;
	}
	if (request->code >= VIRTIO_SND_CTL_INFO && request->code <= VIRTIO_SND_CTL_TLV_COMMAND) {
		return VIRTIO_SND_CONTROL_ELEMENT;
	}
	if (len > VIRTIO_SND_REQUEST_BYTES_MAX) {
		return VIRTIO_SND_MALFORMED;
	}
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		if (requests[i].code == request->code) {
			requests[i].decode(&reader, request);
			return byte_reader_done(&reader) ? VIRTIO_SND_DECODED
							 : VIRTIO_SND_MALFORMED;
		}
	}
	return VIRTIO_SND_MALFORMED;
}

uint32_t virtio_snd_xfer_decode(const uint8_t data[VIRTIO_SND_XFER_BYTES]) {
	struct byte_reader reader;
	byte_reader_init(&reader, data, VIRTIO_SND_XFER_BYTES);
	return byte_reader_u32(&reader);
}

void virtio_snd_config_encode(
	const struct virtio_snd_config *config, uint8_t data[VIRTIO_SND_CONFIG_BYTES]) {
	struct byte_writer writer;
	byte_writer_init(&writer, data, VIRTIO_SND_CONFIG_BYTES);
	byte_writer_u32(&writer, config->jacks);
	byte_writer_u32(&writer, config->streams);
	byte_writer_u32(&writer, config->chmaps);
	byte_writer_u32(&writer, config->controls);
}

void virtio_snd_status_encode(uint32_t status, uint8_t data[VIRTIO_SND_HEADER_BYTES]) {
	struct byte_writer writer;
	byte_writer_init(&writer, data, VIRTIO_SND_HEADER_BYTES);
	byte_writer_u32(&writer, status);
}

void virtio_snd_pcm_info_encode(
	const struct virtio_snd_pcm_info *info, uint8_t data[VIRTIO_SND_PCM_INFO_BYTES]) {
	struct byte_writer writer;
	byte_writer_init(&writer, data, VIRTIO_SND_PCM_INFO_BYTES);
	byte_writer_u32(&writer, info->hda_fn_nid);
	byte_writer_u32(&writer, info->features);
	byte_writer_u64(&writer, info->formats);
	byte_writer_u64(&writer, info->rates);
	byte_writer_u8(&writer, info->direction);
	byte_writer_u8(&writer, info->channels_min);
	byte_writer_u8(&writer, info->channels_max);
	byte_writer_zeros(&writer, 5);
}

void virtio_snd_chmap_info_encode(
	const struct virtio_snd_chmap_info *info, uint8_t data[VIRTIO_SND_CHMAP_INFO_BYTES]) {
	struct byte_writer writer;
	byte_writer_init(&writer, data, VIRTIO_SND_CHMAP_INFO_BYTES);
	byte_writer_u32(&writer, info->hda_fn_nid);
	byte_writer_u8(&writer, info->direction);
	byte_writer_u8(&writer, info->channels);
	byte_writer_copy(&writer, info->positions, VIRTIO_SND_CHMAP_POSITIONS);
}

void virtio_snd_xfer_status_encode(
	uint32_t status, uint32_t latency_bytes, uint8_t data[VIRTIO_SND_XFER_STATUS_BYTES]) {
	struct byte_writer writer;
	byte_writer_init(&writer, data, VIRTIO_SND_XFER_STATUS_BYTES);
	byte_writer_u32(&writer, status);
	byte_writer_u32(&writer, latency_bytes);
}
