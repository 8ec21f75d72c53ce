#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/macros.h"
#include "protocol/vhost_session_impl.h"
#include "tests/protocol/rig.h"
#include "tests/suite.h"

#define BIT(n) (UINT64_C(1) << (n))
#define STATE(index, number) ((uint64_t)(number) << 32 | (index))

static const struct rig_options defaults;
static const struct rig_options without_ack = {
	.device.protocol_features_refused = BIT(VHOST_F_REPLY_ACK),
};
/* nothing was negotiated */
static const struct rig_options old_front_end = {
	.device.protocol_features_refused = UINT64_MAX,
};

#define REQUESTS_LEN 44

/* --- the form of every message --------------------------------------------------------------------- */

START_TEST(table_holds_every_request) {
	for (uint32_t number = 1; number <= REQUESTS_LEN; number++) {
		const struct vhost_request *request = vhost_request_find(number);
		ck_assert_ptr_nonnull(request);
		ck_assert_uint_eq(request->number, number);
	}
	ck_assert_ptr_null(vhost_request_find(0));
	ck_assert_ptr_null(vhost_request_find(REQUESTS_LEN + 1));
	ck_assert_ptr_null(vhost_request_find(UINT32_MAX));
}
END_TEST

/* Each request, cut short at every byte and one byte too long: the session ends. */
START_TEST(wrong_size_ends_the_session) {
	const struct vhost_request *request = vhost_request_find((uint32_t)_i);
	int fds[VHOST_FDS_MAX] = { 0 };
	const uint8_t payload[VHOST_PAYLOAD_BYTES_MAX] = { 0 };
	for (uint32_t bytes = 0; bytes <= request->bytes_max + 1u; bytes++) {
		bool is_right = bytes >= request->bytes_min && bytes <= request->bytes_max;
		if (is_right || bytes > VHOST_PAYLOAD_BYTES_MAX) {
			continue;
		}
		struct rig rig;
		rig_init(&rig, &defaults);
		ck_assert_int_eq(vmm_send(&rig.device, request->number,
					 VHOST_VERSION | VHOST_FLAG_NEED_REPLY, payload, bytes, fds,
					 request->fds_min),
			0);
		rig_expect_end(&rig, -EBADMSG);
		rig_finish(&rig);
	}
}
END_TEST

/* Each request, with every number of descriptors that is not its own. */
START_TEST(wrong_number_of_descriptors_ends_the_session) {
	const struct vhost_request *request = vhost_request_find((uint32_t)_i);
	const uint8_t payload[VHOST_PAYLOAD_BYTES_MAX] = { 0 };
	for (unsigned len = 0; len <= FD_MESSAGE_MAX; len++) {
		if (len >= request->fds_min && len <= request->fds_max) {
			continue;
		}
		struct rig rig;
		int fds[FD_MESSAGE_MAX];
		rig_init(&rig, &defaults);
		for (unsigned i = 0; i < FD_MESSAGE_MAX; i++) {
			fds[i] = rig.ram.fd;
		}
		ck_assert_int_eq(vmm_send(&rig.device, request->number, VHOST_VERSION, payload,
					 request->bytes_min, fds, len),
			0);
		rig_expect_end(&rig, -EBADMSG);
		rig_finish(&rig);
	}
}
END_TEST

/* --- what every message means: one row each, seen by three front-ends --------------------------------- */

enum answer {
	NOTHING = 1, /* taken without a word */
	ACK, /* 0 */
	NACK, /* another number */
	EMPTY, /* a reply without payload */
	DATA, /* a reply with a payload of its own */
	END, /* hung up */
};

enum fd_kind { NO_FD, EVENT, MEMORY, SHORT_MEMORY, DIRECTORY, ZERO_DEVICE, EPOLL, SOCKET, PIPE };

#define REGION(guest, size, user, offset) (guest), (size), (user), (offset)
#define GUEST 0x100000
#define USER 0x7f0000000000
#define MIB 0x100000
#define TABLE(len) (len)

