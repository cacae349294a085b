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
		'{"loaded":4,"kept":0,"lifted":0,"skipped":[],"private":[],"wrong":0,"faults":[]}'
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

@test "ban load: ranges, netmasks, a byte order mark, as lists are published" {
	start
	printf '\xef\xbb\xbf%s\r\n' "198.51.100.8 - 198.51.100.11 ; a range" \
		"198.51.100.32	255.255.255.240" "198.51.100.13-198.51.100.14" \
		"198.51.100.48/255.255.255.252" >$LIST
	sed -i '2,$s/^\xef\xbb\xbf//' $LIST
	smtpxdp ban load $LIST
	same "ban list" "$(banned)" "198.51.100.13/32 198.51.100.14/32 198.51.100.32/28 \
198.51.100.48/30 198.51.100.8/30"
	same "reasons" "$(smtpxdp ban list -j | jq -r 'map(.reason) | unique | join(", ")')" \
		'by command'
	vanished attacker --from 198.51.100.11
	vanished attacker --from 198.51.100.14
	connects attacker --from 198.51.100.12
	connects attacker --from 198.51.100.15
	vanished attacker --from 198.51.100.40
}

@test "ban load: a wrong line is left out and named; --strict bans nobody" {
	start
	list <<-EOT
		198.51.100.9

		198.51.100.300 1h
		198.51.100.10 3600
		198.51.100.11 1h listed
		198.51.100.12 2026-11-30
	EOT
	fails 1 smtpxdp ban load --strict $LIST
	has "$output" "list:3: .*198\.51\.100\.300"
	has "$output" '3 lines are wrong; nobody was banned'
	same "ban list" "$(banned)" ''
	fails 1 smtpxdp ban load $LIST
	has "$output" "list:3: .*198\.51\.100\.300"
	has "$output" "list:4: a number or a date"
	has "$output" "list:6: a number or a date"
	has "$output" '^2 bans loaded, 3 lines are wrong'
	same "ban list" "$(banned)" '198.51.100.11/32 198.51.100.9/32'
	same "as JSON" "$(! smtpxdp -j ban load $LIST 2>/dev/null | jq -c \
		'[.wrong, [.faults[].line]]')" '[3,[3,4,6]]'
	smtpxdp ban flush
	# What has no network at all is another file.
	echo '<html>Not found</html>' | list
	fails 1 smtpxdp ban load $LIST
	has "$output" '1 line is wrong; nobody was banned'
	fails 1 smtpxdp ban load $LIST-none
	fails 2 smtpxdp ban load
	fails 2 smtpxdp ban load $LIST --for soon
}

@test "ban load: private and multicast networks are left out unless asked for" {
	start
	list <<-EOT
		198.51.100.9
		10.9.0.0/16
		192.168.7.8
		100.64.0.0 - 100.127.255.255
		224.0.0.0/4
		fe80::/10
		fd00::7
		192.0.0.0/8
	EOT
	out=$(smtpxdp ban load $LIST 2>&1)
	has "$out" '7 of 8 are private.*--private: 10\.9\.0\.0/16, '
	has "$out" '^1 ban loaded$'
	same "ban list" "$(banned)" '198.51.100.9/32'
	same "told" "$(smtpxdp -j ban load $LIST 2>/dev/null | jq -c \
		'[.loaded, (.private | length), .private[1]]')" '[1,7,"192.168.7.8/32"]'
	smtpxdp ban load --private $LIST
	has "$(banned)" '10.9.0.0/16'
	has "$(banned)" '224.0.0.0/4'
}

@test "never shorter: neither by a list nor by ban add, but where somebody says so" {
	start
	left() {
		smtpxdp ban list -j | jq -r --arg net $1 \
			'.[] | select(.net == $net) | "\(.expires_in / 3600 | ceil) \(.reason)"'
	}
	smtpxdp ban add 198.51.100.9 --for 7d --reason mine
	echo 198.51.100.9 2h listed | list
	has "$(smtpxdp ban load $LIST)" '^0 bans loaded, 1 holds as long already'
	same "kept" "$(left 198.51.100.9/32)" '168 mine'
	has "$(smtpxdp ban add 198.51.100.9 --for 1h --reason cron)" \
		'banned for longer already'
	same "kept" "$(left 198.51.100.9/32)" '168 mine'
	same "told" "$(smtpxdp -j ban add 198.51.100.9 --for 1h | jq -c \
		'[.kept, .reason]')" '[true,"mine"]'
	smtpxdp ban add 198.51.100.9 --for 1h --reason short --shorten
	same "shortened" "$(left 198.51.100.9/32)" '1 short'
	smtpxdp ban load $LIST
	same "longer" "$(left 198.51.100.9/32)" '2 listed'
	# Two lines of one client: the longer one counts.
	printf '%s\n' '2001:db8:bad::7 1h a' '2001:db8:bad::8 3h b' \
		'2001:db8:bad::9 2h c' | smtpxdp ban load -
	same "longest" "$(left 2001:db8:bad::/64)" '3 b'
}

