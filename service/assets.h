/*
 * Assets: everything the host draws itself, drawn before start and put into one sealed atlas
 * (core/atlas.h): the HMI of each output, placeholders, configured pictures.
 *
 * Thread: any.
 */
#ifndef SERVICE_ASSETS_H
#define SERVICE_ASSETS_H

#include <stdio.h>

#include "core/config.h"
#include "service/config_compile.h"

/* The atlas of this configuration as a write-sealed memfd; a descriptor, or -errno after writing to
 * `errors` what could not be read or drawn. */
int assets_create_atlas(
	const struct config *config, const struct config_pictures *pictures, FILE *errors);

/* The atlas of one HMI file (fascia.hmi.yaml(5)) at 0,0 of an output, as a write-sealed memfd. As
 * above. */
int assets_build(const char *path, const char *output, double scale, FILE *errors);

#endif