static const struct row {
	const char *name;
	uint32_t request, bytes;
	uint64_t words[9];
	enum fd_kind fds[3];
	enum answer with_ack, without_ack;
	bool is_started; /* the rings run */
} rows[] = {
	{ "unknown request", 4711, 0, { 0 }, { 0 }, NACK, NOTHING, false },
	{ "unknown request, descriptors", 4711, 24, { 0 }, { EVENT, MEMORY }, NACK, NOTHING,
		false },
	{ "largest request number", UINT32_MAX, 8, { 0 }, { 0 }, NACK, NOTHING, false },
	{ "request 0", 0, 0, { 0 }, { 0 }, NACK, NOTHING, false },
	{ "GET_VRING_BASE_SKIP_DRAIN", 45, 8, { 0 }, { 0 }, NACK, NOTHING, false },

	{ "get features", VHOST_GET_FEATURES, 0, { 0 }, { 0 }, DATA, DATA, false },
	{ "features we offer", VHOST_SET_FEATURES, 8,
		{ BIT(30) | BIT(32) | BIT(28) | BIT(29) | BIT(ECHO_FEATURE) }, { 0 }, ACK, NOTHING,
		false },
	{ "no features", VHOST_SET_FEATURES, 8, { 0 }, { 0 }, ACK, NOTHING, false },
	{ "features nobody minds", VHOST_SET_FEATURES, 8, { BIT(32) | BIT(24) | BIT(27) | BIT(40) },
		{ 0 }, ACK, NOTHING, false },
	{ "device feature not offered", VHOST_SET_FEATURES, 8, { BIT(32) | BIT(0) }, { 0 }, NACK,
		END, false },
	{ "dirty logging", VHOST_SET_FEATURES, 8, { BIT(32) | BIT(26) }, { 0 }, NACK, END, false },
	{ "IOMMU", VHOST_SET_FEATURES, 8, { BIT(32) | BIT(33) }, { 0 }, NACK, END, false },
	{ "packed rings", VHOST_SET_FEATURES, 8, { BIT(32) | BIT(34) }, { 0 }, NACK, END, false },
	{ "all features", VHOST_SET_FEATURES, 8, { UINT64_MAX }, { 0 }, NACK, END, false },
	{ "other features while running", VHOST_SET_FEATURES, 8, { BIT(32) }, { 0 }, NACK, END,
		true },
	{ "owner", VHOST_SET_OWNER, 0, { 0 }, { 0 }, ACK, NOTHING, false },
	{ "reset owner", VHOST_RESET_OWNER, 0, { 0 }, { 0 }, ACK, NOTHING, true },

	{ "get protocol features", VHOST_GET_PROTOCOL_FEATURES, 0, { 0 }, { 0 }, DATA, DATA,
		false },
	{ "guest-physical addresses (21)", VHOST_SET_PROTOCOL_FEATURES, 8, { BIT(21) | BIT(3) },
		{ 0 }, NACK, END, false },
	{ "shared memory (22)", VHOST_SET_PROTOCOL_FEATURES, 8, { BIT(22) | BIT(3) }, { 0 }, NACK,
		END, false },
	{ "protocol bit 63", VHOST_SET_PROTOCOL_FEATURES, 8, { BIT(63) | BIT(3) }, { 0 }, NACK, END,
		false },
	{ "queue number", VHOST_GET_QUEUE_NUM, 0, { 0 }, { 0 }, DATA, DATA, false },

	{ "table", VHOST_SET_MEM_TABLE, 40, { TABLE(1), REGION(GUEST, MIB, USER, 0) }, { MEMORY },
		ACK, NOTHING, false },
	{ "table of two", VHOST_SET_MEM_TABLE, 72,
		{ TABLE(2), REGION(GUEST, MIB, USER, 0),
			REGION(GUEST + MIB, MIB, USER + MIB, MIB) },
		{ MEMORY, MEMORY }, ACK, NOTHING, false },
	{ "table of none", VHOST_SET_MEM_TABLE, 8, { TABLE(0) }, { 0 }, END, END, false },
	{ "table of 2^32-1", VHOST_SET_MEM_TABLE, 40,
		{ TABLE(UINT32_MAX), REGION(GUEST, MIB, USER, 0) }, { MEMORY }, END, END, false },
	{ "table that counts one more", VHOST_SET_MEM_TABLE, 40,
		{ TABLE(2), REGION(GUEST, MIB, USER, 0) }, { MEMORY, MEMORY }, END, END, false },
	{ "table that counts one less", VHOST_SET_MEM_TABLE, 72,
		{ TABLE(1), REGION(GUEST, MIB, USER, 0), REGION(GUEST + MIB, MIB, USER + MIB, 0) },
		{ MEMORY }, END, END, false },
	{ "table, a descriptor less", VHOST_SET_MEM_TABLE, 72,
		{ TABLE(2), REGION(GUEST, MIB, USER, 0), REGION(GUEST + MIB, MIB, USER + MIB, 0) },
		{ MEMORY }, END, END, false },
	{ "table, a descriptor more", VHOST_SET_MEM_TABLE, 40,
		{ TABLE(1), REGION(GUEST, MIB, USER, 0) }, { MEMORY, MEMORY }, END, END, false },
	{ "table that overlaps", VHOST_SET_MEM_TABLE, 72,
		{ TABLE(2), REGION(GUEST, MIB, USER, 0), REGION(GUEST, MIB, USER + MIB, 0) },
		{ MEMORY, MEMORY }, NACK, END, false },
	{ "table of a directory", VHOST_SET_MEM_TABLE, 40,
		{ TABLE(1), REGION(GUEST, MIB, USER, 0) }, { DIRECTORY }, NACK, END, false },
	{ "table of a short file", VHOST_SET_MEM_TABLE, 40,
		{ TABLE(1), REGION(GUEST, MIB, USER, 0) }, { SHORT_MEMORY }, NACK, END, false },
	{ "memory slots", VHOST_GET_MAX_MEM_SLOTS, 0, { 0 }, { 0 }, DATA, DATA, false },
	{ "region added", VHOST_ADD_MEM_REG, 40, { 0, REGION(GUEST, MIB, USER, 0) }, { MEMORY },
		ACK, NOTHING, false },
	{ "region of size 0 added", VHOST_ADD_MEM_REG, 40, { 0, REGION(GUEST, 0, USER, 0) },
		{ MEMORY }, NACK, END, false },
	{ "region of a socket added", VHOST_ADD_MEM_REG, 40, { 0, REGION(GUEST, MIB, USER, 0) },
		{ SOCKET }, NACK, END, false },
	{ "unknown region removed", VHOST_REM_MEM_REG, 40, { 0, REGION(GUEST, MIB, USER, 0) },
		{ 0 }, NACK, END, false },
	{ "unknown region removed, descriptor", VHOST_REM_MEM_REG, 40,
		{ 0, REGION(GUEST, MIB, USER, 0) }, { MEMORY }, NACK, END, false },

	{ "ring size", VHOST_SET_VRING_NUM, 8, { STATE(1, 64) }, { 0 }, ACK, NOTHING, false },
	{ "ring size 0", VHOST_SET_VRING_NUM, 8, { STATE(0, 0) }, { 0 }, NACK, END, false },
	{ "ring size 3", VHOST_SET_VRING_NUM, 8, { STATE(0, 3) }, { 0 }, NACK, END, false },
	{ "ring size 2^31", VHOST_SET_VRING_NUM, 8, { STATE(0, 0x80000000) }, { 0 }, NACK, END,
		false },
	{ "ring size of ring 2", VHOST_SET_VRING_NUM, 8, { STATE(2, 64) }, { 0 }, NACK, END,
		false },
	{ "ring size of ring 256", VHOST_SET_VRING_NUM, 8, { STATE(256, 64) }, { 0 }, NACK, END,
		false },
	{ "ring size while running", VHOST_SET_VRING_NUM, 8, { STATE(0, 64) }, { 0 }, NACK, END,
		true },
	{ "base 65535", VHOST_SET_VRING_BASE, 8, { STATE(0, 65535) }, { 0 }, ACK, NOTHING, false },
	{ "base 65536", VHOST_SET_VRING_BASE, 8, { STATE(0, 65536) }, { 0 }, NACK, END, false },
	{ "base of ring 2^32-1", VHOST_SET_VRING_BASE, 8, { STATE(UINT32_MAX, 0) }, { 0 }, NACK,
		END, false },
	{ "base while running", VHOST_SET_VRING_BASE, 8, { STATE(0, 0) }, { 0 }, NACK, END, true },
	{ "addresses", VHOST_SET_VRING_ADDR, 40, { STATE(0, 0), 4096, 8192, 12288, 0 }, { 0 }, ACK,
		NOTHING, false },
	{ "addresses misaligned", VHOST_SET_VRING_ADDR, 40, { STATE(0, 0), 4097, 8192, 12288, 0 },
		{ 0 }, NACK, END, false },
	{ "addresses of ring 2", VHOST_SET_VRING_ADDR, 40, { STATE(2, 0), 4096, 8192, 12288, 0 },
		{ 0 }, NACK, END, false },
	{ "addresses while running", VHOST_SET_VRING_ADDR, 40,
		{ STATE(0, 0), 4096, 8192, 12288, 0 }, { 0 }, NACK, END, true },
	{ "get base", VHOST_GET_VRING_BASE, 8, { STATE(1, 0) }, { 0 }, DATA, DATA, false },
	{ "get base of ring 2", VHOST_GET_VRING_BASE, 8, { STATE(2, 0) }, { 0 }, END, END, false },
	{ "enable", VHOST_SET_VRING_ENABLE, 8, { STATE(1, 1) }, { 0 }, ACK, NOTHING, false },
	{ "enable with 2", VHOST_SET_VRING_ENABLE, 8, { STATE(1, 2) }, { 0 }, NACK, END, false },
	{ "enable ring 2", VHOST_SET_VRING_ENABLE, 8, { STATE(2, 1) }, { 0 }, NACK, END, false },

	{ "kick of a ring without size", VHOST_SET_VRING_KICK, 8, { 0 }, { EVENT }, NACK, END,
		false },
	{ "kick, a new descriptor", VHOST_SET_VRING_KICK, 8, { 0 }, { EVENT }, ACK, NOTHING, true },
	{ "kick, a pipe", VHOST_SET_VRING_KICK, 8, { 0 }, { PIPE }, ACK, NOTHING, true },
	{ "kick, no descriptor, said so", VHOST_SET_VRING_KICK, 8, { 0x100 }, { 0 }, ACK, NOTHING,
		true },
	{ "kick, no descriptor, not said", VHOST_SET_VRING_KICK, 8, { 0 }, { 0 }, NACK, END, true },
	{ "kick, a descriptor said not to be", VHOST_SET_VRING_KICK, 8, { 0x100 }, { EVENT }, NACK,
		END, true },
	{ "kick, unknown bits", VHOST_SET_VRING_KICK, 8, { 0x200 }, { EVENT }, NACK, END, true },
	{ "kick of ring 255", VHOST_SET_VRING_KICK, 8, { 255 }, { EVENT }, NACK, END, true },
	{ "kick, a file", VHOST_SET_VRING_KICK, 8, { 0 }, { MEMORY }, NACK, END, true },
	{ "kick, a directory", VHOST_SET_VRING_KICK, 8, { 0 }, { DIRECTORY }, NACK, END, true },
	{ "kick, a device", VHOST_SET_VRING_KICK, 8, { 0 }, { ZERO_DEVICE }, NACK, END, true },
	{ "kick, a socket", VHOST_SET_VRING_KICK, 8, { 0 }, { SOCKET }, NACK, END, true },
	{ "call, an eventfd", VHOST_SET_VRING_CALL, 8, { 1 }, { EVENT }, ACK, NOTHING, false },
	{ "call, no descriptor, said so", VHOST_SET_VRING_CALL, 8, { 0x101 }, { 0 }, ACK, NOTHING,
		false },
	{ "call, no descriptor, not said", VHOST_SET_VRING_CALL, 8, { 1 }, { 0 }, NACK, END,
		false },
	{ "call of ring 2", VHOST_SET_VRING_CALL, 8, { 2 }, { EVENT }, NACK, END, false },
	{ "call, a file", VHOST_SET_VRING_CALL, 8, { 0 }, { MEMORY }, NACK, END, false },
	{ "call, an epoll descriptor", VHOST_SET_VRING_CALL, 8, { 0 }, { EPOLL }, ACK, NOTHING,
		false },
	{ "err, an eventfd", VHOST_SET_VRING_ERR, 8, { 0 }, { EVENT }, ACK, NOTHING, false },
	{ "err, no descriptor, said so", VHOST_SET_VRING_ERR, 8, { 0x100 }, { 0 }, ACK, NOTHING,
		false },
	{ "err of ring 8", VHOST_SET_VRING_ERR, 8, { 8 }, { EVENT }, NACK, END, false },

	{ "read configuration", VHOST_GET_CONFIG, 28, { STATE(0, 16) }, { 0 }, DATA, DATA, false },
	{ "read 0 bytes", VHOST_GET_CONFIG, 12, { STATE(0, 0) }, { 0 }, EMPTY, EMPTY, false },
	{ "read more than there is room for", VHOST_GET_CONFIG, 12, { STATE(0, 16) }, { 0 }, EMPTY,
		EMPTY, false },
	{ "read with too much room", VHOST_GET_CONFIG, 32, { STATE(0, 16) }, { 0 }, EMPTY, EMPTY,
		false },
	{ "read 257 bytes", VHOST_GET_CONFIG, 12 + 257, { STATE(0, 257) }, { 0 }, EMPTY, EMPTY,
		false },
	{ "read past 256", VHOST_GET_CONFIG, 28, { STATE(241, 16) }, { 0 }, EMPTY, EMPTY, false },
	{ "read, offset wraps", VHOST_GET_CONFIG, 28, { STATE(0xfffffff8, 16) }, { 0 }, EMPTY,
		EMPTY, false },
	{ "read 2^32-1 bytes", VHOST_GET_CONFIG, 28, { STATE(0, UINT32_MAX) }, { 0 }, EMPTY, EMPTY,
		false },
	{ "write configuration", VHOST_SET_CONFIG, 16, { STATE(4, 4) }, { 0 }, ACK, NOTHING,
		false },
	{ "write what is read-only", VHOST_SET_CONFIG, 16, { STATE(0, 4) }, { 0 }, NACK, NOTHING,
		false },
	{ "write, offset wraps", VHOST_SET_CONFIG, 16, { STATE(0xfffffffe, 4) }, { 0 }, NACK,
		NOTHING, false },
	{ "write more than was sent", VHOST_SET_CONFIG, 16, { STATE(4, 5) }, { 0 }, NACK, NOTHING,
		false },
	{ "write as Rust's front-ends do", VHOST_SET_CONFIG, 16, { STATE(4, 4), 1 }, { 0 }, ACK,
		NOTHING, false },
	{ "write with unknown flags", VHOST_SET_CONFIG, 16, { STATE(4, 4), 4 }, { 0 }, NACK,
		NOTHING, false },

	{ "channel, a socket", VHOST_SET_BACKEND_REQ_FD, 0, { 0 }, { SOCKET }, ACK, NOTHING,
		false },
	{ "channel, a file", VHOST_SET_BACKEND_REQ_FD, 0, { 0 }, { MEMORY }, NACK, END, false },
	{ "GPU socket", VHOST_GPU_SET_SOCKET, 0, { 0 }, { SOCKET }, ACK, NOTHING, false },
	{ "reset device", VHOST_RESET_DEVICE, 0, { 0 }, { 0 }, ACK, NOTHING, true },
	{ "status", VHOST_SET_STATUS, 8, { 7 }, { 0 }, ACK, NOTHING, false },
	{ "status 0", VHOST_SET_STATUS, 8, { 0 }, { 0 }, ACK, NOTHING, true },
	{ "status 256", VHOST_SET_STATUS, 8, { 256 }, { 0 }, NACK, END, false },
	{ "get status", VHOST_GET_STATUS, 0, { 0 }, { 0 }, DATA, DATA, false },

	/* what we never negotiate */
	{ "log base", VHOST_SET_LOG_BASE, 16, { MIB, 0 }, { MEMORY }, NACK, NOTHING, false },
	{ "log descriptor", VHOST_SET_LOG_FD, 0, { 0 }, { EVENT }, NACK, NOTHING, false },
	{ "RARP", VHOST_SEND_RARP, 8, { 0 }, { 0 }, NACK, NOTHING, false },
	{ "MTU", VHOST_NET_SET_MTU, 8, { 1500 }, { 0 }, NACK, NOTHING, false },
	{ "IOTLB", VHOST_IOTLB_MSG, 32, { 0 }, { 0 }, NACK, NACK, false },
	{ "endianness", VHOST_SET_VRING_ENDIAN, 8, { STATE(0, 1) }, { 0 }, NACK, END, false },
	{ "create a crypto session", VHOST_CREATE_CRYPTO_SESSION, 64, { 0 }, { 0 }, END, END,
		false },
	{ "close a crypto session", VHOST_CLOSE_CRYPTO_SESSION, 8, { 0 }, { 0 }, NACK, NOTHING,
		false },
	{ "postcopy advise", VHOST_POSTCOPY_ADVISE, 0, { 0 }, { 0 }, END, END, false },
	{ "postcopy listen", VHOST_POSTCOPY_LISTEN, 0, { 0 }, { 0 }, NACK, END, false },
	{ "postcopy end", VHOST_POSTCOPY_END, 0, { 0 }, { 0 }, NACK, NACK, false },
	{ "get inflight", VHOST_GET_INFLIGHT_FD, 24, { 0 }, { 0 }, END, END, false },
	{ "set inflight", VHOST_SET_INFLIGHT_FD, 24, { 4096, 0, 2 }, { MEMORY }, NACK, END, false },
	{ "in-band kick", VHOST_VRING_KICK, 8, { 0 }, { 0 }, NACK, END, false },
	{ "shared object", VHOST_GET_SHARED_OBJECT, 16, { 0 }, { 0 }, END, END, false },
	{ "device state", VHOST_SET_DEVICE_STATE_FD, 8, { 0 }, { PIPE }, NACK, NACK, false },
	{ "check device state", VHOST_CHECK_DEVICE_STATE, 0, { 0 }, { 0 }, NACK, NACK, false },
	{ "shared memory regions", VHOST_GET_SHMEM_CONFIG, 0, { 0 }, { 0 }, END, END, false },
};

