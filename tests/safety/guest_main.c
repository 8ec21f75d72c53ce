/* The guest's program: see cluster_guest.h for what it does and who starts it. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "compositor/hmi.h"
#include "compositor/painter.h"
#include "compositor/scene.h"
#include "core/atlas.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/fd.h"
#include "core/frame_tag.h"
#include "core/macros.h"
#include "tests/safety/cluster_guest.h"
#include "tests/safety/guest_sound.h"
#include "tests/vmm/vmm_gpu.h"

#define PERIOD_NS (NS_PER_S / 60)
#define BEAT_NS (50 * NS_PER_MS)
#define ANSWER_MS 10000 /* a guard against hanging */
#define BEAT_DRAWS 3     /* as often, where the clock is the test's */
#define RESOURCE 1       /* XRGB */
#define RESOURCE_ALPHA 2 /* ARGB, the same memory */
#define RESOURCE_CURSOR 3
#define CURSOR_SIZE 64
#define OLD_PICTURES 16  /* remembered, a power of two */
#define SHIFT_PIXELS 4 /* all of the lamp is still there, and its neighbour is not touched */
#define BOOT_NICENESS 15
#define RED 0xffff0000u

/* What a picture is made of: drawn again from it, it is the same picture. */
struct recipe {
	struct frame_tag tag;
	int32_t values[SIGNAL_VALUES];
};

struct guest {
	struct cluster_guest_shared *shared;
	const char *socket, *channel_path;
	uint32_t width, height;
	bool is_plain, is_stepped;
	struct atlas atlas;
	const struct config *config;
	struct hmi hmi;
	struct painter *painter;
	struct vmm_ram ram;
	struct vmm_device device;
	struct vmm_gpu gpu;
	uint64_t memory, cursor_memory;
	uint32_t *pixels, *cursor;
	uint32_t *
		drawn; /* the HMI of the values drawn last, without tags and faults: they seldom change */
	int32_t drawn_values[SIGNAL_VALUES];
	bool has_drawn;
	int channel; /* -1: none */
	uint64_t beat_ns;
	uint32_t beat;
	uint32_t draws; /* asked for */
	uint32_t counter;
	struct recipe recipes[OLD_PICTURES]; /* of picture n at n % OLD_PICTURES */
	uint32_t shown; /* resource on the scanout; 0: none */
	enum guest_fault fault; /* of the picture in the making */
	bool is_cut;
};

/* ---- drawing ---- */

static void draw_hmi(struct guest *guest, const int32_t values[SIGNAL_VALUES]) {
	static struct scene scene;
	const struct rect bounds = { 0, 0, guest->width, guest->height };
	const struct painter_target target = { guest->drawn, guest->width * 4, guest->width,
		guest->height };
	size_t bytes = SIGNAL_VALUES * sizeof(*values);
	if (guest->has_drawn && memcmp(values, guest->drawn_values, bytes) == 0) {
		return;
	}
	guest->has_drawn = true;
	memcpy(guest->drawn_values, values, bytes);
	scene_clear(&scene);
	hmi_add_fallback(&guest->hmi, values, 0, &scene, &bounds);
	painter_draw(guest->painter, &target, scene.sprites, scene.len, &bounds);
}

static void draw_pattern(struct guest *guest, uint32_t counter) {
	for (uint32_t y = 0; y < guest->height; y++) {
		for (uint32_t x = 0; x < guest->width; x++) {
			guest->pixels[(size_t)y * guest->width + x] =
				0xff203040u + ((x + counter * 4) & 0x3f) + ((y & 0x3f) << 8);
		}
	}
}

static void draw_tags(
	struct guest *guest, const struct frame_tag *top, const struct frame_tag *bottom) {
	frame_tag_encode(top, guest->pixels);
	frame_tag_encode(bottom, guest->pixels + (size_t)(guest->height - 1) * guest->width);
}

static void draw_recipe(struct guest *guest, const struct recipe *recipe) {
	if (guest->is_plain) {
		draw_pattern(guest, recipe->tag.counter);
	} else {
		draw_hmi(guest, recipe->values);
		memcpy(guest->pixels, guest->drawn,
			(size_t)guest->width * guest->height * sizeof(*guest->pixels));
	}
	draw_tags(guest, &recipe->tag, &recipe->tag);
}

