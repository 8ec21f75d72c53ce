#include "core/signals.h"

#include <string.h>

#include "core/crc32.h"
#include "core/macros.h"
#include "tests/suite.h"

#define SOURCE 7u
#define TIMEOUT 6u

START_TEST(names_go_both_ways) {
	unsigned found = 0;
	for (uint32_t id = 0; id < SIGNAL_VALUES + 8; id++) {
		const struct signal_info *info = signal_info(id);
		if (info == NULL) {
			continue;
		}
		found++;
		ck_assert_msg(signal_from_name(info->name) == id, "%s", info->name);
		ck_assert_msg(info->least < info->most && info->decimals <= 1, "%s", info->name);
	}
	ck_assert_uint_eq(found, 11 + SIGNAL_TELLTALES_END - SIGNAL_TELLTALES);
	for (uint32_t id = SIGNAL_TELLTALES; id < SIGNAL_TELLTALES_END; id++) {
		ck_assert_int_eq(signal_info(id)->least, 0);
		ck_assert_int_eq(signal_info(id)->most, 1);
	}
	ck_assert_ptr_null(signal_info(SIGNAL_CAMERA + 1));
	ck_assert_ptr_null(signal_info(SIGNAL_TELLTALES_END));
	ck_assert_ptr_null(signal_info(SIGNAL_NONE));
	ck_assert_uint_eq(signal_from_name(""), SIGNAL_NONE);
	ck_assert_uint_eq(signal_from_name("Speed"), SIGNAL_NONE);
}
END_TEST

static const struct {
	uint32_t id;
	const char *text;
	int32_t value;
	const char *written; /* NULL: as `text` */
} texts[] = {
	{ SIGNAL_SPEED, "47.5", 475, NULL },
	{ SIGNAL_SPEED, "47", 470, "47.0" },
	{ SIGNAL_SPEED, "0", 0, "0.0" },
	{ SIGNAL_SPEED, "400.0", 4000, NULL },
	{ SIGNAL_SPEED, "-", SIGNAL_UNKNOWN, NULL },
	{ SIGNAL_REVS, "12000", 12000, NULL },
	{ SIGNAL_REVS, "007", 7, "7" },
	{ SIGNAL_FUEL, "62.5", 625, NULL },
	{ SIGNAL_OUTSIDE, "-0.5", -5, NULL },
	{ SIGNAL_OUTSIDE, "-60", -600, "-60.0" },
	{ SIGNAL_COOLANT, "-40", -40, NULL },
	{ SIGNAL_GEAR, "P", 0, NULL },
	{ SIGNAL_GEAR, "D", 3, NULL },
	{ SIGNAL_GEAR, "-", SIGNAL_UNKNOWN, NULL },
	{ SIGNAL_THEME, "night", 1, NULL },
	{ SIGNAL_LOCALE, "de", 1, NULL },
	{ SIGNAL_BRAKE, "on", 1, NULL },
	{ SIGNAL_BRAKE, "off", 0, NULL },
	{ SIGNAL_BRAKE, "1", 1, "on" },
	{ SIGNAL_CAMERA, "0", 0, "off" },
};

START_TEST(texts_go_both_ways) {
	int32_t value = 12345;
	ck_assert_msg(signal_parse(texts[_i].id, texts[_i].text, &value), "%s", texts[_i].text);
	ck_assert_msg(value == texts[_i].value, "%s: %d", texts[_i].text, value);
	char text[16];
	signal_format(texts[_i].id, value, text, sizeof(text));
	ck_assert_str_eq(text, texts[_i].written != NULL ? texts[_i].written : texts[_i].text);
}
END_TEST

