/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the daemon tells the command line about itself: map daemon. */
#ifndef SMTPXDP_DAEMON_H
#define SMTPXDP_DAEMON_H

#include <linux/types.h>

#define DAEMON_IFACES_MAX 32
#define DAEMON_PATH_SIZE 4096
#define DAEMON_CONFIG_SIZE 32768
#define DAEMON_TLS_FILES_MAX 16
#define DAEMON_TLS_PATH_SIZE 256
#define DAEMON_REFUSED_MAX 16

enum iface_flags {
	IFACE_XDP_GENERIC = 1,
	IFACE_CLSACT = 2, /* tc by a clsact filter, not by a TCX link */
	IFACE_QDISC_OURS = 4, /* and the qdisc did not exist before */
	IFACE_RAW = 8, /* without Ethernet headers: programs *_raw */
};

struct daemon_iface {
	__u32 ifindex;
	__u32 flags; /* enum iface_flags */
	char name[16];
};

/* A program that the kernel did not take. */
struct daemon_refused {
	char prog[32];
	char why[160]; /* the verifier's last word, or the error */
};

struct daemon_info {
	__u32 pid; /* of the last daemon; alive only while it holds the lock */
	__u32 n_ifaces;
	__u64 lost_told; /* of counter events-lost, in the journal */
	__u64 netns; /* inode of its network namespace: what ifindex means */
	struct daemon_iface ifaces[DAEMON_IFACES_MAX];
	__u32 tls_running;
	__u32 n_tls_files; /* that the TLS sensor has probes in */
	char tls_files[DAEMON_TLS_FILES_MAX][DAEMON_TLS_PATH_SIZE];
	char tls_hook[32]; /* where it learns who the client is */
	__u32 tls_perf; /* probes by perf events, not by uprobe.multi */
	__u32 tls_error; /* an errno: a library could not be probed; or 0 */
	__u32 n_refused;
	struct daemon_refused refused[DAEMON_REFUSED_MAX];
	char config_path[DAEMON_PATH_SIZE]; /* "" if it runs without a file */
	char state_dir[DAEMON_PATH_SIZE]; /* where the state file is */
	/* The settings in force, as config_dump() writes them. */
	char config[DAEMON_CONFIG_SIZE];
};

#endif
