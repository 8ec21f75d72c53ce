#include "tests/audio/link_pair.h"

#include <check.h>

#include "core/fd.h"

void link_pair_init(struct link_pair *pair) {
	int fds[LINK_FDS], producer[LINK_FDS], consumer[LINK_FDS];
	ck_assert_int_eq(sample_link_create_fds("test", fds), 0);
	ck_assert_int_eq(link_grant_fds(fds, LINK_PRODUCER, producer), 0);
	ck_assert_int_eq(link_grant_fds(fds, LINK_CONSUMER, consumer), 0);
	for (unsigned i = 0; i < LINK_FDS; i++) {
		fd_close(&fds[i]);
	}
	ck_assert_int_eq(sample_link_init(&pair->consumer, LINK_CONSUMER, consumer), 0);
	ck_assert_int_eq(sample_link_init(&pair->producer, LINK_PRODUCER, producer), 0);
	link_set_peer(&pair->producer, LINK_PEER_RUNNING);
}

void link_pair_finish(struct link_pair *pair) {
	sample_link_finish(&pair->producer);
	sample_link_finish(&pair->consumer);
}
