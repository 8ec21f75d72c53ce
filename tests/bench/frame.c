/*
 * ./dev bench frame: how long a guest's picture takes to the screen, beside QEMU's vhost-user-gpu.
 *
 * For fascia the end is when the composed picture is in the output's memory, complete; a second line
 * says when a viewer that slept had woken up and read it. For QEMU it is when the pixels were read from
 * its display socket. Per picture size, blocks of both peers take turns in one run, with random pauses, so that both see
 * the same machine. Beside them: one warm memcpy of the same pixels, and the CPU time per picture of
 * every process involved. A second part kills and stops processes under load (frame_faults.h).
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yyjson.h>

#include "core/clock.h"
#include "core/macros.h"
#include "tests/bench/frame_faults.h"
#include "tests/bench/frame_peer.h"
#include "tests/bench/process.h"
#include "tests/bench/samples.h"

#define BLOCK_FRAMES 25
#define MEMCPY_RUNS 50
#define WARM_UP_FRAMES 20

static const struct frame_case cases[] = {
	{ "1920x1080 full", "full", 1920, 1080, 0, 0, { 0, 0, 1920, 1080 } },
	{ "1280x480 full", "half", 1280, 480, 320, 300, { 0, 0, 1280, 480 } },
	{ "64x64 damage", "full", 1920, 1080, 0, 0, { 100, 100, 64, 64 } },
};

enum peer { FASCIA, VIEWER, QEMU, PEERS };
static const char *const peer_names[] = {
	"fascia, in memory",
	"fascia, viewer awake",
	"qemu vhost-user-gpu",
};

/* What docs/architecture.md promises of the medians; 0: nothing. */
static const struct {
	double of_qemu, memcpys;
} promises[] = {
	{ 0.35, 4 },
	{ 0, 0 },
	{ 1, 0 },
};

_Static_assert(ARRAY_LEN(promises) == ARRAY_LEN(cases), "a promise per picture");

struct result {
	struct samples latency[PEERS];
	uint64_t frames[PEERS];
	uint64_t compositor_cpu_ns, endpoint_cpu_ns, others_cpu_ns, qemu_cpu_ns;
	uint64_t memcpy_ns; /* median */
};

struct bench {
	struct bench_service service;
	struct generator full, half;
	const char *qemu_program;
	unsigned rounds, fault_rounds;
	unsigned pause_us; /* longest pause between two pictures */
	unsigned only; /* 0: all picture sizes, n: the n-th alone */
	struct fault_report faults;
	struct result results[ARRAY_LEN(cases)];
};

static void pause_randomly(const struct bench *bench) {
	if (bench->pause_us > 0) {
		long ns = random() % ((long)bench->pause_us * 1000);
		nanosleep(&(struct timespec) { .tv_nsec = ns }, NULL);
	}
}

static uint64_t measure_memcpy(const struct frame_case *frame_case) {
	static struct samples samples;
	size_t bytes = (size_t)frame_case->damage.width * frame_case->damage.height * 4;
	uint8_t *from = malloc(bytes), *to = malloc(bytes);
	samples.len = 0;
	if (from && to) {
		memset(from, 1, bytes);
		memset(to, 2, bytes);
		for (int i = 0; i < MEMCPY_RUNS; i++) {
			uint64_t start = clock_now_ns();
			memcpy(to, from, bytes);
			__asm__ volatile("" : : "r"(to) : "memory");
			samples_add(&samples, clock_now_ns() - start);
		}
	}
	free(from);
	free(to);
	return samples_percentile(&samples, 50);
}

static struct generator *case_generator(struct bench *bench, const struct frame_case *frame_case) {
	return strcmp(frame_case->guest, "full") == 0 ? &bench->full : &bench->half;
}

static uint64_t service_cpu_ns(const struct bench *bench, const char *prefix, const char *name) {
	char process_name[64];
	snprintf(process_name, sizeof(process_name), "%s%s", prefix, name);
	const struct bench_process *process = bench_service_process(&bench->service, process_name);
	return process ? process_cpu_ns((pid_t)process->page->pid) : 0;
}

static uint64_t all_cpu_ns(const struct bench *bench) {
	uint64_t sum = 0;
	for (unsigned i = 0; i < bench->service.processes_len; i++) {
		sum += process_cpu_ns((pid_t)bench->service.processes[i].page->pid);
	}
	return sum;
}

