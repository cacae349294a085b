#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A ban ends what the client has open: whose connections go, and whose stay.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

# Opens connections that stay, one from each of the comma-separated sources.
hold() { # NAME SOURCES [OPTION...]
	local name=$1 ns=attacker
	[ "$2" != $HONEST ] || ns=honest
	rm -f $LAB/log/$name
	background $name $ns python3 -B "$HELPER" hold --from "$2" "${@:3}"
	until_true 10 grep -q ^open $LAB/log/$name || {
		cat $LAB/log/$name
		return 1
	}
}

# What became of them, on one line.
fate() { # NAME
	grep -v ^open $LAB/log/$1 | sort | uniq -c | xargs
}

has_fate() { # NAME FATE
	[ "$(fate $1)" = "$2" ]
}

# How many the mail host still has, with that client.
open_with() { # ADDRESS
	at mail ss -Htn state connected dst $1 | wc -l
}

# The processes that serve a client.
servers_of() { # ADDRESS
	at mail ss -Htnp state established dst $1 |
		grep -o 'pid=[0-9]*' | cut -d= -f2
}

all_gone() { # PID...
	local pid
	for pid in "$@"; do
		gone $pid || return 1
	done
}

postfix_set() { # NAME=VALUE
	postconf -c $LAB/postfix/etc -e "$1"
	at mail postfix -c $LAB/postfix/etc reload 2>/dev/null 3>&-
}

# Networks of the attacker's, in which every address is his own.
MANY6=2001:db8:bad:100::/56

# A server that refuses every login, of IPv4 and IPv6 by one listener.
door_up() {
	background door mail python3 -B -c '
import socket, threading
def serve(c):
    try:
        c.sendall(b"220 door\r\n")
        for line in c.makefile("rb"):
            c.sendall(b"535 no\r\n" if line.startswith(b"AUTH") else b"250 ok\r\n")
    except OSError:
        pass
s = socket.create_server(("::", 2525), family=socket.AF_INET6, backlog=1000,
                         dualstack_ipv6=True)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()'
	until_true 5 listens mail '[::]' 2525
}

after() {
	local name
	for name in one two three door; do
		end $name
	done
	at attacker ip -6 route del local $MANY6 dev lo 2>/dev/null || true
	at router ip -6 route del $MANY6 2>/dev/null || true
	: >$CONF
}

@test "Postfix: the processes that serve a banned client go at once" {
	local pids
	postfix_set max_use=1 # a process ends with its session
	conf rate 3/60s
	daemon_up
	hold one $ATTACKER --connections 3
	hold two $HONEST
	pids=$(servers_of $ATTACKER)
	same "processes" "$(wc -l <<<"$pids")" 3
	login_fail attacker 3
	same "ban list" "$(banned)" $ATTACKER/32
	# By themselves they would wait for smtpd_timeout, 300 seconds.
	until_true 10 all_gone $pids
	until_true 5 has_fate one '3 ConnectionResetError'
	same "connections left" "$(open_with $ATTACKER)" 0
	same "the honest one's" "$(open_with $HONEST)" 1
	until_true 5 journal_has SMTPXDP_EVENT=cut SMTPXDP_NET=$ATTACKER/32
	same "told" "$(journal SMTPXDP_EVENT=cut | jq -r \
		'.SMTPXDP_CONNECTIONS + ": " + .MESSAGE')" \
		"6: cut 6 connections of $ATTACKER/32"
	same "counted" "$(counter connections-cut)" 6
	postfix_set max_use=100
}

@test "cut-sessions = no: they stay; yes: from the next ban on they go" {
	conf rate 3/60s cut-sessions no
	daemon_up
	hold one $ATTACKER --connections 2
	has "$(smtpxdp ban add $ATTACKER)" "^banned $ATTACKER/32 for 1h\$"
	same "connections" "$(open_with $ATTACKER)" 2
	smtpxdp config set cut-sessions yes
	has "$(smtpxdp ban add $ATTACKER)" ', 2 connections cut$'
	same "connections" "$(open_with $ATTACKER)" 0
	has "$(smtpxdp -j events)" '"event":"cut".*"connections":2'
}

@test "IPv6: the client's /64, then the network around it" {
	daemon_up
	hold one $ATTACKER6,2001:db8:bad::8,2001:db8:bad:1::7 --server $POSTFIX6
	hold two $ATTACKER
	same "cut" "$(smtpxdp -j ban add $ATTACKER6 | jq .connections_cut)" 2
	same "of the next /64" "$(open_with "[2001:db8:bad:1::7]")" 1
	same "cut" "$(smtpxdp -j ban add 2001:db8:bad::/48 | jq .connections_cut)" 1
	same "of IPv4" "$(open_with $ATTACKER)" 1
}

@test "IPv4 on a listener of both, which sees mapped addresses" {
	daemon_up
	door_up
	hold one $ATTACKER,198.51.100.8 --port 2525
	has "$(at mail ss -Htn state established)" "\[::ffff:$ATTACKER\]"
	same "cut" "$(smtpxdp -j ban add $ATTACKER | jq .connections_cut)" 1
	same "of the other" "$(open_with "[::ffff:198.51.100.8]")" 1
	same "cut" "$(smtpxdp -j ban add 198.51.100.0/24 | jq .connections_cut)" 1
}

