#include "core/stats.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"
#include "core/text.h"

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "counters are read by other processes");
_Static_assert((STATS_LOG_LINES & (STATS_LOG_LINES - 1)) == 0, "lines run freely");

#define SEALS_SIZE (F_SEAL_SHRINK | F_SEAL_GROW)

/* what values past the table's end are: counted, never seen */
static _Atomic uint64_t unseen;

size_t stats_page_bytes(void) {
	return fd_round_to_page(sizeof(struct stats_page));
}

static void page_format(struct stats_page *page, const char *process) {
	page->magic = STATS_MAGIC;
	page->page_bytes = (uint32_t)stats_page_bytes();
	snprintf(page->process, sizeof(page->process), "%s", process);
}

int stats_create_fd(const char *process) {
	int fd = fd_memfd_create("stats", stats_page_bytes());
	if (fd < 0) {
		return fd;
	}
	struct stats_page *page =
		mmap(NULL, stats_page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		int rc = -errno;
		fd_close(&fd);
		return rc;
	}
	page_format(page, process);
	munmap(page, stats_page_bytes());
	return fd;
}

static bool page_is_sane(const struct stats_page *page) {
	return page->magic == STATS_MAGIC && page->page_bytes == stats_page_bytes();
}

/* A mapping of the page in `fd`, which stays open; MAP_FAILED with errno. */
static void *map_page(int fd, int protection) {
	int rc = fd_memfd_check(fd, SEALS_SIZE, stats_page_bytes(), NULL);
	if (rc < 0) {
		errno = -rc;
		return MAP_FAILED;
	}
	struct stats_page *page = mmap(NULL, stats_page_bytes(), protection, MAP_SHARED, fd, 0);
	if (page != MAP_FAILED && !page_is_sane(page)) {
		munmap(page, stats_page_bytes());
		errno = EINVAL;
		return MAP_FAILED;
	}
	return page;
}

int stats_init(struct stats *stats, int fd, const char *process) {
	*stats = (struct stats) { 0 };
	struct stats_page *page;
	if (fd < 0) {
		page = mmap(NULL, stats_page_bytes(), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (page != MAP_FAILED) {
			page_format(page, process);
		}
	} else {
		page = map_page(fd, PROT_READ | PROT_WRITE);
		fd_close(&fd);
	}
	if (page == MAP_FAILED) {
		return -errno;
	}
	atomic_store(&page->pid, (uint32_t)getpid());
	atomic_store(&page->start_ns, clock_now_ns());
	atomic_fetch_add(&page->generation, 1);
	stats->page = page;
	return 0;
}

void stats_finish(struct stats *stats) {
	if (stats->page != NULL) {
		munmap(stats->page, stats_page_bytes());
	}
	stats->page = NULL;
}

static uint32_t entries_len(const struct stats_page *page) {
	return MIN(atomic_load(&page->entries_len), STATS_ENTRIES_MAX);
}

_Atomic uint64_t *stats_value(struct stats *stats, const char *unit, const char *name_format, ...) {
	struct stats_page *page = stats->page;
	char name[sizeof(page->entries[0].name)];
	va_list args;
	va_start(args, name_format);
	vsnprintf(name, sizeof(name), name_format, args);
	va_end(args);

	uint32_t len = entries_len(page);
	for (uint32_t i = 0; i < len; i++) {
		if (strncmp(page->entries[i].name, name, sizeof(name)) == 0) {
			return &page->entries[i].value;
		}
	}
	if (len == STATS_ENTRIES_MAX) {
		return &unseen;
	}
	struct stats_entry *entry = &page->entries[len];
	memcpy(entry->name, name, sizeof(name));
	snprintf(entry->unit, sizeof(entry->unit), "%s", unit);
	atomic_store(&page->entries_len, len + 1);
	return &entry->value;
}

void stats_log(struct stats *stats, enum log_level level, const char *text) {
	struct stats_page *page = stats->page;
	uint64_t sequence = atomic_fetch_add(&page->lines, 1) + 1;
	struct stats_line *line = &page->log[sequence % STATS_LOG_LINES];
	atomic_store(&line->sequence, 0);
	line->time_ns = clock_now_ns();
	line->level = level;
	line->pid = atomic_load(&page->pid);
	snprintf(line->text, sizeof(line->text), "%s", text);
	atomic_store(&line->sequence, sequence);
}

const struct stats_page *stats_map(int fd) {
	void *page = map_page(fd, PROT_READ);
	fd_close(&fd);
	return page == MAP_FAILED ? NULL : page;
}

void stats_unmap(const struct stats_page *page) {
	if (page != NULL) {
		munmap((void *)(uintptr_t)page, stats_page_bytes());
	}
}

void stats_read_process(const struct stats_page *page, char name[STATS_PROCESS_BYTES]) {
	memcpy(name, page->process, STATS_PROCESS_BYTES);
	text_make_ascii(name, STATS_PROCESS_BYTES);
}

bool stats_read_entry(
	const struct stats_page *page, uint32_t index, struct stats_reading *reading) {
	if (index >= entries_len(page)) {
		return false;
	}
	const struct stats_entry *entry = &page->entries[index];
	memcpy(reading->name, entry->name, sizeof(reading->name));
	memcpy(reading->unit, entry->unit, sizeof(reading->unit));
	text_make_ascii(reading->name, sizeof(reading->name));
	text_make_ascii(reading->unit, sizeof(reading->unit));
	reading->value = atomic_load(&entry->value);
	return true;
}

bool stats_read_value(const struct stats_page *page, const char *name, uint64_t *value) {
	struct stats_reading reading;
	for (uint32_t i = 0; stats_read_entry(page, i, &reading); i++) {
		if (strcmp(reading.name, name) == 0) {
			*value = reading.value;
			return true;
		}
	}
	return false;
}

bool stats_read_line(const struct stats_page *page, uint64_t sequence, struct stats_line *line) {
	const struct stats_line *shared = &page->log[sequence % STATS_LOG_LINES];
	if (sequence == 0 || atomic_load(&shared->sequence) != sequence) {
		return false;
	}
	line->time_ns = shared->time_ns;
	line->level = shared->level;
	line->pid = shared->pid;
	memcpy(line->text, shared->text, sizeof(line->text));
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load(&shared->sequence) != sequence) {
		return false;
	}
	atomic_store(&line->sequence, sequence);
	line->level = MIN(line->level, (uint32_t)LOG_DEBUG);
	text_make_printable(line->text, sizeof(line->text));
	return true;
}
