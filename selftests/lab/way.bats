#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Without the key interfaces, the gate is where clients come in: second NICs,
# ports of bridges, legs of bonds, devices below VLANs. Postfix is the server, or
# a container beside the NIC on a bridge. (scripts/vm has the kinds of devices
# that this kernel lacks: full_devices.bats.)

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh
load ../lib/ways.sh

# The mail host's second NIC, and Postfix's address there; its client; a
# container on the same network.
SERVER=198.18.5.1
CLIENT=198.18.5.7
HONEST_THERE=198.18.5.8
BOX=198.18.5.25

setup_file() {
	lab_up journald postfix
	# Postfix listens there before there is such a device, as after a boot.
	sysctl_at mail ipv4/ip_nonlocal_bind 1
	echo "$SERVER:587 inet n - n - - smtpd" >>$LAB/postfix/etc/master.cf
	at mail postfix -c $LAB/postfix/etc reload
	until_true 10 listens mail $SERVER 587
}

before() {
	conf rate 5/60s log-failures yes log-users yes
}

after() {
	local it
	end flood
	end box
	for it in br0 bond0 nic0 nic1 to-box; do
		at mail ip link del $it 2>/dev/null || true
	done
	for it in lan box; do
		[ ! -e /run/netns/$it ] || ip netns del $it
	done
	at router ip link del wire0 2>/dev/null || true
	at router ip link del wire1 2>/dev/null || true
}

# A NIC of the mail host. As a macvlan whose other side is in another namespace
# it is no device that may lead to a container, as a veth is.
nic_add() { # NUMBER CLIENT-NS CLIENT-DEV
	[ -e /run/netns/$2 ] || ip netns add $2
	ip link add wire$1 netns router type veth peer name $3 netns $2
	at router ip link set wire$1 up
	at $2 ip link set $3 up
	at router ip link add link wire$1 name nic$1 type macvlan mode passthru
	at router ip link set nic$1 netns mail
	at mail ip link set nic$1 up
}

lan_up() {
	nic_add 0 lan eth0
	at lan ip addr add $CLIENT/24 dev eth0
	at lan ip addr add $HONEST_THERE/24 dev eth0
}

bridge_up() { # PORT...
	local port
	at mail ip link add br0 type bridge
	at mail ip link set br0 up
	for port in "$@"; do
		at mail ip link set $port master br0
	done
}

failures_say() { # FIELD COUNTS-AND-VALUES
	same $1 "$(journal SMTPXDP_EVENT=failure | jq -r .$1 | sort | uniq -c |
		xargs)" "$2"
}

# The client banned by its fifth failure and not before, at NIC DEV, counted
# once; another one is served, and nothing is wrong.
guarded() { # DEV SERVER
	local before
	login_fail lan 4 --server $2 --user dave
	same "failures" "$(in_window $CLIENT)" 4
	same "ban list" "$(banned)" ''
	before=$(counter failures)
	login_fail lan 1 --server $2 --user carol
	until_true 5 banned_are $CLIENT/32
	same "failures more" "$(($(counter failures) - before))" 1
	until_true 5 failures_say SMTPXDP_USER "1 carol 4 dave" ||
		failures_say SMTPXDP_USER "1 carol 4 dave"
	failures_say SMTPXDP_IFACE "5 $1"
	before=$(counter dropped-ban)
	vanished lan --server $2
	[ "$(counter dropped-ban)" -gt $before ]
	connects lan --server $2 --from $HONEST_THERE
	silent
}

@test "a second NIC without default route" {
	lan_up
	at mail ip addr add $SERVER/24 dev nic0
	choose eth0 nic0
	has "$(ways)" '^nic0 - .*587'
	guarded nic0 $SERVER
}

