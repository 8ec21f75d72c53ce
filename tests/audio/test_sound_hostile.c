/* What no sane driver puts on the queues. */
#include <stdlib.h>
#include <string.h>

#include "audio/playback.h"
#include "core/macros.h"
#include "protocol/virtio_snd.h"
#include "tests/audio/sound_rig.h"
#include "tests/suite.h"

#define QUANTUM 128
#define FRAME_BYTES 4
#define PERIOD_FRAMES 480
#define PERIOD_BYTES (PERIOD_FRAMES * FRAME_BYTES)
#define PERIODS 4

static struct sound_rig *rig;
static struct vmm_snd *snd;
static struct vmm_queue *tx, *rx;

static void setup(void) {
	rig = sound_rig_create((struct sound_rig_options) { .queue_size = 1024 });
	snd = &rig->guests[0].snd;
	tx = &snd->device.queues[VMM_SND_TX];
	rx = &snd->device.queues[VMM_SND_RX];
}

static void teardown(void) {
	sound_rig_destroy(rig);
}

static void prepare(unsigned stream) {
	sound_rig_prepare(rig, 0, stream, VIRTIO_SND_FMT_S16, VIRTIO_SND_RATE_48000, 2,
		PERIOD_BYTES, PERIODS);
}

static void send_period(unsigned stream, uint64_t cookie) {
	int16_t period[PERIOD_FRAMES * 2];
	memset(period, 1, sizeof(period));
	ck_assert_int_eq(vmm_snd_send(snd, stream, period, sizeof(period), cookie), 0);
}

static const struct {
	const char *name;
	uint32_t stream;
	uint32_t header_bytes; /* of the 4 */
	bool split_header;
	uint32_t data_bytes;
	uint32_t status_bytes;
	uint32_t status; /* VMM_SND_NONE: nothing is written */
} bad_transfers[] = {
	{ "no such stream", 2, 4, false, 1920, 8, VMM_SND_BAD_MSG },
	{ "the last stream number", 0xffffffff, 4, false, 1920, 8, VMM_SND_BAD_MSG },
	{ "header only", 0, 4, false, 0, 8, VMM_SND_BAD_MSG },
	{ "half a header", 0, 2, false, 0, 8, VMM_SND_BAD_MSG },
	{ "no header", 0, 0, false, 0, 8, VMM_SND_BAD_MSG },
	{ "one byte", 0, 4, false, 1, 8, VMM_SND_BAD_MSG },
	{ "not of frames", 0, 4, false, 1919, 8, VMM_SND_BAD_MSG },
	{ "split header, one byte", 0, 4, true, 1, 8, VMM_SND_BAD_MSG },
	{ "no status", 0, 4, false, 1920, 0, VMM_SND_NONE },
	{ "7 bytes of status", 0, 4, false, 1920, 7, VMM_SND_NONE },
	{ "more space than a status, one byte", 0, 4, false, 1, 100, VMM_SND_BAD_MSG },
	{ "nothing but space", 0, 0, false, 0, 8, VMM_SND_BAD_MSG },
};

START_TEST(a_bad_transfer_comes_back_at_once) {
	struct vmm_ram *ram = &rig->guests[0].ram;
	prepare(0);
	uint64_t at = vmm_ram_alloc(ram, 4096, 8);
	uint8_t *bytes = vmm_ram_at(ram, at, 4096);
	memcpy(bytes, &bad_transfers[_i].stream, 4);
	uint64_t status = at + 4000 - 8;
	memset(bytes + 3992, 0xaa, 104);
	struct vmm_buffer buffers[6];
	size_t len = 0;
	uint32_t header = bad_transfers[_i].header_bytes;
	if (header > 0 && bad_transfers[_i].split_header) {
		buffers[len++] = (struct vmm_buffer) { at, 1, false };
		buffers[len++] = (struct vmm_buffer) { at + 1, header - 1, false };
	} else if (header > 0) {
		buffers[len++] = (struct vmm_buffer) { at, header, false };
	}
	if (bad_transfers[_i].data_bytes > 0) {
		buffers[len++] =
			(struct vmm_buffer) { at + 64, bad_transfers[_i].data_bytes, false };
	}
	if (bad_transfers[_i].status_bytes > 0) {
		buffers[len++] =
			(struct vmm_buffer) { status, bad_transfers[_i].status_bytes, true };
	}
	ck_assert_int_ge(vmm_queue_add(tx, buffers, len, true), 0);
	vmm_queue_kick(tx);
	sound_rig_settle(rig);
	struct vmm_used used;
	ck_assert_msg(vmm_queue_take(tx, &used), "%s", bad_transfers[_i].name);
	uint32_t written;
	memcpy(&written, bytes + 3992, 4);
	bool none = bad_transfers[_i].status == VMM_SND_NONE;
	ck_assert_uint_eq(used.bytes, none ? 0 : 8);
	ck_assert_msg(written == (none ? 0xaaaaaaaa : bad_transfers[_i].status), "%s: %x",
		bad_transfers[_i].name, written);
	/* past the status nothing was touched */
	ck_assert_uint_eq(bytes[4000], 0xaa);
	ck_assert_uint_eq(sound_rig_stat(rig, "transfers.bad"), 1);
}
END_TEST

