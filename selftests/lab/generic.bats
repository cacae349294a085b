#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Behind generic XDP a packet reaches tc ingress in two shapes: as the driver
# made it, and copied, without the Ethernet header in front (mac_len 0, since
# Linux 6.9). Who is tried in the clear is known on every kind of device, and
# `status` would say if it were not. On real Postfix.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

ADDRESSES="$POSTFIX/24 $EXIM/24 $DOVECOT/24 $NGINX/24"

# The mail host's addresses, from one of its devices to another.
move() { # FROM TO
	local a
	at mail ip -4 addr flush dev $1
	for a in $ADDRESSES; do
		at mail ip addr add $a dev $2
	done
	at mail ip link set $2 up
	at mail ip route replace default via $GATEWAY dev $2
	# Nobody is to remember the old device's MAC address.
	at router ip neigh flush all
	at mail ip neigh flush all
}

macvlan() {
	at mail ip link add mv0 link eth0 type macvlan mode bridge ||
		skip "this kernel has no macvlan"
	# Else eth0 answers for mv0's addresses, too, and who is first gets all.
	at mail sysctl -qw net.ipv4.conf.eth0.arp_ignore=1
	move eth0 mv0
	DEV=mv0
}

bridge() {
	at mail ip link add br0 type bridge || skip "this kernel has no bridge"
	at mail ip link set eth0 master br0
	move eth0 br0
	DEV=br0
}

# Its peer sends by more queues than it receives by: native XDP is refused.
veth() {
	ip link add eth1 netns mail numtxqueues 1 numrxqueues 1 type veth \
		peer name to-mail1 netns router numtxqueues 2 numrxqueues 2
	at router ip addr del $GATEWAY/24 dev to-mail
	at router ip addr add $GATEWAY/24 dev to-mail1
	at router ip link set to-mail1 up
	move eth0 eth1
	DEV=eth1
}

after() {
	[ -n "${DEV-}" ] || return 0
	move $DEV eth0
	[ $DEV != eth1 ] || {
		at router ip addr del $GATEWAY/24 dev to-mail1
		at router ip addr add $GATEWAY/24 dev to-mail
	}
	at mail ip link set eth0 nomaster
	at mail ip link del $DEV
	at mail ip route replace default via $GATEWAY dev eth0
	at router ip neigh flush all
	DEV=
}

iface() { # FIELD
	smtpxdp status -j | jq -r --arg n $DEV \
		".interfaces[] | select(.name == \$n) | .$1"
}

# Whom the journal says was tried, in order; "-" where it is not known.
tried_are() { # [USER...]
	same "tried" "$(journal SMTPXDP_EVENT=failure |
		jq -rs 'map(.SMTPXDP_USER // "-") | join(" ")')" "$*"
}

# What depends on the users, on $DEV.
users_are_known() {
	conf rate 20/120s attack-users 4 log-failures yes log-users yes \
		stale-rate 30/10m
	daemon_up -i $DEV
	same "XDP" "$(iface xdp)" generic
	same "self-test" "$(iface users)" read
	same "problems" "$(smtpxdp status --check | grep $DEV || true)" ''
	has "$(smtpxdp status || true)" "$DEV: xdp generic, .*, users read$"
	login_fail attacker 1 --user alice
	login_fail attacker 1 --user carol --mss 88
	login_fail attacker 1 --tries 3 --pipeline --user alice
	until_true 5 tried_are alice carol alice alice alice
	same "users" "$(why $ATTACKER .client.users)" 2
	login_fail attacker 1 --user a-name-that-does-not-fit-into-one-segment-of-some-eighty-bytes \
		--mss 88
	same "nobody" "$(banned)" ''
	fails 28 swaks_try attacker dave wrong $POSTFIX --auth LOGIN
	until_true 5 banned_are $ATTACKER/32
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_KIND=attack \
		SMTPXDP_USERS=4
	# And one user over and over, by the other rate.
	login_fail honest 5 --user erin --password old
	same "kind" "$(why $HONEST .client.kind)" stale
	vanished attacker
	same "self-test" "$(iface users)" read
}

@test "macvlan: users are known, and many of them are banned" {
	macvlan
	users_are_known
}

@test "bridge: the same" {
	bridge
	users_are_known
}

@test "veth whose native XDP is refused: the same" {
	veth
	users_are_known
}
