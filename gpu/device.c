#include "gpu/device.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/log.h"
#include "core/macros.h"
#include "gpu/command.h"

/* A deadline need not be met to the nanosecond; a clock that stands still must not make us spin. */
#define DEADLINE_STEP_NS (200 * UINT64_C(1000))

/* Commands are cheap but for what they copy: a guest that has its largest pictures copied all the time
 * must not be taken for a process that is stuck. Some 10 ms, and two pictures of 1920x1080. */
#define COPIED_BYTES_PER_WAKE (UINT64_C(16) << 20)

/* Dropping resources takes the kernel 100 ms per 200 MiB. */
#define HANGUP_PATIENCE_MS 5000

static uint64_t now_of(const struct gpu_device *device) {
	return device->setup.now_ns(device->setup.data);
}

/* ---- the peer ---- */

/* Whatever the loop is at: who hung up does not come back. */
static void set_peer(struct gpu_device *device, enum link_peer peer) {
	link_set_peer(&device->setup.link->link, peer);
	if (atomic_load(&device->has_hung_up)) {
		link_set_peer(&device->setup.link->link, LINK_PEER_ABSENT);
	}
}

/* In a thread of its own. */
static void handle_hangup(void *data) {
	struct gpu_device *device = data;
	atomic_store(&device->has_hung_up, true);
	link_set_peer(&device->setup.link->link, LINK_PEER_ABSENT);
}

static void update_gauges(struct gpu_device *device) {
	gpu_stats_set(device->stats.resources, device->resources.len);
	gpu_stats_set(device->stats.memory_bytes, device->store.memory_bytes);
	gpu_stats_set(device->stats.pool_bytes, device->store.pool.taken_bytes);
}

/* ---- replies that wait ---- */

static void count_fence(struct gpu_device *device, const struct fence *fence, uint64_t now_ns) {
	gpu_stats_add(device->stats.fences, 1);
	if (fence->wait.start_ns == 0) {
		return;
	}
	uint64_t waited_ns = now_ns - fence->wait.start_ns;
	gpu_stats_add(device->stats.fence_wait_ns, waited_ns);
	if (waited_ns > atomic_load(device->stats.fence_wait_max_ns)) {
		gpu_stats_set(device->stats.fence_wait_max_ns, waited_ns);
	}
}

/* Whether the reply may go now; what is late and was put off goes to the consumer first. */
static bool fence_is_over(
	struct gpu_device *device, const struct fence_wait *wait, uint64_t now_ns) {
	if (scanouts_have(&device->scanouts, wait)) {
		return true;
	}
	if (now_ns < wait->deadline_ns) {
		return false;
	}
	scanouts_publish_due(&device->scanouts, wait->channels);
	gpu_stats_add(device->stats.fences_late, 1);
	return true;
}

/* Returns the replies whose turn it is, and sets the timer for the next one's deadline. */
static void run_fences(struct gpu_device *device) {
	uint64_t now_ns = now_of(device);
	struct fence *fence = fence_queue_first(&device->fences);
	if (fence == NULL) {
		return;
	}
	struct virtqueue *queue = vhost_session_queue(device->session, VIRTIO_GPU_QUEUE_CONTROL);
	while (fence != NULL && fence_is_over(device, &fence->wait, now_ns)) {
		count_fence(device, fence, now_ns);
		virtqueue_push(queue, fence->head, fence->used_bytes);
		fence_queue_drop_first(&device->fences);
		fence = fence_queue_first(&device->fences);
	}
	if (fence != NULL) {
		uint64_t left_ns = fence->wait.deadline_ns - now_ns;
		loop_timer_set(device->deadline_timer, MAX(left_ns, DEADLINE_STEP_NS), 0);
	}
	virtqueue_notify(queue);
}

static void finish_reset(struct gpu_device *device);

static void handle_deadline(void *data, uint32_t events) {
	struct gpu_device *device = data;
	finish_reset(device);
	if (device->session != NULL) {
		run_fences(device);
	}
}

void gpu_device_check_deadlines(struct gpu_device *device) {
	handle_deadline(device, 0);
}

/* ---- the consumer ---- */

