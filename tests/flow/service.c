#include "tests/flow/service.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/control.h"
#include "core/fd.h"
#include "service/runtime_lock.h"

#define LEAVE_FALLBACK_TICKS 120 /* four times what is asked for by default */

#ifndef FASCIA_PROGRAM
#error "the build names the program under test"
#endif

#define ARGUMENTS_MAX 16

/* ---- the directory ---- */

static void write_file(const char *path, const char *text) {
	FILE *file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static void make_dir(struct service *service, const char *yaml) {
	snprintf(service->dir, sizeof(service->dir), "/tmp/fascia-flow-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(service->dir));
	snprintf(service->yaml, sizeof(service->yaml), "%s/fascia.yaml", service->dir);
	snprintf(service->runtime, sizeof(service->runtime), "%s/run", service->dir);
	write_file(service->yaml, yaml);
}

/* Files and one level of directories is all there is. */
static void remove_dir(const char *path) {
	DIR *dir = opendir(path);
	if (dir == NULL) {
		return;
	}
	const struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		char name[512];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
			continue;
		}
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name) != 0 && (errno == EISDIR || errno == EPERM)) {
			remove_dir(name);
		}
	}
	closedir(dir);
	(void)rmdir(path);
}

static unsigned count_sockets(const char *path) {
	unsigned sockets = 0;
	DIR *dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	const struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		struct stat stat;
		if (fstatat(dirfd(dir), entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) == 0) {
			sockets += S_ISSOCK(stat.st_mode);
		}
	}
	closedir(dir);
	return sockets;
}

static void read_log(const struct service *service, char *text, size_t bytes) {
	char path[96];
	snprintf(path, sizeof(path), "%s/log", service->dir);
	text[0] = '\0';
	FILE *file = fopen(path, "re");
	if (file != NULL) {
		/* its end says most */
		(void)fseek(file, -(long)(bytes - 1), SEEK_END);
		text[fread(text, 1, bytes - 1, file)] = '\0';
		fclose(file);
	}
}

/* Ends the test. */
static void give_up(const struct service *service, const char *format, ...) PRINTF_LIKE(2, 3);

static void give_up(const struct service *service, const char *format, ...) {
	static char log[16384], what[256];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	read_log(service, log, sizeof(log));
	ck_abort_msg("%s; the service's log:\n%s", what, log);
}

/* ---- starting programs ---- */

/* In the child: `out` becomes its standard output, the log its standard error. */
static void exec_fascia(const struct service *service, int out, const char *libexec, char **argv) {
	char log[96];
	/* whatever becomes of the test, the service stops: in a group of its own, because the group of a
	 * test that failed is killed, and that is no way to end a service */
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	snprintf(log, sizeof(log), "%s/log", service->dir);
	int error = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (libexec != NULL) {
		(void)setenv("FASCIA_LIBEXEC", libexec, 1);
	}
	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(error, STDERR_FILENO);
	execv(FASCIA_PROGRAM, argv);
	_exit(127);
}

static pid_t start_fascia(
	const struct service *service, const char *libexec, char **argv, int *out) {
	int pair[2];
	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		exec_fascia(service, pair[1], libexec, argv);
	}
	close(pair[1]);
	*out = pair[0];
	return pid;
}

