/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads the daemon's messages about clients back from the journal. */
#ifndef SMTPXDP_JOURNAL_READ_H
#define SMTPXDP_JOURNAL_READ_H

#include <stddef.h>
#include <systemd/sd-journal.h>

/*
 * Opens this machine's journal, limited to messages about clients that root has
 * written. 0, or an exit code after printing the cause.
 */
int journal_open(sd_journal **j);

/*
 * Field `name` of the current entry, without "NAME=", or "". Escaped by
 * printable(): root wrote it, but parts come from the network. Returns buf.
 */
const char *journal_field(sd_journal *j, const char *name, char *buf,
			  size_t size);

#endif
