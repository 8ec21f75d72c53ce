#include "core/cue.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"

int cue_create_fds(int fds[CUE_FDS]) {
	fds[CUE_REQUESTS] =
		fd_memfd_create("cue-requests", fd_round_to_page(sizeof(struct cue_request_page)));
	if (fds[CUE_REQUESTS] < 0) {
		int rc = fds[CUE_REQUESTS];
		fds[CUE_REQUESTS] = fds[CUE_ANSWERS] = -1;
		return rc;
	}
	fds[CUE_ANSWERS] =
		fd_memfd_create("cue-answers", fd_round_to_page(sizeof(struct cue_answer_page)));
	if (fds[CUE_ANSWERS] < 0) {
		int rc = fds[CUE_ANSWERS];
		fds[CUE_ANSWERS] = -1;
		fd_close(&fds[CUE_REQUESTS]);
		return rc;
	}
	return 0;
}

static int duplicate(int fd) {
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return copy < 0 ? -errno : copy;
}

int cue_grant_fds(const int fds[CUE_FDS], bool as_player, int granted[CUE_FDS]) {
	unsigned own = as_player ? CUE_ANSWERS : CUE_REQUESTS;
	unsigned other = as_player ? CUE_REQUESTS : CUE_ANSWERS;
	granted[other] = -1;
	granted[own] = duplicate(fds[own]);
	if (granted[own] < 0) {
		int rc = granted[own];
		granted[own] = -1;
		return rc;
	}
	granted[other] = fd_reopen_readonly(fds[other]);
	if (granted[other] < 0) {
		int rc = granted[other];
		granted[other] = -1;
		fd_close(&granted[own]);
		return rc;
	}
	return 0;
}

/* Takes over `fd`. NULL with errno. */
static void *map_page(int *fd, size_t bytes, int protection) {
	void *page = MAP_FAILED;
	int rc = fd_memfd_check(*fd, F_SEAL_SHRINK | F_SEAL_GROW, bytes, NULL);
	if (rc == 0) {
		page = mmap(NULL, bytes, protection, MAP_SHARED, *fd, 0);
		rc = page == MAP_FAILED ? -errno : 0;
	}
	fd_close(fd);
	errno = -rc;
	return rc == 0 ? page : NULL;
}

static struct cue_request_page *map_requests(int *fd, int protection) {
	return map_page(fd, sizeof(struct cue_request_page), protection);
}

static struct cue_answer_page *map_answers(int *fd, int protection) {
	return map_page(fd, sizeof(struct cue_answer_page), protection);
}

static void unmap_requests(const struct cue_request_page *page) {
	if (page != NULL) {
		munmap((void *)(uintptr_t)page, sizeof(*page));
	}
}

static void unmap_answers(const struct cue_answer_page *page) {
	if (page != NULL) {
		munmap((void *)(uintptr_t)page, sizeof(*page));
	}
}

/* ---- the requester ---- */

/* Numbers go on behind all that was ever asked or answered, whatever became of this side's page. */
static void begin_requests(struct cue_requester *requester) {
	struct cue_request_page *own = requester->own;
	const struct cue_answer_page *other = requester->other;
	if (atomic_load(&own->magic) == CUE_MAGIC) {
		return;
	}
	memset(own, 0, sizeof(*own));
	if (atomic_load(&other->magic) == CUE_MAGIC) {
		uint64_t answered = MAX(atomic_load(&other->begun), atomic_load(&other->refused));
		atomic_store(&own->newest, answered);
	}
	atomic_store(&own->magic, CUE_MAGIC);
}

int cue_requester_init(struct cue_requester *requester, int fds[CUE_FDS]) {
	*requester = (struct cue_requester) { 0 };
	requester->own = map_requests(&fds[CUE_REQUESTS], PROT_READ | PROT_WRITE);
	int rc = requester->own == NULL ? -errno : 0;
	requester->other = map_answers(&fds[CUE_ANSWERS], PROT_READ);
	if (rc == 0 && requester->other == NULL) {
		rc = -errno;
	}
	if (requester->own == NULL || requester->other == NULL) {
		cue_requester_finish(requester);
		return rc;
	}
	begin_requests(requester);
	return 0;
}

void cue_requester_finish(struct cue_requester *requester) {
	unmap_requests(requester->own);
	unmap_answers(requester->other);
	*requester = (struct cue_requester) { 0 };
}

