#include "compositor/watchdog.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "compositor/inject.h"
#include "core/clock.h"
#include "core/fd.h"
#include "core/macros.h"

#define MULTIPLIER UINT64_C(6364136223846793005)

/* arbitrary, and different */
static const uint64_t parts[WATCHDOG_STEPS] = {
	[WATCHDOG_TAKE] = UINT64_C(0x9e3779b97f4a7c15),
	[WATCHDOG_JUDGE] = UINT64_C(0xbf58476d1ce4e5b9),
	[WATCHDOG_COMPOSE] = UINT64_C(0x94d049bb133111eb),
	[WATCHDOG_CHECK] = UINT64_C(0xd6e8feb86659fd93),
	[WATCHDOG_SHOW] = UINT64_C(0xa0761d6478bd642f),
};

/* what all steps make of number n is n * FACTOR + SUM; calculated apart from the steps */
#define FACTOR UINT64_C(0x696d29da565ad7fd)
#define SUM UINT64_C(0x7e70154f5c09975b)

void watchdog_chain_begin(struct watchdog_chain *chain, uint64_t number) {
	*chain = (struct watchdog_chain) { .number = number, .token = number };
}

void watchdog_chain_add(struct watchdog_chain *chain, enum watchdog_step step) {
	assert(step < WATCHDOG_STEPS);
	chain->token = chain->token * MULTIPLIER + parts[step];
}

bool watchdog_chain_is_whole(const struct watchdog_chain *chain) {
	return chain->token == chain->number * FACTOR + SUM;
}

void watchdog_init(struct watchdog *watchdog, const struct config_safety *config, int fd,
	uint32_t outputs, uint64_t now_ns, struct stats *stats) {
	*watchdog = (struct watchdog) {
		.fd = fd,
		.kind = (enum config_watchdog_kind)config->watchdog,
		.period_ns = config->pet_ms * NS_PER_MS,
		.petted_ns = now_ns,
		.outputs = outputs,
		.pets = stats_value(stats, "", "watchdog.pets"),
		.withheld = stats_value(stats, "", "watchdog.withheld"),
		.refused = stats_value(stats, "", "watchdog.refused"),
	};
	if (fd >= 0) {
		/* a pet that would have to wait is not made */
		int flags = fcntl(fd, F_GETFL);
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	}
}

static ssize_t send_text(const struct watchdog *watchdog, const char *text, size_t bytes) {
	if (watchdog->kind == CONFIG_WATCHDOG_SYSTEMD) {
		return send(watchdog->fd, text, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	return write(watchdog->fd, text, bytes);
}

void watchdog_finish(struct watchdog *watchdog) {
	if (watchdog->fd >= 0 && watchdog->kind == CONFIG_WATCHDOG_DEVICE) {
		(void)!send_text(watchdog, "V", 1);
	}
	fd_close(&watchdog->fd);
}

static void pet(struct watchdog *watchdog, uint64_t now_ns) {
	static const char text[] = "WATCHDOG=1";
	size_t bytes = watchdog->kind == CONFIG_WATCHDOG_SYSTEMD ? sizeof(text) - 1 : 1;
	bool is_taken = watchdog->fd < 0 ||
		send_text(watchdog, bytes == 1 ? "" : text, bytes) == (ssize_t)bytes;

	atomic_fetch_add(is_taken ? watchdog->pets : watchdog->refused, 1);
	watchdog->petted_ns = now_ns;
	watchdog->whole = watchdog->broken = 0;
}

static bool is_deserved(struct watchdog *watchdog) {
	if (!mechanism_is_on(MECHANISM_WATCHDOG)) {
		return true;
	}
	if (watchdog->broken != 0) {
		/* that costs this pet; what comes from now on is judged anew */
		watchdog->whole = watchdog->broken = 0;
		return false;
	}
	return (watchdog->outputs & ~watchdog->whole) == 0;
}

void watchdog_end_cycle(struct watchdog *watchdog, uint32_t index,
	const struct watchdog_chain *chain, bool is_fit, uint64_t now_ns) {
	if (watchdog->kind == CONFIG_WATCHDOG_NONE) {
		return;
	}
	uint32_t bit = UINT32_C(1) << index;
	if (is_fit && watchdog_chain_is_whole(chain) && !inject_take(INJECT_SKIP_STEP, NULL)) {
		watchdog->whole |= bit;
	} else {
		watchdog->broken |= bit;
	}
	if (inject_take(INJECT_EARLY_PET, NULL)) {
		pet(watchdog, now_ns);
		return;
	}
	if (now_ns - watchdog->petted_ns < watchdog->period_ns) {
		return;
	}
	if (!is_deserved(watchdog)) {
		atomic_fetch_add(watchdog->withheld, 1);
		return;
	}
	pet(watchdog, now_ns);
}
