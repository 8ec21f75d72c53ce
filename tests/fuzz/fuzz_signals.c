/*
 * The receiver of signals, and the texts of their values: the input is a message, and a text. The
 * message is taken as it is and with its protection made right. Whatever is taken is in its range, and
 * what is written of it reads as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "core/macros.h"
#include "core/signals.h"
#include "tests/fuzz/fuzz.h"

static void require(bool holds) {
	if (!holds) {
		abort();
	}
}

static void check_values(const struct signal_receiver *receiver) {
	for (uint32_t id = 0; id < SIGNAL_VALUES; id++) {
		const struct signal_info *info = signal_info(id);
		int32_t value = receiver->values[id];
		if (info == NULL) {
			require(value == SIGNAL_UNKNOWN);
			continue;
		}
		require(value == SIGNAL_UNKNOWN || (value >= info->least && value <= info->most));
		char text[32];
		int32_t again;
		signal_format(id, value, text, sizeof(text));
		require(signal_parse(id, text, &again) && again == value);
	}
}

static void take(struct signal_receiver *receiver, const void *bytes, size_t len, uint64_t now) {
	enum signal_verdict verdict = signal_receiver_take(receiver, bytes, len, now);
	bool taken = verdict == SIGNAL_GOOD || verdict == SIGNAL_LOST;
	require(!taken || receiver->last_good == now);
	(void)signal_receiver_check(receiver, now);
	check_values(receiver);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct signal_receiver receiver;
	signal_receiver_init(&receiver, 2);
	take(&receiver, data, size, 1);
	struct signal_message message = { 0 };
	memcpy(&message, data, MIN(size, sizeof(message)));
	signal_message_seal(&message);
	take(&receiver, &message, sizeof(message), 2);
	message.counter += message.source;
	signal_message_seal(&message);
	take(&receiver, &message, sizeof(message), 3);

	char text[64] = { 0 };
	memcpy(text, data, MIN(size, sizeof(text) - 1));
	(void)signal_from_name(text);
	for (uint32_t id = 0; id < SIGNAL_VALUES; id++) {
		int32_t value;
		if (signal_info(id) != NULL && signal_parse(id, text, &value)) {
			receiver.values[id] = value;
		}
	}
	check_values(&receiver);
	return 0;
}
