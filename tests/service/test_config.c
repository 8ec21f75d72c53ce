#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/macros.h"
#include "service/config_compile.h"
#include "tests/suite.h"

#define RUNTIME "/run/fascia-test"

struct compiled {
	bool good;
	struct config config;
	char path[64];
	char *errors; /* owned */
};

/* Compiles `yaml` from a file of its own, as `fascia check` does. */
static struct compiled compile_in(const char *runtime, const char *yaml) {
	struct compiled compiled = { .path = "/tmp/fascia-config-XXXXXX" };
	int fd = mkstemp(compiled.path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
	close(fd);

	size_t errors_bytes;
	FILE *errors = open_memstream(&compiled.errors, &errors_bytes);
	struct config_pictures pictures;
	compiled.good = config_compile(compiled.path, runtime, &compiled.config, &pictures, errors);
	fclose(errors);
	if (compiled.good) {
		config_pictures_finish(&pictures);
	}
	unlink(compiled.path);
	return compiled;
}

static struct compiled compile(const char *yaml) {
	return compile_in(RUNTIME, yaml);
}

/* ---- files that are wrong ---- */

struct bad_row {
	const char *name;
	const char *yaml;
	unsigned line;
	const char *message; /* all that follows FILE:LINE: */
};

#define OUTPUT_KEYS "name, kind, mode, size_mm, background, fallback, hmi, flicker_max, dwell_ms"
#define NAME_FORM "1 to 24 letters, digits, - and _, a letter first"
#define GUEST "guests:\n  - name: a\n"
#define TWO_GUESTS "guests:\n  - name: a\n  - name: b\n"
#define SIGNALS "safety: {signals: true}\n"
#define VERIFIED SIGNALS GUEST "layers:\n  - name: a\n    opaque: true\n    verified: "
#define REGION GUEST "layers:\n  - name: a\n    size: 64x64\n    regions:\n      - {"
#define LONG_PATH                                                                                  \
	"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaa"                                                                                 \
	"aaaaaaaaaaaaaaaaaaaaaa"

static const struct bad_row bad_rows[] = {
	{ "empty file", "", 1,
		"expected 'key: value' lines; the smallest configuration is\n"
		"  guests:\n    - name: cluster" },
	{ "a list", "- a\n", 1,
		"expected 'key: value' lines; the smallest configuration is\n"
		"  guests:\n    - name: cluster" },
	{ "no YAML", "outputs:\n  - name: [a\n", 3,
		"not YAML: did not find expected ',' or ']' while parsing a flow sequence" },
	{ "tab", "outputs:\n\t- name: a\n", 2,
		"not YAML: found character that cannot start any token while scanning for the next "
		"token" },
	{ "unknown key", "guest:\n  - name: a\n", 1,
		"configuration: unknown key 'guest'; allowed: name, runtime, outputs, guests, "
		"layers, sound, safety" },
	{ "unknown key inside", "outputs:\n  - name: a\n    modus: 1x1\n", 3,
		"outputs: unknown key 'modus'; allowed: " OUTPUT_KEYS },
	{ "key twice", "guests:\n  - name: a\n    name: b\n", 3,
		"guests: 'name' was given before" },
	{ "list expected", "guests:\n  name: a\n", 2, "guests: expected a list of '- ...' lines" },
	{ "keys expected", "sound: loud\n", 1,
		"sound: expected keys and values; allowed: sink, clock, rate, quantum" },
	{ "value expected", "name: [a]\n", 1, "name: expected one value" },
	{ "too many", "outputs: [{name: a}, {name: b}, {name: c}, {name: d}, {name: e}]\n", 1,
		"outputs: 5 given; allowed: 1 to 4" },
	{ "empty list", "guests: []\n", 1, "guests: 0 given; allowed: 1 to 8" },
	{ "no bool", "outputs:\n  - name: a\n    fallback: 'off'\n", 3,
		"fallback: 'off'; allowed: true, false" },
	{ "no number", GUEST "layers:\n  - name: a\n    opacity: half\n", 5,
		"opacity: 'half'; allowed: a whole number, 0 to 4294967295" },
	{ "negative", GUEST "layers:\n  - name: a\n    hold_ms: -1\n", 5,
		"hold_ms: '-1'; allowed: a whole number, 0 to 4294967295" },
	{ "no word", "sound:\n  sink: alsa\n", 2, "sink: 'alsa'; allowed: none, null, memory" },
	{ "profile", "guests:\n  - name: a\n    gpu:\n      profile: 3d\n", 4,
		"profile: '3d'; allowed: 2d, blob" },

	{ "no name", "outputs:\n  - mode: 1x1\n", 2,
		"outputs[0].name is missing; allowed: " NAME_FORM },
	{ "name form", "guests:\n  - name: ../a\n", 2,
		"guests[0].name: '../a'; allowed: " NAME_FORM },
	{ "name too long", "guests:\n  - name: a234567890123456789012345\n", 2,
		"guests[0].name: 'a234567890123456789012345'; allowed: " NAME_FORM },
	{ "name taken", "guests:\n  - name: a\n  - name: a\nlayers:\n  - name: a\n", 3,
		"guests[1].name: 'a' is taken; names of one kind must differ" },
	{ "mode form", "outputs:\n  - name: a\n    mode: big\n", 3,
		"outputs[0].mode: 'big'; allowed: WIDTHxHEIGHT@RATE: 1..8192 pixels; RATE 1..400 "
		"Hz, 0 or "
		"step" },
	{ "mode too wide", "outputs:\n  - name: a\n    mode: 8193x1\n", 3,
		"outputs[0].mode: '8193x1'; allowed: WIDTHxHEIGHT@RATE: 1..8192 pixels; RATE "
		"1..400 Hz, 0 "
		"or step" },
	{ "colour", "outputs:\n  - name: a\n    background: #101418\n", 3,
		"outputs[0].background: ''; allowed: \"#RRGGBB\" (in quotes: YAML takes a bare # "
		"for a "
		"comment)" },
	{ "size_mm", "outputs:\n  - name: a\n    size_mm: 10\n", 3,
		"outputs[0].size_mm: '10'; allowed: WIDTHxHEIGHT, each 1..8192 millimetres" },
	{ "runtime", "runtime: run\n", 1, "runtime: 'run'; allowed: an absolute path" },

	{ "socket too long", "guests:\n  - name: a\n    gpu:\n      socket: " LONG_PATH "\n", 4,
		"guests[0].gpu.socket: the path '" LONG_PATH
		"' has 118 bytes; allowed: 107 (give a shorter one, or a shorter runtime)" },
	{ "z too far", GUEST "layers:\n  - name: a\n    z: 2147483648\n", 5,
		"z: '2147483648'; allowed: a whole number, -2147483648 to 2147483647" },
	{ "socket taken",
		"guests:\n  - name: a\n    gpu:\n      socket: s\n    sound:\n      socket: s\n", 4,
		"guests[0].gpu.socket: '" RUNTIME "/s' is taken\n"
		"FILE:6: guests[0].sound.socket: '" RUNTIME "/s' is taken" },
	{ "keeper's socket", "guests:\n  - name: a\n    gpu:\n      socket: keeper\n", 4,
		"guests[0].gpu.socket: '" RUNTIME "/keeper' is taken" },
	{ "budget", "guests:\n  - name: a\n    gpu:\n      budget:\n        pool: lots\n", 5,
		"guests[0].gpu.budget.pool: 'lots'; allowed: a number of bytes, or with K, M or G "
		"(of "
		"1024), 1 to 4096 MiB" },
	{ "pool too small",
		"guests:\n  - name: a\n    gpu:\n      budget:\n        pool: 2M\n"
		"layers:\n  - name: a\n    size: 1280x480\n",
		5,
		"guests[0].gpu.budget.pool: 2097152 bytes; allowed: at least two pictures of each "
		"scanout, "
		"4915200 bytes" },
	{ "resources", "guests:\n  - name: a\n    gpu:\n      budget: {resources: 0}\n", 4,
		"guests[0].gpu.budget.resources: 0; allowed: 1 to 65536" },
	{ "streams", "guests:\n  - name: a\n    sound:\n      streams: 9\n", 4,
		"guests[0].sound.streams: 9; allowed: 1 to 8" },
	{ "gain", "guests:\n  - name: a\n    sound:\n      gains: [0.5, 1.5]\n", 4,
		"guests[0].sound.gains[1]: 1.5; allowed: 0 to 1" },
	{ "too many gains",
		"guests:\n  - name: a\n    sound:\n      gains:\n      - 1\n      - 1\n"
		"      - 1\n",
		7, "guests[0].sound.gains[2]: there are only 2 streams" },

	{ "layers needed", TWO_GUESTS, 1,
		"layers is missing; with 2 guests it must say who is shown where" },
	{ "no such guest", TWO_GUESTS "layers:\n  - name: x\n    guest: c\n", 6,
		"layers[0].guest: there is no 'c'; allowed: a, b" },
	{ "no guest of its name", GUEST "layers:\n  - name: x\n", 4,
		"layers[0].guest: there is no 'x'; allowed: a" },
	{ "no guest at all", "layers:\n  - name: x\n", 2,
		"layers[0].guest: there is no 'x'; allowed: none is configured" },
	{ "guest without gpu",
		"guests:\n  - name: a\n    gpu: {enabled: false}\nlayers:\n  - name: a\n", 5,
		"layers[0].guest: guest 'a' has gpu: {enabled: false}, so it has no picture" },
	{ "no such output", GUEST "layers:\n  - name: a\n    output: left\n", 5,
		"layers[0].output: there is no 'left'; allowed: main" },
	{ "scanout", GUEST "layers:\n  - name: a\n    scanout: 16\n", 5,
		"layers[0].scanout: 16; allowed: 0 to 15" },
	{ "place form", GUEST "layers:\n  - name: a\n    at: 1x2\n", 5,
		"layers[0].at: '1x2'; allowed: X,Y in pixels, -32768 to 32768" },
	{ "size form", GUEST "layers:\n  - name: a\n    size: 0x10\n", 5,
		"layers[0].size: '0x10'; allowed: WIDTHxHEIGHT, each 1..8192" },
	{ "clip form", GUEST "layers:\n  - name: a\n    clip: 10x10\n", 5,
		"layers[0].clip: '10x10'; allowed: X,Y WIDTHxHEIGHT in pixels" },
	{ "off the output", GUEST "layers:\n  - name: a\n    at: 1920,0\n    size: 10x10\n", 5,
		"layers[0].at: nothing of it is on output 'main'; allowed: a place that touches "
		"1920x1080" },
	{ "opacity", GUEST "layers:\n  - name: a\n    opacity: 256\n", 5,
		"layers[0].opacity: 256; allowed: 0 to 255" },
	{ "recover", GUEST "layers:\n  - name: a\n    recover_frames: 0\n", 5,
		"layers[0].recover_frames: 0; allowed: 1 to 1000" },
	{ "critical without fallback",
		"outputs:\n  - name: o\n    fallback: false\n" GUEST
		"layers:\n  - name: a\n    critical: true\n",
		8,
		"layers[0].critical: output 'o' has fallback: false, so there is nothing to fall "
		"back to" },
	{ "no such picture", "layers:\n  - name: logo\n    picture: /nowhere/logo.png\n", 3,
		"layers[0].picture: '/nowhere/logo.png': No such file or directory; allowed: a PNG "
		"of up to "
		"8192 pixels each way" },
	{ "no PNG", "layers:\n  - name: logo\n    picture: /dev/null\n", 3,
		"layers[0].picture: '/dev/null': not a PNG; allowed: a PNG of up to 8192 pixels "
		"each way" },
	{ "picture of a guest",
		GUEST "layers:\n  - name: logo\n    guest: a\n    picture: /dev/null\n", 6,
		"layers[0].picture: a layer shows a picture or a guest, not both\n"
		"FILE:6: layers[0].picture: '/dev/null': not a PNG; allowed: a PNG of up to 8192 "
		"pixels "
		"each way" },
	{ "scanout and layer differ",
		"guests:\n  - name: a\n    gpu:\n      scanouts:\n        - mode: 640x480\n"
		"layers:\n  - name: a\n    size: 800x600\n",
		5,
		"guests[0].gpu.scanouts[0].mode: 640x480, but layer 'a' shows it 1:1 at 800x600; "
		"make them "
		"equal or give the layer scale: true" },
	{ "scanout clock",
		"guests:\n  - name: a\n    gpu:\n      scanouts:\n        - mode: 640x480@step\n",
		5,
		"guests[0].gpu.scanouts[0].mode: '640x480@step'; allowed: WIDTHxHEIGHT or "
		"WIDTHxHEIGHT@RATE, 1..8192 pixels, 1..400 Hz" },
	{ "scanout too wide", "outputs: [{name: o, mode: 8192x64}]\n" GUEST, 3,
		"guests[0].gpu.scanouts[0].mode: 8192x64; allowed: 8191 pixels each way, an EDID "
		"cannot "
		"say more" },
	{ "place too far", GUEST "layers:\n  - name: a\n    at: 0,-32769\n", 5,
		"layers[0].at: '0,-32769'; allowed: X,Y in pixels, -32768 to 32768" },
	{ "display name",
		"guests:\n  - name: a\n    gpu:\n      scanouts:\n        - name: a name of 14 "
		"c\n",
		5,
		"guests[0].gpu.scanouts[0].name: 'a name of 14 c'; allowed: 13 characters, an "
		"EDID has "
		"no more" },
	{ "mirror of another size",
		GUEST "layers:\n  - name: a\n    size: 64x64\n  - name: b\n    guest: a\n    size: "
		      "65x64\n",
		8,
		"layers[1].size: layer 'a' shows the same scanout 1:1 in another size; make them "
		"equal or "
		"give one of them scale: true" },

	{ "rate", "sound:\n  rate: 7999\n", 2, "sound.rate: 7999; allowed: 8000 to 192000" },
	{ "quantum", "sound:\n  quantum: 8\n", 2, "sound.quantum: 8; allowed: 16 to 1024" },
	{ "clock", "sound:\n  sink: null\n  clock: streams\n", 3,
		"sound.clock: 'streams' needs sink: memory; allowed with other sinks: real" },

	{ "hmi kind", "outputs:\n  - name: o\n    hmi: cluster.svg\n", 3,
		"outputs[0].hmi: 'cluster.svg'; allowed: a file that ends in .yaml, or in .atlas" },
	{ "hmi missing", "outputs:\n  - name: o\n    hmi: /nowhere/hmi.yaml\n", 3,
		"outputs[0].hmi: '/nowhere/hmi.yaml': No such file or directory; allowed: a file "
		"that can be read" },
	{ "hmi of no fallback",
		"outputs:\n  - name: o\n    fallback: false\n    hmi: /dev/null.yaml\n", 4,
		"outputs[0].hmi: needs fallback: true; with fallback: false nothing would show "
		"it" },
	{ "flicker", "outputs:\n  - name: o\n    flicker_max: 1001\n", 3,
		"outputs[0].flicker_max: 1001; allowed: 0 to 1000" },
	{ "dwell", "outputs:\n  - name: o\n    dwell_ms: 60001\n", 3,
		"outputs[0].dwell_ms: 60001; allowed: 0 to 60000" },
	{ "channel without gpu",
		"guests:\n  - name: a\n    gpu: {enabled: false}\n    channel: {}\n", 4,
		"guests[0].channel: fascia-gpu serves it, and this guest has gpu: {enabled: "
		"false}" },
	{ "channel on the signals", "guests:\n  - name: a\n    channel: {socket: signals}\n", 3,
		"guests[0].channel.socket: '" RUNTIME "/signals' is taken" },

	{ "frozen without a tag", GUEST "layers:\n  - name: a\n    frozen_frames: 6\n", 5,
		"layers[0].frozen_frames: only a frame tag tells; write tag: true beside it" },
	{ "lag without a tag", GUEST "layers:\n  - name: a\n    lag_ms: 50\n", 5,
		"layers[0].lag_ms: only a frame tag tells; write tag: true beside it" },
	{ "frozen too long", GUEST "layers:\n  - name: a\n    tag: true\n    frozen_frames: 256\n",
		6, "layers[0].frozen_frames: 256; allowed: 0 to 255" },
	{ "heartbeat of nobody", GUEST "layers:\n  - name: a\n    heartbeat_ms: 150\n", 5,
		"layers[0].heartbeat_ms: guest 'a' has nothing that carries it; give the guest "
		"channel: {}, or the layer tag: true" },
	{ "quarantine form", GUEST "layers:\n  - name: a\n    quarantine: 3 per minute\n", 5,
		"layers[0].quarantine: '3 per minute'; allowed: never, or a number of times and a "
		"time, as \"3 in 60s\" or \"2 in 500ms\"" },
	{ "follow", GUEST "layers:\n  - name: a\n    follow_ms: 2001\n", 5,
		"layers[0].follow_ms: 2001; allowed: 0 to 2000" },
	{ "no such cause", GUEST "layers:\n  - name: a\n    reactions: {atlas: hold}\n", 5,
		"layers[0].reactions: there is no 'atlas' of a layer; allowed: never-started, "
		"died, hung-up, reset, blanked, stuck, stalled, heartbeat, heartbeat-frozen, "
		"frozen, lagged, torn, bad-frame, wrong-pixels, misplaced, overdrawn, transparent, "
		"uniform, invisible" },
	{ "no such reaction", GUEST "layers:\n  - name: a\n    reactions:\n      died: panic\n", 6,
		"layers[0].reactions.died: 'panic'; allowed: log, hold, placeholder, fallback, "
		"safe" },
	{ "reactions as a list", GUEST "layers:\n  - name: a\n    reactions: [died]\n", 5,
		"layers[0].reactions: expected causes and reactions, as frozen: placeholder" },
	{ "verified without signals",
		GUEST "layers:\n  - name: a\n    critical: true\n    verified: all\n", 6,
		"layers[0].verified: needs safety: {signals: true}" },
	{ "verified, but transparent", SIGNALS GUEST "layers:\n  - name: a\n    verified: all\n", 6,
		"layers[0].verified: needs opaque: true" },
	{ "verified, but scaled",
		SIGNALS GUEST "layers:\n  - {name: a, opaque: true, scale: true, size: 64x64,\n"
			      "     verified: [brake]}\n",
		6, "layers[0].verified: needs scale: false" },
	{ "verified form", VERIFIED "some\n", 7,
		"layers[0].verified: allowed: all, or a list [brake, airbag, ...] of safety "
		"elements of the HMI" },
	{ "verified name", VERIFIED "[brake, ../x]\n", 7,
		"layers[0].verified: '../x'; allowed: names of safety elements of the HMI" },
	{ "verified twice", VERIFIED "[brake, brake]\n", 7,
		"layers[0].verified: 'brake' is drawn by layer 'a'; an element has one owner" },
	{ "region without a check", REGION "name: r}\n", 7,
		"layers[0].regions[0].check is missing; allowed: live, counter, presence, "
		"contrast, black, owner" },
	{ "region check", REGION "name: r, check: exact}\n", 7,
		"check: 'exact'; allowed: live, counter, presence, contrast, black, owner" },
	{ "region without a name", REGION "check: live}\n", 7,
		"layers[0].regions[0].name is missing; allowed: " NAME_FORM },
	{ "region without a size", REGION "name: r, check: live, at: '8,8'}\n", 7,
		"layers[0].regions[0].at: at and size go together; without both, it is the whole "
		"layer" },
	{ "region outside", REGION "name: r, check: live, at: '60,8', size: 8x8}\n", 7,
		"layers[0].regions[0].at: it leaves the layer; allowed: inside 0,0 64x64 (on the "
		"output)" },
	{ "region frames", REGION "name: r, check: live, frames: 256}\n", 7,
		"layers[0].regions[0].frames: 256; allowed: 1 to 255" },
	{ "region skip", REGION "name: r, check: live, skip: 4}\n", 7,
		"layers[0].regions[0].skip: 4; allowed: 0 to 3" },
	{ "skip of another check", REGION "name: r, check: black, skip: 1}\n", 7,
		"layers[0].regions[0].skip: only check: live has it" },
	{ "threshold of another check", REGION "name: r, check: black, threshold: 1}\n", 7,
		"layers[0].regions[0].threshold: only check: presence and check: contrast have "
		"one" },
	{ "presence of what", REGION "name: r, check: presence}\n", 7,
		"layers[0].regions[0].element is missing; check: presence compares with that "
		"element's picture" },
	{ "counter without a tag", REGION "name: r, check: counter}\n", 7,
		"layers[0].regions[0].check: counter reads the frame tag; the layer needs tag: "
		"true" },
	{ "region reaction", REGION "name: r, check: live, reaction: shout}\n", 7,
		"layers[0].regions[0].reaction: 'shout'; allowed: log, hold, placeholder, "
		"fallback, safe" },
	{ "region with a layer in front",
		REGION "name: r, check: live}\n  - {name: b, guest: a, size: 64x64, z: 1}\n", 7,
		"layers[0].regions[0]: layer 'b' is in front of it; give that one a lower z, or "
		"move one of them" },
	{ "region twice", REGION "name: r, check: live}\n      - {name: r, check: black}\n", 8,
		"layers[0].regions[1].name: 'r' is taken; names of one kind must differ" },

	{ "signal time-out", "safety:\n  signals: true\n  signal_timeout_ms: 10\n", 3,
		"safety.signal_timeout_ms: 10; allowed: 20 to 10000" },
	{ "watchdog kind", "safety:\n  watchdog: {kind: dog}\n", 2,
		"kind: 'dog'; allowed: none, device, systemd, file" },
	{ "watchdog path", "safety:\n  watchdog: {kind: systemd, path: /x}\n", 2,
		"safety.watchdog.path: only kind: device and kind: file have one" },
	{ "pet", "safety:\n  pet_ms: 5\n", 2, "safety.pet_ms: 5; allowed: 10 to 1000" },
	{ "buzzer", "safety:\n  buzzer: ''\n", 2, "safety.buzzer: empty; allowed: a path" },
	{ "chimes without signals", "safety:\n  chimes: true\n", 2,
		"safety.chimes: needs safety: {signals: true}; write that, or chimes: false" },
	{ "chimes without sound", "safety:\n  signals: true\n  chimes: true\nsound: {sink: none}\n",
		3,
		"safety.chimes: needs sound with a sink other than none; write that, or chimes: "
		"false" },
	{ "chime time", "safety:\n  chime_ms: 0\n", 2, "safety.chime_ms: 0; allowed: 20 to 10000" },
};

/* "FILE" in a text becomes the path. */
static char *with_path(const char *text, const char *path) {
	char *whole;
	size_t whole_bytes;
	FILE *stream = open_memstream(&whole, &whole_bytes);
	const char *mark;
	while ((mark = strstr(text, "FILE")) != NULL) {
		fprintf(stream, "%.*s%s", (int)(mark - text), text, path);
		text = mark + strlen("FILE");
	}
	fputs(text, stream);
	fclose(stream);
	return whole;
}

START_TEST(bad_file) {
	const struct bad_row *row = &bad_rows[_i];
	struct compiled compiled = compile(row->yaml);
	ck_assert_msg(!compiled.good, "%s: was accepted", row->name);

	char expected[1024];
	snprintf(expected, sizeof(expected), "FILE:%u: %s\n", row->line, row->message);
	char *expected_here = with_path(expected, compiled.path);
	ck_assert_msg(strcmp(compiled.errors, expected_here) == 0, "%s: said\n%sinstead of\n%s",
		row->name, compiled.errors, expected_here);
	free(expected_here);
	free(compiled.errors);
}
END_TEST

START_TEST(missing_file) {
	char *text;
	size_t text_bytes;
	FILE *errors = open_memstream(&text, &text_bytes);
	struct config config;
	struct config_pictures pictures;
	ck_assert(!config_compile("/nowhere/fascia.yaml", NULL, &config, &pictures, errors));
	fclose(errors);
	ck_assert_str_eq(text, "/nowhere/fascia.yaml: No such file or directory\n");
	free(text);
}
END_TEST

/* ---- files that are right ---- */

static struct config compile_good(const char *yaml) {
	struct compiled compiled = compile(yaml);
	ck_assert_msg(compiled.good, "%s", compiled.errors);
	free(compiled.errors);
	return compiled.config;
}

START_TEST(smallest) {
	struct config config = compile_good("guests:\n  - name: cluster\n");
	ck_assert_str_eq(config.name, "fascia");
	ck_assert_str_eq(config.runtime_dir, RUNTIME);

	ck_assert_uint_eq(config.outputs_len, 1);
	ck_assert_str_eq(config.outputs[0].name, "main");
	ck_assert_uint_eq(config.outputs[0].width, 1920);
	ck_assert_uint_eq(config.outputs[0].height, 1080);
	ck_assert_uint_eq(config.outputs[0].clock, TICKER_REAL);
	ck_assert_uint_eq(config.outputs[0].refresh_mhz, 60000);
	ck_assert_uint_eq(config.outputs[0].fallback, 1);

	ck_assert_uint_eq(config.guests_len, 1);
	const struct config_gpu *gpu = &config.guests[0].gpu;
	ck_assert_uint_eq(gpu->enabled, 1);
	ck_assert_str_eq(gpu->socket, RUNTIME "/gpu-cluster");
	ck_assert_uint_eq(gpu->profile, CONFIG_PROFILE_2D);
	ck_assert_uint_eq(gpu->scanouts_len, 1);
	ck_assert_uint_eq(gpu->scanouts[0].enabled, 1);
	ck_assert_uint_eq(gpu->scanouts[0].width, 1920);
	ck_assert_uint_eq(gpu->scanouts[0].height, 1080);
	ck_assert_uint_eq(gpu->scanouts[0].width_mm, 508);
	ck_assert_str_eq(gpu->scanouts[0].name, "cluster");
	/* 8 pictures of 8100 KiB, in whole MiB */
	ck_assert_uint_eq(gpu->budget.pool_bytes, UINT64_C(64) << 20);
	ck_assert_uint_eq(config.guests[0].sound.enabled, 1);
	ck_assert_str_eq(config.guests[0].sound.socket, RUNTIME "/sound-cluster");
	ck_assert_uint_eq(config.guests[0].sound.streams, 2);
	ck_assert(config.guests[0].sound.gain[0] == 1.0f);

	ck_assert_uint_eq(config.layers_len, 1);
	const struct config_layer *layer = &config.layers[0];
	ck_assert_str_eq(layer->name, "cluster");
	ck_assert_uint_eq(layer->critical, 1);
	ck_assert_uint_eq(layer->visible, 1);
	ck_assert_uint_eq(layer->opacity, 255);
	ck_assert_uint_eq(layer->place.width, 1920);
	ck_assert_uint_eq(layer->recover_frames, 3);
	/* what it is about must be seen, and nothing is known of what its guest can say */
	ck_assert_uint_eq(layer->opaque, 1);
	ck_assert_uint_eq(layer->dark, 0);
	ck_assert_uint_eq(layer->tag, 0);
	ck_assert_uint_eq(layer->frozen_frames, 0);
	ck_assert_uint_eq(layer->heartbeat_ms, 0);
	ck_assert_uint_eq(layer->quarantine_losses, 3);
	ck_assert_uint_eq(layer->quarantine_ms, 60000);
	ck_assert_uint_eq(layer->follow_ms, 100);
	ck_assert_uint_eq(layer->reactions[FAULT_DIED], FAULT_REACTION_DEFAULT);
	ck_assert_uint_eq(config.outputs[0].flicker_max, 5);
	ck_assert_uint_eq(config.outputs[0].dwell_ms, 500);
	ck_assert_uint_eq(config.verified_len, 0);
	ck_assert_uint_eq(config.regions_len, 0);
	ck_assert_uint_eq(config.guests[0].channel.enabled, 0);
	ck_assert_uint_eq(config.safety.signals, 0);
	ck_assert_uint_eq(config.safety.watchdog, CONFIG_WATCHDOG_NONE);
	ck_assert_uint_eq(config.safety.chimes, 0);
	ck_assert_uint_eq(config.safety.allow_inject, 0);

	ck_assert_uint_eq(config.mixer.sink, CONFIG_SINK_NULL);
	ck_assert_uint_eq(config.mixer.rate, 48000);
	ck_assert_uint_eq(config.mixer.quantum_frames, 256);
}
END_TEST

START_TEST(everything_given) {
	struct config config =
		compile_good("name: car\n"
			     "outputs:\n"
			     "  - name: left\n"
			     "    mode: 800x480@step\n"
			     "    size_mm: 160x90\n"
			     "    background: '#102030'\n"
			     "    fallback: false\n"
			     "  - name: right\n"
			     "    kind: memory\n"
			     "    mode: 640x480@59.94\n"
			     "guests:\n"
			     "  - name: a\n"
			     "    gpu:\n"
			     "      socket: /run/a.sock\n"
			     "      profile: blob\n"
			     "      budget:\n"
			     "        pool: 20000K\n"
			     "        memory: 8 MiB\n"
			     "        resources: 7\n"
			     "        backing_entries: 8\n"
			     "        commands_per_wake: 9\n"
			     "        flushes_per_refresh: 10\n"
			     "      scanouts:\n"
			     "        - {name: Main, mode: 320x240@50, size_mm: 80x60, serial: 5}\n"
			     "    sound:\n"
			     "      socket: a-sound\n"
			     "      streams: 3\n"
			     "      gains: [0.25, 0]\n"
			     "layers:\n"
			     "  - name: one\n"
			     "    output: right\n"
			     "    guest: a\n"
			     "    at: -5,7\n"
			     "    size: 640x480\n"
			     "    clip: 1,2 30x40\n"
			     "    scale: true\n"
			     "    z: -3\n"
			     "    opacity: 128\n"
			     "    hidden: true\n"
			     "    critical: true\n"
			     "    stall_ms: 200\n"
			     "    hold_ms: 0\n"
			     "    recover_frames: 9\n"
			     "  - name: two\n"
			     "    guest: a\n"
			     "    scanout: 2\n"
			     "    at: 100,80\n"
			     "sound:\n"
			     "  sink: memory\n"
			     "  clock: streams\n"
			     "  rate: 44100\n"
			     "  quantum: 128\n");
	ck_assert_uint_eq(config.outputs[0].clock, TICKER_STEP);
	ck_assert_uint_eq(config.outputs[0].refresh_mhz, 60000);
	ck_assert_uint_eq(config.outputs[0].width_mm, 160);
	ck_assert_uint_eq(config.outputs[0].background, 0x102030);
	ck_assert_uint_eq(config.outputs[0].fallback, 0);
	ck_assert_uint_eq(config.outputs[1].refresh_mhz, 59940);

	const struct config_gpu *gpu = &config.guests[0].gpu;
	ck_assert_str_eq(gpu->socket, "/run/a.sock");
	ck_assert_uint_eq(gpu->profile, CONFIG_PROFILE_BLOB);
	ck_assert_uint_eq(gpu->budget.pool_bytes, UINT64_C(20) << 20);
	ck_assert_uint_eq(gpu->budget.memory_bytes, UINT64_C(8) << 20);
	ck_assert_uint_eq(gpu->budget.resources, 7);
	ck_assert_uint_eq(gpu->budget.backing_entries, 8);
	ck_assert_uint_eq(gpu->budget.commands_per_wake, 9);
	ck_assert_uint_eq(gpu->budget.flushes_per_refresh, 10);
	ck_assert_uint_eq(gpu->scanouts_len, 3);
	ck_assert_str_eq(gpu->scanouts[0].name, "Main");
	ck_assert_uint_eq(gpu->scanouts[0].width, 320);
	ck_assert_uint_eq(gpu->scanouts[0].refresh_mhz, 50000);
	ck_assert_uint_eq(gpu->scanouts[0].width_mm, 80);
	ck_assert_uint_eq(gpu->scanouts[0].serial, 5);
	ck_assert_uint_eq(gpu->scanouts[1].enabled, 0);
	/* the rest of the output, and its density */
	ck_assert_uint_eq(gpu->scanouts[2].enabled, 1);
	ck_assert_uint_eq(gpu->scanouts[2].width, 700);
	ck_assert_uint_eq(gpu->scanouts[2].height, 400);
	ck_assert_uint_eq(gpu->scanouts[2].width_mm, 140);
	ck_assert_uint_eq(gpu->scanouts[2].serial, 3);

	ck_assert_str_eq(config.guests[0].sound.socket, RUNTIME "/a-sound");
	ck_assert_uint_eq(config.guests[0].sound.streams, 3);
	ck_assert(config.guests[0].sound.gain[0] == 0.25f);
	ck_assert(config.guests[0].sound.gain[1] == 0.0f);
	ck_assert(config.guests[0].sound.gain[2] == 1.0f);

	const struct config_layer *layer = &config.layers[0];
	ck_assert_uint_eq(layer->kind, CONFIG_LAYER_GUEST);
	ck_assert_uint_eq(layer->output, 1);
	ck_assert_int_eq(layer->place.x, -5);
	ck_assert_int_eq(layer->place.y, 7);
	ck_assert_uint_eq(layer->place.height, 480);
	ck_assert_int_eq(layer->clip.y, 2);
	ck_assert_uint_eq(layer->clip.height, 40);
	ck_assert_uint_eq(layer->scale, 1);
	ck_assert_int_eq(layer->z, -3);
	ck_assert_uint_eq(layer->opacity, 128);
	ck_assert_uint_eq(layer->visible, 0);
	ck_assert_uint_eq(layer->critical, 1);
	ck_assert_uint_eq(layer->stall_ms, 200);
	ck_assert_uint_eq(layer->hold_ms, 0);
	ck_assert_uint_eq(layer->recover_frames, 9);
	ck_assert_uint_eq(config.layers[1].scanout, 2);

	ck_assert_uint_eq(config.mixer.sink, CONFIG_SINK_MEMORY);
	ck_assert_uint_eq(config.mixer.wait_streams, 1);
	ck_assert_uint_eq(config.mixer.rate, 44100);
	ck_assert_uint_eq(config.mixer.quantum_frames, 128);
}
END_TEST

START_TEST(safety_given) {
	struct config config = compile_good(
		"outputs:\n"
		"  - {name: o, flicker_max: 0, dwell_ms: 250, mode: 800x480}\n"
		"guests:\n"
		"  - {name: a, channel: {}}\n"
		"  - {name: b, channel: {enabled: false, socket: x}}\n"
		"layers:\n"
		"  - name: a\n"
		"    echo_ms: 40\n"
		"    heartbeat_ms: 150\n"
		"    tag: true\n"
		"    lag_ms: 50\n"
		"    opaque: true\n"
		"    dark: true\n"
		"    quarantine: 2 in 1500ms\n"
		"    follow_ms: 30\n"
		"    reactions: {frozen: hold, died: safe}\n"
		"    verified: [brake, abs]\n"
		"    regions:\n"
		"      - {name: needle, check: live, at: '10,20', size: 30x40,\n"
		"         frames: 9, skip: 2, reaction: log}\n"
		"      - {name: whole, check: counter}\n"
		"      - {name: logo, check: presence, element: ground, threshold: 9}\n"
		"  - {name: b, tag: true, frozen_frames: 0, quarantine: never, z: -1}\n"
		"safety:\n"
		"  signals: true\n"
		"  signal_timeout_ms: 100\n"
		"  watchdog: {kind: file, path: dog}\n"
		"  pet_ms: 20\n"
		"  buzzer: /dev/null\n"
		"  chime_ms: 300\n");
	ck_assert_uint_eq(config.outputs[0].flicker_max, 0);
	ck_assert_uint_eq(config.outputs[0].dwell_ms, 250);
	ck_assert_uint_eq(config.guests[0].channel.enabled, 1);
	ck_assert_str_eq(config.guests[0].channel.socket, RUNTIME "/channel-a");
	ck_assert_uint_eq(config.guests[1].channel.enabled, 0);

	const struct config_layer *layer = &config.layers[0];
	ck_assert_uint_eq(layer->echo_ms, 40);
	ck_assert_uint_eq(layer->heartbeat_ms, 150);
	ck_assert_uint_eq(layer->tag, 1);
	ck_assert_uint_eq(layer->frozen_frames, 6);
	ck_assert_uint_eq(layer->lag_ms, 50);
	ck_assert_uint_eq(layer->opaque, 1);
	ck_assert_uint_eq(layer->dark, 1);
	ck_assert_uint_eq(layer->quarantine_losses, 2);
	ck_assert_uint_eq(layer->quarantine_ms, 1500);
	ck_assert_uint_eq(layer->follow_ms, 30);
	ck_assert_uint_eq(layer->reactions[FAULT_FROZEN], FAULT_REACTION_HOLD);
	ck_assert_uint_eq(layer->reactions[FAULT_DIED], FAULT_REACTION_SAFE);
	ck_assert_uint_eq(layer->reactions[FAULT_TORN], FAULT_REACTION_DEFAULT);
	ck_assert_uint_eq(config.layers[1].frozen_frames, 0);
	ck_assert_uint_eq(config.layers[1].quarantine_losses, 0);
	/* not critical: it may be dark, and seen through */
	ck_assert_uint_eq(config.layers[1].dark, 1);
	ck_assert_uint_eq(config.layers[1].opaque, 0);

	ck_assert_uint_eq(config.verified_len, 2);
	ck_assert_str_eq(config.verified[0].element, "brake");
	ck_assert_str_eq(config.verified[1].element, "abs");
	ck_assert_uint_eq(config.verified[1].layer, 0);
	ck_assert_uint_eq(config.regions_len, 3);
	const struct config_region *region = &config.regions[0];
	ck_assert_str_eq(region->name, "needle");
	ck_assert_uint_eq(region->check, SAFETY_LIVE);
	ck_assert_int_eq(region->place.y, 20);
	ck_assert_uint_eq(region->place.width, 30);
	ck_assert_uint_eq(region->frames, 9);
	ck_assert_uint_eq(region->skip, 2);
	ck_assert_uint_eq(region->reaction, FAULT_REACTION_LOG);
	ck_assert_uint_eq(config.regions[1].frames, 6);
	ck_assert(rect_equal(&config.regions[1].place, &layer->place));
	ck_assert_str_eq(config.regions[2].element, "ground");
	ck_assert_uint_eq(config.regions[2].threshold, 9);
	ck_assert_uint_eq(config.regions[2].frames, 2);

	ck_assert_uint_eq(config.safety.signals, 1);
	ck_assert_uint_eq(config.safety.signal_timeout_ms, 100);
	ck_assert_uint_eq(config.safety.watchdog, CONFIG_WATCHDOG_FILE);
	ck_assert_str_eq(config.safety.watchdog_path, RUNTIME "/dog");
	ck_assert_uint_eq(config.safety.pet_ms, 20);
	ck_assert_str_eq(config.safety.buzzer_path, "/dev/null");
	/* with signals and sound there are chimes, too */
	ck_assert_uint_eq(config.safety.chimes, 1);
	ck_assert_uint_eq(config.safety.chime_ms, 300);
}
END_TEST

START_TEST(verified_all) {
	struct config config = compile_good(VERIFIED "all\n");
	ck_assert_uint_eq(config.verified_len, 1);
	ck_assert_str_eq(config.verified[0].element, "");
	ck_assert_uint_eq(config.verified[0].layer, 0);
}
END_TEST

/* It was not the file that gave it. */
START_TEST(runtime_of_the_command_line) {
	struct compiled compiled = compile_in(LONG_PATH, GUEST);
	ck_assert(!compiled.good);
	ck_assert_str_eq(compiled.errors,
		"--runtime: the path is too long for the sockets in it; allowed: 75 bytes\n");
	free(compiled.errors);
}
END_TEST

START_TEST(no_sink_no_sound) {
	struct config config = compile_good("guests:\n  - name: a\nsound: {sink: none}\n");
	ck_assert_uint_eq(config.guests[0].sound.enabled, 0);
	ck_assert_uint_eq(config.guests[0].gpu.enabled, 1);
}
END_TEST

START_TEST(devices_off) {
	struct config config = compile_good("guests:\n  - name: a\n    gpu: {enabled: false}\n"
					    "    sound: {enabled: false}\n");
	ck_assert_uint_eq(config.guests[0].sound.enabled, 0);
	ck_assert_uint_eq(config.guests[0].gpu.enabled, 0);
	ck_assert_uint_eq(config.layers_len, 0);
}
END_TEST

START_TEST(same_scanout_twice) {
	struct config config =
		compile_good("guests:\n  - name: a\nlayers:\n"
			     "  - {name: a, size: 640x480}\n"
			     "  - {name: small, guest: a, size: 64x48, scale: true}\n");
	ck_assert_uint_eq(config.layers_len, 2);
	ck_assert_uint_eq(config.guests[0].gpu.scanouts[0].width, 640);
}
END_TEST

Suite *suite_under_test(void) {
	Suite *suite = suite_create("service config");
	TCase *bad = suite_case(suite, "bad");
	tcase_add_loop_test(bad, bad_file, 0, (int)ARRAY_LEN(bad_rows));
	tcase_add_test(bad, missing_file);
	tcase_add_test(bad, runtime_of_the_command_line);
	TCase *good = suite_case(suite, "good");
	tcase_add_test(good, smallest);
	tcase_add_test(good, everything_given);
	tcase_add_test(good, safety_given);
	tcase_add_test(good, verified_all);
	tcase_add_test(good, no_sink_no_sound);
	tcase_add_test(good, devices_off);
	tcase_add_test(good, same_scanout_twice);
	return suite;
}
