/*
 * The frame tag: a number that a guest's HMI paints into its picture, so that the host can tell a fresh
 * picture from an old, frozen or torn one by its pixels alone.
 *
 * FRAME_TAG_PIXELS pixels in a row, each carrying 12 bits in the low four bits of red, green and blue
 * (so that the tag is nearly black). The first pixel is FRAME_TAG_MARK; the next eleven hold the 16 bytes
 * of the tag, numbers little-endian, as 32 half bytes, the low half of each byte first, three a pixel in
 * the order red, green, blue, and a 33rd that is zero:
 *
 *     bytes 0-3   counter    + 1 with every picture whose content is new, wraps
 *     bytes 4-7   time_ms    the guest's own monotonic clock when it began to draw the picture
 *     bytes 8-11  heartbeat  + 1 by the program that decides what is shown; 0: it has none
 *     bytes 12-15 CRC-32 of bytes 0-11
 *
 * The tag is painted twice with the same content: at the picture's top left corner, painted first, and at
 * its bottom left corner (the last row), painted last. Pictures are XRGB8888 or ARGB8888 of at least
 * FRAME_TAG_PIXELS by 2 pixels.
 *
 * Thread: any; pure functions.
 */
#ifndef CORE_FRAME_TAG_H
#define CORE_FRAME_TAG_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_TAG_PIXELS 12
#define FRAME_TAG_MARK 0x000a050fu /* 0x00RRGGBB */

struct frame_tag {
	uint32_t counter;
	uint32_t time_ms;
	uint32_t heartbeat;
};

/* Alpha of the pixels is 255. */
void frame_tag_encode(const struct frame_tag *tag, uint32_t pixels[FRAME_TAG_PIXELS]);
/* False: there is no whole tag. Alpha and the upper four bits of each colour do not matter. */
bool frame_tag_decode(struct frame_tag *tag, const uint32_t pixels[FRAME_TAG_PIXELS]);

#endif
