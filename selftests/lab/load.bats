#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Many bans at once: smtpxdp ban load; and a table of another size.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

start() {
	LIST=$BATS_TEST_TMPDIR/list
	conf "$@"
	daemon_up
}

list() {
	cat >$LIST
}

@test "ban load: addresses, networks, times, reasons, comments" {
	start
	list <<-EOT
		# of some weekday
		198.51.100.9
		198.51.100.32/28 7d guessing all day ; says who
		2001:db8:bad::7	90s

		203.0.113.77 # his reason is the default
	EOT
	same "loaded" "$(smtpxdp ban load $LIST -j | jq -c .)" \
		'{"loaded":4,"skipped":[]}'
	same "ban list" "$(banned)" \
		"198.51.100.32/28 198.51.100.9/32 2001:db8:bad::/64 203.0.113.77/32"
	same "reasons" "$(smtpxdp ban list -j | jq -r \
		'map({(.net): .reason}) | add | .["198.51.100.32/28", "203.0.113.77/32"]')" \
		"$(printf 'guessing all day\nby command')"
	[ "$(smtpxdp ban list -j | jq '.[] | select(.net == "2001:db8:bad::/64")
		| .expires_in')" -le 90 ]
	vanished attacker --from 198.51.100.9
	vanished attacker --from 198.51.100.40
	vanished attacker --from 2001:db8:bad::8 --server $POSTFIX6
	connects attacker --from 198.51.100.50
	journal_has SMTPXDP_EVENT=loaded
}

@test "ban load - reads standard input; options are for lines without" {
	start
	smtpxdp ban load - --for 2h --reason 'the weekly list' <<-EOT
		198.51.100.9
		198.51.100.10 1h other
	EOT
	row=$(smtpxdp ban list -j | jq -c 'sort_by(.net) | map([.net, .reason])')
	same "reasons" "$row" '[["198.51.100.10/32","other"],["198.51.100.9/32","the weekly list"]]'
	[ "$(smtpxdp ban list -j | jq '[.[].expires_in] | max')" -gt 7000 ]
}

@test "ban load: a wrong line bans nobody, and is named" {
	start
	list <<-EOT
		198.51.100.9

		198.51.100.300 1h
	EOT
	fails 1 smtpxdp ban load $LIST
	has "$output" "list:3:"
	has "$output" '198\.51\.100\.300'
	same "ban list" "$(banned)" ''
	fails 1 smtpxdp ban load $LIST-none
	fails 2 smtpxdp ban load
	fails 2 smtpxdp ban load $LIST --for soon
}

@test "ban load: neither this host nor who is allowlisted; but the rest" {
	start
	smtpxdp allow add 198.51.100.0/28
	list <<-EOT
		198.51.100.9
		198.51.100.20
		$POSTFIX
		$GATEWAY
	EOT
	same "skipped" "$(smtpxdp ban load $LIST -j 2>/dev/null | jq -c .)" \
		"{\"loaded\":1,\"skipped\":[\"198.51.100.9/32\",\"$POSTFIX/32\",\"$GATEWAY/32\"]}"
	has "$(smtpxdp ban load $LIST 2>&1)" '3 of 4'
	connects router --from $GATEWAY
	connects attacker --from 198.51.100.9
}

@test "ban load: more than there is room for is told, to the number" {
	start max-bans 1024
	for i in $(seq 0 1199); do
		echo 10.9.$((i / 256)).$((i % 256))
	done | list
	fails 1 smtpxdp ban load $LIST
	has "$output" '1024 of 1200'
	has "$output" 'max-bans'
	same "bans" "$(smtpxdp status -j | jq .bans)" 1024
}

@test "100,000 bans are loaded, hold, and are carried over into a larger table" {
	start max-bans 100000
	awk 'BEGIN { for (i = 0; i < 99999; i++)
		printf "10.%d.%d.%d\n", i / 65536, i / 256 % 256, i % 256 }' | list
	echo 198.51.100.9 >>$LIST
	smtpxdp ban load $LIST
	same "bans" "$(smtpxdp status -j | jq .bans)" 100000
	vanished attacker --from 198.51.100.9
	connects attacker --from 198.51.100.10
	smtpxdp config set max-bans 200000
	daemon_down
	daemon_up
	same "room" "$(smtpxdp status -j | jq -c '[.bans, .max_bans]')" \
		'[100000,200000]'
	vanished attacker --from 198.51.100.9
	[ "$(smtpxdp why 198.51.100.9 -j | jq .ban.dropped_packets)" -gt 0 ]
	smtpxdp ban del 198.51.100.9
	connects attacker --from 198.51.100.9
}
