/*
 * What the files of the front-end share. Users take vmm.h.
 */
#ifndef TESTS_VMM_VMM_IMPL_H
#define TESTS_VMM_VMM_IMPL_H

#include "tests/vmm/vmm.h"

/* Waits until `fd` has `events`, serving the back-end channel meanwhile. 0, -EPIPE, -ETIMEDOUT. */
int vmm_wait_fd(struct vmm_device *device, int fd, short events, int timeout_ms);

/* Reads what the back-end sent on its channel. */
void vmm_drain_channel(struct vmm_device *device);

#endif
