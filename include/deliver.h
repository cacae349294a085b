/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The self-test's frame for a device: see bpf/deliver.bpf.c. */
#ifndef SMTPXDP_DELIVER_H
#define SMTPXDP_DELIVER_H

/* Bytes of the frame; padded behind headers and text. */
#define DELIVER_SIZE 128

#endif
