/*
 * Rows of pixels: conversion, blending and bilinear sampling.
 *
 * The working format is a uint32_t 0xAARRGGBB, colours premultiplied by alpha (BGRA in memory). All
 * arithmetic is exact and defined here, so that a slow reference can be compared bit by bit:
 *   mul(a, b)  = a * b / 255, rounded to nearest
 *   over       = min(255, mul(from, opacity) + mul(to, 255 - alpha of mul(from, opacity)))
 *   sample     = the four neighbours' sum with weights of 1/128 each way, rounded once, see below
 *
 * Not pixman: its images are heap objects made per buffer and its scaled paths allocate per call, and
 * the compositor allocates nothing after its start.
 *
 * Thread: any; pure functions. `from` need not be aligned; `to` and `from` do not overlap.
 */
#ifndef COMPOSITOR_PIXELS_H
#define COMPOSITOR_PIXELS_H

#include <stddef.h>
#include <stdint.h>

#include "core/pixel_format.h"

/* Converts to the working format; alpha is 255 where the format has none. */
void pixels_fetch(uint32_t *to, const uint8_t *from, size_t len, enum pixel_format format);

/* Blends `from`, of the working format, over `to`. What `to`'s alpha byte holds afterwards is of no meaning. */
void pixels_over(uint32_t *to, const void *from, size_t len, unsigned opacity);

void pixels_fill(uint32_t *to, uint32_t colour, size_t len);

/*
 * Bilinear sampling. pixels_position() says where pixel `index` of `to_len` pixels lies among
 * `from_len` pixels, centre to centre, in 1/128 pixels, clamped to the first and last centre:
 *   floor((2 * index + 1) * from_len * 128 / (2 * to_len)) - 64
 * The whole part is the left (upper) neighbour, the fraction the weight of the right (lower) one.
 */
#define PIXELS_WEIGHTS 128
uint32_t pixels_position(uint32_t index, uint32_t to_len, uint32_t from_len);

/* Four channels a pixel: upper * (128 - weight) + lower * weight. */
void pixels_mix_rows(
	int16_t *to, const uint32_t *upper, const uint32_t *lower, size_t len, unsigned weight);

/*
 * to[i] = mixed[p] * (128 - weight) + mixed[p + 1] * weight, rounded to 8 bits, for p and weight of
 * positions[i] (see pixels_position) relative to `first`. mixed[p + 1] must exist for each p.
 */
void pixels_sample_row(
	uint32_t *to, const int16_t *mixed, const uint32_t *positions, size_t len, uint32_t first);

#endif