static uint32_t *element_row(const struct guest *guest, uint32_t y) {
	const struct rect *element = &guest->shared->element;
	return guest->pixels + ((size_t)element->y + y) * guest->width + (size_t)element->x;
}

static void shift_element(struct guest *guest) {
	const struct rect *element = &guest->shared->element;
	for (uint32_t y = 0; y < element->height; y++) {
		uint32_t *row = element_row(guest, y);
		memmove(row + SHIFT_PIXELS, row, element->width * sizeof(*row));
	}
}

static void mirror_element(struct guest *guest) {
	const struct rect *element = &guest->shared->element;
	for (uint32_t y = 0; y < element->height; y++) {
		uint32_t *row = element_row(guest, y);
		for (uint32_t x = 0; x < element->width / 2; x++) {
			uint32_t pixel = row[x];
			row[x] = row[element->width - 1 - x];
			row[element->width - 1 - x] = pixel;
		}
	}
}

static void fill_element(struct guest *guest, uint32_t pixel) {
	const struct rect *element = &guest->shared->element;
	for (uint32_t y = 0; y < element->height; y++) {
		uint32_t *row = element_row(guest, y);
		for (uint32_t x = 0; x < element->width; x++) {
			row[x] = pixel;
		}
	}
}

static uint32_t signal_of(const struct guest *guest) {
	return guest->atlas.elements[guest->shared->element_index].signal;
}

/* Where the clock is the test's, no other may be in the picture. */
static uint32_t time_ms(const struct guest *guest) {
	uint64_t ns =
		guest->is_stepped ? atomic_load(&guest->shared->tick) * PERIOD_NS : clock_now_ns();
	return (uint32_t)(ns / NS_PER_MS);
}

/* The recipe of the picture to be drawn: the newest values, wrong where the fault says so. */
static struct recipe make_recipe(struct guest *guest) {
	struct recipe recipe = { .tag = { .counter = ++guest->counter,
					 .time_ms = time_ms(guest),
					 .heartbeat = guest->beat } };
	for (unsigned i = 0; i < SIGNAL_VALUES; i++) {
		recipe.values[i] = atomic_load(&guest->shared->values[i]);
	}
	if (guest->fault == GUEST_MISSING || guest->fault == GUEST_UNREQUESTED) {
		recipe.values[signal_of(guest)] = guest->fault == GUEST_UNREQUESTED;
	}
	guest->recipes[guest->counter % OLD_PICTURES] = recipe;
	return recipe;
}

static void draw_torn(struct guest *guest, const struct recipe *now) {
	struct frame_tag before = guest->recipes[(now->tag.counter - 1) % OLD_PICTURES].tag;
	draw_tags(guest, &now->tag, &before);
}

static void draw_picture(struct guest *guest) {
	struct recipe recipe = make_recipe(guest);
	if (guest->fault == GUEST_LAG && guest->counter > CLUSTER_GUEST_LAG) {
		recipe = guest->recipes[(guest->counter - CLUSTER_GUEST_LAG) % OLD_PICTURES];
	}
	draw_recipe(guest, &recipe);
	switch (guest->fault) {
	case GUEST_CORRUPT:
		element_row(guest,
			guest->shared->element.height / 2)[guest->shared->element.width / 2] ^=
			0x10;
		break;
	case GUEST_SHIFT:
		shift_element(guest);
		break;
	case GUEST_MIRROR:
		mirror_element(guest);
		break;
	case GUEST_ALPHA:
		fill_element(guest, 0);
		break;
	case GUEST_WRITE_BEFORE:
		fill_element(guest, RED);
		break;
	case GUEST_BLACK:
		memset(guest->pixels, 0, (size_t)guest->width * guest->height * 4);
		draw_tags(guest, &recipe.tag, &recipe.tag);
		break;
	case GUEST_TORN:
		draw_torn(guest, &recipe);
		break;
	default:
		break;
	}
}

/* ---- the device ---- */

static int check(uint32_t reply) {
	if (reply != VIRTIO_GPU_RESP_OK_NODATA && reply != VMM_GPU_NO_REPLY) {
		fprintf(stderr, "safety guest: a good request was answered by %#x\n", reply);
	}
	return reply == VIRTIO_GPU_RESP_OK_NODATA ? 0
		: reply == VMM_GPU_NO_REPLY       ? -EPIPE
						  : -EREMOTEIO;
}