static int memfd_of(size_t bytes) {
	int fd = memfd_create("test", MFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)bytes), 0);
	return fd;
}

static int one_of_a_pair(bool is_pipe) {
	int pair[2];
	ck_assert_int_eq(is_pipe ? pipe2(pair, O_CLOEXEC)
				 : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
		0);
	close(pair[1]);
	return pair[0];
}

static int fd_of_kind(enum fd_kind kind) {
	switch (kind) {
	case EVENT:
		return fd_eventfd_create(false);
	case MEMORY:
		return memfd_of(4 * MIB);
	case SHORT_MEMORY:
		return memfd_of(MIB - 1);
	case DIRECTORY:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case ZERO_DEVICE:
		return open("/dev/zero", O_RDWR | O_CLOEXEC);
	case EPOLL:
		return epoll_create1(EPOLL_CLOEXEC);
	case SOCKET:
		return one_of_a_pair(false);
	case PIPE:
		return one_of_a_pair(true);
	case NO_FD:
		break;
	}
	return -1;
}

static void send_row(struct rig *rig, const struct row *row) {
	uint8_t payload[512] = { 0 };
	int fds[ARRAY_LEN(row->fds)];
	size_t len = 0;
	memcpy(payload, row->words, sizeof(row->words));
	while (len < ARRAY_LEN(fds) && row->fds[len] != NO_FD) {
		fds[len] = fd_of_kind(row->fds[len]);
		len++;
	}
	ck_assert_int_eq(vmm_send(&rig->device, row->request, VHOST_VERSION | VHOST_FLAG_NEED_REPLY,
				 payload, row->bytes, fds, len),
		0);
	while (len > 0) {
		close(fds[--len]);
	}
}

