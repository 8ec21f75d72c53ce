#include "core/atlas.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "core/fd.h"

#define SEALS_CONSTANT (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

int atlas_map(struct atlas *atlas, int fd) {
	*atlas = (struct atlas) { 0 };
	size_t size_bytes;
	int rc = fd_memfd_check(fd, SEALS_CONSTANT, sizeof(struct atlas_header), &size_bytes);
	if (rc < 0) {
		return rc;
	}
	/* private: older kernels refuse a shared mapping of a write-sealed file */
	const uint8_t *base = mmap(NULL, size_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (base == MAP_FAILED) {
		return -errno;
	}
	if (atlas_open(atlas, base, size_bytes) != NULL) {
		munmap((void *)(uintptr_t)base, size_bytes);
		return -EINVAL;
	}
	return 0;
}

const char *atlas_open(struct atlas *atlas, const void *file, size_t size_bytes) {
	*atlas = (struct atlas) { 0 };
	const char *fault = atlas_fault(file, size_bytes);
	if (fault != NULL) {
		return fault;
	}
	const struct atlas_header *header = file;
	atlas->base = file;
	atlas->size_bytes = size_bytes;
	atlas->elements = (const void *)(header + 1);
	atlas->elements_len = header->elements_len;
	atlas->tiles = (const void *)(atlas->elements + header->elements_len);
	atlas->tiles_len = header->tiles_len;
	atlas->themes_len = header->themes_len;
	atlas->locales_len = header->locales_len;
	return NULL;
}

void atlas_unmap(struct atlas *atlas) {
	if (atlas->base != NULL) {
		munmap((void *)(uintptr_t)atlas->base, atlas->size_bytes);
	}
	*atlas = (struct atlas) { 0 };
}

const struct atlas_tile *atlas_find(const struct atlas *atlas, const char *name_format, ...) {
	char name[sizeof(atlas->tiles->name)];
	va_list args;
	va_start(args, name_format);
	int len = vsnprintf(name, sizeof(name), name_format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(name)) {
		return NULL;
	}
	for (uint32_t i = 0; i < atlas->tiles_len; i++) {
		if (strcmp(atlas->tiles[i].name, name) == 0) {
			return &atlas->tiles[i];
		}
	}
	return NULL;
}

const struct atlas_tile *atlas_element_tile(const struct atlas *atlas,
	const struct atlas_element *element, uint32_t theme, uint32_t locale, uint32_t state) {
	assert(state < element->states_len);
	if (theme >= atlas->themes_len) {
		theme = 0;
	}
	if (locale >= atlas->locales_len) {
		locale = 0;
	}
	uint32_t picture = theme * atlas->locales_len + locale;
	return &atlas->tiles[element->first_tile + picture * element->states_len + state];
}

const uint32_t *atlas_pixels(const struct atlas *atlas, const struct atlas_tile *tile) {
	return (const void *)(atlas->base + tile->offset);
}
