#include "compositor/memory.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "compositor/screen.h"
#include "core/control.h"
#include "core/log.h"
#include "core/macros.h"

/* no padding in either: they are compared and summed up as bytes */
struct screen_content {
	char name[CONFIG_NAME_BYTES]; /* whose it is */
	uint32_t is_safe, is_latched;
	uint32_t cause;
};

struct layer_content {
	char name[CONFIG_NAME_BYTES];
	int32_t x, y, z;
	uint32_t width, height;
	uint32_t opacity, is_visible, is_connected;
	uint32_t is_quarantined;
	uint32_t cause, reaction; /* of the quarantine */
};

_Static_assert(sizeof(struct screen_content) == CONFIG_NAME_BYTES + 3 * sizeof(uint32_t) &&
		sizeof(struct screen_content) <= SAFETY_MEMORY_BYTES,
	"without padding, and small enough");
_Static_assert(sizeof(struct layer_content) == CONFIG_NAME_BYTES + 11 * sizeof(uint32_t) &&
		sizeof(struct layer_content) <= SAFETY_MEMORY_BYTES,
	"without padding, and small enough");

_Static_assert(SAFETY_OUTPUTS == CONFIG_OUTPUTS_MAX && SAFETY_LAYERS == CONFIG_LAYERS_MAX,
	"a memory for each");

/* ---- outputs ---- */

void memory_keep_screen(struct safety_page *page, const struct screen *screen) {
	if (page == NULL) {
		return;
	}
	bool is_safe = screen_state(screen) == SCREEN_SAFE;
	struct screen_content content = {
		.is_safe = is_safe,
		.is_latched = screen->machine.is_latched || screen->machine.was_latched,
		.cause = is_safe ? screen->machine.cause : FAULT_NONE,
	};
	memcpy(content.name, screen->config->name, sizeof(content.name));
	safety_memory_write(&page->outputs[screen->index], &content, sizeof(content));
}

void memory_restore_screen(struct safety_page *page, struct screen *screen) {
	struct screen_content content = { 0 };
	if (page == NULL) {
		return;
	}
	switch (safety_memory_read(&page->outputs[screen->index], &content, sizeof(content))) {
	case SAFETY_MEMORY_NONE:
		return;
	case SAFETY_MEMORY_DAMAGED:
		log_error("output %s: what its state was cannot be read: the fallback stays until "
			  "'fascia ack'",
			screen->config->name);
		atomic_fetch_add(&page->damaged, 1);
		screen_machine_restore(&screen->machine, FAULT_NONE, true);
		return;
	case SAFETY_MEMORY_WHOLE:
		break;
	}
	bool is_own = memcmp(content.name, screen->config->name, sizeof(content.name)) == 0;
	if (is_own && content.cause < FAULT_CAUSES) {
		screen_machine_restore(&screen->machine,
			content.is_safe ? (enum fault_cause)content.cause : FAULT_NONE,
			content.is_latched != 0);
	}
}

/* ---- layers ---- */

void memory_keep_layer(struct safety_page *page, const struct layer *layer) {
	if (page == NULL) {
		return;
	}
	bool is_quarantined =
		layer_state(layer) == LAYER_QUARANTINED || layer->machine.was_quarantined;
	struct layer_content content = {
		.x = layer->place.x,
		.y = layer->place.y,
		.z = layer->z,
		.width = layer->place.width,
		.height = layer->place.height,
		.opacity = layer->opacity,
		.is_visible = layer->is_visible,
		.is_connected = layer->is_connected,
		.is_quarantined = is_quarantined,
		.cause = is_quarantined ? layer->machine.cause : FAULT_NONE,
		.reaction = is_quarantined ? layer->machine.reaction : FAULT_REACTION_DEFAULT,
	};
	memcpy(content.name, layer->config->name, sizeof(content.name));
	safety_memory_write(&page->layers[layer->index], &content, sizeof(content));
}

static void restore_quarantine(struct layer *layer, const struct layer_content *content) {
	bool has_sense = content->cause > FAULT_NONE && content->cause < FAULT_CAUSES &&
		content->reaction >= FAULT_REACTION_PLACEHOLDER &&
		content->reaction < FAULT_REACTIONS;
	if (layer->guest != NULL && content->is_quarantined && has_sense) {
		layer_machine_restore(&layer->machine, (enum fault_cause)content->cause,
			(enum fault_reaction)content->reaction);
	}
}

/* Commands are given again, which checks them: one that is refused leaves what is configured. */
static void restore_commands(struct layer *layer, const struct layer_content *content) {
	const struct {
		enum control_layer command;
		int64_t values[3];
	} commands[] = {
		{ CONTROL_LAYER_AT, { content->x, content->y } },
		{ CONTROL_LAYER_SIZE, { content->width, content->height } },
		{ CONTROL_LAYER_Z, { content->z } },
		{ CONTROL_LAYER_OPACITY, { content->opacity } },
		{ CONTROL_LAYER_VISIBLE, { content->is_visible } },
		{ CONTROL_LAYER_CONNECT, { content->is_connected } },
	};
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		layer_command(layer, commands[i].command, commands[i].values);
	}
}

void memory_restore_layer(struct safety_page *page, struct layer *layer) {
	struct layer_content content = { 0 };
	if (page == NULL) {
		return;
	}
	enum safety_memory_found found =
		safety_memory_read(&page->layers[layer->index], &content, sizeof(content));
	if (found == SAFETY_MEMORY_DAMAGED) {
		log_error("layer %s: where it was cannot be read: it is as configured",
			layer->config->name);
		atomic_fetch_add(&page->damaged, 1);
	}
	if (found == SAFETY_MEMORY_WHOLE &&
		memcmp(content.name, layer->config->name, sizeof(content.name)) == 0) {
		restore_quarantine(layer, &content);
		restore_commands(layer, &content);
	}
}
