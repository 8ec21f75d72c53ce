#include "protocol/guest_channel.h"

#include <stdbool.h>
#include <string.h>

#include "core/macros.h"

/* ---- values: each takes the rest of its line ---- */

static bool take_name(const char *text, struct guest_channel_message *message) {
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	size_t len = strlen(text);
	if (len == 0 || len >= sizeof(message->name) || strspn(text, allowed) != len) {
		return false;
	}
	memcpy(message->name, text, len + 1);
	return true;
}

static bool take_number(const char *text, struct guest_channel_message *message) {
	uint64_t number = 0;
	if (*text == '\0') {
		return false;
	}
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, (uint64_t)(*text - '0'), &number)) {
			return false;
		}
	}
	message->number = number;
	return true;
}

static bool take_focus(const char *text, struct guest_channel_message *message) {
	bool gain = strcmp(text, "gain") == 0;
	message->verb = gain ? GUEST_CHANNEL_FOCUS_GAIN : GUEST_CHANNEL_FOCUS_LOSS;
	return gain || strcmp(text, "loss") == 0;
}

static const struct command {
	const char *word; /* with the blank behind it */
	enum guest_channel_verb verb;
	bool (*take)(const char *text, struct guest_channel_message *message);
} commands[] = {
	{ "hello ", GUEST_CHANNEL_HELLO, take_name },
	{ "heartbeat ", GUEST_CHANNEL_HEARTBEAT, take_number },
	{ "focus ", GUEST_CHANNEL_FOCUS_GAIN, take_focus },
};

/* ---- lines ---- */

static enum guest_channel_verdict read_line(
	const char *line, struct guest_channel_message *message) {
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *command = &commands[i];
		size_t len = strlen(command->word);
		if (strncmp(line, command->word, len) == 0) {
			*message = (struct guest_channel_message) { .verb = command->verb };
			return command->take(line + len, message) ? GUEST_CHANNEL_MESSAGE
								  : GUEST_CHANNEL_BAD_VALUE;
		}
	}
	return GUEST_CHANNEL_UNKNOWN;
}

enum guest_channel_verdict guest_channel_take(struct guest_channel *channel, const uint8_t *bytes,
	size_t len, size_t *taken, struct guest_channel_message *message) {
	for (size_t i = 0; i < len; i++) {
		*taken = i + 1;
		if (bytes[i] == '\n') {
			channel->line[channel->len] = '\0';
			channel->len = 0;
			return read_line(channel->line, message);
		}
		if (bytes[i] < ' ' || bytes[i] > '~') {
			return GUEST_CHANNEL_BINARY;
		}
		if (channel->len == GUEST_CHANNEL_LINE_MAX - 1) {
			return GUEST_CHANNEL_TOO_LONG;
		}
		channel->line[channel->len++] = (char)bytes[i];
	}
	*taken = len;
	return GUEST_CHANNEL_MORE;
}

const char *guest_channel_answer(enum guest_channel_verdict verdict) {
	switch (verdict) {
	case GUEST_CHANNEL_MORE:
		return "";
	case GUEST_CHANNEL_MESSAGE:
		return "ok\n";
	case GUEST_CHANNEL_UNKNOWN:
		return "error unknown command\n";
	case GUEST_CHANNEL_BAD_VALUE:
		return "error bad value\n";
	case GUEST_CHANNEL_TOO_LONG:
		return "error line too long\n";
	case GUEST_CHANNEL_BINARY:
		return "error not text\n";
	}
	return "";
}
