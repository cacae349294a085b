/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Map throttle: see bpf/throttle.h. */
#ifndef SMTPXDP_THROTTLE_STATE_H
#define SMTPXDP_THROTTLE_STATE_H

#include <linux/types.h>

struct throttle {
	/* tick << 1 | 1 of the last throttle-text to who never failed, or 0 */
	__u32 unearned;
	__u32 pad;
};

#endif
