#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/log.h"
#include "core/macros.h"
#include "protocol/vhost_session_impl.h"

/* bits that mean nothing to a device with modern split rings: front-ends pass them through unasked */
#define VIRTIO_F_NOTIFY_ON_EMPTY 24
#define VIRTIO_F_ANY_LAYOUT 27
#define VIRTIO_F_RING_RESET 40

#define BIT(n) (UINT64_C(1) << (n))

#define PROTOCOL_FEATURES                                                                          \
	(BIT(VHOST_F_MQ) | BIT(VHOST_F_REPLY_ACK) | BIT(VHOST_F_BACKEND_REQ) |                     \
		BIT(VHOST_F_CONFIG) | BIT(VHOST_F_BACKEND_SEND_FD) | BIT(VHOST_F_RESET_DEVICE) |   \
		BIT(VHOST_F_CONFIGURE_MEM_SLOTS) | BIT(VHOST_F_STATUS))

/* Any number but 0 says no; in an answer to SET_DEVICE_STATE_FD bit 8 says "no descriptor" too. */
#define REFUSED_NUMBER 0x101

static uint64_t payload_u64(const struct vhost_message *message) {
	uint64_t value;
	memcpy(&value, message->payload, sizeof(value));
	return value;
}

static int reply_u64(
	struct vhost_session *session, const struct vhost_message *message, uint64_t value) {
	vhost_session_reply(session, message->header.request, &value, sizeof(value));
	return VHOST_REPLIED;
}

/* --- features ---------------------------------------------------------------------------------- */

static uint64_t features_offered(const struct vhost_session *session) {
	return session->impl->features(session->device) | BIT(VIRTIO_F_RING_INDIRECT_DESC) |
		BIT(VIRTIO_F_RING_EVENT_IDX) | BIT(VHOST_USER_F_PROTOCOL_FEATURES) |
		BIT(VIRTIO_F_VERSION_1);
}

static int handle_get_features(struct vhost_session *session, struct vhost_message *message) {
	return reply_u64(session, message, features_offered(session));
}

static int handle_set_features(struct vhost_session *session, struct vhost_message *message) {
	uint64_t features = payload_u64(message);
	/* QEMU's vhost-user-gpu-pci offers the last one to the guest without asking the back-end */
	uint64_t ignored =
		BIT(VIRTIO_F_NOTIFY_ON_EMPTY) | BIT(VIRTIO_F_ANY_LAYOUT) | BIT(VIRTIO_F_RING_RESET);
	if ((features & ~(features_offered(session) | ignored)) != 0) {
		return -EINVAL;
	}
	features &= ~ignored;
	if (!vhost_session_is_stopped(session)) {
		return features == session->features ? 0 : -EBUSY;
	}
	session->features = features;
	session->impl->handle_features(session->device, features);
	if ((features & BIT(VHOST_USER_F_PROTOCOL_FEATURES)) == 0) {
		for (unsigned i = 0; i < session->rings_len; i++) {
			vhost_ring_enable(&session->rings[i], true);
		}
	}
	return 0;
}

static int handle_get_protocol_features(
	struct vhost_session *session, struct vhost_message *message) {
	return reply_u64(session, message, PROTOCOL_FEATURES);
}

static int handle_set_protocol_features(
	struct vhost_session *session, struct vhost_message *message) {
	uint64_t features = payload_u64(message);
	if ((features & ~PROTOCOL_FEATURES) != 0) {
		return -EINVAL;
	}
	session->protocol_features = features;
	return 0;
}

static int handle_get_queue_num(struct vhost_session *session, struct vhost_message *message) {
	return reply_u64(session, message, session->rings_len);
}

/* --- owner, status, reset ---------------------------------------------------------------------- */

static int handle_set_owner(struct vhost_session *session, struct vhost_message *message) {
	return 0; /* the connection is the owner */
}

static void rings_disable(struct vhost_session *session) {
	for (unsigned i = 0; i < session->rings_len; i++) {
		vhost_ring_enable(&session->rings[i], false);
	}
}

/* Deprecated; "recommended to either ignore this message, or use it to disable all rings". */
static int handle_reset_owner(struct vhost_session *session, struct vhost_message *message) {
	rings_disable(session);
	return 0;
}

