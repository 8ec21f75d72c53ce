#include "core/link.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
	"pages are shared between processes");

#define SEALS_SIZE (F_SEAL_SHRINK | F_SEAL_GROW)

void link_close_fds(int fds[LINK_FDS]) {
	for (int i = 0; i < LINK_FDS; i++) {
		fd_close(&fds[i]);
	}
}

/* 0, or the first -errno among them with all closed. */
static int fds_check(int fds[LINK_FDS]) {
	for (int i = 0; i < LINK_FDS; i++) {
		if (fds[i] < 0) {
			int rc = fds[i];
			link_close_fds(fds);
			return rc;
		}
	}
	return 0;
}

int link_create_fds(const char *name, size_t pool_bytes, size_t producer_page_bytes,
	size_t consumer_page_bytes, int fds[LINK_FDS]) {
	fds[LINK_POOL] = fd_memfd_create(name, pool_bytes);
	fds[LINK_PRODUCER_PAGE] = fd_memfd_create(name, producer_page_bytes);
	fds[LINK_CONSUMER_PAGE] = fd_memfd_create(name, consumer_page_bytes);
	fds[LINK_PRODUCER_EVENT] = fd_eventfd_create(false);
	fds[LINK_CONSUMER_EVENT] = fd_eventfd_create(false);
	return fds_check(fds);
}

static int fd_duplicate(int fd) {
	int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return duplicate < 0 ? -errno : duplicate;
}

/* Readable when the eventfd was signalled. */
static int watch_event(int event) {
	int watch = epoll_create1(EPOLL_CLOEXEC);
	if (watch < 0) {
		return -errno;
	}
	struct epoll_event edge = { .events = EPOLLIN | EPOLLET };
	if (epoll_ctl(watch, EPOLL_CTL_ADD, event, &edge) != 0) {
		int err = -errno;
		close(watch);
		return err;
	}
	return watch;
}

bool link_event_take(int event) {
	int saved_errno = errno;
	struct epoll_event edge;
	bool was_signalled = epoll_wait(event, &edge, 1, 0) == 1;
	errno = saved_errno;
	return was_signalled;
}

int link_grant_fds(const int fds[LINK_FDS], enum link_side side, int granted[LINK_FDS]) {
	bool producer = side == LINK_PRODUCER;
	const bool is_own[LINK_FDS] = {
		[LINK_POOL] = producer,
		[LINK_PRODUCER_PAGE] = producer,
		[LINK_CONSUMER_PAGE] = !producer,
		[LINK_PRODUCER_EVENT] = producer,
		[LINK_CONSUMER_EVENT] = !producer,
	};
	for (int i = 0; i < LINK_FDS; i++) {
		bool is_event = i == LINK_PRODUCER_EVENT || i == LINK_CONSUMER_EVENT;
		granted[i] = is_own[i] ? fd_duplicate(fds[i])
			: is_event     ? watch_event(fds[i])
				       : fd_reopen_readonly(fds[i]);
	}
	return fds_check(granted);
}

/* Maps one memory file of the link whole; *bytes is its size. */
static int map_memory(int fd, bool writable, size_t min_bytes, void **memory, size_t *bytes) {
	int rc = fd_memfd_check(fd, SEALS_SIZE, min_bytes, bytes);
	if (rc < 0) {
		return rc;
	}
	int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
	void *mapping = mmap(NULL, *bytes, protection, MAP_SHARED, fd, 0);
	if (mapping == MAP_FAILED) {
		return -errno;
	}
	*memory = mapping;
	return 0;
}

static int map_all(struct link *link, const int fds[LINK_FDS], size_t producer_page_bytes,
	size_t consumer_page_bytes) {
	bool producer = link->side == LINK_PRODUCER;
	int rc = map_memory(fds[LINK_POOL], producer, 1, &link->pool, &link->pool_bytes);
	if (rc == 0) {
		rc = map_memory(fds[LINK_PRODUCER_PAGE], producer, producer_page_bytes,
			&link->producer_page, &link->producer_page_bytes);
	}
	if (rc == 0) {
		rc = map_memory(fds[LINK_CONSUMER_PAGE], !producer, consumer_page_bytes,
			&link->consumer_page, &link->consumer_page_bytes);
	}
	return rc;
}

static struct link_page_header *own_header(const struct link *link) {
	return link->side == LINK_PRODUCER ? link->producer_page : link->consumer_page;
}

static const struct link_page_header *peer_header(const struct link *link) {
	return link->side == LINK_PRODUCER ? link->consumer_page : link->producer_page;
}

/* The writer of a page names it; a page somebody else wrote before is refused. */
static int take_over_page(struct link *link, uint32_t magic) {
	struct link_page_header *header = own_header(link);
	size_t bytes =
		link->side == LINK_PRODUCER ? link->producer_page_bytes : link->consumer_page_bytes;
	if (header->magic != 0 && (header->magic != magic || header->page_bytes != bytes)) {
		return -EINVAL;
	}
	header->magic = magic;
	header->page_bytes = (uint32_t)bytes;
	if (link->side == LINK_PRODUCER) {
		atomic_store(&header->peer, LINK_PEER_ABSENT); /* its VMM hung up with it */
	}
	atomic_fetch_add(&header->generation, 1);
	return 0;
}

