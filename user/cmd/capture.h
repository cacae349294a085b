/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A capture file (pcap or pcapng, by libpcap) as a row of Ethernet frames,
 * whatever it was taken from: Ethernet, raw IP, or Linux cooked mode.
 */
#ifndef SMTPXDP_CAPTURE_H
#define SMTPXDP_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture;

struct captured {
	const uint8_t *data; /* from the Ethernet header on; until the next */
	uint32_t len;
	uint64_t wall_ns; /* since 1970; never less than the one before */
	bool cut; /* the capture has not all of it (snap length) */
	bool incoming; /* known to be so: cooked captures say it */
};

/* "-" is standard input. On an error -EINVAL or -errno, with the cause in err.
 */
int capture_open(struct capture **c, const char *path, char *err, size_t size);

/* 1 and a frame; 0 at the end; -EINVAL where the file is broken, err says how.
 */
int capture_next(struct capture *c, struct captured *f, char *err, size_t size);

/* How much of the file was read, 0 to 1; less than 0 where it has no size. */
double capture_progress(const struct capture *c);

void capture_close(struct capture *c);

#endif
