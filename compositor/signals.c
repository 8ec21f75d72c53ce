#include "compositor/signals.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "compositor/inject.h"
#include "compositor/record.h"
#include "core/fd.h"
#include "core/log.h"
#include "core/macros.h"

static const char *const state_names[] = {
	[SIGNALS_ABSENT] = "absent",
	[SIGNALS_VALID] = "valid",
	[SIGNALS_TIMED_OUT] = "timed-out",
};

static const char *const verdict_names[SIGNAL_VERDICTS] = {
	[SIGNAL_GOOD] = "good",
	[SIGNAL_MALFORMED] = "malformed",
	[SIGNAL_REPEATED] = "repeated",
	[SIGNAL_LOST] = "lost",
	[SIGNAL_INTRUDER] = "intruder",
};

static void drop_stale(int socket) {
	char byte;
	for (unsigned i = 0; i < SIGNALS_STALE_MAX; i++) {
		if (recv(socket, &byte, sizeof(byte), MSG_DONTWAIT) < 0) {
			return;
		}
	}
}

void signals_init(struct signals *signals, bool is_expected, int socket, uint64_t timeout_ns,
	struct stats *stats) {
	*signals = (struct signals) { .is_expected = is_expected, .socket = socket };
	signal_receiver_init(&signals->receiver, timeout_ns);
	if (!is_expected) {
		fd_close(&signals->socket);
		return;
	}
	drop_stale(socket);
	signals->exported_state = stats_value(stats, SIGNALS_STATE_NAMES, "signals.state");
	atomic_store(signals->exported_state, SIGNALS_ABSENT);
	for (unsigned i = 0; i < SIGNAL_VERDICTS; i++) {
		signals->exported[i] = stats_value(stats, "", "signals.%s", verdict_names[i]);
	}
}

void signals_finish(struct signals *signals) {
	if (signals->is_expected) {
		fd_close(&signals->socket);
	}
}

/* What a receiver without protection would do: for the proof that protection is needed. */
static void believe(struct signal_receiver *receiver, const void *bytes, size_t len) {
	const struct signal_message *message = bytes;
	if (len == sizeof(*message)) {
		memcpy(receiver->values, message->values, sizeof(receiver->values));
		receiver->has_values = true;
	}
}

static void take_message(
	struct signals *signals, const void *bytes, size_t len, uint64_t time_ns, uint64_t now_ns) {
	if (!mechanism_is_on(MECHANISM_SIGNALS)) {
		believe(&signals->receiver, bytes, len);
		return;
	}
	enum signal_verdict verdict = signal_receiver_take(&signals->receiver, bytes, len, time_ns);
	atomic_fetch_add(signals->exported[verdict], 1);
	if (verdict == SIGNAL_GOOD || verdict == SIGNAL_LOST) {
		signals->was_corrupt = false;
		signals->heard_ns = now_ns;
	} else {
		signals->was_corrupt = true;
	}
}

static void drain(struct signals *signals, uint64_t time_ns, uint64_t now_ns) {
	for (unsigned i = 0; i < SIGNALS_PER_TICK; i++) {
		union {
			struct signal_message message;
			uint8_t bytes[sizeof(struct signal_message) +
				1]; /* shows one that is longer */
		} buffer;
		ssize_t len = recv(signals->socket, &buffer, sizeof(buffer.bytes), MSG_DONTWAIT);
		if (len < 0) {
			return;
		}
		take_message(signals, &buffer, (size_t)len, time_ns, now_ns);
	}
}

static enum signals_state judge(struct signals *signals, uint64_t time_ns) {
	bool is_valid = mechanism_is_on(MECHANISM_SIGNALS)
		? signal_receiver_check(&signals->receiver, time_ns)
		: signals->receiver.has_values;
	if (is_valid) {
		return SIGNALS_VALID;
	}
	return signals->state == SIGNALS_ABSENT ? SIGNALS_ABSENT : SIGNALS_TIMED_OUT;
}

bool signals_take(struct signals *signals, uint64_t tick, uint64_t time_ns, uint64_t now_ns) {
	if (signals->socket < 0) {
		return false;
	}
	int32_t before[SIGNAL_VALUES];
	memcpy(before, signals->receiver.values, sizeof(before));
	drain(signals, time_ns, now_ns);
	enum signals_state state = judge(signals, time_ns);
	if (state != signals->state) {
		if (state == SIGNALS_TIMED_OUT) {
			signals->cause =
				signals->was_corrupt ? FAULT_SIGNALS_CORRUPT : FAULT_SIGNALS_LATE;
		}
		signals->state = state;
		signals->tick = tick;
		signals->detect_ns = now_ns;
		atomic_store(signals->exported_state, state);
	}
	return memcmp(before, signals->receiver.values, sizeof(before)) != 0;
}

static void record(const struct signals *signals, struct safety_page *page, uint64_t shown_ns) {
	struct safety_record record = {
		.detect_ns = signals->detect_ns,
		.onset_ns = signals->heard_ns,
		.safe_ns = shown_ns,
		.tick = signals->tick,
		.subject = SAFETY_COMPOSITOR,
		.cause = signals->cause,
		.reaction = FAULT_REACTION_LOG,
	};
	record_write(page, &record, "signals", state_names[signals->reported],
		state_names[signals->state]);
}

void signals_report(struct signals *signals, struct safety_page *page, uint64_t shown_ns) {
	if (signals->state == signals->reported) {
		return;
	}
	if (signals->state == SIGNALS_TIMED_OUT) {
		log_warning("signals: %s -> %s: %s; all safety telltales are lit",
			state_names[signals->reported], state_names[signals->state],
			fault_text(signals->cause));
	} else {
		log_info("signals: %s -> %s", state_names[signals->reported],
			state_names[signals->state]);
	}
	record(signals, page, shown_ns);
	signals->reported = signals->state;
}
