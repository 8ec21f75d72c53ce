#include "tests/vmm/vmm_snd.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define HEADER_BYTES 4
#define STATUS_BYTES 8
#define ANSWER_BYTES_MAX 4096

static int slots_init(struct vmm_snd *snd) {
	for (unsigned i = 0; i < VMM_SND_SLOTS; i++) {
		snd->slots[i].address = vmm_ram_alloc(
			snd->device.ram, HEADER_BYTES + snd->slot_bytes + STATUS_BYTES, 16);
		if (snd->slots[i].address == 0) {
			return -ENOMEM;
		}
	}
	return 0;
}

static struct vmm_device_options with_queues(struct vmm_device_options options) {
	options.queues_len = 4;
	options.queue_size = options.queue_size == 0 ? 256 : options.queue_size;
	return options;
}

int vmm_snd_attach(struct vmm_snd *snd, struct vmm_ram *ram, int socket,
	struct vmm_device_options options, uint32_t slot_bytes) {
	memset(snd, 0, sizeof(*snd));
	snd->slot_bytes = slot_bytes;
	options = with_queues(options);
	int error = vmm_device_attach(&snd->device, ram, socket, &options);
	return error < 0 ? error : slots_init(snd);
}

int vmm_snd_connect(struct vmm_snd *snd, struct vmm_ram *ram, const char *path,
	struct vmm_device_options options, uint32_t slot_bytes) {
	memset(snd, 0, sizeof(*snd));
	snd->slot_bytes = slot_bytes;
	options = with_queues(options);
	int error = vmm_device_connect(&snd->device, ram, path, &options);
	return error < 0 ? error : slots_init(snd);
}

void vmm_snd_close(struct vmm_snd *snd) {
	vmm_device_close(&snd->device);
}

static uint32_t request(
	struct vmm_snd *snd, const void *data, size_t bytes, void *items, size_t items_bytes) {
	uint8_t answer[ANSWER_BYTES_MAX] = { 0 };
	uint32_t used = 0;
	if (4 + items_bytes > sizeof(answer) ||
		vmm_request(&snd->device, VMM_SND_CONTROL, data, bytes, answer, 4 + items_bytes,
			&used) < 0 ||
		used < 4) {
		return VMM_SND_NONE;
	}
	uint32_t status;
	memcpy(&status, answer, sizeof(status));
	if (items_bytes > 0) {
		memcpy(items, answer + 4, items_bytes);
	}
	return le32toh(status);
}

uint32_t vmm_snd_set_params(
	struct vmm_snd *snd, uint32_t stream, const struct vmm_snd_params *params) {
	struct {
		uint32_t code, stream, buffer_bytes, period_bytes, features;
		uint8_t channels, format, rate, padding;
	} wire = {
		htole32(VMM_SND_SET_PARAMS),
		htole32(stream),
		htole32(params->buffer_bytes),
		htole32(params->period_bytes),
		htole32(params->features),
		params->channels,
		params->format,
		params->rate,
		0,
	};
	return request(snd, &wire, sizeof(wire), NULL, 0);
}

uint32_t vmm_snd_command(struct vmm_snd *snd, enum vmm_snd_code code, uint32_t stream) {
	uint32_t wire[] = { htole32(code), htole32(stream) };
	return request(snd, wire, sizeof(wire), NULL, 0);
}

uint32_t vmm_snd_info(struct vmm_snd *snd, enum vmm_snd_code code, uint32_t start, uint32_t count,
	uint32_t item_bytes, void *items) {
	uint32_t wire[] = { htole32(code), htole32(start), htole32(count), htole32(item_bytes) };
	return request(snd, wire, sizeof(wire), items, (size_t)count * item_bytes);
}

static struct vmm_snd_slot *free_slot(struct vmm_snd *snd) {
	for (unsigned i = 0; i < VMM_SND_SLOTS; i++) {
		if (!snd->slots[i].is_busy) {
			return &snd->slots[i];
		}
	}
	return NULL;
}

int vmm_snd_send(
	struct vmm_snd *snd, uint32_t stream, const void *pcm, uint32_t bytes, uint64_t cookie) {
	struct vmm_snd_slot *slot = free_slot(snd);
	if (slot == NULL || bytes > snd->slot_bytes) {
		return -ENOSPC;
	}
	uint8_t *at = vmm_ram_at(
		snd->device.ram, slot->address, HEADER_BYTES + snd->slot_bytes + STATUS_BYTES);
	uint32_t header = htole32(stream);
	memcpy(at, &header, sizeof(header));
	memcpy(at + HEADER_BYTES, pcm, bytes);
	memset(at + HEADER_BYTES + snd->slot_bytes, 0, STATUS_BYTES);
	/* as Linux cuts it: header, pieces of the period, status */
	struct vmm_buffer buffers[4] = { { .address = slot->address, .len = HEADER_BYTES } };
	unsigned len = 1;
	uint32_t first = (bytes + 1) / 2;
	for (uint32_t sent = 0; sent < bytes; sent += first, first = bytes - first) {
		buffers[len++] = (struct vmm_buffer) {
			.address = slot->address + HEADER_BYTES + sent,
			.len = first,
		};
	}
	buffers[len++] = (struct vmm_buffer) {
		.address = slot->address + HEADER_BYTES + snd->slot_bytes,
		.len = STATUS_BYTES,
		.is_writable = true,
	};
	int head = vmm_queue_add(&snd->device.queues[VMM_SND_TX], buffers, len, true);
	if (head < 0) {
		return head;
	}
	slot->is_busy = true;
	slot->head = (uint16_t)head;
	slot->cookie = cookie;
	vmm_queue_kick(&snd->device.queues[VMM_SND_TX]);
	return 0;
}

void *vmm_snd_pending(struct vmm_snd *snd, uint64_t cookie) {
	for (unsigned i = 0; i < VMM_SND_SLOTS; i++) {
		struct vmm_snd_slot *slot = &snd->slots[i];
		if (slot->is_busy && slot->cookie == cookie) {
			return vmm_ram_at(
				snd->device.ram, slot->address + HEADER_BYTES, snd->slot_bytes);
		}
	}
	return NULL;
}

bool vmm_snd_take(struct vmm_snd *snd, struct vmm_snd_done *done) {
	struct vmm_used used;
	if (!vmm_queue_take(&snd->device.queues[VMM_SND_TX], &used)) {
		return false;
	}
	*done = (struct vmm_snd_done) { .used_bytes = used.bytes };
	for (unsigned i = 0; i < VMM_SND_SLOTS; i++) {
		struct vmm_snd_slot *slot = &snd->slots[i];
		if (!slot->is_busy || slot->head != used.head) {
			continue;
		}
		uint32_t status[2];
		memcpy(status,
			vmm_ram_at(snd->device.ram, slot->address + HEADER_BYTES + snd->slot_bytes,
				STATUS_BYTES),
			sizeof(status));
		slot->is_busy = false;
		done->cookie = slot->cookie;
		done->status = le32toh(status[0]);
		done->latency_bytes = le32toh(status[1]);
	}
	return true;
}

unsigned vmm_snd_in_flight(const struct vmm_snd *snd) {
	unsigned count = 0;
	for (unsigned i = 0; i < VMM_SND_SLOTS; i++) {
		count += snd->slots[i].is_busy;
	}
	return count;
}
