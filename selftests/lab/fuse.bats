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
	for n in $(seq 20 219); do
		echo "addr replace 203.0.113.$n/24 dev eth0"
	done | at honest ip -batch -
	daemon_up
}

after() {
	lab_passwords
}

# 10.N.1.7, 10.N.2.7, ...: so many addresses, of a /24 each.
networks() { # NS N COUNT
	at router ip route replace 10.$2.0.0/16 dev to-$1
	for n in $(seq $3); do
		echo "addr replace 10.$2.$n.7/32 dev eth0"
	done | at $1 ip -batch -
}

# Each of the addresses once, twenty at a time, "good" or "bad".
come_in() { # HOW FIRST LAST
	local first
	for first in $(seq $2 20 $3); do
		login_storm honest --"$1" \
			"$(printf "203.0.113.%s*1," $(seq $first $((first + 18))))203.0.113.$((first + 19))*1"
	done
}

@test "200 honest clients, and the password database taken away" {
	smtpxdp ban add 198.51.100.60
	come_in good 20 219
	same "logins" "$(counter successes)" 200
	rm $LAB/users
	come_in bad 20 219
	until_true 30 journal_has SMTPXDP_EVENT=fuse-blown
	come_in bad 20 219
	come_in bad 20 219
	same "each failed three times" "$(counter failures)" 600
	same "banned: only whom an admin had banned" "$(banned)" 198.51.100.60/32
	vanished attacker --from 198.51.100.60
	same "alerts" "$(journal SMTPXDP_EVENT=fuse-blown | wc -l)" 1
	has "$(journal SMTPXDP_EVENT=fuse-blown | jq -r .MESSAGE)" \
		'clients that used to log in began to fail within .* is the password database out of order'
	has "$(journal SMTPXDP_EVENT=would-ban | jq -r .MESSAGE | head -n 1)" \
		'would ban 203\.0\.113\..*not banned: the fuse has blown'
	fails 1 smtpxdp status
	has "$output" 'fuse.*it has blown'

	lab_passwords
	come_in good 20 59
	until_true 10 journal_has SMTPXDP_EVENT=fuse-closed
	fails 0 smtpxdp status
	login_fail attacker 3
	banned_are 198.51.100.60/32 $ATTACKER/32
}

@test "guessers from many addresses do not blow it" {
	come_in good 20 39
	login_storm attacker --tries 3 --bad \
		"$(printf '198.51.100.%s*1,' $(seq 10 38))198.51.100.39*1"
	same "banned" "$(smtpxdp ban list -j | jq length)" 30
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
