/*
 * What a VIRTIO-GPU endpoint counts; names and units are in gpu_stats.c, `fascia status` prints them.
 *
 * Thread: the loop's writes, any reads.
 */
#ifndef GPU_GPU_STATS_H
#define GPU_GPU_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/stats.h"

struct gpu_stats {
	_Atomic uint64_t *commands, *cursor_commands;
	_Atomic uint64_t *errors_unspec, *errors_memory, *errors_scanout, *errors_resource,
		*errors_context, *errors_parameter;
	_Atomic uint64_t *flushes; /* of scanouts */
	_Atomic uint64_t *frames; /* published */
	_Atomic uint64_t *coalesced; /* flushes that were overtaken before they were shown */
	_Atomic uint64_t *postponed; /* flushes over the budget of a refresh */
	_Atomic uint64_t *no_buffer; /* publishes put off because every buffer was busy */
	_Atomic uint64_t *transfer_bytes; /* from guest memory */
	_Atomic uint64_t *stale_bytes; /* between buffers of one picture */
	_Atomic uint64_t *fences, *fences_late, *fence_wait_ns, *fence_wait_max_ns;
	_Atomic uint64_t *cursors; /* published */
	_Atomic uint64_t *display_events, *resets, *sessions;
	_Atomic uint64_t *resources, *memory_bytes, *pool_bytes; /* now */
};

void gpu_stats_init(struct gpu_stats *counters, struct stats *stats);

static inline void gpu_stats_add(_Atomic uint64_t *value, uint64_t amount) {
	atomic_fetch_add_explicit(value, amount, memory_order_relaxed);
}

static inline void gpu_stats_set(_Atomic uint64_t *value, uint64_t now) {
	atomic_store_explicit(value, now, memory_order_relaxed);
}

#endif
