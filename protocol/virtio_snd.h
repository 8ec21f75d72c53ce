/*
 * VIRTIO sound, wire forms (virtio 1.3/1.4, 5.14): what is in the configuration space, on the control
 * queue and around the PCM data of a transfer. Decoders make host-endian structs out of a private copy
 * and demand the exact size of each message; encoders write the exact size.
 *
 * Thread: any; no state.
 */
#ifndef PROTOCOL_VIRTIO_SND_H
#define PROTOCOL_VIRTIO_SND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum virtio_snd_queue {
	VIRTIO_SND_QUEUE_CONTROL,
	VIRTIO_SND_QUEUE_EVENT,
	VIRTIO_SND_QUEUE_TX,
	VIRTIO_SND_QUEUE_RX,
	VIRTIO_SND_QUEUES,
};

enum virtio_snd_code {
	VIRTIO_SND_JACK_INFO = 0x0001,
	VIRTIO_SND_JACK_REMAP = 0x0002,
	VIRTIO_SND_PCM_INFO = 0x0100,
	VIRTIO_SND_PCM_SET_PARAMS = 0x0101,
	VIRTIO_SND_PCM_PREPARE = 0x0102,
	VIRTIO_SND_PCM_RELEASE = 0x0103,
	VIRTIO_SND_PCM_START = 0x0104,
	VIRTIO_SND_PCM_STOP = 0x0105,
	VIRTIO_SND_CHMAP_INFO = 0x0200,
	VIRTIO_SND_CTL_INFO = 0x0300,
	VIRTIO_SND_CTL_ENUM_ITEMS = 0x0301,
	VIRTIO_SND_CTL_READ = 0x0302,
	VIRTIO_SND_CTL_WRITE = 0x0303,
	VIRTIO_SND_CTL_TLV_READ = 0x0304,
	VIRTIO_SND_CTL_TLV_WRITE = 0x0305,
	VIRTIO_SND_CTL_TLV_COMMAND = 0x0306,
};

enum virtio_snd_status {
	VIRTIO_SND_OK = 0x8000,
	VIRTIO_SND_BAD_MSG = 0x8001,
	VIRTIO_SND_NOT_SUPP = 0x8002,
	VIRTIO_SND_IO_ERR = 0x8003,
};

enum virtio_snd_direction { VIRTIO_SND_OUTPUT, VIRTIO_SND_INPUT };

enum virtio_snd_format {
	VIRTIO_SND_FMT_IMA_ADPCM,
	VIRTIO_SND_FMT_MU_LAW,
	VIRTIO_SND_FMT_A_LAW,
	VIRTIO_SND_FMT_S8,
	VIRTIO_SND_FMT_U8,
	VIRTIO_SND_FMT_S16,
	VIRTIO_SND_FMT_U16,
	VIRTIO_SND_FMT_S18_3,
	VIRTIO_SND_FMT_U18_3,
	VIRTIO_SND_FMT_S20_3,
	VIRTIO_SND_FMT_U20_3,
	VIRTIO_SND_FMT_S24_3,
	VIRTIO_SND_FMT_U24_3,
	VIRTIO_SND_FMT_S20,
	VIRTIO_SND_FMT_U20,
	VIRTIO_SND_FMT_S24,
	VIRTIO_SND_FMT_U24,
	VIRTIO_SND_FMT_S32,
	VIRTIO_SND_FMT_U32,
	VIRTIO_SND_FMT_FLOAT,
	VIRTIO_SND_FMT_FLOAT64,
	VIRTIO_SND_FMT_DSD_U8,
	VIRTIO_SND_FMT_DSD_U16,
	VIRTIO_SND_FMT_DSD_U32,
	VIRTIO_SND_FMT_IEC958_SUBFRAME,
	VIRTIO_SND_FORMATS,
};

enum virtio_snd_rate {
	VIRTIO_SND_RATE_5512,
	VIRTIO_SND_RATE_8000,
	VIRTIO_SND_RATE_11025,
	VIRTIO_SND_RATE_16000,
	VIRTIO_SND_RATE_22050,
	VIRTIO_SND_RATE_32000,
	VIRTIO_SND_RATE_44100,
	VIRTIO_SND_RATE_48000,
	VIRTIO_SND_RATE_64000,
	VIRTIO_SND_RATE_88200,
	VIRTIO_SND_RATE_96000,
	VIRTIO_SND_RATE_176400,
	VIRTIO_SND_RATE_192000,
	VIRTIO_SND_RATE_384000,
	VIRTIO_SND_RATE_12000,
	VIRTIO_SND_RATE_24000,
	VIRTIO_SND_RATES,
};

