#include "protocol/guest_memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"

void guest_memory_init(struct guest_memory *memory, bool allow_unsealed) {
	*memory = (struct guest_memory) { .allow_unsealed = allow_unsealed };
}

static void region_finish(struct guest_region *region) {
	if (region->base != NULL) {
		munmap(region->base, region->size_bytes);
		region->base = NULL;
	}
	fd_close(&region->fd);
}

void guest_memory_finish(struct guest_memory *memory) {
	for (uint32_t i = 0; i < memory->regions_len; i++) {
		region_finish(&memory->regions[i]);
	}
	memory->regions_len = 0;
	memory->generation++;
}

static bool ranges_overlap(uint64_t a, uint64_t b, uint64_t a_bytes, uint64_t b_bytes) {
	return a < b ? b - a < a_bytes : a - b < b_bytes;
}

static bool wire_overlaps(const struct guest_region_wire *a, const struct guest_region_wire *b) {
	return ranges_overlap(a->guest_address, b->guest_address, a->size_bytes, b->size_bytes) ||
		ranges_overlap(a->user_address, b->user_address, a->size_bytes, b->size_bytes);
}

static struct guest_region_wire wire_of(const struct guest_region *region) {
	return (struct guest_region_wire) {
		.guest_address = region->guest_address,
		.size_bytes = region->size_bytes,
		.user_address = region->user_address,
		.file_offset = region->file_offset,
	};
}

/* What can be said about a region without looking at its file. */
static int wire_check(const struct guest_region_wire *wire) {
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (wire->size_bytes == 0 || wire->size_bytes > SIZE_MAX ||
		wire->guest_address > UINT64_MAX - wire->size_bytes ||
		wire->user_address > UINT64_MAX - wire->size_bytes ||
		wire->file_offset > (uint64_t)INT64_MAX ||
		wire->size_bytes > (uint64_t)INT64_MAX - wire->file_offset ||
		wire->file_offset % page != 0) {
		return -EINVAL;
	}
	return 0;
}

/* A file that can back the region: it covers it, and cannot be cut short unless we tolerate that. */
static int file_check(const struct guest_memory *memory, const struct guest_region_wire *wire,
	int fd, struct stat *status) {
	if (fstat(fd, status) < 0) {
		return -EBADF;
	}
	if (!S_ISREG(status->st_mode)) {
		return -EBADF;
	}
	if ((uint64_t)status->st_size < wire->file_offset + wire->size_bytes) {
		return -EBADF;
	}

	struct statfs fs;
	if (fstatfs(fd, &fs) == 0 && fs.f_type == HUGETLBFS_MAGIC && fs.f_bsize > 0 &&
		wire->size_bytes % (uint64_t)fs.f_bsize != 0) {
		/* it could be mapped, but not unmapped again */
		return -EINVAL;
	}

	if (!memory->allow_unsealed) {
		int seals = fcntl(fd, F_GET_SEALS);
		if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) {
			return -EPERM;
		}
	}
	return 0;
}

/* Maps one region. Does not take over `fd` on error. */
static int region_init(struct guest_region *region, const struct guest_memory *memory,
	const struct guest_region_wire *wire, int fd) {
	struct stat status;
	int error = file_check(memory, wire, fd, &status);
	if (error < 0) {
		return error;
	}

	void *base = mmap(NULL, (size_t)wire->size_bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_NORESERVE, fd, (off_t)wire->file_offset);
	if (base == MAP_FAILED) {
		return -errno;
	}
	/* a guest's memory has no place in our core files */
	(void)madvise(base, (size_t)wire->size_bytes, MADV_DONTDUMP);

	*region = (struct guest_region) {
		.guest_address = wire->guest_address,
		.user_address = wire->user_address,
		.size_bytes = wire->size_bytes,
		.file_offset = wire->file_offset,
		.base = base,
		.fd = fd,
		.device = (uint64_t)status.st_dev,
		.inode = (uint64_t)status.st_ino,
	};
	return 0;
}

static bool region_is_same(
	const struct guest_region *region, const struct guest_region_wire *wire, int fd) {
	struct stat status;
	return region->guest_address == wire->guest_address &&
		region->user_address == wire->user_address &&
		region->size_bytes == wire->size_bytes &&
		region->file_offset == wire->file_offset && fstat(fd, &status) == 0 &&
		(uint64_t)status.st_dev == region->device &&
		(uint64_t)status.st_ino == region->inode;
}

static void table_sort(struct guest_region *regions, size_t len) {
	for (size_t i = 1; i < len; i++) {
		struct guest_region region = regions[i];
		size_t at = i;
		while (at > 0 && regions[at - 1].guest_address > region.guest_address) {
			regions[at] = regions[at - 1];
			at--;
		}
		regions[at] = region;
	}
}

static int table_check(const struct guest_region_wire *wire, size_t len) {
	if (len == 0 || len > GUEST_MEMORY_REGIONS_MAX) {
		return -EINVAL;
	}
	for (size_t i = 0; i < len; i++) {
		int error = wire_check(&wire[i]);
		if (error < 0) {
			return error;
		}
		for (size_t other = 0; other < i; other++) {
			if (wire_overlaps(&wire[i], &wire[other])) {
				return -EINVAL;
			}
		}
	}
	return 0;
}

