#include "core/crc32.h"

#include "core/crc32_impl.h"

static uint32_t (*update)(uint32_t crc, const void *data, size_t size_bytes) = crc32_table;

/* before main(), because any thread may be the first to ask */
__attribute__((constructor)) static void choose(void) {
	if (crc32_clmul_works()) {
		update = crc32_clmul;
	}
}

uint32_t crc32_update(uint32_t crc, const void *data, size_t size_bytes) {
	return update(crc, data, size_bytes);
}
