/*
 * The configuration compiler: a YAML file becomes the one struct that every process reads. Keys,
 * values and defaults: fascia.yaml(5).
 *
 * Thread: any.
 */
#ifndef SERVICE_CONFIG_COMPILE_H
#define SERVICE_CONFIG_COMPILE_H

#include <stdbool.h>
#include <stdio.h>

#include "core/config.h"

/* Files that the atlas is made of, as paths that can be opened from here. All owned. */
struct config_pictures {
	char *paths[CONFIG_LAYERS_MAX]; /* of the layers; NULL: not a picture */
	char *hmis
		[CONFIG_OUTPUTS_MAX]; /* of the outputs, an HMI as .yaml or compiled as .atlas; NULL: the
	                                 * one that is built in */
};

/*
 * Compiles `path`. `runtime` overrides where the sockets live (NULL: FASCIA_RUNTIME, the file's own,
 * or the default). False after writing all complaints to `errors`, each with FILE:LINE and what is
 * allowed; then there is nothing to finish.
 */
bool config_compile(const char *path, const char *runtime, struct config *config,
	struct config_pictures *pictures, FILE *errors);
void config_pictures_finish(struct config_pictures *pictures);

/*
 * The default size of a guest's frame pool: CONFIG_POOL_BUFFERS whole pictures of each of its
 * scanouts. A guest that flips pages shows two or three resources in turn, each with one buffer and
 * lazily up to three; so this serves every scanout at full rate with some to spare. At least
 * CONFIG_POOL_BYTES_MIN, rounded up to 1 MiB.
 */
#define CONFIG_POOL_BUFFERS 8
#define CONFIG_POOL_BYTES_MIN (UINT64_C(16) << 20)
uint64_t config_pool_bytes(const struct config_gpu *gpu);

#endif
