#include "tests/safety/cockpit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/control.h"
#include "core/fd.h"
#include "service/assets.h"
#include "service/config_compile.h"
#include "tests/safety/cockpit_yaml.h"

#ifndef FASCIA_PROGRAM
#error "the build names the program under test"
#endif

#define WAIT_MS 60000 /* a guard against hanging */
#define SERVICE_NICENESS "-10" /* ten times the usual weight, as CPUWeight=1000 */
#define SIGNAL_CYCLE_NS (50 * NS_PER_MS)
#define RECOVER_TICKS 1200
#define CLEAR_TICKS 3 /* what was cleared is over for everybody */

static int complain(const struct cockpit *cockpit, const char *what, int error) {
	fprintf(stderr, "safety: %s: %s (see %s/log)\n", what, strerror(-error), cockpit->dir);
	return error;
}

static void sleep_ns(uint64_t ns) {
	nanosleep(&(struct timespec) { .tv_sec = (time_t)(ns / NS_PER_S),
			  .tv_nsec = (long)(ns % NS_PER_S) },
		NULL);
}

/* ---- signals ---- */

static void send_signals(struct signal_source *source) {
	if (atomic_load(&source->is_paused)) {
		return;
	}
	for (unsigned i = 0; i < SIGNAL_VALUES; i++) {
		source->message.values[i] = atomic_load(&source->values[i]);
	}
	source->message.counter++;
	signal_message_seal(&source->message);
	if (atomic_load(&source->is_corrupt)) {
		source->message.crc32 ^= 1;
	}
	(void)send(source->socket, &source->message, sizeof(source->message),
		MSG_DONTWAIT | MSG_NOSIGNAL);
	for (unsigned i = 0; i < SIGNAL_VALUES; i++) {
		atomic_store(&source->guest->values[i], source->message.values[i]);
	}
}

static void *send_in_cycles(void *data) {
	struct signal_source *source = data;
	while (!atomic_load(&source->stop)) {
		send_signals(source);
		sleep_ns(SIGNAL_CYCLE_NS);
	}
	return NULL;
}

static int start_signals(struct cockpit *cockpit) {
	struct signal_source *source = &cockpit->source;
	char path[128];
	snprintf(path, sizeof(path), "%s/signals", cockpit->runtime);
	source->message.source = (uint32_t)getpid() | 1;
	source->guest = cockpit->cluster.shared;
	source->socket = fd_connect_unix(path, SOCK_DGRAM);
	if (source->socket < 0) {
		return complain(cockpit, "the signals' socket", source->socket);
	}
	if (!cockpit->options.is_real) {
		return 0;
	}
	int error = -pthread_create(&source->thread, NULL, send_in_cycles, source);
	source->has_thread = error == 0;
	return error;
}

static void stop_signals(struct signal_source *source) {
	if (source->has_thread) {
		atomic_store(&source->stop, true);
		pthread_join(source->thread, NULL);
		source->has_thread = false;
	}
	fd_close(&source->socket);
}

static void init_values(struct cockpit *cockpit) {
	for (unsigned i = 0; i < SIGNAL_VALUES; i++) {
		bool is_lamp = i >= SIGNAL_TELLTALES && i < SIGNAL_TELLTALES_END;
		cockpit_set_value(cockpit, i, is_lamp ? 0 : SIGNAL_UNKNOWN);
	}
	static const struct {
		uint32_t signal;
		int32_t value;
	} start[] = {
		{ SIGNAL_SPEED, 470 },
		{ SIGNAL_REVS, 2100 },
		{ SIGNAL_GEAR, 3 },
		{ SIGNAL_ODOMETER, 12345 },
		{ SIGNAL_TRIP, 421 },
		{ SIGNAL_FUEL, 610 },
		{ SIGNAL_COOLANT, 88 },
		{ SIGNAL_OUTSIDE, 125 },
		{ SIGNAL_THEME, 0 },
		{ SIGNAL_LOCALE, 0 },
		{ SIGNAL_CAMERA, 0 },
		{ SIGNAL_LOW_BEAM, 1 },
		{ SIGNAL_SEAT_BELT, 1 },
		{ SIGNAL_BRAKE, 1 },
	};
	for (size_t i = 0; i < sizeof(start) / sizeof(start[0]); i++) {
		cockpit_set_value(cockpit, start[i].signal, start[i].value);
	}
}

