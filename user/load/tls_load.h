/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which of the TLS sensor's programs this kernel can have, and how. */
#ifndef SMTPXDP_TLS_LOAD_H
#define SMTPXDP_TLS_LOAD_H

#include "load/loader.h"
#include "load/programs.h"

/*
 * Where the sensor learns on which socket a thread sends, the newest way that
 * this kernel has first: the bit of a part, or 0 for none. It is found out by
 * trying, never by the kernel's version.
 */
uint32_t tls_hook_first(void);
uint32_t tls_hook_after(enum part hook);

/* In a skeleton that is open and not yet loaded. */
void tls_load_configure(struct smtpxdp *skel, const struct loader_options *o);

#endif
