/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who owns the pins. Whoever could write to their folder could put maps of his
 * own in place of ours, which he can write to.
 */
#ifndef SMTPXDP_PINS_OWNER_H
#define SMTPXDP_PINS_OWNER_H

/*
 * Do the folder and those above it, up to the bpffs, belong to root, to the
 * daemon's user (daemon_user.h) or to us, and can nobody else write there?
 * -EXDEV: no.
 */
int pins_check_owner(const char *dir);
/* The same, and names the folder by fail(). */
int pins_complain_owner(const char *dir);

/*
 * Gives root's folder and root's pins in it, such as a daemon of an earlier
 * version has left, to the daemon's user. Complains. -errno.
 */
int pins_give(const char *dir);

#endif
