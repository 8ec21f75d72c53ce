#include "tests/guest/programs/kms_screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#define CARDS 8
/* A flip that takes longer is given up, and the display looked at again. */
#define FLIP_TIMEOUT_MS 2000

/* ---- buffers ---- */

static void buffer_destroy(struct kms_screen *screen, struct kms_buffer *buffer) {
	if (buffer->pixels) {
		munmap(buffer->pixels, buffer->size);
	}
	if (buffer->fb) {
		drmModeRmFB(screen->fd, buffer->fb);
	}
	if (buffer->handle) {
		drmModeDestroyDumbBuffer(screen->fd, buffer->handle);
	}
	*buffer = (struct kms_buffer) { 0 };
}

static int buffer_create(struct kms_screen *screen, struct kms_buffer *buffer) {
	uint32_t width = screen->mode.hdisplay, height = screen->mode.vdisplay;
	uint64_t offset;

	if (drmModeCreateDumbBuffer(screen->fd, width, height, 32, 0, &buffer->handle,
		    &buffer->stride, &buffer->size) < 0 ||
		drmModeAddFB(screen->fd, width, height, 24, 32, buffer->stride, buffer->handle,
			&buffer->fb) < 0 ||
		drmModeMapDumbBuffer(screen->fd, buffer->handle, &offset) < 0) {
		return -errno;
	}
	void *pixels = mmap(
		NULL, buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED, screen->fd, (off_t)offset);
	if (pixels == MAP_FAILED) {
		return -errno;
	}
	buffer->pixels = pixels;
	return 0;
}

static void buffers_destroy(struct kms_screen *screen) {
	for (int i = 0; i < KMS_SCREEN_BUFFERS; i++) {
		buffer_destroy(screen, &screen->buffers[i]);
	}
	screen->lit = false;
	screen->flip_pending = false;
	screen->back = 0;
}

static int buffers_create(struct kms_screen *screen) {
	for (int i = 0; i < KMS_SCREEN_BUFFERS; i++) {
		int r = buffer_create(screen, &screen->buffers[i]);
		if (r < 0) {
			buffers_destroy(screen);
			return r;
		}
	}
	return 0;
}

/* ---- opening ---- */

static int open_card(const char *path) {
	int fd = open(path, O_RDWR | O_CLOEXEC);
	drmModeRes *resources = fd < 0 ? NULL : drmModeGetResources(fd);

	if (!resources) {
		int r = -errno;
		if (fd >= 0) {
			close(fd);
		}
		return r;
	}
	drmModeFreeResources(resources);
	return fd;
}

int kms_screen_init(struct kms_screen *screen, const char *path) {
	char card[32];
	int r = -ENODEV;

	*screen = (struct kms_screen) { .fd = -1 };
	if (path) {
		r = open_card(path);
	}
	for (int i = 0; i < CARDS && !path && r < 0; i++) {
		snprintf(card, sizeof(card), "/dev/dri/card%d", i);
		r = open_card(card);
	}
	screen->fd = r;
	return r < 0 ? r : 0;
}

void kms_screen_finish(struct kms_screen *screen) {
	buffers_destroy(screen);
	if (screen->fd >= 0) {
		close(screen->fd);
	}
	screen->fd = -1;
}

/* ---- following the display ---- */

struct found {
	uint32_t connector, crtc;
	drmModeModeInfo mode;
};

static uint32_t find_crtc(int fd, const drmModeRes *resources, const drmModeConnector *connector) {
	for (int i = 0; i < connector->count_encoders; i++) {
		drmModeEncoder *encoder = drmModeGetEncoder(fd, connector->encoders[i]);
		uint32_t possible = encoder ? encoder->possible_crtcs : 0;

		drmModeFreeEncoder(encoder);
		for (int crtc = 0; crtc < resources->count_crtcs; crtc++) {
			if (possible >> crtc & 1) {
				return resources->crtcs[crtc];
			}
		}
	}
	return 0;
}

static const drmModeModeInfo *preferred_mode(const drmModeConnector *connector) {
	for (int i = 0; i < connector->count_modes; i++) {
		if (connector->modes[i].type & DRM_MODE_TYPE_PREFERRED) {
			return &connector->modes[i];
		}
	}
	return connector->count_modes > 0 ? &connector->modes[0] : NULL;
}

/* The first connected connector, its CRTC and its preferred mode; zeros when there is none. */
static int find_display(int fd, struct found *found) {
	drmModeRes *resources = drmModeGetResources(fd);

	*found = (struct found) { 0 };
	if (!resources) {
		return -errno;
	}
	for (int i = 0; i < resources->count_connectors && !found->connector; i++) {
		drmModeConnector *connector = drmModeGetConnector(fd, resources->connectors[i]);
		const drmModeModeInfo *mode = NULL;

		if (connector && connector->connection == DRM_MODE_CONNECTED) {
			mode = preferred_mode(connector);
		}
		if (mode) {
			found->crtc = find_crtc(fd, resources, connector);
			found->connector = found->crtc ? connector->connector_id : 0;
			found->mode = *mode;
		}
		drmModeFreeConnector(connector);
	}
	drmModeFreeResources(resources);
	return 0;
}

static bool same_display(const struct kms_screen *screen, const struct found *found) {
	return screen->connector == found->connector && screen->crtc == found->crtc &&
		screen->mode.hdisplay == found->mode.hdisplay &&
		screen->mode.vdisplay == found->mode.vdisplay;
}

int kms_screen_follow(struct kms_screen *screen) {
	struct found found;
	int r = find_display(screen->fd, &found);

	if (r < 0 || (same_display(screen, &found) && (!found.connector || screen->lit))) {
		return r;
	}
	if (screen->lit) {
		drmModeSetCrtc(screen->fd, screen->crtc, 0, 0, 0, NULL, 0, NULL);
	}
	buffers_destroy(screen);
	screen->connector = found.connector;
	screen->crtc = found.crtc;
	screen->mode = found.mode;
	if (!found.connector) {
		return 0;
	}
	r = buffers_create(screen);
	return r < 0 ? r : 1;
}

/* ---- showing ---- */

static void handle_flip(int fd, unsigned sequence, unsigned seconds, unsigned us, void *data) {
	struct kms_screen *screen = data;

	(void)fd, (void)sequence, (void)seconds, (void)us;
	screen->flip_pending = false;
}

static int wait_for_flip(struct kms_screen *screen) {
	drmEventContext events = { .version = 2, .page_flip_handler = handle_flip };
	struct pollfd poll_fd = { .fd = screen->fd, .events = POLLIN };

	while (screen->flip_pending) {
		int r = poll(&poll_fd, 1, FLIP_TIMEOUT_MS);
		if (r <= 0) {
			return r < 0 ? -errno : -ETIMEDOUT;
		}
		drmHandleEvent(screen->fd, &events);
	}
	return 0;
}

int kms_screen_flip(struct kms_screen *screen) {
	uint32_t fb = screen->buffers[screen->back].fb;
	int r = 0;

	if (!screen->lit) {
		if (drmModeSetCrtc(screen->fd, screen->crtc, fb, 0, 0, &screen->connector, 1,
			    &screen->mode) < 0) {
			return -errno;
		}
		screen->lit = true;
	} else {
		if (drmModePageFlip(
			    screen->fd, screen->crtc, fb, DRM_MODE_PAGE_FLIP_EVENT, screen) < 0) {
			r = -errno;
			screen->lit = false;
			return r;
		}
		screen->flip_pending = true;
		r = wait_for_flip(screen);
		screen->lit = r == 0;
	}
	screen->back ^= 1;
	return r;
}
