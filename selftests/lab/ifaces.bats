#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Interfaces come and go while the daemon runs and a banned client goes on.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

# A second way from the attacker to the mail host: far0 there, nic0 here. What
# comes from NEAR goes that way, and so does the answer.
NEAR=10.77.0.2

nic_add() {
	ip link add nic0 netns mail type veth peer name far0 netns attacker
}

nic_up() { # [NAME]
	at mail ip addr replace 10.77.0.1/24 dev ${1-nic0}
	at mail ip link set ${1-nic0} up
	at attacker ip addr replace $NEAR/24 dev far0
	at attacker ip link set far0 up
	at attacker ip route replace default via 10.77.0.1 dev far0 table 77
}

before() {
	at attacker ip rule add from $NEAR table 77
}

after() {
	local dev name
	for name in flood three; do
		end $name
	done
	for dev in nic0 nic1 other0; do
		at mail ip link del $dev 2>/dev/null || true
		at router ip link del $dev 2>/dev/null || true
	done
	while at attacker ip rule del table 77 2>/dev/null; do :; done
	at mail ip link set dev eth0 xdp off
	at mail tc qdisc del dev eth0 clsact 2>/dev/null || true
	at mail ip route replace default via $GATEWAY
	at mail ip -6 route replace default via 2001:db8:25::1
}

# Does not wait until everything is attached: some things may not be there.
daemon_start() { # [OPTION...]
	[ -e $CONF ] || : >$CONF
	: >$LAB/log/smtpxdp
	background smtpxdp mail "$BIN" --pin $PIN run -c $CONF "$@"
	until_true 10 state .daemon.serves true
}

state() { # JQ-FILTER VALUE
	[ "$(smtpxdp status -j 2>/dev/null | jq -r "$1")" = "$2" ]
}

# "eth0 native tcx" or "nic0 waiting", each, sorted.
ifaces() {
	smtpxdp status -j | jq -r '[.interfaces[] | .name + " " +
		if .waiting then "waiting" else .xdp + " " + .tc end] |
		sort | join(", ")'
}

has_ifaces() { # TEXT
	[ "$(ifaces)" = "$1" ]
}

pins() {
	find $PIN/links -name 'xdp-*' -printf '%f\n' -o -name 'tc*' -printf '%f\n' |
		sort | xargs
}

ifindex() { # NAME
	at mail ip -j link show dev $1 | jq '.[0].ifindex'
}

flood() {
	rm -f $LAB/log/flood
	background flood attacker python3 -B "$HELPER" hammer --from $NEAR
}

# It hits the gate, and nothing of it came through.
flood_is_dropped() {
	local before
	before=$(counter dropped-ban)
	until_true 5 more_than $before
	same "came through" "$(cat $LAB/log/flood)" ''
}

more_than() { # PACKETS
	[ "$(counter dropped-ban)" -gt $1 ]
}

@test "deleted and made again: attached by itself, with another index" {
	local old
	nic_add
	nic_up
	daemon_up -i nic0 -i eth0
	smtpxdp ban add $NEAR
	flood
	flood_is_dropped
	old=$(ifindex nic0)
	at mail ip link del nic0
	until_true 5 has_ifaces 'eth0 native tcx, nic0 waiting'
	has "$(smtpxdp status || true)" '^ *interfaces? .*waiting for nic0|waiting for nic0'
	fails 1 smtpxdp status --check
	has "$output" '^nic0: there is no such interface'
	until_true 5 journal_has SMTPXDP_EVENT=waiting
	has "$(pins)" "^tc-[0-9]+ tcin-[0-9]+ xdp-[0-9]+\$" # of eth0
	nic_add
	until_true 5 has_ifaces 'eth0 native tcx, nic0 native tcx'
	until_true 5 journal_has SMTPXDP_EVENT=attached
	[ "$(ifindex nic0)" != $old ]
	nic_up
	flood_is_dropped
	vanished attacker --from $NEAR
	smtpxdp status --check
	has "$(pins)" "xdp-$(ifindex nic0)"
	lacks "$(pins)" "xdp-$old( |\$)"
	# And its sensor counts: from the next of the clients there.
	at attacker ip addr add 10.77.0.3/24 dev far0
	at attacker ip rule add from 10.77.0.3 table 77
	login_fail attacker 1 --from 10.77.0.3
	same "failures" "$(counter failures)" 1
}

@test "an interface that comes later is attached then" {
	conf rate 3/60s interfaces nic0
	daemon_start
	has "$(cat $LAB/log/smtpxdp)" 'warning: nic0: there is no such interface'
	same "interfaces" "$(ifaces)" 'nic0 waiting'
	nic_add
	until_true 5 has_ifaces 'nic0 native tcx'
	nic_up
	login_fail attacker 3 --from $NEAR
	same "ban list" "$(banned)" $NEAR/32
	vanished attacker --from $NEAR
	# The other NIC is not watched, and serves mail: that is told.
	lacks "$(smtpxdp status --check)" nic0
}

