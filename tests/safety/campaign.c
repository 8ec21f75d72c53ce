/*
 * `./dev bench safety`: every row of the failure table, injected again and again at random phases into
 * cockpits of real processes at 60 Hz, with its control; or a soak of legal content.
 *
 * Several cockpits run side by side, each in a worker process: each is the others' load.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/macros.h"
#include "service/png.h"
#include "tests/bench/lateness.h"
#include "tests/safety/plan.h"
#include "tests/safety/result.h"
#include "tests/safety/soak.h"

#define RUNS 1000
#define SLOW_RUNS 100
#define JOBS_MAX 16
#define TRIES 3
#define LEAST_NICENESS "19"
#define NO_MORE (UINT32_MAX / 2) /* of `next`: workers end */

/* Between the campaign and its workers. */
struct shared {
	_Atomic uint32_t next;  /* task */
	_Atomic uint32_t ready; /* workers whose cockpit is well */
	struct lateness_monitor monitor;
};

struct campaign {
	struct plan_options asked;
	uint32_t jobs, load;
	const char *out;
	uint32_t soak_s;
	bool is_stepped;
	enum plan_part part; /* that is run */
	struct plan plans[PLAN_PARTS];
	uint64_t start_ns, greedy_from_ns;
	struct shared *shared;
	struct results *results;
};

static const struct plan *plan_of(const struct campaign *campaign) {
	return &campaign->plans[campaign->part];
}

/* Rows that take processors away are run one at a time: beside them no other's guests would be well. */
static uint32_t workers_of(const struct campaign *campaign) {
	return campaign->part == PLAN_GREEDY ? 1 : campaign->jobs;
}

/* ---- what takes no time from others ---- */

/* Where the kernel shares processors among sessions first (sched(7), autogroup), a priority holds within one only. */
static void be_least(void) {
	const struct sched_param parameter = { 0 };
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)sched_setscheduler(0, SCHED_IDLE, &parameter);
	int fd = setsid() < 0 ? -1 : open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!write(fd, LEAST_NICENESS, strlen(LEAST_NICENESS));
		close(fd);
	}
}

/* ---- pictures ---- */

/* It is 40 ms of work, and beside it others take their shots. The worker's end reaps the writer. */
static void write_aside(
	const char *path, const uint32_t *pixels, const struct output_memory_page *page) {
	pid_t writer = fork();
	if (writer == 0) {
		be_least();
		_exit(png_write_opaque(path, pixels, page->width, page->height, page->stride) == 0
				? EXIT_SUCCESS
				: EXIT_FAILURE);
	}
}

static void save_picture(const struct campaign *campaign, struct cockpit *cockpit, const char *row,
	const char *when) {
	char path[512];
	const struct output_memory_page *page = cockpit->output.page;
	uint32_t *pixels = calloc((size_t)page->width * page->height, sizeof(*pixels));
	if (pixels != NULL && output_reader_copy(&cockpit->output, pixels) > 0) {
		snprintf(path, sizeof(path), "%s/row-%s-%s.png", campaign->out, row, when);
		write_aside(path, pixels, page);
	}
	free(pixels);
}

static void save_answer(struct cockpit *cockpit, const char *row, const void *data) {
	save_picture(data, cockpit, row, "after");
}

/* ---- a worker ---- */

static uint64_t random_phase(void) {
	return (uint64_t)random() % COCKPIT_PERIOD_NS;
}

/* A processor that was away for longer than a frame does more than make things late: what comes of it is no
 * result of the row, whether good or bad. Rows that take processors away have only themselves to blame. */
static bool is_void(const struct campaign *campaign, uint64_t begin_ns, uint64_t end_ns) {
	const struct lateness_monitor *monitor = &campaign->shared->monitor;
	return campaign->part != PLAN_GREEDY && monitor->is_realtime &&
		lateness_monitor_worst(monitor, begin_ns, end_ns) > COCKPIT_PERIOD_NS;
}

