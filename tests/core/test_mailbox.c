#include "core/mailbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/macros.h"
#include "tests/suite.h"

#define RACE_VALUES 200000
#define VALUE_WORDS 16

START_TEST(newest_wins) {
	struct mailbox_producer_half producer = { 0 };
	struct mailbox_consumer_half consumer = { 0 };
	uint64_t ticket = 99;
	ck_assert(!mailbox_acquire(&producer, &consumer, &ticket));
	ck_assert_uint_eq(mailbox_busy_slots(&producer, &consumer), 0);

	uint64_t first = mailbox_publish(&producer, 0);
	unsigned slot = mailbox_free_slot(&producer, &consumer);
	ck_assert_uint_ne(slot, 0);
	uint64_t second = mailbox_publish(&producer, slot);
	ck_assert_uint_ne(first, second);
	ck_assert(mailbox_acquire(&producer, &consumer, &ticket));
	ck_assert_uint_eq(ticket, second);
	ck_assert_uint_eq(mailbox_slot(ticket), slot);
	ck_assert(!mailbox_acquire(&producer, &consumer, &ticket));
	ck_assert_uint_eq(mailbox_busy_slots(&producer, &consumer), 1u << slot);
}
END_TEST

START_TEST(retracting) {
	struct mailbox_producer_half producer = { 0 };
	struct mailbox_consumer_half consumer = { 0 };
	uint64_t ticket, again;
	uint64_t first = mailbox_publish(&producer, 2);
	ck_assert(mailbox_acquire(&producer, &consumer, &ticket));
	mailbox_retract(&producer);
	ck_assert_uint_eq(mailbox_busy_slots(&producer, &consumer), 1u << 2);
	ck_assert(mailbox_acquire(&producer, &consumer, &again));
	ck_assert_uint_eq(again, 0);
	ck_assert_uint_eq(mailbox_busy_slots(&producer, &consumer), 0);
	ck_assert_uint_ne(mailbox_publish(&producer, 2), first); /* tickets never mean two values */
}
END_TEST

START_TEST(refused_values_leave_the_held_one) {
	struct mailbox_producer_half producer = { 0 };
	struct mailbox_consumer_half consumer = { 0 };
	uint64_t held, ticket;
	mailbox_publish(&producer, 0);
	ck_assert(mailbox_acquire(&producer, &consumer, &held));
	mailbox_publish(&producer, 1);
	ck_assert(mailbox_want(&producer, &consumer, &ticket));
	mailbox_publish(&producer, 2);
	ck_assert_uint_eq(mailbox_busy_slots(&producer, &consumer), 0x7);
	ck_assert_uint_eq(mailbox_free_slot(&producer, &consumer), 3);
	mailbox_refuse(&consumer);
	ck_assert_uint_eq(mailbox_busy_slots(&producer, &consumer), 0x5);
	ck_assert(mailbox_want(&producer, &consumer, &ticket));
	mailbox_take(&consumer);
	ck_assert_uint_eq(mailbox_busy_slots(&producer, &consumer), 0x4);
	mailbox_release(&consumer);
	ck_assert(mailbox_acquire(&producer, &consumer, &held)); /* the same one once more */
	ck_assert_uint_eq(held, ticket);
}
END_TEST

START_TEST(tickets_wrap) {
	struct mailbox_producer_half producer = { .sequence = UINT64_MAX / MAILBOX_SLOTS - 2 };
	struct mailbox_consumer_half consumer = { 0 };
	uint64_t before = 0;
	for (int i = 0; i < 8; i++) {
		unsigned slot = mailbox_free_slot(&producer, &consumer);
		uint64_t published = mailbox_publish(&producer, slot);
		uint64_t ticket = 0;
		ck_assert_uint_ne(published, 0);
		ck_assert(mailbox_acquire(&producer, &consumer, &ticket));
		ck_assert_uint_eq(ticket, published);
		ck_assert_uint_ne(ticket, before);
		ck_assert_uint_eq(mailbox_slot(ticket), slot);
		before = ticket;
	}
}
END_TEST

/* Whatever the other half holds, each side stays in its slots. */
static const struct {
	const char *name;
	uint64_t published, held, wanted;
	unsigned busy;
} garbage[] = {
	{ "nothing", 0, 0, 0, 0x0 },
	{ "all ones", UINT64_MAX, UINT64_MAX, UINT64_MAX, 0x8 },
	{ "three apart", 4, 9, 14, 0x7 },
	{ "never published", 4, UINT64_C(0xdeadbeefdeadbee2), 0, 0x5 },
	{ "slot 0 without a number", 5, 1, 2, 0x6 },
	{ "held only", 0, 7, 0, 0x8 },
};

