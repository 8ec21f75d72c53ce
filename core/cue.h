/*
 * Cues: how the compositor asks the mixer for a chime, and learns that it was heard.
 *
 * Two pages, each written by its owner only: the compositor's with what it asks for, the mixer's with
 * what it did. The keeper makes both and gives them to every incarnation; cues are numbered from 1, and
 * only a new number is played. The mixer looks at each quantum; nothing is signalled or waited for.
 * Everything read from the other page is checked at each use.
 *
 * Thread: one per side; plain stores and loads, no call blocks or allocates after init.
 */
#ifndef CORE_CUE_H
#define CORE_CUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CUE_MAGIC 0x53455543u /* "CUES" */
#define CUE_PENDING_MAX 8     /* asked for and not answered; more overwrite the oldest */

enum cue_fd { CUE_REQUESTS, CUE_ANSWERS, CUE_FDS };

/* What is played; the mixer's bank has one voice for each. */
enum cue_chime {
	CUE_CHIME_NONE,
	CUE_CHIME_INFORMATION, /* once: a lamp that asks to be read */
	CUE_CHIME_CAUTION,     /* amber */
	CUE_CHIME_WARNING,     /* red */
	CUE_CHIMES,
};
#define CUE_CHIME_NAMES "none|information|caution|warning"

struct cue_request {
	_Atomic uint64_t number; /* written last */
	_Atomic uint32_t chime;  /* enum cue_chime */
	_Atomic uint64_t asked_ns; /* CLOCK_MONOTONIC */
};

struct cue_request_page {
	_Atomic uint32_t magic;
	_Atomic uint64_t
		newest; /* number of the last request; its slot is number % CUE_PENDING_MAX */
	struct cue_request requests[CUE_PENDING_MAX];
};

struct cue_answer_page {
	_Atomic uint32_t magic;
	_Atomic uint64_t begun;    /* newest number whose first frame went into the sink */
	_Atomic uint64_t begun_ns; /* CLOCK_MONOTONIC of that */
	_Atomic uint64_t heard;    /* newest number whose last frame the sink has consumed */
	_Atomic uint64_t heard_ns;
	_Atomic uint64_t
		refused;  /* newest number that could not be played: no such chime, bad bank */
};

struct cue_requester {
	struct cue_request_page *own;
	const struct cue_answer_page *other;
};

struct cue_player {
	const struct cue_request_page *other;
	struct cue_answer_page *own;
};

/* Keeper: makes both pages, zeroed; fds[CUE_FDS]. 0 or -errno. */
int cue_create_fds(int fds[CUE_FDS]);
/* Keeper: duplicates as a side may have them: the other's page read-only. `as_player`: the mixer. */
int cue_grant_fds(const int fds[CUE_FDS], bool as_player, int granted[CUE_FDS]);

/* Both take over `fds` (closed; -1 afterwards). 0 or -errno. */
int cue_requester_init(struct cue_requester *requester, int fds[CUE_FDS]);
void cue_requester_finish(struct cue_requester *requester);
int cue_player_init(struct cue_player *player, int fds[CUE_FDS]);
void cue_player_finish(struct cue_player *player);

/* Asks for a chime: its number. */
uint64_t cue_request(struct cue_requester *requester, enum cue_chime chime, uint64_t now_ns);

enum cue_progress { CUE_WAITING, CUE_BEGUN, CUE_HEARD, CUE_REFUSED };
/* What became of it. A newer one that was begun stands for all before it, and so does a more severe one
 * that sounds for a lesser one that comes meanwhile. */
enum cue_progress cue_progress(const struct cue_requester *requester, uint64_t number);

/* The next request after `*seen` (then *seen is its number), oldest first: its chime, or
 * CUE_CHIME_NONE: nothing new. A chime that is none is answered as refused here. */
enum cue_chime cue_take(struct cue_player *player, uint64_t *seen);
void cue_set_begun(struct cue_player *player, uint64_t number, uint64_t now_ns);
void cue_set_heard(struct cue_player *player, uint64_t number, uint64_t now_ns);
void cue_set_refused(struct cue_player *player, uint64_t number);

#endif
