/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Kernel types, as far as the TLS sensor needs their fields (CO-RE finds the
 * offsets), and what the TLS sensor reads from sockets and processes.
 */
#ifndef SMTPXDP_KERNEL_H
#define SMTPXDP_KERNEL_H

#include <stdbool.h>
#include <linux/in.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "addr.h"
#include "settings.h"
#include "stream.h"

#define AF_INET 2
#define AF_INET6 10

struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

typedef struct {
	__u32 val; /* as the machine's own user namespace numbers users */
} __attribute__((preserve_access_index)) kuid_t;

struct user_namespace {
	int level; /* 0: the machine's own */
	kuid_t owner; /* who made it */
} __attribute__((preserve_access_index));

struct netns_ipv4 {
	int sysctl_ip_prot_sock; /* ip_unprivileged_port_start; of IPv6, too */
} __attribute__((preserve_access_index));

/* struct net of the kernel: CO-RE ignores what follows three underscores. */
struct net___kernel {
	struct ns_common ns;
	struct user_namespace *user_ns; /* whose root administers it */
	struct netns_ipv4 ipv4;
	__u64 net_cookie; /* no other one has had it since the machine booted */
} __attribute__((preserve_access_index));

typedef struct {
	struct net___kernel *net;
} __attribute__((preserve_access_index)) possible_net_t;

struct sock_common {
	possible_net_t skc_net;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned long skc_flags; /* bits: enum sock_flags */
	struct {
		__u8 b[16];
	} skc_v6_daddr;
	struct {
		__u8 b[16];
	} skc_v6_rcv_saddr;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
	__u16 sk_type;
	__u16 sk_protocol;
	__u8 sk_userlocks : 4;
	int sk_err;
	kuid_t sk_uid;
	int sk_rx_dst_ifindex;
} __attribute__((preserve_access_index));

struct request_sock {
	struct sock_common __req_common;
} __attribute__((preserve_access_index));

struct inet_request_sock {
	struct request_sock req;
} __attribute__((preserve_access_index));

struct tcp_request_sock {
	struct inet_request_sock req;
} __attribute__((preserve_access_index));

enum sock_flags {
	SOCK_DEAD,
	SOCK_DONE, /* the peer's FIN has come */
};

struct inet_sock {
	struct sock sk;
	__be16 inet_sport;
} __attribute__((preserve_access_index));

struct inet_connection_sock {
	struct inet_sock icsk_inet;
} __attribute__((preserve_access_index));

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	/* TCP sequence numbers of the next byte: */
	__u32 copied_seq; /* that the process will read */
	__u32 rcv_nxt; /* that the socket expects */
	__u32 snd_una; /* that the peer will acknowledge */
	__u32 write_seq; /* that the process will write */
	__u64 bytes_acked; /* of snd_una: how many lie before it */
} __attribute__((preserve_access_index));

#define SOCK_STREAM 1

/* sk_userlocks: the process chose the port by bind(). */
#define SOCK_BINDPORT_LOCK 8

struct nsproxy {
	struct net___kernel *net_ns;
} __attribute__((preserve_access_index));

struct pid_namespace {
	struct ns_common ns;
} __attribute__((preserve_access_index));

/*
 * Not relocated, for its layout never changed; pid.numbers[] has one for each
 * level of PID namespaces.
 */
struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
} __attribute__((preserve_access_index));

struct task_struct {
	struct task_struct *group_leader;
	struct nsproxy *nsproxy;
	__u64 start_time;
	struct pid *thread_pid;
} __attribute__((preserve_access_index));

/* Inode of the network namespace to watch; 0: all of them. */
const volatile __u32 only_netns __weak = 0;

/* Inode of the daemon's network namespace. */
const volatile __u32 our_netns __weak = 0;

/* Inode of the daemon's PID namespace. */
const volatile __u32 our_pidns __weak = 0;
#define PIDNS_LEVELS 33

/* Start time of the current process, in units of 2^20 ns. */
static __always_inline __u32 process_started(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return BPF_CORE_READ(task, group_leader, start_time) >> 20;
}

/*
 * The pid in the struct upid at this address, if it is of the daemon's PID
 * namespace; else 0. A global function: verified once, not for each level.
 */
__noinline __weak int number_in_our_pidns(__u64 upid)
{
	struct upid id;

	if (bpf_probe_read_kernel(&id, sizeof(id), (void *)upid) ||
	    BPF_CORE_READ(id.ns, ns.inum) != our_pidns)
		return 0;
	return id.nr;
}

/*
 * The current process's pid as the daemon sees it; 0: not visible there. Verified
 * once.
 */
__noinline __weak int process_id(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	__u64 numbers =
		(__u64)__builtin_preserve_access_index(&pid->numbers[0]);

	for (__u32 i = 0; i < PIDNS_LEVELS && i <= bound_hide(level); i++) {
		int number =
			number_in_our_pidns(numbers + i * sizeof(struct upid));

		if (number)
			return number;
	}
	return 0;
}

/*
 * Is the current process one whose TLS is to be read: in the network namespace
 * to watch, and visible to the daemon, so of this host or of its containers?
 */
static __always_inline bool is_watched(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	return (!only_netns ||
		BPF_CORE_READ(task, nsproxy, net_ns, ns.inum) == only_netns) &&
	       process_id();
}

/* Is the socket TCP over IPv4 or IPv6? */
static __always_inline bool is_tcp(const struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	return (family == AF_INET || family == AF_INET6) &&
	       sk->sk_protocol == IPPROTO_TCP;
}

/* The local port. skc_num is 0 once a socket is closed; inet_sport stays. */
static __always_inline __be16 port_of(const struct tcp_sock *tp)
{
	return tp->inet_conn.icsk_inet.inet_sport;
}

/*
 * Did the process bind() this socket? Then it connected by itself: accept()
 * returns sockets without this mark, and nothing removes the mark from others.
 */
static __always_inline bool is_bound(const struct tcp_sock *tp)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;

	return BPF_CORE_READ_BITFIELD(sk, sk_userlocks) & SOCK_BINDPORT_LOCK;
}

static __always_inline const struct tcp_sock *tcp_of(const struct sock *sk)
{
	return bpf_skc_to_tcp_sock((void *)sk);
}

static __always_inline void of_v4(struct addr *a, __be32 v4)
{
	a->q[0] = 0;
	a->d[2] = ADDR_V4_WORD;
	a->d[3] = v4;
}

/*
 * Addresses of a socket's two ends. AF_INET6 sockets have IPv4 addresses
 * v4-mapped, as struct addr has.
 */
static __always_inline void ends_of(const struct sock *sk, struct addr *client,
				    struct addr *server)
{
	const struct sock_common *c = &sk->__sk_common;

	if (c->skc_family == AF_INET) {
		of_v4(client, c->skc_daddr);
		of_v4(server, c->skc_rcv_saddr);
	} else {
		bpf_core_read(client, sizeof(*client), &c->skc_v6_daddr);
		bpf_core_read(server, sizeof(*server), &c->skc_v6_rcv_saddr);
	}
}

/* Fills the key, all zero, of a socket that is the mail server's. */
static __always_inline void key_of_socket(const struct tcp_sock *tp,
					  struct stream_key *key)
{
	const struct sock *sk = &tp->inet_conn.icsk_inet.sk;

	ends_of(sk, &key->client, &key->server);
	key->server_port = port_of(tp);
	key->client_port = sk->__sk_common.skc_dport;
}

#endif
