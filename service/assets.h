/*
 * Assets: everything the host draws itself, drawn before start and put into one sealed atlas
 * (core/atlas.h): the fallback HMI of each output, placeholders, configured pictures.
 *
 * Thread: any.
 */
#ifndef SERVICE_ASSETS_H
#define SERVICE_ASSETS_H

#include <stdio.h>

#include "core/config.h"
#include "service/config_compile.h"

/* The atlas of this configuration as a write-sealed memfd; a descriptor, or -errno after writing to
 * `errors` what could not be read. */
int assets_create_atlas(
	const struct config *config, const struct config_pictures *pictures, FILE *errors);

#endif
