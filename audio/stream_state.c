#include "audio/stream_state.h"

#include <assert.h>

/* One more than the state, so that a row not written is a refusal. */
#define TO(state) (1 + STREAM_##state)

static const unsigned char moves[STREAM_STATES][STREAM_COMMANDS] = {
	[STREAM_INITIAL] = {
		[STREAM_SET_PARAMS] = TO(PARAMS),
	},
	[STREAM_PARAMS] = {
		[STREAM_SET_PARAMS] = TO(PARAMS),
		[STREAM_PREPARE] = TO(PREPARED),
	},
	[STREAM_PREPARED] = {
		[STREAM_SET_PARAMS] = TO(PARAMS),
		[STREAM_PREPARE] = TO(PREPARED),
		[STREAM_START] = TO(RUNNING),
		[STREAM_RELEASE] = TO(RELEASED),
	},
	[STREAM_RUNNING] = {
		[STREAM_STOP] = TO(STOPPED),
	},
	[STREAM_STOPPED] = {
		[STREAM_START] = TO(RUNNING),
		[STREAM_RELEASE] = TO(RELEASED),
	},
	[STREAM_RELEASED] = {
		[STREAM_SET_PARAMS] = TO(PARAMS),
		[STREAM_PREPARE] = TO(PREPARED),
	},
};

bool stream_state_next(
	enum stream_state state, enum stream_command command, enum stream_state *next) {
	assert(state < STREAM_STATES && command < STREAM_COMMANDS);
	unsigned char move = moves[state][command];
	if (move == 0) {
		return false;
	}
	*next = (enum stream_state)(move - 1);
	return true;
}