static int handle_reset_device(struct vhost_session *session, struct vhost_message *message) {
	rings_disable(session);
	vhost_session_reset_device(session);
	session->status = 0;
	return 0;
}

static int handle_set_status(struct vhost_session *session, struct vhost_message *message) {
	uint64_t status = payload_u64(message);
	if (status > UINT8_MAX) {
		return -EINVAL;
	}
	session->status = (uint8_t)status;
	/* after the rings were stopped it may come with a pause as well: then it says nothing new */
	if (status == 0 && !session->is_suspended) {
		vhost_session_reset_device(session);
	}
	return 0;
}

static int handle_get_status(struct vhost_session *session, struct vhost_message *message) {
	return reply_u64(session, message, session->status);
}

/* --- memory ------------------------------------------------------------------------------------ */

#define REGION_BYTES 32
#define TABLE_HEADER_BYTES 8

static struct guest_region_wire region_from_bytes(const uint8_t *bytes) {
	uint64_t words[4];
	_Static_assert(sizeof(words) == REGION_BYTES, "as on the wire");
	memcpy(words, bytes, sizeof(words));
	return (struct guest_region_wire) {
		.guest_address = words[0],
		.size_bytes = words[1],
		.user_address = words[2],
		.file_offset = words[3],
	};
}

/* Everything that points into guest memory is looked up again. */
static void memory_changed(struct vhost_session *session, uint64_t generation_before) {
	for (unsigned i = 0; i < session->rings_len; i++) {
		struct vhost_ring *ring = &session->rings[i];
		virtqueue_translate(&ring->queue);
		vhost_ring_schedule(ring); /* it may have work that could not be reached before */
	}
	if (session->memory.generation != generation_before) {
		session->impl->handle_memory_change(session->device);
	}
}

static int handle_set_mem_table(struct vhost_session *session, struct vhost_message *message) {
	struct guest_region_wire wire[VHOST_FDS_MAX];
	int fds[VHOST_FDS_MAX];
	uint32_t len;
	memcpy(&len, message->payload, sizeof(len));
	if (len == 0 || len != message->fds_len || len > VHOST_FDS_MAX ||
		message->header.size != TABLE_HEADER_BYTES + len * REGION_BYTES) {
		return -EBADMSG;
	}
	for (uint32_t i = 0; i < len; i++) {
		wire[i] = region_from_bytes(
			message->payload + TABLE_HEADER_BYTES + (size_t)i * REGION_BYTES);
		fds[i] = vhost_message_take_fd(message, i);
	}
	uint64_t generation = session->memory.generation;
	int error = guest_memory_set_table(&session->memory, wire, fds, len);
	if (error == 0) {
		memory_changed(session, generation);
	}
	return error;
}

static int handle_get_max_mem_slots(struct vhost_session *session, struct vhost_message *message) {
	return reply_u64(session, message, GUEST_MEMORY_REGIONS_MAX);
}

static int handle_add_mem_reg(struct vhost_session *session, struct vhost_message *message) {
	struct guest_region_wire wire = region_from_bytes(message->payload + TABLE_HEADER_BYTES);
	uint64_t generation = session->memory.generation;
	int error = guest_memory_add(&session->memory, &wire, vhost_message_take_fd(message, 0));
	if (error == 0) {
		memory_changed(session, generation);
	}
	return error;
}

static int handle_rem_mem_reg(struct vhost_session *session, struct vhost_message *message) {
	struct guest_region_wire wire = region_from_bytes(message->payload + TABLE_HEADER_BYTES);
	uint64_t generation = session->memory.generation;
	int error = guest_memory_remove(&session->memory, &wire);
	if (error == 0) {
		memory_changed(session, generation);
	}
	return error;
}

/* --- configuration space, channels ------------------------------------------------------------- */

struct config_header {
	uint32_t offset, len, flags;
};

#define CONFIG_HEADER_BYTES 12
/* The document's 0: writable fields, 1: migration; Rust's front-ends have 1: writable, 2: migration. A
 * driver's write is all that any of them can be here. */
#define CONFIG_FLAGS_MAX 2

