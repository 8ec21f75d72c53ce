/*
 * EDID: what a guest is told of a display (VESA E-EDID 1.4; DisplayID 1.3 for what that cannot say).
 *
 * A description is of the display: its size, its name, the one mode it has. It never follows what a
 * guest has set on it. One block of 128 bytes carries it, with reduced-blanking timings (VESA CVT
 * 1.2, reduced blanking version 1). A mode that does not fit a detailed timing of the base block
 * (more than 4095 pixels each way, or a pixel clock over 655.35 MHz) is carried by a DisplayID
 * extension block, and the base block then shows a mode that every driver can drive.
 *
 * Thread: any; pure functions.
 */
#ifndef DISPLAY_EDID_H
#define DISPLAY_EDID_H

#include <stddef.h>
#include <stdint.h>

#include "core/frame_link.h"

#define EDID_BLOCK_BYTES 128
#define EDID_BYTES_MAX (2 * EDID_BLOCK_BYTES)

/* Fields of `mode` are clamped to 1..8191 pixels and 1..400 Hz; `enabled` does not matter. Returns the
 * bytes written: one block or two. */
size_t edid_encode(uint8_t edid[EDID_BYTES_MAX], const struct frame_mode *mode);

/* Timings of one mode, as edid_encode() writes them. */
struct edid_timing {
	uint32_t clock_10khz;
	uint32_t active_x, blank_x, front_x, sync_x; /* pixels */
	uint32_t active_y, blank_y, front_y, sync_y; /* lines */
};

struct edid_timing edid_timing_compute(uint32_t width, uint32_t height, uint32_t refresh_mhz);

#endif
