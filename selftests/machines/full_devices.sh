#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What full_devices.bats has its machine do. The machine is the mail host of
# lab.sh, its first namespace `mail`; clients are in its namespace `client`, with
# a NIC of their own: eth1, at the other end of the same wire as eth0, eth2 (two
# more of virtio) and eth3 (e1000e, without native XDP).

# shellcheck disable=SC2086 # addresses and names hold no spaces

set -euo pipefail
export SMTPXDP_LAB=1
# shellcheck source=scripts/lab.sh
. /src/smtpxdp/scripts/lab.sh
# shellcheck source=selftests/lib/common.sh
. /src/smtpxdp/selftests/lib/common.sh
# shellcheck source=selftests/lib/ways.sh
. /src/smtpxdp/selftests/lib/ways.sh
BIN=/usr/sbin/smtpxdp
SERVER=10.5.0.25
PATIENCE="--timeout 60"

# Once.
world_up() {
	mkdir -p $LAB/log $LAB/pid
	systemctl disable --now smtpxdp 2>&1
	modprobe -a 8021q bonding bridge macvlan wireguard tls
	ip netns attach mail 1
	ip netns add client
	ip link set eth1 netns client
	at client ip link set lo up
	at client ip link set eth1 up
	lab_certificate
	background serve mail python3 -B $HELPER serve --server 0.0.0.0 \
		--port 587
	until_true 10 listens mail 0.0.0.0 587
}

# As world_up has left it, whatever the last test did.
world_clean() {
	local dev
	daemon_wipe
	end ktls
	for dev in eth0.5 bond0 br0 mv0 wg0; do
		ip link del $dev 2>/dev/null || true
	done
	for dev in eth1.5 wg1; do
		at client ip link del $dev 2>/dev/null || true
	done
	for dev in eth0 eth2 eth3; do
		ip addr flush dev $dev
		ip link set $dev mtu 1500 up
	done
	at client ip addr flush dev eth1
	at client ip link set eth1 mtu 1500 up
	at client ip neigh flush all
}

# The mail host's address on DEV, those of the clients on CLIENT_DEV.
addresses() { # DEV CLIENT_DEV
	ip link set $1 up
	at client ip link set $2 up
	ip addr add $SERVER/24 dev $1
	printf 'addr add 10.5.0.%s/24 dev '$2'\n' 7 8 9 | at client ip -batch -
	until_true 10 at client ping -c 1 -W 1 -I 10.5.0.9 $SERVER
}

iface() { # DEV FIELD
	smtpxdp status -j | jq -r --arg n $1 \
		".interfaces[] | select(.name == \$n) | .$2"
}

events() { # EVENT FIELD
	journal SMTPXDP_EVENT=$1 | jq -rs "map(.$2 // \"-\") | join(\" \")"
}

events_are() { # EVENT FIELD VALUES
	same "$2 of $1" "$(events $1 $2)" "$3"
}

fail_as() { # ADDRESS TRIES [OPTION...]
	login_fail client 1 --from $1 --tries $2 --server $SERVER $PATIENCE "${@:3}"
}

# seen_by FIELD VALUE: the same in all failures.
seen_by() {
	same "$1" "$(events failure $1 | tr ' ' '\n' | sort -u)" "$2"
}

# guard DEV XDP USERS [OPTION...]: a daemon at DEV. What `status` says of it.
guard() {
	journal_mark
	conf rate 5/1h log-failures yes log-users yes
	daemon_up -i $1 "${@:4}"
	same "XDP at $1" "$(iface $1 xdp)" $2
	same "self-test of users at $1" "$(iface $1 users)" "$3"
	smtpxdp status --check
}

# All that there is to it: counted for the right client, banned with the 5th and
# not before, dropped; who was tried is known; others are served. (Inside TLS, DEV
# is "-": of what is written there, no device is known.)
guarded() { # DEV [OPTION...]
	local a=10.5.0.7 before dev=$1
	shift
	fail_as $a 4 --user dave "$@"
	same "failures" "$(in_window $a)" 4
	same "nobody" "$(banned)" ''
	fail_as $a 1 --user carol "$@"
	until_true 5 banned_are $a/32
	until_true 5 events_are failure SMTPXDP_USER 'dave dave dave dave carol'
	seen_by SMTPXDP_IFACE "$dev"
	dropped $a "$@"
	connects client --from 10.5.0.8 --server $SERVER $PATIENCE "$@"
	smtpxdp status --check
}

