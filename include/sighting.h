/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One reply to a login, as a sensor saw it. It lies in a map: the 512 bytes of
 * a BPF stack are too few.
 */
#ifndef SMTPXDP_SIGHTING_H
#define SMTPXDP_SIGHTING_H

#include "addr.h"
#include "stream.h"
#include "tried.h"

struct sighting {
	struct addr peer; /* address of the client, not masked */
	struct addr proxy; /* that has named the client; zeros: none */
	__u32 ifindex; /* 0: not known */
	__u16 code; /* SMTP reply code */
	__u16 port; /* local port of the mail server */
	__u8 text_len; /* bytes of text, 0..LINE_SIZE */
	__u8 sensor; /* enum sensor */
	__u8 unanswered; /* 1: no whole reply left; code and text are of the part */
	/* 1: one guess with the failure before it: see bpf/pure/made_good.h */
	__u8 joins;
	__u8 unjudged; /* 1: by a throttle-text or an unasked-text */
	__u8 cause; /* enum cause, while client_failure() runs */
	__u8 pad[2];
	struct tried tried;
	struct line text; /* the reply's last line */
};

_Static_assert(sizeof(struct sighting) == 128 + LINE_SIZE,
	       "part of map values");

#endif
