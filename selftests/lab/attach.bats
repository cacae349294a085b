#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Where the programs attach: native and generic XDP, TCX and clsact, devices
# without Ethernet, and what somebody else attached before.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

iface() { # NAME FIELD
	smtpxdp status -j | jq -r --arg n $1 \
		".interfaces[] | select(.name == \$n) | .$2"
}

clsact() { # is there one on eth0?
	at mail tc qdisc show dev eth0 | grep -q clsact
}

# Answers EINVAL to TCX links, as kernels before 6.6 do.
no_tcx() {
	other_kernel $BATS_FILE_TMPDIR/no_tcx.so "nr == SYS_bpf &&
		a[0] == BPF_LINK_CREATE && (attr->link_create.attach_type == 46 ||
		attr->link_create.attach_type == 47)"
	daemon_env LD_PRELOAD=$BATS_FILE_TMPDIR/no_tcx.so
}

after() {
	! clsact || at mail tc qdisc del dev eth0 clsact
	rm -rf $PIN-two
	for dev in mv0 two0 tun0; do
		at mail ip link del $dev 2>/dev/null || true
	done
}

@test "a veth takes native XDP and a TCX link" {
	daemon_up
	same "XDP" "$(iface eth0 xdp)" native
	same "tc" "$(iface eth0 tc)" tcx
	same "tc ingress" "$(iface eth0 tc_in)" tcx
	has "$(at mail ip -d link show dev eth0)" 'prog/xdp'
}

@test "no TCX: clsact counts and bans as well, outlives us, and is unloaded" {
	no_tcx
	conf rate 3/60s
	daemon_up
	same "tc" "$(iface eth0 tc)" clsact
	same "tc ingress" "$(iface eth0 tc_in)" clsact
	clsact
	login_fail attacker 3
	same "ban list" "$(banned)" $ATTACKER/32
	vanished attacker
	daemon_down TERM
	login_fail honest 1
	same "failures counted" "$(counter failures)" 4
	smtpxdp unload
	not clsact
	connects attacker
}

@test "no TCX: a clsact that was there before stays" {
	no_tcx
	at mail tc qdisc add dev eth0 clsact
	daemon_up
	same "tc" "$(iface eth0 tc)" clsact
	end_protection
	clsact
	same "filters left" "$(at mail tc filter show dev eth0 ingress)" ''
	same "filters left" "$(at mail tc filter show dev eth0 egress)" ''
}

@test "no TCX: our clsact stays if somebody else uses it by now" {
	no_tcx
	daemon_up
	at mail tc filter add dev eth0 ingress prio 7 protocol ip u32 \
		match u32 0 0 classid 1:1
	end_protection
	clsact
	has "$(at mail tc filter show dev eth0 ingress)" 'pref 7 u32'
	same "filters left" "$(at mail tc filter show dev eth0 egress)" ''
}

@test "no TCX: killed and started again, one filter, removed in the end" {
	no_tcx
	conf rate 5/60s
	daemon_up
	daemon_down KILL
	clsact
	daemon_up
	login_fail attacker 1
	same "failures counted" "$(counter failures)" 1
	end_protection
	not clsact
}

@test "native XDP refused: generic, with a warning that says why" {
	at mail ip link add link eth0 name mv0 type macvlan mode bridge ||
		skip "this kernel has no macvlan"
	# Else eth0 may answer for mv0, and what is sent to it comes in there.
	sysctl_at mail ipv4/conf/all/arp_ignore 1
	at mail ip addr add 192.0.2.77/32 dev mv0
	at mail ip link set mv0 up
	at mail ip route add $GATEWAY dev mv0 table 77
	at mail ip route add default via $GATEWAY dev mv0 table 77
	at mail ip rule add from 192.0.2.77 table 77
	conf rate 3/60s
	daemon_up -i mv0
	same "XDP" "$(iface mv0 xdp)" generic
	has "$(cat $LAB/log/smtpxdp)" 'warning: mv0: native XDP .*generic'
	until_true 5 journal_has SMTPXDP_EVENT=generic-xdp PRIORITY=4
	# It bans there, too: Postfix listens on all that is named; add a door.
	background door mail python3 -B -c '
import socket, threading
def serve(c):
    f = c.makefile("rwb", buffering=0)
    f.write(b"220 door\r\n")
    for line in f:
        f.write(b"535 no\r\n" if line.startswith(b"AUTH") else b"250 ok\r\n")
s = socket.create_server(("192.0.2.77", 587))
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()'
	until_true 5 listens mail 192.0.2.77 587
	login_fail attacker 3 --server 192.0.2.77
	same "ban list" "$(banned)" $ATTACKER/32
	vanished attacker --server 192.0.2.77
	connects honest --server 192.0.2.77
	end door
	at mail ip rule del from 192.0.2.77 table 77
}

