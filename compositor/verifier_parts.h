/*
 * What the files of a verifier share: verifier.c judges what is composed, verifier_shown.c what is shown,
 * verifier_setup.c makes one.
 *
 * Thread: as verifier.h.
 */
#ifndef COMPOSITOR_VERIFIER_PARTS_H
#define COMPOSITOR_VERIFIER_PARTS_H

#include <stdint.h>

#include "compositor/verifier.h"

/* verifier.c: adds the cause to `reported`, and tells of it at the end of the tick. */
void verifier_tell_of_output(
	struct verifier *verifier, const char *name, enum fault_cause cause, uint64_t *reported);

/* verifier_shown.c: what is shown is read back, and compared with what was checked. */
void verifier_check_shown(struct verifier *verifier);

#endif
