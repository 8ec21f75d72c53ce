#include "tests/safety/cockpit_yaml.h"

/*
 *      0     320                  1280
 *    0 +----------------------------+
 *      |          cluster           |   guest-drawn, every safety element verified
 *  480 +------+---------------------+
 *      | ivi  |
 *  600 +------+
 */
static const char text[] = "name: safety\n"
			   "outputs:\n"
			   "  - name: main\n"
			   "    kind: memory\n"
			   "    mode: 1280x720@%s\n"
			   "    fallback: true\n"
			   "    flicker_max: 4\n"
			   "    dwell_ms: 100\n"
			   "guests:\n"
			   "  - name: cluster\n"
			   "    gpu:\n"
			   "      profile: 2d\n"
			   "      scanouts:\n"
			   "        - mode: 1280x480@60\n"
			   "    channel:\n"
			   "      enabled: true\n"
			   "  - name: ivi\n"
			   "    gpu:\n"
			   "      profile: 2d\n"
			   "      scanouts:\n"
			   "        - mode: 320x120@60\n"
			   "layers:\n"
			   "  - name: cluster\n"
			   "    guest: cluster\n"
			   "    at: 0,0\n"
			   "    z: 10\n"
			   "    critical: true\n"
			   "    hold_ms: 100\n"
			   "    echo_ms: 17\n"
			   "    heartbeat_ms: 150\n"
			   "    tag: true\n"
			   "    frozen_frames: 3\n"
			   "    lag_ms: 50\n"
			   "    recover_frames: 5\n"
			   "    follow_ms: 100\n"
			   "    verified: all\n"
			   "  - name: ivi\n"
			   "    guest: ivi\n"
			   "    at: 0,480\n"
			   "    z: 0\n"
			   "    stall_ms: 100\n"
			   "    hold_ms: 0\n"
			   "    quarantine: never\n" /* its guest comes and goes all the time */
			   "    recover_frames: 5\n"
			   "    regions:\n"
			   "      - name: all\n"
			   "        check: black\n"
			   "        at: 0,480\n"
			   "        size: 320x120\n"
			   "        frames: 1\n"
			   "safety:\n"
			   "  signals: true\n"
			   "  signal_timeout_ms: 150\n"
			   "  pet_ms: 50\n"
			   "  watchdog:\n"
			   "    kind: file\n"
			   "    path: %s\n"
			   "  buzzer: %s\n"
			   "  chimes: %s\n"
			   "  chime_ms: 120\n"
			   "sound:\n"
			   "  sink: %s\n";

void cockpit_yaml_write(
	FILE *file, bool is_real, bool has_sound, const char *watchdog, const char *buzzer) {
	fprintf(file, text, is_real ? "60" : "step", watchdog, buzzer, has_sound ? "true" : "false",
		has_sound ? "memory" : "none");
}
