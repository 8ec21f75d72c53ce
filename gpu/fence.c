#include "gpu/fence.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

int fence_queue_init(struct fence_queue *queue) {
	*queue = (struct fence_queue) {
		.fences = calloc(VIRTQUEUE_SIZE_MAX, sizeof(queue->fences[0])),
	};
	return queue->fences != NULL ? 0 : -ENOMEM;
}

void fence_queue_finish(struct fence_queue *queue) {
	free(queue->fences);
	*queue = (struct fence_queue) { 0 };
}

void fence_queue_add(struct fence_queue *queue, const struct fence *fence) {
	assert(queue->len < VIRTQUEUE_SIZE_MAX);
	queue->fences[(queue->first + queue->len) % VIRTQUEUE_SIZE_MAX] = *fence;
	queue->len++;
}

struct fence *fence_queue_first(const struct fence_queue *queue) {
	return queue->len > 0 ? &queue->fences[queue->first] : NULL;
}

void fence_queue_drop_first(struct fence_queue *queue) {
	assert(queue->len > 0);
	queue->first = (queue->first + 1) % VIRTQUEUE_SIZE_MAX;
	queue->len--;
}
