#include "audio/pcm_format.h"

#include <math.h>
#include <string.h>

#include "core/macros.h"
#include "protocol/virtio_snd.h"
#include "tests/suite.h"

/* Each is converted twice in a row from an odd address: what a kernel reads of the unused bits or of a
 * neighbour shows. */
static const struct {
	const char *name; /* also of the format */
	unsigned index;
	uint32_t bytes;
	uint8_t data[8];
	float sample;
} rows[] = {
	/* G.711's tables: the quietest and the loudest code of each sign */
	{ "MU_LAW", VIRTIO_SND_FMT_MU_LAW, 1, { 0xff }, 0.0f },
	{ "MU_LAW", VIRTIO_SND_FMT_MU_LAW, 1, { 0x7f }, 0.0f },
	{ "MU_LAW", VIRTIO_SND_FMT_MU_LAW, 1, { 0xfe }, 8.0f / 32768 },
	{ "MU_LAW", VIRTIO_SND_FMT_MU_LAW, 1, { 0x80 }, 32124.0f / 32768 },
	{ "MU_LAW", VIRTIO_SND_FMT_MU_LAW, 1, { 0x00 }, -32124.0f / 32768 },
	{ "MU_LAW", VIRTIO_SND_FMT_MU_LAW, 1, { 0xef }, 132.0f / 32768 },
	{ "A_LAW", VIRTIO_SND_FMT_A_LAW, 1, { 0xd5 }, 8.0f / 32768 },
	{ "A_LAW", VIRTIO_SND_FMT_A_LAW, 1, { 0x55 }, -8.0f / 32768 },
	{ "A_LAW", VIRTIO_SND_FMT_A_LAW, 1, { 0xaa }, 32256.0f / 32768 },
	{ "A_LAW", VIRTIO_SND_FMT_A_LAW, 1, { 0x2a }, -32256.0f / 32768 },
	{ "A_LAW", VIRTIO_SND_FMT_A_LAW, 1, { 0xc5 }, 264.0f / 32768 },

	{ "S8", VIRTIO_SND_FMT_S8, 1, { 0x00 }, 0.0f },
	{ "S8", VIRTIO_SND_FMT_S8, 1, { 0x80 }, -1.0f },
	{ "S8", VIRTIO_SND_FMT_S8, 1, { 0x7f }, 127.0f / 128 },
	{ "U8", VIRTIO_SND_FMT_U8, 1, { 0x80 }, 0.0f },
	{ "U8", VIRTIO_SND_FMT_U8, 1, { 0x00 }, -1.0f },
	{ "U8", VIRTIO_SND_FMT_U8, 1, { 0xff }, 127.0f / 128 },
	{ "S16", VIRTIO_SND_FMT_S16, 2, { 0x01, 0x00 }, 0x1p-15f },
	{ "S16", VIRTIO_SND_FMT_S16, 2, { 0x00, 0x01 }, 0x1p-7f },
	{ "S16", VIRTIO_SND_FMT_S16, 2, { 0x00, 0x80 }, -1.0f },
	{ "U16", VIRTIO_SND_FMT_U16, 2, { 0x01, 0x80 }, 0x1p-15f },
	{ "U16", VIRTIO_SND_FMT_U16, 2, { 0x00, 0x00 }, -1.0f },

	/* the bits above the value are whatever the guest left there */
	{ "S18_3", VIRTIO_SND_FMT_S18_3, 3, { 0x01, 0x00, 0xfc }, 0x1p-17f },
	{ "S18_3", VIRTIO_SND_FMT_S18_3, 3, { 0x00, 0x00, 0x02 }, -1.0f },
	{ "U18_3", VIRTIO_SND_FMT_U18_3, 3, { 0x01, 0x00, 0xfe }, 0x1p-17f },
	{ "U18_3", VIRTIO_SND_FMT_U18_3, 3, { 0x00, 0x00, 0xfc }, -1.0f },
	{ "S20_3", VIRTIO_SND_FMT_S20_3, 3, { 0xff, 0xff, 0x0f }, -0x1p-19f },
	{ "S20_3", VIRTIO_SND_FMT_S20_3, 3, { 0x01, 0x00, 0xf0 }, 0x1p-19f },
	{ "U20_3", VIRTIO_SND_FMT_U20_3, 3, { 0x01, 0x00, 0xf8 }, 0x1p-19f },
	{ "U20_3", VIRTIO_SND_FMT_U20_3, 3, { 0x00, 0x00, 0xf0 }, -1.0f },
	{ "S24_3", VIRTIO_SND_FMT_S24_3, 3, { 0xff, 0xff, 0xff }, -0x1p-23f },
	{ "S24_3", VIRTIO_SND_FMT_S24_3, 3, { 0xff, 0xff, 0x7f }, 1.0f - 0x1p-23f },
	{ "U24_3", VIRTIO_SND_FMT_U24_3, 3, { 0x01, 0x00, 0x80 }, 0x1p-23f },
	{ "U24_3", VIRTIO_SND_FMT_U24_3, 3, { 0x00, 0x00, 0x00 }, -1.0f },
	{ "S20", VIRTIO_SND_FMT_S20, 4, { 0x01, 0x00, 0xf0, 0xff }, 0x1p-19f },
	{ "S20", VIRTIO_SND_FMT_S20, 4, { 0x00, 0x00, 0x08, 0x00 }, -1.0f },
	{ "U20", VIRTIO_SND_FMT_U20, 4, { 0x01, 0x00, 0xf8, 0xff }, 0x1p-19f },
	{ "U20", VIRTIO_SND_FMT_U20, 4, { 0x00, 0x00, 0xf0, 0xff }, -1.0f },
	{ "S24", VIRTIO_SND_FMT_S24, 4, { 0x01, 0x00, 0x00, 0xff }, 0x1p-23f },
	{ "S24", VIRTIO_SND_FMT_S24, 4, { 0x00, 0x00, 0x80, 0x00 }, -1.0f },
	{ "U24", VIRTIO_SND_FMT_U24, 4, { 0x01, 0x00, 0x80, 0xff }, 0x1p-23f },
	{ "U24", VIRTIO_SND_FMT_U24, 4, { 0x00, 0x00, 0x00, 0x7f }, -1.0f },
	{ "S32", VIRTIO_SND_FMT_S32, 4, { 0x01, 0x00, 0x00, 0x00 }, 0x1p-31f },
	{ "S32", VIRTIO_SND_FMT_S32, 4, { 0x00, 0x00, 0x00, 0x80 }, -1.0f },
	{ "S32", VIRTIO_SND_FMT_S32, 4, { 0xff, 0xff, 0xff, 0x7f }, 1.0f }, /* rounded */
	{ "U32", VIRTIO_SND_FMT_U32, 4, { 0x01, 0x00, 0x00, 0x80 }, 0x1p-31f },
	{ "U32", VIRTIO_SND_FMT_U32, 4, { 0x00, 0x00, 0x00, 0x00 }, -1.0f },

	{ "FLOAT", VIRTIO_SND_FMT_FLOAT, 4, { 0x00, 0x00, 0x40, 0xbf }, -0.75f },
	{ "FLOAT", VIRTIO_SND_FMT_FLOAT, 4, { 0x00, 0x00, 0x80, 0x7f }, INFINITY },
	{ "FLOAT64", VIRTIO_SND_FMT_FLOAT64, 8, { 0, 0, 0, 0, 0, 0, 0xe8, 0xbf }, -0.75f },
	{ "FLOAT64", VIRTIO_SND_FMT_FLOAT64, 8, { 0, 0, 0, 0, 0, 0, 0xf0, 0xff }, -INFINITY },
};