/* What comes of a message. A question after it tells silence from waiting. */
static enum answer answer_to(struct rig *rig, const struct row *row) {
	struct vmm_message reply;
	uint64_t number;
	send_row(rig, row);
	if (row->request != VHOST_GET_QUEUE_NUM &&
		vmm_send(&rig->device, VHOST_GET_QUEUE_NUM, VHOST_VERSION, NULL, 0, NULL, 0) < 0) {
		return END;
	}
	int error = vmm_receive(&rig->device, &reply);
	if (error < 0) {
		ck_assert_int_eq(error, -EPIPE);
		rig_settle(rig);
		ck_assert_uint_eq(rig->echo.ends, 1);
		return END;
	}
	if (reply.request != row->request) {
		ck_assert_uint_eq(reply.request, VHOST_GET_QUEUE_NUM);
		return NOTHING;
	}
	ck_assert_uint_eq(reply.flags, VHOST_VERSION | VHOST_FLAG_REPLY);
	memcpy(&number, reply.payload, sizeof(number));
	const struct vhost_request *request = vhost_request_find(row->request);
	if (reply.size == 0) {
		return EMPTY;
	}
	if (request != NULL && request->refusal != REFUSE_END &&
		request->refusal != REFUSE_IGNORE && request->refusal != REFUSE_NUMBER) {
		return DATA;
	}
	ck_assert_uint_eq(reply.size, 8);
	return number == 0 ? ACK : NACK;
}

