#include "audio/mixer/fade.h"

#include <assert.h>
#include <math.h>

void fade_init(struct fade *fade, uint32_t rate) {
	assert(rate >= 1000 && rate <= FADE_RATE_MAX);
	fade->frames = rate * FADE_MS / 1000;
	for (uint32_t i = 0; i < fade->frames; i++) {
		double phase = (double)(i + 1) / (double)(fade->frames + 1);
		fade->down[i] = (float)(0.5 + 0.5 * cos(phase * 3.14159265358979323846));
	}
}