@test "whoever is allowlisted keeps his, and so does every other port" {
	conf allow 198.51.100.8
	daemon_up
	hold one $ATTACKER,198.51.100.8
	hold two $ATTACKER --port 10025
	smtpxdp allow add 198.51.100.9
	hold three 198.51.100.9
	same "cut" "$(smtpxdp -j ban add 198.51.100.0/24 | jq .connections_cut)" 1
	same "by the key" "$(open_with 198.51.100.8)" 1
	same "by command" "$(open_with 198.51.100.9)" 1
	same "of the banned" "$(open_with $ATTACKER)" 1
	# Of all ports' packets are dropped with scope = all, but ssh is ssh.
	smtpxdp config set scope all
	same "cut" "$(smtpxdp -j ban add $ATTACKER | jq .connections_cut)" 0
}

@test "mode monitor cuts nothing" {
	conf rate 3/60s mode monitor
	daemon_up
	hold one $ATTACKER
	login_fail attacker 3
	until_true 5 journal_has SMTPXDP_EVENT=would-ban
	same "cut" "$(smtpxdp -j ban add $ATTACKER | jq .connections_cut)" 0
	[ "$(open_with $ATTACKER)" -ge 1 ]
	same "counted" "$(counter connections-cut)" 0
}

@test "ban add cuts while the daemon is down, too" {
	daemon_up
	daemon_down KILL
	hold one $ATTACKER
	has "$(smtpxdp ban add $ATTACKER)" ', 1 connection cut$'
	same "connections" "$(open_with $ATTACKER)" 0
	same "counted" "$(counter connections-cut)" 1
}

@test "ban add from another network namespace says that it cannot" {
	daemon_up
	hold one $ATTACKER
	output=$(at honest "$BIN" --pin $PIN ban add $ATTACKER 2>&1)
	has "$output" "banned $ATTACKER/32"
	has "$output" 'not cut: .*network namespace'
	same "connections" "$(open_with $ATTACKER)" 1
}

@test "200 clients banned at once: all of theirs are cut, nobody else's" {
	conf rate 1/60s max-bans-per-minute off ipv6-net-rate off # all in one /48
	door_up
	at attacker ip -6 route add local $MANY6 dev lo
	sysctl_at attacker ipv6/ip_nonlocal_bind 1
	at router ip -6 route add $MANY6 via $ATTACKER6
	daemon_up
	hold two $HONEST --port 2525
	hold one "$(printf '2001:db8:bad:1%02x::5,' {1..200} | sed 's/,$//')" \
		--server $POSTFIX6 --port 2525 --tries 1 --password wrong
	until_true 20 has_fate one '200 ConnectionResetError'
	until_true 5 counted 200
	same "bans" "$(smtpxdp status -j | jq .bans)" 200
	same "told" "$(journal SMTPXDP_EVENT=cut | jq -s \
		'map(.SMTPXDP_CONNECTIONS | tonumber) | add')" 200
	same "the honest one's" "$(open_with "[::ffff:$HONEST]")" 1
}

counted() { # CONNECTIONS
	[ "$(counter connections-cut)" = $1 ]
}

# A kernel without CONFIG_INET_DIAG_DESTROY.
no_destroy() {
	cat >$BATS_FILE_TMPDIR/no_destroy.c <<-'EOF2'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <errno.h>
		#include <linux/netlink.h>
		#include <linux/sock_diag.h>
		#include <sys/socket.h>

		ssize_t sendto(int fd, const void *buf, size_t len, int flags,
			       const struct sockaddr *to, socklen_t size)
		{
			static ssize_t (*real)(int, const void *, size_t, int,
					       const struct sockaddr *, socklen_t);

			if (!real)
				real = dlsym(RTLD_NEXT, "sendto");
			if (to && to->sa_family == AF_NETLINK && len >= 16 &&
			    ((const struct nlmsghdr *)buf)->nlmsg_type == SOCK_DESTROY) {
				errno = EOPNOTSUPP;
				return -1;
			}
			return real(fd, buf, len, flags, to, size);
		}
	EOF2
	cc -shared -fPIC -o $BATS_FILE_TMPDIR/no_destroy.so \
		$BATS_FILE_TMPDIR/no_destroy.c -ldl
}

@test "a kernel that cannot: said once, by status too, and the ban holds" {
	no_destroy
	daemon_env LD_PRELOAD=$BATS_FILE_TMPDIR/no_destroy.so
	conf rate 2/60s
	daemon_up
	daemon_env
	smtpxdp status --check # this process can
	fails 1 env LD_PRELOAD=$BATS_FILE_TMPDIR/no_destroy.so \
		nsenter --net=/run/netns/mail "$BIN" --pin $PIN status --check
	has "$output" 'cut-sessions: .*INET_DIAG_DESTROY'
	hold one 198.51.100.8
	output=$(LD_PRELOAD=$BATS_FILE_TMPDIR/no_destroy.so \
		smtpxdp ban add 198.51.100.8 2>&1)
	has "$output" 'not cut: .*INET_DIAG_DESTROY'
	login_fail attacker 2
	login_fail attacker 2 --from 198.51.100.9
	same "ban list" "$(banned)" \
		"$ATTACKER/32 198.51.100.8/32 198.51.100.9/32"
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_CLIENT=198.51.100.9
	vanished attacker # long enough for both of its looks
	same "told" "$(grep -c 'error: .*INET_DIAG_DESTROY' $LAB/log/smtpxdp)" 1
}
