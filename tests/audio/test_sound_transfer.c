#include <stdlib.h>
#include <string.h>

#include "audio/playback.h"
#include "core/fd.h"
#include "core/macros.h"
#include "protocol/vhost_message.h"
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
static struct vmm_queue *tx;

static void setup(void) {
	rig = sound_rig_create((struct sound_rig_options) { .queue_size = 1024 });
	snd = &rig->guests[0].snd;
	tx = &snd->device.queues[VMM_SND_TX];
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

static unsigned take_all(uint32_t status) {
	struct vmm_snd_done done;
	unsigned taken = 0;
	while (vmm_snd_take(snd, &done)) {
		ck_assert_uint_eq(done.status, status);
		ck_assert_uint_eq(done.used_bytes, 8);
		taken++;
	}
	return taken;
}

/* ---- the guest's clock ---- */

START_TEST(completions_come_when_the_last_frame_was_consumed) {
	prepare(0);
	for (unsigned i = 0; i < PERIODS; i++) {
		send_period(0, 10 + i);
	}
	sound_rig_settle(rig);
	struct vmm_snd_done done;
	ck_assert(!vmm_snd_take(snd, &done));
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	sound_rig_settle(rig);
	ck_assert_msg(!vmm_snd_take(snd, &done), "nothing was consumed yet");
	for (unsigned i = 0; i < PERIODS; i++) {
		/* period i ends with frame 480 (i + 1): in the quantum that takes it, not earlier */
		unsigned quanta = (PERIOD_FRAMES * (i + 1) + QUANTUM - 1) / QUANTUM;
		while (sound_rig_stat(rig, "mix.quanta") + 1 < quanta) {
			sound_rig_quantum(rig);
			ck_assert_msg(!vmm_snd_take(snd, &done), "period %u came too early", i);
		}
		sound_rig_quantum(rig);
		ck_assert_msg(vmm_snd_take(snd, &done), "period %u did not come", i);
		ck_assert_uint_eq(done.cookie, 10 + i);
		ck_assert_uint_eq(done.status, VMM_SND_OK);
		ck_assert_uint_eq(done.used_bytes, 8);
		ck_assert(!vmm_snd_take(snd, &done));
	}
	ck_assert_uint_eq(sound_rig_stat(rig, "stream.0.periods"), PERIODS);
	ck_assert_uint_eq(sound_rig_stat(rig, "stream.0.bytes"), PERIODS * PERIOD_BYTES);
}
END_TEST

/* A driver before Linux 6.7 queues all periods at START and fills them later. */
START_TEST(pcm_is_read_two_quanta_ahead_at_most) {
	prepare(0);
	for (unsigned i = 0; i < PERIODS; i++) {
		send_period(0, i);
	}
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	sound_rig_settle(rig);
	for (unsigned frame = 3 * QUANTUM; frame < PERIODS * PERIOD_FRAMES; frame += QUANTUM) {
		/* the mixer is about to take [frame - 3Q, frame - 2Q): what lies from `frame` on is unread */
		for (unsigned i = frame; i < MIN(frame + QUANTUM, PERIODS * PERIOD_FRAMES); i++) {
			int16_t *period = vmm_snd_pending(snd, i / PERIOD_FRAMES);
			ck_assert_ptr_nonnull(period);
			period[2 * (i % PERIOD_FRAMES)] = (int16_t)i;
		}
		sound_rig_quantum(rig);
	}
	sound_rig_quanta(rig, 4);
	for (unsigned i = 3 * QUANTUM; i < PERIODS * PERIOD_FRAMES; i++) {
		ck_assert_msg(rig->tape[2 * i] == (float)i / 32768, "frame %u", i);
	}
}
END_TEST

START_TEST(a_pause_keeps_what_is_pending) {
	prepare(0);
	for (unsigned i = 0; i < 3; i++) {
		send_period(0, i);
	}
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	sound_rig_quanta(rig, 5);
	ck_assert_uint_eq(take_all(VMM_SND_OK), 1);
	sound_rig_command(rig, 0, VMM_SND_STOP, 0);
	sound_rig_quanta(rig, 50);
	ck_assert_uint_eq(vmm_snd_in_flight(snd), 2);
	ck_assert_uint_eq(take_all(VMM_SND_OK), 0);
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	sound_rig_quanta(rig, 12);
	ck_assert_uint_eq(take_all(VMM_SND_OK), 2);
}
END_TEST

START_TEST(a_release_returns_everything_before_it_answers) {
	prepare(0);
	/* as many as a ring can hold, past what the helper's slots hold */
	uint64_t header = vmm_ram_alloc(&rig->guests[0].ram, 4, 4);
	uint64_t data = vmm_ram_alloc(&rig->guests[0].ram, PERIOD_BYTES, 4);
	uint64_t status = vmm_ram_alloc(&rig->guests[0].ram, 8 * 1024, 8);
	unsigned sent = 0;
	for (; sent < 1024; sent++) {
		struct vmm_buffer buffers[] = { { header, 4, false }, { data, PERIOD_BYTES, false },
			{ status + 8 * sent, 8, true } };
		if (vmm_queue_add(tx, buffers, 3, true) < 0) {
			break;
		}
		if (sent == 500) {
			vmm_queue_kick(tx);
			sound_rig_settle(rig);
		}
	}
	/* the rest is in the ring and was never kicked */
	ck_assert_uint_eq(sent, 1024);
	ck_assert_uint_eq(vmm_snd_command(snd, VMM_SND_RELEASE, 0), VMM_SND_OK);
	struct vmm_used used;
	unsigned taken = 0;
	while (vmm_queue_take(tx, &used)) {
		taken++;
	}
	ck_assert_uint_eq(taken, sent);
	const uint32_t *statuses = vmm_ram_at(&rig->guests[0].ram, status, 8 * 1024);
	for (unsigned i = 0; i < sent; i++) {
		ck_assert_uint_eq(statuses[2 * i], VMM_SND_OK);
	}
}
END_TEST

START_TEST(a_late_period_of_a_released_stream_comes_back_at_once) {
	prepare(0);
	sound_rig_command(rig, 0, VMM_SND_RELEASE, 0);
	send_period(0, 1);
	sound_rig_settle(rig);
	ck_assert_uint_eq(take_all(VMM_SND_OK), 1);
	ck_assert_uint_eq(sound_rig_stat(rig, "transfers.late"), 1);
	ck_assert_uint_eq(sound_rig_stat(rig, "transfers.bad"), 0);
}
END_TEST

START_TEST(a_period_before_prepare_is_an_error) {
	send_period(0, 1);
	sound_rig_settle(rig);
	ck_assert_uint_eq(take_all(VMM_SND_IO_ERR), 1);
}
END_TEST

START_TEST(periods_for_other_parameters_come_back) {
	prepare(0);
	send_period(0, 1);
	send_period(0, 2);
	sound_rig_settle(rig);
	struct vmm_snd_params params = { 3840, 960, 0, 1, VIRTIO_SND_FMT_U8,
		VIRTIO_SND_RATE_48000 };
	ck_assert_uint_eq(vmm_snd_set_params(snd, 0, &params), VMM_SND_OK);
	ck_assert_uint_eq(take_all(VMM_SND_IO_ERR), 2);
}
END_TEST

START_TEST(a_short_last_period_is_played) {
	prepare(0);
	int16_t period[PERIOD_FRAMES * 2];
	memset(period, 0, sizeof(period));
	period[2] = 1234;
	ck_assert_int_eq(vmm_snd_send(snd, 0, period, 3 * FRAME_BYTES, 1), 0);
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	/* shorter than a quantum: it is played all the same, after a while of waiting for more */
	sound_rig_quanta(rig, MIXER_PRIME_QUANTA + 1);
	ck_assert_uint_eq(take_all(VMM_SND_OK), 1);
	unsigned heard = 0;
	for (uint32_t i = 0; i < rig->tape_frames; i++) {
		heard += rig->tape[2 * i] == 1234.0f / 32768;
	}
	ck_assert_uint_eq(heard, 1);
}
END_TEST

static void enable_tx(uint32_t enabled) {
	uint32_t state[] = { VMM_SND_TX, enabled };
	ck_assert_int_eq(
		vmm_call(&snd->device, VHOST_SET_VRING_ENABLE, state, sizeof(state), NULL, 0), 0);
	sound_rig_settle(rig);
}

START_TEST(a_disabled_queue_gives_everything_back_and_goes_on) {
	prepare(0);
	for (unsigned i = 0; i < PERIODS; i++) {
		send_period(0, i);
	}
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	sound_rig_quanta(rig, 2);
	enable_tx(0);
	ck_assert_uint_eq(take_all(VMM_SND_OK), PERIODS);
	/* nobody waits for the stream meanwhile */
	ck_assert_uint_eq(
		sample_link_state(&rig->guests[0].link.consumer, 0), SAMPLE_STREAM_PAUSED);
	send_period(0, 8);
	sound_rig_quanta(rig, 20);
	ck_assert_uint_eq(take_all(VMM_SND_OK), 0);
	enable_tx(1);
	ck_assert_uint_eq(
		sample_link_state(&rig->guests[0].link.consumer, 0), SAMPLE_STREAM_RUNNING);
	send_period(0, 9);
	sound_rig_quanta(rig, 12);
	ck_assert_uint_eq(take_all(VMM_SND_OK), 2);
}
END_TEST

static void stop_while_playing(void) {
	prepare(0);
	for (unsigned i = 0; i < PERIODS; i++) {
		send_period(0, i);
	}
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	sound_rig_quanta(rig, 2);
	ck_assert_int_eq(vmm_device_stop(&snd->device), 0);
	ck_assert_uint_eq(take_all(VMM_SND_OK), PERIODS);
	ck_assert_uint_ne(
		sample_link_state(&rig->guests[0].link.consumer, 0), SAMPLE_STREAM_RUNNING);
	sound_rig_quanta(rig, 20);
}

/* A machine that paused: its driver knows nothing of it. */
START_TEST(a_paused_machine_goes_on_playing) {
	stop_while_playing();
	ck_assert_int_eq(vmm_device_start(&snd->device), 0);
	send_period(0, 9);
	sound_rig_quanta(rig, 12);
	ck_assert_uint_eq(take_all(VMM_SND_OK), 1);
}
END_TEST

START_TEST(a_reset_device_begins_anew) {
	stop_while_playing();
	ck_assert_int_eq(vmm_device_reset(&snd->device), 0);
	ck_assert_int_eq(vmm_device_start(&snd->device), 0);
	prepare(0);
	send_period(0, 9);
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	sound_rig_quanta(rig, 12);
	ck_assert_uint_eq(take_all(VMM_SND_OK), 1);
}
END_TEST

START_TEST(a_guest_that_feeds_late_is_counted_and_comes_back) {
	prepare(0);
	send_period(0, 0);
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	sound_rig_quanta(rig, 12);
	ck_assert_uint_eq(sound_rig_stat(rig, "stream.0.xruns"), 1);
	send_period(0, 1);
	send_period(0, 2);
	sound_rig_quanta(rig, 12);
	ck_assert_uint_eq(take_all(VMM_SND_OK), 3);
	ck_assert_uint_eq(sound_rig_stat(rig, "stream.0.xruns"), 2);
}
END_TEST

START_TEST(a_guest_that_feeds_too_fast_waits) {
	prepare(0);
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	for (unsigned i = 0; i < VMM_SND_SLOTS; i++) {
		send_period(0, i);
	}
	/* 64 periods in hand, and time decides: 10 quanta are 1280 frames, two periods and a bit */
	sound_rig_quanta(rig, 10);
	ck_assert_uint_eq(take_all(VMM_SND_OK), 2);
}
END_TEST

/* ---- lost notifications ---- */

#define EVENT_STALE 8 /* entries ago */
#define WAITS 100 /* a hang guard: of 100 ms each */

static volatile uint16_t *event_of_device(void) {
	return &tx->used[2 + 4 * tx->size];
}

static volatile uint16_t *event_of_guest(void) {
	return &tx->avail[2 + tx->size];
}

/* Until there is something to mix beyond so many frames. */
static void wait_for_frames(uint64_t frames) {
	const struct link *link = &rig->guests[0].link.producer;
	for (int i = 0; i < WAITS && sample_link_written(link, 0) <= frames; i++) {
		loop_dispatch(rig->loop, 100);
	}
	ck_assert_uint_gt(sample_link_written(link, 0), frames);
}

/* One period is played, and the stream is dry. */
static void run_dry(void) {
	ck_assert(tx->event_idx);
	prepare(0);
	send_period(0, 0);
	sound_rig_command(rig, 0, VMM_SND_START, 0);
	sound_rig_quanta(rig, 12);
	ck_assert_uint_eq(take_all(VMM_SND_OK), 1);
	ck_assert_uint_eq(sound_rig_stat(rig, "stream.0.xruns"), 1);
}

/* The guest's look at what the device asks for came before the device's store: it does not kick, for
 * this period or any later one. */
START_TEST(a_kick_that_was_lost_does_not_stop_a_stream) {
	run_dry();
	uint64_t kicks = tx->kicks;
	uint16_t asked = *event_of_device();
	*event_of_device() = (uint16_t)(asked - EVENT_STALE);
	send_period(0, 1);
	*event_of_device() = asked;
	for (unsigned i = 2; i < 1 + PERIODS; i++) {
		send_period(0, i);
	}
	ck_assert_uint_eq(tx->kicks, kicks);
	wait_for_frames(PERIOD_FRAMES);
	sound_rig_quanta(rig, (PERIODS * PERIOD_FRAMES + QUANTUM - 1) / QUANTUM + 1);
	ck_assert_uint_eq(take_all(VMM_SND_OK), PERIODS);
}
END_TEST

/* And the same the other way: the device looked before the guest's store. */
START_TEST(an_interrupt_that_was_lost_does_not_stop_a_stream) {
	run_dry();
	fd_event_take(tx->call_fd);
	uint16_t asked = *event_of_guest();
	for (unsigned i = 1; i < 1 + PERIODS; i++) {
		send_period(0, i);
	}
	*event_of_guest() = (uint16_t)(asked - EVENT_STALE);
	sound_rig_quanta(rig, PERIOD_FRAMES / QUANTUM + 1);
	ck_assert_uint_eq(sound_rig_stat(rig, "stream.0.periods"), 2);
	*event_of_guest() = asked;
	uint64_t calls = 0;
	for (int i = 0; i < WAITS && calls == 0; i++) {
		loop_dispatch(rig->loop, 100);
		calls = fd_event_take(tx->call_fd);
	}
	ck_assert_uint_eq(calls, 1);
	ck_assert_uint_eq(take_all(VMM_SND_OK), 1);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio sound_transfer");
	TCase *tcase = suite_case(suite, "sound_transfer");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, completions_come_when_the_last_frame_was_consumed);
	tcase_add_test(tcase, pcm_is_read_two_quanta_ahead_at_most);
	tcase_add_test(tcase, a_pause_keeps_what_is_pending);
	tcase_add_test(tcase, a_release_returns_everything_before_it_answers);
	tcase_add_test(tcase, a_late_period_of_a_released_stream_comes_back_at_once);
	tcase_add_test(tcase, a_period_before_prepare_is_an_error);
	tcase_add_test(tcase, periods_for_other_parameters_come_back);
	tcase_add_test(tcase, a_short_last_period_is_played);
	tcase_add_test(tcase, a_disabled_queue_gives_everything_back_and_goes_on);
	tcase_add_test(tcase, a_paused_machine_goes_on_playing);
	tcase_add_test(tcase, a_reset_device_begins_anew);
	tcase_add_test(tcase, a_guest_that_feeds_late_is_counted_and_comes_back);
	tcase_add_test(tcase, a_guest_that_feeds_too_fast_waits);
	tcase_add_test(tcase, a_kick_that_was_lost_does_not_stop_a_stream);
	tcase_add_test(tcase, an_interrupt_that_was_lost_does_not_stop_a_stream);
	return suite;
}