/* ---- the service ---- */

static int compile(struct cockpit *cockpit) {
	struct config_pictures pictures;
	FILE *file = fopen(cockpit->yaml, "we");
	if (file == NULL) {
		return -errno;
	}
	cockpit_yaml_write(file, cockpit->options.is_real, cockpit->options.has_sound,
		cockpit->watchdog, cockpit->buzzer);
	if (fclose(file) != 0) {
		return -errno;
	}
	if (!config_compile(cockpit->yaml, cockpit->runtime, &cockpit->config, &pictures, stderr)) {
		return -EINVAL;
	}
	cockpit->config_fd = config_seal(&cockpit->config);
	cockpit->atlas_fd = assets_create_atlas(&cockpit->config, &pictures, stderr);
	config_pictures_finish(&pictures);
	if (cockpit->config_fd < 0 || cockpit->atlas_fd < 0) {
		return -EINVAL;
	}
	return atlas_map(&cockpit->atlas, cockpit->atlas_fd);
}

static void exec_service(const struct cockpit *cockpit) {
	char log[96];
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	snprintf(log, sizeof(log), "%s/log", cockpit->dir);
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	char *const argv[] = { (char *)"fascia", (char *)"--runtime", (char *)cockpit->runtime,
		(char *)"run", (char *)"--allow-inject", (char *)cockpit->yaml, NULL };
	execv(FASCIA_PROGRAM, argv);
	_exit(127);
}

/* Whether `fascia run` has said that all of it is up. */
static bool has_said_ready(const struct cockpit *cockpit) {
	char path[96], line[256];
	bool is_ready = false;
	snprintf(path, sizeof(path), "%s/log", cockpit->dir);
	FILE *file = fopen(path, "re");
	while (file != NULL && !is_ready && fgets(line, sizeof(line), file) != NULL) {
		is_ready = strcmp(line, "ready\n") == 0;
	}
	if (file != NULL) {
		fclose(file);
	}
	return is_ready;
}

static int connect_keeper(struct cockpit *cockpit) {
	char path[128];
	snprintf(path, sizeof(path), "%s/keeper", cockpit->runtime);
	for (unsigned waited = 0; waited < WAIT_MS; waited += 10) {
		if (has_said_ready(cockpit)) {
			cockpit->keeper = fd_connect_unix(path, SOCK_SEQPACKET);
			return cockpit->keeper < 0 ? cockpit->keeper : 0;
		}
		int status;
		if (waitpid(cockpit->run, &status, WNOHANG) == cockpit->run) {
			cockpit->run = -1;
			return -ECHILD;
		}
		sleep_ns(10 * NS_PER_MS);
	}
	return -ETIMEDOUT;
}

/* Asks the keeper; each reply's descriptors are `take`'s. */
static int ask(struct cockpit *cockpit, enum control_type type, const char *name,
	void (*take)(struct cockpit *cockpit, struct control_packet *packet)) {
	struct control_packet packet = { .message.type = type };
	snprintf(packet.message.name, sizeof(packet.message.name), "%s", name);
	int error = control_send(cockpit->keeper, &packet);
	while (error == 0) {
		int got = control_receive_wait(cockpit->keeper, &packet, WAIT_MS);
		if (got <= 0) {
			return got < 0 ? got : -EPIPE;
		}
		if (packet.message.type == CONTROL_END) {
			control_close_fds(&packet);
			return -(int)packet.message.arg[0];
		}
		take(cockpit, &packet);
		control_close_fds(&packet);
	}
	return error;
}

