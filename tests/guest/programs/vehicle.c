#include "tests/guest/programs/vehicle.h"

#include <stdio.h>
#include <string.h>

#include "tests/guest/programs/port.h"

void vehicle_init(struct vehicle *vehicle) {
	struct signal_message nothing;
	signal_message_init(&nothing, 1);
	*vehicle = (struct vehicle) { .heard_s = -VEHICLE_TIMEOUT_S, .wrong = SIGNAL_NONE };
	memcpy(vehicle->values, nothing.values, sizeof(vehicle->values));
}

static bool take_signal(struct vehicle *vehicle, char *word) {
	char *value = strchr(word, '=');
	if (value == NULL) {
		return false;
	}
	*value++ = '\0';
	uint32_t id = signal_from_name(word);
	return id != SIGNAL_NONE && signal_parse(id, value, &vehicle->values[id]);
}

static bool take_signals(struct vehicle *vehicle, const char *line, double now_s) {
	char words[PORT_LINE_BYTES], *rest = words, *word;
	bool is_good = true;
	snprintf(words, sizeof(words), "%s", line);
	while ((word = strsep(&rest, " ")) != NULL) {
		is_good = (*word == '\0' || take_signal(vehicle, word)) && is_good;
	}
	vehicle->heard_s = now_s;
	return is_good;
}

bool vehicle_take_line(struct vehicle *vehicle, const char *line, double now_s) {
	if (strcmp(line, "good") == 0) {
		vehicle->is_frozen = false;
		vehicle->wrong = SIGNAL_NONE;
		return true;
	}
	if (strcmp(line, "freeze") == 0) {
		vehicle->is_frozen = true;
		return true;
	}
	if (strncmp(line, "wrong ", 6) == 0) {
		vehicle->wrong = signal_from_name(line + 6);
		return vehicle->wrong != SIGNAL_NONE;
	}
	if (strncmp(line, "picture ", 8) == 0) {
		snprintf(vehicle->picture, sizeof(vehicle->picture), "%s", line + 8);
		return true;
	}
	return strchr(line, '=') != NULL && take_signals(vehicle, line, now_s);
}

void vehicle_values(const struct vehicle *vehicle, double now_s, int32_t values[SIGNAL_VALUES]) {
	bool is_known = now_s - vehicle->heard_s < VEHICLE_TIMEOUT_S;
	for (uint32_t id = 0; id < SIGNAL_VALUES; id++) {
		values[id] = is_known ? vehicle->values[id] : SIGNAL_UNKNOWN;
	}
	if (vehicle->wrong != SIGNAL_NONE) {
		values[vehicle->wrong] = values[vehicle->wrong] == 0;
	}
}