/* The header of a page that no process writes now. MAP_FAILED with errno. */
static struct link_page_header *map_header(int fd, size_t *bytes) {
	int rc = fd_memfd_check(fd, 0, sizeof(struct link_page_header), bytes);
	if (rc < 0) {
		errno = -rc;
		return MAP_FAILED;
	}
	return mmap(
		NULL, sizeof(struct link_page_header), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

/* Only who signals it has it, and a full counter would keep that one waiting, or unheard. */
static void mend_event(int event) {
	(void)fcntl(event, F_SETFL, O_NONBLOCK);
	(void)fd_event_take(event);
}

int link_mend_page(const int fds[LINK_FDS], enum link_side side, uint32_t magic) {
	int fd = fds[side == LINK_PRODUCER ? LINK_PRODUCER_PAGE : LINK_CONSUMER_PAGE];
	size_t bytes;
	mend_event(fds[side == LINK_PRODUCER ? LINK_PRODUCER_EVENT : LINK_CONSUMER_EVENT]);
	struct link_page_header *header = map_header(fd, &bytes);
	if (header == MAP_FAILED) {
		return -errno;
	}
	bool spoilt = header->magic != 0 && (header->magic != magic || header->page_bytes != bytes);
	if (spoilt) {
		header->magic = 0;
		header->page_bytes = 0;
	}
	munmap(header, sizeof(*header));
	return spoilt;
}

int link_end_peer(const int fds[LINK_FDS]) {
	size_t bytes;
	struct link_page_header *header = map_header(fds[LINK_PRODUCER_PAGE], &bytes);
	if (header == MAP_FAILED) {
		return -errno;
	}
	atomic_store(&header->peer, LINK_PEER_ABSENT);
	munmap(header, sizeof(*header));
	return 0;
}

int link_map(struct link *link, enum link_side side, uint32_t magic, int fds[LINK_FDS],
	size_t producer_page_bytes, size_t consumer_page_bytes) {
	*link = (struct link) { .side = side, .producer_event = -1, .consumer_event = -1 };
	int rc = map_all(link, fds, producer_page_bytes, consumer_page_bytes);
	if (rc == 0) {
		rc = take_over_page(link, magic);
	}
	if (rc == 0) {
		link->producer_event = fds[LINK_PRODUCER_EVENT];
		link->consumer_event = fds[LINK_CONSUMER_EVENT];
		fds[LINK_PRODUCER_EVENT] = -1;
		fds[LINK_CONSUMER_EVENT] = -1;
	} else {
		link_unmap(link);
	}
	link_close_fds(fds);
	return rc;
}

static void unmap_memory(void **memory, size_t bytes) {
	if (*memory != NULL) {
		munmap(*memory, bytes);
	}
	*memory = NULL;
}

void link_unmap(struct link *link) {
	unmap_memory(&link->pool, link->pool_bytes);
	unmap_memory(&link->producer_page, link->producer_page_bytes);
	unmap_memory(&link->consumer_page, link->consumer_page_bytes);
	fd_close(&link->producer_event);
	fd_close(&link->consumer_event);
}

void link_set_peer(struct link *link, enum link_peer peer) {
	assert(link->side == LINK_PRODUCER);
	atomic_store(&own_header(link)->peer, (uint32_t)peer);
	fd_event_signal(link->producer_event);
}

void link_count_reset(struct link *link) {
	assert(link->side == LINK_PRODUCER);
	atomic_fetch_add(&own_header(link)->resets, 1);
	fd_event_signal(link->producer_event);
}

enum link_peer link_get_peer(const struct link *link) {
	assert(link->side == LINK_CONSUMER);
	uint32_t peer = atomic_load(&peer_header(link)->peer);
	return peer <= LINK_PEER_RUNNING ? (enum link_peer)peer : LINK_PEER_ABSENT;
}

uint64_t link_resets(const struct link *link) {
	assert(link->side == LINK_CONSUMER);
	return atomic_load(&peer_header(link)->resets);
}

uint64_t link_echoed(const struct link *link) {
	assert(link->side == LINK_CONSUMER);
	return MIN(atomic_load(&peer_header(link)->tick), atomic_load(&own_header(link)->tick));
}

uint32_t link_generation(const struct link *link) {
	return atomic_load(&peer_header(link)->generation);
}

uint32_t link_own_generation(const struct link *link) {
	return atomic_load(&own_header(link)->generation);
}

void link_tick(struct link *link, uint64_t tick) {
	assert(link->side == LINK_CONSUMER);
	atomic_store(&own_header(link)->tick, tick);
	fd_event_signal(link->consumer_event);
}

uint64_t link_echo(struct link *link) {
	assert(link->side == LINK_PRODUCER);
	(void)link_event_take(link->consumer_event);
	uint64_t tick = atomic_load(&peer_header(link)->tick);
	atomic_store(&own_header(link)->tick, tick);
	return tick;
}
