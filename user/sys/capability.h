/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SMTPXDP_CAPABILITY_H
#define SMTPXDP_CAPABILITY_H

/*
 * Gives up a capability (CAP_... of <linux/capability.h>) for good. 0, also if
 * the process did not have it; -errno.
 */
int capability_drop(unsigned int cap);

#endif