# A daemon that chooses these devices by itself.
chosen() { # DEV...
	journal_mark
	conf rate 5/1h log-failures yes log-users yes
	choose "$@"
	smtpxdp status --check
}

dropped() { # ADDRESS [OPTION...]
	local before
	before=$(counter dropped-ban)
	vanished client --from $1 --server $SERVER "${@:2}"
	[ "$(counter dropped-ban)" -gt "$before" ] || {
		echo "nothing was counted as dropped"
		return 1
	}
}

# Both ends have VLAN 5, and in it VLAN 7.
vlans_up() {
	local ns
	for ns in mail client; do
		local dev=eth0
		[ $ns = mail ] || dev=eth1
		at $ns ip link add link $dev name $dev.5 type vlan \
			${1:+proto} ${1-} id 5
		at $ns ip link set $dev.5 up
		[ -z "${1-}" ] || {
			at $ns ip link add link $dev.5 name $dev.5.7 type vlan id 7
			at $ns ip link set $dev.5.7 up
		}
	done
}

vlan() {
	vlans_up
	addresses eth0.5 eth1.5
	guard eth0 native read
	guarded eth0
	daemon_wipe
	guard eth0.5 generic read
	guarded eth0.5
}

vlan_chosen() {
	vlans_up
	addresses eth0.5 eth1.5
	chosen eth0
	guarded eth0
}

# Both at once: each reply is counted once all the same, and who is tried is read
# at the lower one only.
stacked() {
	vlans_up
	addresses eth0.5 eth1.5
	guard eth0.5 generic 'read below' -i eth0
	same "users at eth0" "$(iface eth0 users)" read
	guarded eth0.5
}

qinq() {
	local dev
	vlans_up 802.1ad
	addresses eth0.5.7 eth1.5.7
	guard eth0 native read
	guarded eth0
	daemon_wipe
	for dev in eth0.5 eth0.5.7; do
		guard $dev generic read
		guarded $dev
		daemon_wipe
	done
}

bond() {
	ip link add bond0 type bond mode active-backup miimon 100
	ip link set eth0 down
	ip link set eth2 down
	ip link set eth0 master bond0
	ip link set eth2 master bond0
	addresses bond0 eth1
	guard bond0 native read
	guarded bond0
	fail_over eth0 eth2
	dropped 10.5.0.7
	connects client --from 10.5.0.9 --server $SERVER $PATIENCE
	smtpxdp status --check
	daemon_wipe
	# By its legs.
	guard eth2 native 'not tested' -i eth0
	guarded eth2
	fail_over eth2 eth0
	dropped 10.5.0.7
	connects client --from 10.5.0.9 --server $SERVER $PATIENCE
}

# A second leg comes, then the active one fails; and a VLAN above the bond.
bond_chosen() {
	ip link add bond0 type bond mode active-backup miimon 100
	ip link set eth0 down
	ip link set eth0 master bond0
	addresses bond0 eth1
	chosen eth0
	ip link set eth2 down
	ip link set eth2 master bond0
	until_true 10 watched_are eth0 eth2
	guarded eth0
	fail_over eth0 eth2
	dropped 10.5.0.7
	connects client --from 10.5.0.9 --server $SERVER $PATIENCE
	smtpxdp status --check
}

bond_vlan_chosen() {
	ip link add bond0 type bond mode active-backup miimon 100
	for dev in eth0 eth2; do
		ip link set $dev down
		ip link set $dev master bond0
	done
	ip link add link bond0 name bond0.5 type vlan id 5
	at client ip link add link eth1 name eth1.5 type vlan id 5
	ip link set bond0 up
	addresses bond0.5 eth1.5
	chosen eth0 eth2
	guarded eth0
	fail_over eth0 eth2
	dropped 10.5.0.7
}

