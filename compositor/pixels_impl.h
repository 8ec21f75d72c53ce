/*
 * The ways to do what pixels_fetch() and pixels_over() do: for any machine, and for one with AVX2. All
 * give the same bits.
 *
 * Thread: any; pure functions.
 */
#ifndef COMPOSITOR_PIXELS_IMPL_H
#define COMPOSITOR_PIXELS_IMPL_H

#include <stdbool.h>

#include "compositor/pixels.h"

struct pixels_impl {
	const char *name;
	bool (*is_usable)(void);
	void (*fetch)(uint32_t *to, const uint8_t *from, size_t len, enum pixel_format format);
	void (*over)(uint32_t *to, const uint8_t *from, size_t len, unsigned opacity);
};

extern const struct pixels_impl pixels_plain, pixels_avx2;

#endif
