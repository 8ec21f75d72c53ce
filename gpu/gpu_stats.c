#include "gpu/gpu_stats.h"

void gpu_stats_init(struct gpu_stats *counters, struct stats *stats) {
	*counters = (struct gpu_stats) {
		.commands = stats_value(stats, "", "commands"),
		.cursor_commands = stats_value(stats, "", "cursor.commands"),
		.errors_unspec = stats_value(stats, "", "errors.unspec"),
		.errors_memory = stats_value(stats, "", "errors.out_of_memory"),
		.errors_scanout = stats_value(stats, "", "errors.scanout"),
		.errors_resource = stats_value(stats, "", "errors.resource"),
		.errors_context = stats_value(stats, "", "errors.context"),
		.errors_parameter = stats_value(stats, "", "errors.parameter"),
		.flushes = stats_value(stats, "", "flushes"),
		.frames = stats_value(stats, "", "frames"),
		.coalesced = stats_value(stats, "", "flushes.coalesced"),
		.postponed = stats_value(stats, "", "flushes.postponed"),
		.no_buffer = stats_value(stats, "", "frames.no_buffer"),
		.transfer_bytes = stats_value(stats, "bytes", "copied.guest"),
		.stale_bytes = stats_value(stats, "bytes", "copied.stale"),
		.fences = stats_value(stats, "", "fences"),
		.fences_late = stats_value(stats, "", "fences.deadline"),
		.fence_wait_ns = stats_value(stats, "ns", "fences.wait"),
		.fence_wait_max_ns = stats_value(stats, "ns", "fences.wait_max"),
		.cursors = stats_value(stats, "", "cursors"),
		.display_events = stats_value(stats, "", "display.events"),
		.resets = stats_value(stats, "", "resets"),
		.sessions = stats_value(stats, "", "sessions"),
		.resources = stats_value(stats, "", "resources"),
		.memory_bytes = stats_value(stats, "bytes", "memory"),
		.pool_bytes = stats_value(stats, "bytes", "pool"),
	};
}
