// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The wire sensor attached to the loopback device of a network namespace of
 * its own: what test runs can't do, above all packets larger than a page and
 * the kernel's TCP.
 */
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/harness.h"

#define TCX_EGRESS 47 /* BPF_TCX_EGRESS, newer than these headers */
#define FILTER 0x535
#define REPLY "535 5.7.8 Error: authentication failed\r\n"
#define SCAN_BYTES 65536 /* see bpf/pure/reply.h */
#define SCAN_STEPS 8192
#define LO 1

struct wire {
	struct lab *lab;
	int raw; /* a socket for frames */
};

static struct wire wire;
static struct frame frame;
static char all[FRAME_MAX];

static bool wire_skip(const char *what, int err)
{
	static char reason[128];

	snprintf(reason, sizeof(reason), "%s: %s", what, strerror(err));
	lab_skip_reason = reason;
	lab_close(wire.lab);
	return false;
}

/* It goes with the network namespace. Before Linux 6.6 there is no TCX. */
static int attach(int prog)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = LO,
		    .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER, .priority = 1,
		    .prog_fd = prog);
	int err;

	if (bpf_link_create(prog, LO, TCX_EGRESS, NULL) >= 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	printf("# attached by clsact\n");
	err = bpf_tc_hook_create(&hook);
	return err ? err : bpf_tc_attach(&hook, &opts);
}

static bool wire_open(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int size = 1 << 24, err;

	if (unshare(CLONE_NEWNET))
		return wire_skip("a network namespace", errno);
	wire.raw = socket(AF_PACKET, SOCK_RAW, 0);
	assert_true(wire.raw >= 0);
	ifr.ifr_flags = IFF_UP;
	assert_int_equal(ioctl(wire.raw, SIOCSIFFLAGS, &ifr), 0);
	ifr.ifr_mtu = FRAME_MAX;
	assert_int_equal(ioctl(wire.raw, SIOCSIFMTU, &ifr), 0);
	assert_int_equal(setsockopt(wire.raw, SOL_SOCKET, SO_SNDBUFFORCE, &size,
				    sizeof(size)),
			 0);
	err = attach(bpf_program__fd(wire.lab->skel->progs.detect_ethernet));
	if (err)
		fail_msg("attaching: %s", strerror(-err));
	return true;
}

static int setup(void **state)
{
	dice_seed();
	wire.lab = lab_open((struct lab_sizes){});
	*state = wire.lab && wire_open() ? wire.lab : NULL;
	return 0;
}

static void send_frame(uint32_t len)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = LO,
				  .sll_halen = ETH_ALEN };

	if (sendto(wire.raw, frame.data, len, 0, (struct sockaddr *)&to,
		   sizeof(to)) != (ssize_t)len)
		fail_msg("sending %u bytes: %s", len, strerror(errno));
}

/* A segment of a connection; beyond 64 KiB only IPv6 can say so. */
static void send_segment(bool v6, uint16_t port, uint32_t seq,
			 const void *payload, uint32_t len)
{
	const struct shape s = { .v6 = v6, .jumbo = len > 65000 };
	struct flow flow = { .src = address(v6, 1, 0, 1),
			     .dst = address(v6, 2, 0, 7),
			     .sport = 25,
			     .dport = port };

	frame_build(&frame, &s, &flow, false, seq, payload, len);
	send_frame(frame.len);
}

/* Counted, whether the client was banned by then or not. */
static uint64_t failures(const struct lab *lab)
{
	return counted(lab, COUNTER_FAILURE) +
	       counted(lab, COUNTER_FAILURE_BANNED);
}

/* Every truncation within the IP header: a test run refuses those. */
static void test_cut_off(void **state)
{
	struct lab *lab = lab_of(state);

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		const struct shape *s = &shapes[i];
		struct flow flow = { .src = address(s->v6, 1, 0, 1),
				     .dst = address(s->v6, 2, 0, 7),
				     .sport = 25,
				     .dport = 40000 };

		frame_build(&frame, s, &flow, false, 1, REPLY, strlen(REPLY));
		for (uint32_t len = FRAME_MIN + 1; len < frame.settled; len++) {
			struct rise rise = { COUNTER_OUT_TRUNCATED, 1, len };

			if (len > 400 && len < frame.settled - 20)
				continue;
			send_frame(len);
			counters_are(lab, s->name, &rise, 1);
			counters_clear(lab);
		}
		map_clear(lab->skel->maps.streams);
	}
	assert_int_equal(map_count(lab->skel->maps.clients), 0);
}

