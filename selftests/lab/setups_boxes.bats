#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# More set-ups that operators describe: a container with an address of the LAN
# (macvlan), a proxy in one container before the server in another one, a port that
# is shared with HTTPS (sslh), and clients that a forwarder hides (ssh -R, socat).

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh
load ../lib/ways.sh
load ../lib/containers.sh

# A container's address in the LAN of the mail host.
OF_LAN=192.0.2.40

servers() {
	echo journald
}

before() {
	conf rate 6/60s slow-rate off
}

after() {
	end forwarder
	end box
	for ns in box front; do
		[ ! -e /run/netns/$ns ] || ip netns del $ns
	done
	at mail nft flush ruleset 2>/dev/null || true
	at mail ip link del br0 2>/dev/null || true
}

failures_are() { # ADDRESS COUNT
	[ "$(why $1 .client.failures)" = $2 ]
}

# In the clear and inside TLS, from the first session on, until the ban.
is_guarded() { # SERVER [OPTION...]
	local server=$1
	shift
	login_fail attacker 2 --server $server "$@" --tls starttls
	until_true 5 failures_are $ATTACKER 2
	login_fail attacker 3 --server $server "$@"
	until_true 5 failures_are $ATTACKER 5
	same "ban list" "$(banned)" ''
	login_fail attacker 1 --server $server "$@" --tls starttls
	until_true 5 banned_are $ATTACKER/32
	vanished attacker --server $server "$@"
	connects honest --server $server "$@"
}

serve_in() { # NS ADDRESS [OPTION...]
	lab_certificate
	background box $1 /usr/bin/python3 -B "$HELPER" serve --server $2 \
		--port 587 --tls starttls "${@:3}"
	until_true 10 listens $1 $2 587
}

@test "a container with an address of the LAN, by macvlan" {
	ip netns add box
	at mail ip link add mv0 link eth0 type macvlan mode bridge ||
		skip "no macvlan"
	at mail ip link set mv0 netns box
	at box ip link set mv0 name eth0
	at box ip link set lo up
	at box ip link set eth0 up
	at box ip addr add $OF_LAN/24 dev eth0
	at box ip route add default via $GATEWAY
	serve_in box $OF_LAN
	choose eth0
	is_guarded $OF_LAN
	no_problem
}

forward_up() { # NS FROM:PORT TO:PORT
	{
		haproxy_head
		printf 'listen it\n bind %s\n server it %s\n' $2 $3
	} >$LAB/forward.cfg
	background forwarder $1 haproxy -db -f $LAB/forward.cfg
	until_true 10 listens $1 ${2%:*} ${2#*:}
}

# As Traefik in Docker: its port is published, the server's is not.
@test "a proxy in one container before a server in another" {
	net_of_box
	ip netns add front
	ip link add eth0 netns front type veth peer name to-front netns mail
	at mail ip addr add 10.89.0.1/24 dev to-front
	at mail ip link set to-front up
	at front ip addr add 10.89.0.3/24 dev eth0
	at front ip link set eth0 up
	at front ip route add default via 10.89.0.1
	at mail nft -f - <<-EOF
		table ip published {
		  chain pre {
		    type nat hook prerouting priority dstnat;
		    ip daddr $PUBLIC tcp dport 587 dnat to 10.89.0.3
		  }
		}
	EOF
	serve_in box $BOX
	forward_up front 10.89.0.3:587 $BOX:587
	choose eth0
	is_guarded $PUBLIC
	no_problem
}

# As sslh on 443, which hands TLS that is not HTTPS to port 465.
@test "a port that is shared with HTTPS, and named in ports" {
	serve_in mail $PUBLIC
	forward_up mail $PUBLIC:443 $PUBLIC:587
	conf rate 6/60s slow-rate off ports "25, 587, 465, 443"
	choose eth0
	is_guarded $PUBLIC --port 443
	no_problem
}

told() { # PATTERN
	smtpxdp status --check | grep -qE "$1"
}

# As ssh -R or socat does.
@test "clients come by a forwarder on a port that is not in ports: told" {
	serve_in mail 127.0.0.1
	forward_up mail $PUBLIC:2626 127.0.0.1:587
	choose eth0
	login_fail attacker 20 --server $PUBLIC --port 2626 --tls starttls
	until_true 10 told '^127.0.0.1: most failed logins .*name it in proxies'
	same "ban list" "$(banned)" ''
}