/* Channel positions of a channel map. */
enum virtio_snd_position {
	VIRTIO_SND_POSITION_NONE,
	VIRTIO_SND_POSITION_NA,
	VIRTIO_SND_POSITION_MONO,
	VIRTIO_SND_POSITION_FL,
	VIRTIO_SND_POSITION_FR,
};

#define VIRTIO_SND_CONFIG_BYTES 16
#define VIRTIO_SND_HEADER_BYTES 4
#define VIRTIO_SND_QUERY_BYTES 16
#define VIRTIO_SND_PCM_HEADER_BYTES 8
#define VIRTIO_SND_SET_PARAMS_BYTES 24
#define VIRTIO_SND_JACK_REMAP_BYTES 16
#define VIRTIO_SND_JACK_INFO_BYTES 24
#define VIRTIO_SND_PCM_INFO_BYTES 32
#define VIRTIO_SND_CHMAP_INFO_BYTES 24
#define VIRTIO_SND_CHMAP_POSITIONS 18
#define VIRTIO_SND_XFER_BYTES 4
#define VIRTIO_SND_XFER_STATUS_BYTES 8
/* The longest request this device looks into; longer ones are of control elements, or wrong. */
#define VIRTIO_SND_REQUEST_BYTES_MAX VIRTIO_SND_SET_PARAMS_BYTES

struct virtio_snd_config {
	uint32_t jacks, streams, chmaps, controls;
};

struct virtio_snd_query { /* any *_INFO */
	uint32_t start_id, count, size;
};

struct virtio_snd_set_params {
	uint32_t buffer_bytes, period_bytes, features;
	uint8_t channels, format, rate; /* any values */
};

struct virtio_snd_request {
	uint32_t code;
	uint32_t id;        /* stream; jack of a remap */
	struct virtio_snd_query query;           /* *_INFO */
	struct virtio_snd_set_params set_params; /* SET_PARAMS */
};

struct virtio_snd_pcm_info {
	uint32_t hda_fn_nid, features;
	uint64_t formats, rates;
	uint8_t direction, channels_min, channels_max;
};

struct virtio_snd_chmap_info {
	uint32_t hda_fn_nid;
	uint8_t direction, channels;
	uint8_t positions[VIRTIO_SND_CHMAP_POSITIONS];
};

enum virtio_snd_decoded {
	VIRTIO_SND_DECODED,   /* a request of this device's with its exact size */
	VIRTIO_SND_MALFORMED, /* shorter or longer than its code says, or no such code */
	VIRTIO_SND_CONTROL_ELEMENT, /* of the CTL group: a feature this device does not offer */
};

/* `len` is the request's real length, of which the first VIRTIO_SND_REQUEST_BYTES_MAX are in `data`. */
enum virtio_snd_decoded virtio_snd_request_decode(
	const uint8_t *data, uint64_t len, struct virtio_snd_request *request);

uint32_t virtio_snd_xfer_decode(const uint8_t data[VIRTIO_SND_XFER_BYTES]); /* the stream's id */

void virtio_snd_config_encode(
	const struct virtio_snd_config *config, uint8_t data[VIRTIO_SND_CONFIG_BYTES]);
void virtio_snd_status_encode(uint32_t status, uint8_t data[VIRTIO_SND_HEADER_BYTES]);
void virtio_snd_pcm_info_encode(
	const struct virtio_snd_pcm_info *info, uint8_t data[VIRTIO_SND_PCM_INFO_BYTES]);
void virtio_snd_chmap_info_encode(
	const struct virtio_snd_chmap_info *info, uint8_t data[VIRTIO_SND_CHMAP_INFO_BYTES]);
void virtio_snd_xfer_status_encode(
	uint32_t status, uint32_t latency_bytes, uint8_t data[VIRTIO_SND_XFER_STATUS_BYTES]);

#endif
