/*
 * The entry of a fuzz target, one per decoder of outside bytes: libFuzzer's. It must accept any input,
 * leave nothing behind, and always return 0. `data` is a block of exactly `size` bytes, so that an
 * over-read traps.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
