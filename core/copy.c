#include "core/copy.h"

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__

#include <emmintrin.h>

#define LINE_BYTES 64
#define AHEAD_BYTES 2048 /* a fetch takes about as long as copying this much */

static void stream_line(uint8_t *to, const uint8_t *from) {
	__m128i a = _mm_loadu_si128((const __m128i *)(const void *)from);
	__m128i b = _mm_loadu_si128((const __m128i *)(const void *)(from + 16));
	__m128i c = _mm_loadu_si128((const __m128i *)(const void *)(from + 32));
	__m128i d = _mm_loadu_si128((const __m128i *)(const void *)(from + 48));
	_mm_stream_si128((__m128i *)(void *)to, a);
	_mm_stream_si128((__m128i *)(void *)(to + 16), b);
	_mm_stream_si128((__m128i *)(void *)(to + 32), c);
	_mm_stream_si128((__m128i *)(void *)(to + 48), d);
}

void copy_stream(void *to, const void *from, size_t len) {
	uint8_t *out = to;
	const uint8_t *in = from;
	size_t head = -(uintptr_t)out % LINE_BYTES;
	if (len < head + LINE_BYTES) {
		memcpy(out, in, len);
		return;
	}
	memcpy(out, in, head);
	size_t i = head;
	for (; i + LINE_BYTES <= len; i += LINE_BYTES) {
		/* past the end it is a hint that comes to nothing */
		_mm_prefetch((const char *)in + i + AHEAD_BYTES, _MM_HINT_T0);
		stream_line(out + i, in + i);
	}
	memcpy(out + i, in + i, len - i);
}

void copy_stream_end(void) {
	_mm_sfence();
}

#else

void copy_stream(void *to, const void *from, size_t len) {
	memcpy(to, from, len);
}

void copy_stream_end(void) {
}

#endif
