/*
 * The statistics page: what a process counts and logs, in memory that others may read at any time
 * without entering it.
 *
 * A page is a memfd the keeper creates and hands to every incarnation of a process, so counters and
 * log lines survive a death. Named 64-bit values in one table, log lines in one ring; nothing else.
 * Readers know neither process nor names in advance: `fascia status` prints whatever is there.
 *
 * Thread: values may be changed from any thread of the writer (plain atomics, never a lock); entries
 * are added at start only. Readers: any process, read-only mapping.
 */
#ifndef CORE_STATS_H
#define CORE_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/log.h"

#define STATS_MAGIC 0x54415453u /* "STAT" */
#define STATS_PROCESS_BYTES 32
#define STATS_ENTRIES_MAX 256
#define STATS_LOG_LINES 256 /* newest lines kept; a power of two */

struct stats_entry {
	char name[48];  /* dotted, lower case: "layer.cluster.frames"; empty: unused */
	char unit
		[72]; /* "", "ns", "bytes", ...; "time": CLOCK_MONOTONIC in ns, 0: never; "fault": enum
	                * fault_cause; or the names of a state, "absent|starting|live" */
	_Atomic uint64_t value;
};

struct stats_line {
	_Atomic uint64_t sequence; /* from 1; 0 while it is written */
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint32_t level; /* enum log_level */
	uint32_t pid;
	char text[LOG_LINE_BYTES];
};

struct stats_page {
	uint32_t magic;
	uint32_t page_bytes;
	char process[STATS_PROCESS_BYTES]; /* "gpu-cluster" */
	_Atomic uint32_t pid;
	_Atomic uint32_t generation; /* incarnations so far */
	_Atomic uint64_t start_ns; /* CLOCK_MONOTONIC when this incarnation began */
	_Atomic uint32_t entries_len;
	struct stats_entry entries[STATS_ENTRIES_MAX];
	_Atomic uint64_t lines; /* log lines so far */
	struct stats_line log[STATS_LOG_LINES];
};

struct stats {
	struct stats_page *page;
};

size_t stats_page_bytes(void);
int stats_create_fd(const char *process); /* keeper: a page, named and zeroed; fd or -errno */

/* Maps the page (takes over `fd`) and begins an incarnation. With fd < 0: private memory, so that a
 * process that runs alone counts too. 0 or -errno. */
int stats_init(struct stats *stats, int fd, const char *process);
void stats_finish(struct stats *stats);

/*
 * The value with this name, found or added; an earlier incarnation's value is kept. Never NULL: past
 * the table's end, a value nobody sees.
 */
_Atomic uint64_t *stats_value(struct stats *stats, const char *unit, const char *name_format, ...)
	PRINTF_LIKE(3, 4);

/* Appends a line to the ring. Wait-free for one writer; two writers may garble one line's text. */
void stats_log(struct stats *stats, enum log_level level, const char *text);

/* Reader: maps a page read-only (takes over `fd`); checks magic and sizes. NULL with errno. */
const struct stats_page *stats_map(int fd);
void stats_unmap(const struct stats_page *page);
/*
 * Readers. The process that the page is of may write anything to it at any time: readers look at it
 * through these only. Names and units come terminated and in printable ASCII.
 */
void stats_read_process(const struct stats_page *page, char name[STATS_PROCESS_BYTES]);
/* Copies entry `index` (from 0); false past the end. */
struct stats_reading {
	char name[48];
	char unit[72];
	uint64_t value;
};
bool stats_read_entry(const struct stats_page *page, uint32_t index, struct stats_reading *reading);
/* The value with this name; false when there is none. */
bool stats_read_value(const struct stats_page *page, const char *name, uint64_t *value);
/* Copies line number `sequence` (1..lines), its text terminated and printable; false when
 * it is gone or being written. */
bool stats_read_line(const struct stats_page *page, uint64_t sequence, struct stats_line *line);

#endif