/* Every shape, with headers that are in the first fragment or in others. */
static void test_shapes(void **state)
{
	struct lab *lab = lab_of(state);

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		const struct shape *s = &shapes[i];
		struct flow flow = { .src = address(s->v6, 1, 0, 1),
				     .dst = address(s->v6, 2, 0, 7),
				     .sport = 25,
				     .dport = 40000 };
		bool sound = !s->why && !s->proto && !s->ip_len &&
			     !s->len_add && !(s->doff && s->doff < 5);

		if (s->ext_len > 8)
			continue; /* behind what is pulled: not ours */
		memset(all, 'x', 9000);
		memcpy(all + 9000, "\n" REPLY, strlen(REPLY) + 1);
		frame_build(&frame, s, &flow, false, 1, all,
			    9001 + strlen(REPLY));
		send_frame(frame.len);
		if (failures(lab) != sound)
			fail_msg("%s: %llu failures", s->name,
				 (unsigned long long)failures(lab));
		counters_clear(lab);
		map_clear(lab->skel->maps.streams);
	}
}

/* As many replies as a GSO packet holds. */
static void test_full_of_replies(void **state)
{
	static const char *const lines[] = { "250 ok\r\n", "535 x\r\n", REPLY };
	struct lab *lab = lab_of(state);

	for (size_t i = 0; i < ARRAY_SIZE(lines) * 2; i++) {
		size_t n = strlen(lines[i / 2]), len = 0;
		uint64_t want = 1;

		for (; len + n + strlen(REPLY) < 57000; len += n) {
			memcpy(all + len, lines[i / 2], n);
			want += i >= 2;
		}
		memcpy(all + len, REPLY, strlen(REPLY));
		len += strlen(REPLY);
		send_segment(i & 1, 1000 + i, 1, all, len);
		assert_int_equal(failures(lab), want);
		assert_int_equal(counted(lab, COUNTER_SCAN_LIMIT), 0);
		send_segment(i & 1, 1000 + i, 1, all, len);
		assert_int_equal(failures(lab), want);
		assert_int_equal(counted(lab, COUNTER_RETRANSMIT), 1);
		counters_clear(lab);
	}
}

/* To the last byte that is read, and one more. */
static void test_scan_bytes(void **state)
{
	struct lab *lab = lab_of(state);
	uint32_t n = strlen(REPLY);

	for (int beyond = 0; beyond < 2; beyond++) {
		uint32_t len = SCAN_BYTES + beyond;

		memset(all, 'x', len);
		memcpy(all + len - n - 1, "\n" REPLY, n + 1);
		send_segment(true, 2000 + beyond, 1, all, len);
		assert_int_equal(failures(lab), !beyond);
		assert_int_equal(counted(lab, COUNTER_SCAN_LIMIT), beyond);
		counters_clear(lab);
	}
}

/*
 * Behind what isn't read the place is lost: the line that the next segment
 * begins in is nothing, and no line of before is judged again.
 */
static void test_after_scan_limit(void **state)
{
	static const struct {
		const char *before; /* what the limit cuts off, and its line */
		unsigned int failures;
	} rows[] = {
		{ REPLY, 1 },
		{ "535 unfinished", 0 },
		{ "535-x\r\n", 0 },
		{ "250 x\r\n", 0 },
	};
	struct lab *lab = lab_of(state);

	for (size_t i = 0; i < ARRAY_SIZE(rows) * 2; i++) {
		uint32_t n = strlen(rows[i / 2].before), len;
		unsigned int want = rows[i / 2].failures;
		bool steps = i & 1; /* out of steps, or of bytes */

		len = steps ? SCAN_STEPS - 1 : SCAN_BYTES - n;
		memset(all, steps ? '\n' : 'x', len);
		all[len - 1] = '\n';
		memcpy(all + len, rows[i / 2].before, n);
		memset(all + len + n, 'x', 200);
		len += n + 200;
		send_segment(true, 3000 + i, 1, all, len);
		assert_int_equal(counted(lab, COUNTER_SCAN_LIMIT), 1);
		if (failures(lab) != want)
			fail_msg("row %zu: %llu failures", i,
				 (unsigned long long)failures(lab));
		send_segment(true, 3000 + i, 1 + len, "yy\r\n", 4);
		if (failures(lab) != want)
			fail_msg("row %zu, next segment: %llu failures", i,
				 (unsigned long long)failures(lab));
		send_segment(true, 3000 + i, 5 + len, REPLY, strlen(REPLY));
		assert_int_equal(failures(lab), want + 1);
		counters_clear(lab);
	}
}

/* --- the kernel's TCP --- */

struct session {
	bool v6;
	int mss; /* the client's; 0: as it is */
	int window; /* the client's; 0: as it is */
	size_t write; /* the server writes so much at once; 0: all */
	bool lossy; /* what it sends first is lost */
	int listener, server, client;
	uint16_t port;
	size_t len; /* of all[] */
};