@test "ban list --plain goes into ban load again, whatever the reasons are" {
	start
	smtpxdp ban add 198.51.100.9 --for 2h --reason 'bug #12; see "x" \ # y'
	smtpxdp ban add 198.51.100.32/28 --for 7d --reason '10 failures in 2m'
	smtpxdp ban add 2001:db8:bad::7 --for 300d --reason '# '
	smtpxdp ban add 198.51.100.10 --for 100s
	all() {
		smtpxdp ban list -j | jq -c 'sort_by(.net) |
			map([.net, .reason, ((.expires_in + 50) / 100 | floor)])'
	}
	before=$(all)
	smtpxdp ban list --plain >$LIST
	same "lines" "$(wc -l <$LIST)" 4
	smtpxdp ban flush
	smtpxdp ban load --strict --restore $LIST
	same "bans" "$(all)" "$before"
	fails 2 smtpxdp ban list --plain -j
}

@test "ban load --restore: owners, force, open ports, a sensor's figures, private ones" {
	start rate 2/1h
	login_fail attacker 2 --from 198.51.100.50
	until_true 10 banned_are 198.51.100.50/32
	smtpxdp ban add 198.51.100.9 --for 2h --owner 'jail "sshd" #1' --reason one
	smtpxdp ban add 198.51.100.9 --for 7d --owner list --reason two
	smtpxdp ban add 198.51.100.9 --for 1h
	smtpxdp ban add $GATEWAY --for 1h --force
	smtpxdp ban add 192.168.77.0/24 --for 7d --owner list
	all() {
		smtpxdp ban list -j | jq -c 'sort_by(.net) | map([.net, .reason, .owner, (.banned_at[:18]),
			.failures, .closed, ((.expires_in + 50) / 100 | floor),
			(.others | map([.owner, .reason]))])'
	}
	before=$(all)
	smtpxdp ban list --plain >$LIST
	smtpxdp ban flush
	# Without --restore nobody is believed about it.
	fails 1 smtpxdp ban load --strict $LIST
	has "$output" "read with --restore"
	fails 2 smtpxdp ban load --restore --list x $LIST
	same "none" "$(banned)" ""
	smtpxdp ban load --strict --restore $LIST
	same "bans" "$(all)" "$before"
	# Each owner takes back his own, and not more.
	smtpxdp ban flush --owner list
	lacks "$(banned)" 192.168.77
	has "$(smtpxdp ban list -j)" 'jail .*sshd'
	vanished router --from $GATEWAY
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
	same "skipped" "$(smtpxdp ban load $LIST -j 2>/dev/null | jq -c '{loaded, skipped}')" \
		"{\"loaded\":1,\"skipped\":[\"198.51.100.9/32\",\"$POSTFIX/32\",\"$GATEWAY/32\"]}"
	has "$(smtpxdp ban load $LIST 2>&1)" '3 of 4'
	connects router --from $GATEWAY
	connects attacker --from 198.51.100.9
}

@test "ban load: more than there is room for bans nobody, and is told" {
	start max-bans 1024
	smtpxdp ban add 198.51.100.9
	for i in $(seq 0 1199); do
		echo 11.9.$((i / 256)).$((i % 256))
	done | list
	fails 1 smtpxdp ban load $LIST
	has "$output" '1200 clients .* room for 1023; nobody was banned'
	has "$output" 'max-bans to 1201 or more'
	same "bans" "$(smtpxdp status -j | jq .bans)" 1
	# What is there, and what is listed twice, takes no room.
	{ head -n 1023 $LIST && head -n 9 $LIST && echo 198.51.100.9; } >$LIST.2
	smtpxdp ban load $LIST.2
	same "bans" "$(smtpxdp status -j | jq .bans)" 1024
	smtpxdp ban load $LIST.2 --for 2h
	seq -f '11.%g.0.0/16' 1 200 | smtpxdp ban load -
	seq -f '12.1.%g.0/24' 0 255 >$LIST.3
	for i in 2 3 4 5; do sed "s/^12.1/12.$i/" $LIST.3; done >$LIST.4
	fails 1 smtpxdp ban load $LIST.4
	has "$output" '1024 networks .* room for 824; nobody was banned'
}

@test "100,000 bans are loaded, hold, and are carried over into a larger table" {
	start max-bans 100000
	awk 'BEGIN { for (i = 0; i < 99999; i++)
		printf "11.%d.%d.%d\n", i / 65536, i / 256 % 256, i % 256 }' | list
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
	# A list takes no memory for each of them.
	listed() {
		at mail prlimit --data=32000000 "$BIN" --pin "$PIN" ban list "$@"
	}
	same "listed" "$(listed | wc -l) $(listed --plain | wc -l) $(listed -j | jq length)" \
		"100000 99999 99999"
	smtpxdp ban add 198.51.100.9
	same "flushed" "$(smtpxdp ban flush)" "100000 unbanned"
	connects attacker --from 198.51.100.9
	until_true 5 journal_has SMTPXDP_EVENT=flushed
	same "events" "$(smtpxdp events | grep -c 'all bans, 100000, are lifted')" 1
	has "$(smtpxdp events -j -n 1)" '"event":"flushed","client":null,"net":null'
	same "told each" "$(journal SMTPXDP_EVENT=unban | jq -r .SMTPXDP_NET)" 198.51.100.9/32
}