static void take_page(struct cockpit *cockpit, struct control_packet *packet) {
	if (packet->fds_len == 1 && cockpit->pages_len < COCKPIT_PAGES_MAX) {
		const struct stats_page *page = stats_map(packet->fds[0]);
		packet->fds_len = 0;
		if (page != NULL) {
			cockpit->pages[cockpit->pages_len++] = page;
		}
	}
}

static void take_output(struct cockpit *cockpit, struct control_packet *packet) {
	if (packet->fds_len > 0 && cockpit->output.page == NULL) {
		(void)output_reader_init(&cockpit->output, packet->fds[0]);
		packet->fds[0] = -1;
		if (packet->fds_len > 1) {
			cockpit->step = packet->fds[1];
			packet->fds[1] = -1;
		}
	}
}

static void take_safety(struct cockpit *cockpit, struct control_packet *packet) {
	if (packet->fds_len == 1 && cockpit->safety == NULL) {
		cockpit->safety = safety_page_map_reader(packet->fds[0]);
	}
}

static void take_client(struct cockpit *cockpit, struct control_packet *packet) {
	if (packet->fds_len == 1) {
		fd_close(&cockpit->compositor);
		cockpit->compositor = packet->fds[0];
		packet->fds[0] = -1;
	}
}

/* Ready when the keeper says so of every process. */
static int look_around(struct cockpit *cockpit) {
	int error = connect_keeper(cockpit);
	if (error == 0) {
		error = ask(cockpit, CONTROL_GET_STATS, "", take_page);
	}
	if (error == 0) {
		error = ask(cockpit, CONTROL_GET_OUTPUT, "", take_output);
	}
	if (error == 0) {
		error = ask(cockpit, CONTROL_GET_SAFETY, "", take_safety);
	}
	if (error == 0 && (cockpit->output.page == NULL || cockpit->safety == NULL)) {
		error = -ENODEV;
	}
	return error;
}

/* CPUWeight= of data/fascia.service, where no systemd gives it: the weight of the keeper's session among others. */
static void weigh_service(const struct cockpit *cockpit) {
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/autogroup", cockpit_pid(cockpit, "keeper"));
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!write(fd, SERVICE_NICENESS, strlen(SERVICE_NICENESS));
		close(fd);
	}
}

static int start_service(struct cockpit *cockpit) {
	cockpit->run = fork();
	if (cockpit->run == 0) {
		exec_service(cockpit);
	}
	int error = cockpit->run < 0 ? -errno : look_around(cockpit);
	if (error == 0 && cockpit->options.is_real) {
		weigh_service(cockpit);
	}
	return error;
}

static int start_guests(struct cockpit *cockpit) {
	const struct config_guest *guests = cockpit->config.guests;
	const struct config_layer *layers = cockpit->config.layers;
	const struct cluster_guest_options cluster = {
		.socket = guests[0].gpu.socket,
		.channel = guests[0].channel.enabled ? guests[0].channel.socket : NULL,
		.config = cockpit->config_fd,
		.atlas = cockpit->atlas_fd,
		.width = layers[0].place.width,
		.height = layers[0].place.height,
		.is_stepped = !cockpit->options.is_real,
	};
	struct cluster_guest_options other = cluster;
	other.socket = guests[1].gpu.socket;
	other.channel = NULL;
	other.width = layers[1].place.width;
	other.height = layers[1].place.height;
	other.is_plain = true;
	int error = cluster_guest_init(&cockpit->cluster, &cluster);
	if (error == 0) {
		error = cluster_guest_init(&cockpit->other, &other);
	}
	if (error == 0) {
		error = cluster_guest_start(&cockpit->cluster);
	}
	if (error == 0) {
		error = cluster_guest_start(&cockpit->other);
	}
	return error;
}

