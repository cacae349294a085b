// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "daemon/alarm_watch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "maps/settings_map.h"
#include "show/alarms.h"
#include "tell/journal.h"

static const char *text_of(const json_t *problem, const char *key)
{
	return json_string_value(json_object_get(problem, key));
}

/* Is an alarm of this kind, about this thing, among these? */
static bool is_among(const json_t *problems, const json_t *one)
{
	const json_t *p;
	size_t i;

	json_array_foreach(problems, i, p)
		if (!strcmp(text_of(p, "check"), text_of(one, "check")) &&
		    !strcmp(text_of(p, "object"), text_of(one, "object")))
			return true;
	return false;
}

static void tell(const json_t *before, const json_t *now)
{
	const json_t *p;
	size_t i;

	json_array_foreach(now, i, p)
		if (!is_among(before, p))
			journal_note(MESSAGE_ALARM, "%s: %s; %s",
				     text_of(p, "object"),
				     text_of(p, "problem"),
				     text_of(p, "remedy"));
	json_array_foreach(before, i, p)
		if (!is_among(now, p))
			journal_note(MESSAGE_ALARM_ENDED,
				     "%s: this is over: %s",
				     text_of(p, "object"),
				     text_of(p, "problem"));
}

void alarm_watch(struct pins *p, const struct config *config,
		 struct alarm_watch *w)
{
	struct daemon_info *info = malloc(sizeof(*info));
	struct checkup c = { .p = p,
			     .info = info,
			     .state = DAEMON_SERVES,
			     .config = config,
			     .problems = json_array() };

	if (info && c.problems && !daemon_read(p, info)) {
		alarms_check(&c);
		tell(w->told, c.problems);
		json_decref(w->told);
		w->told = json_incref(c.problems);
	}
	json_decref(c.problems);
	free(info);
}

void alarm_watch_free(struct alarm_watch *w)
{
	json_decref(w->told);
	w->told = NULL;
}
