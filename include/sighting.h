/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One reply to a login, as a sensor saw it. It lies where the sensor works (a
 * map), not on the stack: there it would be too much.
 */
#ifndef SMTPXDP_SIGHTING_H
#define SMTPXDP_SIGHTING_H

#include "addr.h"
#include "stream.h"
#include "tried.h"

struct sighting {
	struct addr peer; /* the client's, not masked */
	__u32 ifindex; /* 0: not known */
	__u16 code;
	__u16 port; /* the mail server's */
	__u8 text_len; /* 0..LINE_SIZE */
	__u8 sensor; /* enum sensor */
	__u8 unanswered; /* no whole reply left: code and text are what did */
	__u8 pad[5];
	struct tried tried;
	struct line text; /* the reply's line */
};

_Static_assert(sizeof(struct sighting) == 104 + LINE_SIZE,
	       "part of map values");

#endif