START_TEST(garbage_in_the_other_half) {
	struct mailbox_producer_half producer = { .published = garbage[_i].published };
	struct mailbox_consumer_half consumer = {
		.held = garbage[_i].held,
		.wanted = garbage[_i].wanted,
	};
	unsigned busy = mailbox_busy_slots(&producer, &consumer);
	ck_assert_msg(busy == garbage[_i].busy, "%s: %x", garbage[_i].name, busy);
	unsigned slot = mailbox_free_slot(&producer, &consumer);
	ck_assert_uint_lt(slot, MAILBOX_SLOTS);
	ck_assert_uint_eq(busy & (1u << slot), 0);
	uint64_t ticket;
	if (mailbox_acquire(&producer, &consumer, &ticket)) {
		ck_assert_uint_lt(mailbox_slot(ticket), MAILBOX_SLOTS);
		ck_assert_uint_eq(ticket, garbage[_i].published);
	}
	ck_assert_uint_eq(atomic_load(&consumer.wanted), 0);
}
END_TEST

/*
 * Two threads, plain (not atomic) values: what is acquired is one whole value, never an older one than
 * before, and does not change while it is held. The thread sanitizer checks the same.
 */
struct race {
	struct mailbox_producer_half producer;
	struct mailbox_consumer_half consumer;
	uint64_t values[MAILBOX_SLOTS][VALUE_WORDS];
	_Atomic bool done;
};

static void *produce(void *data) {
	struct race *race = data;
	for (uint64_t n = 1; n <= RACE_VALUES; n++) {
		unsigned slot = mailbox_free_slot(&race->producer, &race->consumer);
		for (int i = 0; i < VALUE_WORDS; i++) {
			race->values[slot][i] = n;
		}
		mailbox_publish(&race->producer, slot);
		if (n % 1000 == 0) {
			mailbox_retract(&race->producer);
		}
	}
	unsigned slot = mailbox_free_slot(&race->producer, &race->consumer);
	for (int i = 0; i < VALUE_WORDS; i++) {
		race->values[slot][i] = RACE_VALUES + 1;
	}
	mailbox_publish(&race->producer, slot);
	atomic_store(&race->done, true);
	return NULL;
}

/* The value, whole; looked at twice, as long as it is held. */
static uint64_t read_value(const struct race *race, uint64_t ticket) {
	const uint64_t *value = race->values[mailbox_slot(ticket)];
	uint64_t first = value[0];
	for (int i = 0; i < 2 * VALUE_WORDS; i++) {
		ck_assert_uint_eq(value[i % VALUE_WORDS], first);
	}
	return first;
}

START_TEST(two_threads) {
	static struct race race;
	/* the wrap of the ticket's number comes in the middle */
	race.producer.sequence = UINT64_MAX / MAILBOX_SLOTS - RACE_VALUES / 2;
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, produce, &race), 0);
	uint64_t last = 0, taken = 0;
	while (last != RACE_VALUES + 1) {
		uint64_t ticket;
		if (!mailbox_want(&race.producer, &race.consumer, &ticket)) {
			continue;
		}
		if (ticket != 0 && (ticket / MAILBOX_SLOTS) % 7 == 0 && !atomic_load(&race.done)) {
			read_value(&race, ticket); /* a value that is refused was whole too */
			mailbox_refuse(&race.consumer);
			continue;
		}
		mailbox_take(&race.consumer);
		if (ticket != 0) {
			uint64_t value = read_value(&race, ticket);
			ck_assert_uint_gt(value, last);
			last = value;
			taken++;
		}
	}
	pthread_join(thread, NULL);
	ck_assert_uint_gt(taken, 0);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("core mailbox");
	TCase *tcase = suite_case(suite, "mailbox");
	tcase_add_test(tcase, newest_wins);
	tcase_add_test(tcase, retracting);
	tcase_add_test(tcase, refused_values_leave_the_held_one);
	tcase_add_test(tcase, tickets_wrap);
	tcase_add_loop_test(tcase, garbage_in_the_other_half, 0, ARRAY_LEN(garbage));
	tcase_add_test(tcase, two_threads);
	return suite;
}
