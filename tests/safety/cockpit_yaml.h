/* The configuration of the campaign's cockpit, as text. Thread: any. */
#ifndef TESTS_SAFETY_COCKPIT_YAML_H
#define TESTS_SAFETY_COCKPIT_YAML_H

#include <stdbool.h>
#include <stdio.h>

void cockpit_yaml_write(
	FILE *file, bool is_real, bool has_sound, const char *watchdog, const char *buzzer);

#endif
