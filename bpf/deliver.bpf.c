// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sends the self-test's frame (user/show/self_test.h) into a device: XDP_PASS
 * in a live test run makes the device named in the context receive the frame,
 * as if it came by the wire.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "deliver.h"

/*
 * Moves the frame to the front of its buffer by its own length, to leave as
 * little headroom as packets of real devices have: generic XDP copies a packet
 * whose headroom is small.
 */
SEC("xdp")
int deliver(struct xdp_md *ctx)
{
	__u8 *data;

	if (bpf_xdp_adjust_head(ctx, -DELIVER_SIZE))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	if (data + 2 * DELIVER_SIZE > (__u8 *)(long)ctx->data_end)
		return XDP_ABORTED;
	__builtin_memcpy(data, data + DELIVER_SIZE, DELIVER_SIZE);
	if (bpf_xdp_adjust_tail(ctx, -DELIVER_SIZE))
		return XDP_ABORTED;
	return XDP_PASS;
}
