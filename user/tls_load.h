/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which of the TLS sensor's programs this kernel can have. */
#ifndef SMTPXDP_TLS_LOAD_H
#define SMTPXDP_TLS_LOAD_H

#include "loader.h"

/* Chooses them, in a skeleton that is open and not yet loaded. */
void tls_load_configure(struct smtpxdp *skel, const struct loader_options *o);

#endif
