#include "audio/stream_state.h"
#include "tests/suite.h"

/* The specification's table, said a second time: -1 is refused. */
static const int expected[STREAM_STATES][STREAM_COMMANDS] = {
	/*                   SET_PARAMS     PREPARE          START           STOP            RELEASE */
	[STREAM_INITIAL] = { STREAM_PARAMS, -1, -1, -1, -1 },
	[STREAM_PARAMS] = { STREAM_PARAMS, STREAM_PREPARED, -1, -1, -1 },
	[STREAM_PREPARED] = { STREAM_PARAMS, STREAM_PREPARED, STREAM_RUNNING, -1, STREAM_RELEASED },
	[STREAM_RUNNING] = { -1, -1, -1, STREAM_STOPPED, -1 },
	[STREAM_STOPPED] = { -1, -1, STREAM_RUNNING, -1, STREAM_RELEASED },
	[STREAM_RELEASED] = { STREAM_PARAMS, STREAM_PREPARED, -1, -1, -1 },
};

START_TEST(every_command_in_every_state) {
	for (unsigned state = 0; state < STREAM_STATES; state++) {
		for (unsigned command = 0; command < STREAM_COMMANDS; command++) {
			enum stream_state next = (enum stream_state)state;
			bool allowed = stream_state_next(
				(enum stream_state)state, (enum stream_command)command, &next);
			int want = expected[state][command];
			ck_assert_msg(
				allowed == (want >= 0), "state %u command %u", state, command);
			ck_assert_int_eq((int)next, want >= 0 ? want : (int)state);
		}
	}
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("audio stream_state");
	tcase_add_test(suite_case(suite, "stream_state"), every_command_in_every_state);
	return suite;
}