/* What the consumer wants the displays to be. True if that is new. */
static bool update_modes(struct gpu_device *device) {
	bool changed = false;
	for (uint32_t i = 0; i < device->scanouts.len; i++) {
		struct frame_mode mode;
		if (frame_link_mode(device->setup.link, i, &mode) &&
			memcmp(&mode, &device->modes[i], sizeof(mode)) != 0) {
			device->modes[i] = mode;
			changed = true;
		}
	}
	return changed;
}

/* A driver that has asked must be told to ask again; QEMU's dialect has no way to say so. */
static void announce_modes(struct gpu_device *device) {
	if (!device->running || device->qemu_display.attached) {
		return;
	}
	device->events |= VIRTIO_GPU_EVENT_DISPLAY;
	if (vhost_session_config_changed(device->session) == 0) {
		gpu_stats_add(device->stats.display_events, 1);
	}
}

static void handle_tick(void *data, uint32_t events) {
	struct gpu_device *device = data;
	link_echo(&device->setup.link->link);
	if (update_modes(device)) {
		announce_modes(device);
	}
	if (device->session != NULL) {
		scanouts_tick(&device->scanouts);
		run_fences(device);
		update_gauges(device);
	}
}

/* ---- the session ---- */

static uint64_t gpu_features(void *data) {
	const struct gpu_device *device = data;
	uint64_t features =
		UINT64_C(1) << VIRTIO_GPU_F_EDID | UINT64_C(1) << VIRTIO_GPU_F_RESOURCE_UUID;
	if (device->setup.config->profile == CONFIG_PROFILE_BLOB) {
		features |= UINT64_C(1) << VIRTIO_GPU_F_RESOURCE_BLOB;
	}
	return features;
}

static void gpu_handle_features(void *data, uint64_t features) {
	struct gpu_device *device = data;
	device->features = features;
}

static void gpu_config_read(void *data, uint32_t offset, uint8_t *to, uint32_t len) {
	const struct gpu_device *device = data;
	const struct virtio_gpu_config config = {
		.events_read = device->events,
		.scanouts_len = device->scanouts.len,
	};
	uint8_t space[VIRTIO_GPU_CONFIG_BYTES];
	virtio_gpu_encode_config(space, &config);
	memset(to, 0, len);
	if (offset < sizeof(space)) {
		memcpy(to, space + offset, MIN(len, sizeof(space) - offset));
	}
}

static int gpu_config_write(void *data, uint32_t offset, const uint8_t *from, uint32_t len) {
	struct gpu_device *device = data;
	uint32_t clear;
	if (!virtio_gpu_decode_events_clear(offset, from, len, &clear)) {
		return -EINVAL;
	}
	device->events &= ~clear;
	return 0;
}

/* Executes one command and returns its chain, now or when its turn has come. */
static void serve(struct gpu_device *device, struct virtqueue *queue, unsigned index,
	const struct virtqueue_chain *chain) {
	struct command command;
	uint32_t used_bytes = command_execute(&command, device, &command_tables[index], chain);
	bool is_fenced = (command.header.flags & VIRTIO_GPU_FLAG_FENCE) != 0;
	bool waits = command.wait.channels != 0 || (is_fenced && device->fences.len > 0);
	if (!waits || index != VIRTIO_GPU_QUEUE_CONTROL) {
		virtqueue_push(queue, chain->head, used_bytes);
		return;
	}
	const struct fence fence = {
		.head = chain->head,
		.used_bytes = used_bytes,
		.wait = command.wait,
	};
	fence_queue_add(&device->fences, &fence);
	if (device->fences.len == 1) {
		run_fences(device); /* sets its deadline */
	}
}

static uint64_t copied_bytes(const struct gpu_device *device) {
	return atomic_load(device->stats.transfer_bytes) + atomic_load(device->stats.stale_bytes);
}

/* How many commands were served; *more: it stopped before the queue was empty. */
static uint32_t serve_queue(struct gpu_device *device, unsigned index, bool *more) {
	struct virtqueue *queue = vhost_session_queue(device->session, index);
	uint32_t budget = MAX(device->setup.config->budget.commands_per_wake, 1);
	uint64_t copied_before = copied_bytes(device);
	uint32_t served = 0;
	struct virtqueue_chain chain;
	*more = false;
	while (!*more && virtqueue_pop(queue, &chain) == 1) {
		serve(device, queue, index, &chain);
		served++;
		*more = served == budget ||
			copied_bytes(device) - copied_before >= COPIED_BYTES_PER_WAKE;
	}
	virtqueue_notify(queue);
	return served;
}