/* False: the cockpit is of no use any more. */
static bool take_shot(const struct campaign *campaign, struct cockpit *cockpit,
	const struct task *task, bool *needs_another) {
	struct result result = { .row = task->row, .is_control = task->is_control };
	uint64_t begin_ns = clock_now_ns();
	const struct row *row = &rows[task->row];
	if (cockpit_set_sound(cockpit, row->needs_sound) != 0) {
		result.verdict = SHOT_BROKEN;
		results_add(campaign->results, &result);
		return false;
	}
	if (task->is_pictured) {
		save_picture(campaign, cockpit, row->name, "before");
		cockpit->handle_answer = save_answer;
		cockpit->answer_data = campaign;
	}
	result.verdict =
		(uint8_t)shot_take(cockpit, row, random_phase(), task->is_control, &result.shot);
	cockpit->handle_answer = NULL;
	uint64_t end_ns = clock_now_ns();
	result.took_ns = end_ns - begin_ns;
	result.is_void = is_void(campaign, begin_ns, end_ns);
	*needs_another = result.is_void;
	results_add(campaign->results, &result);
	return result.verdict != SHOT_BROKEN;
}

static bool start_cockpit(struct cockpit *cockpit) {
	const struct cockpit_options options = { .is_real = true, .has_sound = true };
	for (unsigned tries = 0; tries < TRIES; tries++) {
		if (cockpit_init(cockpit, &options) == 0 && cockpit_recover(cockpit) == 0) {
			return true;
		}
		cockpit_finish(cockpit);
	}
	return false;
}

static bool run_task(
	const struct campaign *campaign, struct cockpit *cockpit, const struct task *task) {
	bool needs_another = true;
	for (unsigned tries = 0; needs_another && tries < TRIES; tries++) {
		needs_another = false;
		if (!take_shot(campaign, cockpit, task, &needs_another)) {
			cockpit_finish(cockpit);
			if (!start_cockpit(cockpit)) {
				return false;
			}
		}
	}
	return true;
}

/* All begin together: no cockpit starts, or gets its sound, beside a row that is not about that. */
static bool meet_others(const struct campaign *campaign, struct cockpit *cockpit) {
	const struct row *row = &rows[plan_of(campaign)->tasks[0].row];
	bool is_well = start_cockpit(cockpit) && cockpit_set_sound(cockpit, row->needs_sound) == 0;
	atomic_fetch_add(&campaign->shared->ready, 1);
	while (is_well && atomic_load(&campaign->shared->ready) < workers_of(campaign)) {
		(void)cockpit_tick(cockpit);
	}
	return is_well;
}

static int work(const struct campaign *campaign, unsigned number) {
	static struct cockpit cockpit;
	const struct plan *plan = plan_of(campaign);
	uint32_t index;
	srandom((unsigned)clock_now_ns() + number);
	if (!meet_others(campaign, &cockpit)) {
		return EXIT_FAILURE;
	}
	while ((index = atomic_fetch_add(&campaign->shared->next, 1)) < plan->len) {
		if (!run_task(campaign, &cockpit, &plan->tasks[index])) {
			return EXIT_FAILURE;
		}
	}
	cockpit_finish(&cockpit);
	while (wait(NULL) > 0) {
	}
	return EXIT_SUCCESS;
}

/* It takes what is left: guests that starve are another failure than the one injected. */
static void burn(void) {
	be_least();
	for (volatile uint64_t n = 0;; n++) {
	}
}

/* ---- the campaign ---- */

static volatile sig_atomic_t is_ending;

static void handle_interrupt(int number) {
	is_ending = 1;
}

