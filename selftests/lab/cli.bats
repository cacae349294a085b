#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The command line on a live daemon, and without one.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

start() {
	conf rate 5/120s
	daemon_up
}

@test "help and version; wrong usage says what would be right" {
	has "$(smtpxdp --help)" '^usage: smtpxdp'
	has "$(smtpxdp --version)" '[0-9]+\.[0-9]+'
	for c in run status clients why ban allow config events; do
		has "$(smtpxdp --help)" "^  $c "
	done
	fails 2 smtpxdp
	fails 2 smtpxdp frobnicate
	has "$output" frobnicate
	fails 2 smtpxdp ban add
	fails 2 smtpxdp ban add 198.51.100.300
	has "$output" '198\.51\.100\.300'
	fails 2 smtpxdp config set
	fails 2 smtpxdp config get moed
	has "$output" '\bmode\b'
	fails 2 smtpxdp status nonsense
}

@test "nothing is loaded: commands say so, and what to do" {
	for c in "ban list" "allow list" status clients "why 192.0.2.7"; do
		fails 1 smtpxdp $c
		has "$output" "$PIN"
		has "$output" 'smtpxdp.*run'
	done
}

@test "config set takes effect on the very next failure, and is kept" {
	cat >$CONF <<-EOF
		# the office complained
		rate = 10/120s # was 5

		ban-time = 1h
	EOF
	daemon_up
	login_fail attacker 4
	same "ban list" "$(banned)" ''
	smtpxdp config set rate 5/120s
	login_fail attacker 1
	same "ban list" "$(banned)" $ATTACKER/32
	has "$(cat $CONF)" '^# the office complained$'
	has "$(cat $CONF)" '^rate = 5/120s'
	has "$(cat $CONF)" '^ban-time = 1h$'
	same "value" "$(smtpxdp config get rate)" 5/120s
}

@test "config set --runtime leaves the file alone, config reset goes back" {
	start
	smtpxdp config set --runtime rate 3/60s
	same "file" "$(cat $CONF)" "rate = 5/120s"
	same "origin" "$(smtpxdp config get rate -j | jq -r .origin)" runtime
	login_fail attacker 3
	same "ban list" "$(banned)" $ATTACKER/32
	smtpxdp config reset rate
	same "value" "$(smtpxdp config get rate)" 10/10m
	same "origin" "$(smtpxdp config get rate -j | jq -r .origin)" default
	[ -e $CONF ]
	not grep -q ^rate $CONF
}

@test "config set refuses nonsense, says why, and changes nothing" {
	start
	before=$(smtpxdp config -j)
	for kv in "rate 0/120s" "rate 65/1s" "rate 10/8d" "rate often" \
		"mode maybe" "ban-time soon" "ports 25,99999" "ipv4-prefix 33" \
		"codes 999"; do
		fails 2 smtpxdp config set ${kv% *} "${kv#* }"
		has "$output" "${kv% *}"
	done
	same "file" "$(cat $CONF)" "rate = 5/120s"
	same "settings" "$(smtpxdp config -j)" "$before"
	fails 2 smtpxdp config set raet 5/120s
	has "$output" '\brate\b'
}

@test "config says which keys wait for a restart" {
	start
	has "$(smtpxdp config set max-bans 2048)" restart
	lacks "$(smtpxdp config set ban-time 2h)" restart
	daemon_down
	daemon_up
	same "room for bans" "$(smtpxdp status -j | jq .max_bans)" 2048
}

@test "config lists every key with value, default and origin" {
	start
	same "keys" "$(smtpxdp config list -j | jq -r '[.[].key] | sort | join(" ")')" \
		"$(sed -n 's/^#\([a-z0-9-]*\) =.*/\1/p' "$LAB_ROOT/dist/smtpxdp.conf" | sort | paste -sd ' ')"
	same "fields" "$(smtpxdp config -j | jq 'all(.[];
		has("key") and has("value") and has("default") and has("origin"))')" true
	same "rate" "$(smtpxdp config -j | jq -c '.[] | select(.key == "rate")
		| [.value, .default, .origin]')" '["5/120s","10/10m","file"]'
	has "$(smtpxdp config)" '^rate +5/120s '
}

