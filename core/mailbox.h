/*
 * A mailbox between two processes that share two pages: the newest value wins, nobody waits.
 *
 * Values live in SLOTS slots of the producer's page; the mailbox says which one counts. Each side
 * writes only its own half, in its own page, so neither can damage the other's bookkeeping:
 *
 *      producer page                      consumer page
 *      published: ticket of the newest    held:   ticket of the value in use
 *      slots[0..3]                        wanted: ticket being taken (a hazard pointer)
 *
 *      producer                                   consumer
 *      slot = mailbox_free_slot()                 t = mailbox_acquire():
 *      fill slots[slot]                             wanted = published
 *      mailbox_publish(slot)                        read published again: same? then held = wanted
 *                                                   else again (bounded), or keep what it holds
 *
 * With four slots there is always a free one: published, held and wanted name at most three. An
 * unconsumed value is simply overwritten later ("comes straight back"). A ticket is a sequence number
 * and a slot, so that a slot used twice is not mistaken for the same value.
 *
 * Everything read from the other half may be any number: a slot is masked to its range, a held ticket
 * that was never published only keeps one slot busy. Acquire and publish are sequentially consistent.
 * Lock-free, no system call, bounded. Thread: one on each side.
 */
#ifndef CORE_MAILBOX_H
#define CORE_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#define MAILBOX_SLOTS 4

struct mailbox_producer_half {
	_Atomic uint64_t published; /* ticket; 0: nothing */
	uint64_t sequence; /* the producer's own: tickets so far, goes on after a retract */
};

struct mailbox_consumer_half {
	_Atomic uint64_t held; /* ticket; 0: nothing */
	_Atomic uint64_t wanted; /* ticket; 0: nothing */
};

static inline unsigned mailbox_slot(uint64_t ticket) {
	return (unsigned)(ticket & (MAILBOX_SLOTS - 1));
}

/* Bit n set: slot n is published, held or wanted, and must not be written. */
unsigned mailbox_busy_slots(
	const struct mailbox_producer_half *producer, const struct mailbox_consumer_half *consumer);

/* A slot that is not busy. With a lying consumer: any slot but the published one. */
unsigned mailbox_free_slot(
	const struct mailbox_producer_half *producer, const struct mailbox_consumer_half *consumer);

/* Makes `slot` the newest value. Returns its ticket. */
uint64_t mailbox_publish(struct mailbox_producer_half *producer, unsigned slot);

/* Takes the newest value back; the consumer keeps what it holds. */
void mailbox_retract(struct mailbox_producer_half *producer);

/* Consumer: takes the newest value if it is not the one held already. True: *ticket is now held and
 * differs from before (0 when the producer retracted). False: nothing new. */
bool mailbox_acquire(const struct mailbox_producer_half *producer,
	struct mailbox_consumer_half *consumer, uint64_t *ticket);

/*
 * Consumer: the same in two steps, for values that are checked before they replace the one held.
 * While wanted, a value does not change; then it is taken or refused.
 */
bool mailbox_want(const struct mailbox_producer_half *producer,
	struct mailbox_consumer_half *consumer, uint64_t *ticket);
void mailbox_take(struct mailbox_consumer_half *consumer);
void mailbox_refuse(struct mailbox_consumer_half *consumer);

/* Consumer: lets go of what it holds. */
void mailbox_release(struct mailbox_consumer_half *consumer);

#endif