/* The first asks for an end after what is under way; workers leave that to their parent. */
static void catch_interrupts(void) {
	const struct sigaction action = { .sa_handler = handle_interrupt, .sa_flags = SA_RESTART };
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

/* One cockpit at a time takes as long as all of them. */
static double work_of(const struct campaign *campaign, enum plan_part part, uint32_t tasks) {
	double work = plan_work(&campaign->plans[part], tasks);
	return part == PLAN_GREEDY ? work * campaign->jobs : work;
}

/* `first`: results of the parts before. */
static void show_progress(const struct campaign *campaign, uint32_t first) {
	uint32_t done = atomic_load(&campaign->results->len), all = 0;
	double done_work = 0, all_work = 0;
	for (enum plan_part part = 0; part < PLAN_PARTS; part++) {
		const struct plan *plan = &campaign->plans[part];
		double work = work_of(campaign, part, plan->len);
		all += plan->len;
		all_work += work;
		done_work += part < campaign->part ? work : 0;
	}
	done_work += work_of(campaign, campaign->part, done - first);
	double spent_s = (double)(clock_now_ns() - campaign->start_ns) / 1e9;
	fprintf(stderr, "\rsafety: %u of %u injections, %.0f s", done, all, spent_s);
	if (done > 0 && done_work < all_work) {
		fprintf(stderr, ", about %.0f s to go ", spent_s * (all_work / done_work - 1));
	}
}

static int wait_for_workers(const struct campaign *campaign, pid_t *workers) {
	uint32_t running = workers_of(campaign), first = atomic_load(&campaign->results->len);
	int status = EXIT_SUCCESS;
	while (running > 0) {
		for (uint32_t i = 0; i < workers_of(campaign); i++) {
			int ended;
			if (workers[i] > 0 && waitpid(workers[i], &ended, WNOHANG) == workers[i]) {
				workers[i] = -1;
				running--;
				/* nobody waits for it any more */
				atomic_fetch_add(&campaign->shared->ready, 1);
				if (!WIFEXITED(ended) || WEXITSTATUS(ended) != EXIT_SUCCESS) {
					fprintf(stderr,
						"\nsafety: a worker failed (%s %d); what was said "
						"before says why\n",
						WIFSIGNALED(ended) ? "signal" : "exit status",
						WIFSIGNALED(ended) ? WTERMSIG(ended)
								   : WEXITSTATUS(ended));
					status = EXIT_FAILURE;
				}
			}
		}
		if (is_ending == 1) {
			fprintf(stderr, "\nsafety: ending after the injections under way\n");
			atomic_store(&campaign->shared->next, NO_MORE);
			is_ending = 2;
		}
		show_progress(campaign, first);
		nanosleep(&(struct timespec) { .tv_nsec = 500000000 }, NULL);
	}
	return status;
}

/* The page with distributions and pictures. */
static void make_report(const struct campaign *campaign) {
	pid_t pid = fork();
	if (pid == 0) {
		execlp("python3", "python3", SAFETY_REPORT, campaign->out, (char *)NULL);
		_exit(127);
	}
	int status = -1;
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "safety: no report was made; python3 %s %s says why\n",
			SAFETY_REPORT, campaign->out);
	}
}

static int run_part(struct campaign *campaign, enum plan_part part) {
	pid_t workers[JOBS_MAX];
	campaign->part = part;
	if (is_ending || plan_of(campaign)->len == 0) {
		return EXIT_SUCCESS;
	}
	atomic_store(&campaign->shared->next, 0);
	atomic_store(&campaign->shared->ready, 0);
	for (uint32_t i = 0; i < workers_of(campaign); i++) {
		workers[i] = fork();
		if (workers[i] == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			(void)signal(SIGINT, SIG_IGN);
			exit(work(campaign, i));
		}
	}
	return wait_for_workers(campaign, workers);
}

static int run_all_rows(struct campaign *campaign) {
	pid_t loads[JOBS_MAX];
	for (uint32_t i = 0; i < campaign->load; i++) {
		loads[i] = fork();
		if (loads[i] == 0) {
			burn();
		}
	}
	int status = EXIT_SUCCESS;
	for (enum plan_part part = 0; part < PLAN_PARTS; part++) {
		campaign->greedy_from_ns = clock_now_ns(); /* the last one's stays */
		status = run_part(campaign, part) == EXIT_SUCCESS ? status : EXIT_FAILURE;
	}
	fprintf(stderr, "\n");
	for (uint32_t i = 0; i < campaign->load; i++) {
		kill(loads[i], SIGKILL);
		waitpid(loads[i], NULL, 0);
	}
	return status;
}

static bool make_plans(struct campaign *campaign) {
	bool good = true;
	for (enum plan_part part = 0; part < PLAN_PARTS; part++) {
		good = plan_init(&campaign->plans[part], &campaign->asked, part) == 0 && good;
	}
	return good;
}