@test "a second NIC whose address nobody listens at: seen by who comes in" {
	lan_up
	at mail ip addr add 198.18.5.2/24 dev nic0
	at lan ip route add default via 198.18.5.2
	choose eth0
	connects lan --server $POSTFIX
	until_true 15 watched_are eth0 nic0
	# It is not forgotten at a restart.
	daemon_down
	journal_mark
	choose eth0 nic0
	guarded nic0 $POSTFIX
}

@test "a NIC that is a port of a bridge: attached is the NIC" {
	lan_up
	bridge_up nic0
	at mail ip addr add $SERVER/24 dev br0
	choose eth0 nic0
	has "$(ways)" '^nic0>br0 - .*587'
	has "$(smtpxdp status)" '^(ways)? +nic0 \(xdp [a-z]+\) > br0 > this host: .*587'
	guarded nic0 $SERVER
}

# A server in a network namespace of its own, beside the NIC on the bridge.
box_up() {
	ip netns add box
	ip link add eth0 netns box type veth peer name to-box netns mail
	at box ip link set lo up
	at box ip link set eth0 up
	at box ip addr add $BOX/24 dev eth0
	at mail ip link set to-box up
	lab_certificate
	background box box /usr/bin/python3 -B "$HELPER" serve --port 587 \
		--server $BOX --tls starttls
	until_true 10 listens box $BOX 587
}

@test "a container beside the NIC on a bridge, which has no address" {
	lan_up
	box_up
	bridge_up nic0 to-box
	until_true 5 connects lan --server $BOX
	choose eth0 nic0
	has "$(ways)" '^nic0>br0>to-box python3 587$'
	has "$(smtpxdp status)" '> br0 > to-box > container of python3 \(pid [0-9]+\): 587$'
	guarded nic0 $BOX
	sleep 5.5 # an alarm needs a ban of five seconds
	vanished lan --server $BOX
	silent
}

@test "the same inside TLS, made while the daemon runs: nothing comes through" {
	conf rate 5/60s tls all
	choose eth0
	lan_up
	box_up
	bridge_up nic0 to-box
	until_true 10 watched_are eth0 nic0
	until_true 5 connects lan --server $BOX
	login_fail lan 5 --server $BOX --tls starttls
	until_true 5 banned_are $CLIENT/32
	vanished lan --server $BOX
	connects lan --server $BOX --from $HONEST_THERE
	silent
}

@test "a bridge and its port, both named: attached in any order, counted once" {
	local order
	lan_up
	bridge_up nic0
	at mail ip addr add $SERVER/24 dev br0
	for order in "br0, nic0" "nic0, br0"; do
		before
		echo "interfaces = $order, eth0" >>$CONF
		journal_mark
		choose br0 eth0 nic0
		daemon_serves
		has "$(smtpxdp status)" 'br0: .*users read below .*nic0'
		guarded br0 $SERVER # where replies leave first
		daemon_wipe
	done
}

# Connects without end; what came through is in the log.
flood() {
	rm -f $LAB/log/flood
	background flood lan python3 -B "$HELPER" hammer --from $CLIENT \
		--server $SERVER
}

more_than() { # PACKETS
	[ "$(counter dropped-ban)" -gt $1 ]
}

flood_is_dropped() {
	local before
	before=$(counter dropped-ban)
	until_true 10 more_than $before
	same "came through" "$(cat $LAB/log/flood)" ''
}

@test "a bridge gets its port later: the gate moves there, and sensors" {
	lan_up
	bridge_up
	at mail ip addr add $SERVER/24 dev br0
	# A bridge without any port may become one of containers.
	choose eth0
	at mail ip link set nic0 master br0
	until_true 5 watched_are eth0 nic0
	guarded nic0 $SERVER
	# And the other way about.
	at mail ip link del br0
	at mail ip addr add $SERVER/24 dev nic0
	flood
	flood_is_dropped
	silent
}

