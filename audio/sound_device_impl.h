/*
 * What sound_device.c (queues, session) and sound_control.c (control requests) share.
 */
#ifndef AUDIO_SOUND_DEVICE_IMPL_H
#define AUDIO_SOUND_DEVICE_IMPL_H

#include "audio/playback.h"
#include "audio/sound_device.h"
#include "protocol/vhost_session.h"

struct sound_device {
	struct sound_device_options options;
	struct vhost_session *session;
	struct loop_source *quantum_source;
	struct loop_source *revisit_timer;
	uint32_t playbacks_len;
	struct playback playbacks[SAMPLE_LINK_STREAMS];
	_Atomic uint64_t *requests, *bad_requests, *bad_transfers, *late_transfers;
};

#define SOUND_RESPONSE_BYTES_MAX                                                                   \
	(VIRTIO_SND_HEADER_BYTES + SAMPLE_LINK_STREAMS * VIRTIO_SND_PCM_INFO_BYTES)

struct sound_response {
	uint8_t data[SOUND_RESPONSE_BYTES_MAX]; /* status first */
	uint32_t len;
};

/*
 * Answers one control request of `len` bytes, of which the first VIRTIO_SND_REQUEST_BYTES_MAX are in
 * `data`, in at most `space` bytes (at least VIRTIO_SND_HEADER_BYTES). Returns the status answered.
 */
uint32_t sound_control_answer(struct sound_device *device, const uint8_t *data, uint64_t len,
	uint64_t space, struct sound_response *response);

/* Takes what is in the tx queue: at most `limit` chains. True: there may be more. */
bool sound_device_take_tx(struct sound_device *device, unsigned limit);

/* Completes everything a stream holds. */
void sound_device_flush(struct sound_device *device, struct playback *playback, uint32_t status);

#endif
