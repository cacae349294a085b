// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "self_test.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "allowlist.h"
#include "banlist.h"
#include "dialogue.h"
#include "settings_map.h"
#include "stream.h"

#define CLIENT SELF_TEST_CLIENT
#define SERVER 0x00000002
#define CLIENT_PORT 1
#define SEQ 1
#define BAN_SEC 10 /* the test's own, should nobody come to lift it */
#define AUTH "AUTH PLAIN AGEAYQ==\r\n"
#define REPLY "535 self-test" /* no line's end: counts as nothing */

struct frame {
	__u8 bytes[128];
	__u32 len;
};

static void append(struct frame *f, const void *bytes, size_t n)
{
	memcpy(f->bytes + f->len, bytes, n);
	f->len += n;
}

static void build(struct frame *f, bool ethernet, __u32 src, __u32 dst,
		  __u16 sport, __u16 dport, const char *payload)
{
	struct ethhdr eth = { .h_proto = htons(ETH_P_IP) };
	struct iphdr ip = {
		.version = 4,
		.ihl = sizeof(ip) / 4,
		.ttl = 1,
		.protocol = IPPROTO_TCP,
		.tot_len = htons(sizeof(ip) + sizeof(struct tcphdr) +
				 strlen(payload)),
		.saddr = htonl(src),
		.daddr = htonl(dst),
	};
	struct tcphdr tcp = {
		.source = htons(sport),
		.dest = htons(dport),
		.seq = htonl(SEQ),
		.doff = sizeof(tcp) / 4,
		.ack = 1,
	};

	f->len = 0;
	if (ethernet)
		append(f, &eth, sizeof(eth));
	append(f, &ip, sizeof(ip));
	append(f, &tcp, sizeof(tcp));
	append(f, payload, strlen(payload));
}

static int run(struct pins *p, enum pinned_prog prog, const struct frame *f,
	       __u32 *verdict, char *why, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->bytes,
		    .data_size_in = f->len);
	int err = bpf_prog_test_run_opts(p->prog[prog], &opts) ? -errno : 0;

	if (err)
		snprintf(why, size, "the self-test cannot be run: %s",
			 strerror(-err));
	*verdict = opts.retval;
	return err;
}

static int judge(struct pins *p, enum pinned_prog prog, const struct frame *f,
		 __u32 wanted, const char *what, char *why, size_t size)
{
	__u32 verdict;
	int err = run(p, prog, f, &verdict, why, size);

	if (err || verdict == wanted)
		return err;
	snprintf(why, size, "%s was %s by the gate in the self-test", what,
		 verdict == XDP_DROP ? "dropped" : "let through");
	return -EPROTO;
}

static struct addr address(__u32 v4)
{
	struct addr a = { .d[2] = ADDR_V4_WORD };

	a.d[3] = htonl(v4);
	return a;
}

static __u16 mail_port(const struct settings *s)
{
	__u16 port = 0;

	while (++port && !port_is_mail(s, port))
		;
	return port;
}

static int judge_banned(struct pins *p, enum pinned_prog prog,
			const struct frame *f, const struct clock_pair *now,
			char *why, size_t size)
{
	struct ban b = { .expires = now->jiffies + BAN_SEC * clock_hz(),
			 .since = now->boot_ns,
			 .flags = BAN_TEST };
	struct addr client = address(CLIENT);
	struct net net = client_net(p, &client), entry;
	int err = banlist_put(p, &net, &b);

	if (err) {
		snprintf(why, size, "the self-test's ban cannot be written: %s",
			 strerror(-err));
		return err;
	}
	if (allowlist_find(p, &client, &entry))
		err = judge(p, prog, f, XDP_PASS, "an allowlisted client", why,
			    size);
	else
		err = judge(p, prog, f, XDP_DROP, "a banned client", why, size);
	banlist_remove(p, &net);
	return err;
}

int self_test_gate(struct pins *p, enum pinned_prog prog, char *why,
		   size_t size)
{
	struct addr client = address(CLIENT);
	struct clock_pair now;
	struct ban_row row;
	struct frame f;
	int err;

	build(&f, prog == PROG_DROP_ETHERNET, CLIENT, SERVER, CLIENT_PORT,
	      mail_port(settings_now(p)), "");
	err = clock_read(p->prog[PROG_CLOCK], &now);
	if (err) {
		snprintf(why, size, "the clock cannot be read: %s",
			 strerror(-err));
		return err;
	}
	/* Somebody banned a network around it: its drops are not ours. */
	if (!banlist_find(p, &client, &now, &row) &&
	    !(row.ban.flags & BAN_TEST))
		return 0;
	banlist_remove(p, &row.net); /* of a test that was killed */
	err = judge(p, prog, &f, XDP_PASS, "a client that is not banned", why,
		    size);
	return err ? err : judge_banned(p, prog, &f, &now, why, size);
}

static struct stream_key connection(__u16 port)
{
	return (struct stream_key){ .server = address(SERVER),
				    .client = address(CLIENT),
				    .server_port = htons(port),
				    .client_port = htons(CLIENT_PORT) };
}

int self_test_sensor(struct pins *p, enum pinned_prog prog, char *why,
		     size_t size)
{
	__u16 port = mail_port(settings_now(p));
	struct stream_key key = connection(port);
	int map = p->map[MAP_STREAMS], err;
	struct stream st = {};
	__u32 verdict;
	struct frame f;

	bpf_map_delete_elem(map, &key);
	build(&f, prog == PROG_DETECT_ETHERNET, SERVER, CLIENT, port,
	      CLIENT_PORT, REPLY);
	err = run(p, prog, &f, &verdict, why, size);
	if (err)
		return err;
	bpf_map_lookup_elem(map, &key, &st);
	bpf_map_delete_elem(map, &key);
	if (verdict == (__u32)TC_ACT_UNSPEC &&
	    st.next_seq == SEQ + strlen(REPLY))
		return 0;
	snprintf(why, size, "a reply was not read in the self-test");
	return -EPROTO;
}

int self_test_listen(struct pins *p, enum pinned_prog prog, char *why,
		     size_t size)
{
	__u16 port = mail_port(settings_now(p));
	struct stream_key key = connection(port);
	struct wire_dialogue w = { .next_seq = SEQ, .d.commands = 1 };
	int map = p->map[MAP_DIALOGUES], err;
	__u32 verdict;
	struct frame f;

	if (!(settings_now(p)->users & USERS_WIRE))
		return 0;
	if (bpf_map_update_elem(map, &key, &w, BPF_ANY)) {
		err = -errno;
		snprintf(why, size,
			 "the self-test's dialogue cannot be written: %s",
			 strerror(-err));
		return err;
	}
	build(&f, true, CLIENT, SERVER, CLIENT_PORT, port, AUTH);
	err = run(p, prog, &f, &verdict, why, size);
	memset(&w, 0, sizeof(w));
	bpf_map_lookup_elem(map, &key, &w);
	bpf_map_delete_elem(map, &key);
	if (err)
		return err;
	if (verdict == TC_ACT_SHOT && w.d.attempt[0].tried.hash)
		return 0;
	snprintf(why, size, "a login was not read in the self-test");
	return -EPROTO;
}
