// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "show/self_test.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "lists/allowlist.h"
#include "lists/banlist.h"
#include "maps/clients_map.h"
#include "deliver.h"
#include "dialogue.h"
#include "sys/links.h"
#include "maps/settings_map.h"
#include "stream.h"

#define CLIENT SELF_TEST_CLIENT
#define SERVER 0x00000002
#define CLIENT_PORT 1
#define SEQ 1
#define BAN_SEC 10 /* ends the ban of a test killed before it removes it */
#define AUTH "AUTH PLAIN AGEAYQ==\r\n"
#define REPLY "535 self-test" /* no line's end: not counted */

#define HEARD_MSEC 250 /* ms for a frame that RPS hands to another CPU */
#define HEARD_TRIES 3 /* the LRU map may evict the test's dialogue */

struct frame {
	__u8 bytes[DELIVER_SIZE];
	__u32 len;
};

static void append(struct frame *f, const void *bytes, size_t n)
{
	memcpy(f->bytes + f->len, bytes, n);
	f->len += n;
}

/* Builds a frame of TCP over IPv4 with checksums 0. */
static void build(struct frame *f, bool ethernet, __u32 src, __u32 dst,
		  __u16 sport, __u16 dport, const char *payload)
{
	struct ethhdr eth = { .h_dest = { 2, 's', 'm', 't', 'p', 1 },
			      .h_source = { 2, 's', 'm', 't', 'p', 2 },
			      .h_proto = htons(ETH_P_IP) };
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

	memset(f, 0, sizeof(*f));
	if (ethernet)
		append(f, &eth, sizeof(eth));
	append(f, &ip, sizeof(ip));
	append(f, &tcp, sizeof(tcp));
	append(f, payload, strlen(payload));
}

/* Runs a frame through a program. -errno and why. */
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

/* Runs a frame through the gate: -EPROTO if the verdict is not `wanted`. */
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

static struct net client_host(void)
{
	struct addr client = address(CLIENT);

	return net_of(&client, ADDR_BITS);
}

/* The lowest port of a bitmap; 0: there is none. */
static __u16 lowest(const __u64 *ports)
{
	__u16 port = 0;

	while (++port && !(ports[port / 64] >> port % 64 & 1))
		;
	return port;
}