static const struct {
	uint32_t id;
	const char *text;
} no_texts[] = {
	{ SIGNAL_SPEED, "" },
	{ SIGNAL_SPEED, "400.1" },
	{ SIGNAL_SPEED, "-1" },
	{ SIGNAL_SPEED, "47.55" },
	{ SIGNAL_SPEED, "47." },
	{ SIGNAL_SPEED, ".5" },
	{ SIGNAL_SPEED, "47,5" },
	{ SIGNAL_SPEED, " 47" },
	{ SIGNAL_SPEED, "47 " },
	{ SIGNAL_SPEED, "+47" },
	{ SIGNAL_SPEED, "--1" },
	{ SIGNAL_SPEED, "on" },
	{ SIGNAL_SPEED, "99999999999999999999999999999" },
	{ SIGNAL_SPEED, "-2147483648" },
	{ SIGNAL_REVS, "100.5" },
	{ SIGNAL_REVS, "12001" },
	{ SIGNAL_COOLANT, "-41" },
	{ SIGNAL_GEAR, "" },
	{ SIGNAL_GEAR, "d" },
	{ SIGNAL_GEAR, "DD" },
	{ SIGNAL_GEAR, "P|R" },
	{ SIGNAL_GEAR, "|" },
	{ SIGNAL_GEAR, "1" },
	{ SIGNAL_BRAKE, "2" },
	{ SIGNAL_BRAKE, "ON" },
	{ SIGNAL_BRAKE, "off|on" },
};

START_TEST(texts_that_are_none) {
	int32_t value = 12345;
	ck_assert_msg(
		!signal_parse(no_texts[_i].id, no_texts[_i].text, &value), "%s", no_texts[_i].text);
	ck_assert_int_eq(value, 12345);
}
END_TEST

START_TEST(formats_cut_what_does_not_fit) {
	char text[4];
	signal_format(SIGNAL_THEME, 1, text, sizeof(text));
	ck_assert_str_eq(text, "nig");
	signal_format(SIGNAL_SPEED, 4000, text, sizeof(text));
	ck_assert_str_eq(text, "400");
	char whole[16];
	signal_format(SIGNAL_OUTSIDE, INT32_MIN + 1, whole, sizeof(whole));
	ck_assert_str_eq(whole, "-214748364.7");
	signal_format(SIGNAL_GEAR, 9, whole, sizeof(whole));
	ck_assert_str_eq(whole, "9");
	signal_format(SIGNAL_GEAR, -9, whole, sizeof(whole));
	ck_assert_str_eq(whole, "-9");
}
END_TEST

static struct signal_message sealed(uint32_t source, uint32_t counter, int32_t speed) {
	struct signal_message message;
	signal_message_init(&message, source);
	message.counter = counter;
	message.values[SIGNAL_SPEED] = speed;
	signal_message_seal(&message);
	return message;
}

static enum signal_verdict take(
	struct signal_receiver *receiver, uint32_t source, uint32_t counter, uint64_t now) {
	struct signal_message message = sealed(source, counter, (int32_t)(counter % 1000));
	return signal_receiver_take(receiver, &message, sizeof(message), now);
}

START_TEST(a_new_sender_knows_nothing) {
	struct signal_message message;
	signal_message_init(&message, SOURCE);
	ck_assert_int_eq(message.values[SIGNAL_SPEED], SIGNAL_UNKNOWN);
	ck_assert_int_eq(message.values[SIGNAL_CAMERA], SIGNAL_UNKNOWN);
	ck_assert_int_eq(message.values[SIGNAL_TURN_LEFT], 0);
	ck_assert_int_eq(message.values[SIGNAL_MASTER_WARNING], 0);
	ck_assert_int_eq(message.values[SIGNAL_TELLTALES_END], SIGNAL_UNKNOWN);
}
END_TEST

START_TEST(values_are_believed_until_the_timeout) {
	struct signal_receiver receiver;
	signal_receiver_init(&receiver, TIMEOUT);
	ck_assert(!signal_receiver_check(&receiver, 0));
	ck_assert_int_eq(receiver.values[SIGNAL_BRAKE], SIGNAL_UNKNOWN);

	struct signal_message message = sealed(SOURCE, 41, 475);
	message.values[SIGNAL_BRAKE] = 1;
	message.values[SIGNAL_VALUES - 1] = 99; /* of a later version */
	signal_message_seal(&message);
	ck_assert_int_eq(
		signal_receiver_take(&receiver, &message, sizeof(message), 100), SIGNAL_GOOD);
	ck_assert(signal_receiver_check(&receiver, 100));
	ck_assert_int_eq(receiver.values[SIGNAL_SPEED], 475);
	ck_assert_int_eq(receiver.values[SIGNAL_BRAKE], 1);
	ck_assert_int_eq(receiver.values[SIGNAL_ABS], 0);
	ck_assert_int_eq(receiver.values[SIGNAL_VALUES - 1], SIGNAL_UNKNOWN);

	ck_assert(signal_receiver_check(&receiver, 100 + TIMEOUT));
	ck_assert_int_eq(receiver.values[SIGNAL_BRAKE], 1);
	ck_assert(!signal_receiver_check(&receiver, 100 + TIMEOUT + 1));
	ck_assert_int_eq(receiver.values[SIGNAL_BRAKE], SIGNAL_UNKNOWN);
	ck_assert_int_eq(receiver.values[SIGNAL_SPEED], SIGNAL_UNKNOWN);

	/* and are again when the next one comes */
	ck_assert_int_eq(take(&receiver, SOURCE, 42, 200), SIGNAL_GOOD);
	ck_assert(signal_receiver_check(&receiver, 200));
	ck_assert_int_eq(receiver.values[SIGNAL_SPEED], 42);
	/* nobody knows how old they are when the clock went back */
	ck_assert(!signal_receiver_check(&receiver, 199));
}
END_TEST

