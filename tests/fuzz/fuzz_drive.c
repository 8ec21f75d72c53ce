/*
 * The reader of drives: the input is the text of one. What is read has its values in their ranges at
 * any time.
 */
#include <stdlib.h>

#include "core/macros.h"
#include "service/drive.h"
#include "tests/fuzz/fuzz.h"

static void check_values(const struct drive *drive, uint64_t time_ms) {
	int32_t values[SIGNAL_VALUES];
	for (uint32_t id = 0; id < SIGNAL_VALUES; id++) {
		values[id] = SIGNAL_UNKNOWN;
	}
	drive_values(drive, time_ms, values);
	for (uint32_t id = 0; id < SIGNAL_VALUES; id++) {
		const struct signal_info *info = signal_info(id);
		int32_t value = values[id];
		bool right = value == SIGNAL_UNKNOWN ||
			(info != NULL && value >= info->least && value <= info->most);
		if (!right) {
			abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct drive drive;
	char error[DRIVE_ERROR_BYTES] = "";
	if (!drive_parse(&drive, "fuzz", (const char *)data, size, error)) {
		if (error[0] == '\0' || drive.events != NULL) {
			abort();
		}
		return 0;
	}
	static const uint64_t times_ms[] = { 0, 1, 499, 1000, 86400000, UINT64_MAX };
	for (size_t i = 0; i < ARRAY_LEN(times_ms); i++) {
		check_values(&drive, times_ms[i]);
	}
	check_values(&drive, drive.length_ms);
	check_values(&drive, drive.length_ms / 2);
	drive_finish(&drive);
	return 0;
}