@test "without interfaces: the default route's, when there is one" {
	at mail ip route del default
	at mail ip -6 route del default
	conf ports 2525 # nobody listens there: that would tell the way, too
	daemon_start
	has "$(cat $LAB/log/smtpxdp)" 'warning: there is no default route'
	fails 1 smtpxdp status --check
	has "$output" '^interfaces: nothing is attached.*no default route'
	at mail ip route add default via $GATEWAY
	until_true 5 has_ifaces 'eth0 native tcx'
	# The route may go to another, as after a failure: both are watched.
	nic_add
	nic_up
	at mail ip route replace default via $NEAR dev nic0
	until_true 5 has_ifaces 'eth0 native tcx, nic0 native tcx'
	at mail ip link del nic0
	until_true 5 has_ifaces 'eth0 native tcx'
}

@test "down and up again: it stays attached, nothing comes through" {
	nic_add
	nic_up
	daemon_up -i nic0
	smtpxdp ban add $NEAR
	flood
	for _ in 1 2 3 4 5; do
		at mail ip link set nic0 down
		at mail ip link set nic0 up
	done
	nic_up
	flood_is_dropped
	same "interfaces" "$(ifaces)" 'nic0 native tcx'
	same "attached anew" "$(journal SMTPXDP_EVENT=attached)" ''
}

@test "renamed: watched on; and so is who takes the name" {
	local index
	nic_add
	nic_up
	daemon_up -i nic0
	smtpxdp ban add $NEAR
	index=$(ifindex nic0)
	at mail ip link set nic0 down
	at mail ip link set nic0 name other0
	until_true 5 has_ifaces 'nic0 waiting, other0 native tcx'
	until_true 5 journal_has SMTPXDP_EVENT=renamed
	nic_up other0
	vanished attacker --from $NEAR
	at mail ip link add name nic0 type veth peer name nic1
	until_true 5 has_ifaces 'nic0 native tcx, other0 native tcx'
	at mail ip link del nic0
	until_true 5 has_ifaces 'nic0 waiting, other0 native tcx'
	# Back to what it was.
	at mail ip link set other0 down
	at mail ip link set other0 name nic0
	until_true 5 has_ifaces 'nic0 native tcx'
	same "the same one" "$(pins)" "tc-$index tcin-$index xdp-$index"
}

@test "moved to another network namespace: let go; back: attached" {
	nic_add
	nic_up
	daemon_up -i nic0
	at mail ip link set nic0 netns router
	until_true 5 has_ifaces 'nic0 waiting'
	same "pins" "$(pins)" ''
	lacks "$(at router ip link show dev nic0)" xdp
	at router ip link set nic0 netns mail
	until_true 5 has_ifaces 'nic0 native tcx'
	smtpxdp ban add $NEAR
	nic_up
	vanished attacker --from $NEAR
}

@test "two interfaces, one window and one ban list" {
	conf rate 3/60s
	nic_add
	nic_up
	daemon_up -i nic0 -i eth0
	# The same client, first by eth0, then by nic0.
	login_fail attacker 2 --from 198.51.100.9
	same "failures" "$(counter failures)" 2
	at attacker ip rule add from 198.51.100.9 table 77
	at mail ip route add 198.51.100.9/32 via $NEAR dev nic0
	login_fail attacker 1 --from 198.51.100.9
	same "ban list" "$(banned)" 198.51.100.9/32
	vanished attacker --from 198.51.100.9
	at attacker ip rule del from 198.51.100.9 table 77
	at mail ip route del 198.51.100.9/32
	vanished attacker --from 198.51.100.9
}

@test "killed; what went meanwhile is forgotten, what came is attached" {
	local old
	nic_add
	daemon_up -i nic0 -i eth0
	old=$(ifindex nic0)
	daemon_down KILL
	at mail ip link del nic0
	nic_add
	daemon_up -i nic0 -i eth0
	same "interfaces" "$(ifaces)" 'eth0 native tcx, nic0 native tcx'
	lacks "$(pins)" "xdp-$old( |\$)"
	same "pins" "$(pins | wc -w)" 6
}

@test "an interface that flaps wildly is attached in the end" {
	daemon_start -i nic0 -i eth0
	for _ in {1..30}; do
		nic_add
		at mail ip link del nic0
	done
	nic_add
	until_true 10 has_ifaces 'eth0 native tcx, nic0 native tcx'
	until_true 10 smtpxdp status --check
	same "pins" "$(pins | wc -w)" 6
	nic_up
	smtpxdp ban add $NEAR
	vanished attacker --from $NEAR
}