static int show_resource(struct guest *guest, uint32_t resource) {
	if (guest->shown == resource) {
		return 0;
	}
	guest->shown = resource;
	return check(vmm_gpu_set_scanout(&guest->gpu, 0, resource, 0, 0,
		resource != 0 ? guest->width : 0, resource != 0 ? guest->height : 0));
}

static int make_resource(struct guest *guest, uint32_t id, uint32_t format, uint32_t width,
	uint32_t height, uint64_t memory) {
	const struct virtio_gpu_entry entry = { .address = memory, .len = width * height * 4 };
	int error = check(vmm_gpu_create_2d(&guest->gpu, id, format, width, height));
	if (error == 0) {
		error = check(vmm_gpu_attach(&guest->gpu, id, &entry, 1));
	}
	/* as if it was in use for long: the host has memory for it */
	return error != 0 ? error
			  : check(vmm_gpu_transfer(&guest->gpu, id, 0, 0, width, height, 0));
}

static int make_resources(struct guest *guest) {
	int error = make_resource(
		guest, RESOURCE, VMM_GPU_BGRX, guest->width, guest->height, guest->memory);
	if (error == 0) {
		error = make_resource(guest, RESOURCE_ALPHA, VMM_GPU_BGRA, guest->width,
			guest->height, guest->memory);
	}
	if (error == 0) {
		error = make_resource(guest, RESOURCE_CURSOR, VMM_GPU_BGRA, CURSOR_SIZE,
			CURSOR_SIZE, guest->cursor_memory);
	}
	guest->shown = 0;
	return error;
}

static int connect_device(struct guest *guest) {
	size_t bytes = (size_t)guest->width * guest->height * 4;
	/* the picture last: the file can be cut short before it */
	const struct vmm_ram_options ram = { .bytes = bytes + (8 << 20), .unsealed = true };
	const struct vmm_device_options options = { 0 };
	int error = vmm_ram_init(&guest->ram, &ram);
	if (error != 0) {
		return error;
	}
	error = vmm_device_connect(&guest->device, &guest->ram, guest->socket, &options);
	if (error == 0) {
		error = vmm_device_start(&guest->device);
	}
	if (error != 0) {
		vmm_device_close(&guest->device);
		vmm_ram_finish(&guest->ram);
		return error;
	}
	vmm_gpu_init(&guest->gpu, &guest->device);
	guest->cursor_memory = vmm_ram_alloc(&guest->ram, CURSOR_SIZE * CURSOR_SIZE * 4, 4096);
	guest->cursor =
		vmm_ram_at(&guest->ram, guest->cursor_memory, CURSOR_SIZE * CURSOR_SIZE * 4);
	for (unsigned i = 0; i < CURSOR_SIZE * CURSOR_SIZE; i++) {
		guest->cursor[i] = RED;
	}
	/* requests of single commands are made on the way: let them have their memory first */
	error = make_resource(guest, 9, VMM_GPU_BGRX, 16, 16, guest->cursor_memory);
	guest->memory = vmm_ram_alloc(&guest->ram, bytes, 4096);
	guest->pixels = vmm_ram_at(&guest->ram, guest->memory, bytes);
	return error != 0 ? error : make_resources(guest);
}

static void close_device(struct guest *guest) {
	vmm_device_close(&guest->device);
	vmm_ram_finish(&guest->ram);
	guest->is_cut = false;
}

/* Requests that no device may grant; how many were refused. */
static void send_bad_geometry(struct guest *guest) {
	struct vmm_gpu *gpu = &guest->gpu;
	uint32_t width = guest->width, height = guest->height;
	const uint32_t replies[] = {
		vmm_gpu_create_2d(gpu, 100, VMM_GPU_BGRX, UINT32_MAX, UINT32_MAX),
		vmm_gpu_create_2d(gpu, 101, 0x7fffffff, width, height),
		vmm_gpu_set_scanout(gpu, 0, RESOURCE, width - 1, 0, width, height),
		vmm_gpu_set_scanout(gpu, 0, RESOURCE, UINT32_MAX, UINT32_MAX, 16, 16),
		vmm_gpu_transfer(gpu, RESOURCE, 0, 0, width, height, UINT64_MAX - 64),
		vmm_gpu_transfer(gpu, RESOURCE, width, height, UINT32_MAX, UINT32_MAX, 0),
		vmm_gpu_flush(gpu, RESOURCE, UINT32_MAX, 1, UINT32_MAX, 1),
	};
	for (unsigned i = 0; i < ARRAY_LEN(replies); i++) {
		atomic_fetch_add(&guest->shared->refusals,
			replies[i] != VIRTIO_GPU_RESP_OK_NODATA && replies[i] != VMM_GPU_NO_REPLY);
	}
}

