/*
 * One command of the guest: its bytes, copied out of guest memory once, and the reply that is made.
 *
 * The tables (command.c) say for each queue which commands there are, how many bytes each one
 * has at least, which feature the driver must have accepted for it, and who executes it. A handler
 * returns the type of its reply; a reply with more than a header is encoded into `reply` by it.
 *
 * Thread: the loop's.
 */
#ifndef GPU_COMMAND_H
#define GPU_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "gpu/fence.h"
#include "protocol/virtio_gpu.h"
#include "protocol/virtqueue.h"

struct gpu_device;

struct command {
	struct gpu_device *device;
	const struct virtqueue_chain *chain;
	struct virtio_gpu_header header;
	size_t request_len; /* bytes of `request` that the guest sent */
	uint8_t request[VIRTIO_GPU_REQUEST_BYTES_MAX];
	struct fence_wait wait; /* what the reply waits for */
	size_t reply_len; /* 0: a header of the type that the handler returned */
	uint8_t reply[VIRTIO_GPU_REPLY_BYTES_MAX];
};

typedef uint32_t (*command_handler)(struct command *command);

#define COMMAND_NO_FEATURE (-1)

struct command_row {
	uint32_t type;
	const char *name;
	size_t size_bytes; /* at least */
	int feature; /* COMMAND_NO_FEATURE or VIRTIO_GPU_F_* */
	command_handler handler;
};

struct command_table {
	const struct command_row *rows;
	size_t len;
};

extern const struct command_table command_tables[VIRTIO_GPU_QUEUES];

/* Reads, executes and answers the command in `chain`: the reply is in the chain's writable part
 * afterwards. Returns the bytes written; what the reply waits for is in command->wait. */
uint32_t command_execute(struct command *command, struct gpu_device *device,
	const struct command_table *table, const struct virtqueue_chain *chain);

/* handlers */
uint32_t command_get_display_info(struct command *command);
uint32_t command_get_edid(struct command *command);
uint32_t command_create_2d(struct command *command);
uint32_t command_unref(struct command *command);
uint32_t command_set_scanout(struct command *command);
uint32_t command_flush(struct command *command);
uint32_t command_transfer_to_host_2d(struct command *command);
uint32_t command_attach_backing(struct command *command);
uint32_t command_detach_backing(struct command *command);
uint32_t command_assign_uuid(struct command *command);
uint32_t command_create_blob(struct command *command);
uint32_t command_set_scanout_blob(struct command *command);
uint32_t command_update_cursor(struct command *command);
uint32_t command_move_cursor(struct command *command);

#endif
