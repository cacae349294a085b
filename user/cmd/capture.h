/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A capture file (pcap or pcapng, read by libpcap) as a sequence of Ethernet
 * frames. Captures of raw IP and of Linux cooked mode are given such headers.
 */
#ifndef SMTPXDP_CAPTURE_H
#define SMTPXDP_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture;

struct captured {
	/* with Ethernet header, behind which data are aligned; until the next */
	const uint8_t *data;
	uint32_t len;
	uint64_t wall_ns; /* since 1970; never before the last frame */
	bool cut; /* the capture lacks its end (snap length) */
	bool incoming; /* only cooked captures tell */
};

/* Opens a file; "-" is standard input. On an error -errno, with the cause in
 * err. */
int capture_open(struct capture **c, const char *path, char *err, size_t size);

/* Reads a frame: 1, 0 at the end, or -EINVAL where the file is broken. */
int capture_next(struct capture *c, struct captured *f, char *err, size_t size);

/* The share of the file that was read, 0 to 1; < 0 where it has no size. */
double capture_progress(const struct capture *c);

void capture_close(struct capture *c);

#endif
