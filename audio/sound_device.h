/*
 * The VIRTIO sound device of one guest (virtio 1.3/1.4, 5.14): one session, one sample link.
 *
 * Offers 1..8 output streams, each a PCM device of its own (hda_fn_nid), with every format and rate
 * the endpoint converts and a stereo channel map; no jacks, no control elements, no input streams. The
 * minima it offers (8 bit, mono, 5512 Hz) are what lets Linux choose periods far below 10 ms.
 *
 * One thread does control requests and PCM: every step is bounded and none waits, so a request
 * costs microseconds between two quanta, and a second thread would only add a lock around guest
 * memory and the queues. (Design 7 speaks of an ingest thread; this loop is it.)
 *
 * Thread: the loop's.
 */
#ifndef AUDIO_SOUND_DEVICE_H
#define AUDIO_SOUND_DEVICE_H

#include <stdint.h>

#include "core/link.h"
#include "core/loop.h"
#include "core/stats.h"

struct sound_device_options {
	struct loop *loop;
	struct link *link;       /* producer side, borrowed */
	struct stats *stats;
	uint32_t streams;        /* 1..SAMPLE_LINK_STREAMS */
	uint32_t rate;           /* of the mix */
	uint32_t quantum_frames;
	uint64_t (*now_ns)(void); /* the clock of the link's quantum_ns */
	void (*handle_end)(void *data, int error); /* the session is over; may destroy the device */
	void *data;
};

struct sound_device;

/* Takes over `socket`, on error too. NULL with errno. */
struct sound_device *sound_device_create(const struct sound_device_options *options, int socket);
void sound_device_destroy(struct sound_device *device); /* NULL is legal */

#endif
