/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Capabilities (CAP_... of <linux/capability.h>) of this thread. */
#ifndef SMTPXDP_CAPABILITY_H
#define SMTPXDP_CAPABILITY_H

/*
 * Gives up a capability for good. 0, also if the process did not have it;
 * -errno.
 */
int capability_drop(unsigned int cap);
int capability_drop_all(void);

/* Puts a permitted capability in force. -errno. */
int capability_raise(unsigned int cap);

#endif
