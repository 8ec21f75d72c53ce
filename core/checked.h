/*
 * Checked arithmetic on sizes and offsets that an outsider had a part in.
 *
 * Each function stores the result and returns true when it is exact; on overflow it returns false and
 * the result must not be used. Thread: any; pure functions.
 */
#ifndef CORE_CHECKED_H
#define CORE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool checked_add_u64(uint64_t a, uint64_t b, uint64_t *sum) {
	return !__builtin_add_overflow(a, b, sum);
}

static inline bool checked_mul_u64(uint64_t a, uint64_t b, uint64_t *product) {
	return !__builtin_mul_overflow(a, b, product);
}

/* a * b + c */
static inline bool checked_mul_add_u64(uint64_t a, uint64_t b, uint64_t c, uint64_t *result) {
	uint64_t product;
	return checked_mul_u64(a, b, &product) && checked_add_u64(product, c, result);
}

/* Whether [offset, offset + len) lies inside [0, limit). */
static inline bool checked_range_fits(uint64_t offset, uint64_t len, uint64_t limit) {
	return offset <= limit && len <= limit - offset;
}

/* Rounds up to a multiple of `unit`, which is a power of two. */
static inline bool checked_round_up_u64(uint64_t value, uint64_t unit, uint64_t *rounded) {
	uint64_t sum;
	if (!checked_add_u64(value, unit - 1, &sum)) {
		return false;
	}
	*rounded = sum & ~(unit - 1);
	return true;
}

#endif