static int run_fascia_block(struct bench *bench, const struct frame_case *frame_case,
	struct result *result, unsigned frames) {
	struct generator *generator = case_generator(bench, frame_case);
	uint64_t all_ns = all_cpu_ns(bench);
	uint64_t compositor_ns = service_cpu_ns(bench, "compositor", "");
	uint64_t endpoint_ns = service_cpu_ns(bench, "gpu-", frame_case->guest);
	for (unsigned i = 0; i < frames; i++) {
		uint64_t memory_ns, viewer_ns;
		int error = fascia_measure(
			&bench->service, generator, frame_case, &memory_ns, &viewer_ns);
		if (error) {
			return error;
		}
		samples_add(&result->latency[FASCIA], memory_ns);
		samples_add(&result->latency[VIEWER], viewer_ns);
		pause_randomly(bench);
	}
	result->frames[FASCIA] += frames;
	compositor_ns = service_cpu_ns(bench, "compositor", "") - compositor_ns;
	endpoint_ns = service_cpu_ns(bench, "gpu-", frame_case->guest) - endpoint_ns;
	all_ns = all_cpu_ns(bench) - all_ns;
	result->compositor_cpu_ns += compositor_ns;
	result->endpoint_cpu_ns += endpoint_ns;
	/* read at slightly different times: never less than nothing */
	result->others_cpu_ns += all_ns - MIN(compositor_ns + endpoint_ns, all_ns);
	return 0;
}

static int run_qemu_block(const struct bench *bench, struct qemu_peer *peer,
	const struct frame_case *frame_case, struct result *result, unsigned frames) {
	uint64_t cpu_ns = process_cpu_ns(peer->pid);
	for (unsigned i = 0; i < frames; i++) {
		uint64_t ns;
		int error = qemu_peer_measure(peer, frame_case, &ns);
		if (error) {
			return error;
		}
		samples_add(&result->latency[QEMU], ns);
		pause_randomly(bench);
	}
	result->frames[QEMU] += frames;
	result->qemu_cpu_ns += process_cpu_ns(peer->pid) - cpu_ns;
	return 0;
}

static int run_case(struct bench *bench, unsigned index) {
	const struct frame_case *frame_case = &cases[index];
	struct result *result = &bench->results[index];
	static struct qemu_peer qemu;
	int error = qemu_peer_init(&qemu, bench->qemu_program, frame_case);
	if (error) {
		fprintf(stderr, "bench: %s: %s\n", bench->qemu_program, strerror(-error));
		return error;
	}
	error = run_fascia_block(bench, frame_case, result, WARM_UP_FRAMES);
	if (!error) {
		error = run_qemu_block(bench, &qemu, frame_case, result, WARM_UP_FRAMES);
	}
	*result = (struct result) { .memcpy_ns = measure_memcpy(frame_case) };
	for (unsigned round = 0; round < bench->rounds && !error; round++) {
		fprintf(stderr, "\r%s: round %u of %u ", frame_case->name, round + 1,
			bench->rounds);
		error = run_fascia_block(bench, frame_case, result, BLOCK_FRAMES);
		if (!error) {
			error = run_qemu_block(bench, &qemu, frame_case, result, BLOCK_FRAMES);
		}
	}
	fprintf(stderr, "\r\033[K");
	qemu_peer_finish(&qemu);
	return error;
}

static int show_guest(struct bench *bench, struct generator *generator, const char *name,
	uint32_t width, uint32_t height) {
	char path[128];
	bench_service_socket(&bench->service, name, path, sizeof(path));
	int error = generator_init(generator, path, -1, -1, width, height);
	return error ? error : generator_show(generator);
}

static double us(uint64_t ns) {
	return (double)ns / 1000.0;
}

static double per_frame_us(uint64_t ns, uint64_t frames) {
	return frames == 0 ? 0 : us(ns) / (double)frames;
}

static void print_cpu(const struct result *result, unsigned peer) {
	if (peer == FASCIA) {
		uint64_t frames = result->frames[FASCIA];
		printf("endpoint %.0f, compositor %.0f, others %.0f",
			per_frame_us(result->endpoint_cpu_ns, frames),
			per_frame_us(result->compositor_cpu_ns, frames),
			per_frame_us(result->others_cpu_ns, frames));
	} else if (peer == QEMU) {
		printf("back-end %.0f", per_frame_us(result->qemu_cpu_ns, result->frames[QEMU]));
	}
	printf("\n");
}

static const char *verdict(double value, double promise) {
	return promise == 0 ? "" : value <= promise ? ", kept" : ", BROKEN";
}

static void print_verdict(unsigned index, struct result *result) {
	double ours = us(samples_percentile(&result->latency[FASCIA], 50));
	double of_qemu = ours / us(samples_percentile(&result->latency[QEMU], 50));
	double memcpys = ours / us(result->memcpy_ns);
	printf("%-15s %.2f of QEMU%s", "", of_qemu, verdict(of_qemu, promises[index].of_qemu));
	if (promises[index].memcpys != 0) {
		printf("; %.2f warm memcpys of %.0f us%s", memcpys, us(result->memcpy_ns),
			verdict(memcpys, promises[index].memcpys));
	}
	printf("\n");
}

