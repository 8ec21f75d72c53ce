/*
 * The safety section: signals, the watchdog, the buzzer and chimes.
 */
#include <stdio.h>
#include <string.h>

#include "service/config_compile_impl.h"

#define SIGNAL_TIMEOUT_MS_DEFAULT 200
#define PET_MS_DEFAULT 50
#define CHIME_MS_DEFAULT 200

static void compile_watchdog(struct config_compiler *compiler, const struct file_watchdog *file,
	struct config_safety *safety) {
	struct config_where where = config_where("safety.watchdog.path");
	if (file == NULL) {
		return;
	}
	safety->watchdog = file->kind != NULL ? *file->kind : (uint32_t)CONFIG_WATCHDOG_DEVICE;
	switch (safety->watchdog) {
	case CONFIG_WATCHDOG_DEVICE:
		config_runtime_path(
			compiler, where, file->path, "/dev/watchdog", safety->watchdog_path);
		break;
	case CONFIG_WATCHDOG_FILE:
		config_runtime_path(compiler, where, file->path, "watchdog", safety->watchdog_path);
		break;
	default:
		if (file->path != NULL) {
			config_source_error(compiler->source, where.text,
				"%s: only kind: device and kind: file have one", where.text);
		}
		break;
	}
}

/* Chimes are heard through the mixer, and asked for by signals. */
static void compile_chimes(struct config_compiler *compiler, const struct file_safety *file,
	struct config_safety *safety) {
	bool can = safety->signals && compiler->config->mixer.sink != CONFIG_SINK_NONE;
	safety->chimes = file->chimes != NULL ? *file->chimes : can;
	if (safety->chimes && !can) {
		config_source_error(compiler->source, "safety.chimes",
			"safety.chimes: needs %s; write that, or chimes: false",
			safety->signals ? "sound with a sink other than none"
					: "safety: {signals: true}");
	}
	safety->chime_ms = config_number(compiler, config_where("safety.chime_ms"), file->chime_ms,
		20, 10000, CHIME_MS_DEFAULT);
}

void config_compile_safety(struct config_compiler *compiler) {
	static const struct file_safety nothing = { 0 };
	const struct file_safety *file =
		compiler->file->safety != NULL ? compiler->file->safety : &nothing;
	struct config_safety *safety = &compiler->config->safety;

	safety->signals = file->signals != NULL && *file->signals;
	safety->signal_timeout_ms =
		config_number(compiler, config_where("safety.signal_timeout_ms"),
			file->signal_timeout_ms, 20, 10000, SIGNAL_TIMEOUT_MS_DEFAULT);
	compile_watchdog(compiler, file->watchdog, safety);
	safety->pet_ms = config_number(
		compiler, config_where("safety.pet_ms"), file->pet_ms, 10, 1000, PET_MS_DEFAULT);
	if (file->buzzer != NULL) {
		config_runtime_path(compiler, config_where("safety.buzzer"), file->buzzer, "buzzer",
			safety->buzzer_path);
	}
	compile_chimes(compiler, file, safety);
}