int cockpit_init(struct cockpit *cockpit, const struct cockpit_options *options) {
	memset(cockpit, 0, sizeof(*cockpit));
	cockpit->options = *options;
	cockpit->run = -1;
	cockpit->config_fd = cockpit->atlas_fd = cockpit->keeper = cockpit->compositor = -1;
	cockpit->step = cockpit->source.socket = cockpit->pets.fifo = cockpit->buzzes.fifo = -1;
	cockpit->cluster.pid = cockpit->other.pid = -1;
	cockpit->cluster.shared_fd = cockpit->other.shared_fd = -1;
	snprintf(cockpit->dir, sizeof(cockpit->dir), "/tmp/fascia-safety-XXXXXX");
	if (mkdtemp(cockpit->dir) == NULL) {
		return -errno;
	}
	snprintf(cockpit->yaml, sizeof(cockpit->yaml), "%s/safety.yaml", cockpit->dir);
	snprintf(cockpit->runtime, sizeof(cockpit->runtime), "%s/run", cockpit->dir);
	snprintf(cockpit->watchdog, sizeof(cockpit->watchdog), "%s/watchdog", cockpit->dir);
	snprintf(cockpit->buzzer, sizeof(cockpit->buzzer), "%s/buzzer", cockpit->dir);

	int error = compile(cockpit);
	if (error == 0) {
		error = pets_init(&cockpit->pets, cockpit->watchdog, options->is_real);
	}
	if (error == 0) {
		error = pets_init(&cockpit->buzzes, cockpit->buzzer, options->is_real);
	}
	if (error == 0) {
		error = start_service(cockpit);
	}
	if (error == 0) {
		error = observer_init(&cockpit->observer, &cockpit->output, &cockpit->config,
			&cockpit->atlas, options->is_real);
	}
	if (error == 0) {
		error = start_guests(cockpit);
	}
	if (error == 0) {
		init_values(cockpit);
		error = start_signals(cockpit);
	}
	return error != 0 ? complain(cockpit, "the cockpit did not start", error) : 0;
}

static void remove_files(const struct cockpit *cockpit) {
	char path[128];
	(void)rmdir(cockpit->runtime);
	static const char *const names[] = { "safety.yaml", "watchdog", "buzzer", "log" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", cockpit->dir, names[i]);
		(void)unlink(path);
	}
	snprintf(path, sizeof(path), "%s/lock", cockpit->runtime);
	(void)unlink(path);
	(void)rmdir(cockpit->runtime);
	(void)rmdir(cockpit->dir);
}

static void stop_service(struct cockpit *cockpit) {
	if (cockpit->run <= 0) {
		return;
	}
	kill(cockpit->run, SIGTERM);
	for (unsigned waited = 0; waited < 500; waited++) {
		if (waitpid(cockpit->run, NULL, WNOHANG) == cockpit->run) {
			cockpit->run = -1;
			return;
		}
		sleep_ns(10 * NS_PER_MS);
	}
	kill(cockpit->run, SIGKILL);
	waitpid(cockpit->run, NULL, 0);
	cockpit->run = -1;
}

void cockpit_finish(struct cockpit *cockpit) {
	stop_signals(&cockpit->source); /* it tells the cluster's guest */
	cluster_guest_finish(&cockpit->cluster);
	cluster_guest_finish(&cockpit->other);
	observer_finish(&cockpit->observer);
	lipsync_finish(&cockpit->lipsync);
	stop_service(cockpit);
	pets_finish(&cockpit->pets);
	pets_finish(&cockpit->buzzes);
	for (uint32_t i = 0; i < cockpit->pages_len; i++) {
		stats_unmap(cockpit->pages[i]);
	}
	if (cockpit->output.page != NULL) {
		output_reader_finish(&cockpit->output);
	}
	if (cockpit->safety != NULL) {
		safety_page_unmap(cockpit->safety);
	}
	if (cockpit->atlas.base != NULL) {
		atlas_unmap(&cockpit->atlas);
	}
	fd_close(&cockpit->step);
	fd_close(&cockpit->compositor);
	fd_close(&cockpit->keeper);
	fd_close(&cockpit->config_fd);
	fd_close(&cockpit->atlas_fd);
	remove_files(cockpit);
}