static void print_table(struct bench *bench) {
	printf("%-15s %-20s %9s %9s %9s %9s   %s\n", "picture", "peer", "p50 us", "p99 us",
		"p25 us", "p75 us", "CPU us per picture");
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct result *result = &bench->results[i];
		if (result->frames[FASCIA] == 0) {
			continue;
		}
		for (unsigned peer = 0; peer < PEERS; peer++) {
			struct samples *samples = &result->latency[peer];
			printf("%-15s %-20s %9.0f %9.0f %9.0f %9.0f   ", cases[i].name,
				peer_names[peer], us(samples_percentile(samples, 50)),
				us(samples_percentile(samples, 99)),
				us(samples_percentile(samples, 25)),
				us(samples_percentile(samples, 75)));
			print_cpu(result, peer);
		}
		print_verdict(i, result);
	}
}

static void add_peer(
	yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, struct samples *samples) {
	yyjson_mut_val *peer = yyjson_mut_obj(doc);
	yyjson_mut_obj_add_uint(doc, peer, "pictures", samples->len);
	yyjson_mut_obj_add_real(doc, peer, "p25_us", us(samples_percentile(samples, 25)));
	yyjson_mut_obj_add_real(doc, peer, "p50_us", us(samples_percentile(samples, 50)));
	yyjson_mut_obj_add_real(doc, peer, "p75_us", us(samples_percentile(samples, 75)));
	yyjson_mut_obj_add_real(doc, peer, "p99_us", us(samples_percentile(samples, 99)));
	yyjson_mut_obj_add_val(doc, object, key, peer);
}

static void add_faults(
	yyjson_mut_doc *doc, yyjson_mut_val *root, const struct fault_report *report) {
	yyjson_mut_val *faults = yyjson_mut_obj_add_obj(doc, root, "faults");
	yyjson_mut_obj_add_uint(doc, faults, "processes", report->processes);
	yyjson_mut_obj_add_uint(doc, faults, "kills", report->kills);
	yyjson_mut_obj_add_uint(doc, faults, "stops", report->stops);
	yyjson_mut_obj_add_uint(doc, faults, "ticks", report->ticks.ticks);
	yyjson_mut_obj_add_uint(doc, faults, "ticks_missed", report->ticks.missed);
	yyjson_mut_obj_add_uint(doc, faults, "ticks_not_seen", report->ticks.lost);
	yyjson_mut_obj_add_real(doc, faults, "period_us", us(report->ticks.period_ns));
	yyjson_mut_obj_add_real(doc, faults, "worst_us", us(report->ticks.worst_ns));
	yyjson_mut_obj_add_real(doc, faults, "machine_then_us", us(report->ticks.worst_machine_ns));
	yyjson_mut_obj_add_real(doc, faults, "machine_worst_us", us(report->machine_worst_ns));
	yyjson_mut_obj_add_real(
		doc, faults, "worst_beyond_machine_us", us(report->ticks.worst_excess_ns));
	yyjson_mut_obj_add_uint(doc, faults, "guest_pictures", report->pictures);
	yyjson_mut_obj_add_uint(doc, faults, "guest_reconnects", report->reconnects);
}

static void print_faults(const struct fault_report *report) {
	const struct tick_log *ticks = &report->ticks;
	printf("\n%u processes, %u kills and %u stops while %llu pictures came, %llu reconnects\n",
		report->processes, report->kills, report->stops,
		(unsigned long long)report->pictures, (unsigned long long)report->reconnects);
	printf("compositor: %llu ticks, %llu missed, %llu not seen; latest %.0f us (machine then "
	       "%.0f us, machine worst %.0f us)\n",
		(unsigned long long)ticks->ticks, (unsigned long long)ticks->missed,
		(unsigned long long)ticks->lost, us(ticks->worst_ns), us(ticks->worst_machine_ns),
		us(report->machine_worst_ns));
	printf("latest beyond the machine's own lateness: %.0f us, one period is %.0f us: %s\n",
		us(ticks->worst_excess_ns), us(ticks->period_ns),
		ticks->worst_excess_ns <= ticks->period_ns ? "kept" : "BROKEN");
}

