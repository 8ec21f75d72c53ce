#include "compositor/signals.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compositor/inject.h"
#include "core/fd.h"
#include "core/log.h"
#include "core/macros.h"
#include "tests/compositor/pair.h"
#include "tests/suite.h"
#include "tests/support/test_atlas.h"

#define SOURCE 77
#define TIMEOUT_MS 50
#define TIMEOUT_TICKS 3 /* of 60 Hz that are not more than the time-out */
#define BRAKE_X 26      /* where the brake lamp is */
#define BRAKE_Y 20

static struct rig rig;
static struct signal_message message;

static void send_bytes(const void *bytes, size_t len) {
	ck_assert_int_eq(send(rig.grants.signals[0], bytes, len, MSG_DONTWAIT), (int)len);
}

static void send_next(void) {
	message.counter++;
	signal_message_seal(&message);
	send_bytes(&message, sizeof(message));
}

static void start(bool allow_inject) {
	struct config config;
	pair_config(&config);
	config.safety.signals = 1;
	config.safety.signal_timeout_ms = TIMEOUT_MS;
	config.safety.allow_inject = allow_inject;
	rig_init(&rig, &config, NULL);
	signal_message_init(&message, SOURCE);
}

static void set_up(void) {
	start(false);
}

static void tear_down(void) {
	rig_finish(&rig);
}

static void expect_brake(const char *tile) {
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, BRAKE_X, BRAKE_Y), pair_hmi(tile));
}

START_TEST(nothing_is_known_before_the_first_message) {
	pair_draw(&rig);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	rig_step(&rig, 10);
	ck_assert_uint_eq(rig_value(&rig, "signals.state"), SIGNALS_ABSENT);
	rig_look(&rig);
	for (int32_t i = 0; i < TEST_ATLAS_LAMPS; i++) {
		char tile[32];
		snprintf(tile, sizeof(tile), "%s/on", test_lamps[i].name);
		uint32_t seen = rig_pixel(&rig, 2 + 6 * i, 20);
		ck_assert_uint_eq(seen, test_lamps[i].safety ? pair_hmi(tile) : PAIR_CLUSTER);
	}
}
END_TEST

START_TEST(values_are_shown_in_the_same_tick) {
	/* in the fallback, live */
	message.values[SIGNAL_SPEED] = 1230;
	message.values[SIGNAL_GEAR] = 3;
	send_next();
	rig_step(&rig, 1);
	pair_expect(&rig, "output.main", SCREEN_FALLBACK);
	ck_assert_uint_eq(rig_value(&rig, "signals.state"), SIGNALS_VALID);
	expect_brake("brake/off");
	ck_assert_uint_eq(rig_pixel(&rig, 2, 4), pair_hmi("speed/1"));
	ck_assert_uint_eq(rig_pixel(&rig, 34, 4), pair_hmi("gear/D"));
	/* and above the layers */
	pair_draw(&rig);
	pair_expect(&rig, "output.main", SCREEN_NORMAL);
	expect_brake("brake/off");
	ck_assert_uint_eq(rig_pixel(&rig, 2, 4), PAIR_CLUSTER);
	message.values[SIGNAL_BRAKE] = 1;
	send_next();
	rig_step(&rig, 1);
	expect_brake("brake/on");
	ck_assert_uint_eq(rig_pixel(&rig, 2 + 6 * 5, 20), pair_hmi("airbag/off"));
}
END_TEST

/* The records in the safety page so far; the last one in *record. */
static uint64_t read_records(struct safety_record *record) {
	int fd = fd_reopen_readonly(rig.grants.safety_fd);
	const struct safety_page *page = safety_page_map_reader(fd);
	ck_assert_ptr_nonnull(page);
	uint64_t newest = atomic_load(&page->newest);
	ck_assert(newest == 0 || safety_page_read(page, newest, record));
	safety_page_unmap(page);
	fd_close(&fd);
	return newest;
}

static void expect_record(const char *from, const char *to, enum fault_cause cause) {
	struct safety_record record;
	ck_assert_uint_gt(read_records(&record), 0);
	ck_assert_str_eq(record.name, "signals");
	ck_assert_str_eq(record.from, from);
	ck_assert_str_eq(record.to, to);
	ck_assert_uint_eq(record.cause, cause);
	ck_assert_uint_ge(record.safe_ns, record.detect_ns);
	ck_assert_uint_le(record.onset_ns, record.detect_ns);
}

