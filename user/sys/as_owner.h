/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * root works in a folder of the daemon's user: what that user may not touch,
 * root does not touch for it, whatever links it has laid there.
 */
#ifndef SMTPXDP_AS_OWNER_H
#define SMTPXDP_AS_OWNER_H

/*
 * Until as_owner_end(), this thread reaches files as the owner of a folder, and
 * reads and searches all others. Nothing changes unless root calls, and the
 * folder is another user's. -errno.
 */
int as_owner_begin(const char *folder);
void as_owner_end(void);

#endif
