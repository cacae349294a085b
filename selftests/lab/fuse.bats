#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Never blindly: the password database goes away, and nobody is banned for it;
# an attack is none the less one.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

servers() {
	echo journald postfix
}

before() {
	conf rate 3/120s
	accounts 40
	daemon_up
}

after() {
	lab_passwords
	rm -rf $STATE
}

accounts() { # COUNT: user1, user2, ...
	lab_passwords
	printf "user%s:{PLAIN}$PASS_OK\n" $(seq $1) >>$LAB/users
}

# 10.N.1.7, 10.N.2.7, ...: so many addresses, of a /24 each.
networks() { # NS N COUNT
	at router ip route replace 10.$2.0.0/16 dev to-$1
	for n in $(seq $3); do
		echo "addr replace 10.$2.$n.7/32 dev eth0"
	done | at $1 ip -batch -
}

# Each of 10.8.N.7, as user N, once, twenty at a time, "good" or "bad".
come_in() { # HOW FIRST LAST
	local first
	for first in $(seq $2 20 $3); do
		login_storm honest --"$1" \
			"$(for n in $(seq $first $((first + 19))); do
				echo 10.8.$n.7*1*user$n
			done | paste -sd ,)"
	done
}

# Who has logged in so far did so for the first time 13 hours ago: as if the
# machine had been booted since. Bans come back, too.
half_a_day_later() {
	daemon_down TERM
	smtpxdp unload
	sqlite3 -cmd '.timeout 5000' $STATE/smtpxdp.db \
		"UPDATE moment SET boot_id = 'another boot';
		UPDATE logins SET first = first - 46800"
	daemon_up
}

regulars() { # COUNT
	networks honest 8 $1
	come_in good 1 $1
	half_a_day_later
}

@test "40 honest clients of 40 networks, and the password database taken away" {
	smtpxdp ban add 198.51.100.60
	regulars 40
	has "$(journal SMTPXDP_EVENT=restored | jq -r .MESSAGE)" \
		'the logins of 40 clients'
	rm $LAB/users
	come_in bad 1 40
	until_true 30 journal_has SMTPXDP_EVENT=fuse-blown
	come_in bad 1 40
	come_in bad 1 40
	same "each failed three times" "$(counter failures)" 120
	same "banned: only whom an admin had banned" "$(banned)" 198.51.100.60/32
	vanished attacker --from 198.51.100.60
	same "alerts" "$(journal SMTPXDP_EVENT=fuse-blown | wc -l)" 1
	has "$(journal SMTPXDP_EVENT=fuse-blown | jq -r .MESSAGE)" \
		'clients that used to log in, .* began to fail within .* out of order.*10\.8\.[0-9]+\.7/32, '
	has "$(journal SMTPXDP_EVENT=would-ban | jq -r .MESSAGE | head -n 1)" \
		'would ban 10\.8\..*not banned: the fuse has blown'
	fails 1 smtpxdp status
	has "$output" 'fuse.*it has blown'

	lab_passwords
	accounts 40
	come_in good 1 40
	until_true 10 journal_has SMTPXDP_EVENT=fuse-closed
	fails 0 smtpxdp status
	login_fail attacker 3
	banned_are 198.51.100.60/32 $ATTACKER/32
}

@test "while it has blown: who blew it, regulars spared, strangers not for ever" {
	regulars 20
	rm $LAB/users
	come_in bad 1 20
	until_true 30 journal_has SMTPXDP_EVENT=fuse-blown
	fails 1 smtpxdp status --check
	has "$output" '^fuse: it has blown: [0-9]+ clients .*\(10\.8\.[0-9]+\.7/32, '
	same "who blew it" "$(smtpxdp status -j | jq '.fuse.clients |
		length >= 10 and all(.[]; startswith("10.8."))')" true
	# A regular may fail on and on.
	login_fail honest 9 --from 10.8.1.7 --user user1
	# A stranger is banned for guessing at several users, or on and on.
	login_fail attacker 3 --from 198.51.100.10 --user bob
	same "banned" "$(banned)" ''
	login_fail attacker 3 --from 198.51.100.10 --user bob
	same "banned" "$(banned)" 198.51.100.10/32
	login_fail attacker 2 --from 198.51.100.11 --user bob
	login_fail attacker 1 --from 198.51.100.11 --user eve
	same "banned" "$(banned)" "198.51.100.10/32 198.51.100.11/32"
	# A new daemon does not forget it.
	daemon_down TERM
	daemon_up
	sleep 2.5 # it looks every second
	fails 1 smtpxdp status --check
	has "$output" '^fuse: it has blown: [0-9]+ clients .*\(10\.8\.'
	accounts 40
	come_in good 1 20
	until_true 10 journal_has SMTPXDP_EVENT=fuse-closed
	smtpxdp status --check
	same "who blew it" "$(smtpxdp status -j | jq .fuse)" null
}

