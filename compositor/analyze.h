/*
 * Analysis: why a layer is, or is not, to be seen, in sentences for a person.
 *
 * Thread: the compositor's. Bounded: looks at states and rectangles, at no pixel.
 */
#ifndef COMPOSITOR_ANALYZE_H
#define COMPOSITOR_ANALYZE_H

#include <stddef.h>
#include <stdint.h>

#include "compositor/layer.h"
#include "compositor/screen.h"
#include "core/control.h"

#define ANALYSIS_LINES_MAX 24
#define ANALYSIS_LINE_BYTES sizeof(((struct control_message *)0)->text)

struct analysis {
	size_t len;
	char lines[ANALYSIS_LINES_MAX][ANALYSIS_LINE_BYTES];
};

/* `layer` is one of the screen's. What stands above is what was composed last. */
void analyze(struct analysis *analysis, const struct config *config, const struct screen *screen,
	const struct layer *layer, uint64_t now_ns);

#endif
