/*
 * The frame of every libcheck suite: one executable per source file under test.
 *
 * A test file defines suite_under_test() and adds its cases with suite_case(); the main() that runs it
 * is in suite.c. Each test runs in a process of its own, and fails when it leaves a descriptor open
 * that it did not find open. The build refuses NDEBUG: asserts are part of the programs.
 *
 * One test alone, in a debugger: CK_FORK=no CK_RUN_CASE=name gdb build/tests/test-core-loop
 */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <check.h>

/* Defined by the test file. The suite's name is "<folder> <file>". */
Suite *suite_under_test(void);

/*
 * A case added to `suite`, with the descriptor count as its checked fixture and a hang guard far
 * above any sane duration. Owned by the suite.
 */
TCase *suite_case(Suite *suite, const char *name);

#endif
