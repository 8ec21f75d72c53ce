#include "core/signals.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/crc32.h"
#include "core/macros.h"

#define NAME_BYTES_MAX 32 /* of a choice */

#define TELLTALE(label) { .name = (label), .unit = "", .least = 0, .most = 1, .choices = "off|on" }

static const struct signal_info signals[SIGNAL_TELLTALES_END] = {
	[SIGNAL_SPEED] = { "speed", "km/h", 0, 4000, 1, NULL },
	[SIGNAL_REVS] = { "revs", "1/min", 0, 12000, 0, NULL },
	[SIGNAL_GEAR] = { "gear", "", 0, 3, 0, "P|R|N|D" },
	[SIGNAL_ODOMETER] = { "odometer", "km", 0, 999999, 0, NULL },
	[SIGNAL_TRIP] = { "trip", "km", 0, 99999, 1, NULL },
	[SIGNAL_FUEL] = { "fuel", "%", 0, 1000, 1, NULL },
	[SIGNAL_COOLANT] = { "coolant", "degrees C", -40, 150, 0, NULL },
	[SIGNAL_OUTSIDE] = { "outside", "degrees C", -600, 600, 1, NULL },
	[SIGNAL_THEME] = { "theme", "", 0, 1, 0, "day|night" },
	[SIGNAL_LOCALE] = { "locale", "", 0, 1, 0, "en|de" },
	[SIGNAL_CAMERA] = { "camera", "", 0, 1, 0, "off|on" },
	[SIGNAL_TURN_LEFT] = TELLTALE("turn-left"),
	[SIGNAL_TURN_RIGHT] = TELLTALE("turn-right"),
	[SIGNAL_MAIN_BEAM] = TELLTALE("main-beam"),
	[SIGNAL_LOW_BEAM] = TELLTALE("low-beam"),
	[SIGNAL_POSITION_LAMPS] = TELLTALE("position-lamps"),
	[SIGNAL_FRONT_FOG] = TELLTALE("front-fog"),
	[SIGNAL_REAR_FOG] = TELLTALE("rear-fog"),
	[SIGNAL_BRAKE] = TELLTALE("brake"),
	[SIGNAL_PARKING_BRAKE] = TELLTALE("parking-brake"),
	[SIGNAL_ABS] = TELLTALE("abs"),
	[SIGNAL_STABILITY] = TELLTALE("stability"),
	[SIGNAL_AIRBAG] = TELLTALE("airbag"),
	[SIGNAL_SEAT_BELT] = TELLTALE("seat-belt"),
	[SIGNAL_OIL_PRESSURE] = TELLTALE("oil-pressure"),
	[SIGNAL_BATTERY] = TELLTALE("battery"),
	[SIGNAL_COOLANT_HOT] = TELLTALE("coolant-hot"),
	[SIGNAL_ENGINE] = TELLTALE("engine"),
	[SIGNAL_TYRE_PRESSURE] = TELLTALE("tyre-pressure"),
	[SIGNAL_DOOR] = TELLTALE("door"),
	[SIGNAL_LOW_FUEL] = TELLTALE("low-fuel"),
	[SIGNAL_CRUISE] = TELLTALE("cruise"),
	[SIGNAL_LANE] = TELLTALE("lane"),
	[SIGNAL_STEERING] = TELLTALE("steering"),
	[SIGNAL_MASTER_WARNING] = TELLTALE("master-warning"),
};
_Static_assert(SIGNAL_TELLTALES_END <= SIGNAL_VALUES, "a value per signal");

const struct signal_info *signal_info(uint32_t id) {
	return id < ARRAY_LEN(signals) && signals[id].name != NULL ? &signals[id] : NULL;
}

uint32_t signal_from_name(const char *name) {
	for (uint32_t id = 0; id < ARRAY_LEN(signals); id++) {
		if (signals[id].name != NULL && strcmp(signals[id].name, name) == 0) {
			return id;
		}
	}
	return SIGNAL_NONE;
}

/* The start of choice `number` and its length; NULL: there are not so many. */
static const char *find_choice(const char *choices, int32_t number, size_t *len) {
	for (; number > 0; number--) {
		choices = strchr(choices, '|');
		if (choices == NULL) {
			return NULL;
		}
		choices++;
	}
	*len = strcspn(choices, "|");
	return choices;
}

static bool parse_choice(const char *choices, const char *text, int32_t *value) {
	size_t len;
	const char *choice;
	for (int32_t i = 0; (choice = find_choice(choices, i, &len)) != NULL; i++) {
		if (strlen(text) == len && memcmp(choice, text, len) == 0) {
			*value = i;
			return true;
		}
	}
	bool digit = (text[0] == '0' || text[0] == '1') && text[1] == '\0';
	if (digit && strcmp(choices, "off|on") == 0) {
		*value = text[0] - '0';
		return true;
	}
	return false;
}

/* Digits up to anything else; false when there are none, or so many that no signal has them. */
static bool take_digits(const char **text, int64_t *number) {
	const char *at = *text;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (*number > INT32_MAX) {
			return false;
		}
		*number = *number * 10 + (*at - '0');
	}
	bool some = at != *text;
	*text = at;
	return some;
}

/* The value times 10^decimals. The last decimal may be left out. */
static bool parse_number(uint32_t decimals, const char *text, int64_t *value) {
	int64_t number = 0;
	bool negative = *text == '-';
	text += negative ? 1 : 0;
	if (!take_digits(&text, &number)) {
		return false;
	}
	if (decimals == 1) {
		number *= 10;
		if (*text == '.' && text[1] >= '0' && text[1] <= '9') {
			number += text[1] - '0';
			text += 2;
		}
	}
	*value = negative ? -number : number;
	return *text == '\0';
}

