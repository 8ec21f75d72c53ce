#include "tests/flow/guest.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/macros.h"
#include "protocol/virtio_gpu.h"

#define RESOURCE 1
#define QUEUED_PERIODS 8

static const struct config_guest *find_guest(const struct service *service, const char *name) {
	for (uint32_t i = 0; i < service->config.guests_len; i++) {
		if (strcmp(service->config.guests[i].name, name) == 0) {
			return &service->config.guests[i];
		}
	}
	ck_abort_msg("no guest '%s' is configured", name);
	return NULL;
}

/* ---- graphics ---- */

void guest_display_start(struct guest_display *display, const struct service *service,
	const char *guest, uint32_t width, uint32_t height) {
	const struct config_guest *config = find_guest(service, guest);
	*display = (struct guest_display) { .service = service, .width = width, .height = height };
	snprintf(display->process, sizeof(display->process), "gpu-%s", guest);

	const struct vmm_ram_options ram = { .bytes = ((size_t)width * height * 4) + (4 << 20) };
	ck_assert_int_eq(vmm_ram_init(&display->ram, &ram), 0);
	const struct vmm_device_options options = { 0 };
	ck_assert_int_eq(
		vmm_device_connect(&display->device, &display->ram, config->gpu.socket, &options),
		0);
	ck_assert_int_eq(vmm_device_start(&display->device), 0);
	vmm_gpu_init(&display->gpu, &display->device);

	display->memory = vmm_ram_alloc(&display->ram, (size_t)width * height * 4, 4096);
	ck_assert_uint_ne(display->memory, 0);
	const struct virtio_gpu_entry entry = {
		.address = display->memory,
		.len = width * height * 4,
	};
	ck_assert_uint_eq(vmm_gpu_create_2d(&display->gpu, RESOURCE, VMM_GPU_BGRX, width, height),
		VIRTIO_GPU_RESP_OK_NODATA);
	ck_assert_uint_eq(
		vmm_gpu_attach(&display->gpu, RESOURCE, &entry, 1), VIRTIO_GPU_RESP_OK_NODATA);
	ck_assert_uint_eq(vmm_gpu_set_scanout(&display->gpu, 0, RESOURCE, 0, 0, width, height),
		VIRTIO_GPU_RESP_OK_NODATA);
}

void guest_display_stop(struct guest_display *display) {
	vmm_device_close(&display->device);
	vmm_ram_finish(&display->ram);
}

uint32_t guest_pixel(uint32_t seed, uint32_t x, uint32_t y) {
	/* each coordinate has a colour of its own, so that a shift of one pixel is seen */
	uint32_t red = (x * 3 + seed * 41) & 0xff;
	uint32_t green = (y * 5 + seed * 17) & 0xff;
	uint32_t blue = (x + y * 7 + seed) & 0xff;
	return 0xff000000 | red << 16 | green << 8 | blue;
}

void guest_display_show_part(
	struct guest_display *display, uint32_t seed, const struct rect *part) {
	uint32_t *pixels = vmm_ram_at(&display->ram, display->memory,
		(size_t)display->width * display->height * sizeof(uint32_t));
	uint32_t left = (uint32_t)part->x, top = (uint32_t)part->y;
	for (uint32_t y = top; y < top + part->height; y++) {
		for (uint32_t x = left; x < left + part->width; x++) {
			pixels[(size_t)y * display->width + x] = guest_pixel(seed, x, y);
		}
	}
	uint64_t offset = ((uint64_t)top * display->width + left) * 4;
	ck_assert_uint_eq(vmm_gpu_transfer(&display->gpu, RESOURCE, left, top, part->width,
				  part->height, offset),
		VIRTIO_GPU_RESP_OK_NODATA);
	ck_assert_uint_eq(
		vmm_gpu_flush(&display->gpu, RESOURCE, left, top, part->width, part->height),
		VIRTIO_GPU_RESP_OK_NODATA);
}

void guest_display_show(struct guest_display *display, uint32_t seed) {
	const struct rect whole = { 0, 0, display->width, display->height };
	guest_display_show_part(display, seed, &whole);
}

