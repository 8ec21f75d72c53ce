/*
 * Runs a fuzz target without libFuzzer, in every build: over each file of a folder (inputs that once
 * failed, and seeds), and over every prefix of each, so that a decoder sees its message cut at every
 * byte.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

/* prefixes of longer inputs are taken in steps, to stay in the seconds */
#define PREFIXES_MAX 4096

static void run_exact(const uint8_t *data, size_t size) {
	uint8_t *exact = malloc(size);
	if (exact == NULL && size > 0) {
		abort();
	}
	if (size > 0) {
		memcpy(exact, data, size);
	}
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static void run_prefixes(const uint8_t *data, size_t size) {
	size_t step = 1 + size / PREFIXES_MAX;
	for (size_t len = 0; len < size; len += step) {
		run_exact(data, len);
	}
	run_exact(data, size);
}

static int run_file(int folder, const char *name) {
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	struct stat status;
	if (fd < 0 || fstat(fd, &status) < 0) {
		perror(name);
		return -1;
	}
	size_t size = (size_t)status.st_size;
	uint8_t *data = malloc(size + 1);
	if (data == NULL || read(fd, data, size) != (ssize_t)size) {
		perror(name);
		abort();
	}
	run_prefixes(data, size);
	free(data);
	close(fd);
	return 0;
}

int main(int argc, char *argv[]) {
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	if (folder == NULL) {
		fprintf(stderr, "usage: %s FOLDER_WITH_INPUTS\n", argv[0]);
		return EXIT_FAILURE;
	}
	int passed = 0;
	int failed = 0;
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		if (entry->d_name[0] == '.') {
			continue;
		}
		if (run_file(dirfd(folder), entry->d_name) == 0) {
			passed++;
		} else {
			failed++;
		}
	}
	closedir(folder);
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