static void expect_answer(
	const struct rig_options *options, const struct row *row, enum answer expected) {
	struct rig rig;
	rig_init(&rig, options);
	if (row->is_started) {
		ck_assert_int_eq(vmm_device_start(&rig.device), 0);
	}
	enum answer answer = answer_to(&rig, row);
	ck_assert_msg(answer == expected, "%s: answer %d, not %d", row->name, answer, expected);
	rig_finish(&rig);
}

START_TEST(message_is_answered_with_acks) {
	expect_answer(&defaults, &rows[_i], rows[_i].with_ack);
}
END_TEST

START_TEST(message_is_answered_without_acks) {
	expect_answer(&without_ack, &rows[_i], rows[_i].without_ack);
}
END_TEST

/* Nothing negotiated: whatever the row says of an ack, the session only has to stay sane. */
START_TEST(message_is_survived_without_features) {
	struct rig rig;
	rig_init(&rig, &old_front_end);
	(void)answer_to(&rig, &rows[_i]);
	rig_finish(&rig);
}
END_TEST

/* --- values ------------------------------------------------------------------------------------------- */

START_TEST(features_are_what_we_say) {
	struct rig rig;
	rig_init(&rig, &defaults);
	ck_assert_uint_eq(rig.device.features_offered,
		BIT(ECHO_FEATURE) | BIT(28) | BIT(29) | BIT(30) | BIT(32));
	ck_assert_uint_eq(rig.device.protocol_features_offered,
		BIT(0) | BIT(3) | BIT(5) | BIT(9) | BIT(10) | BIT(13) | BIT(15) | BIT(16));
	ck_assert_uint_eq(rig.device.queue_num, 2);
	uint64_t slots;
	ck_assert_int_eq(vmm_ask(&rig.device, VHOST_GET_MAX_MEM_SLOTS, NULL, 0, &slots, 8), 0);
	ck_assert_uint_eq(slots, GUEST_MEMORY_REGIONS_MAX);
	ck_assert_int_eq(vmm_device_start(&rig.device), 0);
	ck_assert_uint_eq(rig.echo.features, rig.device.features);
	uint64_t status;
	ck_assert_int_eq(vmm_ask(&rig.device, VHOST_GET_STATUS, NULL, 0, &status, 8), 0);
	ck_assert_uint_eq(status, 7);
	rig_finish(&rig);
}
END_TEST

