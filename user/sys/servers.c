// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/servers.h"

#include <errno.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "sys/netinfo.h"
#include "sys/netlink.h"
#include "sys/processes.h"

#define STATE_LISTEN 0x0a

struct listing {
	struct server *list;
	size_t n, room;
	uint64_t here;
};

static void take_port(struct server *s, uint16_t port)
{
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->port[i] == port)
			return;
	if (s->n_ports < SERVER_PORTS_MAX)
		s->port[s->n_ports++] = port;
}

/* Is an address of /proc/net/tcp or tcp6 loopback's? Its words are as stored. */
static bool is_loopback(const char *hex)
{
	uint32_t word[4] = {};
	int n = sscanf(hex, "%8x%8x%8x%8x", &word[0], &word[1], &word[2],
		       &word[3]);

	if (n == 1)
		return *(unsigned char *)&word[0] == 127;
	return !word[0] && !word[1] &&
	       ((!word[2] && word[3] == __builtin_bswap32(1)) ||
		*(unsigned char *)&word[3] == 127);
}

/* Reads listeners, which stand before all other sockets in these files. */
static void read_listeners(struct server *s, const char *file,
			   const __u64 *ports)
{
	char path[64], line[256], local[40];
	unsigned int port, state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/net/%s", s->pid, file);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %*u: %39[0-9A-F]:%x %*[0-9A-F]:%*x %x",
			   local, &port, &state) != 3)
			continue; /* the title */
		if (state != STATE_LISTEN)
			break;
		if (port < 65536 && ports[port / 64] >> port % 64 & 1 &&
		    !is_loopback(local))
			take_port(s, port);
	}
	fclose(f);
}

static void read_name(struct server *s)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", s->pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(s->name, sizeof(s->name), f))
		s->name[strcspn(s->name, "\n")] = '\0';
	fclose(f);
}

/* Adds the namespace of a process, if it is new. -errno. */
static int take_process(pid_t pid, void *ctx)
{
	struct listing *l = ctx;
	ino_t ns = process_ns(pid, "net");
	int err;

	if (!ns)
		return 0; /* gone, or out of reach */
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].netns == ns)
			return 0;
	err = array_grow(&l->list, &l->room, l->n + 1, sizeof(*l->list));
	if (!err)
		l->list[l->n++] = (struct server){
			.netns = ns,
			.here = ns == l->here,
			.id = -1,
			.pid = pid,
		};
	return err;
}

static int on_id(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct rtgenmsg))
	{
		if (mnl_attr_get_type(attr) == NETNSA_NSID)
			*(int *)data = (int)mnl_attr_get_u32(attr);
	}
	return MNL_CB_OK;
}

static void find_id(struct mnl_socket *nl, struct server *s)
{
	char buf[MNL_ALIGN(MNL_NLMSG_HDRLEN) + 64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtgenmsg *gen;

	nlh->nlmsg_type = RTM_GETNSID;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	gen = mnl_nlmsg_put_extra_header(nlh, sizeof(*gen));
	gen->rtgen_family = AF_UNSPEC;
	mnl_attr_put_u32(nlh, NETNSA_PID, s->pid);
	netlink_ask(nl, nlh, on_id, &s->id);
}

bool server_read_ports(struct server *s, const __u64 *ports)
{
	s->n_ports = 0;
	read_listeners(s, "tcp", ports);
	read_listeners(s, "tcp6", ports);
	return s->n_ports;
}

int servers_list(struct server **list)
{
	struct mnl_socket *nl = netlink_open(NETLINK_ROUTE);
	struct listing l = { .here = netns_inode() };
	int err = nl ? processes_each(take_process, &l) : -errno;

	for (size_t i = 0; i < l.n && !err; i++) {
		read_name(&l.list[i]);
		if (!l.list[i].here)
			find_id(nl, &l.list[i]);
	}
	if (nl)
		mnl_socket_close(nl);
	if (err)
		free(l.list);
	*list = err ? NULL : l.list;
	return err ? err : (int)l.n;
}