static void note_fault(struct guest *guest) {
	uint64_t none = 0;
	if (guest->fault != GUEST_GOOD) {
		atomic_compare_exchange_strong(&guest->shared->fault_ns, &none, clock_now_ns());
	}
}

/* The picture of the moment in which a click is to be heard. */
static void note_flash(struct guest *guest) {
	struct cluster_guest_shared *shared = guest->shared;
	uint64_t click_ns = atomic_load(&shared->click_ns), now_ns = clock_now_ns();
	if (click_ns != 0 && atomic_load(&shared->flash_ns) == 0 &&
		now_ns + PERIOD_NS / 2 >= click_ns) {
		atomic_store(&shared->flash, guest->counter);
		atomic_store(&shared->flash_ns, now_ns);
	}
}

static int flush_picture(struct guest *guest) {
	/* its first picture is in that one, too: as if it was in use for long, the host has memory to show it */
	bool is_argb = guest->fault == GUEST_ALPHA || guest->shown == 0;
	uint32_t resource = is_argb ? RESOURCE_ALPHA : RESOURCE;
	struct vmm_gpu *gpu = &guest->gpu;
	uint32_t width = guest->width, height = guest->height;
	if (guest->shown == resource) {
		note_fault(guest);
	}
	note_flash(guest);
	/* in this order, as Linux does it */
	int error = check(vmm_gpu_transfer(gpu, resource, 0, 0, width, height, 0));
	if (error == 0) {
		note_fault(
			guest); /* what was copied into a resource that is not shown is no fault yet */
		error = show_resource(guest, resource);
	}
	if (error == 0) {
		error = check(vmm_gpu_flush(gpu, resource, 0, 0, width, height));
	}
	return error;
}

static int cut_memory(struct guest *guest) {
	if (!guest->is_cut) {
		uint64_t offset = guest->memory - guest->ram.regions[0].guest_address;
		guest->is_cut = true;
		note_fault(guest);
		if (ftruncate(guest->ram.fd, (off_t)(offset & ~UINT64_C(4095))) != 0) {
			return -errno;
		}
	}
	return flush_picture(guest);
}

static int show_cursor(struct guest *guest) {
	const struct rect *element = &guest->shared->element;
	int error = check(
		vmm_gpu_transfer(&guest->gpu, RESOURCE_CURSOR, 0, 0, CURSOR_SIZE, CURSOR_SIZE, 0));
	note_fault(guest);
	if (error == 0) {
		error = check(vmm_gpu_cursor(&guest->gpu, VIRTIO_GPU_CMD_UPDATE_CURSOR, 0,
			element->x, element->y, RESOURCE_CURSOR, 0, 0));
	}
	return error;
}

static int hide_cursor(struct guest *guest) {
	return check(vmm_gpu_cursor(&guest->gpu, VIRTIO_GPU_CMD_UPDATE_CURSOR, 0, 0, 0, 0, 0, 0));
}

/* ---- heartbeat ---- */

/* Where the clock is the test's, the beat is taken in before the picture is. */
static void wait_for_answer(const struct guest *guest) {
	char answer[16];
	if (guest->is_stepped && guest->channel >= 0 &&
		fd_wait_readable(guest->channel, ANSWER_MS) > 0) {
		(void)recv(guest->channel, answer, sizeof(answer), 0);
	}
}

static void send_beat(struct guest *guest, uint64_t now_ns) {
	char line[48];
	if (guest->channel_path[0] == '\0' || guest->fault == GUEST_NO_BEAT ||
		guest->fault == GUEST_PANIC) {
		note_fault(guest);
		return;
	}
	if (guest->channel < 0) {
		guest->channel = fd_connect_unix(guest->channel_path, SOCK_STREAM);
	}
	if (guest->fault == GUEST_SAME_BEAT) {
		note_fault(guest);
	} else {
		guest->beat++;
	}
	guest->beat_ns = now_ns;
	int len = snprintf(line, sizeof(line), "heartbeat %u\n", guest->beat);
	if (guest->channel >= 0 &&
		send(guest->channel, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) != len) {
		fd_close(&guest->channel);
	}
	wait_for_answer(guest);
	if (guest->channel >= 0) { /* answers do not matter, but must not fill the socket */
		char answers[256];
		while (recv(guest->channel, answers, sizeof(answers), MSG_DONTWAIT) > 0) {
		}
	}
}

