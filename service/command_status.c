/*
 * status and top: whatever is in the statistics pages, as a table or as JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yyjson.h>

#include "core/clock.h"
#include "core/fault.h"
#include "core/fd.h"
#include "core/stats.h"
#include "service/client.h"
#include "service/command.h"

#define PAGES_MAX 32
#define VALUE_BYTES 96
#define TOP_PERIOD_US 1000000

struct pages {
	const struct stats_page *items[PAGES_MAX];
	unsigned len;
};

static void add_page(void *data, struct control_packet *packet) {
	struct pages *pages = data;
	if (packet->fds_len != 1 || pages->len == PAGES_MAX) {
		return;
	}
	const struct stats_page *page = stats_map(packet->fds[0]);
	packet->fds_len = 0;
	if (page != NULL) {
		pages->items[pages->len++] = page;
	}
}

static void pages_finish(struct pages *pages) {
	for (unsigned i = 0; i < pages->len; i++) {
		stats_unmap(pages->items[i]);
	}
	pages->len = 0;
}

static bool get_pages(const struct command *command, struct pages *pages, int *status) {
	const struct control_packet request = { .message = { .type = CONTROL_GET_STATS } };
	int socket = client_connect(command, status);
	if (socket < 0) {
		return false;
	}
	pages->len = 0;
	bool asked = client_ask(command, socket, &request, add_page, pages);
	fd_close(&socket);
	if (!asked) {
		pages_finish(pages);
		*status = COMMAND_FAILED;
	}
	return asked;
}

/* The word for a state whose unit names the words, "absent|live"; NULL when it is no state. */
static const char *state_word(const char *unit, uint64_t value, char word[VALUE_BYTES]) {
	if (strchr(unit, '|') == NULL) {
		return NULL;
	}
	for (; value > 0 && *unit != '\0'; value--) {
		unit += strcspn(unit, "|");
		unit += *unit == '|';
	}
	snprintf(word, VALUE_BYTES, "%.*s", (int)strcspn(unit, "|"), unit);
	return word[0] != '\0' ? word : "?";
}

/* Seconds since a moment of CLOCK_MONOTONIC; 0 when it never was, or is to come. */
static double seconds_since(uint64_t time_ns) {
	uint64_t now_ns = clock_now_ns();
	return time_ns == 0 || time_ns > now_ns ? 0 : (double)(now_ns - time_ns) / NS_PER_S;
}

/* A value as a person reads it. */
static void format_value(const char *unit, uint64_t value, char text[VALUE_BYTES]) {
	char word[VALUE_BYTES];
	const char *state = state_word(unit, value, word);
	if (state != NULL) {
		snprintf(text, VALUE_BYTES, "%s", state);
	} else if (strcmp(unit, "fault") == 0 && value < FAULT_CAUSES) {
		snprintf(text, VALUE_BYTES, "%s", fault_name((enum fault_cause)value));
	} else if (strcmp(unit, "ns") == 0) {
		snprintf(text, VALUE_BYTES, "%.3f ms", (double)value / NS_PER_MS);
	} else if (strcmp(unit, "time") == 0 && value == 0) {
		snprintf(text, VALUE_BYTES, "never");
	} else if (strcmp(unit, "time") == 0) {
		snprintf(text, VALUE_BYTES, "%.1f s ago", seconds_since(value));
	} else if (strcmp(unit, "bytes") == 0 && value >= 1 << 20) {
		snprintf(text, VALUE_BYTES, "%.1f MiB", (double)value / (1 << 20));
	} else {
		snprintf(text, VALUE_BYTES, "%" PRIu64 "%s%s", value, unit[0] != '\0' ? " " : "",
			unit);
	}
}

static void print_page(const struct stats_page *page) {
	char name[STATS_PROCESS_BYTES];
	stats_read_process(page, name);
	printf("%s: pid %u, start %u, up %.1f s\n", name, atomic_load(&page->pid),
		atomic_load(&page->generation), seconds_since(atomic_load(&page->start_ns)));
	struct stats_reading entry;
	for (uint32_t i = 0; stats_read_entry(page, i, &entry); i++) {
		char text[VALUE_BYTES];
		format_value(entry.unit, entry.value, text);
		printf("  %-44s %s\n", entry.name, text);
	}
}

