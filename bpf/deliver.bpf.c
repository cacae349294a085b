// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The self-test's way into a device (see user/show/self_test.h): a frame that this
 * program lets pass in a live test run is received by the device named, as if
 * it had come by the wire.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "deliver.h"

/*
 * Moves the frame by its size to the front, for less room to be left there:
 * generic XDP copies what has less than it wants, as packets of real devices
 * have.
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
