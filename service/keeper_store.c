#include "service/keeper_store.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "audio/mixer/sink_memory.h"
#include "core/fd.h"
#include "core/frame_link.h"
#include "core/log.h"
#include "core/sample_link.h"
#include "display/output_memory.h"

static void clear(struct store *store) {
	*store = (struct store) { .config_fd = -1, .atlas_fd = -1, .chimes_fd = -1, .sink = -1 };
	safety_store_clear(&store->safety);
	for (unsigned i = 0; i < CONFIG_OUTPUTS_MAX; i++) {
		store->output[i] = store->step[i] = -1;
	}
	for (unsigned i = 0; i < CONFIG_GUESTS_MAX; i++) {
		struct store_guest *guest = &store->guests[i];
		guest->gpu_listener = guest->sound_listener = guest->channel_listener = -1;
		for (unsigned fd = 0; fd < LINK_FDS; fd++) {
			guest->frame_link[fd] = guest->sample_link[fd] = -1;
		}
	}
}

static int init_output(struct store *store, unsigned index) {
	const struct config_output *output = &store->config->outputs[index];
	store->output[index] = output_memory_create_fd(output->name, output->width, output->height);
	if (store->output[index] < 0) {
		log_error("output %s: no memory of %ux%u: %s", output->name, output->width,
			output->height, strerror(-store->output[index]));
		return store->output[index];
	}
	if (output->clock == TICKER_STEP) {
		store->step[index] = fd_eventfd_create(true);
		return store->step[index] < 0 ? store->step[index] : 0;
	}
	return 0;
}

static int listen_at(const char *path, int *listener) {
	*listener = fd_listen_unix(path, SOCK_STREAM);
	if (*listener == -EADDRINUSE) {
		log_error(
			"%s: somebody else listens there; end that, or give another socket", path);
	} else if (*listener < 0) {
		log_error("%s: %s", path, strerror(-*listener));
	}
	return *listener < 0 ? *listener : 0;
}

static int init_gpu(struct store_guest *guest, const struct config_guest *config) {
	if (!config->gpu.enabled) {
		return 0;
	}
	int error = frame_link_create_fds(
		config->name, config->gpu.budget.pool_bytes, guest->frame_link);
	if (error != 0) {
		log_error("guest %s: no frame pool of %llu bytes: %s", config->name,
			(unsigned long long)config->gpu.budget.pool_bytes, strerror(-error));
		return error;
	}
	return listen_at(config->gpu.socket, &guest->gpu_listener);
}

static int init_sound(struct store_guest *guest, const struct config_guest *config) {
	if (!config->sound.enabled) {
		return 0;
	}
	int error = sample_link_create_fds(config->name, guest->sample_link);
	if (error != 0) {
		log_error("guest %s: no sample pool: %s", config->name, strerror(-error));
		return error;
	}
	return listen_at(config->sound.socket, &guest->sound_listener);
}

static int init_guest(struct store_guest *guest, const struct config_guest *config) {
	int error = init_gpu(guest, config);
	if (error == 0) {
		error = init_sound(guest, config);
	}
	if (error == 0 && config->channel.enabled) {
		error = listen_at(config->channel.socket, &guest->channel_listener);
	}
	return error;
}

static int init_all(struct store *store) {
	const struct config *config = store->config;
	int error = safety_store_init(&store->safety, config);
	for (unsigned i = 0; error == 0 && i < config->outputs_len; i++) {
		error = init_output(store, i);
	}
	if (error == 0 && config->mixer.sink == CONFIG_SINK_MEMORY) {
		store->sink = sink_memory_create_fd("sink", config->mixer.rate);
		error = store->sink < 0 ? store->sink : 0;
	}
	for (unsigned i = 0; error == 0 && i < config->guests_len; i++) {
		error = init_guest(&store->guests[i], &config->guests[i]);
	}
	return error;
}

int store_init(struct store *store, const struct store_given *given) {
	clear(store);
	store->config_fd = given->config_fd;
	store->atlas_fd = given->atlas_fd;
	store->chimes_fd = given->chimes_fd;
	store->config = config_map(given->config_fd);
	int error = store->config == NULL ? -errno : init_all(store);
	if (error != 0) {
		store_finish(store);
	}
	return error;
}

static void finish_listener(int *listener, const char *path) {
	if (*listener >= 0) {
		(void)unlink(path);
		fd_close(listener);
	}
}

static void finish_link(int fds[LINK_FDS]) {
	for (unsigned i = 0; i < LINK_FDS; i++) {
		fd_close(&fds[i]);
	}
}

void store_finish(struct store *store) {
	for (unsigned i = 0; i < CONFIG_OUTPUTS_MAX; i++) {
		fd_close(&store->output[i]);
		fd_close(&store->step[i]);
	}
	for (unsigned i = 0; store->config != NULL && i < store->config->guests_len; i++) {
		struct store_guest *guest = &store->guests[i];
		finish_listener(&guest->gpu_listener, store->config->guests[i].gpu.socket);
		finish_listener(&guest->sound_listener, store->config->guests[i].sound.socket);
		finish_listener(&guest->channel_listener, store->config->guests[i].channel.socket);
		finish_link(guest->frame_link);
		finish_link(guest->sample_link);
	}
	fd_close(&store->sink);
	if (store->config != NULL) {
		safety_store_finish(&store->safety, store->config);
		config_unmap(store->config);
	}
	fd_close(&store->config_fd);
	fd_close(&store->atlas_fd);
	fd_close(&store->chimes_fd);
	clear(store);
}