static int config_header_read(const struct vhost_message *message, struct config_header *header) {
	_Static_assert(sizeof(*header) == CONFIG_HEADER_BYTES, "as on the wire");
	memcpy(header, message->payload, sizeof(*header));
	if (header->len == 0 || header->len > VHOST_CONFIG_BYTES_MAX ||
		header->offset > VHOST_CONFIG_BYTES_MAX - header->len ||
		message->header.size != CONFIG_HEADER_BYTES + header->len) {
		return -EINVAL;
	}
	return 0;
}

static int handle_get_config(struct vhost_session *session, struct vhost_message *message) {
	struct config_header header;
	int error = config_header_read(message, &header);
	if (error < 0) {
		return error;
	}
	uint8_t reply[CONFIG_HEADER_BYTES + VHOST_CONFIG_BYTES_MAX] = { 0 };
	memcpy(reply, &header, CONFIG_HEADER_BYTES);
	session->impl->config_read(
		session->device, header.offset, reply + CONFIG_HEADER_BYTES, header.len);
	vhost_session_reply(session, VHOST_GET_CONFIG, reply, CONFIG_HEADER_BYTES + header.len);
	return VHOST_REPLIED;
}

static int handle_set_config(struct vhost_session *session, struct vhost_message *message) {
	struct config_header header;
	int error = config_header_read(message, &header);
	if (error < 0) {
		return error;
	}
	if (header.flags > CONFIG_FLAGS_MAX || session->impl->config_write == NULL) {
		return -ENOTSUP;
	}
	return session->impl->config_write(
		session->device, header.offset, message->payload + CONFIG_HEADER_BYTES, header.len);
}

static int handle_set_backend_req_fd(struct vhost_session *session, struct vhost_message *message) {
	int error = vhost_channel_open(&session->channel, vhost_message_take_fd(message, 0));
	if (error == 0) {
		vhost_session_flush_config_change(session);
	}
	return error;
}

static int handle_gpu_set_socket(struct vhost_session *session, struct vhost_message *message) {
	if (session->impl->handle_gpu_socket == NULL) {
		return -ENOTSUP;
	}
	session->impl->handle_gpu_socket(session->device, vhost_message_take_fd(message, 0));
	return 0;
}

/* --- the table --------------------------------------------------------------------------------- */

#define NONE (-1)
#define ANY VHOST_PAYLOAD_BYTES_MAX
#define ROW(name, ...) { VHOST_##name, #name, __VA_ARGS__ }

