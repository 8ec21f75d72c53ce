/* Both sides of a sample link in one process. */
#ifndef TESTS_AUDIO_LINK_PAIR_H
#define TESTS_AUDIO_LINK_PAIR_H

#include "core/sample_link.h"

struct link_pair {
	struct link producer, consumer;
};

/* Aborts the test on failure. The producer says that a guest is there. */
void link_pair_init(struct link_pair *pair);
void link_pair_finish(struct link_pair *pair);

#endif