/* ---- pictures ---- */

static int do_fault(struct guest *guest) {
	switch (guest->fault) {
	case GUEST_SILENT:
	case GUEST_PANIC:
		note_fault(guest);
		return 0;
	case GUEST_FREEZE:
		return flush_picture(guest);
	case GUEST_TRUNCATE:
		return cut_memory(guest);
	case GUEST_RESET:
		note_fault(guest);
		if (guest->shown != 0) {
			guest->shown = 0;
			return vmm_device_reset(&guest->device);
		}
		return 0;
	case GUEST_BLANK:
		note_fault(guest);
		return show_resource(guest, 0);
	default:
		break;
	}
	draw_picture(guest);
	int error = 0;
	if (guest->fault == GUEST_CURSOR) {
		error = show_cursor(guest);
	} else if (guest->fault == GUEST_BAD_GEOMETRY) {
		note_fault(guest);
		send_bad_geometry(guest);
	}
	if (error == 0) {
		error = flush_picture(guest);
	}
	if (guest->fault == GUEST_WRITE_AFTER) {
		fill_element(guest, RED);
	}
	return error;
}

/* The fault of this picture, and what the one before has to be undone by. */
static int change_fault(struct guest *guest) {
	enum guest_fault before = guest->fault;
	guest->fault = (enum guest_fault)atomic_load(&guest->shared->fault);
	uint32_t lasts = atomic_load(&guest->shared->lasts);
	if (guest->fault != GUEST_GOOD && lasts > 0 &&
		atomic_fetch_sub(&guest->shared->lasts, 1) == 1) {
		uint32_t now = (uint32_t)guest->fault;
		atomic_compare_exchange_strong(&guest->shared->fault, &now, GUEST_GOOD);
	}
	if (before == guest->fault) {
		return 0;
	}
	if (before == GUEST_CURSOR) {
		return hide_cursor(guest);
	}
	if (before == GUEST_RESET) {
		vmm_gpu_init(&guest->gpu, &guest->device);
		int error = vmm_device_start(&guest->device);
		return error != 0 ? error : make_resources(guest);
	}
	return before == GUEST_TRUNCATE ? -EPIPE : 0; /* its memory is gone: a new machine */
}

static int draw(struct guest *guest) {
	uint64_t now_ns = clock_now_ns();
	int error = change_fault(guest);
	bool is_due = guest->is_stepped ? guest->draws++ % BEAT_DRAWS == 0
					: now_ns - guest->beat_ns >= BEAT_NS;
	if (is_due) {
		send_beat(guest, now_ns);
	}
	if (error == 0) {
		error = do_fault(guest);
	}
	if (error == 0) {
		atomic_fetch_add(&guest->shared->pictures, 1);
		atomic_store(&guest->shared->is_ready, 1);
	}
	return error;
}

static void sleep_until(uint64_t ns) {
	const struct timespec at = { .tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S) };
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* Guest and output tick alike: without this a fault would meet the same phase again and again. */
static bool is_new_fault(const struct guest *guest) {
	uint32_t fault = atomic_load(&guest->shared->fault);
	return fault != GUEST_GOOD && fault != (uint32_t)guest->fault;
}

/*
 * While it shows pictures, its thread is what a cockpit's virtual processors are: real-time, below the
 * service's; a guest that starves is another failure than those that are injected. While it boots it takes
 * what the others leave: it does so far more often here than in a cockpit.
 */
static void be_realtime(bool is_realtime) {
	const struct sched_param parameter = { .sched_priority = is_realtime ? 1 : 0 };
	(void)setpriority(PRIO_PROCESS, 0, BOOT_NICENESS);
	(void)sched_setscheduler(0, is_realtime ? SCHED_RR : SCHED_OTHER, &parameter);
}