@test "config check: a good file, a bad file" {
	printf 'rate = 10/120s\nmode = enforce\n' >$BATS_TEST_TMPDIR/good
	printf 'rate = 10/120s\nmoed = enforce\n' >$BATS_TEST_TMPDIR/bad
	smtpxdp config check $BATS_TEST_TMPDIR/good
	fails 1 smtpxdp config check $BATS_TEST_TMPDIR/bad
	has "$output" 'bad:2:'
	has "$output" '\bmode\b'
	fails 1 smtpxdp config check $BATS_TEST_TMPDIR/none
}

@test "ban add, list, del: an address, a client's /64, a network" {
	start
	smtpxdp ban add 198.51.100.9 --for 90s --reason 'a "test"'
	smtpxdp ban add 2001:db8:bad::7
	smtpxdp ban add 198.51.100.32/28 --for 7d
	same "ban list" "$(banned)" \
		"198.51.100.32/28 198.51.100.9/32 2001:db8:bad::/64"
	row=$(smtpxdp ban list -j | jq '.[] | select(.net == "198.51.100.9/32")')
	same "reason" "$(jq -r .reason <<<"$row")" 'a "test"'
	[ "$(jq .expires_in <<<"$row")" -le 90 ]
	[ "$(jq .expires_in <<<"$row")" -ge 85 ]
	has "$(jq -r .banned_at <<<"$row")" \
		'^20[0-9-]{8}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$'
	same "fields" "$(jq -c 'keys' <<<"$row")" \
		'["banned_at","closed","dropped_bytes","dropped_packets","expires_in","failures","net","next_ban","offences","others","owner","reason"]'
	vanished attacker --from 198.51.100.9
	vanished attacker --from 198.51.100.40
	vanished attacker --from 2001:db8:bad::8 --server $POSTFIX6
	connects attacker --from 198.51.100.50
	connects attacker --from 2001:db8:bad:1::8 --server $POSTFIX6
	[ "$(counter dropped-net)" -gt 0 ]
	row=$(smtpxdp ban list -j | jq '.[] | select(.net == "198.51.100.32/28")')
	[ "$(jq .dropped_packets <<<"$row")" -gt 0 ]
	[ "$(jq .dropped_bytes <<<"$row")" -gt 0 ]

	smtpxdp ban del 198.51.100.9
	smtpxdp ban del 198.51.100.32/28
	smtpxdp ban del 2001:db8:bad::7
	same "ban list" "$(smtpxdp ban list -j)" '[]'
	connects attacker --from 198.51.100.9
	connects attacker --from 198.51.100.40
	connects attacker --from 2001:db8:bad::8 --server $POSTFIX6
	fails 1 smtpxdp ban del 198.51.100.9
	has "$output" 'not banned'
}

@test "ban del of many, as arguments and from standard input, by one call" {
	daemon_up
	printf '%s 1h\n' 100.65.0.{1..9} 2001:db8:1::/48 |
		smtpxdp ban load --private -
	same "text" "$(smtpxdp ban del 100.65.0.1 100.65.0.2 2001:db8:1::/48 100.65.0.99)" \
		"3 unbanned, 1 had no ban"
	same "json" "$(printf '100.65.0.3 100.65.0.4\n\n100.65.0.98\n' |
		smtpxdp ban del -j - | jq -c .)" \
		'{"unbanned":["100.65.0.3/32","100.65.0.4/32"],"not_banned":["100.65.0.98/32"],"wanted":[]}'
	same "one on standard input" "$(smtpxdp ban del - <<<100.65.0.5)" \
		"1 unbanned, 0 had no ban"
	same "nothing on standard input" "$(smtpxdp ban del - </dev/null)" \
		"0 unbanned, 0 had no ban"
	banned_are 100.65.0.6/32 100.65.0.7/32 100.65.0.8/32 100.65.0.9/32
	until_true 5 journal_has SMTPXDP_EVENT=unban SMTPXDP_NET=100.65.0.4/32
	# One that is none: nothing is lifted.
	fails 2 smtpxdp ban del 100.65.0.6 100.65.0.777
	has "$output" '"100.65.0.777"'
	fails 2 smtpxdp ban del - <<<'100.65.0.6 nonsense'
	banned_are 100.65.0.6/32 100.65.0.7/32 100.65.0.8/32 100.65.0.9/32
	fails 2 smtpxdp ban del
	has "$output" 'ADDR.* is missing'
	daemon_down
	smtpxdp unload
	daemon_up # it was saved, too
	banned_are 100.65.0.6/32 100.65.0.7/32 100.65.0.8/32 100.65.0.9/32
}