static const struct {
	const char *name;
	uint32_t first, next;
	enum signal_verdict verdict;
} counters[] = {
	{ "goes on", 5, 6, SIGNAL_GOOD },
	{ "wraps", UINT32_MAX, 0, SIGNAL_GOOD },
	{ "one lost", 5, 7, SIGNAL_GOOD },
	{ "two lost", 5, 8, SIGNAL_GOOD },
	{ "two lost over the wrap", UINT32_MAX - 1, 1, SIGNAL_GOOD },
	{ "three lost", 5, 9, SIGNAL_LOST },
	{ "many lost", 5, 5 + (uint32_t)INT32_MAX, SIGNAL_LOST },
	{ "repeated", 5, 5, SIGNAL_REPEATED },
	{ "one back", 5, 4, SIGNAL_REPEATED },
	{ "back over the wrap", 0, UINT32_MAX, SIGNAL_REPEATED },
	{ "far back", 5, 5 + (uint32_t)INT32_MAX + 1, SIGNAL_REPEATED },
};

START_TEST(counters_are_judged) {
	struct signal_receiver receiver;
	signal_receiver_init(&receiver, TIMEOUT);
	ck_assert_int_eq(take(&receiver, SOURCE, counters[_i].first, 10), SIGNAL_GOOD);
	enum signal_verdict verdict = take(&receiver, SOURCE, counters[_i].next, 11);
	ck_assert_msg(verdict == counters[_i].verdict, "%s: %d", counters[_i].name, verdict);
	bool taken = verdict != SIGNAL_REPEATED;
	ck_assert_uint_eq(receiver.last_good, taken ? 11 : 10);
	ck_assert_uint_eq(receiver.counter, taken ? counters[_i].next : counters[_i].first);
	ck_assert_uint_eq(receiver.verdicts[SIGNAL_GOOD], verdict == SIGNAL_GOOD ? 2 : 1);
	ck_assert_uint_eq(receiver.verdicts[verdict], verdict == SIGNAL_GOOD ? 2 : 1);
}
END_TEST

/* A sender whose counter stands still is not believed for ever, nor again when its time was over. */
START_TEST(a_repeated_message_times_out) {
	struct signal_receiver receiver;
	signal_receiver_init(&receiver, TIMEOUT);
	ck_assert_int_eq(take(&receiver, SOURCE, 1, 0), SIGNAL_GOOD);
	for (uint64_t now = 1; now <= 2 * TIMEOUT; now++) {
		ck_assert_int_eq(take(&receiver, SOURCE, 1, now), SIGNAL_REPEATED);
		ck_assert_int_eq(signal_receiver_check(&receiver, now), now <= TIMEOUT);
	}
}
END_TEST

START_TEST(sources_take_over_only_when_the_other_is_gone) {
	struct signal_receiver receiver;
	signal_receiver_init(&receiver, TIMEOUT);
	ck_assert_int_eq(take(&receiver, SOURCE, 500, 10), SIGNAL_GOOD);
	ck_assert_int_eq(take(&receiver, SOURCE + 1, 1, 11), SIGNAL_INTRUDER);
	ck_assert_int_eq(receiver.values[SIGNAL_SPEED], 500);
	ck_assert_int_eq(take(&receiver, SOURCE + 1, 2, 10 + TIMEOUT), SIGNAL_INTRUDER);
	ck_assert_int_eq(take(&receiver, SOURCE + 1, 3, 11 + TIMEOUT), SIGNAL_GOOD);
	ck_assert_int_eq(receiver.values[SIGNAL_SPEED], 3);
	ck_assert_int_eq(take(&receiver, SOURCE, 501, 12 + TIMEOUT), SIGNAL_INTRUDER);
	ck_assert_uint_eq(receiver.verdicts[SIGNAL_INTRUDER], 3);
}
END_TEST

