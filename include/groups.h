/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Groups of networks, each measured by a policy of its own or not at all. Map
 * groups_a or groups_b, as settings.groups says, holds their networks; map
 * groups tells people where the networks come from.
 */
#ifndef SMTPXDP_GROUPS_H
#define SMTPXDP_GROUPS_H

#include "addr.h"

enum group {
	GROUP_NONE,
	GROUP_STRICT,
	GROUP_LENIENT,
	GROUP_ALLOW, /* failures are not counted */
	GROUP_PROXY, /* a proxy: its clients are counted, it is not */
	/* of sources only: an AS of rated-asns, whatever group it is in */
	GROUP_RATED,
	GROUPS_MAX
};

#define GROUP_NETS_MAX 4194304 /* networks in all groups together */
#define GROUP_SOURCES_MAX 1024
#define GROUP_NAME_SIZE 256

/* Value of maps groups_a and groups_b. */
struct group_entry {
	__u8 group; /* enum group */
	/* the group's prefix length: a lookup in an LPM trie does not tell it */
	__u8 len;
	__u16 source; /* index in groups.source; of GROUP_NONE: 0 */
	__u32 asn; /* of rated-asns; 0: none */
};

_Static_assert(sizeof(struct group_entry) == 8, "map value");

/*
 * In the order of precedence for one network: a file says more than a number, a
 * number more than a country; and a proxy is one whatever else is said of it.
 */
enum group_source_kind {
	SOURCE_COUNTRY,
	SOURCE_ASN,
	SOURCE_FILE,
	SOURCE_PROXY, /* of the key `proxies`: a file, or a network */
	SOURCES_MAX
};

struct group_source {
	__u8 kind; /* enum group_source_kind */
	__u8 group; /* enum group */
	/* 1: reading it failed; its former networks are in force */
	__u8 failed;
	__u8 pad;
	__u32 nets; /* networks of it in the map */
	__u64 since_usec; /* CLOCK_REALTIME of reading it; 0: never */
	char name[GROUP_NAME_SIZE]; /* path of a file, network, "DE", "64496" */
};

struct groups {
	/* as settings.groups: 0: none, 1: groups_a, 2: groups_b */
	__u32 active;
	__u32 n; /* sources in use */
	__u64 fingerprint; /* of the keys and files that were last read */
	struct group_source source[GROUP_SOURCES_MAX];
};

#endif
