/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A list of bans in a file, one a line: NETWORK [TIME] [REASON]. NETWORK is as
 * in net_line.h, TIME has its unit, REASON may stand in quotes; "#" or ";"
 * begins a comment. A line that may mean something else is wrong, and is left
 * out. Behind a reason in quotes, a file of our own may have ban_fields.h.
 * Pure.
 */
#ifndef SMTPXDP_BAN_FILE_H
#define SMTPXDP_BAN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "addr.h"
#include "lists/ban_fields.h"

struct ban_file_entry {
	struct net net;
	bool whole; /* no length: the address stands for its client */
	uint32_t reason; /* offset in `text`, 0: the line has none */
	uint64_t seconds; /* 0: the line has no time */
	/* as in struct ban_fields: */
	uint32_t owner; /* offset in `text`, 0: it names none */
	uint32_t window, failures, since;
	uint16_t code;
	uint8_t flags;
};

static inline uint32_t ban_entry_owner(const struct ban_file_entry *e)
{
	return e->failures ? 0 : e->window;
}

#define BAN_FILE_FAULTS 100 /* wrong lines that are told one by one */
#define BAN_FILE_WHY 256

struct ban_file_fault {
	size_t line;
	char why[BAN_FILE_WHY];
};

struct ban_file {
	bool restore; /* the file is ours: its fields are believed */
	struct ban_file_entry *entries;
	size_t n, room;
	char *text;
	size_t text_len, text_room;
	struct ban_file_fault *faults; /* the first BAN_FILE_FAULTS of them */
	size_t wrong, faults_room; /* lines that are wrong */
};

/*
 * Reads a file wholly; *f is to be freed, also after an error. -ENOMEM, another
 * -errno of reading.
 */
int ban_file_read(struct ban_file *f, FILE *in, bool restore);
void ban_file_free(struct ban_file *f);

#endif