bool signal_parse(uint32_t id, const char *text, int32_t *value) {
	const struct signal_info *info = signal_info(id);
	assert(info != NULL);
	if (strcmp(text, "-") == 0) {
		*value = SIGNAL_UNKNOWN;
		return true;
	}
	if (info->choices != NULL) {
		return parse_choice(info->choices, text, value);
	}
	int64_t number;
	if (!parse_number(info->decimals, text, &number) || number < info->least ||
		number > info->most) {
		return false;
	}
	*value = (int32_t)number;
	return true;
}

static void format_choice(const char *choices, int32_t value, char *text, size_t len) {
	size_t choice_len;
	const char *choice = value < 0 ? NULL : find_choice(choices, value, &choice_len);
	if (choice == NULL) {
		snprintf(text, len, "%" PRId32, value);
		return;
	}
	snprintf(text, len, "%.*s", (int)MIN(choice_len, (size_t)NAME_BYTES_MAX), choice);
}

void signal_format(uint32_t id, int32_t value, char *text, size_t len) {
	const struct signal_info *info = signal_info(id);
	assert(info != NULL);
	if (value == SIGNAL_UNKNOWN) {
		snprintf(text, len, "-");
	} else if (info->choices != NULL) {
		format_choice(info->choices, value, text, len);
	} else if (info->decimals == 0) {
		snprintf(text, len, "%" PRId32, value);
	} else {
		/* -0.5: the integer part alone would lose the sign */
		uint32_t positive = value < 0 ? -(uint32_t)value : (uint32_t)value;
		snprintf(text, len, "%s%" PRIu32 ".%" PRIu32, value < 0 ? "-" : "", positive / 10,
			positive % 10);
	}
}

void signal_message_init(struct signal_message *message, uint32_t source) {
	assert(source != 0);
	*message = (struct signal_message) { .source = source };
	for (uint32_t id = 0; id < SIGNAL_VALUES; id++) {
		bool telltale = id >= SIGNAL_TELLTALES && id < SIGNAL_TELLTALES_END;
		message->values[id] = telltale ? 0 : SIGNAL_UNKNOWN;
	}
}

static uint32_t message_crc32(const struct signal_message *message) {
	return crc32_update(0, message, offsetof(struct signal_message, crc32));
}

void signal_message_seal(struct signal_message *message) {
	message->magic = SIGNAL_MAGIC;
	message->version = SIGNAL_VERSION;
	message->crc32 = message_crc32(message);
}

static bool values_are_in_range(const struct signal_message *message) {
	for (uint32_t id = 0; id < SIGNAL_VALUES; id++) {
		const struct signal_info *info = signal_info(id);
		int32_t value = message->values[id];
		if (info != NULL && value != SIGNAL_UNKNOWN &&
			(value < info->least || value > info->most)) {
			return false;
		}
	}
	return true;
}

static void forget_values(struct signal_receiver *receiver) {
	receiver->has_values = false;
	for (uint32_t id = 0; id < SIGNAL_VALUES; id++) {
		receiver->values[id] = SIGNAL_UNKNOWN;
	}
}

void signal_receiver_init(struct signal_receiver *receiver, uint64_t timeout) {
	*receiver = (struct signal_receiver) { .timeout = timeout };
	forget_values(receiver);
}

static bool is_in_time(const struct signal_receiver *receiver, uint64_t now) {
	/* a clock that goes back is none to trust: then this wraps, and the time is over */
	return receiver->has_values && now - receiver->last_good <= receiver->timeout;
}

static enum signal_verdict judge(const struct signal_receiver *receiver,
	const struct signal_message *message, size_t len, uint64_t now) {
	if (len != sizeof(*message) || message->magic != SIGNAL_MAGIC ||
		message->version != SIGNAL_VERSION || message->source == 0 ||
		message->crc32 != message_crc32(message) || !values_are_in_range(message)) {
		return SIGNAL_MALFORMED;
	}
	if (message->source != receiver->source) {
		return is_in_time(receiver, now) ? SIGNAL_INTRUDER : SIGNAL_GOOD;
	}
	uint32_t step = message->counter - receiver->counter;
	if (step == 0 || step > INT32_MAX) {
		return SIGNAL_REPEATED;
	}
	return step > 1 + SIGNAL_COUNTER_GAP_MAX ? SIGNAL_LOST : SIGNAL_GOOD;
}

static void take_values(
	struct signal_receiver *receiver, const struct signal_message *message, uint64_t now) {
	receiver->source = message->source;
	receiver->counter = message->counter;
	receiver->last_good = now;
	receiver->has_values = true;
	for (uint32_t id = 0; id < SIGNAL_VALUES; id++) {
		receiver->values[id] =
			signal_info(id) != NULL ? message->values[id] : SIGNAL_UNKNOWN;
	}
}

enum signal_verdict signal_receiver_take(
	struct signal_receiver *receiver, const void *bytes, size_t len, uint64_t now) {
	struct signal_message message = { 0 };
	memcpy(&message, bytes, MIN(len, sizeof(message)));
	enum signal_verdict verdict = judge(receiver, &message, len, now);
	if (verdict == SIGNAL_GOOD || verdict == SIGNAL_LOST) {
		take_values(receiver, &message, now);
	}
	receiver->verdicts[verdict]++;
	return verdict;
}

bool signal_receiver_check(struct signal_receiver *receiver, uint64_t now) {
	if (receiver->has_values && !is_in_time(receiver, now)) {
		forget_values(receiver);
	}
	return receiver->has_values;
}