/* ---- time ---- */

int cockpit_step(struct cockpit *cockpit) {
	const struct output_memory_page *page = cockpit->output.page;
	uint32_t seen = atomic_load(&page->wake);
	uint64_t next = atomic_load(&page->tick) + 1, one = 1;
	if (write(cockpit->step, &one, sizeof(one)) != sizeof(one)) {
		return -errno;
	}
	while (atomic_load(&page->tick) < next) {
		if (!output_reader_wait(&cockpit->output, &seen, WAIT_MS) &&
			atomic_load(&page->tick) < next) {
			return -ETIMEDOUT;
		}
	}
	(void)observer_look(&cockpit->observer);
	return 0;
}

/* A guest that does not answer is what some faults are. */
static void draw_if_alive(struct cockpit *cockpit, struct cluster_guest *guest) {
	if (cluster_guest_is_alive(guest)) {
		atomic_store(&guest->shared->tick, atomic_load(&cockpit->output.page->tick) + 1);
		(void)cluster_guest_draw(guest);
	}
}

int cockpit_tick(struct cockpit *cockpit) {
	if (cockpit->options.is_real) {
		sleep_ns(COCKPIT_PERIOD_NS);
		return 0;
	}
	send_signals(&cockpit->source);
	if (!cockpit->is_endpoint_stopped) {
		draw_if_alive(cockpit, &cockpit->cluster);
	}
	draw_if_alive(cockpit, &cockpit->other);
	int error = cockpit_step(cockpit);
	pets_drain(&cockpit->pets);
	return error;
}

bool cockpit_wait(struct cockpit *cockpit, bool (*is_so)(struct cockpit *, const void *),
	const void *data, unsigned ticks) {
	for (unsigned i = 0; !is_so(cockpit, data); i++) {
		if (i == ticks || cockpit_tick(cockpit) != 0) {
			return false;
		}
	}
	return true;
}

/* Whether the cluster's guest is trusted with all that it draws. */
static bool is_trusted(const struct cockpit *cockpit) {
	uint32_t len = atomic_load(&cockpit->safety->regions_len);
	for (uint32_t i = 0; i < len && i < SAFETY_REGIONS; i++) {
		const struct safety_region *region = &cockpit->safety->regions[i];
		if (strcmp(region->layer, "cluster") == 0 && region->check == SAFETY_EXACT &&
			atomic_load(&region->host_drawn) != 0) {
			return false;
		}
	}
	return true;
}

static bool is_well(struct cockpit *cockpit, const void *data) {
	struct sight sight;
	uint32_t before = cockpit->seen_counter;
	if (!observer_newest(&cockpit->observer, &sight)) {
		return false;
	}
	cockpit->seen_counter = sight.counter;
	return sight.counter != before && is_trusted(cockpit) && sight.cluster == SIGHT_GUEST &&
		sight.other == SIGHT_GUEST && sight.wrong == 0 &&
		cockpit_stat(cockpit, "compositor", "output.main.state") == 2; /* normal */
}

static void revive(struct cluster_guest *guest) {
	if (!cluster_guest_is_alive(guest)) {
		(void)cluster_guest_start(guest);
	} else {
		cluster_guest_set_fault(guest, GUEST_GOOD, 0, NULL, 0);
	}
}

