/*
 * What an implementation of an output provides. Embed `struct output` first, call output_init().
 * All methods are mandatory and are only reached through the wrappers of output.h, except that an output
 * which is made around another one has no create().
 */
#ifndef DISPLAY_OUTPUT_IMPL_H
#define DISPLAY_OUTPUT_IMPL_H

#include <stdint.h>

#include "display/output.h"

struct output_impl {
	const char *name;
	struct output *(*create)(int fd, uint32_t width, uint32_t height);
	void (*destroy)(struct output *output);
	void (*begin)(struct output *output, struct output_picture *picture);
	int (*show)(struct output *output, uint64_t now_ns);
	void (*status)(struct output *output, struct output_status *status);
	const uint32_t *(*shown)(struct output *output, uint64_t *id, uint32_t *stride);
	int (*reset)(struct output *output);
	void (*tick)(struct output *output, uint64_t due_ns, uint64_t done_ns);
};

extern const struct output_impl output_memory_impl;

/* Asserts that the table is complete. */
void output_init(
	struct output *output, const struct output_impl *impl, uint32_t width, uint32_t height);

#endif
