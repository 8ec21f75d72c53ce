#include "gpu/command.h"

#include <assert.h>
#include <string.h>

#include "core/log.h"
#include "core/macros.h"
#include "gpu/device.h"

static const struct command_row control_rows[] = {
	{ VIRTIO_GPU_CMD_GET_DISPLAY_INFO, "GET_DISPLAY_INFO", VIRTIO_GPU_HEADER_BYTES,
		COMMAND_NO_FEATURE, command_get_display_info },
	{ VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, "RESOURCE_CREATE_2D", VIRTIO_GPU_CREATE_2D_BYTES,
		COMMAND_NO_FEATURE, command_create_2d },
	{ VIRTIO_GPU_CMD_RESOURCE_UNREF, "RESOURCE_UNREF", VIRTIO_GPU_RESOURCE_BYTES,
		COMMAND_NO_FEATURE, command_unref },
	{ VIRTIO_GPU_CMD_SET_SCANOUT, "SET_SCANOUT", VIRTIO_GPU_SET_SCANOUT_BYTES,
		COMMAND_NO_FEATURE, command_set_scanout },
	{ VIRTIO_GPU_CMD_RESOURCE_FLUSH, "RESOURCE_FLUSH", VIRTIO_GPU_FLUSH_BYTES,
		COMMAND_NO_FEATURE, command_flush },
	{ VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, "TRANSFER_TO_HOST_2D", VIRTIO_GPU_TRANSFER_2D_BYTES,
		COMMAND_NO_FEATURE, command_transfer_to_host_2d },
	{ VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, "RESOURCE_ATTACH_BACKING",
		VIRTIO_GPU_ATTACH_BACKING_BYTES, COMMAND_NO_FEATURE, command_attach_backing },
	{ VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, "RESOURCE_DETACH_BACKING",
		VIRTIO_GPU_RESOURCE_BYTES, COMMAND_NO_FEATURE, command_detach_backing },
	{ VIRTIO_GPU_CMD_GET_EDID, "GET_EDID", VIRTIO_GPU_RESOURCE_BYTES, VIRTIO_GPU_F_EDID,
		command_get_edid },
	{ VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, "RESOURCE_ASSIGN_UUID", VIRTIO_GPU_RESOURCE_BYTES,
		VIRTIO_GPU_F_RESOURCE_UUID, command_assign_uuid },
	{ VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, "RESOURCE_CREATE_BLOB", VIRTIO_GPU_CREATE_BLOB_BYTES,
		VIRTIO_GPU_F_RESOURCE_BLOB, command_create_blob },
	{ VIRTIO_GPU_CMD_SET_SCANOUT_BLOB, "SET_SCANOUT_BLOB", VIRTIO_GPU_SET_SCANOUT_BLOB_BYTES,
		VIRTIO_GPU_F_RESOURCE_BLOB, command_set_scanout_blob },
};

static const struct command_row cursor_rows[] = {
	{ VIRTIO_GPU_CMD_UPDATE_CURSOR, "UPDATE_CURSOR", VIRTIO_GPU_CURSOR_BYTES,
		COMMAND_NO_FEATURE, command_update_cursor },
	{ VIRTIO_GPU_CMD_MOVE_CURSOR, "MOVE_CURSOR", VIRTIO_GPU_CURSOR_BYTES, COMMAND_NO_FEATURE,
		command_move_cursor },
};

const struct command_table command_tables[VIRTIO_GPU_QUEUES] = {
	[VIRTIO_GPU_QUEUE_CONTROL] = { control_rows, ARRAY_LEN(control_rows) },
	[VIRTIO_GPU_QUEUE_CURSOR] = { cursor_rows, ARRAY_LEN(cursor_rows) },
};

static const struct command_row *find_row(const struct command_table *table, uint32_t type) {
	for (size_t i = 0; i < table->len; i++) {
		if (table->rows[i].type == type) {
			return &table->rows[i];
		}
	}
	return NULL;
}

static uint32_t dispatch(struct command *command, const struct command_table *table) {
	const struct command_row *row = find_row(table, command->header.type);
	if (row == NULL || command->request_len < row->size_bytes) {
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	}
	if (row->feature != COMMAND_NO_FEATURE &&
		(command->device->features & UINT64_C(1) << row->feature) == 0) {
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	}
	return row->handler(command);
}

static void count_error(struct command *command, const struct command_table *table, uint32_t type) {
	struct gpu_stats *stats = &command->device->stats;
	_Atomic uint64_t *const counters[] = {
		stats->errors_unspec,
		stats->errors_memory,
		stats->errors_scanout,
		stats->errors_resource,
		stats->errors_context,
		stats->errors_parameter,
	};
	uint32_t index = type - VIRTIO_GPU_RESP_ERR_UNSPEC;
	assert(index < ARRAY_LEN(counters));
	gpu_stats_add(counters[index], 1);

	const struct command_row *row = find_row(table, command->header.type);
	log_outsider(LOG_DEBUG, "command 0x%x (%s) of %zu bytes: error 0x%x", command->header.type,
		row != NULL ? row->name : "unknown here", command->request_len, type);
}

uint32_t command_execute(struct command *command, struct gpu_device *device,
	const struct command_table *table, const struct virtqueue_chain *chain) {
	*command = (struct command) { .device = device, .chain = chain };
	command->request_len = spans_read(chain->readable, chain->readable_len, 0, command->request,
		sizeof(command->request));

	uint32_t type = VIRTIO_GPU_RESP_ERR_UNSPEC;
	if (virtio_gpu_decode_header(command->request, command->request_len, &command->header)) {
		type = dispatch(command, table);
	} else {
		command->header = (struct virtio_gpu_header) { 0 }; /* half a header says nothing */
	}
	if (type >= VIRTIO_GPU_RESP_ERR_UNSPEC) {
		count_error(command, table, type);
		command->reply_len = 0;
		command->wait = (struct fence_wait) { 0 };
	}
	if (command->reply_len == 0) {
		command->reply_len =
			virtio_gpu_encode_header(command->reply, type, &command->header);
	}
	return (uint32_t)spans_write(
		chain->writable, chain->writable_len, 0, command->reply, command->reply_len);
}
