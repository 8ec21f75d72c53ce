/*
 * Symbols: SVG files, drawn at the size they are needed.
 *
 * Thread: any, one at a time.
 */
#ifndef SERVICE_SYMBOL_H
#define SERVICE_SYMBOL_H

#include <stdint.h>

struct symbol;

/* NULL with errno; EINVAL: no SVG. */
struct symbol *symbol_create(const char *path);
void symbol_destroy(struct symbol *symbol); /* NULL is legal */

/* The symbol, as large as fits into width x height pixels, in their middle: premultiplied BGRA, rows
 * of width * 4 bytes. The symbol's; valid until the next call of its functions. NULL with errno. */
const uint32_t *symbol_draw(struct symbol *symbol, uint32_t width, uint32_t height);

#endif
