/*
 * The safety page: the compositor's fault log, its table of checked regions, and what its successor must
 * know of outputs and layers, in memory that outlives the compositor and that others may read at any time.
 *
 * A memfd made by the keeper and handed to every incarnation. Records have a CRC each: a successor
 * (and any reader) skips damaged ones and counts them. Written in real time by plain stores.
 *
 * Thread: one writer, the compositor's. Readers: any process, read-only mapping.
 */
#ifndef CORE_SAFETY_PAGE_H
#define CORE_SAFETY_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fault.h"
#include "core/rect.h"
#include "core/safety_memory.h"

#define SAFETY_MAGIC 0x45464153u /* "SAFE" */
#define SAFETY_VERSION 2
#define SAFETY_RECORDS 512  /* newest kept; a power of two */
#define SAFETY_REGIONS 160
#define SAFETY_NAME_BYTES 32
#define SAFETY_OUTPUTS 4 /* CONFIG_OUTPUTS_MAX, CONFIG_LAYERS_MAX */
#define SAFETY_LAYERS 32

enum safety_subject {
	SAFETY_COMPOSITOR,
	SAFETY_OUTPUT,
	SAFETY_LAYER,
	SAFETY_ELEMENT,
	SAFETY_REGION,
	SAFETY_SUBJECTS,
};

/* Something changed, and why. Times are CLOCK_MONOTONIC, ns; 0: unknown or does not apply. */
struct safety_record {
	_Atomic uint64_t number;  /* from 1 over all incarnations; 0 while it is written */
	uint64_t detect_ns;       /* when it was noticed */
	uint64_t onset_ns;        /* when all was known to be well last: it is not older */
	uint64_t safe_ns;         /* when the verified picture that answers it was shown */
	int64_t wall_ns;          /* CLOCK_REALTIME at detect_ns: for people */
	uint64_t tick;            /* of the output */
	uint32_t incarnation;     /* of the compositor */
	uint32_t subject;         /* enum safety_subject */
	uint32_t cause;           /* enum fault_cause; what ended, when `to` is a recovery */
	uint32_t reaction;        /* enum fault_reaction */
	char name[SAFETY_NAME_BYTES];  /* of the subject */
	char from[16], to[16];    /* names of its states */
	uint32_t pad;
	uint32_t crc32;           /* of all from detect_ns to here */
};

enum safety_check {
	SAFETY_EXACT,    /* CRC-32 in the set allowed for the requested state */
	SAFETY_OFF,      /* exactly the picture of the element switched off */
	SAFETY_LIVE,     /* its CRC must change within `frames` */
	SAFETY_COUNTER,  /* its frame tag must go on (core/frame_tag.h) */
	SAFETY_PRESENCE, /* close enough to a reference picture */
	SAFETY_CONTRAST, /* a least difference of luminance */
	SAFETY_BLACK,    /* not all of one colour */
	SAFETY_OWNER,    /* no pixel of anybody but its owner */
	SAFETY_CHECKS,
};
#define SAFETY_CHECK_NAMES "exact|off|live|counter|presence|contrast|black|owner"

enum safety_verdict {
	SAFETY_IDLE,     /* not checked: nothing is shown there that it could judge */
	SAFETY_PASSED,
	SAFETY_FAILED,
	SAFETY_REPAIRED, /* failed, and the host's picture took its place in the same frame */
	SAFETY_VERDICTS,
};
#define SAFETY_VERDICT_NAMES "idle|passed|failed|repaired"

/* A checked region. Fields without _Atomic are written before regions_len counts it. */
struct safety_region {
	char name[SAFETY_NAME_BYTES];  /* "telltale/brake", or the region's name */
	char output[SAFETY_NAME_BYTES];
	char layer[SAFETY_NAME_BYTES]; /* whose pixels they may be; "": the host's own */
	uint32_t check;                /* enum safety_check */
	struct rect place;             /* on the output */
	_Atomic uint32_t verdict;      /* enum safety_verdict, of the last frame */
	_Atomic uint32_t cause;        /* enum fault_cause, of the last failure */
	_Atomic uint32_t expected;     /* a CRC, or what the check compares with */
	_Atomic uint32_t found;
	_Atomic uint32_t host_drawn;   /* 1: the host's picture is there now */
	_Atomic uint64_t checks, failures;
	_Atomic uint64_t failed_ns;    /* last failure */
};

struct safety_page {
	_Atomic uint32_t magic, version;
	_Atomic uint32_t incarnation;
	_Atomic uint32_t damaged; /* records of its predecessors this incarnation found damaged */
	_Atomic uint32_t regions_len;
	_Atomic uint64_t newest; /* number of the last record; its slot is number % RECORDS */
	struct safety_record records[SAFETY_RECORDS];
	struct safety_region regions[SAFETY_REGIONS];
	/* by their places in the configuration; for the compositor only */
	struct safety_memory outputs[SAFETY_OUTPUTS];
	struct safety_memory layers[SAFETY_LAYERS];
};

size_t safety_page_bytes(void);
int safety_page_create_fd(void); /* keeper: zeroed; fd or -errno */

/* Compositor: maps it (takes over `fd`), counts an incarnation and the damaged records, and forgets the
 * regions. A page that makes no sense is begun anew, but for what outputs and layers are remembered by,
 * which says itself whether it is whole. NULL with errno. */
struct safety_page *safety_page_map(int fd);
/* Readers: read-only, borrows `fd`. NULL with errno: EINVAL no such page. */
const struct safety_page *safety_page_map_reader(int fd);
void safety_page_unmap(const struct safety_page *page);

/* Writes a record: number, incarnation and CRC are filled in. Returns its number. */
uint64_t safety_page_add(struct safety_page *page, const struct safety_record *record);
/* Says when the answer to record `number` was shown; nothing if it was overwritten meanwhile. */
void safety_page_set_safe(struct safety_page *page, uint64_t number, uint64_t safe_ns);
/* A private copy: texts are ASCII, enums in their range. False: overwritten, being written, or damaged. */
bool safety_page_read(
	const struct safety_page *page, uint64_t number, struct safety_record *record);

/* Adds a region; NULL when the table is full. Longer names are cut. */
struct safety_region *safety_page_add_region(struct safety_page *page, const char *name,
	const char *output, const char *layer, enum safety_check check, const struct rect *place);

/* A region as a reader may use it: names are ASCII, numbers in their range. */
struct safety_region_reading {
	char name[SAFETY_NAME_BYTES], output[SAFETY_NAME_BYTES], layer[SAFETY_NAME_BYTES];
	enum safety_check check;
	enum safety_verdict verdict;
	enum fault_cause cause;
	struct rect place;
	uint32_t expected, found;
	bool host_drawn;
	uint64_t checks, failures, failed_ns;
};

/* False: there are not so many. */
bool safety_page_read_region(
	const struct safety_page *page, uint32_t index, struct safety_region_reading *reading);

#endif
