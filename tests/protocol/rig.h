/*
 * Front-end and back-end in one thread: RAM, a VMM's device, a session with an echo device behind it,
 * and the loop that both wait with.
 */
#ifndef TESTS_PROTOCOL_RIG_H
#define TESTS_PROTOCOL_RIG_H

#include "core/loop.h"
#include "core/stats.h"
#include "tests/protocol/echo_device.h"
#include "tests/vmm/vmm.h"

struct rig {
	struct loop *loop;
	struct stats stats;
	struct vmm_ram ram;
	struct echo_device echo;
	struct vmm_device device;
};

struct rig_options {
	const struct vhost_device_impl *impl; /* NULL: echo_impl */
	struct vmm_ram_options ram; /* bytes 0: 4 MiB */
	struct vmm_device_options device; /* its pump is the rig's; queue_size 0: 16 */
};

/* Connected and negotiated. Aborts the test on failure. */
void rig_init(struct rig *rig, const struct rig_options *options);
/* And started. */
void rig_init_started(struct rig *rig, const struct rig_options *options);
/* Connected; not one message was sent. */
void rig_init_bare(struct rig *rig, const struct rig_options *options);
void rig_finish(struct rig *rig);

/* Runs the loop until nothing is left to do. */
void rig_settle(struct rig *rig);

/* One request on queue 0 that must come back. */
void rig_expect_echo(struct rig *rig);
/* The session is over, with this error. */
void rig_expect_end(struct rig *rig, int error);
/* The session answers, and has sent nothing before this answer. */
void rig_expect_alive(struct rig *rig);

#endif