START_TEST(samples_become_floats) {
	const struct pcm_format *format = pcm_format_from_index(rows[_i].index);
	ck_assert_ptr_nonnull(format);
	ck_assert_str_eq(format->name, rows[_i].name);
	ck_assert_uint_eq(format->bytes, rows[_i].bytes);

	/* at an odd address, and no sample more than was asked for */
	uint8_t data[1 + 2 * 8] = { 0 };
	float samples[3] = { 0, 0, 42.0f };
	memcpy(data + 1, rows[_i].data, format->bytes);
	memcpy(data + 1 + format->bytes, rows[_i].data, format->bytes);
	format->to_float(data + 1, samples, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert_msg(samples[i] == rows[_i].sample, "%s: sample %d is %a, not %a",
			rows[_i].name, i, (double)samples[i], (double)rows[_i].sample);
	}
	ck_assert(samples[2] == 42.0f);
}
END_TEST

START_TEST(what_is_not_a_number_stays_so) {
	static const uint8_t nan32[] = { 0x01, 0x00, 0x80, 0x7f };
	static const uint8_t nan64[] = { 0, 0, 0, 0, 0, 0, 0xf8, 0x7f };
	float sample = 0;
	pcm_format_from_index(VIRTIO_SND_FMT_FLOAT)->to_float(nan32, &sample, 1);
	ck_assert(isnan(sample));
	sample = 0;
	pcm_format_from_index(VIRTIO_SND_FMT_FLOAT64)->to_float(nan64, &sample, 1);
	ck_assert(isnan(sample));
}
END_TEST

