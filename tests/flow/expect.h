/*
 * What the first output must show, pixel by pixel; the first pixel that is wrong fails the test.
 */
#ifndef TESTS_FLOW_EXPECT_H
#define TESTS_FLOW_EXPECT_H

#include "core/atlas.h"
#include "core/rect.h"
#include "core/signals.h"
#include "tests/flow/service.h"

/* The service's atlas, drawn again. */
struct expect {
	int fd;
	struct atlas atlas;
};

void expect_init(struct expect *expect, const struct service *service);
void expect_finish(struct expect *expect);

/* `part` of picture `seed` of a guest, its top left corner at `place` of the output. */
void expect_guest(
	struct service *service, uint32_t seed, const struct rect *part, int32_t x, int32_t y);

/* The fallback HMI of the first output, nothing known: no speed, no gear, every telltale lit; `missing`
 * (NULL-terminated) are the layers that it names. */
void expect_fallback(
	const struct expect *expect, struct service *service, const char *const *missing);

/* The same of these values of signals. */
void expect_fallback_of(const struct expect *expect, struct service *service,
	const char *const *missing, const int32_t signals[SIGNAL_VALUES]);

/* A layer's placeholder at its configured place. */
void expect_placeholder(const struct expect *expect, struct service *service, const char *layer);

/* The output's background. */
void expect_background(struct service *service, const struct rect *part);

#endif