/* clang-format off */
static const struct vhost_request requests[] = {
	/* payload bytes, descriptors, feature it needs, refusal, handler */
	ROW(GET_FEATURES, 0, 0, 0, 0, NONE, REFUSE_HANGUP, handle_get_features),
	ROW(SET_FEATURES, 8, 8, 0, 0, NONE, REFUSE_END, handle_set_features),
	ROW(SET_OWNER, 0, 0, 0, 0, NONE, REFUSE_END, handle_set_owner),
	ROW(RESET_OWNER, 0, 0, 0, 0, NONE, REFUSE_IGNORE, handle_reset_owner),
	ROW(SET_MEM_TABLE, 8, 8 + 8 * 32, 0, 8, NONE, REFUSE_END, handle_set_mem_table),
	ROW(SET_LOG_BASE, 8, 16, 0, 1, VHOST_F_LOG_SHMFD, REFUSE_IGNORE, NULL),
	ROW(SET_LOG_FD, 0, 8, 0, 1, VHOST_F_LOG_SHMFD, REFUSE_IGNORE, NULL),
	ROW(SET_VRING_NUM, 8, 8, 0, 0, NONE, REFUSE_END, vhost_handle_vring_num),
	ROW(SET_VRING_ADDR, 40, 40, 0, 0, NONE, REFUSE_END, vhost_handle_vring_addr),
	ROW(SET_VRING_BASE, 8, 8, 0, 0, NONE, REFUSE_END, vhost_handle_vring_base),
	ROW(GET_VRING_BASE, 8, 8, 0, 0, NONE, REFUSE_HANGUP, vhost_handle_get_vring_base),
	ROW(SET_VRING_KICK, 8, 8, 0, 1, NONE, REFUSE_END, vhost_handle_vring_kick),
	ROW(SET_VRING_CALL, 8, 8, 0, 1, NONE, REFUSE_END, vhost_handle_vring_call),
	ROW(SET_VRING_ERR, 8, 8, 0, 1, NONE, REFUSE_END, vhost_handle_vring_err),
	ROW(GET_PROTOCOL_FEATURES, 0, 0, 0, 0, NONE, REFUSE_HANGUP, handle_get_protocol_features),
	ROW(SET_PROTOCOL_FEATURES, 8, 8, 0, 0, NONE, REFUSE_END, handle_set_protocol_features),
	/* may be asked on the strength of what was offered, before anything is accepted */
	ROW(GET_QUEUE_NUM, 0, 0, 0, 0, NONE, REFUSE_HANGUP, handle_get_queue_num),
	ROW(SET_VRING_ENABLE, 8, 8, 0, 0, NONE, REFUSE_END, vhost_handle_vring_enable),
	ROW(SEND_RARP, 8, 8, 0, 0, VHOST_F_RARP, REFUSE_IGNORE, NULL),
	ROW(NET_SET_MTU, 8, 8, 0, 0, VHOST_F_MTU, REFUSE_IGNORE, NULL),
	ROW(SET_BACKEND_REQ_FD, 0, 0, 1, 1, VHOST_F_BACKEND_REQ, REFUSE_END, handle_set_backend_req_fd),
	ROW(IOTLB_MSG, 26, 32, 0, 0, NONE, REFUSE_NUMBER, NULL),
	ROW(SET_VRING_ENDIAN, 8, 8, 0, 0, VHOST_F_CROSS_ENDIAN, REFUSE_END, NULL),
	/* its length is checked by the handler: wrong ones have an answer of their own */
	ROW(GET_CONFIG, 12, ANY, 0, 0, VHOST_F_CONFIG, REFUSE_EMPTY, handle_get_config),
	/* what is written comes from the guest: refusing it must not end the session */
	ROW(SET_CONFIG, 12, ANY, 0, 0, VHOST_F_CONFIG, REFUSE_IGNORE, handle_set_config),
	ROW(CREATE_CRYPTO_SESSION, 0, ANY, 0, 0, VHOST_F_CRYPTO_SESSION, REFUSE_HANGUP, NULL),
	ROW(CLOSE_CRYPTO_SESSION, 8, 8, 0, 0, VHOST_F_CRYPTO_SESSION, REFUSE_IGNORE, NULL),
	ROW(POSTCOPY_ADVISE, 0, 0, 0, 0, VHOST_F_PAGEFAULT, REFUSE_HANGUP, NULL),
	ROW(POSTCOPY_LISTEN, 0, 0, 0, 0, VHOST_F_PAGEFAULT, REFUSE_END, NULL),
	ROW(POSTCOPY_END, 0, 0, 0, 0, VHOST_F_PAGEFAULT, REFUSE_NUMBER, NULL),
	ROW(GET_INFLIGHT_FD, 20, 24, 0, 0, VHOST_F_INFLIGHT_SHMFD, REFUSE_HANGUP, NULL),
	ROW(SET_INFLIGHT_FD, 20, 24, 0, 1, VHOST_F_INFLIGHT_SHMFD, REFUSE_END, NULL),
	ROW(GPU_SET_SOCKET, 0, 0, 1, 1, NONE, REFUSE_IGNORE, handle_gpu_set_socket),
	ROW(RESET_DEVICE, 0, 0, 0, 0, VHOST_F_RESET_DEVICE, REFUSE_END, handle_reset_device),
	ROW(VRING_KICK, 8, 8, 0, 0, VHOST_F_INBAND_NOTIFICATIONS, REFUSE_END, NULL),
	ROW(GET_MAX_MEM_SLOTS, 0, 0, 0, 0, VHOST_F_CONFIGURE_MEM_SLOTS, REFUSE_HANGUP, handle_get_max_mem_slots),
	ROW(ADD_MEM_REG, 40, 40, 1, 1, VHOST_F_CONFIGURE_MEM_SLOTS, REFUSE_END, handle_add_mem_reg),
	/* "MAY accept messages with one file descriptor ... MUST close it" */
	ROW(REM_MEM_REG, 40, 40, 0, 1, VHOST_F_CONFIGURE_MEM_SLOTS, REFUSE_END, handle_rem_mem_reg),
	ROW(SET_STATUS, 8, 8, 0, 0, VHOST_F_STATUS, REFUSE_END, handle_set_status),
	ROW(GET_STATUS, 0, 0, 0, 0, VHOST_F_STATUS, REFUSE_HANGUP, handle_get_status),
	ROW(GET_SHARED_OBJECT, 16, 16, 0, 0, VHOST_F_SHARED_OBJECT, REFUSE_HANGUP, NULL),
	ROW(SET_DEVICE_STATE_FD, 8, 8, 0, 1, VHOST_F_DEVICE_STATE, REFUSE_NUMBER, NULL),
	ROW(CHECK_DEVICE_STATE, 0, 0, 0, 0, VHOST_F_DEVICE_STATE, REFUSE_NUMBER, NULL),
	ROW(GET_SHMEM_CONFIG, 0, 0, 0, 0, VHOST_F_SHMEM, REFUSE_HANGUP, NULL),
};
/* clang-format on */

