#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "core/fd.h"
#include "service/keeper.h"

/* arg[0] of CONTROL_PEER */
enum { PEER_FRAME_LINK, PEER_SAMPLE_LINK };

static int grant_fds(struct child *child, enum control_type type, uint32_t index, const char *name,
	const int *fds, size_t fds_len) {
	struct control_packet packet = { .message = { .type = type, .index = index } };
	snprintf(packet.message.name, sizeof(packet.message.name), "%s", name);
	for (size_t i = 0; i < fds_len; i++) {
		packet.fds[i] = fds[i];
	}
	packet.fds_len = fds_len;
	return child_send(child, &packet);
}

static int grant_link(struct child *child, enum control_type type, uint32_t guest, const char *name,
	const int link[LINK_FDS], enum link_side side) {
	int granted[LINK_FDS];
	int error = link_grant_fds(link, side, granted);
	if (error != 0) {
		return error;
	}
	error = grant_fds(child, type, guest, name, granted, LINK_FDS);
	for (unsigned i = 0; i < LINK_FDS; i++) {
		fd_close(&granted[i]);
	}
	return error;
}

static bool is_endpoint(const struct child *child) {
	return child->role == CHILD_GPU || child->role == CHILD_SOUND;
}

static enum child_role consumer_role(enum child_role endpoint) {
	return endpoint == CHILD_GPU ? CHILD_COMPOSITOR : CHILD_MIXER;
}

static int grant_peer(struct child *child, const struct child *peer) {
	const struct child *endpoint = is_endpoint(child) ? child : peer;
	if (!child_is_alive(peer)) {
		return 0;
	}
	struct control_packet packet = {
		.message = {
			.type = CONTROL_PEER,
			.index = endpoint->guest,
			.arg = { endpoint->role == CHILD_GPU ? PEER_FRAME_LINK : PEER_SAMPLE_LINK },
		},
		.fds = { peer->pidfd },
		.fds_len = 1,
	};
	snprintf(packet.message.name, sizeof(packet.message.name), "%s", peer->name);
	return child_send(child, &packet);
}

static int grant_outputs(struct keeper *keeper, struct child *child) {
	const struct config *config = keeper->store.config;
	int error = 0;
	for (unsigned i = 0; error == 0 && i < config->outputs_len; i++) {
		int fds[2] = { keeper->store.output[i], keeper->store.step[i] };
		error = grant_fds(child, CONTROL_OUTPUT, i, config->outputs[i].name, fds,
			fds[1] >= 0 ? 2 : 1);
	}
	return error;
}

/* Nobody else tells a consumer that starts now. */
static int end_peer(struct keeper *keeper, const struct child *endpoint) {
	const struct store_guest *guest = &keeper->store.guests[endpoint->guest];
	return link_end_peer(endpoint->role == CHILD_GPU ? guest->frame_link : guest->sample_link);
}

/* A consumer's links, and who is at their other ends already. */
static int grant_consumer_links(struct keeper *keeper, struct child *child) {
	const struct config *config = keeper->store.config;
	int error = 0;
	for (unsigned i = 0; error == 0 && i < config->guests_len; i++) {
		const struct store_guest *guest = &keeper->store.guests[i];
		bool frames = child->role == CHILD_COMPOSITOR;
		const int *link = frames ? guest->frame_link : guest->sample_link;
		if (link[0] >= 0) {
			error = grant_link(child, frames ? CONTROL_FRAME_LINK : CONTROL_SAMPLE_LINK,
				i, config->guests[i].name, link, LINK_CONSUMER);
		}
	}
	for (unsigned i = 0; error == 0 && i < keeper->children_len; i++) {
		const struct child *peer = &keeper->children[i];
		if (!is_endpoint(peer) || consumer_role(peer->role) != child->role) {
			continue;
		}
		error = child_is_alive(peer) ? grant_peer(child, peer) : end_peer(keeper, peer);
	}
	return error;
}

static int grant_cues(struct child *child, const int cues[CUE_FDS]) {
	int granted[CUE_FDS];
	if (cues[0] < 0) {
		return 0;
	}
	int error = cue_grant_fds(cues, child->role == CHILD_MIXER, granted);
	if (error != 0) {
		return error;
	}
	error = grant_fds(child, CONTROL_CUES, 0, "", granted, CUE_FDS);
	for (unsigned i = 0; i < CUE_FDS; i++) {
		fd_close(&granted[i]);
	}
	return error;
}

