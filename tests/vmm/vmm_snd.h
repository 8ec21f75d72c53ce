/*
 * The driver's side of a VIRTIO sound device: requests, and periods on their way there and back. Says
 * on the queues what Linux says (header, PCM and status of a period in descriptors of their own), and
 * gives access to the parts for tests that want to say something else.
 *
 *      vmm_snd_attach / vmm_device_start
 *      vmm_snd_set_params, vmm_snd_command(PREPARE), vmm_snd_send..., vmm_snd_command(START)
 *      vmm_snd_take: what was completed
 *
 * The device is reached over a vmm_device with four queues; results as there.
 *
 * Thread: one per device.
 */
#ifndef TESTS_VMM_VMM_SND_H
#define TESTS_VMM_VMM_SND_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/vmm/vmm.h"

#define VMM_SND_SLOTS 64

/* The same numbers as in protocol/virtio_snd.h, written down a second time on purpose. */
enum vmm_snd_code {
	VMM_SND_JACK_INFO = 0x0001,
	VMM_SND_PCM_INFO = 0x0100,
	VMM_SND_SET_PARAMS = 0x0101,
	VMM_SND_PREPARE = 0x0102,
	VMM_SND_RELEASE = 0x0103,
	VMM_SND_START = 0x0104,
	VMM_SND_STOP = 0x0105,
	VMM_SND_CHMAP_INFO = 0x0200,
};

enum vmm_snd_status {
	VMM_SND_NONE = 0, /* nothing was written */
	VMM_SND_OK = 0x8000,
	VMM_SND_BAD_MSG = 0x8001,
	VMM_SND_NOT_SUPP = 0x8002,
	VMM_SND_IO_ERR = 0x8003,
};

enum vmm_snd_queue { VMM_SND_CONTROL, VMM_SND_EVENT, VMM_SND_TX, VMM_SND_RX };

struct vmm_snd_params {
	uint32_t buffer_bytes, period_bytes, features;
	uint8_t channels, format, rate;
};

struct vmm_snd_slot {
	uint64_t address;  /* of header (4), data (slot_bytes), status (8), in guest memory */
	bool is_busy;
	uint16_t head;     /* while busy */
	uint64_t cookie;
};

struct vmm_snd {
	struct vmm_device device;
	uint32_t slot_bytes;
	struct vmm_snd_slot slots[VMM_SND_SLOTS];
};

struct vmm_snd_done {
	uint64_t cookie;
	uint32_t status;
	uint32_t latency_bytes;
	uint32_t used_bytes;
};

/* Takes over `socket`. Periods may have up to `slot_bytes` bytes. Queues are filled in. */
int vmm_snd_attach(struct vmm_snd *snd, struct vmm_ram *ram, int socket,
	struct vmm_device_options options, uint32_t slot_bytes);
int vmm_snd_connect(struct vmm_snd *snd, struct vmm_ram *ram, const char *path,
	struct vmm_device_options options, uint32_t slot_bytes);
void vmm_snd_close(struct vmm_snd *snd);

/* Requests: the status answered, or VMM_SND_NONE. */
uint32_t vmm_snd_set_params(
	struct vmm_snd *snd, uint32_t stream, const struct vmm_snd_params *params);
uint32_t vmm_snd_command(struct vmm_snd *snd, enum vmm_snd_code code, uint32_t stream);
/* *_INFO: `items` gets count * item_bytes. */
uint32_t vmm_snd_info(struct vmm_snd *snd, enum vmm_snd_code code, uint32_t start, uint32_t count,
	uint32_t item_bytes, void *items);

/* Queues a period and kicks. -ENOSPC: no slot or no descriptors. `cookie` comes back when it is done. */
int vmm_snd_send(
	struct vmm_snd *snd, uint32_t stream, const void *pcm, uint32_t bytes, uint64_t cookie);
/* Where a period that is queued lies, for drivers that fill it later; NULL: done or never queued. */
void *vmm_snd_pending(struct vmm_snd *snd, uint64_t cookie);
/* The next completed period: true and *done, or false. */
bool vmm_snd_take(struct vmm_snd *snd, struct vmm_snd_done *done);
/* Periods queued and not taken. */
unsigned vmm_snd_in_flight(const struct vmm_snd *snd);

#endif
