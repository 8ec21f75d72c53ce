#include "tests/safety/result.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/clock.h"
#include "core/macros.h"

#define PROMPT_P99_MS 50
#define PROMPT_MAX_MS 83

struct results *results_create(void) {
	void *memory = mmap(NULL, sizeof(struct results), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

void results_destroy(struct results *results) {
	if (results != NULL) {
		munmap(results, sizeof(*results));
	}
}

void results_add(struct results *results, const struct result *result) {
	uint32_t index = atomic_fetch_add(&results->len, 1);
	if (index < RESULTS_MAX) {
		results->items[index] = *result;
	}
}

/* ---- numbers ---- */

struct series {
	uint32_t len;
	double *ms;
};

static int compare(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double at(const struct series *series, double part) {
	return series->len == 0 ? 0 : series->ms[(uint32_t)((series->len - 1) * part + 0.5)];
}

static void add(struct series *series, uint64_t from_ns, uint64_t to_ns) {
	if (from_ns != 0 && to_ns != 0) {
		series->ms[series->len++] = to_ns > from_ns ? (double)(to_ns - from_ns) / 1e6 : 0;
	}
}

static void sort_series(struct series *series) {
	qsort(series->ms, series->len, sizeof(double), compare);
}

static void write_series(FILE *json, const char *name, struct series *series) {
	sort_series(series);
	fprintf(json,
		"\"%s\": {\"n\": %u, \"p50\": %.2f, \"p99\": %.2f, \"max\": %.2f, \"values\": [",
		name, series->len, at(series, 0.5), at(series, 0.99), at(series, 1));
	for (uint32_t i = 0; i < series->len; i++) {
		fprintf(json, "%s%.2f", i > 0 ? "," : "", series->ms[i]);
	}
	fprintf(json, "]}");
}

/* ---- a row ---- */

struct tally {
	uint32_t runs, controls, voids;
	uint32_t verdicts[SHOT_BROKEN + 1], control_verdicts[SHOT_BROKEN + 1];
	uint32_t excused;       /* late by no more than the machine was */
	uint32_t causes[FAULT_CAUSES];
	uint32_t wrong_pictures, missed_pictures;
	uint64_t took_ns;
	struct series detect, react, safe;
};

static bool tally_init(struct tally *tally, uint32_t most) {
	*tally = (struct tally) { 0 };
	tally->detect.ms = calloc(most, sizeof(double));
	tally->react.ms = calloc(most, sizeof(double));
	tally->safe.ms = calloc(most, sizeof(double));
	return tally->detect.ms && tally->react.ms && tally->safe.ms;
}

static void tally_finish(struct tally *tally) {
	free(tally->detect.ms);
	free(tally->react.ms);
	free(tally->safe.ms);
}

static void tally_add(
	struct tally *tally, const struct result *result, const struct lateness_monitor *monitor) {
	const struct shot *shot = &result->shot;
	enum shot_verdict verdict = result->verdict;
	if (result->is_void) {
		tally->voids++;
		return;
	}
	if (verdict == SHOT_LATE) {
		uint64_t end_ns = MAX(shot->safe_ns, shot->detect_ns);
		/* what a row does to the machine itself is no excuse */
		uint64_t grace_ns = rows[result->row].is_greedy
			? 0
			: lateness_monitor_away(monitor, shot->onset_ns, end_ns);
		verdict = shot_judge(&rows[result->row], shot, true, grace_ns);
		tally->excused += verdict == SHOT_PASSED;
	}
	if (result->is_control) {
		/* who did not see all of it has seen no failure */
		verdict = verdict == SHOT_UNSEEN ? SHOT_BROKEN : verdict;
		tally->controls++;
		tally->control_verdicts[verdict]++;
		return;
	}
	tally->runs++;
	tally->verdicts[verdict]++;
	tally->causes[shot->cause]++;
	tally->wrong_pictures += shot->wrong_pictures;
	tally->missed_pictures += shot->missed_pictures;
	tally->took_ns += result->took_ns;
	add(&tally->detect, shot->onset_ns, shot->detect_ns);
	add(&tally->react, shot->detect_ns, shot->safe_ns);
	add(&tally->safe, shot->onset_ns, shot->safe_ns);
}

/* Deaths and wrong pixels: what is fastest is promised of them. */
static bool is_prompt(const struct row *row) {
	return row->is_safe != NULL && row->safe_ms != 0 && row->safe_ms <= PROMPT_P99_MS;
}

static bool is_good(const struct row *row, const struct results_asked *asked, struct tally *tally) {
	uint32_t runs = row->is_slow ? asked->slow_runs : asked->runs;
	bool needs_control = asked->has_controls && row_has_control(row);
	sort_series(&tally->safe);
	if (is_prompt(row) &&
		(at(&tally->safe, 0.99) > PROMPT_P99_MS || at(&tally->safe, 1) > PROMPT_MAX_MS)) {
		return false;
	}
	return tally->runs > 0 && tally->runs >= runs &&
		tally->verdicts[SHOT_PASSED] == tally->runs &&
		tally->controls >= (uint32_t)needs_control &&
		tally->control_verdicts[SHOT_PASSED] == 0 &&
		tally->control_verdicts[SHOT_BROKEN] == 0;
}

static void write_text(FILE *json, const char *name, const char *text) {
	fprintf(json, "\"%s\": \"%s\", ", name, text != NULL ? text : "");
}

static void write_verdicts(FILE *json, const char *name, const uint32_t verdicts[SHOT_BROKEN + 1]) {
	fprintf(json, "\"%s\": {", name);
	for (unsigned i = 0; i <= SHOT_BROKEN; i++) {
		fprintf(json, "%s\"%s\": %u", i > 0 ? ", " : "",
			shot_verdict_name((enum shot_verdict)i), verdicts[i]);
	}
	fprintf(json, "}, ");
}

static void write_causes(FILE *json, const struct tally *tally) {
	bool is_first = true;
	fprintf(json, "\"causes\": {");
	for (unsigned i = 1; i < FAULT_CAUSES; i++) {
		if (tally->causes[i] > 0) {
			fprintf(json, "%s\"%s\": %u", is_first ? "" : ", ",
				fault_name((enum fault_cause)i), tally->causes[i]);
			is_first = false;
		}
	}
	fprintf(json, "}, ");
}

static void write_row(FILE *json, const struct row *row, struct tally *tally, bool good) {
	fprintf(json, "  {");
	write_text(json, "row", row->name);
	write_text(json, "fault", row->fault);
	write_text(json, "promise", row->promise);
	write_text(json, "mechanism", row->mechanism);
	write_text(json, "simulated", row->simulated);
	fprintf(json, "\"detect_ms\": %u, \"safe_ms\": %u, \"wrong_max\": %u, \"good\": %s, ",
		row->detect_ms, row->safe_ms, row->wrong_max, good ? "true" : "false");
	fprintf(json, "\"runs\": %u, \"controls\": %u, \"excused\": %u, \"void\": %u, ",
		tally->runs, tally->controls, tally->excused, tally->voids);
	fprintf(json, "\"wrong_pictures\": %u, ", tally->wrong_pictures);
	fprintf(json, "\"missed_pictures\": %u, \"seconds\": %.1f, ", tally->missed_pictures,
		(double)tally->took_ns / 1e9);
	write_verdicts(json, "verdicts", tally->verdicts);
	write_verdicts(json, "control_verdicts", tally->control_verdicts);
	write_causes(json, tally);
	write_series(json, "detect", &tally->detect);
	fprintf(json, ", ");
	write_series(json, "react", &tally->react);
	fprintf(json, ", ");
	write_series(json, "safe", &tally->safe);
	fprintf(json, "}");
}

static const char *verdict_text(const struct tally *tally, bool good) {
	bool has_failed = tally->verdicts[SHOT_PASSED] < tally->runs ||
		tally->control_verdicts[SHOT_PASSED] + tally->control_verdicts[SHOT_BROKEN] > 0;
	return good ? "good" : has_failed ? "FAILED" : "cut short";
}

static void write_line(FILE *table, const struct row *row, const struct tally *tally, bool good) {
	if (tally->runs + tally->controls == 0) {
		return;
	}
	fprintf(table, "%-4s %-52.52s %5u %5u %6u  %7.1f %7.1f %7.1f  %7.1f %7.1f %7.1f  %s\n",
		row->name, row->fault, tally->runs, tally->verdicts[SHOT_PASSED],
		tally->wrong_pictures, at(&tally->detect, 0.5), at(&tally->detect, 0.99),
		at(&tally->detect, 1), at(&tally->safe, 0.5), at(&tally->safe, 0.99),
		at(&tally->safe, 1), verdict_text(tally, good));
	for (unsigned i = SHOT_UNDETECTED; i <= SHOT_BROKEN; i++) {
		if (tally->verdicts[i] > 0) {
			fprintf(table, "     %u runs: %s\n", tally->verdicts[i],
				shot_verdict_name((enum shot_verdict)i));
		}
	}
	if (tally->voids > 0) {
		fprintf(table, "     %u void, and made again: the machine was away\n",
			tally->voids);
	}
	if (tally->controls > 0 && tally->control_verdicts[SHOT_PASSED] > 0) {
		fprintf(table, "     %u of %u control runs passed, and must not\n",
			tally->control_verdicts[SHOT_PASSED], tally->controls);
	}
}

bool results_write(struct results *results, const struct lateness_monitor *monitor,
	const struct results_asked *asked, FILE *json, FILE *table) {
	uint32_t len = MIN(atomic_load(&results->len), RESULTS_MAX);
	bool all_good = true;
	fprintf(table, "%-4s %-52s %5s %5s %6s  %23s  %23s\n", "row", "fault", "runs", "ok",
		"wrong", "detected, ms: p50 p99 max", "safe, ms: p50 p99 max");
	fprintf(json, "{\"rows\": [\n");
	for (uint32_t i = 0; i < rows_len; i++) {
		struct tally tally;
		if (!tally_init(&tally, len + 1)) {
			return false;
		}
		for (uint32_t n = 0; n < len; n++) {
			if (results->items[n].row == i) {
				tally_add(&tally, &results->items[n], monitor);
			}
		}
		bool good = is_good(&rows[i], asked, &tally);
		bool is_left_out = asked->is_part && tally.runs + tally.controls == 0;
		all_good = all_good && (good || is_left_out);
		write_row(json, &rows[i], &tally, good);
		fprintf(json, i + 1 < rows_len ? ",\n" : "\n");
		write_line(table, &rows[i], &tally, good);
		tally_finish(&tally);
	}
	fprintf(json, "], \"machine_worst_ms\": %.2f, \"good\": %s}\n",
		(double)lateness_monitor_worst(monitor, 0, asked->greedy_from_ns) / 1e6,
		all_good ? "true" : "false");
	return all_good;
}
