#include "tests/safety/pets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fd.h"
#include "tests/support/realtime.h"

#define PRIORITY 45
#define WAIT_MS 100

static void note(struct pets *pets, ssize_t count) {
	uint64_t now_ns = clock_now_ns();
	for (ssize_t i = 0; i < count; i++) {
		uint64_t len = atomic_load(&pets->len);
		atomic_store(&pets->at_ns[len % PETS_KEPT], now_ns);
		atomic_store(&pets->len, len + 1);
	}
}

uint64_t pets_drain(struct pets *pets) {
	char bytes[256];
	ssize_t got;
	while ((got = read(pets->fifo, bytes, sizeof(bytes))) > 0) {
		note(pets, got);
	}
	return atomic_load(&pets->len);
}

static void *run(void *data) {
	struct pets *pets = data;
	struct pollfd wait = { .fd = pets->fifo, .events = POLLIN };
	while (!atomic_load(&pets->stop)) {
		if (poll(&wait, 1, WAIT_MS) > 0) {
			pets_drain(pets);
		}
	}
	return NULL;
}

int pets_init(struct pets *pets, const char *path, bool is_real) {
	memset(pets, 0, sizeof(*pets));
	pets->fifo = -1;
	if (mkfifo(path, 0600) != 0) {
		return -errno;
	}
	/* for writing too: else it would be at its end while nobody else has it open */
	pets->fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (pets->fifo < 0) {
		return -errno;
	}
	if (!is_real) {
		return 0;
	}
	int error = realtime_thread_create(&pets->thread, PRIORITY, run, pets, NULL);
	pets->has_thread = error == 0;
	return error;
}

void pets_finish(struct pets *pets) {
	if (pets->has_thread) {
		atomic_store(&pets->stop, true);
		pthread_join(pets->thread, NULL);
	}
	fd_close(&pets->fifo);
}

uint64_t pets_len(const struct pets *pets) {
	return atomic_load(&pets->len);
}

uint64_t pets_at(const struct pets *pets, uint64_t index) {
	return atomic_load(&pets->at_ns[index % PETS_KEPT]);
}

uint64_t pets_bite(struct pets *pets, uint64_t from_ns, uint64_t least_ns, uint64_t most_ns) {
	uint64_t len = atomic_load(&pets->len);
	uint64_t first = len > PETS_KEPT / 2 ? len - PETS_KEPT / 2 : 0;
	uint64_t before_ns = 0;
	for (uint64_t i = first; i < len; i++) {
		uint64_t at_ns = atomic_load(&pets->at_ns[i % PETS_KEPT]);
		if (before_ns != 0 && at_ns >= from_ns) {
			if (at_ns - before_ns > most_ns) {
				return before_ns + most_ns;
			}
			if (at_ns != before_ns && at_ns - before_ns < least_ns) {
				return at_ns;
			}
		}
		before_ns = at_ns;
	}
	uint64_t now_ns = clock_now_ns();
	return before_ns != 0 && now_ns - before_ns > most_ns ? before_ns + most_ns : 0;
}
