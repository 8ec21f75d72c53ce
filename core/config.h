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
#include "core/cue.h"
#include "core/fault.h"
#include "core/frame_link.h"
#include "core/rect.h"
#include "core/safety_page.h"
#include "core/sample_link.h"

#define CONFIG_MAGIC 0x46434346u /* "FCCF" */
#define CONFIG_VERSION 2
#define CONFIG_NAME_BYTES 32
#define CONFIG_PATH_BYTES 108 /* sun_path */
#define CONFIG_OUTPUTS_MAX 4
#define CONFIG_GUESTS_MAX 8
#define CONFIG_LAYERS_MAX 32
#define CONFIG_REGIONS_MAX 64
#define CONFIG_VERIFIED_MAX 64
#define CONFIG_NONE UINT32_MAX
#define CONFIG_SIZE_MAX 8192          /* pixels each way, of outputs and places */
#define CONFIG_MODE_MAX 8191          /* of a guest's scanout: what an EDID can say */
#define CONFIG_PLACE_MAX 32768        /* how far from the origin a place may begin */
#define CONFIG_BYTES_MAX (UINT64_C(1) << 36)
#define CONFIG_TIME_MAX_MS 3600000
#define CONFIG_FOLLOW_MAX_MS 2000 /* a guest under software emulation needs as much */
#define CONFIG_RECOVER_FRAMES_MAX 100000
#define CONFIG_FLICKER_MAX 1000
#define CONFIG_QUARANTINE_LOSSES_MAX 1000
#define CONFIG_CHECK_FRAMES_MAX 255

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
	/* which visible transition (away or back) within 10 s latches the fallback; 0: none does */
	uint32_t flicker_max;
	uint32_t dwell_ms; /* the least time that the fallback stays */
};

enum config_profile { CONFIG_PROFILE_2D, CONFIG_PROFILE_BLOB };

struct config_budget { /* what one guest may use; exceeding it is an error reply */
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

/* The guest's own line to the host (protocol/guest_channel.h), served by its fascia-gpu. */
struct config_channel {
	uint32_t enabled;
	char socket[CONFIG_PATH_BYTES];
};

struct config_guest {
	char name[CONFIG_NAME_BYTES];
	struct config_gpu gpu;
	struct config_sound_device sound;
	struct config_channel channel;
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
	uint32_t echo_ms; /* its endpoint must answer ticks within this; 0: GUEST_ECHO_TICKS */
	uint32_t heartbeat_ms; /* its guest's heartbeat must go on within this; 0: it has none */
	uint32_t frozen_frames; /* of a tag: pictures with its counter unchanged; 0: no matter */
	uint32_t tag; /* 1: a picture without a frame tag (core/frame_tag.h) is a bad one */
	uint32_t lag_ms; /* with a frame tag: how old a picture may be; 0: no matter */
	uint32_t opaque; /* 1: an alpha below 255 in an ARGB picture is a fault */
	uint32_t dark; /* 1: it may be all of one colour */
	uint32_t quarantine_losses; /* so many within quarantine_ms end its chances; 0: never */
	uint32_t quarantine_ms;
	uint32_t follow_ms; /* how long its guest may take to show what a signal asks for */
	uint32_t reactions[FAULT_CAUSES]; /* enum fault_reaction, by cause */
};

/* A safety element that this layer's guest draws, and the host verifies. All others on an output with
 * `fallback`, when there are signals, are drawn by the host above all layers. Such a layer is a guest's,
 * 1:1 and opaque. */
struct config_verified {
	char element
		[SAFETY_NAME_BYTES]; /* of the atlas, on the layer's output; "": every safety element
	                                  * of that output that lies in the layer's place */
	uint32_t layer;
};

/* A region that is checked besides the elements. */
struct config_region {
	char name[CONFIG_NAME_BYTES];
	uint32_t check; /* enum safety_check; not EXACT, OFF: those are the elements' */
	uint32_t layer; /* whose pixels are judged, while they are shown */
	struct rect place; /* on the output, not empty, inside the layer's place */
	uint32_t frames; /* LIVE: must change within so many, 1..255; others: may fail so many */
	uint32_t skip; /* LIVE: looks at each (skip + 1)th frame only, 0..3 */
	uint32_t threshold; /* PRESENCE: largest mean difference, CONTRAST: least, 0..255 */
	char element[SAFETY_NAME_BYTES]; /* PRESENCE: whose picture; OWNER: "" */
	uint32_t reaction; /* enum fault_reaction */
};

enum config_watchdog_kind {
	CONFIG_WATCHDOG_NONE,
	CONFIG_WATCHDOG_DEVICE, /* a watchdog device: a byte per pet, 'V' at an orderly end */
	CONFIG_WATCHDOG_SYSTEMD, /* a datagram "WATCHDOG=1" to $NOTIFY_SOCKET */
	CONFIG_WATCHDOG_FILE, /* a byte per pet appended to a file, FIFO or pseudo terminal */
};

struct config_safety {
	uint32_t signals; /* 1: signals are expected, and safety elements are shown and verified */
	uint32_t signal_timeout_ms; /* 20..10000 */
	uint32_t watchdog; /* enum config_watchdog_kind */
	char watchdog_path[CONFIG_PATH_BYTES];
	uint32_t pet_ms; /* 10..1000: the watchdog's window is pet_ms to 3 * pet_ms */
	char buzzer_path[CONFIG_PATH_BYTES]; /* "1" is written when a chime was lost; "": none */
	uint32_t chimes; /* 1: requested telltales are cued to the mixer */
	uint32_t chime_ms; /* must be begun within this */
	uint32_t allow_inject;
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
	uint32_t verified_len;
	struct config_verified verified[CONFIG_VERIFIED_MAX];
	uint32_t regions_len;
	struct config_region regions[CONFIG_REGIONS_MAX];
	struct config_safety safety;
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