/* The old region that is this one, or -1. */
static int table_find(
	const struct guest_memory *memory, const struct guest_region_wire *wire, int fd) {
	for (uint32_t i = 0; i < memory->regions_len; i++) {
		if (region_is_same(&memory->regions[i], wire, fd)) {
			return (int)i;
		}
	}
	return -1;
}

int guest_memory_set_table(struct guest_memory *memory, const struct guest_region_wire *wire,
	const int *fds, size_t len) {
	struct guest_region fresh[GUEST_MEMORY_REGIONS_MAX];
	int kept[GUEST_MEMORY_REGIONS_MAX]; /* index in the old table, or -1: mapped just now */
	size_t made = 0;

	int error = table_check(wire, len);
	while (error == 0 && made < len) {
		kept[made] = table_find(memory, &wire[made], fds[made]);
		if (kept[made] >= 0) {
			fresh[made] = memory->regions[kept[made]];
		} else {
			error = region_init(&fresh[made], memory, &wire[made], fds[made]);
		}
		made += error == 0 ? 1 : 0;
	}

	if (error != 0) {
		for (size_t i = 0; i < made; i++) {
			if (kept[i] < 0) {
				munmap(fresh[i].base, fresh[i].size_bytes);
			}
		}
		for (size_t i = 0; i < len; i++) {
			close(fds[i]);
		}
		return error;
	}

	bool is_kept[GUEST_MEMORY_REGIONS_MAX] = { false };
	for (size_t i = 0; i < len; i++) {
		if (kept[i] >= 0) {
			is_kept[kept[i]] = true;
			close(fds[i]);
		} else {
			memory->additions++;
		}
	}
	for (uint32_t i = 0; i < memory->regions_len; i++) {
		if (!is_kept[i]) {
			region_finish(&memory->regions[i]);
			memory->generation++;
		}
	}
	memcpy(memory->regions, fresh, len * sizeof(fresh[0]));
	memory->regions_len = (uint32_t)len;
	table_sort(memory->regions, len);
	return 0;
}

int guest_memory_add(struct guest_memory *memory, const struct guest_region_wire *wire, int fd) {
	int error = wire_check(wire);
	if (error == 0 && memory->regions_len >= GUEST_MEMORY_REGIONS_MAX) {
		error = -ENOSPC;
	}
	for (uint32_t i = 0; error == 0 && i < memory->regions_len; i++) {
		struct guest_region_wire other = wire_of(&memory->regions[i]);
		if (wire_overlaps(wire, &other)) {
			error = -EINVAL;
		}
	}
	if (error == 0) {
		error = region_init(&memory->regions[memory->regions_len], memory, wire, fd);
	}
	if (error < 0) {
		close(fd);
		return error;
	}
	memory->regions_len++;
	memory->additions++;
	table_sort(memory->regions, memory->regions_len);
	return 0;
}

int guest_memory_remove(struct guest_memory *memory, const struct guest_region_wire *wire) {
	for (uint32_t i = 0; i < memory->regions_len; i++) {
		struct guest_region *region = &memory->regions[i];
		/* the file offset is ignored, as the protocol says */
		if (region->guest_address == wire->guest_address &&
			region->user_address == wire->user_address &&
			region->size_bytes == wire->size_bytes) {
			region_finish(region);
			memory->regions_len--;
			memmove(region, region + 1, (memory->regions_len - i) * sizeof(*region));
			memory->generation++;
			return 0;
		}
	}
	return -ENOENT;
}

static const struct guest_region *region_at(
	const struct guest_memory *memory, uint64_t guest_address) {
	for (uint32_t i = 0; i < memory->regions_len; i++) {
		const struct guest_region *region = &memory->regions[i];
		if (guest_address >= region->guest_address &&
			guest_address - region->guest_address < region->size_bytes) {
			return region->base != NULL ? region : NULL;
		}
	}
	return NULL;
}

int guest_memory_spans(const struct guest_memory *memory, uint64_t guest_address, uint64_t len,
	struct span *spans, size_t spans_max) {
	if (len == 0 || guest_address > UINT64_MAX - len) {
		return -EINVAL;
	}
	size_t used = 0;
	while (len > 0) {
		const struct guest_region *region = region_at(memory, guest_address);
		if (region == NULL) {
			return -EFAULT;
		}
		if (used == spans_max) {
			return -ENOSPC;
		}
		uint64_t offset = guest_address - region->guest_address;
		uint64_t chunk = MIN(len, region->size_bytes - offset);
		spans[used++] = (struct span) { region->base + offset, (size_t)chunk };
		guest_address += chunk;
		len -= chunk;
	}
	return (int)used;
}

uint8_t *guest_memory_from_user(
	const struct guest_memory *memory, uint64_t user_address, uint64_t len) {
	for (uint32_t i = 0; i < memory->regions_len; i++) {
		const struct guest_region *region = &memory->regions[i];
		if (user_address < region->user_address) {
			continue;
		}
		uint64_t offset = user_address - region->user_address;
		if (offset < region->size_bytes && len > 0 && len <= region->size_bytes - offset) {
			return region->base != NULL ? region->base + offset : NULL;
		}
	}
	return NULL;
}
