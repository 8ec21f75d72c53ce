/*
 * What the rows of the failure table (row.h) call a right picture, and one that must never be seen: of the
 * pixels that the observer saw, and of nothing else.
 *
 * Thread: the cockpit's. Pure functions of what was seen.
 */
#ifndef TESTS_SAFETY_ROW_ORACLE_H
#define TESTS_SAFETY_ROW_ORACLE_H

#include "tests/safety/row.h"

/* ---- right ---- */

/* The fallback HMI is in the cluster's place, every element right. */
bool sight_is_fallback(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);

/* And the other guest does not notice. */
bool sight_is_fallback_alone(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);

/* The cluster or the fallback, every element right. */
bool sight_is_right(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);

/* The other guest's layer is a placeholder, and the cluster does not notice. */
bool sight_is_placeholder(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);

/* Every safety telltale is lit. */
bool sight_has_all_lit(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);

/* The safe state. */
bool sight_is_black(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);

/* ---- never to be seen ---- */

/* The cluster noticed. */
bool sight_is_disturbed(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);

/* Parts of two pictures, or a wrong element. */
bool sight_is_torn(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);

/* The tag went back: an old picture is shown; or a wrong element. */
bool sight_is_old(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);

/* Something that is nobody's, or a wrong element; when the guest's picture goes is for the bound to say. */
bool sight_is_leftover(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);

/* A telltale that is requested is not lit, or an element shows none of its pictures; one that is lit without
 * a request is how signals that are not believed look. */
bool sight_is_dark(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);

/* A wrong element, in a picture that is not the safe state. */
bool sight_is_wrong_and_not_black(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);

/* A wrong element, but the one that is being requested. */
bool sight_is_wrong_but_chiming(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);

/* Neither the guest's picture nor, once hold_ms are over, the fallback. Steps have no time. */
bool sight_is_not_held(
	const struct cockpit *cockpit, const struct shot *shot, const struct sight *sight);

#endif