START_TEST(a_header_and_a_status_in_single_bytes) {
	struct vmm_ram *ram = &rig->guests[0].ram;
	prepare(1);
	sound_rig_command(rig, 0, VMM_SND_START, 1);
	uint64_t at = vmm_ram_alloc(ram, 4096, 8);
	uint8_t *bytes = vmm_ram_at(ram, at, 4096);
	bytes[0] = 1; /* the stream */
	bytes[100] = 0x34;
	bytes[101] = 0x12;
	struct vmm_buffer buffers[16];
	size_t len = 0;
	for (unsigned i = 0; i < 4; i++) {
		buffers[len++] = (struct vmm_buffer) { at + i, 1, false };
	}
	buffers[len++] = (struct vmm_buffer) { at + 100, 1, false };
	buffers[len++] = (struct vmm_buffer) { at + 101, PERIOD_BYTES - 1, false };
	for (unsigned i = 0; i < 8; i++) {
		buffers[len++] = (struct vmm_buffer) { at + 3000 + 2 * i, 1, true };
	}
	ck_assert_int_ge(vmm_queue_add(tx, buffers, len, true), 0);
	vmm_queue_kick(tx);
	sound_rig_quanta(rig, 6);
	struct vmm_used used;
	ck_assert(vmm_queue_take(tx, &used));
	ck_assert_uint_eq(used.bytes, 8);
	ck_assert_uint_eq(bytes[3000], 0x00);
	ck_assert_uint_eq(bytes[3002], 0x80);
	bool heard = false;
	for (uint32_t i = 0; i < rig->tape_frames; i++) {
		heard |= rig->tape[2 * i] == (float)0x1234 / 32768;
	}
	ck_assert(heard);
}
END_TEST

START_TEST(more_than_the_buffer_is_clipped) {
	struct vmm_ram *ram = &rig->guests[0].ram;
	prepare(0);
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	uint32_t bytes = 16u << 20;
	uint64_t at = vmm_ram_alloc(ram, bytes, 8);
	uint64_t header = vmm_ram_alloc(ram, 16, 8);
	int16_t *samples = vmm_ram_at(ram, at, bytes);
	uint32_t buffer_frames = PERIODS * PERIOD_FRAMES;
	for (uint32_t i = 0; i < buffer_frames + 1000; i++) {
		samples[2 * i] = (int16_t)(i < buffer_frames ? 100 : 9999);
	}
	struct vmm_buffer buffers[] = { { header, 4, false }, { at, bytes, false },
		{ header + 8, 8, true } };
	ck_assert_int_ge(vmm_queue_add(tx, buffers, 3, false), 0);
	vmm_queue_kick(tx);
	sound_rig_quanta(rig, buffer_frames / QUANTUM + 4);
	struct vmm_used used;
	ck_assert(vmm_queue_take(tx, &used));
	uint32_t heard = 0;
	for (uint32_t i = 0; i < rig->tape_frames; i++) {
		ck_assert(rig->tape[2 * i] < 9000.0f / 32768);
		heard += rig->tape[2 * i] == 100.0f / 32768;
	}
	ck_assert_uint_eq(heard, buffer_frames);
}
END_TEST

/* As many pieces as a chain can have, in as many chains as there is room for. */
START_TEST(pieces_without_end_are_bounded) {
	struct vmm_ram *ram = &rig->guests[0].ram;
	prepare(0);
	uint64_t at = vmm_ram_alloc(ram, 4096, 8);
	static struct vmm_buffer buffers[1002];
	buffers[0] = (struct vmm_buffer) { at, 4, false };
	for (unsigned i = 1; i < 1001; i++) {
		buffers[i] = (struct vmm_buffer) { at + 64 + 2 * i, 1, false };
	}
	buffers[1001] = (struct vmm_buffer) { at + 8, 8, true };
	unsigned sent = 0;
	for (; sent < 8; sent++) {
		ck_assert_int_ge(vmm_queue_add(tx, buffers, 1002, true), 0);
	}
	vmm_queue_kick(tx);
	sound_rig_settle(rig);
	struct vmm_used used;
	unsigned refused = 0;
	while (vmm_queue_take(tx, &used)) {
		refused++;
	}
	ck_assert_uint_eq(refused, sent - PLAYBACK_SPANS / 1002);
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	sound_rig_quanta(rig, 20);
	unsigned played = 0;
	while (vmm_queue_take(tx, &used)) {
		played++;
	}
	ck_assert_uint_eq(played, sent - refused);
}
END_TEST

