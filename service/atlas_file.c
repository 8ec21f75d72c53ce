#include "service/atlas_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fd.h"

struct atlas_file {
	void *base;
	size_t size_bytes;
	struct atlas atlas;
};

static int map_file(struct atlas_file *file, const char *path) {
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	struct stat stat;
	int error = fstat(fd, &stat) != 0 ? -errno : !S_ISREG(stat.st_mode) ? -EINVAL : 0;
	if (error == 0 && stat.st_size <= 0) {
		error = -EINVAL;
	}
	if (error == 0) {
		file->size_bytes = (size_t)stat.st_size;
		file->base = mmap(NULL, file->size_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
		error = file->base == MAP_FAILED ? -errno : 0;
	}
	fd_close(&fd);
	return error;
}

struct atlas_file *atlas_file_open(const char *path, FILE *errors) {
	struct atlas_file *file = calloc(1, sizeof(*file));
	if (file == NULL) {
		fprintf(errors, "%s: %s\n", path, strerror(ENOMEM));
		return NULL;
	}
	int error = map_file(file, path);
	if (error != 0) {
		fprintf(errors, "%s: %s\n", path,
			error == -EINVAL ? "no file of an atlas" : strerror(-error));
		free(file);
		return NULL;
	}
	const char *fault = atlas_open(&file->atlas, file->base, file->size_bytes);
	if (fault != NULL) {
		fprintf(errors, "%s: %s; build it again: fascia assets build\n", path, fault);
		atlas_file_close(file);
		return NULL;
	}
	return file;
}

void atlas_file_close(struct atlas_file *file) {
	if (file == NULL) {
		return;
	}
	munmap(file->base, file->size_bytes);
	free(file);
}

const struct atlas *atlas_file_atlas(const struct atlas_file *file) {
	return &file->atlas;
}

struct rect atlas_file_ground(const struct atlas_file *file) {
	for (uint32_t i = 0; i < file->atlas.elements_len; i++) {
		if (file->atlas.elements[i].kind == ATLAS_GROUND) {
			return file->atlas.elements[i].place;
		}
	}
	return (struct rect) { 0 };
}

static int copy_all(int from, int to) {
	struct stat stat;
	if (fstat(from, &stat) != 0) {
		return -errno;
	}
	off_t at = 0;
	while (at < stat.st_size) {
		ssize_t sent = sendfile(to, from, &at, (size_t)(stat.st_size - at));
		if (sent <= 0) {
			return sent < 0 ? -errno : -EIO;
		}
	}
	return 0;
}

int atlas_file_write(int fd, const char *path) {
	char *partial = NULL;
	if (asprintf(&partial, "%s.XXXXXX", path) < 0) {
		return -ENOMEM;
	}
	int to = mkostemp(partial, O_CLOEXEC);
	int error = to < 0 ? -errno : copy_all(fd, to);
	if (to >= 0) {
		if (error == 0 && (fchmod(to, 0644) != 0 || rename(partial, path) != 0)) {
			error = -errno;
		}
		if (error != 0) {
			(void)unlink(partial);
		}
		fd_close(&to);
	}
	free(partial);
	return error;
}
