// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tell/names.h"

#include "event.h"
#include "groups.h"

const char *sensor_name(uint8_t sensor)
{
	return sensor == SENSOR_WIRE ? "wire" :
	       sensor == SENSOR_TLS  ? "tls" :
				       "unknown";
}

const char *offender_name(uint8_t offender)
{
	return offender == OFFENDER_STALE   ? "stale" :
	       offender == OFFENDER_ATTACK  ? "attack" :
	       offender == OFFENDER_GUESSES ? "guesses" :
					      "unknown";
}

const char *group_name(uint8_t group)
{
	static const char *const names[GROUPS_MAX] = {
		[GROUP_NONE] = "none",	     [GROUP_STRICT] = "strict",
		[GROUP_LENIENT] = "lenient", [GROUP_ALLOW] = "allow",
		[GROUP_PROXY] = "proxy",     [GROUP_RATED] = "rated",
	};

	return names[group < GROUPS_MAX ? group : GROUP_NONE];
}

const char *group_key_name(uint8_t group)
{
	return group == GROUP_STRICT  ? "strict-nets" :
	       group == GROUP_LENIENT ? "lenient-nets" :
	       group == GROUP_PROXY   ? "proxies" :
					"allow-nets";
}

const char *group_source_kind_name(uint8_t kind)
{
	return kind == SOURCE_FILE  ? "file" :
	       kind == SOURCE_PROXY ? "proxies" :
	       kind == SOURCE_ASN   ? "as" :
				      "country";
}
