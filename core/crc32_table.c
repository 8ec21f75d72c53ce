#include "core/crc32_impl.h"

#include <endian.h>
#include <string.h>

/*
 * Slicing by 16: table[k][b] is the remainder of byte b followed by k zero bytes, so sixteen bytes
 * are looked up side by side instead of one after the other.
 */
#define SLICES 16
#define POLYNOMIAL UINT32_C(0xedb88320)

static uint32_t table[SLICES][256];

/* before main(), because any thread may be the first to ask */
__attribute__((constructor)) static void table_fill(void) {
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t rest = byte;
		for (int bit = 0; bit < 8; bit++) {
			rest = (rest >> 1) ^ ((rest & 1) != 0 ? POLYNOMIAL : 0);
		}
		table[0][byte] = rest;
	}
	for (uint32_t byte = 0; byte < 256; byte++) {
		for (int slice = 1; slice < SLICES; slice++) {
			uint32_t before = table[slice - 1][byte];
			table[slice][byte] = (before >> 8) ^ table[0][before & 0xff];
		}
	}
}

static uint32_t load_le32(const uint8_t *bytes) {
	uint32_t word;
	memcpy(&word, bytes, sizeof(word));
	return le32toh(word);
}

static uint32_t slice4(uint32_t word, unsigned slice) {
	return table[slice + 3][word & 0xff] ^ table[slice + 2][(word >> 8) & 0xff] ^
		table[slice + 1][(word >> 16) & 0xff] ^ table[slice][word >> 24];
}

uint32_t crc32_table(uint32_t crc, const void *data, size_t size_bytes) {
	const uint8_t *bytes = data;
	crc = ~crc;
	for (; size_bytes >= SLICES; size_bytes -= SLICES, bytes += SLICES) {
		crc = slice4(load_le32(bytes) ^ crc, 12) ^ slice4(load_le32(bytes + 4), 8) ^
			slice4(load_le32(bytes + 8), 4) ^ slice4(load_le32(bytes + 12), 0);
	}
	for (; size_bytes >= sizeof(uint32_t); size_bytes -= 4, bytes += 4) {
		crc = slice4(load_le32(bytes) ^ crc, 0);
	}
	for (; size_bytes > 0; size_bytes--, bytes++) {
		crc = (crc >> 8) ^ table[0][(crc ^ *bytes) & 0xff];
	}
	return ~crc;
}