START_TEST(silence_lights_all) {
	send_next();
	rig_step(&rig, 1);
	expect_record("absent", "valid", FAULT_NONE);
	rig_step(&rig, TIMEOUT_TICKS - 1);
	expect_brake("brake/off");
	/* nothing before the time is over, and no later than the first tick after it */
	rig_step(&rig, 2);
	ck_assert_uint_eq(rig_value(&rig, "signals.state"), SIGNALS_TIMED_OUT);
	expect_brake("brake/on");
	expect_record("valid", "timed-out", FAULT_SIGNALS_LATE);
	send_next();
	rig_step(&rig, 1);
	ck_assert_uint_eq(rig_value(&rig, "signals.state"), SIGNALS_VALID);
	expect_brake("brake/off");
	expect_record("timed-out", "valid", FAULT_SIGNALS_LATE);
}
END_TEST

/* Nobody knows how long it lay there. */
START_TEST(what_a_predecessor_left_is_not_believed) {
	send_next();
	rig_step(&rig, 1);
	expect_brake("brake/off");
	for (unsigned i = 0; i < 5; i++) {
		send_next();
	}
	rig_restart(&rig);
	rig_step(&rig, 1);
	ck_assert_uint_eq(rig_value(&rig, "signals.state"), SIGNALS_ABSENT);
	expect_brake("brake/on");
	send_next();
	rig_step(&rig, 1);
	ck_assert_uint_eq(rig_value(&rig, "signals.state"), SIGNALS_VALID);
	expect_brake("brake/off");
}
END_TEST

static void send_damaged(void) {
	message.counter++;
	signal_message_seal(&message);
	message.values[SIGNAL_BRAKE] ^= 1;
	send_bytes(&message, sizeof(message));
	message.values[SIGNAL_BRAKE] ^= 1;
}

static void send_short(void) {
	send_bytes(&message, sizeof(message) - 1);
}

static void send_empty(void) {
	send_bytes(&message, 0);
}

static void send_long(void) {
	uint8_t bytes[sizeof(message) + 100] = { 0 };
	message.counter++;
	signal_message_seal(&message);
	memcpy(bytes, &message, sizeof(message));
	send_bytes(bytes, sizeof(bytes));
}

static void send_again(void) {
	signal_message_seal(&message);
	send_bytes(&message, sizeof(message));
}

static void send_intruder(void) {
	struct signal_message other;
	signal_message_init(&other, SOURCE + 1);
	other.values[SIGNAL_BRAKE] = 1;
	signal_message_seal(&other);
	send_bytes(&other, sizeof(other));
}

static const struct {
	const char *counted;
	void (*send)(void);
} refused[] = {
	{ "signals.malformed", send_damaged },
	{ "signals.malformed", send_short },
	{ "signals.malformed", send_empty },
	{ "signals.malformed", send_long },
	{ "signals.repeated", send_again },
	{ "signals.intruder", send_intruder },
};

/* None of them is shown, none of them counts as a sign of life, and the cause is theirs. */
START_TEST(what_is_refused_is_counted) {
	send_next();
	rig_step(&rig, 1);
	for (unsigned i = 1; i <= TIMEOUT_TICKS; i++) {
		refused[_i].send();
		rig_step(&rig, 1);
		ck_assert_uint_eq(rig_value(&rig, "%s", refused[_i].counted), i);
		if (i < TIMEOUT_TICKS) {
			expect_brake("brake/off");
		}
	}
	rig_step(&rig, 1);
	ck_assert_uint_eq(rig_value(&rig, "signals.state"), SIGNALS_TIMED_OUT);
	ck_assert_uint_eq(rig_value(&rig, "signals.good"), 1);
	expect_brake("brake/on");
	expect_record("valid", "timed-out", FAULT_SIGNALS_CORRUPT);
}
END_TEST

START_TEST(lost_ones_are_counted) {
	send_next();
	rig_step(&rig, 1);
	message.counter += SIGNAL_COUNTER_GAP_MAX + 1;
	message.values[SIGNAL_BRAKE] = 1;
	send_next();
	rig_step(&rig, 1);
	ck_assert_uint_eq(rig_value(&rig, "signals.lost"), 1);
	expect_brake("brake/on");
}
END_TEST

START_TEST(a_flood_is_taken_in_parts) {
	unsigned sent = 0;
	struct signal_message other;
	signal_message_init(&other, SOURCE);
	for (;; sent++) {
		other.counter = sent;
		signal_message_seal(&other);
		if (send(rig.grants.signals[0], &other, sizeof(other), MSG_DONTWAIT) < 0) {
			break;
		}
		if (sent == 3 * SIGNALS_PER_TICK) {
			sent++;
			break;
		}
	}
	for (unsigned taken = 0; taken < sent;) {
		rig_step(&rig, 1);
		unsigned good = (unsigned)rig_value(&rig, "signals.good");
		ck_assert_uint_gt(good, taken);
		ck_assert_uint_le(good - taken, SIGNALS_PER_TICK);
		taken = good;
	}
	ck_assert_uint_eq(rig_value(&rig, "signals.state"), SIGNALS_VALID);
}
END_TEST

