/*
 * What frame links and sample links have in common (design: links are state, not messages).
 *
 * A link joins one producer (an endpoint) and one consumer (compositor or mixer). The keeper creates
 * its five descriptors once and gives the same ones to every process that takes over a side, so the
 * last picture and all counters survive a death:
 *
 *   LINK_POOL            memfd, pixels or samples; written by the producer, mapped and locked by the
 *                        consumer before the producer exists; size fixed by seals
 *   LINK_PRODUCER_PAGE   memfd, written by the producer only
 *   LINK_CONSUMER_PAGE   memfd, written by the consumer only
 *   LINK_PRODUCER_EVENT  the producer signals: something was published
 *   LINK_CONSUMER_EVENT  the consumer signals: a tick or quantum passed
 *
 * An event is an eventfd, which only the side that signals it gets. The other side gets an epoll descriptor
 * of its own that watches it: it can wait for a signal, in a loop of its own as well, but neither fill the
 * counter nor make the signaller's writes wait, as it could by the flags that all who share an eventfd share.
 * Nobody empties the counter; the epoll descriptor is edge-triggered.
 *
 * A side gets the other side's page as a read-only descriptor. Every number read from the other
 * side's page is checked at each use.
 *
 * Thread: setup from the owner's; see frame_link.h and sample_link.h for the rest.
 */
#ifndef CORE_LINK_H
#define CORE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum link_fd {
	LINK_POOL,
	LINK_PRODUCER_PAGE,
	LINK_CONSUMER_PAGE,
	LINK_PRODUCER_EVENT,
	LINK_CONSUMER_EVENT,
	LINK_FDS,
};

enum link_side { LINK_PRODUCER, LINK_CONSUMER };

/* What the producer says about its peer, the guest. */
enum link_peer {
	LINK_PEER_ABSENT, /* no VMM connected, or it hung up */
	LINK_PEER_CONNECTED, /* a VMM is connected, no driver yet, or the device was reset */
	LINK_PEER_RUNNING, /* a guest driver has the device */
};

/* First in each page. */
struct link_page_header {
	uint32_t magic; /* FRAME_LINK_MAGIC or SAMPLE_LINK_MAGIC; 0: never written */
	uint32_t page_bytes; /* what the writer believes the page's size is */
	_Atomic uint32_t
		generation; /* producer: counts processes that took over; consumer likewise */
	_Atomic uint32_t peer; /* producer: enum link_peer */
	_Atomic uint64_t resets; /* producer: device resets seen */
	_Atomic uint64_t tick; /* consumer: ticks or quanta so far. producer: the last one it saw,
	                               * echoed: a producer that stops echoing is stuck or stopped */
};

/* A mapped link. Embedded by frame_link and sample_link sides. */
struct link {
	enum link_side side;
	void *pool; /* producer: writable; consumer: read-only */
	size_t pool_bytes;
	void *producer_page; /* writable for the producer */
	void *consumer_page; /* writable for the consumer */
	size_t producer_page_bytes;
	size_t consumer_page_bytes;
	/* owned: an eventfd to signal, and an epoll descriptor to wait with */
	int producer_event;
	int consumer_event;
};

/* Keeper: makes all five (fds[LINK_FDS]), zeroed. pool_bytes: multiple of the page size. 0/-errno. */
int link_create_fds(const char *name, size_t pool_bytes, size_t producer_page_bytes,
	size_t consumer_page_bytes, int fds[LINK_FDS]);

/* Keeper: the descriptors as `side` may have them: duplicates, the other side's page read-only, the pool
 * read-only for the consumer, and the other side's event to wait for only. Caller closes them. 0 or
 * -errno. */
int link_grant_fds(const int fds[LINK_FDS], enum link_side side, int granted[LINK_FDS]);

/*
 * Keeper, while no process has `side`: a page whose last writer spoilt its name would be refused by
 * every successor, so its name is taken off; what else is in it is checked at each use anyway. The event that
 * it signals is emptied and does not block, whatever was done to it. 1: the name was spoilt, 0: it was not,
 * -errno.
 */
int link_mend_page(const int fds[LINK_FDS], enum link_side side, uint32_t magic);

/* Keeper, while no process is the producer, and before a consumer starts: what a dead one said of its guest
 * is taken back. 0 or -errno. */
int link_end_peer(const int fds[LINK_FDS]);

/* Closes what is open of them and sets them to -1. */
void link_close_fds(int fds[LINK_FDS]);

/*
 * Maps a side; takes over the descriptors (closed or owned, also on error; fds[] is -1 after it).
 * Checks sizes and seals, names this side's page with `magic` and counts its generation. 0 or -errno:
 * -EINVAL also when the page was written as that of another kind of link.
 */
int link_map(struct link *link, enum link_side side, uint32_t magic, int fds[LINK_FDS],
	size_t producer_page_bytes, size_t consumer_page_bytes);
void link_unmap(struct link *link);

/* The waiting side, when the event's descriptor is readable: whether it was signalled since the last call. */
bool link_event_take(int event);

/* Producer: says what is known of the guest. Signals the producer event. Thread: any. */
void link_set_peer(struct link *link, enum link_peer peer);
/* Producer: the guest reset the device. Signals the producer event. */
void link_count_reset(struct link *link);

/* Consumer: what the producer says; a number that means nothing is ABSENT. */
enum link_peer link_get_peer(const struct link *link);
uint64_t link_resets(const struct link *link);
/* Consumer: the last tick the producer has seen, at most the newest one given to link_tick(). */
uint64_t link_echoed(const struct link *link);
/* Processes that took over the other side so far, this side. */
uint32_t link_generation(const struct link *link);
uint32_t link_own_generation(const struct link *link);

/* Consumer: one tick passed: stores it and signals the consumer event. No other system call. */
void link_tick(struct link *link, uint64_t tick);
/* Producer: answers a consumer event: drains it, echoes the tick and returns it. */
uint64_t link_echo(struct link *link);

#endif
