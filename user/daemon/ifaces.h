/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The interfaces that the daemon watches: those named by key interfaces,
 * present or not; if it names none, all by which clients of the mail ports come
 * in, or have (choose.h). ifaces_sync() follows their coming and going.
 */
#ifndef SMTPXDP_IFACES_H
#define SMTPXDP_IFACES_H

#include "config/config.h"
#include "daemon.h"
#include "maps/pins.h"

struct links;
struct smtpxdp;

/* One watched interface. */
struct watched {
	struct daemon_iface iface; /* ifindex 0: waited for */
	bool inherited; /* an earlier run of the daemon attached it */
	bool told; /* the journal knows why it cannot be attached */
};

struct ifaces {
	struct pins *pins;
	const struct smtpxdp *skel;
	char **names; /* of key interfaces; NULL-terminated */
	__u32 n;
	struct watched list[DAEMON_IFACES_MAX];
	uint64_t changed_usec; /* of CLOCK_MONOTONIC: devices have */
	uint64_t containers_usec; /* the last look at them */
};

/* Fills the list: present interfaces, and those to wait for. -errno. */
int ifaces_find(struct ifaces *f, const struct config *c);

/*
 * Adds an earlier daemon's interface that is not in the list, if it was chosen:
 * by what is not known yet, as by clients that came in. Also if others below it
 * are in the list: it stays until those are attached, so that there is no gate
 * for a moment only. False: it is neither, and to be detached.
 */
bool ifaces_keep(struct ifaces *f, const struct daemon_iface *iface);
void ifaces_free(struct ifaces *f);

/*
 * Attach the gate, or the sensor's two programs. 0, or -errno, of which the
 * journal is told once for each interface. A program that the kernel has
 * refused to load is left out: an older build's stays attached, if there is
 * one.
 */
int ifaces_attach_gate(struct ifaces *f, struct watched *w);
int ifaces_attach_sensor(struct ifaces *f, struct watched *w);
/* Are all programs that are loaded attached to it? */
bool ifaces_is_attached(const struct ifaces *f, struct watched *w);

/*
 * Follows a change: drops interfaces that went, attaches those that came. True:
 * one could not be attached, call again later.
 */
bool ifaces_sync(struct ifaces *f);

/* attach_expect() for each interface that is there, and its IFACE_FED. */
void ifaces_expect(struct ifaces *f);

/* Are they chosen, so that ifaces_sync() is to be called now and then? */
static inline bool ifaces_are_chosen(const struct ifaces *f)
{
	return !f->names[0];
}

/* Write the list into *info, or into map daemon (0, or -errno). */
void ifaces_fill(const struct ifaces *f, struct daemon_info *info);
int ifaces_publish(const struct ifaces *f);

/* Describes the list: "watches eth0, eth1; waits for eth9". Returns buf. */
const char *ifaces_describe(const struct ifaces *f, char *buf, size_t size);

/* Shared by ifaces.c and ifaces_sync.c only. */
void ifaces_add(struct ifaces *f, __u32 ifindex, const char *name);
void ifaces_remove(struct ifaces *f, __u32 i);
bool ifaces_add_missing(struct ifaces *f);
void ifaces_note_fed(struct ifaces *f, const struct links *l);

#endif
