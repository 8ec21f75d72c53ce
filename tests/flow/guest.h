/*
 * A guest for flow tests: the small front-end with a display's worth of pictures whose every pixel is
 * known, and a playing stream whose every sample is known.
 *
 * What fails aborts the test. Thread: one per guest.
 */
#ifndef TESTS_FLOW_GUEST_H
#define TESTS_FLOW_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/rect.h"
#include "tests/flow/service.h"
#include "tests/vmm/vmm_gpu.h"
#include "tests/vmm/vmm_snd.h"

/* ---- graphics ---- */

struct guest_display {
	const struct service *service;
	char process[32]; /* "gpu-NAME" */
	struct vmm_ram ram;
	struct vmm_device device;
	struct vmm_gpu gpu;
	uint32_t width, height;
	uint64_t memory; /* guest address of the picture */
};

/* Connects to a guest's gpu socket, makes a resource of this size and puts it on scanout 0. */
void guest_display_start(struct guest_display *display, const struct service *service,
	const char *guest, uint32_t width, uint32_t height);
/* Hangs up, as a VM that is gone. */
void guest_display_stop(struct guest_display *display);

/* The pixel of picture `seed` at x,y: 0xffRRGGBB. */
uint32_t guest_pixel(uint32_t seed, uint32_t x, uint32_t y);
/* Draws picture `seed` and flushes it; the endpoint has published it on return. */
void guest_display_show(struct guest_display *display, uint32_t seed);
/* The same for a part of it. */
void guest_display_show_part(struct guest_display *display, uint32_t seed, const struct rect *part);
/* Waits until the endpoint has done all it was told before, ticks included. */
void guest_display_sync(struct guest_display *display);

/* ---- sound: 48 kHz, stereo, 16 bit, stream 0 ---- */

#define GUEST_PERIOD_FRAMES 480

struct guest_player {
	struct vmm_ram ram;
	struct vmm_snd snd;
	uint64_t sent, done; /* periods */
	int16_t seed;
};

void guest_player_start(struct guest_player *player, const struct service *service,
	const char *guest, int16_t seed);
/* Hangs up in the middle of it. */
void guest_player_stop(struct guest_player *player);
/* Keeps all of them fed until each has had `periods` more completed. A sink that waits for its streams
 * waits for all that run: play them together. */
void guest_players_play(struct guest_player *const *players, unsigned len, uint64_t periods);
void guest_player_play(struct guest_player *player, uint64_t periods);

/* Sample of frame `frame`, the same in both channels. */
int16_t guest_sample(int16_t seed, uint64_t frame);

#endif
