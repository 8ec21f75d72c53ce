/*
 * The runtime directory: where a service's sockets and its lock live, and how the commands find it.
 *
 * Thread: any.
 */
#ifndef SERVICE_RUNTIME_DIR_H
#define SERVICE_RUNTIME_DIR_H

#include <stddef.h>

/*
 * The directory to use: `option` (of --runtime) if not NULL, else FASCIA_RUNTIME, else `configured` if
 * not NULL, else $XDG_RUNTIME_DIR/fascia, /run/fascia for root, /tmp/fascia-UID. A relative one is
 * made absolute. 0 or -ENAMETOOLONG, -errno.
 */
int runtime_dir_choose(const char *option, const char *configured, char *dir, size_t dir_bytes);

#endif
