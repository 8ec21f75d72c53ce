/*
 * The framing of vhost-user: a 12-byte header, a payload, descriptors with the header's first byte.
 * Says nothing of what a message means (vhost_session.h) but holds the protocol's numbers.
 *
 * A receiver gathers one message over as many reads as it takes and never reads into the next one. A
 * sender holds one message until the socket takes it. Neither blocks, allocates, or trusts a length
 * before checking it.
 *
 * Thread: the session's.
 */
#ifndef PROTOCOL_VHOST_MESSAGE_H
#define PROTOCOL_VHOST_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/fd.h"

enum vhost_request_number {
	VHOST_GET_FEATURES = 1,
	VHOST_SET_FEATURES = 2,
	VHOST_SET_OWNER = 3,
	VHOST_RESET_OWNER = 4,
	VHOST_SET_MEM_TABLE = 5,
	VHOST_SET_LOG_BASE = 6,
	VHOST_SET_LOG_FD = 7,
	VHOST_SET_VRING_NUM = 8,
	VHOST_SET_VRING_ADDR = 9,
	VHOST_SET_VRING_BASE = 10,
	VHOST_GET_VRING_BASE = 11,
	VHOST_SET_VRING_KICK = 12,
	VHOST_SET_VRING_CALL = 13,
	VHOST_SET_VRING_ERR = 14,
	VHOST_GET_PROTOCOL_FEATURES = 15,
	VHOST_SET_PROTOCOL_FEATURES = 16,
	VHOST_GET_QUEUE_NUM = 17,
	VHOST_SET_VRING_ENABLE = 18,
	VHOST_SEND_RARP = 19,
	VHOST_NET_SET_MTU = 20,
	VHOST_SET_BACKEND_REQ_FD = 21,
	VHOST_IOTLB_MSG = 22,
	VHOST_SET_VRING_ENDIAN = 23,
	VHOST_GET_CONFIG = 24,
	VHOST_SET_CONFIG = 25,
	VHOST_CREATE_CRYPTO_SESSION = 26,
	VHOST_CLOSE_CRYPTO_SESSION = 27,
	VHOST_POSTCOPY_ADVISE = 28,
	VHOST_POSTCOPY_LISTEN = 29,
	VHOST_POSTCOPY_END = 30,
	VHOST_GET_INFLIGHT_FD = 31,
	VHOST_SET_INFLIGHT_FD = 32,
	VHOST_GPU_SET_SOCKET = 33,
	VHOST_RESET_DEVICE = 34,
	VHOST_VRING_KICK = 35,
	VHOST_GET_MAX_MEM_SLOTS = 36,
	VHOST_ADD_MEM_REG = 37,
	VHOST_REM_MEM_REG = 38,
	VHOST_SET_STATUS = 39,
	VHOST_GET_STATUS = 40,
	VHOST_GET_SHARED_OBJECT = 41,
	VHOST_SET_DEVICE_STATE_FD = 42,
	VHOST_CHECK_DEVICE_STATE = 43,
	VHOST_GET_SHMEM_CONFIG = 44,
};

/* On the back-end channel. */
#define VHOST_BACKEND_CONFIG_CHANGE 2

enum vhost_protocol_feature {
	VHOST_F_MQ = 0,
	VHOST_F_LOG_SHMFD = 1,
	VHOST_F_RARP = 2,
	VHOST_F_REPLY_ACK = 3,
	VHOST_F_MTU = 4,
	VHOST_F_BACKEND_REQ = 5,
	VHOST_F_CROSS_ENDIAN = 6,
	VHOST_F_CRYPTO_SESSION = 7,
	VHOST_F_PAGEFAULT = 8,
	VHOST_F_CONFIG = 9,
	VHOST_F_BACKEND_SEND_FD = 10,
	VHOST_F_HOST_NOTIFIER = 11,
	VHOST_F_INFLIGHT_SHMFD = 12,
	VHOST_F_RESET_DEVICE = 13,
	VHOST_F_INBAND_NOTIFICATIONS = 14,
	VHOST_F_CONFIGURE_MEM_SLOTS = 15,
	VHOST_F_STATUS = 16,
	VHOST_F_XEN_MMAP = 17,
	VHOST_F_SHARED_OBJECT = 18,
	VHOST_F_DEVICE_STATE = 19,
	VHOST_F_GET_VRING_BASE_INFLIGHT = 20,
	/* was a draft's number for shared memory: never offered, it would change all addresses */
	VHOST_F_GPA_ADDRESSES = 21,
	VHOST_F_SHMEM = 22,
};

#define VHOST_VERSION 1u
#define VHOST_FLAG_VERSION_MASK 3u
#define VHOST_FLAG_REPLY 4u
#define VHOST_FLAG_NEED_REPLY 8u

#define VHOST_HEADER_BYTES 12
/* No request of the protocol is longer than 2056 bytes; unknown ones may be up to here. */
#define VHOST_PAYLOAD_BYTES_MAX 4096
/* SET_MEM_TABLE carries most. */
#define VHOST_FDS_MAX 8

struct vhost_header {
	uint32_t request, flags, size;
};

struct vhost_message {
	struct vhost_header header;
	size_t fds_len;
	int fds[FD_MESSAGE_MAX]; /* owned; taken ones are set to -1 by whoever takes them */
	_Alignas(8) uint8_t payload[VHOST_PAYLOAD_BYTES_MAX];
};

void vhost_message_close_fds(struct vhost_message *message);

/* The message's descriptor `index`, now the caller's; -1 if there is none. */
int vhost_message_take_fd(struct vhost_message *message, size_t index);

struct vhost_receiver {
	size_t have; /* bytes of header and payload so far */
	struct vhost_message message;
};

void vhost_receiver_init(struct vhost_receiver *receiver);
void vhost_receiver_finish(struct vhost_receiver *receiver); /* closes held descriptors */

/*
 * Reads what there is. 1: `message` is complete; its descriptors are closed by the next call unless they
 * were taken. 0: more must come. -ECONNRESET: the peer hung up between messages, -EPROTO: in one.
 * -EBADMSG: not the protocol's version, a reply flag other than `is_reply`, too long, too many
 * descriptors, or descriptors away from a header. -errno of the socket.
 */
int vhost_receiver_read(struct vhost_receiver *receiver, int socket, bool is_reply);

struct vhost_sender {
	size_t len, sent;
	uint8_t data[VHOST_HEADER_BYTES + VHOST_PAYLOAD_BYTES_MAX];
};

bool vhost_sender_is_busy(const struct vhost_sender *sender);

/* Queues one message; the sender must not be busy. */
void vhost_sender_queue(struct vhost_sender *sender, uint32_t request, uint32_t flags,
	const void *payload, size_t payload_bytes);

/* Sends what the socket takes. 0 (see is_busy) or -errno. */
int vhost_sender_flush(struct vhost_sender *sender, int socket);

#endif