@test "ban del forgets the failures: one more does not ban again" {
	start
	login_fail attacker 5
	vanished attacker
	smtpxdp ban del $ATTACKER
	login_fail attacker 4
	same "ban list" "$(banned)" ''
	login_fail attacker 1
	same "ban list" "$(banned)" $ATTACKER/32
}

@test "the completion offers addresses that are in the lists" {
	start
	smtpxdp ban add 198.51.100.9
	smtpxdp ban add 2001:db8:bad::7
	smtpxdp allow add 203.0.113.0/24
	offered() {
		"$BIN" complete -- --pin "$PIN" "$@" | grep -v ^- | cut -f1 | LC_ALL=C sort | paste -sd ' '
	}
	same "ban del" "$(offered ban del '')" "198.51.100.9/32 2001:db8:bad::/64"
	same "ban del 2" "$(offered ban del 2)" "2001:db8:bad::/64"
	same "allow del" "$(offered allow del '')" 203.0.113.0/24
	login_fail attacker 1
	same "why" "$(offered why '')" $ATTACKER
	# Nothing is said where nothing can be read.
	same "not loaded" "$("$BIN" complete -- --pin /nowhere why '' 2>&1)" ''
}

@test "ban flush lifts all bans" {
	start
	smtpxdp ban add 198.51.100.9
	smtpxdp ban add 203.0.113.64/26
	login_fail attacker 5
	same "flushed" "$(smtpxdp ban flush -j | jq .unbanned)" 3
	same "ban list" "$(smtpxdp ban list -j)" '[]'
	connects attacker
}

@test "allow add lifts the ban and stops the counting; allow del ends it" {
	start
	login_fail attacker 5
	vanished attacker
	smtpxdp allow add $ATTACKER
	same "ban list" "$(banned)" ''
	login_fail attacker 6
	same "ban list" "$(banned)" ''
	has "$(smtpxdp allow list)" "^$ATTACKER/32"
	fails 1 smtpxdp ban add $ATTACKER
	has "$output" 'allowlist'
	smtpxdp allow del $ATTACKER
	login_fail attacker 5
	same "ban list" "$(banned)" $ATTACKER/32
}

@test "an allowlisted network lifts the bans within, and beats a wider ban" {
	start
	smtpxdp ban add 198.51.100.9
	smtpxdp ban add 198.51.100.0/24
	vanished attacker --from 198.51.100.9
	smtpxdp allow add 198.51.100.8/29
	connects attacker --from 198.51.100.9
	vanished attacker --from 198.51.100.20
}

@test "this host, its gateways and loopback are not banned by accident" {
	start
	for a in $POSTFIX $POSTFIX6 192.0.2.0/24 $GATEWAY 2001:db8:25::1 \
		127.0.0.1 127.0.0.0/8 ::1 0.0.0.0/0 2000::/3; do
		fails 1 smtpxdp ban add $a
		has "$output" --force
	done
	same "ban list" "$(smtpxdp ban list -j)" '[]'
	connects router --from $GATEWAY
	smtpxdp ban add $GATEWAY --force
	vanished router --from $GATEWAY
	smtpxdp ban del $GATEWAY
	connects router --from $GATEWAY
	# An address that this host gets later is protected from then on.
	at mail ip addr add 192.0.2.99/24 dev eth0
	until_true 5 allowlisted 192.0.2.99/32
	fails 1 smtpxdp ban add 192.0.2.99
	at mail ip addr del 192.0.2.99/24 dev eth0
}