static int wait_for_exit(const struct service *service, pid_t pid) {
	for (unsigned ms = 0; ms < SERVICE_WAIT_MS; ms += 10) {
		int status;
		pid_t got = waitpid(pid, &status, WNOHANG);
		ck_assert_int_ge(got, 0);
		if (got == pid) {
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
		usleep(10000);
	}
	give_up(service, "process %d does not end", pid);
	return -1;
}

/* True: it said so. False: it ended without. */
static bool wait_for_line(const struct service *service, int out, const char *line) {
	char text[64] = "";
	size_t len = 0;
	struct pollfd wait = { .fd = out, .events = POLLIN };
	while (len < sizeof(text) - 1) {
		if (poll(&wait, 1, SERVICE_WAIT_MS) != 1) {
			give_up(service, "no '%s' in time", line);
		}
		ssize_t got = read(out, text + len, 1);
		if (got <= 0) {
			return false;
		}
		len += (size_t)got;
		if (text[len - 1] == '\n') {
			text[len - 1] = '\0';
			return strcmp(text, line) == 0;
		}
	}
	return false;
}

/* ---- talking to the keeper ---- */

static bool receive(const struct service *service, struct control_packet *packet) {
	int rc = control_receive_wait(service->client, packet, SERVICE_WAIT_MS);
	if (rc != 1) {
		give_up(service, "the keeper %s: %d",
			rc == -ETIMEDOUT ? "does not answer" : "hung up", rc);
	}
	return packet->message.type != CONTROL_END;
}

static void ask(const struct service *service, enum control_type type) {
	const struct control_packet request = { .message = { .type = type } };
	ck_assert_int_eq(control_send(service->client, &request), 0);
}

static void map_pages(struct service *service) {
	struct control_packet packet;
	ask(service, CONTROL_GET_STATS);
	while (receive(service, &packet)) {
		ck_assert_uint_eq(packet.fds_len, 1);
		ck_assert_uint_lt(service->pages_len, SERVICE_PAGES_MAX);
		service->pages[service->pages_len] = stats_map(packet.fds[0]);
		ck_assert_ptr_nonnull(service->pages[service->pages_len]);
		service->pages_len++;
	}
}

static void map_output(struct service *service) {
	struct control_packet packet;
	service->step = -1;
	ask(service, CONTROL_GET_OUTPUT);
	ck_assert(receive(service, &packet));
	ck_assert_int_eq(output_reader_init(&service->output, packet.fds[0]), 0);
	if (packet.fds_len > 1) {
		service->step = packet.fds[1];
	}
	ck_assert(!receive(service, &packet));
	service->pixels = calloc((size_t)service->output.page->width * service->output.page->height,
		sizeof(*service->pixels));
	ck_assert_ptr_nonnull(service->pixels);
}

void service_sink(const struct service *service, struct sink_reader *reader) {
	struct control_packet packet;
	ask(service, CONTROL_GET_SINK);
	ck_assert(receive(service, &packet));
	ck_assert_int_eq(sink_reader_init(reader, packet.fds[0]), 0);
	ck_assert(!receive(service, &packet));
}

/* ---- starting and stopping ---- */

static void compile(struct service *service) {
	struct config_pictures pictures;
	ck_assert(config_compile(
		service->yaml, service->runtime, &service->config, &pictures, stderr));
	config_pictures_finish(&pictures);
}

static void start_run(struct service *service, const char *libexec, bool allow_inject) {
	char *argv[] = { (char *)"fascia", (char *)"--runtime", service->runtime, (char *)"run",
		service->yaml, allow_inject ? (char *)"--allow-inject" : NULL, NULL };
	service->run = start_fascia(service, libexec, argv, &service->out);
}

static void start(
	struct service *service, const char *yaml, const char *libexec, bool allow_inject) {
	*service = (struct service) { .out = -1, .client = -1, .step = -1 };
	make_dir(service, yaml);
	compile(service);
	start_run(service, libexec, allow_inject);
	if (!wait_for_line(service, service->out, "ready")) {
		give_up(service, "the service did not start");
	}
	char path[96];
	snprintf(path, sizeof(path), "%s/keeper", service->runtime);
	service->client = fd_connect_unix(path, SOCK_SEQPACKET);
	ck_assert_int_ge(service->client, 0);
	map_pages(service);
	map_output(service);
}

void service_start(struct service *service, const char *yaml, const char *libexec) {
	start(service, yaml, libexec, false);
}

void service_start_injectable(struct service *service, const char *yaml) {
	start(service, yaml, NULL, true);
}

int service_start_bad(const char *yaml, const char *libexec, char *log, size_t log_bytes) {
	struct service service = { .out = -1, .client = -1, .step = -1 };
	make_dir(&service, yaml);
	start_run(&service, libexec, false);
	bool ready = wait_for_line(&service, service.out, "ready");
	int status = wait_for_exit(&service, service.run);
	ck_assert(!ready);
	read_log(&service, log, log_bytes);
	service_finish(&service);
	return status;
}

void service_finish(struct service *service) {
	for (unsigned i = 0; i < service->pages_len; i++) {
		stats_unmap(service->pages[i]);
	}
	if (service->output.page != NULL) {
		output_reader_finish(&service->output);
	}
	free(service->pixels);
	fd_close(&service->step);
	fd_close(&service->client);
	fd_close(&service->out);
	remove_dir(service->dir);
}

void service_stop(struct service *service) {
	ck_assert_int_eq(kill(service->run, SIGTERM), 0);
	int status = wait_for_exit(service, service->run);
	if (status != 0) {
		give_up(service, "`fascia run` ended with status %d", status);
	}
	ck_assert_uint_eq(service_processes(service), 0);
	ck_assert_uint_eq(count_sockets(service->runtime), 0);
	service_finish(service);
}

int service_command(struct service *service, char *output, size_t output_bytes, ...) {
	char *argv[ARGUMENTS_MAX] = { (char *)"fascia", (char *)"--runtime", service->runtime };
	unsigned argc = 3;
	va_list args;
	va_start(args, output_bytes);
	while ((argv[argc] = va_arg(args, char *)) != NULL) {
		argc++;
		ck_assert_uint_lt(argc, ARGUMENTS_MAX - 1);
	}
	va_end(args);

	int pair[2];
	ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(pair[1], STDOUT_FILENO);
		(void)dup2(pair[1], STDERR_FILENO);
		execv(FASCIA_PROGRAM, argv);
		_exit(127);
	}
	close(pair[1]);
	size_t len = 0;
	ssize_t got;
	char rest[256];
	while ((got = len < output_bytes - 1 ? read(pair[0], output + len, output_bytes - 1 - len)
					     : read(pair[0], rest, sizeof(rest))) > 0) {
		len += len < output_bytes - 1 ? (size_t)got : 0;
	}
	output[len] = '\0';
	close(pair[0]);
	return wait_for_exit(service, pid);
}