/* Bans the test's client, runs the frame, and lifts the ban. */
static int judge_banned(struct pins *p, enum pinned_prog prog,
			const struct frame *f, const struct clock_pair *now,
			char *why, size_t size)
{
	struct ban b = { .expires = now->jiffies + BAN_SEC * clock_hz(),
			 .since = now->boot_ns,
			 .flags = BAN_TEST };
	struct net host = client_host(), net = client_of(p, &host), entry;
	int err = banlist_put(p, &net, &b);

	if (err) {
		snprintf(why, size, "the self-test's ban cannot be written: %s",
			 strerror(-err));
		return err;
	}
	if (allowlist_find(p, &host, &entry))
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
	struct net host = client_host();
	struct clock_pair now;
	struct ban_row row;
	struct frame f;
	int err;

	build(&f, prog == PROG_DROP_ETHERNET, CLIENT, SERVER, CLIENT_PORT,
	      lowest(settings_now(p)->closed), "");
	err = clock_read(p->prog[PROG_CLOCK], &now);
	if (err) {
		snprintf(why, size, "the clock cannot be read: %s",
			 strerror(-err));
		return err;
	}
	/* Somebody banned a network around it: its drops are not ours. */
	if (!banlist_find(p, &host, &now, &row) && !(row.ban.flags & BAN_TEST))
		return 0;
	banlist_remove(p, &row.net); /* left by a test that was killed */
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

/*
 * Begins the test's stream, as of a forwarded connection that was accepted: for
 * what no socket sends is not believed by itself.
 */
static int put_stream(struct pins *p, const struct stream_key *key, char *why,
		      size_t size)
{
	struct stream st = { .next_seq = SEQ,
			     .first_seq = SEQ,
			     .state = STREAM_FORWARDED };
	int err = bpf_map_update_elem(p->map[MAP_STREAMS], key, &st, BPF_ANY) ?
			  -errno :
			  0;

	if (err)
		snprintf(why, size,
			 "the self-test's stream cannot be written: %s",
			 strerror(-err));
	return err;
}

int self_test_sensor(struct pins *p, enum pinned_prog prog, char *why,
		     size_t size)
{
	__u16 port = lowest(settings_now(p)->ports);
	struct stream_key key = connection(port);
	int map = p->map[MAP_STREAMS], err;
	struct stream st = {};
	__u32 verdict;
	struct frame f;

	err = put_stream(p, &key, why, size);
	if (err)
		return err;
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

/* Writes the dialogue of a client that is about to send AUTH. -errno. */
static int put_dialogue(struct pins *p, const struct stream_key *key, char *why,
			size_t size)
{
	struct wire_dialogue w = { .next_seq = SEQ,
				   .replies = 1,
				   .d.commands = 1 };
	int err = bpf_map_update_elem(p->map[MAP_DIALOGUES], key, &w, BPF_ANY) ?
			  -errno :
			  0;

	if (err)
		snprintf(why, size,
			 "the self-test's dialogue cannot be written: %s",
			 strerror(-err));
	return err;
}

/* Did the listener read a user into the dialogue? 1, 0, or -ENOENT: evicted. */
static int is_heard(struct pins *p, const struct stream_key *key)
{
	struct wire_dialogue w;

	if (bpf_map_lookup_elem(p->map[MAP_DIALOGUES], key, &w))
		return -ENOENT;
	return w.d.attempt[0].tried.hash != 0;
}

int self_test_listen(struct pins *p, enum pinned_prog prog, char *why,
		     size_t size)
{
	__u16 port = lowest(settings_now(p)->ports);
	struct stream_key key = connection(port);
	__u32 verdict;
	struct frame f;
	int err, heard;

	if (!(settings_now(p)->users & USERS_WIRE))
		return 0;
	err = put_dialogue(p, &key, why, size);
	if (err)
		return err;
	build(&f, true, CLIENT, SERVER, CLIENT_PORT, port, AUTH);
	err = run(p, prog, &f, &verdict, why, size);
	heard = is_heard(p, &key);
	bpf_map_delete_elem(p->map[MAP_DIALOGUES], &key);
	if (err)
		return err;
	if (verdict == TC_ACT_SHOT && heard == 1)
		return 0;
	snprintf(why, size, "a login was not read in the self-test");
	return -EPROTO;
}

/* Why a device cannot be tested, or NULL. */
static const char *untestable(struct pins *p, __u32 ifindex)
{
	struct net host = client_host();
	struct link link;
	struct clock_pair now;
	struct ban_row row;

	if (p->prog[PROG_DELIVER] < 0)
		return "the program for it is not loaded";
	if (link_read(ifindex, &link))
		return "the device cannot be looked at";
	if (!link.up)
		return "the device is down";
	if (!link.ethernet)
		return "the device has no Ethernet header";
	if (link.master)
		return "the device is a port of another one, such as a bridge";
	if (clock_read(p->prog[PROG_CLOCK], &now) ||
	    !banlist_find(p, &host, &now, &row))
		return "the self-test's address is banned";
	return NULL;
}

/* Makes the device receive the frame. -errno. */
static int receive(struct pins *p, __u32 ifindex, const struct frame *f)
{
	struct xdp_md ctx = { .data_end = sizeof(f->bytes),
			      .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->bytes,
		    .data_size_in = sizeof(f->bytes), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = 1, .batch_size = 1,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	return bpf_prog_test_run_opts(p->prog[PROG_DELIVER], &opts) ? -errno :
								      0;
}

/*
 * One test of a device: 1, 0 or -ENOENT as is_heard(); other -errno and why:
 * the test cannot be run.
 */
static int try_device(struct pins *p, __u32 ifindex,
		      const struct stream_key *key, const struct frame *f,
		      char *why, size_t size)
{
	int err = put_dialogue(p, key, why, size), heard;

	if (err)
		return err;
	err = receive(p, ifindex, f);
	if (err) {
		snprintf(why, size, "the kernel refuses the frame: %s",
			 strerror(-err));
		return err == -ENOENT ? -EIO : err;
	}
	for (int t = 0; !(heard = is_heard(p, key)) && t < HEARD_MSEC; t++)
		usleep(1000);
	return heard;
}

enum heard self_test_device(struct pins *p, __u32 ifindex, char *why,
			    size_t size)
{
	__u16 port = lowest(settings_now(p)->ports);
	struct stream_key key = connection(port);
	const char *reason = untestable(p, ifindex);
	int heard = -ENOENT;
	struct frame f;

	if (reason) {
		snprintf(why, size, "%s", reason);
		return UNTESTED;
	}
	build(&f, true, CLIENT, SERVER, CLIENT_PORT, port, AUTH);
	for (int i = 0; i < HEARD_TRIES && heard == -ENOENT; i++)
		heard = try_device(p, ifindex, &key, &f, why, size);
	bpf_map_delete_elem(p->map[MAP_DIALOGUES], &key);
	if (heard == 1)
		return HEARD;
	return !heard || heard == -ENOENT ? UNHEARD : UNTESTED;
}