@test "lo: generic, and it counts nobody, for it is allowlisted" {
	daemon_up -i lo
	same "XDP" "$(iface lo xdp)" generic
	login_fail mail 3
	same "failures counted" "$(counter failures)" 0
	same "of the allowlisted" "$(counter failures-allowed)" 3
	connects mail
}

# A host on the far end of a TUN device of the mail host: packets without
# Ethernet headers.
tun_client() { # [OPTION...]
	at mail python3 -B $HELPER raw --tun tun0 --source 203.0.113.200 \
		--password wrong "$@"
}

@test "a device without Ethernet headers (TUN): counts, bans, drops" {
	at mail ip tuntap add dev tun0 mode tun ||
		skip "this kernel has no TUN devices"
	at mail ip link set tun0 up
	at mail ip route add 203.0.113.200 dev tun0
	conf rate 3/60s log-failures yes log-users yes
	daemon_up -i tun0 -i eth0
	# The self-test's frame has an Ethernet header, which tun0's have not.
	same "users" "$(iface tun0 users), $(iface eth0 users)" 'not tested, read'
	has "$(smtpxdp status)" 'tun0: .*users not tested .*no Ethernet header'
	tun_client --tries 3 --expect 535
	until_true 5 journal_has SMTPXDP_EVENT=failure SMTPXDP_USER=alice
	same "failures counted" "$(counter failures)" 3
	same "ban list" "$(banned)" 203.0.113.200/32
	same "interfaces" "$(smtpxdp status -j | jq -c '[.interfaces[].name] | sort')" \
		'["eth0","tun0"]'
	fails 1 tun_client --timeout 2
	has "$output" TimeoutError
	[ "$(counter dropped-ban)" -gt 0 ]
	same "unread" "$(counter in-not-ip)" 0
	login_fail attacker 1 # and eth0 beside it
	same "failures counted" "$(counter failures)" 4
	daemon_down
}

@test "somebody else's XDP program is left alone, and named" {
	daemon_up
	fails 1 timeout 5 nsenter --net=/run/netns/mail "$BIN" \
		--pin $PIN-two run -c $CONF -i eth0 --state $STATE-two
	has "$output" 'eth0 has another XDP program.*"drop_ethernet" \(id [0-9]+, native, by link [0-9]+\).*bpftool link detach'
	daemon_serves
	same "XDP" "$(iface eth0 xdp)" native
}

@test "several interfaces; one goes away, the rest goes on" {
	at mail ip link add name two0 type veth peer name two1
	at mail ip link set two0 up
	conf rate 3/60s
	daemon_up -i eth0 -i two0
	same "XDP" "$(iface two0 xdp)" native
	at mail ip link del two0
	same "XDP" "$(iface two0 xdp)" none
	login_fail attacker 3
	vanished attacker
	running smtpxdp
	end_protection
	connects attacker
}

@test "an interface that the new daemon does not want is let go" {
	at mail ip link add name two0 type veth peer name two1
	at mail ip link set two0 up
	daemon_up -i eth0 -i two0
	daemon_down KILL
	daemon_up -i eth0
	lacks "$(at mail ip link show dev two0)" xdp
	[ "$(find $PIN/links -name "xdp-*" -o -name "tc*" | wc -l)" = 3 ]
}
