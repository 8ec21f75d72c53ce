#include "tests/vmm/vmm_ram.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fd.h"

#define DEFAULT_BYTES (64u << 20)

static int ram_file(size_t bytes, bool unsealed) {
	int fd = memfd_create("vmm-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0) {
		return -errno;
	}
	/* the seals QEMU's memory-backend-memfd sets */
	if (ftruncate(fd, (off_t)bytes) != 0 ||
		(!unsealed &&
			fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

int vmm_ram_init(struct vmm_ram *ram, const struct vmm_ram_options *options) {
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned regions_len = options->regions_len == 0 ? 1 : options->regions_len;
	size_t bytes = options->bytes == 0 ? DEFAULT_BYTES : options->bytes;
	if (regions_len > VMM_REGIONS_MAX) {
		return -EINVAL;
	}
	size_t region_bytes = (bytes / regions_len + page - 1) / page * page;

	*ram = (struct vmm_ram) { .bytes = region_bytes * regions_len, .regions_len = regions_len };
	ram->fd = ram_file(ram->bytes, options->unsealed);
	if (ram->fd < 0) {
		return ram->fd;
	}
	ram->base = mmap(NULL, ram->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ram->fd, 0);
	if (ram->base == MAP_FAILED) {
		int error = -errno;
		fd_close(&ram->fd);
		return error;
	}
	for (unsigned i = 0; i < regions_len; i++) {
		uint64_t offset = (uint64_t)i * region_bytes;
		ram->regions[i] = (struct vmm_region) {
			.guest_address = VMM_RAM_GUEST_BASE + offset + i * options->hole_bytes,
			.bytes = region_bytes,
			.user_address = (uint64_t)(uintptr_t)(ram->base + offset),
			.file_offset = offset,
		};
	}
	return 0;
}

void vmm_ram_finish(struct vmm_ram *ram) {
	if (ram->base != NULL) {
		munmap(ram->base, ram->bytes);
		ram->base = NULL;
	}
	fd_close(&ram->fd);
}

uint64_t vmm_ram_alloc(struct vmm_ram *ram, size_t bytes, size_t align) {
	size_t region_bytes = ram->bytes / ram->regions_len;
	size_t at = (ram->used_bytes + align - 1) & ~(align - 1);

	if (bytes > region_bytes) {
		return 0;
	}
	if (at % region_bytes + bytes > region_bytes) {
		at = (at / region_bytes + 1) * region_bytes; /* the next region, from its begin */
	}
	if (at + bytes > ram->bytes) {
		return 0;
	}
	ram->used_bytes = at + bytes;
	memset(ram->base + at, 0, bytes);
	return ram->regions[at / region_bytes].guest_address + at % region_bytes;
}

size_t vmm_ram_mark(const struct vmm_ram *ram) {
	return ram->used_bytes;
}

void vmm_ram_rewind(struct vmm_ram *ram, size_t mark) {
	ram->used_bytes = mark;
}

void *vmm_ram_at(const struct vmm_ram *ram, uint64_t guest_address, size_t bytes) {
	for (unsigned i = 0; i < ram->regions_len; i++) {
		const struct vmm_region *region = &ram->regions[i];
		if (guest_address < region->guest_address) {
			continue;
		}
		uint64_t offset = guest_address - region->guest_address;
		if (offset < region->bytes && bytes <= region->bytes - offset) {
			return ram->base + region->file_offset + offset;
		}
	}
	return NULL;
}

uint64_t vmm_ram_user_address(const struct vmm_ram *ram, uint64_t guest_address) {
	return (uint64_t)(uintptr_t)vmm_ram_at(ram, guest_address, 1);
}
