#include "tests/bench/generator.h"

#include <errno.h>
#include <string.h>

#include "core/clock.h"
#include "protocol/virtio_gpu.h"

#define RESOURCE_ID 1
#define PAGE_BYTES 4096
#define RAM_BYTES ((size_t)64 << 20)
#define REPLY_BYTES VIRTIO_GPU_HEADER_BYTES

/* A request as the driver lays it out: the header's six words, then the command's. */
struct request {
	uint32_t words[VIRTIO_GPU_REQUEST_BYTES_MAX / 4];
};

static struct request request_of(uint32_t type) {
	return (struct request) { .words = { type } };
}

static struct request request_rect(uint32_t type, const struct rect *rect) {
	struct request request = request_of(type);
	request.words[6] = (uint32_t)rect->x;
	request.words[7] = (uint32_t)rect->y;
	request.words[8] = rect->width;
	request.words[9] = rect->height;
	return request;
}

static struct request request_transfer(const struct generator *generator, const struct rect *rect) {
	struct request request = request_rect(VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, rect);
	uint64_t offset = ((uint64_t)(uint32_t)rect->y * generator->width + (uint32_t)rect->x) * 4;
	memcpy(&request.words[10], &offset, sizeof(offset));
	request.words[12] = RESOURCE_ID;
	return request;
}

static struct request request_flush(const struct rect *rect) {
	struct request request = request_rect(VIRTIO_GPU_CMD_RESOURCE_FLUSH, rect);
	request.words[10] = RESOURCE_ID;
	return request;
}

static int ask(struct generator *generator, const struct request *request, size_t bytes) {
	uint32_t reply[REPLY_BYTES / 4] = { 0 }, used = 0;
	int error = vmm_request(&generator->device, VIRTIO_GPU_QUEUE_CONTROL, request, bytes, reply,
		sizeof(reply), &used);
	if (error) {
		return error;
	}
	return reply[0] == VIRTIO_GPU_RESP_OK_NODATA ? 0 : -EREMOTEIO;
}

int generator_init(struct generator *generator, const char *path, int socket, int gpu_socket,
	uint32_t width, uint32_t height) {
	*generator = (struct generator) { .width = width, .height = height, .seed = 1 };
	int error = vmm_ram_init(&generator->ram, &(struct vmm_ram_options) { .bytes = RAM_BYTES });
	if (error) {
		return error;
	}
	/* QEMU's back-end wants its display to speak EDID too when the driver does; neither needs it */
	struct vmm_device_options options = { .features_refused = UINT64_C(1)
			<< VIRTIO_GPU_F_EDID };
	error = path ? vmm_device_connect(&generator->device, &generator->ram, path, &options)
		     : vmm_device_attach(&generator->device, &generator->ram, socket, &options);
	if (!error && gpu_socket >= 0) {
		error = vmm_device_gpu_socket(&generator->device, gpu_socket);
	}
	if (!error) {
		error = vmm_device_start(&generator->device);
	}
	if (error) {
		generator_finish(generator);
	}
	return error;
}

void generator_finish(struct generator *generator) {
	vmm_device_close(&generator->device);
	vmm_ram_finish(&generator->ram);
}

