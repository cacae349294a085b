#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Another XDP program on the NIC, before smtpxdp comes: xdp-filter, in libxdp's
# dispatcher. The gate goes beside it, and from then on no packet of a banned
# client passes, whoever comes, goes, restarts or is upgraded. One machine; the
# tests go on from each other.
#
# full: an emulated machine, and floods
# vm: kernel trixie-amd64
# vm: root trixie-amd64
# vm: build trixie-amd64 deb

# shellcheck disable=SC2016 # texts for the machine's shell
# shellcheck disable=SC2086 # addresses and names hold no spaces

load guest.sh

M=$LAB/beside
RELEASE=${BESIDE_RELEASE:-trixie}
BANNED=10.9.0.66
OTHER=10.9.0.7

setup_file() {
	local deb
	mkdir -p $LAB/log $LAB/pid
	deb=$(package "$RELEASE-amd64")
	ip netns add wire
	"$VM" start "$M" "$RELEASE-amd64" --systemd --tree git \
		-f "$deb":/root/smtpxdp.deb \
		--nic "wire/to-vm,queues=2,addr=10.9.0.25/24,host=10.9.0.1/24"
	ip -n wire addr add $BANNED/24 dev to-vm
	ip -n wire addr add $OTHER/24 dev to-vm
	# shellcheck disable=SC2016 # the machine's own
	SMTPXDP_SLOW=$(in_vm 'echo $SMTPXDP_SLOW')
	export SMTPXDP_SLOW
	LACKS=
	in_vm 'command -v xdp-loader' || LACKS='an older root: no xdp-tools in it'
	export LACKS
}

teardown_file() {
	guest_down
	ip netns del wire
}

setup() {
	[ -z "$LACKS" ] || skip "$LACKS"
}

teardown() {
	[ ! -e $LAB/pid/flood ] || end flood
	[ -n "${BATS_TEST_COMPLETED-}" ] || {
		echo "--- the machine:"
		in_vm 'xdp-loader status; smtpxdp ban; smtpxdp status --check
			journalctl -q --no-pager -n 30 -u smtpxdp' || true
	}
}

neighbour() { # load|unload
	if [ "$1" = load ]; then
		in_vm 'xdp-filter load eth0 -m native && xdp-filter port 99 -m dst -p udp'
	else
		in_vm 'xdp-filter unload eth0'
	fi
}

# The names of the programs that the dispatcher calls, in their order.
called() {
	in_vm 'xdp-loader status eth0 | sed -n "s/^ => *[0-9]* *\([^ ]*\) .*/\1/p"' |
		xargs
}

xdp_mode() {
	smtpxdp status -j | jq -r '.interfaces[0].xdp'
}

is_mode() { # MODE
	[ "$(xdp_mode)" = "$1" ]
}

# The id of the gate that is in the dispatcher.
twin() {
	in_vm 'bpftool prog -j | jq ".[] | select(.type == \"ext\" and
		.name == \"drop_ethernet\") | .id"'
}

flood_begins() {
	in_vm 'python3 -B selftests/lib/helper.py catch --server 10.9.0.25 \
		>/run/catch 2>&1 & echo $! >/run/catch.pid
		until [ -n "$(ss -Hlun "sport = :9999")" ]; do sleep 0.1; done'
	background flood wire python3 -B $HELPER flood --server 10.9.0.25 \
		--sources $BANNED,$OTHER --rate 500
}

# Enough was sent, nothing of the banned came, all of the other.
flood_ends() {
	local sent came
	: >$LAB/log/flood
	end flood
	sent=$(jq ".[\"$BANNED\"]" $LAB/log/flood)
	came=$(in_vm 'pid=$(cat /run/catch.pid); kill $pid
		while [ -e /proc/$pid ]; do sleep 0.1; done; cat /run/catch')
	[ "$sent" -gt 1000 ]
	same "of the banned" "$(jq ".[\"$BANNED\"] // 0" <<<"$came")" 0
	same "of the other" "$(jq ".[\"$OTHER\"] // 0" <<<"$came")" "$sent"
}

@test "a neighbour is there: the unit puts the gate beside it, before it" {
	neighbour load
	in_vm 'dpkg -i /root/smtpxdp.deb 2>&1'
	in_vm 'smtpxdp config set interfaces eth0; smtpxdp config set scope all
		systemctl restart smtpxdp'
	until_true 20 is_mode dispatcher
	has "$(called)" '^drop_ethernet xdpfilt_'
	same "user" "$(in_vm 'stat -c %U /proc/$(systemctl show -P MainPID smtpxdp)')" \
		smtpxdp
	has "$(in_vm 'journalctl -q --no-pager -u smtpxdp')" \
		'attached to eth0: XDP dispatcher'
	lacks "checked $(smtpxdp status --check || true)" eth0
	has "$(smtpxdp metrics)" \
		'smtpxdp_attached\{interface="eth0",hook="xdp",how="dispatcher"\} 1'
}

@test "the banned are dropped, others reach the neighbour, which does its part" {
	smtpxdp ban add $BANNED --for 1h
	flood_begins
	until_true 20 in_vm '[ "$(smtpxdp status -j |
		jq ".counters[\"dropped-ban\"].packets")" -gt 2000 ]'
	flood_ends
	in_vm 'xdp-filter status' | grep -q 99
}