pid_t service_command_start(
	struct service *service, int *out, const char *line, const char *const *words) {
	char *argv[ARGUMENTS_MAX] = { (char *)"fascia", (char *)"--runtime", service->runtime };
	for (unsigned i = 0; words[i] != NULL; i++) {
		ck_assert_uint_lt(i + 4, ARGUMENTS_MAX);
		argv[i + 3] = (char *)words[i];
	}
	pid_t pid = start_fascia(service, NULL, argv, out);
	if (line != NULL && !wait_for_line(service, *out, line)) {
		give_up(service, "fascia %s did not say '%s'", words[0], line);
	}
	return pid;
}

int service_command_wait(const struct service *service, pid_t pid, int *out) {
	int status = wait_for_exit(service, pid);
	fd_close(out);
	return status;
}

/* ---- looking ---- */

static const struct stats_page *find_page(const struct service *service, const char *process) {
	for (unsigned i = 0; i < service->pages_len; i++) {
		if (strcmp(service->pages[i]->process, process) == 0) {
			return service->pages[i];
		}
	}
	give_up(service, "there is no process '%s'", process);
	return NULL;
}

pid_t service_pid(const struct service *service, const char *process) {
	return (pid_t)atomic_load(&find_page(service, process)->pid);
}

/* A process may add an entry late. */
static const struct stats_entry *find_entry(
	const struct service *service, const char *process, const char *name) {
	const struct stats_page *page = find_page(service, process);
	for (unsigned ms = 0; ms < SERVICE_WAIT_MS; ms++) {
		for (uint32_t i = 0; i < atomic_load(&page->entries_len); i++) {
			if (strcmp(page->entries[i].name, name) == 0) {
				return &page->entries[i];
			}
		}
		usleep(1000);
	}
	give_up(service, "%s counts no '%s'", process, name);
	return NULL;
}

