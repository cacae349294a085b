#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# `smtpxdp status`: 0 only where protection is really on. Each test takes
# something away behind our back.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

# The line that tells of it, and with -j the check's name.
problem() { # CHECK PATTERN
	fails 1 smtpxdp status --check
	has "$output" "$2"
	has "$(smtpxdp status)" 'NOT as it should be'
	has "$(smtpxdp status)" "^PROBLEM +.*($2)"
	fails 1 smtpxdp status --check -j
	jq -e --arg c $1 '.ok == false and any(.problems[]; .check == $c)' \
		<<<"$output"
}

well() {
	smtpxdp status --check >$BATS_TEST_TMPDIR/said || {
		cat $BATS_TEST_TMPDIR/said
		return 1
	}
	same "what is wrong" "$(cat $BATS_TEST_TMPDIR/said)" ''
	has "$(smtpxdp status)" '^protection +(on|watching)'
}

# What people see, and what the self-test must not touch.
traces() {
	smtpxdp status -j | jq -c '[.counters, .streams, .clients, .bans,
		.maps, .events]'
}

@test "all is well: exit code 0, no word, no trace of the self-test" {
	daemon_up
	smtpxdp ban add 198.51.100.9
	before=$(traces)
	for _ in 1 2 3 4 5; do
		well
	done
	same "counters, maps and events" "$(traces)" "$before"
	same "ban list" "$(banned)" 198.51.100.9/32
	same "as JSON" "$(smtpxdp status --check -j)" '{"ok":true,"problems":[]}'
	fails 2 smtpxdp status --chek
	fails 2 smtpxdp status --check more
}

@test "many at once: none is taken in by another's self-test" {
	daemon_up
	for i in $(seq 20); do
		smtpxdp status --check >$BATS_TEST_TMPDIR/said.$i &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait $pid || {
			cat $BATS_TEST_TMPDIR/said.*
			return 1
		}
	done
	same "ban list" "$(smtpxdp ban list -j)" '[]'
}

@test "mode monitor: it watches, and says that it bans nobody" {
	conf mode monitor
	daemon_up
	well
	has "$(smtpxdp status)" '^protection +watching.*nobody is banned'
}

@test "nothing is loaded" {
	fails 1 smtpxdp status --check
	has "$output" "$PIN: nothing is loaded.*smtpxdp run"
	fails 1 smtpxdp status --check -j
	same "check" "$(jq -r '.problems[0].check' <<<"$output")" daemon
}

@test "the daemon is dead: bans hold, and it says what does not" {
	conf rate 3/60s
	daemon_up
	login_fail attacker 3
	daemon_down KILL
	problem daemon 'daemon: .*bans hold.*provisional only.*start it'
	vanished attacker
	daemon_up
	well
}

@test "the daemon holds its lock, but does nothing" {
	daemon_up
	kill -STOP "$(daemon_pid)"
	until_true 20 not_well
	problem daemon "pid $(daemon_pid): .*has not moved"
	kill -CONT "$(daemon_pid)"
	until_true 5 smtpxdp status --check
	well
}

not_well() {
	! smtpxdp status --check
}

@test "the gate's link is detached" {
	daemon_up
	at mail bpftool link detach pinned $PIN/links/xdp-*
	problem xdp 'eth0: the gate .*not attached'
	daemon_down KILL
	daemon_up
	well
}

@test "the sensor's link is detached" {
	daemon_up
	at mail bpftool link detach pinned $PIN/links/tc-*
	problem tc 'eth0: the sensor .*not attached'
	daemon_down KILL
	daemon_up
	well
}

@test "a link's pin is removed, and with it the program" {
	daemon_up
	rm $PIN/links/xdp-*
	problem xdp 'eth0: the gate .*not attached'
}

@test "ip link set xdp off does not take a link away: still well" {
	daemon_up
	fails 2 at mail ip link set dev eth0 xdp off
	well
}

@test "the link is there, but another program runs in it" {
	daemon_up
	rm $PIN/current/drop_ethernet
	problem xdp 'eth0: the gate .*another program'
}

@test "an interface goes away" {
	at mail ip link add name two0 type veth peer name two1
	at mail ip link set two0 up
	daemon_up -i eth0 -i two0
	well
	at mail ip link del two0
	problem xdp 'two0: (the gate|there is no such interface)'
}

@test "an interface is configured, but not attached to" {
	daemon_up
	smtpxdp config set interfaces 'eth0 lo'
	problem xdp 'lo: the configuration names it'
}

# Puts an empty map of the same kind in place of a pinned one.
replace_map() { # NAME
	local info
	info=$(bpftool -j map show pinned $PIN/current/$1)
	rm $PIN/current/$1
	bpftool map create $PIN/current/$1 name $1 type "$(jq -r .type <<<"$info")" \
		key "$(jq .bytes_key <<<"$info")" \
		value "$(jq .bytes_value <<<"$info")" \
		entries "$(jq .max_entries <<<"$info")" \
		flags "$(jq .flags <<<"$info")"
}

@test "a pinned map is another than the one the programs work on" {
	daemon_up
	for map in allow_nets streams; do
		replace_map $map
		problem maps "map $map: .* another one"
	done
	# What works is not complained about.
	same "checks" "$(smtpxdp status -j | jq -c '[.problems[].check] | unique')" \
		'["maps"]'
}