void guest_display_sync(struct guest_display *display) {
	/* twice: the first may have been read in a round of the loop that began before the tick */
	for (unsigned i = 0; i < 2; i++) {
		const struct vmm_gpu_command command =
			vmm_gpu_encode(&display->gpu, VIRTIO_GPU_CMD_GET_DISPLAY_INFO);
		ck_assert_uint_eq(
			vmm_gpu_command(&display->gpu, &command), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	}
}

/* ---- sound ---- */

int16_t guest_sample(int16_t seed, uint64_t frame) {
	/* a saw of an odd length: no two neighbouring frames alike, nothing near full scale */
	return (int16_t)((int64_t)(frame * 37 % 4001) - 2000 + seed);
}

static void send_period(struct guest_player *player) {
	int16_t pcm[GUEST_PERIOD_FRAMES * 2];
	for (unsigned i = 0; i < GUEST_PERIOD_FRAMES; i++) {
		pcm[2 * i] = pcm[2 * i + 1] =
			guest_sample(player->seed, player->sent * GUEST_PERIOD_FRAMES + i);
	}
	ck_assert_int_eq(vmm_snd_send(&player->snd, 0, pcm, sizeof(pcm), player->sent), 0);
	player->sent++;
}

void guest_player_start(struct guest_player *player, const struct service *service,
	const char *guest, int16_t seed) {
	const struct config_guest *config = find_guest(service, guest);
	*player = (struct guest_player) { .seed = seed };
	const struct vmm_ram_options ram = { .bytes = 4 << 20 };
	ck_assert_int_eq(vmm_ram_init(&player->ram, &ram), 0);
	const struct vmm_device_options options = { .queue_size = 64 };
	ck_assert_int_eq(vmm_snd_connect(&player->snd, &player->ram, config->sound.socket, options,
				 GUEST_PERIOD_FRAMES * 4),
		0);
	ck_assert_int_eq(vmm_device_start(&player->snd.device), 0);
	/* format 5: S16, rate 7: 48000 (virtio 1.3, 5.14.6.6.1) */
	const struct vmm_snd_params params = {
		.buffer_bytes = GUEST_PERIOD_FRAMES * 4 * QUEUED_PERIODS,
		.period_bytes = GUEST_PERIOD_FRAMES * 4,
		.channels = 2,
		.format = 5,
		.rate = 7,
	};
	ck_assert_uint_eq(vmm_snd_set_params(&player->snd, 0, &params), VMM_SND_OK);
	ck_assert_uint_eq(vmm_snd_command(&player->snd, VMM_SND_PREPARE, 0), VMM_SND_OK);
	/* as a driver does: something to play first, then START */
	while (player->sent < QUEUED_PERIODS) {
		send_period(player);
	}
	ck_assert_uint_eq(vmm_snd_command(&player->snd, VMM_SND_START, 0), VMM_SND_OK);
}

void guest_player_stop(struct guest_player *player) {
	vmm_snd_close(&player->snd);
	vmm_ram_finish(&player->ram);
}

/* Whether anything happened. */
static bool feed(struct guest_player *player) {
	struct vmm_snd_done done;
	bool taken = false;
	while (vmm_snd_take(&player->snd, &done)) {
		ck_assert_uint_eq(done.status, VMM_SND_OK);
		ck_assert_uint_eq(done.cookie, player->done);
		player->done++;
		taken = true;
	}
	while (player->sent - player->done < QUEUED_PERIODS) {
		send_period(player);
	}
	return taken;
}

void guest_players_play(struct guest_player *const *players, unsigned len, uint64_t periods) {
	uint64_t ends[8];
	ck_assert_uint_le(len, ARRAY_LEN(ends));
	for (unsigned i = 0; i < len; i++) {
		ends[i] = players[i]->done + periods;
	}
	unsigned idle_ms = 0;
	for (unsigned ready = 0; ready < len;) {
		bool taken = false;
		ready = 0;
		for (unsigned i = 0; i < len; i++) {
			taken = feed(players[i]) || taken;
			ready += players[i]->done >= ends[i];
		}
		if (!taken) {
			usleep(1000);
		}
		idle_ms = taken ? 0 : idle_ms + 1;
		ck_assert_msg(idle_ms < SERVICE_WAIT_MS, "no period is completed");
	}
}

void guest_player_play(struct guest_player *player, uint64_t periods) {
	guest_players_play(&player, 1, periods);
}
