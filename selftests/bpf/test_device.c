// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The listener at a device's tc ingress, where test runs do not lead: frames
 * are received by a tap, without XDP and behind generic XDP, which copies those
 * that have little room in front and then, since Linux 6.9, hands them on
 * without the Ethernet header. And the self-test that goes this way, too.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "deliver.h"
#include "dialogue.h"
#include "lib/harness.h"
#include "show/self_test.h"

#define AUTH "AUTH PLAIN AGEAcA==\r\n"
#define SEQ 1

static struct frame frame;
static char why[256];

/* A device in a network namespace of its own; "" where there is none. */
struct device {
	struct lab *lab;
	int fd;
	char name[IFNAMSIZ];
	int ifindex;
	struct bpf_tc_hook hook;
};

static void link_up(const char *name, bool up)
{
	struct ifreq req = { .ifr_flags = up ? IFF_UP : 0 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	strcpy(req.ifr_name, name);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &req), 0);
	close(fd);
}

/* IFF_TAP or IFF_TUN, with the listener. */
static void device_open(struct device *d, struct lab *lab, int kind)
{
	LIBBPF_OPTS(bpf_tc_opts, opts,
		    .prog_fd = bpf_program__fd(lab->skel->progs.listen));
	struct ifreq req = { .ifr_flags = kind | IFF_NO_PI };
	int netns = unshare(CLONE_NEWNET);

	memset(d, 0, sizeof(*d));
	d->fd = netns ? -1 : open("/dev/net/tun", O_RDWR);
	if (d->fd < 0 || ioctl(d->fd, TUNSETIFF, &req)) {
		printf("# SKIP no network namespace or no tap here: %s\n",
		       strerror(errno));
		skip();
	}
	d->lab = lab;
	strcpy(d->name, req.ifr_name);
	d->ifindex = if_nametoindex(d->name);
	link_up(d->name, true);
	d->hook = (struct bpf_tc_hook){ .sz = sizeof(d->hook),
					.ifindex = d->ifindex,
					.attach_point = BPF_TC_INGRESS };
	assert_int_equal(bpf_tc_hook_create(&d->hook), 0);
	assert_int_equal(bpf_tc_attach(&d->hook, &opts), 0);
}

static void generic_xdp(struct device *d, bool on)
{
	int fd = on ? bpf_program__fd(d->lab->skel->progs.drop_ethernet) : -1;

	assert_int_equal(
		bpf_xdp_attach(d->ifindex, fd, XDP_FLAGS_SKB_MODE, NULL), 0);
}

/* What a frame goes through; each lets it pass. */
static const struct way {
	const char *name;
	bool generic;
	bool shifted; /* by the program deliver: generic XDP copies it */
} ways[] = {
	{ "no XDP", false, false },
	{ "generic XDP, as it is", true, false },
	{ "generic XDP, copied", true, true },
	{ "no XDP, shifted", false, true },
};

static void receive(struct device *d, const struct way *way,
		    const struct frame *f)
{
	const struct smtpxdp *skel = d->lab->skel;
	uint8_t padded[DELIVER_SIZE] = {};
	struct xdp_md ctx = { .data_end = sizeof(padded),
			      .ingress_ifindex = d->ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = padded,
		    .data_size_in = sizeof(padded), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = 1, .batch_size = 1,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	assert_true(f->len <= sizeof(padded));
	memcpy(padded, f->data, f->len);
	assert_int_equal(
		bpf_prog_test_run_opts(
			bpf_program__fd(way->shifted ?
						skel->progs.deliver :
						skel->progs.drop_ethernet),
			&opts),
		0);
}

static struct stream_key key_of(const struct flow *flow)
{
	return (struct stream_key){ .server = flow->dst,
				    .client = flow->src,
				    .server_port = htons(flow->dport),
				    .client_port = htons(flow->sport) };
}

static void expect(const struct lab *lab, const struct stream_key *key,
		   uint32_t seq)
{
	struct wire_dialogue w = { .next_seq = seq,
				   .replies = 1,
				   .d.commands = 1 };

	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(lab->skel->maps.dialogues), key,
				    &w, 0),
		0);
}

