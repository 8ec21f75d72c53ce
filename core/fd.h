/*
 * File descriptors: memory files, their seals, event counters, and passing them between processes.
 *
 * Every descriptor made or received here is close-on-exec; every socket made here is non-blocking.
 * Functions return a descriptor or 0, or -errno. Thread: any.
 */
#ifndef CORE_FD_H
#define CORE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Most descriptors one message may carry (protocol: 8 memory regions; control: 6). */
#define FD_MESSAGE_MAX 16

/* Closes *fd if it is >= 0 and sets it to -1. */
void fd_close(int *fd);

/* Rounded up to a multiple of the page size. */
size_t fd_round_to_page(size_t size_bytes);

/* A memfd of `size_bytes` (multiple of the page size), sealed SHRINK|GROW|SEAL: its size is fixed for
 * good, its content is not. For pools and pages. */
int fd_memfd_create(const char *name, size_t size_bytes);

/* A memfd holding a copy of `data`, sealed WRITE|SHRINK|GROW|SEAL: nobody can change it any more. For
 * the configuration, assets and still pictures. */
int fd_memfd_create_constant(const char *name, const void *data, size_t size_bytes);

/* The receiver's check of such a file: 0 if `fd` is a memfd of at least `min_bytes` that carries all
 * of `seals` (F_SEAL_*); *size_bytes may be NULL. -EINVAL, -EPERM or -errno otherwise. */
int fd_memfd_check(int fd, int seals, size_t min_bytes, size_t *size_bytes);

/*
 * A second, read-only description of the same memory file: it can be mapped PROT_READ only. The file's
 * mode is 0400, so a holder of it cannot open it for writing again through /proc, unless it has this
 * user's rights over files; that rest is for the sandbox.
 */
int fd_reopen_readonly(int fd);

/* An EFD_NONBLOCK eventfd; `semaphore` as in EFD_SEMAPHORE. */
int fd_eventfd_create(bool semaphore);
void fd_event_signal(int fd); /* never blocks; a full counter is already signalled */
uint64_t fd_event_take(int fd); /* drains: the counter's value, 0 if none */

/* A connected SOCK_SEQPACKET pair. 0 or -errno. */
int fd_socketpair(int pair[2]);

/* A listening SOCK_STREAM unix socket at `path`, mode 0600; a stale socket file is replaced, a live
 * one is -EADDRINUSE. -ENAMETOOLONG when the path does not fit sun_path. */
int fd_listen_unix(const char *path, int type);
int fd_connect_unix(const char *path, int type);
/* -EAGAIN: nobody waits. */
int fd_accept(int listener);

/* Waits until `fd` is readable, hung up or in error: 1; 0: `timeout_ms` passed (-1: for ever); -errno.
 * For clients and for start-up; a process that serves others has a loop. */
int fd_wait_readable(int fd, int timeout_ms);

/*
 * Sends or receives one message with descriptors (SCM_RIGHTS). fd_send borrows the descriptors.
 * fd_receive stores at most `*fds_len` descriptors and sets *fds_len; when more came or the control
 * part was cut, all of them are closed and it returns -EBADMSG. Returns bytes, 0 at end of stream, or
 * -errno (-EAGAIN when it would block).
 */
ssize_t fd_send(int socket, const void *data, size_t size_bytes, const int *fds, size_t fds_len);
ssize_t fd_receive(int socket, void *data, size_t size_bytes, int *fds, size_t *fds_len);

#endif