const struct vhost_request *vhost_request_find(uint32_t number) {
	/* the rows are the numbers 1, 2, 3... */
	if (number == 0 || number > ARRAY_LEN(requests)) {
		return NULL;
	}
	assert(requests[number - 1].number == number);
	return &requests[number - 1];
}

static bool request_is_well_formed(
	const struct vhost_request *request, const struct vhost_message *message) {
	return message->header.size >= request->bytes_min &&
		message->header.size <= request->bytes_max &&
		message->fds_len >= request->fds_min && message->fds_len <= request->fds_max;
}

static int request_handle(struct vhost_session *session, const struct vhost_request *request,
	struct vhost_message *message) {
	bool is_negotiated = request->feature == NONE ||
		(session->protocol_features & BIT(request->feature)) != 0;
	if (request->handle == NULL || !is_negotiated) {
		return -ENOTSUP;
	}
	return request->handle(session, message);
}

/* Tells the front-end in the way this request has for it. 0, or `error`: there is none. */
static int request_refuse(struct vhost_session *session, const struct vhost_request *request,
	const struct vhost_message *message, bool wants_ack, int error) {
	atomic_fetch_add_explicit(session->refusals, 1, memory_order_relaxed);
	log_outsider(LOG_WARNING, "%s refused: error %d", request->name, -error);

	if (error == -EBADMSG) {
		return error; /* whoever cannot count its own parts is not told more */
	}
	switch (request->refusal) {
	case REFUSE_NUMBER:
		(void)reply_u64(session, message, REFUSED_NUMBER);
		return 0;
	case REFUSE_EMPTY:
		vhost_session_reply(session, message->header.request, NULL, 0);
		return 0;
	case REFUSE_HANGUP:
		return error;
	case REFUSE_END:
	case REFUSE_IGNORE:
		break;
	}
	if (wants_ack) {
		(void)reply_u64(session, message, REFUSED_NUMBER);
		return 0;
	}
	return request->refusal == REFUSE_IGNORE ? 0 : error;
}

static const struct vhost_request unknown = {
	.name = "unknown request",
	.bytes_max = ANY,
	.fds_max = VHOST_FDS_MAX,
	.feature = NONE,
	.refusal = REFUSE_IGNORE,
};

int vhost_request_process(struct vhost_session *session, struct vhost_message *message) {
	const struct vhost_request *request = vhost_request_find(message->header.request);
	if (request == NULL) {
		request = &unknown;
	}
	atomic_fetch_add_explicit(session->messages, 1, memory_order_relaxed);
	if (!request_is_well_formed(request, message)) {
		log_outsider(LOG_WARNING, "%s: %u bytes and %zu descriptors are not its form",
			request->name, message->header.size, message->fds_len);
		return -EBADMSG;
	}
	int status = request_handle(session, request, message);
	log_debug("%s (%u): %d", request->name, message->header.request, status);
	bool wants_ack = (message->header.flags & VHOST_FLAG_NEED_REPLY) != 0 &&
		(session->protocol_features & BIT(VHOST_F_REPLY_ACK)) != 0;
	if (status < 0) {
		status = request_refuse(session, request, message, wants_ack, status);
	} else if (status == 0 && wants_ack) {
		(void)reply_u64(session, message, 0);
	}
	vhost_message_close_fds(message);
	return status < 0 ? status : 0;
}
