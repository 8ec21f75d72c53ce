/*
 * The guest channel: lines of text that a program in a guest exchanges with the host, over a virtio-serial
 * port or a vsock connection that the VMM joins to a stream socket. fascia-channel(7) is its
 * documentation.
 *
 *   guest -> host   hello NAME          who speaks: 1 to 31 of A-Z a-z 0-9 . _ -
 *                   heartbeat NUMBER    decimal, 0..2^64 - 1
 *                   focus gain          asks for the sound
 *                   focus loss          gives it back
 *   host -> guest   ok                  to each line, in order
 *                   error WHAT
 *
 * A line has at most GUEST_CHANNEL_LINE_MAX bytes, its newline included; all others are printable ASCII.
 * Whatever else comes is a violation: the bytes after it mean nothing. A line that is only not
 * understood is none, so that a newer guest may try what an older host does not know.
 *
 * Thread: any; plain storage, no system call.
 */
#ifndef PROTOCOL_GUEST_CHANNEL_H
#define PROTOCOL_GUEST_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#define GUEST_CHANNEL_LINE_MAX 120
#define GUEST_CHANNEL_NAME_BYTES 32

enum guest_channel_verb {
	GUEST_CHANNEL_HELLO,
	GUEST_CHANNEL_HEARTBEAT,
	GUEST_CHANNEL_FOCUS_GAIN,
	GUEST_CHANNEL_FOCUS_LOSS,
};

struct guest_channel_message {
	enum guest_channel_verb verb;
	char name[GUEST_CHANNEL_NAME_BYTES]; /* HELLO: NUL-terminated */
	uint64_t number;                     /* HEARTBEAT */
};

enum guest_channel_verdict {
	GUEST_CHANNEL_MORE,      /* no whole line yet */
	GUEST_CHANNEL_MESSAGE,
	GUEST_CHANNEL_UNKNOWN,   /* a line, but no such command */
	GUEST_CHANNEL_BAD_VALUE, /* a command, but not a value of its */
	GUEST_CHANNEL_TOO_LONG,  /* violation */
	GUEST_CHANNEL_BINARY,    /* violation: a byte that is no text */
};

/* The receiver's memory of a connection. Zeroed: nothing received yet. */
struct guest_channel {
	size_t len;
	char line[GUEST_CHANNEL_LINE_MAX];
};

/*
 * Takes bytes up to the end of the first line in them, or up to the violation, and says what they are.
 * *taken <= len is how many; all of them unless there was a line's end. After a violation the
 * connection is to be ended.
 */
enum guest_channel_verdict guest_channel_take(struct guest_channel *channel, const uint8_t *bytes,
	size_t len, size_t *taken, struct guest_channel_message *message);

/* The line that answers it, with its newline; "" for MORE. */
const char *guest_channel_answer(enum guest_channel_verdict verdict);

#endif
