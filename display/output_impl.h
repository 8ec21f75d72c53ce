/*
 * What an implementation of an output provides. Embed `struct output` first, call output_init().
 * All methods are mandatory and are only reached through the wrappers of output.h.
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
	void (*show)(struct output *output, uint64_t now_ns);
	void (*tick)(struct output *output, uint64_t due_ns, uint64_t done_ns);
};

extern const struct output_impl output_memory_impl;

/* Asserts that the table is complete. */
void output_init(
	struct output *output, const struct output_impl *impl, uint32_t width, uint32_t height);

#endif
