// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "maps/pin_names.h"

const char *const map_names[MAPS_MAX] = {
	[MAP_SETTINGS] = "settings",
	[MAP_CLIENTS] = "clients",
	[MAP_NETS] = "nets",
	[MAP_REPEATS] = "repeats",
	[MAP_REGULARS] = "regulars",
	[MAP_BANS] = "bans",
	[MAP_BAN_NETS] = "ban_nets",
	[MAP_ALLOW_NETS] = "allow_nets",
	[MAP_STREAMS] = "streams",
	[MAP_EVENTS] = "events",
	[MAP_COUNTERS] = "counters",
	[MAP_DAEMON] = "daemon",
	[MAP_ACTIVITY] = "activity",
	[MAP_MAIL_PROCS] = "mail_procs",
	[MAP_HISTORY] = "history",
	[MAP_TLS_HELLOS] = "tls_hellos",
	[MAP_TLS_PLACES] = "tls_places",
	[MAP_BAN_INFOS] = "ban_infos",
	[MAP_BAN_NOTES] = "ban_reasons",
	[MAP_DIALOGUES] = "dialogues",
	[MAP_NAME_KEY] = "name_key",
	[MAP_TLS_SESSIONS] = "tls_sessions",
	[MAP_GROUPS] = "groups",
	[MAP_GROUPS_A] = "groups_a",
	[MAP_GROUPS_B] = "groups_b",
	[MAP_BRAKE] = "brake",
	[MAP_FUSE] = "fuse",
	[MAP_TLS_TASKS] = "tls_tasks",
};

const char *const prog_names[PROGS_MAX] = {
	[PROG_CLOCK] = "clock",
	[PROG_FILL] = "fill",
	[PROG_DROP_ETHERNET] = "drop_ethernet",
	[PROG_DROP_RAW] = "drop_raw",
	[PROG_DETECT_ETHERNET] = "detect_ethernet",
	[PROG_DETECT_RAW] = "detect_raw",
	[PROG_LISTEN] = "listen",
	[PROG_DELIVER] = "deliver",
};