allowlisted() {
	smtpxdp allow list -j | jq -e --arg n $1 'any(.[]; .net == $n)'
}

@test "the gateway's own failures ban nobody" {
	start
	login_fail router 6 --from $GATEWAY
	same "ban list" "$(banned)" ''
}

@test "clients and why: who is failing, and what would happen next" {
	start
	same "clients" "$(smtpxdp clients -j)" '[]'
	login_fail attacker 3
	same "clients" "$(smtpxdp clients -j | jq -c '[.[] |
		[.net, .failures, .in_window, .last_code, .banned]]')" \
		"[[\"$ATTACKER/32\",3,3,535,false]]"
	has "$(smtpxdp clients)" "$ATTACKER"
	has "$(smtpxdp why $ATTACKER)" '2 more failures'
	login_fail attacker 2
	same "banned" "$(smtpxdp clients -j | jq '.[0].banned')" true
	has "$(smtpxdp why $ATTACKER)" dropped
	smtpxdp allow add $ATTACKER
	same "allowed by" "$(why $ATTACKER .allow.net)" $ATTACKER/32
	same "unknown client" "$(why 203.0.113.77 .client)" null
}

@test "status: the documented shape, every counter by name" {
	start
	s=$(smtpxdp status -j)
	same "shape" "$(jq 'has("mode") and has("interfaces") and has("bans") and
		has("clients") and has("counters") and has("daemon")' <<<"$s")" true
	same "interfaces" "$(jq -c .interfaces <<<"$s")" \
		'[{"name":"eth0","waiting":false,"xdp":"native","tc":"tcx","tc_in":"tcx","users":"read","users_why":null}]'
	same "daemon" "$(jq -c '.daemon | [.running, .serves, .pid]' <<<"$s")" \
		"[true,true,$(daemon_pid)]"
	same "counters" "$(jq '.counters | all(.[];
		has("packets") and has("bytes"))' <<<"$s")" true
	for name in $(jq -r '.counters | keys[]' <<<"$s"); do
		has "$(smtpxdp status)" "^$name "
	done
	smtpxdp ban add 198.51.100.9
	same "bans" "$(smtpxdp status -j | jq .bans)" 1
}

@test "ban add knows this host's addresses, though the daemon is down" {
	start
	daemon_down
	at mail ip addr add 192.0.2.99/32 dev eth0
	fails 1 smtpxdp ban add 192.0.2.99
	has "$output" 'address of this host.*--force'
	at mail ip addr del 192.0.2.99/32 dev eth0
	smtpxdp ban add 192.0.2.99
	same "ban list" "$(banned)" 192.0.2.99/32
}

@test "everything but the daemon's own works while it is down" {
	start
	login_fail attacker 2
	daemon_down
	has "$(smtpxdp status)" 'NOT running'
	same "clients" "$(smtpxdp clients -j | jq length)" 1
	smtpxdp ban add 198.51.100.9
	same "ban list" "$(banned)" 198.51.100.9/32
	smtpxdp allow add 198.51.100.0/24
	same "ban list" "$(banned)" ''
	smtpxdp allow del 198.51.100.0/24
	smtpxdp config set rate 7/120s
	has "$(smtpxdp why $ATTACKER)" '5 more failures'
	daemon_up
	same "rate" "$(smtpxdp config get rate)" 7/120s
	same "file" "$(cat $CONF)" "rate = 7/120s"
}

@test "-p is JSON for people, errors with -j are JSON as well" {
	start
	smtpxdp ban add 198.51.100.9
	[ "$(smtpxdp -p ban | wc -l)" -gt 5 ]
	same "the same" "$(smtpxdp -p ban | jq -c '.[].net')" \
		"$(smtpxdp ban -j | jq -c '.[].net')"
	fails 1 smtpxdp -j ban del 203.0.113.99
	jq -e .error <<<"$output"
}
