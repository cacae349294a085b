// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/xdp_holder.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "sys/dispatcher.h"
#include "sys/links.h"

/* What libxdp calls its dispatchers: sys/dispatcher.h. */
#define DISPATCHER "xdp_dispatcher"

/*
 * Returns the id of the link that attaches a program to an interface; 0 if it
 * was attached without one; -errno if the kernel does not tell, as without
 * CAP_SYS_ADMIN.
 */
static int find_link(__u32 ifindex, __u32 prog_id)
{
	__u32 id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = {};
		__u32 len = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id), err;

		if (fd < 0)
			continue;
		err = bpf_obj_get_info_by_fd(fd, &info, &len);
		close(fd);
		if (!err && info.type == BPF_LINK_TYPE_XDP &&
		    info.prog_id == prog_id && info.xdp.ifindex == ifindex)
			return id;
	}
	return errno == ENOENT ? 0 : -errno;
}

static void find_name(__u32 prog_id, char name[static BPF_OBJ_NAME_LEN])
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(prog_id);

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len))
		memcpy(name, info.name, BPF_OBJ_NAME_LEN);
	close(fd);
}

bool xdp_holder_find(const struct daemon_iface *iface, struct xdp_holder *h)
{
	char name[BPF_OBJ_NAME_LEN] = "", shown[ESCAPED_SIZE(BPF_OBJ_NAME_LEN)];
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	char by[32] = "", away[96];
	bool generic;
	int link;

	if (bpf_xdp_query(iface->ifindex, 0, &query) || !query.prog_id)
		return false;
	snprintf(h->on, sizeof(h->on), "%s", iface->name);
	generic = query.attach_mode == XDP_ATTACHED_SKB;
	link = find_link(iface->ifindex, query.prog_id);
	find_name(query.prog_id, name);
	if (link > 0)
		snprintf(by, sizeof(by), ", by link %d", link);
	escape(name, strnlen(name, sizeof(name)), shown, sizeof(shown));
	snprintf(h->who, sizeof(h->who), "\"%s\" (id %u, %s%s)",
		 *shown ? shown : "?", query.prog_id,
		 generic ? "generic" : "native", by);
	if (dispatcher_is_on(iface)) {
		snprintf(h->remedy, sizeof(h->remedy),
			 "run smtpxdp beside, as root: it puts the gate into "
			 "libxdp's dispatcher, beside the others");
		return true;
	}
	if (!strncmp(name, DISPATCHER, BPF_OBJ_NAME_LEN - 1))
		snprintf(away, sizeof(away),
			 "xdp-loader unload %s --all; libxdp does not know it "
			 "in /sys/fs/bpf",
			 iface->name);
	else if (link > 0)
		snprintf(away, sizeof(away), "bpftool link detach id %d", link);
	else if (link < 0)
		snprintf(away, sizeof(away),
			 "smtpxdp status says how, to root");
	else
		snprintf(away, sizeof(away), "ip link set dev %s %s off",
			 iface->name, generic ? "xdpgeneric" : "xdpdrv");
	snprintf(h->remedy, sizeof(h->remedy),
		 "take it away (%s), or have another interface watched", away);
	return true;
}

bool xdp_holder_find_above(const struct daemon_iface *iface,
			   struct xdp_holder *h)
{
	struct links links;
	bool found = false;
	int err = links_read(&links);

	for (size_t i = 0; !err && !found && i < links.n; i++) {
		struct daemon_iface up = { .ifindex = links.list[i].ifindex };

		snprintf(up.name, sizeof(up.name), "%s", links.list[i].name);
		found = up.ifindex != iface->ifindex &&
			links_hand_on(&links, iface->ifindex, up.ifindex) &&
			xdp_holder_find(&up, h);
	}
	links_free(&links);
	return found;
}
