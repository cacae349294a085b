// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/health_users.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "sys/netinfo.h"
#include "maps/settings_map.h"

#define TEXT 256

static const char *const states[] = {
	[HEARD] = "read",
	[UNHEARD] = "not read",
	[UNTESTED] = "not tested",
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
	if (!strcmp(json_string_value(hook), "none"))
		return "the sensor of users is not attached";
	return NULL;
}

/*
 * The name of one that is watched and has heard everything before: to the
 * listener it looks as if the client had sent each segment twice. Or NULL.
 */
static const char *heard_before(const struct daemon_info *info, size_t i)
{
	for (__u32 n = 0; n < info->n_ifaces && n < DAEMON_IFACES_MAX; n++)
		if (n != i && info->ifaces[n].ifindex &&
		    netinfo_hands_on(info->ifaces[n].ifindex,
				     info->ifaces[i].ifindex))
			return info->ifaces[n].name;
	return NULL;
}

static void tell(json_t *shown, const char *state, const char *why)
{
	json_object_set_new(shown, "users", json_string(state));
	json_object_set_new(shown, "users_why",
			    why ? json_string(why) : json_null());
}

enum heard health_users(struct pins *p, const struct daemon_info *info,
			size_t i, const char *reason, json_t *shown)
{
	char why[TEXT], name[ESCAPED_SIZE(IF_NAMESIZE)];
	enum heard heard = UNTESTED;
	const char *before;

	if (!(settings_now(p)->users & USERS_WIRE)) {
		tell(shown, "off", NULL);
		return UNTESTED;
	}
	if (!reason)
		reason = untestable(info, i, shown);
	before = reason ? NULL : heard_before(info, i);
	if (before) {
		printable(before, strlen(before), name, sizeof(name));
		snprintf(why, sizeof(why),
			 "all that comes in here has come in by %s, which is "
			 "watched, too",
			 name);
		reason = why;
		heard = HEARD_TWICE;
	}
	if (!reason) {
		heard = self_test_device(p, info->ifaces[i].ifindex, why,
					 sizeof(why));
		reason = heard == UNTESTED ? why : NULL;
	}
	tell(shown, states[heard], reason);
	return heard;
}
