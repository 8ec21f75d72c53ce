/*
 * The configuration as the programs see it: one plain struct in a sealed memfd. `fascia` compiles it
 * from YAML and checks it; every other process maps it read-only and trusts its content after
 * config_map() has checked seals, size, version and checksum. Plain values, no pointers; strings are
 * NUL-terminated; times in milliseconds, sizes in bytes or pixels. Names of outputs, guests and layers
 * consist of letters, digits, - and _, and differ among their kind.
 *
 * Thread: any; read-only.
 */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/frame_link.h"
#include "core/rect.h"
#include "core/sample_link.h"

#define CONFIG_MAGIC 0x46434346u /* "FCCF" */
#define CONFIG_VERSION 1
#define CONFIG_NAME_BYTES 32
#define CONFIG_PATH_BYTES 108 /* sun_path */
#define CONFIG_OUTPUTS_MAX 4
#define CONFIG_GUESTS_MAX 8
#define CONFIG_LAYERS_MAX 32
#define CONFIG_NONE UINT32_MAX
#define CONFIG_SIZE_MAX 8192          /* pixels each way, of outputs and places */
#define CONFIG_MODE_MAX 8191          /* of a guest's scanout: what an EDID can say */
#define CONFIG_PLACE_MAX 32768        /* how far from the origin a place may begin */
#define CONFIG_BYTES_MAX (UINT64_C(1) << 36)
#define CONFIG_TIME_MAX_MS 3600000
#define CONFIG_RECOVER_FRAMES_MAX 100000

enum config_output_kind { CONFIG_OUTPUT_MEMORY };

struct config_output {
	char name[CONFIG_NAME_BYTES];
	uint32_t kind;            /* enum config_output_kind */
	uint32_t width, height;   /* pixels, 1..CONFIG_SIZE_MAX */
	uint32_t clock;           /* enum ticker_kind */
	uint32_t refresh_mhz;     /* 1000..400000 */
	uint32_t width_mm, height_mm;
	uint32_t background;      /* 0x00RRGGBB */
	uint32_t fallback;        /* 1: this output has the fallback HMI */
};

enum config_profile { CONFIG_PROFILE_2D, CONFIG_PROFILE_BLOB };

struct config_budget {        /* what one guest may use; exceeding it is an error reply */
	uint64_t pool_bytes; /* frame pool: pictures on their way to the screen; whole pages, > 0 */
	uint64_t memory_bytes; /* private pixels of resources that were never shown */
	uint32_t resources; /* this and the following: at least 1 */
	uint32_t backing_entries; /* per resource */
	uint32_t commands_per_wake;
	uint32_t flushes_per_refresh;
};

struct config_gpu {
	uint32_t enabled;
	char socket[CONFIG_PATH_BYTES];
	uint32_t profile; /* enum config_profile */
	struct config_budget budget;
	uint32_t scanouts_len; /* 1..16 */
	struct frame_mode scanouts[FRAME_LINK_CHANNELS];
};

struct config_sound_device {
	uint32_t enabled;
	char socket[CONFIG_PATH_BYTES];
	uint32_t streams; /* playback streams, 1..SAMPLE_LINK_STREAMS */
	float gain[SAMPLE_LINK_STREAMS]; /* per stream, linear, 0..1 */
};

struct config_guest {
	char name[CONFIG_NAME_BYTES];
	struct config_gpu gpu;
	struct config_sound_device sound;
};

enum config_layer_kind {
	CONFIG_LAYER_GUEST, /* a guest's scanout */
	CONFIG_LAYER_PICTURE, /* a picture of the atlas: tile "picture/LAYER" */
};

struct config_layer {
	char name[CONFIG_NAME_BYTES];
	uint32_t kind; /* enum config_layer_kind */
	uint32_t output; /* index */
	uint32_t guest, scanout; /* indices; CONFIG_NONE for a picture */
	struct rect place; /* on the output, not empty; the picture is scaled to it if `scale`, else
	                           * cropped */
	struct rect clip; /* on the output; empty: the whole output */
	uint32_t scale; /* 1: scale the picture to `place`; 0: 1:1, and the guest's mode follows
	                           * the size of `place` */
	int32_t z; /* lower is further back; equal: configuration order */
	uint32_t opacity; /* 0..255 */
	uint32_t visible;
	uint32_t critical; /* losing it brings the output's fallback HMI */
	uint32_t stall_ms; /* it must flush within this; 0: it may be silent */
	uint32_t hold_ms; /* how long the last picture is held after a loss */
	uint32_t recover_frames; /* good frames before it is shown again, >= 1 */
};

enum config_sink { CONFIG_SINK_NONE, CONFIG_SINK_NULL, CONFIG_SINK_MEMORY };

struct config_mixer {
	uint32_t sink; /* enum config_sink; NONE: no sound at all */
	uint32_t wait_streams; /* MEMORY: 1: advance only when every running stream has a quantum */
	uint32_t rate; /* Hz, 8000..192000 */
	uint32_t quantum_frames; /* 16..1024 */
};

struct config {
	uint32_t magic, version;
	uint32_t size_bytes;
	uint32_t crc32; /* of the whole struct with this field 0 */
	char name[CONFIG_NAME_BYTES];
	char runtime_dir[CONFIG_PATH_BYTES -
		CONFIG_NAME_BYTES]; /* absolute; the keeper's socket lives there */
	uint32_t outputs_len;
	struct config_output outputs[CONFIG_OUTPUTS_MAX];
	uint32_t guests_len;
	struct config_guest guests[CONFIG_GUESTS_MAX];
	uint32_t layers_len;
	struct config_layer layers[CONFIG_LAYERS_MAX];
	struct config_mixer mixer;
};

/*
 * What is wrong with the values (ranges, indices, strings, rectangles, everything a trusted process
 * relies on), as a static string that names the field; NULL: nothing. Magic, version, size and
 * checksum are not looked at.
 */
const char *config_fault(const struct config *config);

/* Stamps magic, version, size and checksum, and puts the struct in a sealed memfd. fd or -errno:
 * -EINVAL when config_fault() names something. */
int config_seal(struct config *config);

/* Maps a blob (borrows `fd`) after checking it, config_fault() included. NULL with errno: EINVAL damaged
 * or of another version, EPERM not sealed. */
const struct config *config_map(int fd);
void config_unmap(const struct config *config);

#endif
