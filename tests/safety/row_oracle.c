#include "tests/safety/row_oracle.h"

#include "core/clock.h"
#include "core/macros.h"

#define HELD_NS (83 * NS_PER_MS) /* hold_ms, and the phase of two clocks */

bool sight_is_fallback(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return sight->cluster == SIGHT_FALLBACK && sight->wrong == 0;
}

bool sight_is_fallback_alone(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return sight_is_fallback(cockpit, shot, sight) && sight->other == SIGHT_GUEST;
}

bool sight_is_right(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return (sight->cluster == SIGHT_GUEST || sight->cluster == SIGHT_FALLBACK) &&
		sight->wrong == 0;
}

bool sight_is_placeholder(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return sight->other == SIGHT_PLACEHOLDER && sight->cluster == SIGHT_GUEST &&
		sight->wrong == 0;
}

bool sight_is_disturbed(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return sight->cluster != SIGHT_GUEST || sight->wrong != 0;
}

bool sight_is_torn(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return sight->cluster == SIGHT_TORN || sight->wrong != 0;
}

bool sight_is_old(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	struct sight before;
	uint64_t len = observer_len(&cockpit->observer);
	uint32_t newest = 0;
	for (uint64_t i = shot->first_sight > 0 ? shot->first_sight - 1 : 0; i < len; i++) {
		if (!observer_get(&cockpit->observer, i, &before) ||
			before.number >= sight->number) {
			break;
		}
		if (before.cluster == SIGHT_GUEST) {
			newest = MAX(newest, before.counter);
		}
	}
	return sight->wrong != 0 || (sight->cluster == SIGHT_GUEST && sight->counter < newest);
}

bool sight_is_leftover(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return sight->cluster == SIGHT_OTHER || sight->cluster == SIGHT_BLACK || sight->wrong != 0;
}

bool sight_has_all_lit(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	for (uint32_t i = 0; i < cockpit->atlas.elements_len && i < 64; i++) {
		const struct atlas_element *element = &cockpit->atlas.elements[i];
		if (element->safety && element->kind == ATLAS_LAMP &&
			(sight->lit & UINT64_C(1) << i) == 0) {
			return false;
		}
	}
	return true;
}

bool sight_is_dark(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return (sight->wrong & ~sight->lit) != 0;
}

bool sight_is_wrong_and_not_black(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return sight->wrong != 0 && sight->cluster != SIGHT_BLACK;
}

bool sight_is_wrong_but_chiming(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	uint32_t index = 0;
	struct rect place;
	bool has_lamp = cockpit_element(cockpit, ROW_LAMP_CHIMES, &index, &place);
	return (sight->wrong & ~((uint64_t)has_lamp << index)) != 0;
}

bool sight_is_not_held(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	bool may_be_gone = sight->shown_ns >= shot->fault_ns + HELD_NS;
	bool is_there = sight->cluster == SIGHT_GUEST ||
		(sight->cluster == SIGHT_FALLBACK && (may_be_gone || !cockpit->options.is_real));
	return !is_there || sight->wrong != 0;
}

bool sight_is_black(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight) {
	return sight->cluster == SIGHT_BLACK;
}
