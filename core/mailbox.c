#include "core/mailbox.h"

#include <stdatomic.h>
#include <stddef.h>

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "tickets cross processes");

/* a producer that publishes faster than this many times per acquire only delays the consumer */
#define ACQUIRE_TRIES 16

static unsigned slot_bit(uint64_t ticket) {
	return ticket == 0 ? 0 : 1u << mailbox_slot(ticket);
}

/*
 * `wanted` before `held`: the consumer sets `held` before it clears `wanted`, so whoever finds
 * `wanted` cleared finds the ticket in `held`.
 */
unsigned mailbox_busy_slots(const struct mailbox_producer_half *producer,
	const struct mailbox_consumer_half *consumer) {
	unsigned busy = slot_bit(atomic_load(&producer->published));
	busy |= slot_bit(atomic_load(&consumer->wanted));
	busy |= slot_bit(atomic_load(&consumer->held));
	return busy;
}

unsigned mailbox_free_slot(const struct mailbox_producer_half *producer,
	const struct mailbox_consumer_half *consumer) {
	unsigned busy = mailbox_busy_slots(producer, consumer);
	unsigned slot = 0;
	while ((busy & (1u << slot)) != 0) {
		slot++; /* at most three of four are busy */
	}
	return slot;
}

uint64_t mailbox_publish(struct mailbox_producer_half *producer, unsigned slot) {
	uint64_t ticket = 0;
	while (ticket < MAILBOX_SLOTS) { /* once, twice at the wrap: 0 means nothing */
		producer->sequence++;
		ticket = producer->sequence * MAILBOX_SLOTS + slot;
	}
	atomic_store(&producer->published, ticket);
	return ticket;
}

void mailbox_retract(struct mailbox_producer_half *producer) {
	atomic_store(&producer->published, 0);
}

bool mailbox_want(const struct mailbox_producer_half *producer,
	struct mailbox_consumer_half *consumer, uint64_t *ticket) {
	for (int i = 0; i < ACQUIRE_TRIES; i++) {
		uint64_t newest = atomic_load(&producer->published);
		if (newest == atomic_load(&consumer->held)) {
			break;
		}
		atomic_store(&consumer->wanted, newest);
		if (atomic_load(&producer->published) == newest) {
			*ticket = newest;
			return true;
		}
	}
	atomic_store(&consumer->wanted, 0);
	return false;
}

void mailbox_take(struct mailbox_consumer_half *consumer) {
	atomic_store(&consumer->held, atomic_load(&consumer->wanted));
	atomic_store(&consumer->wanted, 0);
}

void mailbox_refuse(struct mailbox_consumer_half *consumer) {
	atomic_store(&consumer->wanted, 0);
}

bool mailbox_acquire(const struct mailbox_producer_half *producer,
	struct mailbox_consumer_half *consumer, uint64_t *ticket) {
	if (!mailbox_want(producer, consumer, ticket)) {
		return false;
	}
	mailbox_take(consumer);
	return true;
}

void mailbox_release(struct mailbox_consumer_half *consumer) {
	atomic_store(&consumer->wanted, 0);
	atomic_store(&consumer->held, 0);
}
