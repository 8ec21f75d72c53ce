/*
 * Small helpers every file may use. No types, no state.
 */
#ifndef CORE_MACROS_H
#define CORE_MACROS_H

#include <stddef.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The object that embeds `member` at `ptr`. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/*
 * Each argument is evaluated once: it may be a number that another process is changing. Both are
 * converted to their common type, as in a comparison.
 */
#define MIN(a, b)                                                                                  \
	__extension__({                                                                            \
		__typeof__(1 ? (a) : (b)) min_a = (a);                                             \
		__typeof__(1 ? (a) : (b)) min_b = (b);                                             \
		min_a < min_b ? min_a : min_b;                                                     \
	})
#define MAX(a, b)                                                                                  \
	__extension__({                                                                            \
		__typeof__(1 ? (a) : (b)) max_a = (a);                                             \
		__typeof__(1 ? (a) : (b)) max_b = (b);                                             \
		max_a > max_b ? max_a : max_b;                                                     \
	})

#define PRINTF_LIKE(string, first) __attribute__((__format__(__printf__, string, first)))

#endif