/* Both laws rise with what their codes mean, and each sign mirrors the other. */
START_TEST(laws_are_symmetric_and_rise) {
	static const struct {
		unsigned index, flip;
	} laws[] = {
		{ VIRTIO_SND_FMT_MU_LAW, 0xff },
		{ VIRTIO_SND_FMT_A_LAW, 0xd5 },
	};
	const struct pcm_format *format = pcm_format_from_index(laws[_i].index);
	float before = -1.0f;
	for (unsigned magnitude = 0; magnitude < 0x80; magnitude++) {
		uint8_t positive = (uint8_t)(magnitude ^ laws[_i].flip);
		uint8_t negative = positive ^ 0x80;
		float up = 0, down = 0;
		format->to_float(&positive, &up, 1);
		format->to_float(&negative, &down, 1);
		ck_assert(up == -down);
		ck_assert(up > before && up < 1.0f);
		before = up;
	}
}
END_TEST

static const struct {
	const char *name;
	unsigned index;
} refused[] = {
	{ "compressed", VIRTIO_SND_FMT_IMA_ADPCM },
	{ "DSD", VIRTIO_SND_FMT_DSD_U8 },
	{ "DSD, 16 bits", VIRTIO_SND_FMT_DSD_U16 },
	{ "DSD, 32 bits", VIRTIO_SND_FMT_DSD_U32 },
	{ "subframes", VIRTIO_SND_FMT_IEC958_SUBFRAME },
	{ "behind the last", VIRTIO_SND_FORMATS },
	{ "as a byte can be", 255 },
	{ "as nothing can be", UINT32_MAX },
};

START_TEST(others_are_not_offered) {
	ck_assert_msg(pcm_format_from_index(refused[_i].index) == NULL, "%s", refused[_i].name);
}
END_TEST

START_TEST(the_mask_says_what_is_offered) {
	uint64_t tested = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		tested |= UINT64_C(1) << rows[i].index;
	}
	/* and every offered format has its rows above */
	ck_assert_uint_eq(pcm_format_mask(), tested);
	for (unsigned i = 0; i < 64; i++) {
		ck_assert((pcm_format_from_index(i) != NULL) == ((tested >> i & 1) != 0));
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio pcm_format");
	TCase *samples = suite_case(suite, "samples");
	tcase_add_loop_test(samples, samples_become_floats, 0, ARRAY_LEN(rows));
	tcase_add_test(samples, what_is_not_a_number_stays_so);
	tcase_add_loop_test(samples, laws_are_symmetric_and_rise, 0, 2);
	TCase *offer = suite_case(suite, "offer");
	tcase_add_loop_test(offer, others_are_not_offered, 0, ARRAY_LEN(refused));
	tcase_add_test(offer, the_mask_says_what_is_offered);
	return suite;
}
