/*
 * Signals: what the vehicle says that the cluster has to show, on a protected way of their own.
 *
 * One source sends struct signal_message as datagrams to the unix socket RUNTIME_DIR/signals at a
 * steady cycle, whether or not anything changed. Protection is end-to-end (in the manner of E2E
 * profiles): magic and version, the source's number, a counter that goes up by one, a CRC-32 over all
 * of it, and a time-out. A message that fails any of these is dropped and counted; when no good one came
 * for the time-out (two cycles, as configured), the values are not believed: every safety telltale is
 * shown, every reading is unknown.
 *
 * Thread: any; pure functions and plain storage.
 */
#ifndef CORE_SIGNALS_H
#define CORE_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGNAL_MAGIC 0x4c4e4753u /* "SGNL" */
#define SIGNAL_VERSION 1
#define SIGNAL_VALUES 64
#define SIGNAL_UNKNOWN INT32_MIN
#define SIGNAL_NONE UINT32_MAX
#define SIGNAL_COUNTER_GAP_MAX 2 /* up to this many messages in a row may be lost */

/* Numbers are part of the wire form: add at the end of a group only. */
enum signal_id {
	SIGNAL_SPEED,       /* 0.1 km/h, 0..4000 */
	SIGNAL_REVS,        /* 1/min, 0..12000 */
	SIGNAL_GEAR,        /* choice P R N D */
	SIGNAL_ODOMETER,    /* km, 0..999999 */
	SIGNAL_TRIP,        /* 0.1 km, 0..99999 */
	SIGNAL_FUEL,        /* per mille of a full tank, 0..1000; written in %: fuel=62.5 */
	SIGNAL_COOLANT,     /* degrees Celsius, -40..150 */
	SIGNAL_OUTSIDE,     /* 0.1 degrees Celsius, -600..600 */
	SIGNAL_THEME,       /* choice day night */
	SIGNAL_LOCALE,      /* choice en de */
	SIGNAL_CAMERA,      /* 1: the rear view is to be shown */
	SIGNAL_TELLTALES = 16, /* the first telltale; each is 0 or 1 */
	SIGNAL_TURN_LEFT = SIGNAL_TELLTALES,
	SIGNAL_TURN_RIGHT,
	SIGNAL_MAIN_BEAM,
	SIGNAL_LOW_BEAM,
	SIGNAL_POSITION_LAMPS,
	SIGNAL_FRONT_FOG,
	SIGNAL_REAR_FOG,
	SIGNAL_BRAKE,
	SIGNAL_PARKING_BRAKE,
	SIGNAL_ABS,
	SIGNAL_STABILITY,
	SIGNAL_AIRBAG,
	SIGNAL_SEAT_BELT,
	SIGNAL_OIL_PRESSURE,
	SIGNAL_BATTERY,
	SIGNAL_COOLANT_HOT,
	SIGNAL_ENGINE,
	SIGNAL_TYRE_PRESSURE,
	SIGNAL_DOOR,
	SIGNAL_LOW_FUEL,
	SIGNAL_CRUISE,
	SIGNAL_LANE,
	SIGNAL_STEERING,
	SIGNAL_MASTER_WARNING,
	SIGNAL_TELLTALES_END,
};

struct signal_info {
	const char *name;    /* "turn-left"; NULL: no such signal */
	const char *unit;    /* "" or "km/h", of the number as it is written: for people */
	int32_t least, most;
	uint32_t decimals;   /* written with this many, 0 or 1: speed=47.5 */
	const char *choices; /* "P|R|N|D" from 0 on; "off|on" of telltales; NULL: a number */
};

/* NULL: no such signal. */
const struct signal_info *signal_info(uint32_t id);
/* SIGNAL_NONE: no such name. */
uint32_t signal_from_name(const char *name);
/* "47.5", "D", "on", "off" (or "1", "0"), "-" (unknown) to a value in range. False: it is none. */
bool signal_parse(uint32_t id, const char *text, int32_t *value);
/* The reverse; at most `len` bytes with the NUL. */
void signal_format(uint32_t id, int32_t value, char *text, size_t len);

struct signal_message {
	uint32_t magic, version;
	uint32_t source;  /* a random number of the sender's, not 0 */
	uint32_t counter; /* + 1 with each message, wraps */
	int32_t values[SIGNAL_VALUES]; /* SIGNAL_UNKNOWN where the sender knows nothing */
	uint32_t crc32;   /* of all before */
};

/* Of a sender that knows nothing yet: readings unknown, telltales off. `source` is not 0. */
void signal_message_init(struct signal_message *message, uint32_t source);
/* Stamps magic, version and CRC. */
void signal_message_seal(struct signal_message *message);

enum signal_verdict {
	SIGNAL_GOOD,
	SIGNAL_MALFORMED, /* size, magic, version, source 0, CRC, or a value out of range */
	SIGNAL_REPEATED,  /* the counter did not go on, or went back */
	SIGNAL_LOST,      /* it went on by more than the gap: taken, and counted */
	SIGNAL_INTRUDER,  /* another source while the present one is in time */
	SIGNAL_VERDICTS,
};
#define SIGNAL_VERDICT_NAMES "good|malformed|repeated|lost|intruder"

/* The receiver's memory of its source. Zeroed: none yet. Times in ticks or ns, as the owner likes. */
struct signal_receiver {
	uint64_t timeout; /* the last good message is believed for so long, its end included */
	uint64_t last_good;
	bool has_values; /* a good message came, and it is in time */
	uint32_t source, counter;
	int32_t values[SIGNAL_VALUES];
	uint64_t verdicts[SIGNAL_VERDICTS];
};

void signal_receiver_init(struct signal_receiver *receiver, uint64_t timeout);
/* `bytes` as received. A message that is SIGNAL_GOOD or SIGNAL_LOST is taken. Values of signals that
 * this version does not know are SIGNAL_UNKNOWN afterwards. */
enum signal_verdict signal_receiver_take(
	struct signal_receiver *receiver, const void *bytes, size_t len, uint64_t now);
/* To be called once a tick: has_values ends when the time-out passed, and all values become
 * SIGNAL_UNKNOWN. Returns has_values. */
bool signal_receiver_check(struct signal_receiver *receiver, uint64_t now);

#endif
