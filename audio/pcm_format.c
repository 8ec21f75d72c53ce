#include "audio/pcm_format.h"

#include <string.h>

#include "core/macros.h"
#include "protocol/virtio_snd.h"

#define SCALE_32 0x1p-31f

static uint32_t load_16(const uint8_t *data) {
	return (uint32_t)data[0] | (uint32_t)data[1] << 8;
}

static uint32_t load_24(const uint8_t *data) {
	return load_16(data) | (uint32_t)data[2] << 16;
}

static uint32_t load_32(const uint8_t *data) {
	return load_24(data) | (uint32_t)data[3] << 24;
}

/*
 * One kernel per integer format: the significant bits go to the top of 32, so that the sign is where
 * it belongs whatever the unused bits of the container hold; an unsigned format's middle is moved to
 * zero by turning its top bit over.
 */
#define INTEGER_KERNEL(name, bytes_, load, bits, flip)                                             \
	static void name(const uint8_t *data, float *samples, size_t samples_len) {                \
		for (size_t i = 0; i < samples_len; i++) {                                         \
			uint32_t top = load(data + i * (bytes_)) << (32 - (bits));                 \
			int32_t value;                                                             \
			top ^= (flip);                                                             \
			memcpy(&value, &top, sizeof(value));                                       \
			samples[i] = (float)value * SCALE_32;                                      \
		}                                                                                  \
	}

#define SIGNED 0u
#define UNSIGNED 0x80000000u

#define load_8(data) ((uint32_t)(data)[0])
INTEGER_KERNEL(s8, 1, load_8, 8, SIGNED)
INTEGER_KERNEL(u8, 1, load_8, 8, UNSIGNED)
INTEGER_KERNEL(s16, 2, load_16, 16, SIGNED)
INTEGER_KERNEL(u16, 2, load_16, 16, UNSIGNED)
INTEGER_KERNEL(s18_3, 3, load_24, 18, SIGNED)
INTEGER_KERNEL(u18_3, 3, load_24, 18, UNSIGNED)
INTEGER_KERNEL(s20_3, 3, load_24, 20, SIGNED)
INTEGER_KERNEL(u20_3, 3, load_24, 20, UNSIGNED)
INTEGER_KERNEL(s24_3, 3, load_24, 24, SIGNED)
INTEGER_KERNEL(u24_3, 3, load_24, 24, UNSIGNED)
INTEGER_KERNEL(s20, 4, load_32, 20, SIGNED)
INTEGER_KERNEL(u20, 4, load_32, 20, UNSIGNED)
INTEGER_KERNEL(s24, 4, load_32, 24, SIGNED)
INTEGER_KERNEL(u24, 4, load_32, 24, UNSIGNED)
INTEGER_KERNEL(s32, 4, load_32, 32, SIGNED)
INTEGER_KERNEL(u32, 4, load_32, 32, UNSIGNED)

/* G.711: 4 bits of mantissa and 3 of exponent; the 13 or 14 bit value goes to 16 bits. */
static void mu_law(const uint8_t *data, float *samples, size_t samples_len) {
	for (size_t i = 0; i < samples_len; i++) {
		unsigned code = ~(unsigned)data[i] & 0xffu;
		int value = (int)((((code & 0x0fu) << 3) + 0x84u) << ((code & 0x70u) >> 4)) - 0x84;
		samples[i] = (float)((code & 0x80u) != 0 ? -value : value) * 0x1p-15f;
	}
}

static void a_law(const uint8_t *data, float *samples, size_t samples_len) {
	for (size_t i = 0; i < samples_len; i++) {
		unsigned code = (unsigned)data[i] ^ 0x55u;
		unsigned exponent = (code & 0x70u) >> 4;
		unsigned mantissa = (code & 0x0fu) << 4;
		int value =
			(int)(exponent == 0 ? mantissa + 8 : (mantissa + 0x108u) << (exponent - 1));
		samples[i] = (float)((code & 0x80u) != 0 ? value : -value) * 0x1p-15f;
	}
}

static void float32(const uint8_t *data, float *samples, size_t samples_len) {
	for (size_t i = 0; i < samples_len; i++) {
		uint32_t bits = load_32(data + i * sizeof(bits));
		memcpy(&samples[i], &bits, sizeof(bits));
	}
}

static void float64(const uint8_t *data, float *samples, size_t samples_len) {
	for (size_t i = 0; i < samples_len; i++) {
		const uint8_t *at = data + i * sizeof(uint64_t);
		uint64_t bits = (uint64_t)load_32(at) | (uint64_t)load_32(at + 4) << 32;
		double sample;
		memcpy(&sample, &bits, sizeof(sample));
		samples[i] = (float)sample;
	}
}

static const struct pcm_format formats[VIRTIO_SND_FORMATS] = {
	[VIRTIO_SND_FMT_MU_LAW] = { "MU_LAW", 1, mu_law },
	[VIRTIO_SND_FMT_A_LAW] = { "A_LAW", 1, a_law },
	[VIRTIO_SND_FMT_S8] = { "S8", 1, s8 },
	[VIRTIO_SND_FMT_U8] = { "U8", 1, u8 },
	[VIRTIO_SND_FMT_S16] = { "S16", 2, s16 },
	[VIRTIO_SND_FMT_U16] = { "U16", 2, u16 },
	[VIRTIO_SND_FMT_S18_3] = { "S18_3", 3, s18_3 },
	[VIRTIO_SND_FMT_U18_3] = { "U18_3", 3, u18_3 },
	[VIRTIO_SND_FMT_S20_3] = { "S20_3", 3, s20_3 },
	[VIRTIO_SND_FMT_U20_3] = { "U20_3", 3, u20_3 },
	[VIRTIO_SND_FMT_S24_3] = { "S24_3", 3, s24_3 },
	[VIRTIO_SND_FMT_U24_3] = { "U24_3", 3, u24_3 },
	[VIRTIO_SND_FMT_S20] = { "S20", 4, s20 },
	[VIRTIO_SND_FMT_U20] = { "U20", 4, u20 },
	[VIRTIO_SND_FMT_S24] = { "S24", 4, s24 },
	[VIRTIO_SND_FMT_U24] = { "U24", 4, u24 },
	[VIRTIO_SND_FMT_S32] = { "S32", 4, s32 },
	[VIRTIO_SND_FMT_U32] = { "U32", 4, u32 },
	[VIRTIO_SND_FMT_FLOAT] = { "FLOAT", 4, float32 },
	[VIRTIO_SND_FMT_FLOAT64] = { "FLOAT64", 8, float64 },
};

const struct pcm_format *pcm_format_from_index(unsigned index) {
	return index < ARRAY_LEN(formats) && formats[index].name != NULL ? &formats[index] : NULL;
}

uint64_t pcm_format_mask(void) {
	uint64_t mask = 0;
	for (unsigned i = 0; i < ARRAY_LEN(formats); i++) {
		mask |= formats[i].name != NULL ? UINT64_C(1) << i : 0;
	}
	return mask;
}
