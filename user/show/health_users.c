// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/health_users.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "maps/settings_map.h"
#include "show/self_test.h"
#include "sys/links.h"
#include "sys/netinfo.h"

static const char *const states[] = {
	[HEARD] = "read",	    [UNHEARD] = "not read",
	[UNTESTED] = "not tested",  [HEARD_BELOW] = "read below",
	[HEARD_TWICE] = "not read",
};

static const char *untestable(const struct daemon_info *info, size_t i,
			      const json_t *shown)
{
	const json_t *hook = json_object_get(shown, "tc_in");

	if (!info->ifaces[i].ifindex)
		return "the device is not there";
	if (info->netns != netns_inode())
		return "the device is in another network namespace";
	if (!strcmp(json_string_value(hook), "none") &&
	    !(info->ifaces[i].flags & IFACE_FED))
		return "the sensor of users is not attached";
	return NULL;
}

/*
 * Returns the name of a watched interface by which this one's packets come in
 * before, or NULL.
 */
static const char *fed_by(const struct daemon_info *info, size_t i)
{
	const char *name = NULL;
	struct links links;
	int err = links_read(&links);

	for (__u32 n = 0; n < info->n_ifaces && n < DAEMON_IFACES_MAX && !err;
	     n++)
		if (n != i && links_hand_on(&links, info->ifaces[n].ifindex,
					    info->ifaces[i].ifindex))
			name = info->ifaces[n].name;
	links_free(&links);
	return name;
}

static void tell(json_t *shown, const char *state, const char *why)
{
	json_object_set_new(shown, "users", json_string(state));
	json_object_set_new(shown, "users_why",
			    why ? json_string(why) : json_null());
}

static enum heard test_device(const struct checkup *c, size_t i,
			      const char *reason, json_t *shown)
{
	char why[PROBLEM_SIZE], name[ESCAPED_SIZE(IF_NAMESIZE)];
	enum heard heard = UNTESTED;
	const char *before;

	if (!(settings_now(c->p)->users & USERS_WIRE)) {
		tell(shown, "off", NULL);
		return UNTESTED;
	}
	if (!reason)
		reason = untestable(c->info, i, shown);
	before = reason ? NULL : fed_by(c->info, i);
	if (before) {
		printable(before, strlen(before), name, sizeof(name));
		snprintf(why, sizeof(why),
			 "what has come in by %s, which is watched, is read "
			 "there",
			 name);
		reason = why;
		heard = c->info->ifaces[i].flags & IFACE_FED ? HEARD_BELOW :
							       HEARD_TWICE;
	}
	if (!reason) {
		heard = self_test_device(c->p, c->info->ifaces[i].ifindex, why,
					 sizeof(why));
		reason = heard == UNTESTED ? why : NULL;
	}
	tell(shown, states[heard], reason);
	return heard;
}

static void judge(struct checkup *c, const char *name, enum heard heard,
		  const json_t *shown)
{
	char text[2 * PROBLEM_SIZE] =
		"who is tried in the clear is not read here: "
		"attack-users, stale-rate and log-users do "
		"nothing";
	const char *why =
		json_string_value(json_object_get(shown, "users_why"));

	if (heard == UNHEARD)
		problem(c, HEALTH_SENSOR, name, text,
			RESTART_DAEMON
			"; if that does not help, report it with the "
			"kernel's version and the device's kind");
	if (heard != HEARD_TWICE)
		return;
	snprintf(text, sizeof(text),
		 "who is tried in the clear is not read here: %s, and here it "
		 "is taken for sent again",
		 why);
	problem(c, HEALTH_SENSOR, name, text, RESTART_DAEMON);
}

void health_users(struct checkup *c, const char *reason)
{
	json_t *shown;
	size_t i;

	json_array_foreach(c->interfaces, i, shown)
		judge(c, c->info->ifaces[i].name,
		      test_device(c, i, reason, shown), shown);
}
