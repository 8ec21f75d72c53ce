/*
 * What a configuration says about elements of its HMI, which is known only once the atlas is built.
 *
 * Thread: any.
 */
#ifndef SERVICE_CONFIG_ELEMENTS_H
#define SERVICE_CONFIG_ELEMENTS_H

#include <stdbool.h>
#include <stdio.h>

#include "core/atlas.h"
#include "core/config.h"

/* Whether there is anything to be checked. */
bool config_names_elements(const struct config *config);

/* False after complaining to `errors`, with the lines of the file at `path` that the configuration was
 * compiled from. */
bool config_check_elements(
	const char *path, const struct config *config, const struct atlas *atlas, FILE *errors);

/* The same with the sealed atlas (borrowed). 0, -EINVAL after complaining, or -errno. */
int config_check_atlas(const char *path, const struct config *config, int atlas_fd, FILE *errors);

#endif
