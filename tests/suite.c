#include "tests/suite.h"

#include <assert.h>
#include <dirent.h>
#include <stdlib.h>

#ifdef NDEBUG
#error "tests are built with asserts"
#endif

/* a guard against a test that hangs, not a measure: sanitized builds on a busy machine are slow */
#define HANG_GUARD_S 300

static int fds_before;

static int open_fds_count(void) {
	DIR *dir = opendir("/proc/self/fd");
	assert(dir != NULL);

	int count = 0;
	while (readdir(dir) != NULL) {
		count++;
	}
	closedir(dir);
	return count;
}

static void count_fds_before(void) {
	fds_before = open_fds_count();
}

static void compare_fds_after(void) {
	int fds_after = open_fds_count();
	ck_assert_msg(fds_after == fds_before, "descriptors leaked: %d before, %d after",
		fds_before, fds_after);
}

TCase *suite_case(Suite *suite, const char *name) {
	TCase *tcase = tcase_create(name);
	tcase_set_timeout(tcase, HANG_GUARD_S);
	tcase_add_checked_fixture(tcase, count_fds_before, compare_fds_after);
	suite_add_tcase(suite, tcase);
	return tcase;
}

int main(void) {
	SRunner *runner = srunner_create(suite_under_test());
	/* a line per test, for those who ask which tests passed; what failed, once more at the end */
	srunner_run_all(runner, getenv("CK_VERBOSITY") == NULL ? CK_VERBOSE : CK_ENV);
	int failed = srunner_ntests_failed(runner);
	if (failed > 0) {
		srunner_print(runner, CK_NORMAL);
	}
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
