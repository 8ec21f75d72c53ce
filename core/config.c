#include "core/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>

#include "core/crc32.h"
#include "core/fd.h"

#define SEALS_CONSTANT (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

/* Of the whole struct as if its checksum were 0. */
static uint32_t config_crc32(const struct config *config) {
	const uint8_t *bytes = (const uint8_t *)config;
	const size_t at = offsetof(struct config, crc32);
	const size_t after = at + sizeof(config->crc32);
	const uint32_t zero = 0;
	uint32_t crc = crc32_update(0, bytes, at);
	crc = crc32_update(crc, &zero, sizeof(zero));
	return crc32_update(crc, bytes + after, sizeof(*config) - after);
}

int config_seal(struct config *config) {
	if (config_fault(config) != NULL) {
		return -EINVAL;
	}
	config->magic = CONFIG_MAGIC;
	config->version = CONFIG_VERSION;
	config->size_bytes = sizeof(*config);
	config->crc32 = config_crc32(config);
	return fd_memfd_create_constant("config", config, sizeof(*config));
}

const struct config *config_map(int fd) {
	size_t size_bytes;
	int rc = fd_memfd_check(fd, SEALS_CONSTANT, sizeof(struct config), &size_bytes);
	if (rc < 0) {
		errno = -rc;
		return NULL;
	}
	/* private: older kernels refuse a shared mapping of a write-sealed file */
	const struct config *config = mmap(NULL, sizeof(*config), PROT_READ, MAP_PRIVATE, fd, 0);
	if (config == MAP_FAILED) {
		return NULL;
	}
	if (config->magic != CONFIG_MAGIC || config->version != CONFIG_VERSION ||
		config->size_bytes != sizeof(*config) || size_bytes != sizeof(*config) ||
		config->crc32 != config_crc32(config) || config_fault(config) != NULL) {
		config_unmap(config);
		errno = EINVAL;
		return NULL;
	}
	return config;
}

void config_unmap(const struct config *config) {
	if (config != NULL) {
		munmap((void *)(uintptr_t)config, sizeof(*config));
	}
}
