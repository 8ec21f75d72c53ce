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

/* Connected and negotiated. Fields of `options` but the pump are used. Aborts the test on failure. */
void rig_init(
	struct rig *rig, const struct vmm_ram_options *ram, struct vmm_device_options options);
/* Connected; not one message was sent. */
void rig_init_bare(struct rig *rig, const struct vmm_ram_options *ram);
void rig_finish(struct rig *rig);

/* Runs the loop until nothing is left to do. */
void rig_settle(struct rig *rig);

#endif