/* More of it than the socket holds: what is good does not come through. */
START_TEST(a_flood_of_rubbish_lights_all) {
	send_next();
	rig_step(&rig, 1);
	expect_brake("brake/off");
	for (unsigned tick = 0; tick <= TIMEOUT_TICKS; tick++) {
		unsigned sent = 0;
		while (sent < 3 * SIGNALS_PER_TICK &&
			send(rig.grants.signals[0], "rubbish", 7, MSG_DONTWAIT) > 0) {
			sent++;
		}
		ck_assert_uint_gt(sent, 0);
		uint64_t malformed = rig_value(&rig, "signals.malformed");
		rig_step(&rig, 1);
		uint64_t taken = rig_value(&rig, "signals.malformed") - malformed;
		ck_assert_uint_gt(taken, 0);
		ck_assert_uint_le(taken, SIGNALS_PER_TICK);
	}
	ck_assert_uint_eq(rig_value(&rig, "signals.state"), SIGNALS_TIMED_OUT);
	expect_brake("brake/on");
	expect_record("valid", "timed-out", FAULT_SIGNALS_CORRUPT);
	/* when it ends, the next good one is believed */
	rig_step(&rig, 1000);
	send_next();
	rig_step(&rig, 1);
	expect_brake("brake/off");
}
END_TEST

/* The suite counts descriptors; the end of the pipe is gone with its last holder. */
START_TEST(descriptors_are_not_received) {
	int ends[2];
	char byte;
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	message.counter++;
	signal_message_seal(&message);
	ssize_t sent = fd_send(rig.grants.signals[0], &message, sizeof(message), &ends[1], 1);
	ck_assert_int_eq(sent, sizeof(message));
	fd_close(&ends[1]);
	rig_step(&rig, 1);
	ck_assert_uint_eq(rig_value(&rig, "signals.good"), 1);
	ck_assert_int_eq(read(ends[0], &byte, 1), 0);
	fd_close(&ends[0]);
}
END_TEST

START_TEST(a_sender_may_die) {
	send_next();
	rig_step(&rig, 1);
	fd_close(&rig.grants.signals[0]);
	rig_step(&rig, TIMEOUT_TICKS + 1);
	ck_assert_uint_eq(rig_value(&rig, "signals.state"), SIGNALS_TIMED_OUT);
	expect_brake("brake/on");
}
END_TEST

/* What the protection is for. */
START_TEST(without_protection_lies_are_shown) {
	start(true);
	ck_assert_int_eq(mechanism_set(MECHANISM_SIGNALS, false), 0);
	send_damaged();
	send_intruder();
	rig_step(&rig, 10 * TIMEOUT_TICKS);
	expect_brake("brake/on");
	send_damaged(); /* its brake lamp is on */
	message.values[SIGNAL_BRAKE] = 1;
	send_damaged(); /* its is off */
	rig_step(&rig, 10 * TIMEOUT_TICKS);
	expect_brake("brake/off");
	rig_finish(&rig);
}
END_TEST

START_TEST(without_signals_nothing_is_above_the_layers) {
	struct config config;
	pair_config(&config);
	rig_init(&rig, &config, NULL);
	pair_expect_fallback(&rig);
	pair_draw(&rig);
	rig_look(&rig);
	ck_assert_uint_eq(rig_pixel(&rig, BRAKE_X, BRAKE_Y), PAIR_CLUSTER);
	rig_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("compositor signals");
	TCase *signals = suite_case(suite, "signals");
	tcase_add_checked_fixture(signals, set_up, tear_down);
	tcase_add_test(signals, nothing_is_known_before_the_first_message);
	tcase_add_test(signals, values_are_shown_in_the_same_tick);
	tcase_add_test(signals, silence_lights_all);
	tcase_add_test(signals, what_a_predecessor_left_is_not_believed);
	tcase_add_loop_test(signals, what_is_refused_is_counted, 0, ARRAY_LEN(refused));
	tcase_add_test(signals, lost_ones_are_counted);
	tcase_add_test(signals, a_flood_is_taken_in_parts);
	tcase_add_test(signals, a_flood_of_rubbish_lights_all);
	tcase_add_test(signals, descriptors_are_not_received);
	tcase_add_test(signals, a_sender_may_die);
	TCase *off = suite_case(suite, "off");
	tcase_add_test(off, without_protection_lies_are_shown);
	tcase_add_test(off, without_signals_nothing_is_above_the_layers);
	return suite;
}
