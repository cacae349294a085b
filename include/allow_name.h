/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Map allow_names: the host names of the key `allow`, and what DNS said of
 * each. No BPF program uses it: the addresses are in map allow_nets as well.
 */
#ifndef SMTPXDP_ALLOW_NAME_H
#define SMTPXDP_ALLOW_NAME_H

#include "addr.h"

#define HOST_NAME_SIZE 256 /* with NULs to its end, for it is a map's key */
#define ALLOW_NAMES_MAX 32
#define NAME_ADDRS_MAX 8 /* of IPv4, and as many of IPv6 */

struct host_name {
	char text[HOST_NAME_SIZE];
};

/* Why a lookup gave no address. In a pinned map: append only. */
enum dns_fault {
	DNS_OK,
	DNS_NO_NAME, /* NXDOMAIN */
	DNS_NO_ADDRESS, /* the name is there, without an address */
	DNS_FAILED, /* SERVFAIL and the like */
	DNS_REFUSED,
	DNS_SILENT, /* no server answers */
	DNS_SENSELESS, /* what came is no answer */
	DNS_UNUSABLE, /* only addresses that no client has */
	DNS_NO_CHILD, /* nothing was asked: no process could be made, or confined */
	DNS_FAULTS_MAX
};

/* The addresses of one family, in ascending order. */
struct name_addrs {
	__u32 n;
	__u32 fault; /* enum dns_fault of the last lookup */
	struct addr addr[NAME_ADDRS_MAX];
};

/* Times are ns of CLOCK_BOOTTIME. */
struct allow_name {
	__u64 looked; /* the end of the last lookup; 0: there was none */
	__u64 answered; /* the last that gave an address; 0: none did */
	__u64 next; /* of the next lookup; 0: at once */
	__u32 ttl; /* seconds: as the last answer had it */
	__u32 unusable; /* addresses that no client has: left out */
	__u32 too_many; /* those beyond NAME_ADDRS_MAX: left out as well */
	__u32 fault; /* enum dns_fault of the last lookup as a whole */
	__u32 fresh; /* 1: answered since the daemon's start */
	__u32 pad;
	struct name_addrs family[2]; /* IPv4, IPv6 */
};

_Static_assert(sizeof(struct allow_name) == 320, "map value");

#endif