# The kernel has no XDP below XDP: the gate is away for half a millisecond while
# it moves down, or longer if another process gets the CPU. There is a try each
# two milliseconds; a gate that comes with the daemon's start lets hundreds in.
@test "an earlier daemon watched the bridge: the gate moves to its port at once" {
	lan_up
	bridge_up nic0
	at mail ip addr add $SERVER/24 dev br0
	echo 'interfaces = br0, eth0' >>$CONF
	choose br0 eth0
	smtpxdp ban add $CLIENT
	flood
	flood_is_dropped
	daemon_down
	before
	choose eth0 nic0
	# hammer says what became of a try when a hundred more have been made
	until_true 10 more_than $(($(counter dropped-ban) + 200))
	[ "$(wc -l <$LAB/log/flood)" -le 5 ]
	end flood
	flood
	flood_is_dropped
	has "$(find $PIN/links -name 'xdp-*' | wc -l)" '^2$'
	lacks "$(at mail ip -d link show dev br0)" xdp
	silent
}

serves() {
	[ "$(smtpxdp status -j | jq .daemon.serves)" = true ]
}

@test "somebody else's program on the bridge: named, and the remedy helps" {
	lan_up
	bridge_up nic0
	at mail ip addr add $SERVER/24 dev br0
	clang -target bpf -O2 -g -c -o $BATS_TEST_TMPDIR/foreign.o -x c - <<-'C'
		__attribute__((section("xdp"), used)) int foreign_xdp(void *ctx)
		{
			return 2;
		}
		__attribute__((section("license"), used)) char terms[] = "GPL";
	C
	at mail ip link set dev br0 xdpgeneric obj $BATS_TEST_TMPDIR/foreign.o \
		sec xdp
	background smtpxdp mail "$BIN" --pin $PIN run -c $CONF
	until_true 10 serves
	fails 1 smtpxdp status --check
	has "$output" '^nic0: the gate .XDP. is not attached: on br0, which lies on it, is another program, "foreign_xdp".*ip link set dev br0 xdpgeneric off'
	at mail ip link set dev br0 xdpgeneric off
	until_true 10 daemon_serves
	same "interfaces" "$(watched)" 'eth0 nic0'
	smtpxdp status --check
}

@test "a bridge of containers, and a container's own link: never chosen" {
	bridge_up
	box_up
	at mail ip link set to-box master br0
	at mail ip addr add 172.17.0.1/16 dev br0
	ip link add eth1 netns box type veth peer name to-box1 netns mail
	at mail ip link set to-box1 up
	at mail ip addr add 10.77.0.1/30 dev to-box1
	background any mail /usr/bin/python3 -B "$HELPER" serve --port 2525 \
		--server 0.0.0.0
	until_true 10 listens mail 0.0.0.0 2525
	choose eth0
	has "$(ways)" '^routed br0>to-box python3 587$'
	end any
	at mail ip link del to-box1
}

@test "a bond of two NICs: both legs, also when one fails" {
	lan_up
	at mail ip link add bond0 type bond mode active-backup miimon 100 ||
		skip "this kernel has no bonds: see full_devices.bats"
	nic_add 1 lan eth1
	at mail ip link set nic0 down
	at mail ip link set nic1 down
	at mail ip link set nic0 master bond0
	at mail ip link set nic1 master bond0
	at mail ip link set bond0 up
	at mail ip addr add $SERVER/24 dev bond0
	choose eth0 nic0 nic1
	guarded nic0 $SERVER
}

@test "a VLAN: at the NIC below it" {
	lan_up
	at mail ip link add link nic0 name nic0.5 type vlan id 5 ||
		skip "this kernel has no VLANs: see full_devices.bats"
	at mail ip link set nic0.5 up
	at mail ip addr add $SERVER/24 dev nic0.5
	at lan ip addr flush dev eth0
	at lan ip link add link eth0 name eth0.5 type vlan id 5
	at lan ip link set eth0.5 up
	at lan ip addr add $CLIENT/24 dev eth0.5
	at lan ip addr add $HONEST_THERE/24 dev eth0.5
	choose eth0 nic0
	guarded nic0 $SERVER
}
