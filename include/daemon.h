/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map daemon: what the daemon tells the command line about itself. */
#ifndef SMTPXDP_DAEMON_H
#define SMTPXDP_DAEMON_H

#include <linux/types.h>

#define DAEMON_IFACES_MAX 32
#define DAEMON_PATH_SIZE 4096
#define DAEMON_CONFIG_SIZE 32768
#define DAEMON_TLS_FILES_MAX 16
#define DAEMON_TLS_PATH_SIZE 256
#define DAEMON_REFUSED_MAX 16
#define BOOT_ID_SIZE 37 /* with the NUL */

enum iface_flags {
	IFACE_XDP_GENERIC = 1,
	IFACE_CLSACT = 2, /* tc by clsact filters, not by TCX links */
	IFACE_QDISC_OURS = 4, /* the daemon made the clsact qdisc */
	IFACE_RAW = 8, /* no Ethernet header: programs *_raw */
	/*
	 * Its packets come in by another watched one before: the sensor of
	 * users is there, and would take each segment here for a
	 * retransmission.
	 */
	IFACE_FED = 16,
	IFACE_CHOSEN = 32, /* the key interfaces names none */
};

struct daemon_iface {
	__u32 ifindex; /* 0: the interface is waited for */
	__u32 flags; /* enum iface_flags */
	char name[16];
};

/* A program that the kernel refused to load. */
struct daemon_refused {
	char prog[32];
	char why[160]; /* the verifier's last word, or the error */
};

struct daemon_info {
	/* of the last daemon, which lives only while it holds its lock */
	__u32 pid;
	__u32 n_ifaces;
	__u64 lost_told; /* counter events-lost as last told to the journal */
	/* inode of the network namespace that ifindex belongs to */
	__u64 netns;
	struct daemon_iface ifaces[DAEMON_IFACES_MAX];
	__u32 tls_running; /* 1: the TLS sensor runs */
	__u32 n_tls_files; /* libraries with probes of the TLS sensor */
	char tls_files[DAEMON_TLS_FILES_MAX][DAEMON_TLS_PATH_SIZE];
	__u8 tls_ways[DAEMON_TLS_FILES_MAX]; /* enum tls_way of tls_trial.h */
	/* kernel function or tracepoint where sends are seen */
	char tls_hook[32];
	__u32 tls_perf; /* uprobes by perf events, not by uprobe.multi */
	__u32 tls_error; /* errno of a library that could not be probed, or 0 */
	__u32 n_refused;
	struct daemon_refused refused[DAEMON_REFUSED_MAX];
	/* absolute; "" if there is no file */
	char config_path[DAEMON_PATH_SIZE];
	char state_dir[DAEMON_PATH_SIZE]; /* folder of the state file */
	/*
	 * The boot's id, as the daemon sees it: in a container, that and its
	 * unit's own /proc may show different ones.
	 */
	char boot_id[BOOT_ID_SIZE];
	/* The settings in force, as config_dump() writes them. */
	char config[DAEMON_CONFIG_SIZE];
};

#endif