/* What keeps it from being well. */
static void say_state(const struct cockpit *cockpit) {
	struct sight sight = { 0 };
	struct safety_record record;
	bool has_sight = observer_newest(&cockpit->observer, &sight);
	fprintf(stderr,
		"safety: picture %" PRIu64 "%s: cluster %u, other %u, counter %u, wrong %#" PRIx64
		"; output %" PRIu64 ", cluster %" PRIu64 ", ivi %" PRIu64 "; guest's %" PRIu64 "\n",
		sight.number, has_sight ? "" : " (none)", sight.cluster, sight.other, sight.counter,
		sight.wrong, cockpit_stat(cockpit, "compositor", "output.main.state"),
		cockpit_stat(cockpit, "compositor", "layer.cluster.state"),
		cockpit_stat(cockpit, "compositor", "layer.ivi.state"),
		atomic_load(&cockpit->cluster.shared->pictures));
	uint64_t newest = cockpit_newest_record(cockpit);
	for (uint64_t n = newest > 12 ? newest - 11 : 1; n <= newest; n++) {
		if (safety_page_read(cockpit->safety, n, &record)) {
			fprintf(stderr, "safety:   tick %" PRIu64 " %s: %s -> %s: %s\n",
				record.tick, record.name, record.from, record.to,
				fault_name((enum fault_cause)record.cause));
		}
	}
}

int cockpit_recover(struct cockpit *cockpit) {
	atomic_store(&cockpit->source.is_paused, false);
	atomic_store(&cockpit->source.is_corrupt, false);
	int error = cockpit_inject(cockpit, INJECT_CLEAR, "", 0, 0);
	if (error != 0) {
		return complain(cockpit, "clearing faults", error);
	}
	revive(&cockpit->cluster);
	revive(&cockpit->other);
	for (unsigned i = 0; i < CLEAR_TICKS; i++) {
		(void)cockpit_tick(cockpit);
	}
	for (unsigned i = 0; i < RECOVER_TICKS / 60; i++) {
		error = cockpit_acknowledge(cockpit);
		if (cockpit_wait(cockpit, is_well, NULL, 60)) {
			return 0;
		}
		revive(&cockpit->cluster);
		revive(&cockpit->other);
	}
	say_state(cockpit);
	return complain(cockpit, "the cockpit does not recover", -ETIMEDOUT);
}

/* ---- sound ---- */

static void take_sink(struct cockpit *cockpit, struct control_packet *packet) {
	if (packet->fds_len == 1 && cockpit->lipsync.reader.page == NULL) {
		(void)lipsync_init(&cockpit->lipsync, packet->fds[0]);
		packet->fds[0] = -1;
	}
}

int cockpit_set_sound(struct cockpit *cockpit, bool is_on) {
	struct cluster_guest *other = &cockpit->other;
	if (!cockpit->options.is_real || is_on == (other->options.sound != NULL)) {
		return 0;
	}
	lipsync_finish(&cockpit->lipsync);
	cockpit->lipsync = (struct lipsync) { 0 };
	int error = is_on ? ask(cockpit, CONTROL_GET_SINK, "", take_sink) : 0;
	if (error == 0 && is_on && !cockpit->lipsync.has_thread) {
		error = -ENODEV;
	}
	if (error != 0) {
		return complain(cockpit, "the sound's sink", error);
	}
	cluster_guest_kill(other);
	other->options.sound = is_on ? cockpit->config.guests[1].sound.socket : NULL;
	return cockpit_recover(cockpit);
}

/* ---- what is asked for ---- */

int32_t cockpit_value(const struct cockpit *cockpit, uint32_t signal) {
	return atomic_load(&cockpit->source.values[signal]);
}

void cockpit_set_value(struct cockpit *cockpit, uint32_t signal, int32_t value) {
	atomic_store(&cockpit->source.values[signal], value);
	atomic_store(&cockpit->observer.values[signal], value);
}

/* ---- the compositor ---- */