static void note_running(struct gpu_device *device) {
	finish_reset(device);
	if (!device->running) {
		device->running = true;
		set_peer(device, LINK_PEER_RUNNING);
	}
}

/* Looks the backings up in guest memory: all of them, or those that were not to be found. */
static void translate_backings(struct gpu_device *device, bool all) {
	const struct guest_memory *memory = vhost_session_memory(device->session);
	uint32_t at = 0;
	struct resource *resource;
	while ((resource = resource_table_next(&device->resources, &at)) != NULL) {
		struct backing *backing = &resource->backing;
		if (backing_is_present(backing) && (all || backing->bytes == 0)) {
			backing_translate(backing, memory, &device->store);
		}
	}
}

/* Memory that went away may come back: a VMM changes a region by removing and adding it. */
static void follow_memory(struct gpu_device *device) {
	uint64_t additions = vhost_session_memory(device->session)->additions;
	if (additions != device->memory_additions) {
		device->memory_additions = additions;
		translate_backings(device, false);
	}
}

static bool gpu_handle_queue(void *data, unsigned index) {
	struct gpu_device *device = data;
	if (qemu_display_is_pending(&device->qemu_display)) {
		return false; /* handle_display_settled() comes back to it */
	}
	finish_reset(device);
	follow_memory(device);
	bool more;
	uint32_t served = serve_queue(device, index, &more);
	if (served > 0) {
		note_running(device);
		_Atomic uint64_t *count = index == VIRTIO_GPU_QUEUE_CONTROL
			? device->stats.commands
			: device->stats.cursor_commands;
		gpu_stats_add(count, served);
	}
	if (index == VIRTIO_GPU_QUEUE_CURSOR) {
		cursors_publish_moves(&device->cursors);
	}
	update_gauges(device);
	return more;
}

static void gpu_handle_queue_stop(void *data, unsigned index) {
	struct gpu_device *device = data;
	if (index != VIRTIO_GPU_QUEUE_CONTROL) {
		return;
	}
	struct virtqueue *queue = vhost_session_queue(device->session, index);
	struct fence *fence;
	while ((fence = fence_queue_first(&device->fences)) != NULL) {
		virtqueue_push(queue, fence->head, fence->used_bytes);
		fence_queue_drop_first(&device->fences);
	}
}

static void drop_resources(struct gpu_device *device) {
	uint32_t at = 0;
	struct resource *resource;
	while ((resource = resource_table_next(&device->resources, &at)) != NULL) {
		scanouts_forget(&device->scanouts, resource);
		resource_table_remove(&device->resources, resource, &device->store);
		at--; /* another one may have moved up into its slot */
	}
}

/*
 * A session that ends is reset first. Then the consumer is to keep the last picture, and only to be
 * told that nobody is there: so it hears of a reset only when that was not the end.
 */
static void gpu_handle_reset(void *data) {
	struct gpu_device *device = data;
	drop_resources(device);
	cursors_reset(&device->cursors);
	device->events = 0;
	device->running = false;
	device->reset_due = true;
	loop_timer_set(device->deadline_timer, 1, 0);
	update_gauges(device);
}

static void finish_reset(struct gpu_device *device) {
	if (!device->reset_due) {
		return;
	}
	device->reset_due = false;
	scanouts_reset(&device->scanouts);
	set_peer(device, LINK_PEER_CONNECTED);
	link_count_reset(&device->setup.link->link);
	gpu_stats_add(device->stats.resets, 1);
}

/* A pause looks like a reset to who shows the pictures; what the driver made stays until we know. */
static void gpu_handle_suspend(void *data) {
	struct gpu_device *device = data;
	device->running = false;
	set_peer(device, LINK_PEER_CONNECTED);
}

static void gpu_handle_resume(void *data) {
	struct gpu_device *device = data;
	scanouts_show_again(&device->scanouts);
	note_running(device);
}

static void gpu_handle_memory_change(void *data) {
	translate_backings(data, true);
}

static void gpu_handle_gpu_socket(void *data, int fd) {
	struct gpu_device *device = data;
	qemu_display_attach(&device->qemu_display, fd);
}

static void handle_display_settled(void *data) {
	struct gpu_device *device = data;
	if (device->session != NULL) {
		vhost_session_schedule(device->session, VIRTIO_GPU_QUEUE_CONTROL);
		vhost_session_schedule(device->session, VIRTIO_GPU_QUEUE_CURSOR);
	}
}