/* 0: as expect() left it. -ENOENT: given up. */
static int is_heard(const struct lab *lab, const struct stream_key *key)
{
	struct wire_dialogue w = {};
	int fd = bpf_map__fd(lab->skel->maps.dialogues);

	if (bpf_map_lookup_elem(fd, key, &w) || w.lost)
		return -ENOENT;
	assert_int_equal(w.d.n, w.d.attempt[0].tried.hash != 0);
	return w.d.n;
}

/*
 * The usual shapes; the kernel has taken one tag off. (Longer by 1 is true of
 * padded frames.)
 */
static bool is_usual(const struct shape *s)
{
	return (!s->why || (s->why == COUNTER_OUT_VLAN_DEPTH && !s->tag[3])) &&
	       !s->ihl && !(s->frag & 0x3fff) && !s->ext && !s->proto &&
	       !s->ip_len && (!s->doff || s->doff >= 5) && (!s->jumbo || s->v6);
}

static void test_shapes(void **state)
{
	struct lab *lab = lab_of(state);
	struct device d;
	unsigned int heard = 0, n = 0;

	device_open(&d, lab, IFF_TAP);
	for (size_t i = 0; i < ARRAY_SIZE(ways) * ARRAY_SIZE(shapes); i++) {
		const struct way *way = &ways[i / ARRAY_SIZE(shapes)];
		const struct shape *s = &shapes[i % ARRAY_SIZE(shapes)];
		struct flow flow = { .src = address(s->v6, 2, i >> 8, i),
				     .dst = address(s->v6, 1, 0, 1),
				     .sport = 40000,
				     .dport = 25 };
		struct stream_key key = key_of(&flow);

		frame_build(&frame, s, &flow, false, SEQ, AUTH, strlen(AUTH));
		/* What IP does not end, the frame's end does. */
		if (frame.len > DELIVER_SIZE || (s->v6 && s->jumbo))
			continue;
		generic_xdp(&d, way->generic);
		expect(lab, &key, SEQ);
		receive(&d, way, &frame);
		if ((is_heard(lab, &key) == 1) != is_usual(s))
			fail_msg("%s: %s: %s", way->name, s->name,
				 is_usual(s) ? "not heard" : "heard");
		heard += is_usual(s);
		n++;
	}
	printf("# %u of %u frames heard\n", heard, n);
	assert_true(heard >= 9 * ARRAY_SIZE(ways));
	close(d.fd);
}

/*
 * A sender can make the headers look like others 14 bytes before or after
 * them, to another connection's port: it stays untouched.
 */
static void test_look_alike(void **state)
{
	static const struct shape s = { .frag = 0x4000 };
	struct lab *lab = lab_of(state);
	struct device d;

	device_open(&d, lab, IFF_TAP);
	settings_port(&lab->s, 6 << 8 | 6); /* as TTL and protocol */
	lab_apply(lab);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct flow flow = { .src = address(false, 2, 0x45, i),
				     .dst = address(false, 1, 0, 1),
				     .sport = 0x4000,
				     .dport = 6 << 8 | 6 },
			    other = {};
		struct stream_key key = key_of(&flow), before, after;
		const struct iphdr *ip;
		const struct tcphdr *tcp;

		frame_build(&frame, &s, &flow, false, SEQ, AUTH, strlen(AUTH));
		frame.data[0] = 0x45; /* what comes first is IP's, or so */
		frame.data[9] = IPPROTO_TCP;
		frame.data[frame.l3 + 8] = 6;
		/* 14 bytes before, ... */
		ip = (void *)frame.data;
		tcp = (void *)(ip + 1);
		other.src = address(false, 0, 0, 0);
		other.dst = other.src;
		other.src.d[3] = ip->saddr;
		other.dst.d[3] = ip->daddr;
		other.sport = ntohs(tcp->source);
		other.dport = ntohs(tcp->dest);
		assert_int_equal(other.dport, flow.dport);
		before = key_of(&other);
		expect(lab, &before, ntohl(tcp->seq));
		/* ... and after. */
		ip = (void *)(frame.data + frame.l3 + ETH_HLEN);
		tcp = (void *)(ip + 1);
		assert_int_equal(*(uint8_t *)ip, 0x45);
		other.src.d[3] = ip->saddr;
		other.dst.d[3] = ip->daddr;
		other.sport = ntohs(tcp->source);
		other.dport = ntohs(tcp->dest);
		after = key_of(&other);
		expect(lab, &after, ntohl(tcp->seq));

		generic_xdp(&d, ways[i].generic);
		expect(lab, &key, SEQ);
		receive(&d, &ways[i], &frame);
		if (is_heard(lab, &key) != 1 || is_heard(lab, &before) ||
		    is_heard(lab, &after))
			fail_msg("%s: not heard, or another's", ways[i].name);
	}
	close(d.fd);
}