/* One descriptor, when there is one. */
static int grant_optional(struct child *child, enum control_type type, int fd) {
	return fd >= 0 ? grant_fds(child, type, 0, "", &fd, 1) : 0;
}

static int grant_watchdog(struct keeper *keeper, struct child *child) {
	struct control_packet packet = {
		.message = {
			.type = CONTROL_WATCHDOG,
			.arg = { keeper->store.config->safety.watchdog },
		},
		.fds = { keeper->store.safety.watchdog },
		.fds_len = 1,
	};
	return packet.fds[0] >= 0 ? child_send(child, &packet) : 0;
}

static int grant_safety(struct keeper *keeper, struct child *child) {
	const struct safety_store *safety = &keeper->store.safety;
	int error = grant_optional(child, CONTROL_SAFETY, safety->page);
	if (error == 0) {
		error = grant_optional(child, CONTROL_SIGNALS, safety->signals);
	}
	if (error == 0) {
		error = grant_cues(child, safety->cues);
	}
	if (error == 0) {
		error = grant_optional(child, CONTROL_BUZZER, safety->buzzer);
	}
	return error != 0 ? error : grant_watchdog(keeper, child);
}

static int grant_compositor(struct keeper *keeper, struct child *child) {
	int error = grant_fds(child, CONTROL_ATLAS, 0, "", &keeper->store.atlas_fd, 1);
	if (error == 0) {
		error = grant_outputs(keeper, child);
	}
	if (error == 0) {
		error = grant_safety(keeper, child);
	}
	return error != 0 ? error : grant_consumer_links(keeper, child);
}

static int grant_mixer(struct keeper *keeper, struct child *child) {
	int error = 0;
	if (keeper->store.sink >= 0) {
		error = grant_fds(child, CONTROL_SINK, 0, "", &keeper->store.sink, 1);
	}
	if (error == 0) {
		error = grant_cues(child, keeper->store.safety.cues);
	}
	if (error == 0) {
		error = grant_optional(child, CONTROL_CHIMES, keeper->store.chimes_fd);
	}
	return error != 0 ? error : grant_consumer_links(keeper, child);
}

static int grant_endpoint(struct keeper *keeper, struct child *child) {
	const struct store_guest *guest = &keeper->store.guests[child->guest];
	const char *name = keeper->store.config->guests[child->guest].name;
	bool frames = child->role == CHILD_GPU;
	const int *listener = frames ? &guest->gpu_listener : &guest->sound_listener;

	int error = grant_fds(child, CONTROL_LISTENER, child->guest, name, listener, 1);
	if (error == 0) {
		error = grant_link(child, frames ? CONTROL_FRAME_LINK : CONTROL_SAMPLE_LINK,
			child->guest, name, frames ? guest->frame_link : guest->sample_link,
			LINK_PRODUCER);
	}
	if (error == 0 && frames && guest->channel_listener >= 0) {
		error = grant_fds(
			child, CONTROL_CHANNEL, child->guest, name, &guest->channel_listener, 1);
	}
	struct child *consumer = keeper_find_child(keeper, consumer_role(child->role), 0);
	if (error == 0 && consumer != NULL) {
		error = grant_peer(child, consumer);
	}
	return error;
}

int keeper_grant(struct keeper *keeper, struct child *child) {
	static int (*const grants[])(struct keeper *, struct child *) = {
		[CHILD_COMPOSITOR] = grant_compositor,
		[CHILD_MIXER] = grant_mixer,
		[CHILD_GPU] = grant_endpoint,
		[CHILD_SOUND] = grant_endpoint,
	};
	int error = grant_fds(
		child, CONTROL_CONFIG, child->guest, child->name, &keeper->store.config_fd, 1);
	if (error == 0) {
		error = grant_fds(child, CONTROL_STATS, 0, child->name, &child->stats_fd, 1);
	}
	if (error == 0) {
		error = grants[child->role](keeper, child);
	}
	return error != 0 ? error : grant_fds(child, CONTROL_START, 0, "", NULL, 0);
}

void keeper_announce(struct keeper *keeper, const struct child *child) {
	for (unsigned i = 0; i < keeper->children_len; i++) {
		struct child *peer = &keeper->children[i];
		bool linked = is_endpoint(child)
			? consumer_role(child->role) == peer->role
			: is_endpoint(peer) && consumer_role(peer->role) == child->role;
		if (linked && child_is_alive(peer)) {
			(void)grant_peer(peer, child);
		}
	}
}
