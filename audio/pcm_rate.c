#include "audio/pcm_rate.h"

#include "core/macros.h"
#include "protocol/virtio_snd.h"

static const uint32_t rates[VIRTIO_SND_RATES] = {
	[VIRTIO_SND_RATE_5512] = 5512,
	[VIRTIO_SND_RATE_8000] = 8000,
	[VIRTIO_SND_RATE_11025] = 11025,
	[VIRTIO_SND_RATE_12000] = 12000,
	[VIRTIO_SND_RATE_16000] = 16000,
	[VIRTIO_SND_RATE_22050] = 22050,
	[VIRTIO_SND_RATE_24000] = 24000,
	[VIRTIO_SND_RATE_32000] = 32000,
	[VIRTIO_SND_RATE_44100] = 44100,
	[VIRTIO_SND_RATE_48000] = 48000,
	[VIRTIO_SND_RATE_64000] = 64000,
	[VIRTIO_SND_RATE_88200] = 88200,
	[VIRTIO_SND_RATE_96000] = 96000,
	[VIRTIO_SND_RATE_176400] = 176400,
	[VIRTIO_SND_RATE_192000] = 192000,
	[VIRTIO_SND_RATE_384000] = 384000,
};

uint32_t pcm_rate_from_index(unsigned index) {
	return index < ARRAY_LEN(rates) ? rates[index] : 0;
}

uint64_t pcm_rate_mask(void) {
	return (UINT64_C(1) << ARRAY_LEN(rates)) - 1;
}
