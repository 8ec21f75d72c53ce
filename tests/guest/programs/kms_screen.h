/*
 * A display of the guest driven by kernel mode setting: two dumb buffers of the preferred mode, shown
 * by page flips. Follows the display when its mode changes or it is unplugged and plugged again.
 *
 * Thread: one.
 */
#ifndef TESTS_GUEST_PROGRAMS_KMS_SCREEN_H
#define TESTS_GUEST_PROGRAMS_KMS_SCREEN_H

#include <stdbool.h>
#include <stdint.h>
#include <xf86drmMode.h>

#define KMS_SCREEN_BUFFERS 2

struct kms_buffer {
	uint32_t handle, fb; /* 0: none */
	uint32_t stride; /* bytes */
	uint64_t size; /* bytes */
	uint8_t *pixels; /* XRGB8888; NULL: none */
};

struct kms_screen {
	int fd;
	uint32_t connector, crtc; /* ids; connector 0: nothing is plugged in */
	drmModeModeInfo mode;
	struct kms_buffer buffers[KMS_SCREEN_BUFFERS];
	unsigned back; /* the buffer that is not shown */
	bool lit; /* the mode is set */
	bool flip_pending;
};

/* Opens `path`, or the first card that can set modes if NULL. 0 or -errno. */
int kms_screen_init(struct kms_screen *screen, const char *path);
void kms_screen_finish(struct kms_screen *screen);

/*
 * Looks at the connectors. 1: there is a display, and it is new or its mode differs: the buffers are
 * new, of screen->mode's size. 0: nothing changed (screen->connector says whether there is a display).
 * Or -errno.
 */
int kms_screen_follow(struct kms_screen *screen);

/* Shows the back buffer and waits until it is shown; the other one becomes the back. 0 or -errno. */
int kms_screen_flip(struct kms_screen *screen);

#endif
