/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps and programs that are pinned, and their names. */
#ifndef SMTPXDP_PIN_NAMES_H
#define SMTPXDP_PIN_NAMES_H

enum pinned_map {
	MAP_SETTINGS,
	MAP_CLIENTS,
	MAP_NETS,
	MAP_REPEATS,
	MAP_REGULARS,
	MAP_BANS,
	MAP_BAN_NETS,
	MAP_ALLOW_NETS,
	MAP_STREAMS,
	MAP_EVENTS,
	MAP_COUNTERS,
	MAP_DAEMON,
	MAP_ACTIVITY,
	MAP_MAIL_PROCS,
	MAP_HISTORY,
	MAP_TLS_HELLOS,
	MAP_TLS_PLACES,
	MAP_BAN_INFOS,
	MAP_BAN_NOTES,
	MAP_DIALOGUES,
	MAP_NAME_KEY,
	MAP_TLS_SESSIONS,
	MAP_GROUPS,
	MAP_GROUPS_A,
	MAP_GROUPS_B,
	MAP_BRAKE,
	MAP_FUSE,
	MAP_ACCEPTED_SOCKS,
	MAP_ACCEPTED_ELSEWHERE,
	MAP_FORWARDED,
	MAP_DOUBTS,
	MAP_THROTTLE,
	MAP_SIGNS,
	MAP_EXEMPT,
	MAP_ARRIVALS,
	MAP_ELSEWHERE,
	MAP_NAMED,
	MAP_CLAIMANTS,
	MAP_BAN_CLAIMS,
	/* Pinned only if the TLS sensor is loaded: */
	MAP_TLS_TASKS,
	MAPS_MAX,
	MAPS_NEEDED = MAP_TLS_TASKS,
};

enum pinned_prog {
	PROG_CLOCK,
	PROG_FILL,
	/* Pinned unless the kernel refuses them: */
	PROG_DROP_ETHERNET,
	PROG_DROP_RAW,
	PROG_DETECT_ETHERNET,
	PROG_DETECT_RAW,
	PROG_LISTEN,
	PROG_DELIVER, /* of the self-test */
	PROGS_MAX,
	PROGS_NEEDED = PROG_DROP_ETHERNET,
};

/* The names in the BPF object are the names of the pins. */
extern const char *const map_names[MAPS_MAX];
extern const char *const prog_names[PROGS_MAX];

#endif