@test "restarts, and one with maps of another size: a new gate, then not the old one" {
	local before
	before=$(twin)
	flood_begins
	in_vm 'systemctl restart smtpxdp; systemctl restart smtpxdp
		smtpxdp config set max-bans 4096; systemctl restart smtpxdp'
	flood_ends
	same "mode" "$(xdp_mode)" dispatcher
	[ "$(twin)" != "$before" ]
	has "$(called)" '^drop_ethernet xdpfilt_[a-z_]*$'
}

@test "the neighbour goes and comes: not one packet" {
	flood_begins
	for _ in 1 2 3; do
		neighbour unload
		same "without it" "$(called)" drop_ethernet
		neighbour load
		has "$(called)" '^drop_ethernet xdpfilt_'
	done
	flood_ends
	same "mode" "$(xdp_mode)" dispatcher
}

@test "killed, it is started again: not one packet" {
	flood_begins
	in_vm 'systemctl kill -s KILL smtpxdp'
	until_true 20 in_vm '[ "$(systemctl show -P NRestarts smtpxdp)" = 1 ] &&
		systemctl is-active smtpxdp'
	until_true 20 is_mode dispatcher
	flood_ends
	has "$(called)" '^drop_ethernet xdpfilt_[a-z_]*$'
}

@test "a stop takes the gate away, and leaves the neighbour" {
	in_vm 'systemctl stop smtpxdp'
	has "$(called)" '^xdpfilt_[a-z_]*$'
	in_vm 'systemctl start smtpxdp'
	until_true 20 is_mode dispatcher
}

@test "a stop while it is dead does so, too" {
	in_vm 'mkdir -p /run/systemd/system/smtpxdp.service.d
		printf "[Service]\nRestartSec=60s\n" \
			>/run/systemd/system/smtpxdp.service.d/dead.conf
		systemctl daemon-reload; systemctl kill -s KILL smtpxdp'
	until_true 20 in_vm '[ "$(systemctl show -P SubState smtpxdp)" = auto-restart ]'
	in_vm 'systemctl stop smtpxdp smtpxdp-gate'
	has "$(called)" '^xdpfilt_[a-z_]*$'
	in_vm 'rm -r /run/systemd/system/smtpxdp.service.d; systemctl daemon-reload
		systemctl start smtpxdp'
	until_true 20 is_mode dispatcher
}

@test "without libxdp: told with its remedy, and all else runs" {
	in_vm 'systemctl stop smtpxdp; ls -d /usr/lib/*/libxdp.so.1*
		for f in /usr/lib/*/libxdp.so.1; do mv $f $f.away; done
		systemctl start smtpxdp'
	has "$(in_vm 'journalctl -q --no-pager -u smtpxdp')" \
		'eth0: libxdp.so.1, .* is not here: install the package libxdp1'
	has "$(smtpxdp status --check || true)" \
		'eth0: the gate \(XDP\) is not attached: another program .*smtpxdp beside'
	same "mode" "$(xdp_mode)" none
	in_vm 'for f in /usr/lib/*/libxdp.so.1.away; do mv $f ${f%.away}; done'
	has "$(smtpxdp beside)" '^eth0: the gate is in'
	same "mode" "$(xdp_mode)" dispatcher
}

@test "all of the dispatcher is taken away: attached alone, as elsewhere" {
	in_vm 'xdp-loader unload eth0 --all'
	until_true 20 is_mode native
	flood_begins
	until_true 20 in_vm '[ "$(smtpxdp status -j |
		jq ".counters[\"dropped-ban\"].packets")" -gt 2000 ]'
	flood_ends
}

dropped() {
	smtpxdp status -j | jq '.counters["dropped-ban"].packets'
}

dropped_more() { # THAN
	[ "$(dropped)" -gt $1 ]
}

# As BESIDE OTHERS says it.
@test "a neighbour that comes later: refused; stop, load, start, and both are there" {
	local before
	has "$(in_vm 'xdp-filter load eth0 -m native 2>&1' || true)" 'unload first'
	same "mode" "$(xdp_mode)" native
	lacks "checked $(smtpxdp status --check || true)" eth0
	in_vm 'systemctl stop smtpxdp'
	neighbour load
	in_vm 'systemctl start smtpxdp'
	until_true 20 is_mode dispatcher
	has "$(called)" '^drop_ethernet xdpfilt_'
	before=$(dropped)
	flood_begins
	until_true 20 dropped_more $((before + 2000))
	flood_ends
}
