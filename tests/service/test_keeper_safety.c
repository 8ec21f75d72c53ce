#include "service/keeper_safety.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "core/safety_page.h"
#include "tests/suite.h"
#include "tests/support/fault.h"

static char dir[] = "/tmp/fascia-keeper_safety-XXXXXX";
static struct config config;
static struct safety_store store;

static char *path_of(const char *name) {
	static char path[CONFIG_PATH_BYTES];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void make(void) {
	snprintf(dir, sizeof(dir), "%s", "/tmp/fascia-keeper_safety-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	config = (struct config) { 0 };
	snprintf(config.runtime_dir, sizeof(config.runtime_dir), "%s", dir);
	config.safety.pet_ms = 50;
	unsetenv("NOTIFY_SOCKET");
	safety_store_clear(&store);
}

static void unmake(void) {
	static const char *const names[] = { "signals", "dog", "buzzer", "notify" };
	safety_store_finish(&store, &config);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)unlink(path_of(names[i]));
	}
	ck_assert_int_eq(rmdir(dir), 0);
}

static void set_watchdog(enum config_watchdog_kind kind, const char *path) {
	config.safety.watchdog = kind;
	snprintf(config.safety.watchdog_path, sizeof(config.safety.watchdog_path), "%s", path);
}

static void make_file(const char *path) {
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static size_t read_file(const char *path, char text[32]) {
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ssize_t len = read(fd, text, 32);
	close(fd);
	ck_assert_int_ge(len, 0);
	return (size_t)len;
}

START_TEST(only_the_page_when_nothing_is_configured) {
	ck_assert_int_eq(safety_store_init(&store, &config), 0);
	const struct safety_page *page = safety_page_map_reader(store.page);
	/* nobody has written it yet */
	ck_assert_ptr_null(page);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(store.signals, -1);
	ck_assert_int_eq(store.cues[0], -1);
	ck_assert_int_eq(store.watchdog, -1);
	ck_assert_int_eq(store.buzzer, -1);
}
END_TEST

static int connect_to(const char *path, int type) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

START_TEST(signals_come_in) {
	struct stat stat;
	char text[8];
	config.safety.signals = 1;
	/* one that an earlier keeper could not remove is in nobody's way */
	make_file(path_of("signals"));
	ck_assert_int_eq(safety_store_init(&store, &config), 0);
	ck_assert_int_eq(lstat(path_of("signals"), &stat), 0);
	ck_assert_uint_eq(stat.st_mode, S_IFSOCK | S_IRUSR | S_IWUSR);
	int sender = connect_to(path_of("signals"), SOCK_DGRAM);
	ck_assert_int_eq(send(sender, "speed", 5, 0), 5);
	ck_assert_int_eq(recv(store.signals, text, sizeof(text), 0), 5);
	/* whoever drains it must not wait */
	ck_assert_int_eq(recv(store.signals, text, sizeof(text), 0), -1);
	ck_assert_int_eq(errno, EAGAIN);
	close(sender);
	safety_store_finish(&store, &config);
	ck_assert_int_eq(lstat(path_of("signals"), &stat), -1);
}
END_TEST

START_TEST(chimes_have_cues) {
	config.safety.signals = config.safety.chimes = 1;
	ck_assert_int_eq(safety_store_init(&store, &config), 0);
	ck_assert_int_ge(store.cues[CUE_REQUESTS], 0);
	ck_assert_int_ge(store.cues[CUE_ANSWERS], 0);
}
END_TEST

/* A device is told of an orderly end; a file only ever says when it was petted. */
static const struct {
	enum config_watchdog_kind kind;
	const char *content;
} ends[] = {
	{ CONFIG_WATCHDOG_DEVICE, ".V" },
	{ CONFIG_WATCHDOG_FILE, "." },
};

START_TEST(watchdog_ends) {
	char text[32];
	make_file(path_of("dog"));
	set_watchdog(ends[_i].kind, path_of("dog"));
	ck_assert_int_eq(safety_store_init(&store, &config), 0);
	ck_assert_int_eq(write(store.watchdog, ".", 1), 1);
	safety_store_finish(&store, &config);
	size_t len = read_file(path_of("dog"), text);
	ck_assert_uint_eq(len, strlen(ends[_i].content));
	ck_assert_mem_eq(text, ends[_i].content, len);
}
END_TEST

START_TEST(watchdog_file_is_made_device_is_not) {
	set_watchdog(CONFIG_WATCHDOG_DEVICE, path_of("dog"));
	ck_assert_int_eq(safety_store_init(&store, &config), -ENOENT);
	safety_store_finish(&store, &config);
	set_watchdog(CONFIG_WATCHDOG_FILE, path_of("dog"));
	ck_assert_int_eq(safety_store_init(&store, &config), 0);
	ck_assert_int_ge(store.watchdog, 0);
}
END_TEST

/* systemd's socket, by path or in the abstract name space. */
START_TEST(watchdog_of_systemd) {
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char text[32], name[sizeof(address.sun_path)];
	snprintf(name, sizeof(name), "%s", path_of("notify"));
	size_t len = strlen(name);
	if (_i == 1) {
		name[0] = '@';
	}
	memcpy(address.sun_path, name, len);
	if (_i == 1) {
		address.sun_path[0] = '\0';
	}
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, bytes), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	set_watchdog(CONFIG_WATCHDOG_SYSTEMD, "");
	ck_assert_int_eq(safety_store_init(&store, &config), 0);
	ck_assert_int_eq(send(store.watchdog, "WATCHDOG=1", 10, 0), 10);
	ck_assert_int_eq(recv(fd, text, sizeof(text), 0), 10);
	ck_assert_mem_eq(text, "WATCHDOG=1", 10);
	close(fd);
}
END_TEST

