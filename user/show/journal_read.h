/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the daemon told the journal of clients, read back. */
#ifndef SMTPXDP_JOURNAL_READ_H
#define SMTPXDP_JOURNAL_READ_H

#include <stddef.h>
#include <systemd/sd-journal.h>

/*
 * Opens the journal of this machine: only what root wrote of clients is seen.
 * Complains where it cannot, and returns the exit code.
 */
int journal_open(sd_journal **j);

/*
 * Field `name` of the current entry, without "NAME=", escaped: who wrote it is
 * checked, but a terminal is not to be at anybody's mercy. "" if it has none.
 */
const char *journal_field(sd_journal *j, const char *name, char *buf,
			  size_t size);

#endif
