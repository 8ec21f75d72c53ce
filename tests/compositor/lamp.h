/*
 * A cockpit with one verified telltale, the brake lamp, for the verifier's suites: what is requested, what the
 * guest draws, and what is on the screen, of one rig (rig.h) with the usual pair of guests (pair.h).
 *
 * Thread: the test's. Everything that should not be fails the test.
 */
#ifndef TESTS_COMPOSITOR_LAMP_H
#define TESTS_COMPOSITOR_LAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/safety_page.h"
#include "tests/compositor/rig.h"

/* the brake lamp: on the cluster's picture, and of the host */
#define LAMP_X 26
#define LAMP_Y 20
#define LAMP_SIZE 5
#define LAMP_FOLLOW_MS 50
#define LAMP_FOLLOW_TICKS 3
#define LAMP_RECOVER 3

extern struct rig lamp_rig;
extern const struct safety_page *lamp_page;

/* What the guest draws where the lamp is. */
struct lamp_drawing {
	const char *tile;   /* NULL: nothing */
	int32_t dx, dy;
	bool is_mirrored, has_flipped_bit;
};

extern const struct lamp_drawing lamp_off, lamp_on;

/* The configuration: the cluster's guest draws the lamp. Tests change it before lamp_start(). */
void lamp_config(struct config *config);
/* Until then nothing of the rig exists. The lamp is requested to be off. */
void lamp_start(const struct config *config);
void lamp_finish(void);
/* Until the guest draws the lamp, and it is off. */
void lamp_settle(void);

void lamp_request(int32_t value);
void lamp_draw(const struct lamp_drawing *drawing);
void lamp_draw_ivi(void);
/* A picture of the cluster: a letter is a colour, 'x' stripes, 's' the airbag's lamp in lamp_watched, a digit a
 * frame tag of that counter there. */
extern const struct rect lamp_watched;
void lamp_draw_content(char content);

/* The colour that a pixel of the tile has. */
uint32_t lamp_pixel(const char *tile, int32_t x, int32_t y);
/* Whether the picture looked at last shows this tile in the lamp's place. */
bool lamp_shows(const char *tile);
struct safety_region_reading lamp_region(const char *name);
/* A tick, after which the lamp must look like this, and be of the guest or not. */
void lamp_expect(const char *tile, bool is_host_drawn, enum safety_verdict verdict);
/* The newest record of this subject; its cause. */
enum fault_cause lamp_recorded(enum safety_subject subject, const char *name);

#endif