static int write_json(struct bench *bench, const char *path) {
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root = yyjson_mut_obj(doc);
	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_val *pictures = yyjson_mut_obj_add_arr(doc, root, "pictures");
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct result *result = &bench->results[i];
		yyjson_mut_val *row = yyjson_mut_arr_add_obj(doc, pictures);
		yyjson_mut_obj_add_str(doc, row, "picture", cases[i].name);
		add_peer(doc, row, "fascia", &result->latency[FASCIA]);
		add_peer(doc, row, "fascia_viewer", &result->latency[VIEWER]);
		add_peer(doc, row, "qemu", &result->latency[QEMU]);
		yyjson_mut_obj_add_real(doc, row, "memcpy_us", us(result->memcpy_ns));
		yyjson_mut_obj_add_real(doc, row, "endpoint_cpu_us",
			per_frame_us(result->endpoint_cpu_ns, result->frames[FASCIA]));
		yyjson_mut_obj_add_real(doc, row, "compositor_cpu_us",
			per_frame_us(result->compositor_cpu_ns, result->frames[FASCIA]));
		yyjson_mut_obj_add_real(doc, row, "others_cpu_us",
			per_frame_us(result->others_cpu_ns, result->frames[FASCIA]));
		yyjson_mut_obj_add_real(doc, row, "qemu_cpu_us",
			per_frame_us(result->qemu_cpu_ns, result->frames[QEMU]));
	}
	if (bench->fault_rounds > 0) {
		add_faults(doc, root, &bench->faults);
	}
	yyjson_write_err error;
	bool written = yyjson_mut_write_file(path, doc, YYJSON_WRITE_PRETTY, NULL, &error);
	yyjson_mut_doc_free(doc);
	if (!written) {
		fprintf(stderr, "bench: %s: %s\n", path, error.msg);
		return -EIO;
	}
	return 0;
}

static void print_private_memory(const struct bench *bench) {
	printf("private memory:");
	for (unsigned i = 0; i < bench->service.processes_len; i++) {
		const struct bench_process *process = &bench->service.processes[i];
		printf(" %s %.1f MiB", process->name,
			(double)process_private_bytes((pid_t)process->page->pid) / (1 << 20));
	}
	printf("\n");
}

static bool is_wanted(const struct bench *bench, unsigned index) {
	return bench->only == 0 || bench->only == index + 1;
}

static int run_pictures(struct bench *bench, const char *configuration) {
	int error = bench_service_init(&bench->service, configuration);
	if (error) {
		return error;
	}
	error = show_guest(bench, &bench->full, "full", 1920, 1080);
	if (!error) {
		error = show_guest(bench, &bench->half, "half", 1280, 480);
	}
	/* both layers have a picture before anything is measured */
	static struct result ignored;
	for (unsigned i = 0; i < 2 && !error; i++) {
		error = run_fascia_block(bench, &cases[i], &ignored, 1);
	}
	for (unsigned i = 0; i < ARRAY_LEN(cases) && !error; i++) {
		error = is_wanted(bench, i) ? run_case(bench, i) : 0;
	}
	if (error) {
		fprintf(stderr, "bench: %s\n", strerror(-error));
	} else {
		print_table(bench);
		print_private_memory(bench);
	}
	generator_finish(&bench->full);
	generator_finish(&bench->half);
	bench_service_finish(&bench->service);
	return error;
}

static int run(
	struct bench *bench, const char *configuration, const char *faults, const char *json) {
	int error = run_pictures(bench, configuration);
	if (!error && bench->fault_rounds > 0) {
		error = frame_faults_run(faults, bench->fault_rounds, &bench->faults);
		if (!error) {
			print_faults(&bench->faults);
		}
	}
	return error || !json ? error : write_json(bench, json);
}

static void usage(FILE *to) {
	fprintf(to,
		"usage: ./dev bench frame [--rounds N] [--faults N] [--only N] [--pause US]\n      "
		"                     [--json FILE]\n"
		"  --rounds N     blocks of %d pictures per peer and size (default 12)\n"
		"  --pause US     up to so long a pause before each picture (default 0: the next "
		"one as "
		"soon\n"
		"                 as the last was seen); idle processors then add their waking up\n"
		"  --only N       the N-th picture size alone (for profiling)\n"
		"  --json FILE    the figures as JSON too\n"
		"  --faults N     kills and stops of each process in the second part (default 20; "
		"0: none)\n",
		BLOCK_FRAMES);
}

int main(int argc, char **argv) {
	static const struct option options[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "json", required_argument, NULL, 'j' },
		{ "faults", required_argument, NULL, 'f' },
		{ "only", required_argument, NULL, 'o' },
		{ "pause", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static struct bench bench = { .rounds = 12, .fault_rounds = 20 };
	const char *json = NULL;
	for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (option) {
		case 'r':
			bench.rounds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'j':
			json = optarg;
			break;
		case 'f':
			bench.fault_rounds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			bench.pause_us = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'o':
			bench.only = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	unsigned most = (SAMPLES_MAX - WARM_UP_FRAMES) / BLOCK_FRAMES;
	if (bench.rounds < 1 || bench.rounds > most) {
		fprintf(stderr, "bench: --rounds is 1 to %u\n", most);
		return 2;
	}
	bench.qemu_program = getenv("FASCIA_QEMU_VHOST_USER_GPU");
	if (!bench.qemu_program) {
		bench.qemu_program = "/usr/lib/qemu/vhost-user-gpu";
	}
	return run(&bench, "data/bench-frame.yaml", "data/bench-faults.yaml", json) ? 1 : 0;
}