static void gpu_handle_end(void *data, int error) {
	struct gpu_device *device = data;
	device->reset_due = false;
	/* first of all, should there be no thread: giving back a dead machine's memory takes 100 ms per 200 MiB */
	set_peer(device, LINK_PEER_ABSENT);
	vhost_hangup_stop(&device->hangup);
	vhost_session_destroy(device->session);
	device->session = NULL;
	device->setup.handle_end(device->setup.data, error);
}

static const struct vhost_device_impl gpu_impl = {
	.name = "gpu",
	.queues_len = VIRTIO_GPU_QUEUES,
	.features = gpu_features,
	.handle_features = gpu_handle_features,
	.config_read = gpu_config_read,
	.config_write = gpu_config_write,
	.handle_queue = gpu_handle_queue,
	.handle_queue_stop = gpu_handle_queue_stop,
	.handle_reset = gpu_handle_reset,
	.handle_suspend = gpu_handle_suspend,
	.handle_resume = gpu_handle_resume,
	.handle_memory_change = gpu_handle_memory_change,
	.handle_gpu_socket = gpu_handle_gpu_socket,
	.handle_end = gpu_handle_end,
};

/* ---- life ---- */

static int init_parts(struct gpu_device *device) {
	const struct gpu_device_setup *setup = &device->setup;
	const struct config_budget *budget = &setup->config->budget;
	gpu_stats_init(&device->stats, setup->stats);
	image_store_init(
		&device->store, setup->link, budget->memory_bytes, device->stats.stale_bytes);
	scanouts_init(&device->scanouts, setup->link, &device->store, &device->stats,
		setup->config->scanouts_len, budget->flushes_per_refresh);
	cursors_init(&device->cursors, setup->link, &device->stats);
	memcpy(device->modes, setup->config->scanouts, sizeof(device->modes));
	update_modes(device);

	int rc = resource_table_init(&device->resources, budget->resources);
	if (rc == 0) {
		rc = fence_queue_init(&device->fences);
	}
	if (rc == 0) {
		rc = qemu_display_init(
			&device->qemu_display, setup->loop, handle_display_settled, device);
	}
	return rc;
}

static int watch(struct gpu_device *device) {
	struct loop *loop = device->setup.loop;
	device->tick_source = loop_add(
		loop, device->setup.link->link.consumer_event, EPOLLIN, handle_tick, device);
	device->deadline_timer = loop_add_timer(loop, handle_deadline, device);
	return device->tick_source != NULL && device->deadline_timer != NULL ? 0 : -errno;
}

struct gpu_device *gpu_device_create(const struct gpu_device_setup *setup) {
	assert(setup->config->scanouts_len >= 1);
	struct gpu_device *device = calloc(1, sizeof(*device));
	if (device == NULL) {
		return NULL;
	}
	device->setup = *setup;
	int rc = init_parts(device);
	if (rc == 0) {
		rc = watch(device);
	}
	if (rc < 0) {
		gpu_device_destroy(&device);
		errno = -rc;
	}
	return device;
}

void gpu_device_destroy(struct gpu_device **at) {
	struct gpu_device *device = *at;
	if (device == NULL) {
		return;
	}
	*at = NULL;
	if (device->session != NULL) {
		vhost_hangup_stop(&device->hangup);
		vhost_session_destroy(device->session);
		set_peer(device, LINK_PEER_ABSENT);
	}
	qemu_display_finish(&device->qemu_display);
	loop_remove(&device->deadline_timer);
	loop_remove(&device->tick_source);
	fence_queue_finish(&device->fences);
	resource_table_finish(&device->resources);
	free(device);
}

int gpu_device_connect(struct gpu_device *device, int socket) {
	assert(device->session == NULL);
	device->session = vhost_session_create(
		device->setup.loop, socket, &gpu_impl, device, device->setup.stats);
	if (device->session == NULL) {
		return -errno;
	}
	set_peer(device, LINK_PEER_CONNECTED);
	int error = vhost_hangup_start(
		&device->hangup, socket, HANGUP_PATIENCE_MS, handle_hangup, device);
	if (error < 0) {
		log_warning("a hang-up will be noticed by the loop alone: %s", strerror(-error));
	}
	gpu_stats_add(device->stats.sessions, 1);
	return 0;
}