static void print_table(const struct pages *pages) {
	for (unsigned i = 0; i < pages->len; i++) {
		print_page(pages->items[i]);
	}
	fflush(stdout);
}

static yyjson_mut_val *json_page(yyjson_mut_doc *document, const struct stats_page *page) {
	yyjson_mut_val *object = yyjson_mut_obj(document);
	char name[STATS_PROCESS_BYTES];
	stats_read_process(page, name);
	yyjson_mut_obj_add_strcpy(document, object, "name", name);
	yyjson_mut_obj_add_uint(document, object, "pid", atomic_load(&page->pid));
	yyjson_mut_obj_add_uint(document, object, "starts", atomic_load(&page->generation));
	yyjson_mut_obj_add_real(
		document, object, "up_s", seconds_since(atomic_load(&page->start_ns)));
	yyjson_mut_val *values = yyjson_mut_obj(document);
	struct stats_reading entry;
	for (uint32_t i = 0; stats_read_entry(page, i, &entry); i++) {
		char word[VALUE_BYTES];
		const char *state = state_word(entry.unit, entry.value, word);
		yyjson_mut_val *value = state != NULL ? yyjson_mut_strcpy(document, state)
						      : yyjson_mut_uint(document, entry.value);
		yyjson_mut_obj_add(values, yyjson_mut_strcpy(document, entry.name), value);
	}
	yyjson_mut_obj_add_val(document, object, "values", values);
	return object;
}

/* {"processes": [{"name", "pid", "starts", "up_s", "values": {name: number or state}}]} */
static bool print_json(const struct pages *pages) {
	yyjson_mut_doc *document = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(document);
	yyjson_mut_val *processes = yyjson_mut_arr(document);
	yyjson_mut_doc_set_root(document, root);
	yyjson_mut_obj_add_val(document, root, "processes", processes);
	for (unsigned i = 0; i < pages->len; i++) {
		yyjson_mut_arr_append(processes, json_page(document, pages->items[i]));
	}
	char *text = yyjson_mut_write(document, YYJSON_WRITE_PRETTY, NULL);
	yyjson_mut_doc_free(document);
	if (text == NULL) {
		return false;
	}
	puts(text);
	free(text);
	return true;
}

static int run_status(const struct command *command, int argc, char **argv) {
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		COMMAND_OPTIONS_COMMON,
		{ 0 },
	};
	bool json = false;
	int option, status = COMMAND_OK;
	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option == 'j') {
			json = true;
		} else if (!command_option(command, option, &status)) {
			return status;
		}
	}
	if (optind != argc) {
		return command_usage_error(command, "takes no arguments but options");
	}
	struct pages pages;
	if (!get_pages(command, &pages, &status)) {
		return status;
	}
	if (!json) {
		print_table(&pages);
	} else if (!print_json(&pages)) {
		status = command_failed(command, "%s", strerror(ENOMEM));
	}
	pages_finish(&pages);
	return status;
}

static int run_top(const struct command *command, int argc, char **argv) {
	static const struct option options[] = { COMMAND_OPTIONS_COMMON, { 0 } };
	struct pages pages;
	int option, status;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (!command_option(command, option, &status)) {
			return status;
		}
	}
	if (optind != argc) {
		return command_usage_error(command, "takes no arguments but options");
	}
	while (get_pages(command, &pages, &status)) {
		/* home, then clear what is below */
		fputs("\033[H\033[J", stdout);
		print_table(&pages);
		pages_finish(&pages);
		if (ferror(stdout)) {
			return COMMAND_FAILED;
		}
		usleep(TOP_PERIOD_US);
	}
	return status;
}

const struct command command_status = {
	.name = "status",
	.arguments = "[--json]",
	.summary = "Print what every process counts",
	.help = "  -j, --json         as JSON\n",
	.run = run_status,
};

const struct command command_top = {
	.name = "top",
	.arguments = "",
	.summary = "Print it anew every second",
	.help = "",
	.run = run_top,
};
