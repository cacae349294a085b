/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The frame that the self-test sends into a device: see bpf/deliver.bpf.c. */
#ifndef SMTPXDP_DELIVER_H
#define SMTPXDP_DELIVER_H

/* Bytes: what its headers and text do not need is padding. */
#define DELIVER_SIZE 128

#endif