/* Packets that IP has seen in this network namespace. */
static unsigned long ip_received(void)
{
	FILE *f = fopen("/proc/self/net/snmp", "re");
	unsigned long n = 0;
	char line[1024];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "Ip: %*u %*u %lu", &n);
	fclose(f);
	return n;
}

static void tested(struct device *d, enum heard wanted, const char *reason)
{
	unsigned long received = ip_received();
	enum heard heard;

	*why = '\0';
	heard = self_test_device(&d->lab->pins, d->ifindex, why, sizeof(why));
	if (heard != wanted || (reason && !strstr(why, reason)))
		fail_msg("%d (%s), not %d (%s)", heard, why, wanted,
			 reason ? reason : "");
	assert_int_equal(ip_received(), received);
	assert_int_equal(map_count(d->lab->skel->maps.dialogues), 0);
	counters_are(d->lab, "self-test", NULL, 0);
}

static void test_self_test(void **state)
{
	struct lab *lab = lab_of(state);
	struct device d;

	device_open(&d, lab, IFF_TAP);
	tested(&d, HEARD, NULL);
	generic_xdp(&d, true);
	tested(&d, HEARD, NULL);
	tested(&d, HEARD, NULL);
	/* Whatever it was that kept the program from reading it. */
	assert_int_equal(
		bpf_tc_hook_destroy(&(struct bpf_tc_hook){
			.sz = sizeof(d.hook),
			.ifindex = d.ifindex,
			.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS }),
		0);
	tested(&d, UNHEARD, NULL);
	generic_xdp(&d, false);
	tested(&d, UNHEARD, NULL);
	close(d.fd);
}

/* A bridge would pass on what the listener does not drop. */
static void test_self_test_port(void **state)
{
	struct ifreq req = { .ifr_name = "br0" };
	struct lab *lab = lab_of(state);
	struct device d;
	int fd;

	device_open(&d, lab, IFF_TAP);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (ioctl(fd, SIOCBRADDBR, req.ifr_name)) {
		printf("# SKIP this kernel has no bridges: %s\n",
		       strerror(errno));
		skip();
	}
	req.ifr_ifindex = d.ifindex;
	assert_int_equal(ioctl(fd, SIOCBRADDIF, &req), 0);
	tested(&d, UNTESTED, "port of another");
	assert_int_equal(ioctl(fd, SIOCBRDELIF, &req), 0);
	tested(&d, HEARD, NULL);
	close(fd);
	close(d.fd);
}

static void test_self_test_not_tested(void **state)
{
	struct lab *lab = lab_of(state);
	struct net any = { .len = ADDR_V4_BITS };
	struct ban b = { .expires = lab_clock(lab).jiffies + (1 << 20),
			 .flags = BAN_FORCED };
	struct device d;

	device_open(&d, lab, IFF_TAP);
	link_up(d.name, false);
	tested(&d, UNTESTED, "down");
	link_up(d.name, true);
	any.addr[10] = any.addr[11] = 0xff;
	assert_int_equal(banlist_put(&lab->pins, &any, &b), 0);
	tested(&d, UNTESTED, "banned");
	assert_int_equal(banlist_remove(&lab->pins, &any), 0);
	tested(&d, HEARD, NULL);
	close(d.fd);
	tested(&d, UNTESTED, "cannot be looked at"); /* gone */

	device_open(&d, lab, IFF_TUN);
	tested(&d, UNTESTED, "no Ethernet");
	close(d.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_look_alike),
		cmocka_unit_test(test_self_test),
		cmocka_unit_test(test_self_test_port),
		cmocka_unit_test(test_self_test_not_tested),
	};

	return cmocka_run_group_tests_name("device", tests, lab_setup,
					   lab_teardown);
}