# A program that lets everything pass, as object code.
foreign() {
	[ -s $BATS_FILE_TMPDIR/foreign.o ] || clang -target bpf -O2 -g -c \
		-o $BATS_FILE_TMPDIR/foreign.o -x c - <<-'EOF2'
		#define SEC(s) __attribute__((section(s), used))
		SEC("xdp") int foreign_xdp(void *ctx) { return 2; }
		SEC("tc") int foreign_tc(void *ctx) { return 0; }
		char terms[] SEC("license") = "GPL";
	EOF2
	echo $BATS_FILE_TMPDIR/foreign.o
}

@test "somebody else's XDP program: named and left alone, the rest goes on" {
	local id
	nic_add
	at mail ip link set dev nic0 xdpdrv obj "$(foreign)" sec xdp
	id=$(at mail ip -j -d link show dev nic0 | jq '.[0].xdp.prog.id')
	conf rate 3/60s
	daemon_start -i nic0 -i eth0
	has "$(cat $LAB/log/smtpxdp)" "error: nic0 has another XDP program.*\
\"foreign_xdp\" \(id $id, native\).*ip link set dev nic0 xdpdrv off"
	same "interfaces" "$(ifaces)" 'eth0 native tcx, nic0 none tcx'
	fails 1 smtpxdp status --check
	has "$output" "^nic0: the gate .* another program is there, \"foreign_xdp\""
	login_fail attacker 3
	vanished attacker
	same "still theirs" \
		"$(at mail ip -j -d link show dev nic0 | jq '.[0].xdp.prog.id')" $id
	# When it goes, ours comes; and it was told once only.
	at mail ip link set dev nic0 xdpdrv off
	until_true 10 has_ifaces 'eth0 native tcx, nic0 native tcx'
	same "told" "$(grep -c 'another XDP program' $LAB/log/smtpxdp)" 1
	smtpxdp status --check
}

@test "nothing but others' programs: it does not start" {
	at mail ip link set dev eth0 xdpgeneric obj "$(foreign)" sec xdp
	fails 1 timeout 10 nsenter --net=/run/netns/mail "$BIN" --pin $PIN \
		run -c /dev/null -i eth0
	has "$output" 'eth0 has another.*generic.*xdpgeneric off'
	has "$output" 'nothing could be attached'
	same "pins" "$(pins)" ''
	# The unit has no CAP_SYS_ADMIN, and so learns no names.
	fails 1 timeout 10 nsenter --net=/run/netns/mail \
		setpriv --bounding-set=-sys_admin "$BIN" --pin $PIN \
		run -c /dev/null -i eth0
	has "$output" 'eth0 has another.*\(id [0-9]+, generic\).*smtpxdp status'
	at mail ip link set dev eth0 xdpgeneric off
}

# Puts a program first into eth0's TCX chain, and sleeps.
tcx_holder() {
	cat >$BATS_FILE_TMPDIR/holder.c <<-'EOF2'
		#include <bpf/bpf.h>
		#include <bpf/libbpf.h>
		#include <net/if.h>
		#include <stdio.h>
		#include <unistd.h>

		int main(int argc, char **argv)
		{
			struct bpf_object *obj = bpf_object__open_file(argv[1], NULL);
			struct bpf_program *tc, *xdp;

			tc = bpf_object__find_program_by_name(obj, "foreign_tc");
			xdp = bpf_object__find_program_by_name(obj, "foreign_xdp");
			bpf_program__set_autoload(xdp, false);
			bpf_program__set_type(tc, BPF_PROG_TYPE_SCHED_CLS);
			if (bpf_object__load(obj)) {
				perror("load");
				return 1;
			}
			if (bpf_link_create(bpf_program__fd(tc),
					    if_nametoindex(argv[2]), 47, NULL) < 0) {
				perror("attach by TCX");
				return 1;
			}
			puts("there");
			fflush(stdout);
			for (;;)
				pause();
		}
	EOF2
	cc -o $BATS_FILE_TMPDIR/holder $BATS_FILE_TMPDIR/holder.c -lbpf
}

@test "somebody else's tc programs: left alone, and no blind for ours" {
	tcx_holder
	rm -f $LAB/log/three
	background three mail $BATS_FILE_TMPDIR/holder "$(foreign)" eth0
	until_true 5 grep -q . $LAB/log/three
	! grep -q '^attach by TCX: Invalid argument' $LAB/log/three ||
		skip "this kernel has no TCX"
	grep -q there $LAB/log/three
	at mail tc qdisc add dev eth0 clsact
	at mail tc filter add dev eth0 egress bpf da obj "$(foreign)" sec tc
	daemon_up
	# Theirs end the chain with "ok"; ours has seen the reply before.
	login_fail attacker 1
	same "failures" "$(counter failures)" 1
	has "$(at mail tc filter show dev eth0 egress)" foreign_tc
	running three
	daemon_down TERM
	has "$(at mail tc filter show dev eth0 egress)" foreign_tc
}