static int run_campaign(struct campaign *campaign) {
	char path[512];
	catch_interrupts();
	srandom((unsigned)clock_now_ns()); /* of the plan; workers have seeds of their own */
	if (!make_plans(campaign)) {
		fprintf(stderr, "safety: no memory for the plan\n");
		return EXIT_FAILURE;
	}
	int error = lateness_monitor_init(&campaign->shared->monitor);
	if (error != 0) {
		fprintf(stderr, "safety: no lateness monitor: %s\n", strerror(-error));
		return EXIT_FAILURE;
	}
	campaign->start_ns = clock_now_ns();
	int status = run_all_rows(campaign);
	const struct results_asked asked = {
		.runs = campaign->asked.runs,
		.slow_runs = campaign->asked.slow_runs,
		.has_controls = campaign->asked.has_controls,
		.is_part = campaign->asked.only != NULL,
		.greedy_from_ns = campaign->greedy_from_ns,
	};
	snprintf(path, sizeof(path), "%s/results.json", campaign->out);
	FILE *json = fopen(path, "we");
	if (json == NULL) {
		fprintf(stderr, "safety: %s: %s\n", path, strerror(errno));
		return EXIT_FAILURE;
	}
	bool good =
		results_write(campaign->results, &campaign->shared->monitor, &asked, json, stdout);
	fclose(json);
	lateness_monitor_finish(&campaign->shared->monitor);
	printf("figures: %s\n", path);
	fflush(stdout);
	make_report(campaign);
	return good && status == EXIT_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- stepped: as the tests do it, row by row ---- */

static bool take_stepped(const struct row *row, bool is_control) {
	static struct cockpit cockpit;
	const struct cockpit_options options = { .is_real = false, .has_sound = true };
	struct shot shot = { 0 };
	uint64_t start_ns = clock_now_ns();
	enum shot_verdict verdict = SHOT_BROKEN;
	if (cockpit_init(&cockpit, &options) == 0 && cockpit_recover(&cockpit) == 0) {
		verdict = shot_take(&cockpit, row, 0, is_control, &shot);
	}
	cockpit_finish(&cockpit);
	bool good = is_control ? verdict != SHOT_PASSED && verdict != SHOT_BROKEN
			       : verdict == SHOT_PASSED;
	printf("%-4s %-8s %-6s %-10s cause %s, %u wrong pictures, %.1f s\n", row->name,
		is_control ? "control" : "", good ? "good" : "FAILED", shot_verdict_name(verdict),
		fault_name(shot.cause), shot.wrong_pictures,
		(double)(clock_now_ns() - start_ns) / 1e9);
	fflush(stdout);
	return good;
}

static int run_stepped(const struct campaign *campaign) {
	bool good = true;
	for (uint32_t i = 0; i < rows_len; i++) {
		if (rows[i].is_real_only || !plan_names(campaign->asked.only, &rows[i])) {
			continue;
		}
		good = take_stepped(&rows[i], false) && good;
		if (campaign->asked.has_controls && rows[i].controls_len > 0) {
			good = take_stepped(&rows[i], true) && good;
		}
	}
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void print_help(FILE *file) {
	fprintf(file,
		"usage: ./dev bench safety [OPTIONS]\n\n"
		"Injects every row of the failure table into cockpits of real processes and "
		"measures how\n"
		"fast the picture is right again. Succeeds when every run kept its row's bounds "
		"and every\n"
		"control run, with the row's mechanism switched off, failed. Ctrl-C ends it early, "
		"with a\n"
		"report of what was run.\n\n"
		"  --runs N        injections of a row (default %u: more than an hour on two "
		"processors)\n"
		"  --slow-runs N   of rows that take more than a second each (default %u)\n"
		"  --rows A,B      only these rows; --list names them\n"
		"  --jobs N        cockpits side by side (default: 2 per processor)\n"
		"  --load N        processes that use what processor time is left (default: 1 per\n"
		"                  processor)\n"
		"  --no-controls   no control runs\n"
		"  --out DIR       index.html with pictures, results.json (default build/safety)\n"
		"  --soak SECONDS  instead: legal content only, and not one reaction; soak.json, "
		"for the\n"
		"                  report of the next campaign in the same DIR\n"
		"  --stepped       each row once on a clock of its own, as the tests do it\n"
		"  --list          the rows\n",
		RUNS, SLOW_RUNS);
}

static void list_rows(void) {
	for (uint32_t i = 0; i < rows_len; i++) {
		printf("%-4s %s\n", rows[i].name, rows[i].fault);
	}
}

/* What is wrong with the words given; said. */
static bool is_number(const char *option, const char *text, uint32_t *number) {
	char *end;
	unsigned long value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || value > RESULTS_MAX) {
		fprintf(stderr, "safety: --%s '%s'; allowed: 0 to %d\n", option, text, RESULTS_MAX);
		return false;
	}
	*number = (uint32_t)value;
	return true;
}

static bool has_row(const char *name, size_t len) {
	for (uint32_t i = 0; i < rows_len; i++) {
		if (strlen(rows[i].name) == len && strncmp(rows[i].name, name, len) == 0) {
			return true;
		}
	}
	fprintf(stderr, "safety: there is no row '%.*s'; --list names them\n", (int)len, name);
	return false;
}

static bool are_rows(const char *names) {
	for (const char *at = names;;) {
		size_t len = strcspn(at, ",");
		if (!has_row(at, len)) {
			return false;
		}
		if (at[len] == '\0') {
			return true;
		}
		at += len + 1;
	}
}

static bool parse(int argc, char **argv, struct campaign *campaign, int *status) {
	static const struct option options[] = {
		{ "runs", required_argument, NULL, 'r' },
		{ "slow-runs", required_argument, NULL, 's' },
		{ "rows", required_argument, NULL, 'o' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "load", required_argument, NULL, 'l' },
		{ "no-controls", no_argument, NULL, 'n' },
		{ "out", required_argument, NULL, 'd' },
		{ "soak", required_argument, NULL, 'k' },
		{ "stepped", no_argument, NULL, 'S' },
		{ "list", no_argument, NULL, 'L' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option;
	bool has_slow = false;
	*status = EXIT_SUCCESS;
	int index = 0;
	while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
		uint32_t number = 0;
		bool takes_number =
			option != '?' && optarg != NULL && option != 'o' && option != 'd';
		if ((takes_number && !is_number(options[index].name, optarg, &number)) ||
			(option == 'o' && !are_rows(optarg))) {
			*status = 2;
			return false;
		}
		switch (option) {
		case 'r':
			campaign->asked.runs = number;
			campaign->asked.slow_runs =
				has_slow ? campaign->asked.slow_runs : MIN(number, SLOW_RUNS);
			break;
		case 's':
			campaign->asked.slow_runs = number;
			has_slow = true;
			break;
		case 'o':
			campaign->asked.only = optarg;
			break;
		case 'j':
			campaign->jobs = MIN(MAX(number, 1), JOBS_MAX);
			break;
		case 'l':
			campaign->load = MIN(number, JOBS_MAX);
			break;
		case 'n':
			campaign->asked.has_controls = false;
			break;
		case 'd':
			campaign->out = optarg;
			break;
		case 'S':
			campaign->is_stepped = true;
			break;
		case 'k':
			campaign->soak_s = number;
			break;
		case 'L':
			list_rows();
			return false;
		case 'h':
			print_help(stdout);
			return false;
		default:
			print_help(stderr);
			*status = 2;
			return false;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "safety: '%s'; only options are taken, --help names them\n",
			argv[optind]);
		*status = 2;
	}
	return optind == argc;
}

static void *create_shared(size_t bytes) {
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

int main(int argc, char **argv) {
	struct campaign campaign = {
		.asked = { .runs = RUNS, .slow_runs = SLOW_RUNS, .has_controls = true },
		.jobs = (uint32_t)MIN(MAX(sysconf(_SC_NPROCESSORS_ONLN) * 2, 1), JOBS_MAX),
		.load = (uint32_t)MIN(MAX(sysconf(_SC_NPROCESSORS_ONLN), 1), JOBS_MAX),
		.out = "build/safety",
	};
	int status;
	if (!parse(argc, argv, &campaign, &status)) {
		return status;
	}
	if (mkdir(campaign.out, 0755) != 0 && errno != EEXIST) {
		fprintf(stderr, "safety: %s: %s\n", campaign.out, strerror(errno));
		return EXIT_FAILURE;
	}
	if (campaign.soak_s > 0) {
		return soak_run(campaign.soak_s, campaign.out);
	}
	if (campaign.is_stepped) {
		return run_stepped(&campaign);
	}
	campaign.results = results_create();
	campaign.shared = create_shared(sizeof(*campaign.shared));
	if (campaign.results == NULL || campaign.shared == NULL) {
		fprintf(stderr, "safety: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	return run_campaign(&campaign);
}
