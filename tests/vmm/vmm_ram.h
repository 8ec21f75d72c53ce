/*
 * The guest's memory as a VMM makes it: one memfd, cut into regions at guest addresses with holes
 * between them, all of it mapped here too.
 *
 * Allocation only goes up; a test that makes many things takes a mark first and rewinds to it. Guest
 * address 0 is never memory, so 0 means "none".
 */
#ifndef TESTS_VMM_VMM_RAM_H
#define TESTS_VMM_VMM_RAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMM_REGIONS_MAX 8
#define VMM_RAM_GUEST_BASE UINT64_C(0x40000000)

struct vmm_region {
	uint64_t guest_address;
	uint64_t bytes;
	uint64_t user_address; /* here: our own mapping, as QEMU does it */
	uint64_t file_offset;
};

struct vmm_ram_options {
	size_t bytes; /* 0: 64 MiB; rounded up to whole pages per region */
	unsigned regions_len; /* 0: 1 */
	uint64_t hole_bytes; /* between two regions; whole pages */
	bool unsealed; /* the file may be cut short later: for hostile tests */
};

struct vmm_ram {
	int fd;
	uint8_t *base;
	size_t bytes;
	unsigned regions_len;
	struct vmm_region regions[VMM_REGIONS_MAX];
	size_t used_bytes; /* the mark: everything below is allocated */
};

int vmm_ram_init(struct vmm_ram *ram, const struct vmm_ram_options *options); /* 0 or -errno */
void vmm_ram_finish(struct vmm_ram *ram);

/* Zeroed memory inside one region. `align` is a power of two. The guest address, or 0: full. */
uint64_t vmm_ram_alloc(struct vmm_ram *ram, size_t bytes, size_t align);

size_t vmm_ram_mark(const struct vmm_ram *ram);
void vmm_ram_rewind(struct vmm_ram *ram, size_t mark);

/* Where a guest range lies here; NULL if it is not inside one region. */
void *vmm_ram_at(const struct vmm_ram *ram, uint64_t guest_address, size_t bytes);
uint64_t vmm_ram_user_address(const struct vmm_ram *ram, uint64_t guest_address);

#endif
