/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The interfaces that the daemon watches: those that the configuration names,
 * there or not; or, where it names none, every one that a default route leads
 * to, from then on. They come and go, and ifaces_sync() makes it right again.
 */
#ifndef SMTPXDP_IFACES_H
#define SMTPXDP_IFACES_H

#include "config/config.h"
#include "daemon.h"
#include "maps/pins.h"

struct smtpxdp;

struct watched {
	struct daemon_iface iface; /* ifindex 0: it is waited for */
	bool inherited; /* was attached before this run */
	bool told; /* why it cannot be attached */
};

struct ifaces {
	struct pins *pins;
	const struct smtpxdp *skel;
	char **names; /* NULL-terminated */
	__u32 n;
	struct watched list[DAEMON_IFACES_MAX];
};

/* Those there are now, and those to wait for. -errno. */
int ifaces_find(struct ifaces *f, const struct config *c);
void ifaces_free(struct ifaces *f);

/*
 * Attaches one program; tells the journal what is in the way, once for each
 * interface, and returns -errno then. A program that the kernel has refused to
 * load is left out; if an older build's is there, that goes on.
 */
int ifaces_attach_gate(struct ifaces *f, struct watched *w);
int ifaces_attach_sensor(struct ifaces *f, struct watched *w);
bool ifaces_is_attached(const struct ifaces *f, struct watched *w);

/*
 * After a change: takes leave of those that went, attaches those that came.
 * True if one that is there could not be attached: to be tried again.
 */
bool ifaces_sync(struct ifaces *f);

/* For map daemon. */
void ifaces_fill(const struct ifaces *f, struct daemon_info *info);
int ifaces_publish(const struct ifaces *f);

/* "watches eth0, eth1; waits for eth9" */
const char *ifaces_describe(const struct ifaces *f, char *buf, size_t size);

/* Between ifaces.c and ifaces_sync.c only. */
void ifaces_add(struct ifaces *f, __u32 ifindex, const char *name);
void ifaces_remove(struct ifaces *f, __u32 i);
bool ifaces_add_missing(struct ifaces *f);

#endif
