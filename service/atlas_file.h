/*
 * Atlases as files: what `fascia assets build` writes.
 *
 * Thread: any.
 */
#ifndef SERVICE_ATLAS_FILE_H
#define SERVICE_ATLAS_FILE_H

#include <stdio.h>

#include "core/atlas.h"

struct atlas_file;

/* Opens and checks a file. NULL after writing to `errors` what is wrong. */
struct atlas_file *atlas_file_open(const char *path, FILE *errors);
void atlas_file_close(struct atlas_file *file); /* NULL is legal */

const struct atlas *atlas_file_atlas(const struct atlas_file *file);
/* What the first ground covers; empty: there is none. */
struct rect atlas_file_ground(const struct atlas_file *file);

/* Writes what the descriptor holds to `path`, which appears whole or not at all. 0 or -errno. */
int atlas_file_write(int fd, const char *path);

#endif
