#include "display/output.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "core/config.h"
#include "core/macros.h"
#include "display/output_impl.h"

/* by enum config_output_kind */
static const struct output_impl *const kinds[] = {
	[CONFIG_OUTPUT_MEMORY] = &output_memory_impl,
};

void output_init(
	struct output *output, const struct output_impl *impl, uint32_t width, uint32_t height) {
	assert(impl->name != NULL && impl->destroy != NULL && impl->begin != NULL);
	assert(impl->show != NULL && impl->status != NULL && impl->shown != NULL);
	assert(impl->reset != NULL && impl->tick != NULL);
	*output = (struct output) { .impl = impl, .width = width, .height = height };
}

struct output *output_create(uint32_t kind, int fd, uint32_t width, uint32_t height) {
	if (kind >= ARRAY_LEN(kinds)) {
		errno = ENOTSUP;
		return NULL;
	}
	return kinds[kind]->create(fd, width, height);
}

void output_destroy(struct output *output) {
	if (output != NULL) {
		output->impl->destroy(output);
	}
}

void output_begin(struct output *output, struct output_picture *picture) {
	output->impl->begin(output, picture);
	assert(picture->age <= OUTPUT_AGE_MAX);
}

int output_show(struct output *output, uint64_t now_ns) {
	return output->impl->show(output, now_ns);
}

void output_status(struct output *output, struct output_status *status) {
	output->impl->status(output, status);
	assert(status->completed <= status->committed);
}

const uint32_t *output_shown(struct output *output, uint64_t *id, uint32_t *stride) {
	return output->impl->shown(output, id, stride);
}

int output_reset(struct output *output) {
	return output->impl->reset(output);
}

void output_tick(struct output *output, uint64_t due_ns, uint64_t done_ns) {
	output->impl->tick(output, due_ns, done_ns);
}