uint64_t service_value(const struct service *service, const char *process, const char *name) {
	return atomic_load(&find_entry(service, process, name)->value);
}

static void wait_value(const struct service *service, const char *process, const char *name,
	uint64_t value, bool exactly) {
	const struct stats_entry *entry = find_entry(service, process, name);
	for (unsigned ms = 0; ms < SERVICE_WAIT_MS; ms++) {
		uint64_t now = atomic_load(&entry->value);
		if (now == value || (!exactly && now > value)) {
			return;
		}
		usleep(1000);
	}
	give_up(service, "%s: %s stays %llu, not %llu", process, name,
		(unsigned long long)atomic_load(&entry->value), (unsigned long long)value);
}

void service_wait_at_least(
	const struct service *service, const char *process, const char *name, uint64_t value) {
	wait_value(service, process, name, value, false);
}

void service_wait_is(
	const struct service *service, const char *process, const char *name, uint64_t value) {
	wait_value(service, process, name, value, true);
}

void service_wait_starts(const struct service *service, const char *process, uint64_t starts) {
	char name[64];
	snprintf(name, sizeof(name), "process.%s.starts", process);
	wait_value(service, "keeper", name, starts, true);
	snprintf(name, sizeof(name), "process.%s.state", process);
	wait_value(service, "keeper", name, 2, true); /* running */
}

void service_step(struct service *service, uint64_t ticks) {
	const struct output_memory_page *page = service->output.page;
	for (; ticks > 0; ticks--) {
		uint32_t seen = atomic_load(&page->wake);
		uint64_t next = atomic_load(&page->tick) + 1;
		uint64_t one = 1;
		ck_assert_int_eq(write(service->step, &one, sizeof(one)), sizeof(one));
		while (atomic_load(&page->tick) < next) {
			if (!output_reader_wait(&service->output, &seen, SERVICE_WAIT_MS) &&
				atomic_load(&page->tick) < next) {
				give_up(service, "the compositor does not tick");
			}
		}
	}
}

void service_leave_fallback(struct service *service) {
	const uint64_t fallback = 1; /* "init|fallback|normal|degraded|safe" */
	for (unsigned tick = 0; tick < LEAVE_FALLBACK_TICKS; tick++) {
		if (service_value(service, "compositor", "output.main.state") != fallback) {
			return;
		}
		service_step(service, 1);
	}
	give_up(service, "the fallback does not end");
}

const uint32_t *service_picture(struct service *service) {
	ck_assert_int_gt(output_reader_copy(&service->output, service->pixels), 0);
	return service->pixels;
}

static unsigned count_entries(pid_t pid, const char *what) {
	char path[64];
	unsigned count = 0;
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	DIR *dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL) {
		count++;
	}
	closedir(dir);
	return count - 2; /* . and .. */
}

/* Mappings of files, memory files among them: anonymous ones are the allocator's business. */
static unsigned count_file_maps(pid_t pid) {
	char path[64], line[512];
	unsigned count = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		count += strchr(line, '/') != NULL;
	}
	fclose(file);
	return count;
}

struct service_holdings service_holdings(pid_t pid) {
	return (struct service_holdings) {
		.fds = count_entries(pid, "fd"),
		.maps = count_file_maps(pid),
	};
}

uint64_t service_private_bytes(pid_t pid) {
	char path[64], line[512];
	uint64_t kib = 0;
	bool shared_file = false;
	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		unsigned long from, to;
		char mode[8];
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3) {
			shared_file = mode[3] == 's';
		} else if (!shared_file && strncmp(line, "Private_", 8) == 0) {
			kib += strtoull(strchr(line, ':') + 1, NULL, 10);
		}
	}
	fclose(file);
	return kib << 10;
}

size_t service_processes(const struct service *service) {
	pid_t pids[64];
	return runtime_lock_holders(service->runtime, pids, 64);
}