uint64_t cue_request(struct cue_requester *requester, enum cue_chime chime, uint64_t now_ns) {
	struct cue_request_page *own = requester->own;
	uint64_t number = atomic_load(&own->newest) + 1;
	struct cue_request *slot = &own->requests[number % CUE_PENDING_MAX];
	/* no number while it is written: a reader of the one before must not take half of this one */
	atomic_store(&slot->number, 0);
	atomic_store(&slot->chime, chime);
	atomic_store(&slot->asked_ns, now_ns);
	atomic_store(&slot->number, number);
	atomic_store(&own->newest, number);
	return number;
}

enum cue_progress cue_progress(const struct cue_requester *requester, uint64_t number) {
	const struct cue_answer_page *other = requester->other;
	if (atomic_load(&other->magic) != CUE_MAGIC) {
		return CUE_WAITING;
	}
	uint64_t newest = atomic_load(&requester->own->newest);
	const struct {
		uint64_t answered;
		enum cue_progress progress;
	} answers[] = {
		{ atomic_load(&other->heard), CUE_HEARD },
		{ atomic_load(&other->begun), CUE_BEGUN },
		{ atomic_load(&other->refused), CUE_REFUSED },
	};
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		/* what was never asked for cannot have been answered */
		if (answers[i].answered >= number && answers[i].answered <= newest) {
			return answers[i].progress;
		}
	}
	return CUE_WAITING;
}

/* ---- the player ---- */

int cue_player_init(struct cue_player *player, int fds[CUE_FDS]) {
	*player = (struct cue_player) { 0 };
	player->other = map_requests(&fds[CUE_REQUESTS], PROT_READ);
	int rc = player->other == NULL ? -errno : 0;
	player->own = map_answers(&fds[CUE_ANSWERS], PROT_READ | PROT_WRITE);
	if (rc == 0 && player->own == NULL) {
		rc = -errno;
	}
	if (player->own == NULL || player->other == NULL) {
		cue_player_finish(player);
		return rc;
	}
	if (atomic_load(&player->own->magic) != CUE_MAGIC) {
		memset(player->own, 0, sizeof(*player->own));
		atomic_store(&player->own->magic, CUE_MAGIC);
	}
	return 0;
}

void cue_player_finish(struct cue_player *player) {
	unmap_requests(player->other);
	unmap_answers(player->own);
	*player = (struct cue_player) { 0 };
}

/* A request that is whole: its chime, whatever number that is. False: overwritten meanwhile. */
static bool read_request(const struct cue_request_page *page, uint64_t number, uint32_t *chime) {
	const struct cue_request *slot = &page->requests[number % CUE_PENDING_MAX];
	if (atomic_load(&slot->number) != number) {
		return false;
	}
	*chime = atomic_load(&slot->chime);
	return atomic_load(&slot->number) == number;
}

enum cue_chime cue_take(struct cue_player *player, uint64_t *seen) {
	const struct cue_request_page *page = player->other;
	if (atomic_load(&page->magic) != CUE_MAGIC) {
		return CUE_CHIME_NONE;
	}
	uint64_t newest = atomic_load(&page->newest);
	if (newest < *seen) {
		*seen = newest; /* a number that was nonsense must not silence all that follow */
	}
	if (newest - *seen > CUE_PENDING_MAX) {
		*seen = newest - CUE_PENDING_MAX;
	}
	while (*seen < newest) {
		uint32_t chime;
		++*seen;
		if (!read_request(page, *seen, &chime)) {
			continue;
		}
		if (chime > CUE_CHIME_NONE && chime < CUE_CHIMES) {
			return (enum cue_chime)chime;
		}
		cue_set_refused(player, *seen);
	}
	return CUE_CHIME_NONE;
}

static void answer(_Atomic uint64_t *answered, uint64_t number) {
	atomic_store(answered, MAX(atomic_load(answered), number));
}

void cue_set_begun(struct cue_player *player, uint64_t number, uint64_t now_ns) {
	atomic_store(&player->own->begun_ns, now_ns);
	answer(&player->own->begun, number);
}

void cue_set_heard(struct cue_player *player, uint64_t number, uint64_t now_ns) {
	atomic_store(&player->own->heard_ns, now_ns);
	answer(&player->own->heard, number);
}

void cue_set_refused(struct cue_player *player, uint64_t number) {
	answer(&player->own->refused, number);
}