int generator_show(struct generator *generator) {
	size_t bytes = (size_t)generator->width * generator->height * 4;
	uint64_t address = vmm_ram_alloc(&generator->ram, bytes, PAGE_BYTES);
	generator->requests = vmm_ram_alloc(&generator->ram, PAGE_BYTES, PAGE_BYTES);
	if (address == 0 || generator->requests == 0) {
		return -ENOMEM;
	}
	generator->pixels = vmm_ram_at(&generator->ram, address, bytes);

	struct request create = request_of(VIRTIO_GPU_CMD_RESOURCE_CREATE_2D);
	create.words[6] = RESOURCE_ID;
	create.words[7] = virtio_gpu_format_encode(PIXEL_FORMAT_BGRX);
	create.words[8] = generator->width;
	create.words[9] = generator->height;

	struct request attach = request_of(VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING);
	attach.words[6] = RESOURCE_ID;
	attach.words[7] = 1;
	memcpy(&attach.words[8], &address, sizeof(address));
	attach.words[10] = (uint32_t)bytes;

	struct rect all = { 0, 0, generator->width, generator->height };
	struct request scanout = request_rect(VIRTIO_GPU_CMD_SET_SCANOUT, &all);
	scanout.words[11] = RESOURCE_ID;

	int error = ask(generator, &create, VIRTIO_GPU_CREATE_2D_BYTES);
	if (!error) {
		error = ask(generator, &attach,
			VIRTIO_GPU_ATTACH_BACKING_BYTES + VIRTIO_GPU_ENTRY_BYTES);
	}
	if (!error) {
		error = ask(generator, &scanout, VIRTIO_GPU_SET_SCANOUT_BYTES);
	}
	return error;
}

static uint32_t next_random(struct generator *generator) {
	uint32_t x = generator->seed; /* xorshift32: never 0 */
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return generator->seed = x;
}

/* Request `index` of a picture: readable at its own place, reply behind all requests. */
static int add_request(struct generator *generator, unsigned index, const struct request *request,
	uint32_t bytes) {
	uint64_t address = generator->requests + index * sizeof(*request);
	uint64_t reply = generator->requests + PAGE_BYTES / 2 + index * REPLY_BYTES;
	memcpy(vmm_ram_at(&generator->ram, address, bytes), request, bytes);
	struct vmm_buffer buffers[] = {
		{ .address = address, .len = bytes },
		{ .address = reply, .len = REPLY_BYTES, .is_writable = true },
	};
	int head = vmm_queue_add(
		&generator->device.queues[VIRTIO_GPU_QUEUE_CONTROL], buffers, 2, false);
	return head < 0 ? head : 0;
}

int generator_draw(
	struct generator *generator, const struct rect *damage, uint32_t *tag, uint64_t *kick_ns) {
	uint32_t *first =
		generator->pixels + (uint32_t)damage->y * generator->width + (uint32_t)damage->x;
	uint32_t *last = first + (damage->height - 1) * generator->width + damage->width - 1;
	*tag = next_random(generator) & 0xffffff;
	*first = *tag;
	*last = *tag;

	struct request transfer = request_transfer(generator, damage);
	struct request flush = request_flush(damage);
	int error = add_request(generator, 0, &transfer, VIRTIO_GPU_TRANSFER_2D_BYTES);
	if (!error) {
		error = add_request(generator, 1, &flush, VIRTIO_GPU_FLUSH_BYTES);
	}
	if (error) {
		return error;
	}
	*kick_ns = clock_now_ns();
	vmm_queue_kick(&generator->device.queues[VIRTIO_GPU_QUEUE_CONTROL]);
	return 0;
}

int generator_collect(struct generator *generator) {
	for (int i = 0; i < 2; i++) {
		struct vmm_used used;
		int error = vmm_wait_used(&generator->device, VIRTIO_GPU_QUEUE_CONTROL, &used);
		if (error) {
			return error;
		}
	}
	const uint32_t *reply = vmm_ram_at(
		&generator->ram, generator->requests + PAGE_BYTES / 2, (size_t)2 * REPLY_BYTES);
	bool ok = reply[0] == VIRTIO_GPU_RESP_OK_NODATA &&
		reply[REPLY_BYTES / 4] == VIRTIO_GPU_RESP_OK_NODATA;
	return ok ? 0 : -EREMOTEIO;
}

bool generator_is_shown(
	const uint32_t *pixels, uint32_t stride_pixels, const struct rect *damage, uint32_t tag) {
	const uint32_t *first = pixels + (uint32_t)damage->y * stride_pixels + (uint32_t)damage->x;
	const uint32_t *last = first + (damage->height - 1) * stride_pixels + damage->width - 1;
	return (*first & 0xffffff) == tag && (*last & 0xffffff) == tag;
}
