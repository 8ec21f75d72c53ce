/*
 * regions: the table of checked regions in the safety page, as a table or as lines of JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/safety_page.h"
#include "service/client.h"
#include "service/command.h"
#include "service/json_line.h"

#define WATCH_PERIOD_US 1000000
#define WORD_BYTES 16

/* Word number `index` of "one|two|three". */
static const char *word_at(const char *words, uint32_t index, char word[WORD_BYTES]) {
	for (; index > 0 && *words != '\0'; index--) {
		words += strcspn(words, "|");
		words += *words == '|';
	}
	snprintf(word, WORD_BYTES, "%.*s", (int)strcspn(words, "|"), words);
	return word[0] != '\0' ? word : "?";
}

static const char *check_name(const struct safety_region *region, char word[WORD_BYTES]) {
	return word_at(SAFETY_CHECK_NAMES, region->check, word);
}

static const char *verdict_name(const struct safety_region *region, char word[WORD_BYTES]) {
	return word_at(SAFETY_VERDICT_NAMES, atomic_load(&region->verdict), word);
}

static const char *cause_name(const struct safety_region *region) {
	uint32_t cause = atomic_load(&region->cause);
	return cause > FAULT_NONE && cause < FAULT_CAUSES ? fault_name(cause) : "";
}

static void print_head(void) {
	printf("%-28s %-8s %-16s %-20s %-8s %10s %8s  %-8s %-8s %-5s %s\n", "REGION", "CHECK",
		"LAYER", "PLACE", "VERDICT", "CHECKS", "FAILURES", "EXPECTED", "FOUND", "DRAWN",
		"LAST CAUSE");
}

/* The page is another process': its texts are cut where they must end. */
static void print_row(const struct safety_region *region) {
	char place[64], check[WORD_BYTES], verdict[WORD_BYTES];
	snprintf(place, sizeof(place), "%d,%d %ux%u", region->place.x, region->place.y,
		region->place.width, region->place.height);
	bool of_host = region->layer[0] == '\0';
	printf("%-28.*s %-8s %-16.*s %-20s %-8s %10" PRIu64 " %8" PRIu64 "  %08x %08x %-5s %s\n",
		SAFETY_NAME_BYTES - 1, region->name, check_name(region, check),
		SAFETY_NAME_BYTES - 1, of_host ? "(host)" : region->layer, place,
		verdict_name(region, verdict), atomic_load(&region->checks),
		atomic_load(&region->failures), atomic_load(&region->expected),
		atomic_load(&region->found),
		atomic_load(&region->host_drawn) != 0 ? "host" : "guest", cause_name(region));
}

static void print_json(const struct safety_region *region) {
	char check[WORD_BYTES], verdict[WORD_BYTES];
	struct json_line line;
	json_line_begin(&line, stdout);
	json_line_text(&line, "name", region->name, sizeof(region->name));
	json_line_text(&line, "output", region->output, sizeof(region->output));
	json_line_text(&line, "layer", region->layer, sizeof(region->layer));
	json_line_text(&line, "check", check_name(region, check), WORD_BYTES);
	json_line_int(&line, "x", region->place.x);
	json_line_int(&line, "y", region->place.y);
	json_line_uint(&line, "width", region->place.width);
	json_line_uint(&line, "height", region->place.height);
	json_line_text(&line, "verdict", verdict_name(region, verdict), WORD_BYTES);
	json_line_uint(&line, "checks", atomic_load(&region->checks));
	json_line_uint(&line, "failures", atomic_load(&region->failures));
	json_line_uint(&line, "failed_ns", atomic_load(&region->failed_ns));
	json_line_uint(&line, "expected", atomic_load(&region->expected));
	json_line_uint(&line, "found", atomic_load(&region->found));
	json_line_bool(&line, "host_drawn", atomic_load(&region->host_drawn) != 0);
	json_line_text(&line, "cause", cause_name(region), SIZE_MAX);
	json_line_end(&line);
}

static uint32_t regions_len(const struct safety_page *page) {
	return MIN(atomic_load(&page->regions_len), (uint32_t)SAFETY_REGIONS);
}

static void print_regions(const struct safety_page *page, bool json) {
	uint32_t len = regions_len(page);
	if (!json && len == 0) {
		puts("no region is checked: no safety element is shown, and no layer has regions");
	} else if (!json) {
		print_head();
	}
	for (uint32_t i = 0; i < len; i++) {
		if (json) {
			print_json(&page->regions[i]);
		} else {
			print_row(&page->regions[i]);
		}
	}
	fflush(stdout);
}

/* Whether the service still answers. */
static bool is_connected(int socket) {
	struct control_packet packet;
	int rc = control_receive(socket, &packet);
	if (rc == 1) {
		control_close_fds(&packet);
	}
	return rc != 0;
}

static void watch(int socket, const struct safety_page *page, bool json) {
	while (!ferror(stdout) && is_connected(socket)) {
		if (!json) {
			fputs("\033[H\033[J", stdout); /* home, then clear what is below */
		}
		print_regions(page, json);
		usleep(WATCH_PERIOD_US);
	}
}

static int show(const struct command *command, bool json, bool watching) {
	int status, fd;
	int socket = client_connect(command, &status);
	if (socket < 0) {
		return status;
	}
	if (!client_get(command, socket, CONTROL_GET_SAFETY, "", &fd, 1)) {
		fd_close(&socket);
		return COMMAND_FAILED;
	}
	const struct safety_page *page = safety_page_map_reader(fd);
	int error = page == NULL ? errno : 0;
	fd_close(&fd);
	if (page == NULL) {
		fd_close(&socket);
		return command_failed(command, "the safety page: %s; is the compositor running?",
			strerror(error));
	}
	if (watching) {
		watch(socket, page, json);
	} else {
		print_regions(page, json);
	}
	safety_page_unmap(page);
	fd_close(&socket);
	return ferror(stdout) ? COMMAND_FAILED : COMMAND_OK;
}

static int run_regions(const struct command *command, int argc, char **argv) {
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "watch", no_argument, NULL, 'w' },
		COMMAND_OPTIONS_COMMON,
		{ 0 },
	};
	bool json = false, watching = false;
	int option, status;
	while ((option = getopt_long(argc, argv, "jwh", options, NULL)) != -1) {
		if (option == 'j') {
			json = true;
		} else if (option == 'w') {
			watching = true;
		} else if (!command_option(command, option, &status)) {
			return status;
		}
	}
	return optind == argc ? show(command, json, watching)
			      : command_usage_error(command, "takes no arguments but options");
}

const struct command command_regions = {
	.name = "regions",
	.arguments = "[--json] [--watch]",
	.summary = "Print the checked regions and what was found in them",
	.help = "Verdicts are of the last frame: idle (nothing is shown there to be judged), "
		"passed, "
		"failed,\n"
		"repaired (it failed, and the host's picture took its place in the same frame).\n\n"
		"  -j, --json         one JSON object a line\n"
		"  -w, --watch        anew every second, until the service ends\n",
	.run = run_regions,
};