static int request_once(struct cockpit *cockpit, const struct control_message *message) {
	if (cockpit->compositor < 0) {
		int error = ask(cockpit, CONTROL_GET_CLIENT, "compositor", take_client);
		if (error != 0) {
			return error;
		}
	}
	struct control_packet packet = { .message = *message };
	int got = control_send(cockpit->compositor, &packet);
	while (got == 0) {
		got = control_receive_wait(cockpit->compositor, &packet, WAIT_MS);
		if (got == 1 && packet.message.type == CONTROL_END) {
			if (packet.message.arg[0] != 0) {
				fprintf(stderr, "safety: %s\n", packet.message.text);
			}
			cockpit->done_ns = (uint64_t)packet.message.arg[1];
			return -(int)packet.message.arg[0];
		}
		got = got == 1 ? 0 : got < 0 ? got : -EPIPE;
	}
	return got;
}

/* The compositor may have been started again since the last request. */
static int request(struct cockpit *cockpit, const struct control_message *message) {
	int error = request_once(cockpit, message);
	for (unsigned tries = 0;
		(error == -EPIPE || error == -ECONNRESET || error == -EAGAIN) && tries < 500;
		tries++) {
		fd_close(&cockpit->compositor);
		sleep_ns(10 * NS_PER_MS);
		error = request_once(cockpit, message);
	}
	return error;
}

int cockpit_inject(struct cockpit *cockpit, enum inject_fault fault, const char *thing,
	int64_t number, int64_t ticks) {
	struct control_message message = { .type = CONTROL_INJECT, .arg = { number, ticks } };
	snprintf(message.name, sizeof(message.name), "%s", inject_fault_name(fault));
	snprintf(message.text, sizeof(message.text), "%s", thing);
	return request(cockpit, &message);
}

int cockpit_mechanism(struct cockpit *cockpit, enum mechanism mechanism, bool is_on) {
	struct control_message message = { .type = CONTROL_MECHANISM, .arg = { is_on } };
	snprintf(message.name, sizeof(message.name), "%s", mechanism_name(mechanism));
	return request(cockpit, &message);
}

int cockpit_acknowledge(struct cockpit *cockpit) {
	const struct control_message message = { .type = CONTROL_ACKNOWLEDGE };
	return request(cockpit, &message);
}

/* ---- what is seen ---- */

static const struct stats_page *find_page(const struct cockpit *cockpit, const char *process) {
	for (uint32_t i = 0; i < cockpit->pages_len; i++) {
		if (strcmp(cockpit->pages[i]->process, process) == 0) {
			return cockpit->pages[i];
		}
	}
	return NULL;
}

uint64_t cockpit_stat(const struct cockpit *cockpit, const char *process, const char *name) {
	const struct stats_page *page = find_page(cockpit, process);
	uint64_t value = 0;
	return page != NULL && stats_read_value(page, name, &value) ? value : 0;
}

pid_t cockpit_pid(const struct cockpit *cockpit, const char *process) {
	const struct stats_page *page = find_page(cockpit, process);
	return page != NULL ? (pid_t)atomic_load(&page->pid) : -1;
}

uint64_t cockpit_newest_record(const struct cockpit *cockpit) {
	return atomic_load(&cockpit->safety->newest);
}

bool cockpit_record(const struct cockpit *cockpit, uint64_t number, enum fault_cause cause,
	struct safety_record *record) {
	uint64_t newest = cockpit_newest_record(cockpit);
	for (uint64_t n = number + 1; n <= newest; n++) {
		if (safety_page_read(cockpit->safety, n, record) &&
			(cause == FAULT_NONE || record->cause == cause)) {
			return true;
		}
	}
	return false;
}

bool cockpit_element(
	const struct cockpit *cockpit, uint32_t signal, uint32_t *index, struct rect *place) {
	for (uint32_t i = 0; i < cockpit->atlas.elements_len; i++) {
		const struct atlas_element *element = &cockpit->atlas.elements[i];
		if (element->safety && element->signal == signal) {
			const struct atlas_tile *tile = &cockpit->atlas.tiles[element->first_tile];
			*index = i;
			*place = (struct rect) { tile->x, tile->y, tile->width, tile->height };
			return true;
		}
	}
	return false;
}