fail_over() { # FROM TO
	ip link set $1 down
	until_true 5 grep -qx $2 /sys/class/net/bond0/bonding/active_slave
	ip link set $1 up
	# The wire learns where it is now.
	until_true 5 at client ping -c 1 -W 1 -I 10.5.0.9 $SERVER
}

bridge() {
	ip link add br0 type bridge
	ip link set eth0 master br0
	addresses br0 eth1
	guard br0 generic read
	guarded br0
	daemon_wipe
	guard eth0 native 'not tested'
	guarded eth0
}

macvlan() {
	ip link add mv0 link eth0 type macvlan mode bridge
	addresses mv0 eth1
	guard mv0 generic read
	guarded mv0
	daemon_wipe
	guard eth0 native read
	guarded eth0
}

# A device without Ethernet headers, whose packets the kernel decrypts.
wireguard() {
	local dir=$LAB/wg
	mkdir -p $dir
	wg genkey >$dir/wg0.key
	wg genkey >$dir/wg1.key
	ip addr add 10.6.0.25/24 dev eth0
	at client ip addr add 10.6.0.7/24 dev eth1
	ip link add wg0 type wireguard
	at client ip link add wg1 type wireguard
	wg set wg0 private-key $dir/wg0.key listen-port 51820 \
		peer "$(wg pubkey <$dir/wg1.key)" allowed-ips 10.5.0.0/28
	at client wg set wg1 private-key $dir/wg1.key \
		peer "$(wg pubkey <$dir/wg0.key)" allowed-ips $SERVER/32 \
		endpoint 10.6.0.25:51820
	addresses wg0 wg1
	guard wg0 generic 'not tested'
	has "$(smtpxdp status)" 'wg0: .*no Ethernet header'
	guarded wg0
}

# The server hands its keys to the kernel, which encrypts what it writes.
ktls() {
	addresses eth0 eth1
	background ktls mail python3 -B $HELPER serve --server 0.0.0.0 --port 465 \
		--tls implicit --ktls
	until_true 10 listens mail 0.0.0.0 465
	guard eth0 native read
	guarded - --port 465 --tls implicit
	seen_by SMTPXDP_SENSOR tls
	has "$(cat /proc/net/tls_stat)" '^TlsTxSw[[:space:]]+[1-9]'
}

e1000e() {
	addresses eth3 eth1
	guard eth3 generic read
	has "$(smtpxdp status)" 'eth3: xdp generic'
	has "$(cat $LAB/log/smtpxdp)" 'eth3: native XDP was refused \(.*not support XDP'
	guarded eth3
}

answers_ping() { # ADDRESS SIZE
	at client ping -c 1 -W 5 -M "do" -s $2 -I $1 $SERVER
}

# Frames larger than a page, and replies that fill them.
jumbo() { # DEV XDP
	local a=10.5.0.7
	ip link set $1 mtu 9000
	at client ip link set eth1 mtu 9000
	addresses $1 eth1
	guard $1 $2 read
	smtpxdp config set rate 60/1h
	smtpxdp config set scope all
	answers_ping $a 8900
	fail_as $a 59 --pipeline
	same "failures" "$(in_window $a)" 59
	same "nobody" "$(banned)" ''
	fail_as $a 1
	until_true 5 banned_are $a/32
	dropped $a
	not answers_ping $a 8900
	answers_ping 10.5.0.8 8900
	# Changed while it is attached.
	ip link set $1 mtu 1500
	not answers_ping $a 64
	answers_ping 10.5.0.8 64
	ip link set $1 mtu 9000
	not answers_ping $a 8900
	answers_ping 10.5.0.8 8900
	smtpxdp status --check
}

# How many queues there are, when it is attached and while it is: virtio refuses
# to change that under XDP. (Three are what it has then: XDP takes one for each of
# two CPUs.)
queues() {
	local n
	addresses eth0 eth1
	ethtool -L eth0 combined 1
	guard eth0 native read
	for n in 2 4; do
		not ethtool -L eth0 combined $n
	done
	guarded eth0
	daemon_wipe
	ethtool -L eth0 combined 4
	guard eth0 native read
	guarded eth0
}

[ "$1" = world_up ] || world_clean
"$@"
