/*
 * CRC-32 as in zlib, PNG and Ethernet (polynomial 0xedb88320, reflected). Thread: any; pure functions.
 */
#ifndef CORE_CRC32_H
#define CORE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what `crc` covers followed by `data`; `crc` is 0 at the start. */
uint32_t crc32_update(uint32_t crc, const void *data, size_t size_bytes);

#endif
