/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A list of bans in a file, one a line: ADDR[/LEN] [TIME] [REASON]. TIME has
 * its unit; "#" or ";" begins a comment.
 */
#ifndef SMTPXDP_BAN_FILE_H
#define SMTPXDP_BAN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "addr.h"

struct ban_file_entry {
	struct net net;
	bool whole; /* no length: the address stands for its client */
	uint32_t reason; /* offset in `text`, 0: the line has none */
	uint64_t seconds; /* 0: the line has no time */
};

struct ban_file {
	struct ban_file_entry *entries;
	size_t n, room;
	char *text;
	size_t text_len, text_room;
};

/*
 * Reads a file wholly; *f is to be freed, also after an error. -ENOMEM, another
 * -errno of reading; -EINVAL: line number *line is wrong, and `err` says why.
 */
int ban_file_read(struct ban_file *f, FILE *in, size_t *line, char *err,
		  size_t size);
void ban_file_free(struct ban_file *f);

#endif
