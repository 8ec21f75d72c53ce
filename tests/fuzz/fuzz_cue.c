/*
 * Both sides' reading of a cue's pages: the input is rounds of what they say. Whatever that is, no loop
 * runs on, only chimes that there are get played, and what is asked for afterwards is.
 */
#include <stdlib.h>

#include "core/bytes.h"
#include "core/cue.h"
#include "core/fd.h"
#include "tests/fuzz/fuzz.h"

static void require(bool holds) {
	if (!holds) {
		abort();
	}
}

static void read_pages(
	struct byte_reader *input, struct cue_request_page *from, struct cue_answer_page *to) {
	atomic_store(&from->newest, byte_reader_u64(input));
	for (int i = 0; i < CUE_PENDING_MAX; i++) {
		atomic_store(&from->requests[i].number, byte_reader_u64(input));
		atomic_store(&from->requests[i].chime, byte_reader_u8(input));
	}
	atomic_store(&to->begun, byte_reader_u64(input));
	atomic_store(&to->heard, byte_reader_u64(input));
	atomic_store(&to->refused, byte_reader_u64(input));
}

static void use_both(struct cue_requester *requester, struct cue_player *player, uint64_t number) {
	uint64_t seen = number;
	int taken = 0;
	enum cue_chime chime;
	while ((chime = cue_take(player, &seen)) != CUE_CHIME_NONE) {
		require(chime > CUE_CHIME_NONE && chime < CUE_CHIMES);
		require(++taken <= CUE_PENDING_MAX);
	}
	(void)cue_progress(requester, number);
}

/* The next number of a page that was damaged may be any, but not one that stands for none. */
static void ask_and_answer(struct cue_requester *requester, struct cue_player *player) {
	atomic_store(&requester->own->newest, atomic_load(&requester->own->newest) >> 1);
	uint64_t seen = atomic_load(&requester->own->newest);
	uint64_t number = cue_request(requester, CUE_CHIME_WARNING, 1);
	require(cue_take(player, &seen) == CUE_CHIME_WARNING && seen == number);
	require(cue_take(player, &seen) == CUE_CHIME_NONE);
	cue_set_heard(player, number, 1);
	require(atomic_load(&requester->other->heard) >= number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct byte_reader input;
	byte_reader_init(&input, data, size);
	int fds[CUE_FDS], granted[CUE_FDS];
	struct cue_requester requester;
	struct cue_player player;
	require(cue_create_fds(fds) == 0 && cue_grant_fds(fds, false, granted) == 0);
	require(cue_requester_init(&requester, granted) == 0);
	require(cue_grant_fds(fds, true, granted) == 0);
	require(cue_player_init(&player, granted) == 0);
	do {
		read_pages(&input, requester.own, player.own);
		use_both(&requester, &player, byte_reader_u64(&input));
	} while (byte_reader_left(&input) > 0);
	ask_and_answer(&requester, &player);
	cue_requester_finish(&requester);
	cue_player_finish(&player);
	fd_close(&fds[CUE_REQUESTS]);
	fd_close(&fds[CUE_ANSWERS]);
	return 0;
}