static int run_timed(struct guest *guest) {
	uint64_t due_ns = clock_now_ns();
	for (bool is_first = true;; is_first = false) {
		if (is_new_fault(guest)) {
			due_ns += atomic_load(&guest->shared->delay_ns);
			sleep_until(due_ns);
		}
		int error = draw(guest);
		if (error != 0) {
			return error;
		}
		if (is_first) {
			be_realtime(true);
		}
		due_ns = MAX(due_ns + PERIOD_NS, clock_now_ns() - PERIOD_NS);
		sleep_until(due_ns);
	}
}

/* The endpoint has done all it was told before, ticks included; twice, as the first may have been read
 * in a round of its loop that began before the tick. */
static void sync_ticks(struct guest *guest) {
	for (unsigned i = 0; i < 2 && guest->fault != GUEST_RESET && guest->fault != GUEST_TRUNCATE;
		i++) {
		const struct vmm_gpu_command command =
			vmm_gpu_encode(&guest->gpu, VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
		(void)vmm_gpu_command(&guest->gpu, &command);
	}
}

static int run_stepped(struct guest *guest) {
	struct cluster_guest_shared *shared = guest->shared;
	for (;;) {
		uint32_t asked = atomic_load(&shared->asked);
		if (asked == atomic_load(&shared->done)) {
			nanosleep(&(struct timespec) { .tv_nsec = 100000 }, NULL);
			continue;
		}
		sync_ticks(guest);
		int error = draw(guest);
		if (error != 0) {
			return error;
		}
		atomic_store(&shared->done, asked);
	}
}

/* A machine whose memory is gone does nothing more until it is told to be good. */
static void stay_cut(struct guest *guest) {
	struct cluster_guest_shared *shared = guest->shared;
	while (guest->fault == GUEST_TRUNCATE && atomic_load(&shared->fault) == GUEST_TRUNCATE) {
		atomic_store(&shared->done, atomic_load(&shared->asked));
		nanosleep(&(struct timespec) { .tv_nsec = 100000 }, NULL);
	}
}

/* A machine that lost its device starts again, as a VMM would be started again. */
static int run(struct guest *guest) {
	for (;;) {
		stay_cut(guest);
		if (!guest->is_stepped) {
			be_realtime(false);
		}
		int error = connect_device(guest);
		if (error == 0) {
			error = guest->is_stepped ? run_stepped(guest) : run_timed(guest);
			/* what was asked for came to its end all the same */
			atomic_store(&guest->shared->done, atomic_load(&guest->shared->asked));
			close_device(guest);
		}
		fd_close(&guest->channel);
		if (error == -EREMOTEIO) {
			return error; /* a device that refuses good requests: not ours to hide */
		}
		nanosleep(&(struct timespec) { .tv_nsec = 5 * NS_PER_MS }, NULL);
	}
}

int main(int argc, char **argv) {
	static struct guest guest = { .channel = -1 };
	static struct guest_sound sound;
	if (argc != 10) {
		fprintf(stderr, "started by the safety campaign only\n");
		return 2;
	}
	guest.socket = argv[1];
	guest.channel_path = argv[2];
	guest.shared = mmap(
		NULL, sizeof(*guest.shared), PROT_READ | PROT_WRITE, MAP_SHARED, atoi(argv[3]), 0);
	guest.config = config_map(atoi(argv[4]));
	guest.painter = painter_create();
	guest.is_plain = strcmp(argv[8], "plain") == 0;
	guest.is_stepped = strcmp(argv[9], "stepped") == 0;
	if (guest.shared == MAP_FAILED || guest.config == NULL || guest.painter == NULL ||
		atlas_map(&guest.atlas, atoi(argv[5])) != 0 ||
		sscanf(argv[6], "%ux%u", &guest.width, &guest.height) != 2) {
		fprintf(stderr, "the safety guest cannot use what it was given\n");
		return 2;
	}
	guest.drawn = calloc((size_t)guest.width * guest.height, sizeof(*guest.drawn));
	if (guest.drawn == NULL) {
		fprintf(stderr, "the safety guest has no memory\n");
		return 2;
	}
	hmi_init(&guest.hmi, &guest.atlas, guest.config, 0);
	int error = argv[7][0] != '\0' ? guest_sound_start(&sound, guest.shared, argv[7]) : 0;
	if (error == 0) {
		error = run(&guest);
	}
	atomic_store(&guest.shared->failed, error);
	fprintf(stderr, "safety guest: %s\n", strerror(-error));
	return 1;
}
