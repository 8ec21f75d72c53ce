/*
 * The ways to compute what core/crc32.h says: all give the same. For crc32.c, which chooses, and for
 * tests and benchmarks, which compare.
 *
 * Thread: any; pure functions.
 */
#ifndef CORE_CRC32_IMPL_H
#define CORE_CRC32_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* On every processor. */
uint32_t crc32_table(uint32_t crc, const void *data, size_t size_bytes);

/* With carry-less multiplications; only where crc32_clmul_works(). */
bool crc32_clmul_works(void);
uint32_t crc32_clmul(uint32_t crc, const void *data, size_t size_bytes);

#endif