/* ---- the receive queue ---- */

static const struct {
	const char *name;
	uint32_t readable, writable;
	uint32_t status;
} rx_rows[] = {
	{ "a period", 4, 1920 + 8, VMM_SND_IO_ERR },
	{ "exactly a status", 4, 8, VMM_SND_IO_ERR },
	{ "a status and a byte", 4, 9, VMM_SND_IO_ERR },
	{ "no header", 0, 1928, VMM_SND_BAD_MSG },
	{ "a long header", 8, 1928, VMM_SND_BAD_MSG },
	{ "7 bytes", 4, 7, VMM_SND_NONE },
	{ "no space", 4, 0, VMM_SND_NONE },
};

START_TEST(nothing_is_recorded) {
	struct vmm_ram *ram = &rig->guests[0].ram;
	uint64_t at = vmm_ram_alloc(ram, 8192, 8);
	uint8_t *bytes = vmm_ram_at(ram, at, 8192);
	memset(bytes + 1024, 0xaa, 4096);
	struct vmm_buffer buffers[2];
	size_t len = 0;
	if (rx_rows[_i].readable > 0) {
		buffers[len++] = (struct vmm_buffer) { at, rx_rows[_i].readable, false };
	}
	if (rx_rows[_i].writable > 0) {
		buffers[len++] = (struct vmm_buffer) { at + 1024, rx_rows[_i].writable, true };
	}
	ck_assert_int_ge(vmm_queue_add(rx, buffers, len, false), 0);
	vmm_queue_kick(rx);
	sound_rig_settle(rig);
	struct vmm_used used;
	ck_assert_msg(vmm_queue_take(rx, &used), "%s", rx_rows[_i].name);
	bool none = rx_rows[_i].status == VMM_SND_NONE;
	ck_assert_uint_eq(used.bytes, none ? 0 : 8);
	for (uint32_t i = 0; i < 4096; i++) {
		bool is_status = !none && i >= rx_rows[_i].writable - 8 && i < rx_rows[_i].writable;
		ck_assert_msg((bytes[1024 + i] == 0xaa) == !is_status, "%s: byte %u",
			rx_rows[_i].name, i);
	}
	if (!none) {
		uint32_t status;
		memcpy(&status, bytes + 1024 + rx_rows[_i].writable - 8, 4);
		ck_assert_uint_eq(status, rx_rows[_i].status);
	}
}
END_TEST

/* The event queue takes buffers, keeps them, and does not mind none. */
START_TEST(event_buffers_are_kept) {
	struct vmm_ram *ram = &rig->guests[0].ram;
	struct vmm_queue *events = &snd->device.queues[VMM_SND_EVENT];
	uint64_t at = vmm_ram_alloc(ram, 64, 8);
	for (unsigned i = 0; i < 4; i++) {
		struct vmm_buffer buffer = { at + 8 * i, i == 3 ? 1 : 8, true };
		ck_assert_int_ge(vmm_queue_add(events, &buffer, 1, false), 0);
	}
	vmm_queue_kick(events);
	sound_rig_quanta(rig, 3);
	struct vmm_used used;
	ck_assert(!vmm_queue_take(events, &used));
	uint8_t item[32];
	ck_assert_uint_eq(vmm_snd_info(snd, VMM_SND_PCM_INFO, 0, 1, 32, item), VMM_SND_OK);
}
END_TEST

/* A region taken away under periods that lie in it. */
START_TEST(memory_that_goes_takes_its_periods_with_it) {
	prepare(0);
	send_period(0, 1);
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	sound_rig_quantum(rig);
	struct vmm_region *region = &rig->guests[0].ram.regions[0];
	if (vmm_memory_remove(&snd->device, region) == 0) {
		sound_rig_quanta(rig, 10);
		ck_assert_int_eq(vmm_memory_add(&snd->device, region, rig->guests[0].ram.fd), 0);
	}
	sound_rig_quanta(rig, 10);
	ck_assert_uint_eq(rig->ended, 0);
	uint8_t item[32];
	ck_assert_uint_eq(vmm_snd_info(snd, VMM_SND_PCM_INFO, 0, 1, 32, item), VMM_SND_OK);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio sound_hostile");
	TCase *tcase = suite_case(suite, "sound_hostile");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_bad_transfer_comes_back_at_once, 0, ARRAY_LEN(bad_transfers));
	tcase_add_test(tcase, a_header_and_a_status_in_single_bytes);
	tcase_add_test(tcase, more_than_the_buffer_is_clipped);
	tcase_add_test(tcase, pieces_without_end_are_bounded);
	tcase_add_loop_test(tcase, nothing_is_recorded, 0, ARRAY_LEN(rx_rows));
	tcase_add_test(tcase, event_buffers_are_kept);
	tcase_add_test(tcase, memory_that_goes_takes_its_periods_with_it);
	return suite;
}