START_TEST(configuration_is_read_and_written) {
	struct rig rig;
	uint8_t config[64];
	rig_init(&rig, &defaults);
	memcpy(rig.echo.config, "abcdefghijklmnop", 16);
	ck_assert_int_eq(vmm_config_write(&rig.device, 4, "EFGH", 4), 0);
	ck_assert_int_eq(vmm_config_write(&rig.device, 8, "I", 1), -EREMOTEIO);
	/* more than the device has: zeros */
	ck_assert_int_eq(vmm_config_read(&rig.device, 2, config, 20), 0);
	ck_assert_mem_eq(config, "cdEFGHijklmnop\0\0\0\0\0\0", 20);
	ck_assert_int_eq(vmm_config_read(&rig.device, 192, config, 64), 0);
	ck_assert_int_eq(vmm_config_read(&rig.device, 15, config, 1), 0);
	ck_assert_uint_eq(config[0], 'p');
	rig_finish(&rig);
}
END_TEST

START_TEST(repeated_messages_do_not_grow) {
	struct rig rig;
	rig_init_started(&rig, &without_ack);
	ck_assert_int_eq(vmm_memory_share(&rig.device), 0);
	rig_expect_alive(&rig);
	int fds_before = fd_eventfd_create(false);
	close(fds_before);
	for (int i = 0; i < 10000; i++) {
		ck_assert_int_eq(vmm_memory_share(&rig.device), 0);
		if (i % 100 == 0) {
			uint64_t ring = 0;
			ck_assert_int_eq(vmm_call(&rig.device, VHOST_SET_VRING_CALL, &ring, 8,
						 &rig.device.queues[0].call_fd, 1),
				0);
			rig_expect_echo(&rig);
		}
	}
	rig_expect_alive(&rig);
	int fds_after = fd_eventfd_create(false);
	close(fds_after);
	/* the lowest free descriptor is where it was */
	ck_assert_int_eq(fds_after, fds_before);
	ck_assert_uint_eq(rig.echo.memory_changes, 0);
	rig_finish(&rig);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("protocol vhost_request");
	TCase *form = suite_case(suite, "form");
	tcase_add_test(form, table_holds_every_request);
	tcase_add_loop_test(form, wrong_size_ends_the_session, 1, REQUESTS_LEN + 1);
	tcase_add_loop_test(
		form, wrong_number_of_descriptors_ends_the_session, 1, REQUESTS_LEN + 1);
	TCase *meaning = suite_case(suite, "meaning");
	tcase_add_loop_test(meaning, message_is_answered_with_acks, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(meaning, message_is_answered_without_acks, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(meaning, message_is_survived_without_features, 0, ARRAY_LEN(rows));
	TCase *values = suite_case(suite, "values");
	tcase_add_test(values, features_are_what_we_say);
	tcase_add_test(values, configuration_is_read_and_written);
	tcase_add_test(values, repeated_messages_do_not_grow);
	return suite;
}