START_TEST(every_flipped_bit_is_found) {
	struct signal_receiver receiver;
	signal_receiver_init(&receiver, TIMEOUT);
	const struct signal_message message = sealed(SOURCE, 1, 475);
	for (size_t bit = 0; bit < sizeof(message) * 8; bit++) {
		uint8_t bytes[sizeof(message)];
		memcpy(bytes, &message, sizeof(message));
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_msg(signal_receiver_take(&receiver, bytes, sizeof(bytes), 0) ==
				SIGNAL_MALFORMED,
			"bit %zu", bit);
	}
	ck_assert(!receiver.has_values);
	ck_assert_uint_eq(receiver.verdicts[SIGNAL_MALFORMED], sizeof(message) * 8);
}
END_TEST

START_TEST(every_length_but_one_is_refused) {
	struct signal_receiver receiver;
	signal_receiver_init(&receiver, TIMEOUT);
	uint8_t bytes[sizeof(struct signal_message) + 8] = { 0 };
	const struct signal_message message = sealed(SOURCE, 1, 475);
	memcpy(bytes, &message, sizeof(message));
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		enum signal_verdict expected =
			len == sizeof(message) ? SIGNAL_GOOD : SIGNAL_MALFORMED;
		ck_assert_msg(
			signal_receiver_take(&receiver, bytes, len, 0) == expected, "%zu", len);
	}
}
END_TEST

static void change_magic(struct signal_message *message) {
	message->magic++;
}

static void change_version(struct signal_message *message) {
	message->version++;
}

static void change_source(struct signal_message *message) {
	message->source = 0;
}

static void change_speed(struct signal_message *message) {
	message->values[SIGNAL_SPEED] = 4001;
}

static void change_outside(struct signal_message *message) {
	message->values[SIGNAL_OUTSIDE] = SIGNAL_UNKNOWN + 1;
}

static void change_telltale(struct signal_message *message) {
	message->values[SIGNAL_LANE] = 2;
}

/* Sealed by somebody who can, and yet wrong. */
static const struct {
	const char *name;
	void (*change)(struct signal_message *message);
} wrongs[] = {
	{ "magic", change_magic },
	{ "version", change_version },
	{ "source 0", change_source },
	{ "too fast", change_speed },
	{ "too cold", change_outside },
	{ "neither off nor on", change_telltale },
};

START_TEST(wrong_contents_are_refused) {
	struct signal_receiver receiver;
	signal_receiver_init(&receiver, TIMEOUT);
	struct signal_message message = sealed(SOURCE, 1, 475);
	wrongs[_i].change(&message);
	message.crc32 = crc32_update(0, &message, offsetof(struct signal_message, crc32));
	ck_assert_msg(
		signal_receiver_take(&receiver, &message, sizeof(message), 0) == SIGNAL_MALFORMED,
		"%s", wrongs[_i].name);
	ck_assert(!signal_receiver_check(&receiver, 0));
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core signals");
	TCase *tcase = suite_case(suite, "texts");
	tcase_add_test(tcase, names_go_both_ways);
	tcase_add_loop_test(tcase, texts_go_both_ways, 0, ARRAY_LEN(texts));
	tcase_add_loop_test(tcase, texts_that_are_none, 0, ARRAY_LEN(no_texts));
	tcase_add_test(tcase, formats_cut_what_does_not_fit);

	tcase = suite_case(suite, "messages");
	tcase_add_test(tcase, a_new_sender_knows_nothing);
	tcase_add_test(tcase, values_are_believed_until_the_timeout);
	tcase_add_loop_test(tcase, counters_are_judged, 0, ARRAY_LEN(counters));
	tcase_add_test(tcase, a_repeated_message_times_out);
	tcase_add_test(tcase, sources_take_over_only_when_the_other_is_gone);
	tcase_add_test(tcase, every_flipped_bit_is_found);
	tcase_add_test(tcase, every_length_but_one_is_refused);
	tcase_add_loop_test(tcase, wrong_contents_are_refused, 0, ARRAY_LEN(wrongs));
	return suite;
}