@test "one account holder inside TLS is one, too" {
	local one
	networks attacker 9 12
	one=$(printf '10.9.%s.7*1*user1,' $(seq 12))
	login_storm attacker --tls starttls --good ${one%,}
	half_a_day_later
	login_storm attacker --tls starttls --bad ${one%,}
	same "regulars that fail" "$(counter regulars-failing)" 12
	sleep 2.5 # it looks every second, and says nothing if nothing is wrong
	not journal_has SMTPXDP_EVENT=fuse-blown
}

@test "one account holder does not blow it: neither in a network, nor in twelve" {
	local net one
	networks attacker 9 12
	one=$(printf '10.9.%s.7*1*user1,' $(seq 12))
	net=$(for n in $(seq 12); do
		printf '198.51.100.%s*1*user%s,' $((20 + n)) $((20 + n))
	done)
	login_storm attacker --good ${one%,}
	login_storm attacker --good ${net%,}
	half_a_day_later
	login_storm attacker --bad ${one%,}
	login_storm attacker --bad ${net%,}
	same "regulars that fail" "$(counter regulars-failing)" 24
	sleep 2.5 # it looks every second, and says nothing if nothing is wrong
	not journal_has SMTPXDP_EVENT=fuse-blown
	login_storm attacker --tries 2 --bad ${one%,}
	same "banned" "$(smtpxdp ban list -j | jq length)" 12
}

@test "to have logged in today makes no regular; guessers are none" {
	networks attacker 9 12
	for n in $(seq 12); do
		login_ok attacker --from 10.9.$n.7 --user user$n --password $PASS_OK
	done
	login_storm attacker --tries 3 --bad "$(for n in $(seq 12); do
		echo 10.9.$n.7*1*user$n,198.51.100.$((9 + n))*1
	done | paste -sd ,)"
	same "banned" "$(smtpxdp ban list -j | jq length)" 24
	sleep 2.5 # it looks every second, and says nothing if nothing is wrong
	not journal_has SMTPXDP_EVENT=fuse-blown
}

@test "the brake: no more bans a minute than max-bans-per-minute, and it is told" {
	networks attacker 9 8
	smtpxdp config set max-bans-per-minute 5
	smtpxdp status --check
	for n in $(seq 1 8); do
		login_fail attacker 3 --from 10.9.$n.7
	done
	same "banned" "$(smtpxdp ban list -j | jq length)" 5
	same "not banned" "$(counter bans-braked)" 3
	until_true 5 journal_has SMTPXDP_EVENT=would-ban SMTPXDP_CLIENT=10.9.8.7
	has "$(journal SMTPXDP_EVENT=would-ban | jq -r .MESSAGE | tail -n 1)" \
		'not banned: max-bans-per-minute is reached'
	fails 1 smtpxdp status --check
	has "$output" '^brake: max-bans-per-minute is reached: .* 1 of the last 5 bans'
	# It is counted on, and banned when there is room again.
	smtpxdp config set max-bans-per-minute off
	smtpxdp status --check
	login_fail attacker 3 --from 10.9.8.7
	has "$(banned)" 10.9.8.7/32
}

@test "the brake: no network can keep it for itself" {
	networks attacker 9 2
	smtpxdp config set max-bans-per-minute 20
	for n in $(seq 10 33); do
		login_fail attacker 3 --from 198.51.100.$n
	done
	same "of one /24" "$(banned)" "198.51.100.10/32 198.51.100.11/32"
	until_true 5 journal_has SMTPXDP_EVENT=would-ban SMTPXDP_CLIENT=198.51.100.33
	has "$(journal SMTPXDP_EVENT=would-ban | jq -r .MESSAGE | tail -n 1)" \
		'not banned: its network has used its share of max-bans-per-minute'
	fails 1 smtpxdp status --check
	has "$output" '^198\.51\.100\.0/24: .* share of max-bans-per-minute \(2\).*ban add 198\.51\.100\.0/24'
	login_fail attacker 3 --from 10.9.1.7
	login_fail attacker 3 --from 10.9.2.7
	has "$(banned)" '10\.9\.1\.7/32 10\.9\.2\.7/32'
}
