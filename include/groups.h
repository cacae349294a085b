/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Groups of networks: who is measured by a policy of its own, or not at all.
 * Map groups_a or groups_b, whichever struct settings names, says who is in
 * one; map groups says why.
 */
#ifndef SMTPXDP_GROUPS_H
#define SMTPXDP_GROUPS_H

#include "addr.h"

enum group {
	GROUP_NONE,
	GROUP_STRICT,
	GROUP_LENIENT,
	GROUP_ALLOW, /* never counted */
	GROUPS_MAX
};

#define GROUP_NETS_MAX 4194304 /* in all of them */
#define GROUP_SOURCES_MAX 1024
#define GROUP_NAME_SIZE 256

/* Value of maps groups_a and groups_b. */
struct group_entry {
	__u8 group; /* enum group */
	__u8 len; /* of the network: a lookup does not say */
	__u16 source; /* index in struct groups */
};

_Static_assert(sizeof(struct group_entry) == 4, "map value");

/* Also which says more of an address than which. */
enum group_source_kind { SOURCE_COUNTRY, SOURCE_ASN, SOURCE_FILE, SOURCES_MAX };

struct group_source {
	__u8 kind; /* enum group_source_kind */
	__u8 group; /* enum group */
	__u8 failed; /* what it had before is in force */
	__u8 pad;
	__u32 nets; /* in the map */
	__u64 since_usec; /* CLOCK_REALTIME at which it was read */
	char name[GROUP_NAME_SIZE]; /* path, "DE" or "64496" */
};

struct groups {
	__u32 active; /* 0: no map is in use; 1: groups_a, 2: groups_b */
	__u32 n;
	__u64 fingerprint; /* of keys and files, as they were when last read */
	struct group_source source[GROUP_SOURCES_MAX];
};

#endif
