/*
 * The report on an atlas, to look at: DIR/index.html with pictures of the whole HMI in each theme and
 * locale, and of each element in each state, with sizes, places and checksums.
 *
 * Thread: any.
 */
#ifndef SERVICE_ASSETS_REPORT_H
#define SERVICE_ASSETS_REPORT_H

#include "core/atlas.h"

/* Of the elements of one output. DIR is made where there is none. 0 or -errno. */
int assets_report(const struct atlas *atlas, const char *output, const char *dir);

#endif
