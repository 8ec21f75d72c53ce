#include "audio/null_consumer.h"

#include <errno.h>
#include <sys/epoll.h>

static void handle_tick(void *data, uint32_t events) {
	struct null_consumer *consumer = data;
	cycle_run(&consumer->cycle);
}

int null_consumer_init(struct null_consumer *consumer, struct loop *loop, int fds[LINK_FDS],
	uint32_t rate, uint32_t quantum_frames, struct stats *stats) {
	static const float unity[SAMPLE_LINK_STREAMS] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	*consumer = (struct null_consumer) { 0 };
	int error = sample_link_init(&consumer->link, LINK_CONSUMER, fds);
	if (error < 0) {
		return error;
	}
	mixer_init(&consumer->mixer, rate, quantum_frames);
	mixer_add(&consumer->mixer, 0, &consumer->link, unity);
	consumer->sink = sink_null_create(&(struct sink_options) {
		.rate = rate, .quantum_frames = quantum_frames, .step_fd = -1, .memory_fd = -1 });
	if (consumer->sink == NULL) {
		error = -errno;
		sample_link_finish(&consumer->link);
		return error;
	}
	cycle_init(&consumer->cycle, &consumer->mixer, NULL, consumer->sink, stats);
	consumer->source = loop_add(loop, sink_fd(consumer->sink), EPOLLIN, handle_tick, consumer);
	if (consumer->source == NULL) {
		error = -errno;
		null_consumer_finish(consumer);
		return error;
	}
	sink_start(consumer->sink);
	return 0;
}

void null_consumer_finish(struct null_consumer *consumer) {
	if (consumer->sink != NULL) {
		loop_remove(&consumer->source);
		sink_destroy(consumer->sink);
		consumer->sink = NULL;
		sample_link_finish(&consumer->link);
	}
}