static socklen_t loopback(bool v6, uint16_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *in = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (v6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_addr = in6addr_loopback;
		in6->sin6_port = htons(port);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in->sin_port = htons(port);
	return sizeof(*in);
}

static void session_connect(struct session *s)
{
	struct sockaddr_storage to;
	socklen_t len = loopback(s->v6, s->port, &to);
	int family = s->v6 ? AF_INET6 : AF_INET, on = 1;

	s->listener = socket(family, SOCK_STREAM, 0);
	s->client = socket(family, SOCK_STREAM, 0);
	setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(s->listener, (struct sockaddr *)&to, len), 0);
	assert_int_equal(listen(s->listener, 1), 0);
	if (s->mss)
		assert_int_equal(setsockopt(s->client, IPPROTO_TCP, TCP_MAXSEG,
					    &s->mss, sizeof(s->mss)),
				 0);
	if (s->window)
		assert_int_equal(setsockopt(s->client, SOL_SOCKET, SO_RCVBUF,
					    &s->window, sizeof(s->window)),
				 0);
	assert_int_equal(connect(s->client, (struct sockaddr *)&to, len), 0);
	s->server = accept(s->listener, NULL, NULL);
	assert_true(s->server >= 0);
	setsockopt(s->server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void *server_main(void *arg)
{
	struct session *s = arg;
	size_t step = s->write ? s->write : s->len;

	for (size_t at = 0; at < s->len; at += step) {
		size_t n = s->len - at < step ? s->len - at : step;

		if (send(s->server, all + at, n, 0) != (ssize_t)n)
			break;
	}
	shutdown(s->server, SHUT_WR);
	return NULL;
}

/* In scope all, a ban of loopback loses whatever is sent. */
static void lose_everything(struct lab *lab, bool lose)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct addr a = { .b[15] = 1 };
		struct ban b = { .expires = UINT64_MAX };
		struct net net;

		if (!v6) {
			a.d[2] = ADDR_V4_WORD;
			a.d[3] = htonl(INADDR_LOOPBACK);
		}
		net = client_at(&lab->pins, &a);
		if (lose)
			assert_int_equal(banlist_put(&lab->pins, &net, &b), 0);
		else
			banlist_remove(&lab->pins, &net);
	}
}

static size_t client_read(struct session *s)
{
	static char got[FRAME_MAX];
	size_t len = 0;
	ssize_t n;

	while ((n = read(s->client, got + len, sizeof(got) - len)) > 0)
		len += n;
	assert_memory_equal(got, all, len);
	return len;
}

static void session_run(struct lab *lab, struct session *s)
{
	pthread_t thread;

	session_connect(s);
	if (s->lossy)
		lose_everything(lab, true);
	assert_int_equal(pthread_create(&thread, NULL, server_main, s), 0);
	if (s->lossy) { /* until something was sent again */
		while (!counted(lab, COUNTER_RETRANSMIT))
			usleep(10000);
		lose_everything(lab, false);
	}
	assert_int_equal(client_read(s), s->len);
	pthread_join(thread, NULL);
	close(s->server);
	close(s->client);
	close(s->listener);
}

static void test_tcp(void **state)
{
	LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);
	static const struct session sessions[] = {
		{ .mss = 0 },
		{ .v6 = true },
		{ .mss = 88 },
		{ .v6 = true, .mss = 1300 },
		{ .window = 1 },
		{ .v6 = true, .window = 1, .mss = 88 },
		{ .write = 1 },
		{ .v6 = true, .write = 8 },
		{ .write = 61, .mss = 100 },
		{ .lossy = true },
		{ .v6 = true, .lossy = true, .mss = 88 },
		{ .lossy = true, .write = 7 },
	};
	struct lab *lab = lab_of(state);
	int xdp =
		bpf_link_create(bpf_program__fd(lab->skel->progs.drop_ethernet),
				LO, BPF_XDP, &generic);

	assert_true(xdp >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(sessions); i++) {
		struct session s = sessions[i];
		uint64_t want = 0;

		lab->s.scope = SCOPE_ALL;
		lab->s.mode = MODE_MONITOR;
		lab_apply(lab);
		s.port = i % 2 ? 587 : 25;
		while (s.len < (s.write || s.lossy ? 3000 : 60000)) {
			bool counts = dice(2);

			s.len += sprintf(all + s.len, "%s",
					 counts ? REPLY :
						  "334 VXNlcm5hbWU6\r\n");
			want += counts;
		}
		session_run(lab, &s);
		if (failures(lab) != want)
			fail_msg("session %zu: %llu failures, not %llu", i,
				 (unsigned long long)failures(lab),
				 (unsigned long long)want);
		counters_clear(lab);
	}
	close(xdp);
}

/* What is sent to a mail server doesn't count, whatever it says. */
static void test_tcp_to_server(void **state)
{
	struct session s = { .port = 25 };
	struct lab *lab = lab_of(state);
	ssize_t n = 0;

	session_connect(&s);
	for (int i = 0; i < 100; i++)
		n += sprintf(all + n, "%s", REPLY);
	assert_int_equal(send(s.client, all, n, 0), n);
	for (ssize_t got; n > 0; n -= got) {
		got = read(s.server, all, sizeof(all));
		assert_true(got > 0);
	}
	assert_int_equal(failures(lab), 0);
	close(s.client);
	close(s.server);
	close(s.listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_full_of_replies),
		cmocka_unit_test(test_scan_bytes),
		cmocka_unit_test(test_after_scan_limit),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_tcp_to_server),
	};

	return cmocka_run_group_tests_name("detect on the wire", tests, setup,
					   lab_teardown);
}
