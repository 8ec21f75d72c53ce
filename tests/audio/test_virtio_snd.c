#include <string.h>

#include "core/macros.h"
#include "protocol/virtio_snd.h"
#include "tests/suite.h"

#define OK VIRTIO_SND_DECODED
#define BAD VIRTIO_SND_MALFORMED
#define CTL VIRTIO_SND_CONTROL_ELEMENT

static const struct {
	const char *name;
	uint32_t code;
	uint64_t len;
	enum virtio_snd_decoded decoded;
} rows[] = {
	{ "jack info", 0x0001, 16, OK },
	{ "jack remap", 0x0002, 16, OK },
	{ "pcm info", 0x0100, 16, OK },
	{ "set params", 0x0101, 24, OK },
	{ "prepare", 0x0102, 8, OK },
	{ "release", 0x0103, 8, OK },
	{ "start", 0x0104, 8, OK },
	{ "stop", 0x0105, 8, OK },
	{ "chmap info", 0x0200, 16, OK },
	{ "control info", 0x0300, 16, CTL },
	{ "control read", 0x0302, 8, CTL },
	{ "control write", 0x0303, 520, CTL },
	{ "control TLV command", 0x0306, 16, CTL },
	{ "code 0", 0, 16, BAD },
	{ "code after stop", 0x0106, 8, BAD },
	{ "an event's code", 0x1101, 8, BAD },
	{ "a status' code", 0x8000, 8, BAD },
	{ "the largest code", 0xffffffff, 24, BAD },
	{ "query one too long", 0x0100, 17, BAD },
	{ "stop without stream", 0x0105, 4, BAD },
	{ "start one too long", 0x0104, 9, BAD },
	{ "set params too long", 0x0101, 25, BAD },
	{ "set params of 4 GiB", 0x0101, UINT64_C(0x100000018), BAD },
};

static void fill(uint8_t *data, uint32_t code) {
	for (unsigned i = 0; i < VIRTIO_SND_REQUEST_BYTES_MAX; i++) {
		data[i] = i < 4 ? (uint8_t)(code >> (8 * i)) : (uint8_t)i;
	}
}

START_TEST(requests_have_exact_sizes) {
	uint8_t data[VIRTIO_SND_REQUEST_BYTES_MAX];
	fill(data, rows[_i].code);
	struct virtio_snd_request request;
	ck_assert_msg(virtio_snd_request_decode(data, rows[_i].len, &request) == rows[_i].decoded,
		"%s", rows[_i].name);
	ck_assert_uint_eq(request.code, rows[_i].code);

	/* cut at each byte */
	for (uint64_t len = 0; rows[_i].decoded != BAD && len < MIN(rows[_i].len, sizeof(data));
		len++) {
		enum virtio_snd_decoded decoded = virtio_snd_request_decode(data, len, &request);
		ck_assert_msg(decoded == BAD || (rows[_i].decoded == CTL && len >= 4), "%s at %d",
			rows[_i].name, (int)len);
	}
}
END_TEST

START_TEST(fields_are_where_the_specification_says) {
	uint8_t data[VIRTIO_SND_REQUEST_BYTES_MAX];
	struct virtio_snd_request request;
	fill(data, VIRTIO_SND_PCM_SET_PARAMS);
	virtio_snd_request_decode(data, 24, &request);
	ck_assert_uint_eq(request.id, 0x07060504);
	ck_assert_uint_eq(request.set_params.buffer_bytes, 0x0b0a0908);
	ck_assert_uint_eq(request.set_params.period_bytes, 0x0f0e0d0c);
	ck_assert_uint_eq(request.set_params.features, 0x13121110);
	ck_assert_uint_eq(request.set_params.channels, 0x14);
	ck_assert_uint_eq(request.set_params.format, 0x15);
	ck_assert_uint_eq(request.set_params.rate, 0x16);

	fill(data, VIRTIO_SND_CHMAP_INFO);
	virtio_snd_request_decode(data, 16, &request);
	ck_assert_uint_eq(request.query.start_id, 0x07060504);
	ck_assert_uint_eq(request.query.count, 0x0b0a0908);
	ck_assert_uint_eq(request.query.size, 0x0f0e0d0c);
	ck_assert_uint_eq(virtio_snd_xfer_decode(data + 4), 0x07060504);
}
END_TEST

START_TEST(answers_are_laid_out_as_the_specification_says) {
	uint8_t data[32];
	memset(data, 0xaa, sizeof(data));
	virtio_snd_pcm_info_encode(&(struct virtio_snd_pcm_info) { .hda_fn_nid = 0x01020304,
					   .features = 5,
					   .formats = UINT64_C(0x1122334455667788),
					   .rates = 9,
					   .direction = 1,
					   .channels_min = 2,
					   .channels_max = 8 },
		data);
	const uint8_t info[32] = { 4, 3, 2, 1, 5, 0, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22,
		0x11, 9, 0, 0, 0, 0, 0, 0, 0, 1, 2, 8 };
	ck_assert_mem_eq(data, info, 32);

	virtio_snd_chmap_info_encode(
		&(struct virtio_snd_chmap_info) {
			.hda_fn_nid = 7, .direction = 1, .channels = 2, .positions = { 3, 4 } },
		data);
	const uint8_t map[24] = { 7, 0, 0, 0, 1, 2, 3, 4 };
	ck_assert_mem_eq(data, map, 24);

	virtio_snd_config_encode(
		&(struct virtio_snd_config) {
			.jacks = 1, .streams = 2, .chmaps = 3, .controls = 4 },
		data);
	const uint8_t config[16] = { 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0 };
	ck_assert_mem_eq(data, config, 16);

	virtio_snd_xfer_status_encode(VIRTIO_SND_IO_ERR, 0x1000, data);
	const uint8_t status[8] = { 0x03, 0x80, 0, 0, 0, 0x10, 0, 0 };
	ck_assert_mem_eq(data, status, 8);
	virtio_snd_status_encode(VIRTIO_SND_NOT_SUPP, data);
	const uint8_t answer[4] = { 0x02, 0x80, 0, 0 };
	ck_assert_mem_eq(data, answer, 4);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio virtio_snd");
	TCase *tcase = suite_case(suite, "virtio_snd");
	tcase_add_loop_test(tcase, requests_have_exact_sizes, 0, ARRAY_LEN(rows));
	tcase_add_test(tcase, fields_are_where_the_specification_says);
	tcase_add_test(tcase, answers_are_laid_out_as_the_specification_says);
	return suite;
}