static const struct {
	const char *name;
	const char *value; /* of NOTIFY_SOCKET */
	int error;
} notifies[] = {
	{ "none", NULL, -ENOENT },
	{ "empty", "", -ENOENT },
	{ "only the mark", "@", -ENOENT },
	{ "relative", "notify", -ENOENT },
	{ "nobody there", "/nowhere/notify", -ENOENT },
	{ "too long",
		"/23456789012345678901234567890123456789012345678901234567890123456789012345678901"
		"2345678901234567890123456789",
		-ENOENT },
};

START_TEST(watchdog_of_no_systemd) {
	if (notifies[_i].value != NULL) {
		ck_assert_int_eq(setenv("NOTIFY_SOCKET", notifies[_i].value, 1), 0);
	}
	set_watchdog(CONFIG_WATCHDOG_SYSTEMD, "");
	ck_assert_int_eq(safety_store_init(&store, &config), notifies[_i].error);
	ck_assert_int_eq(store.watchdog, notifies[_i].error);
	store.watchdog = -1;
}
END_TEST

/* It can be opened before anybody listens to it. */
START_TEST(buzzer_may_be_a_fifo) {
	snprintf(config.safety.buzzer_path, sizeof(config.safety.buzzer_path), "%s",
		path_of("buzzer"));
	ck_assert_int_eq(safety_store_init(&store, &config), -ENOENT);
	safety_store_finish(&store, &config);
	ck_assert_int_eq(mkfifo(path_of("buzzer"), 0600), 0);
	ck_assert_int_eq(safety_store_init(&store, &config), 0);
	int reader = open(path_of("buzzer"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char text[32];
	ck_assert_int_eq(write(store.buzzer, "1", 1), 1);
	ck_assert_int_eq(read(reader, text, sizeof(text)), 1);
	close(reader);
}
END_TEST

START_TEST(fails_clean) {
	config.safety.signals = config.safety.chimes = 1;
	set_watchdog(CONFIG_WATCHDOG_FILE, path_of("dog"));
	unsigned failures = 0;
	for (unsigned nth = 1;; nth++) {
		fault_at(nth);
		int error = safety_store_init(&store, &config);
		fault_off();
		if (error == 0) {
			break;
		}
		failures++;
		ck_assert_int_lt(error, 0);
		safety_store_finish(&store, &config);
	}
	ck_assert_uint_gt(failures, 0);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service keeper_safety");
	TCase *tcase = suite_case(suite, "store");
	tcase_add_checked_fixture(tcase, make, unmake);
	tcase_add_test(tcase, only_the_page_when_nothing_is_configured);
	tcase_add_test(tcase, signals_come_in);
	tcase_add_test(tcase, chimes_have_cues);
	tcase_add_loop_test(tcase, watchdog_ends, 0, ARRAY_LEN(ends));
	tcase_add_test(tcase, watchdog_file_is_made_device_is_not);
	tcase_add_loop_test(tcase, watchdog_of_systemd, 0, 2);
	tcase_add_loop_test(tcase, watchdog_of_no_systemd, 0, ARRAY_LEN(notifies));
	tcase_add_test(tcase, buzzer_may_be_a_fifo);
	tcase_add_test(tcase, fails_clean);
	return suite;
}
