#include "service/fault_view.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "core/macros.h"
#include "service/json_line.h"

void fault_view_init(struct fault_view *view) {
	*view = (struct fault_view) { .next = 1 };
}

int fault_view_open(struct fault_view *view, int fd) {
	view->page = safety_page_map_reader(fd);
	int error = view->page == NULL ? -errno : 0;
	close(fd);
	return error;
}

void fault_view_finish(struct fault_view *view) {
	if (view->page != NULL) {
		safety_page_unmap(view->page);
	}
	fault_view_init(view);
}

/* The ring's oldest records may be gone. */
static void skip_overwritten(struct fault_view *view, uint64_t newest) {
	if (newest >= SAFETY_RECORDS && view->next <= newest - SAFETY_RECORDS) {
		view->lost += newest - SAFETY_RECORDS + 1 - view->next;
		view->next = newest - SAFETY_RECORDS + 1;
	}
}

bool fault_view_next(struct fault_view *view, uint64_t settled_ns, struct safety_record *record) {
	if (view->page == NULL) {
		return false;
	}
	uint64_t newest = atomic_load(&view->page->newest);
	skip_overwritten(view, newest);
	for (; view->next <= newest; view->next++, view->lost++) {
		if (safety_page_read(view->page, view->next, record)) {
			if (record->safe_ns == 0 && record->detect_ns > settled_ns) {
				return false;
			}
			view->next++;
			return true;
		}
		if (view->next == newest) {
			return false; /* it may be being written */
		}
	}
	return false;
}

static const char *subject_name(uint32_t subject) {
	static const char *const names[] = {
		[SAFETY_COMPOSITOR] = "compositor",
		[SAFETY_OUTPUT] = "output",
		[SAFETY_LAYER] = "layer",
		[SAFETY_ELEMENT] = "element",
		[SAFETY_REGION] = "region",
	};
	return subject < ARRAY_LEN(names) ? names[subject] : "?";
}

static enum fault_cause cause_of(const struct safety_record *record) {
	return record->cause < FAULT_CAUSES ? (enum fault_cause)record->cause : FAULT_NONE;
}

/* Milliseconds from `from_ns` to `to_ns`; negative: one of them is not known. */
static double span_ms(uint64_t from_ns, uint64_t to_ns) {
	return from_ns == 0 || to_ns < from_ns ? -1 : (double)(to_ns - from_ns) / NS_PER_MS;
}

/* A record is another process': its texts are cut where they must end. */
#define TEXT(field) (int)sizeof(field) - 1, field

void fault_view_text(const struct safety_record *record, char *text, size_t bytes) {
	enum fault_cause cause = cause_of(record);
	double within = span_ms(record->onset_ns, record->detect_ns);
	double after = span_ms(record->detect_ns, record->safe_ns);
	char spans[80] = "";
	if (within >= 0 && after >= 0) {
		snprintf(spans, sizeof(spans), "; detected within %.1f ms, safe after %.1f ms",
			within, after);
	} else if (within >= 0) {
		snprintf(spans, sizeof(spans), "; detected within %.1f ms", within);
	} else if (after >= 0) {
		snprintf(spans, sizeof(spans), "; safe after %.1f ms", after);
	}
	bool moved = record->from[0] != '\0' || record->to[0] != '\0';
	snprintf(text, bytes, "%s%s%.*s: %.*s%s%.*s%s%s (%s)%s", subject_name(record->subject),
		record->name[0] != '\0' ? " " : "", TEXT(record->name), TEXT(record->from),
		moved ? " -> " : "", TEXT(record->to), moved ? ": " : "", fault_name(cause),
		fault_text(cause), spans);
}

static void add_span(struct json_line *line, const char *key, double ms) {
	if (ms < 0) {
		json_line_null(line, key);
	} else {
		json_line_real(line, key, ms);
	}
}

void fault_view_json(const struct safety_record *record, FILE *file) {
	enum fault_cause cause = cause_of(record);
	struct json_line line;
	json_line_begin(&line, file);
	json_line_time(&line, "time", record->wall_ns);
	json_line_uint(&line, "number", atomic_load(&record->number));
	json_line_uint(&line, "monotonic_ns", record->detect_ns);
	json_line_uint(&line, "tick", record->tick);
	json_line_uint(&line, "incarnation", record->incarnation);
	json_line_text(&line, "subject", subject_name(record->subject), SIZE_MAX);
	json_line_text(&line, "name", record->name, sizeof(record->name));
	json_line_text(&line, "from", record->from, sizeof(record->from));
	json_line_text(&line, "to", record->to, sizeof(record->to));
	json_line_text(&line, "cause", fault_name(cause), SIZE_MAX);
	json_line_text(&line, "text", fault_text(cause), SIZE_MAX);
	json_line_text(&line, "reaction",
		record->reaction < FAULT_REACTIONS ? fault_reaction_name(record->reaction) : "?",
		SIZE_MAX);
	add_span(&line, "detected_within_ms", span_ms(record->onset_ns, record->detect_ns));
	add_span(&line, "safe_after_ms", span_ms(record->detect_ns, record->safe_ns));
	json_line_end(&line);
}
