#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The main path on real Postfix: who is banned, when, and until when.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

swaks_fail() { # [SWAKS OPTION...]
	fails 28 swaks_try attacker $USER_OK wrong "$@"
	has "$output" '<\*\* 535 '
}

@test "IPv4: nine wrong passwords ban nobody, the tenth does" {
	conf rate 10/120s
	daemon_up
	for i in 1 2 3 4 5 6 7 8 9; do
		swaks_fail $POSTFIX
		same "failures counted" "$(counter failures)" "$i"
		same "in the window" "$(in_window $ATTACKER)" "$i"
	done
	same "ban list" "$(smtpxdp ban list -j)" '[]'
	connects attacker

	swaks_fail $POSTFIX
	same "failures counted" "$(counter failures)" 10
	same "ban list" "$(banned)" $ATTACKER/32
	same "crossings" "$(counter thresholds-crossed)" 1

	before=$(counter dropped-ban)
	fails 2 swaks_try attacker $USER_OK wrong $POSTFIX --timeout 1
	has "$output" 'Error connecting'
	after=$(counter dropped-ban)
	[ "$after" -gt "$before" ]
	[ "$(smtpxdp ban list -j | jq '.[0].dropped_packets')" -ge $((after - before)) ]

	swaks_try honest $USER_OK $PASS_OK $POSTFIX
	connects attacker --from 198.51.100.8 # IPv4: an address is a client
}

@test "IPv6: the tenth bans the client's /64, and no other" {
	conf rate 10/120s
	daemon_up
	for _ in 1 2 3 4 5; do
		swaks_fail $POSTFIX6 --local-interface $ATTACKER6
	done
	# The same customer, from another of his addresses.
	login_fail attacker 4 --server $POSTFIX6 --from 2001:db8:bad::8
	same "failures counted" "$(counter failures)" 9
	same "ban list" "$(banned)" ''
	connects attacker --server $POSTFIX6 --from $ATTACKER6

	swaks_fail $POSTFIX6 --local-interface $ATTACKER6
	same "ban list" "$(banned)" 2001:db8:bad::/64
	before=$(counter dropped-ban)
	vanished attacker --server $POSTFIX6 --from $ATTACKER6
	vanished attacker --server $POSTFIX6 --from 2001:db8:bad::8
	[ "$(counter dropped-ban)" -gt "$before" ]

	connects attacker --server $POSTFIX6 --from 2001:db8:bad:1::7
	login_ok honest --server $POSTFIX6
}

@test "a connection that is open when the ban comes is cut off" {
	conf rate 10/120s
	daemon_up
	fails 1 login_fail attacker 1 --tries 11 --timeout 2
	same "replies seen" "$(grep -c ^535 <<<"$output")" 10
	has "$output" ConnectionResetError
	same "ban list" "$(banned)" $ATTACKER/32
}

@test "each client has a count of its own" {
	conf rate 5/120s
	daemon_up
	login_fail attacker 4 --from 198.51.100.11
	login_fail attacker 4 --from 198.51.100.12
	login_fail attacker 4 --from 2001:db8:bad:1::7 --server $POSTFIX6
	same "ban list" "$(banned)" ''
	login_fail attacker 1 --from 198.51.100.12
	same "ban list" "$(banned)" 198.51.100.12/32
	connects attacker --from 198.51.100.11
}

@test "the window slides: what is older than it does not count" {
	conf rate 3/2s
	daemon_up
	login_fail attacker 2
	sleep 2.1
	login_fail attacker 2
	same "ban list" "$(banned)" ''
	login_fail attacker 1
	same "ban list" "$(banned)" $ATTACKER/32
}

@test "a ban ends on time though the daemon was killed" {
	conf rate 3/60s ban-time 3s
	daemon_up
	login_fail attacker 3
	daemon_down KILL
	same "daemon runs" "$(smtpxdp status -j | jq .daemon.running)" false
	same "ban list" "$(banned)" $ATTACKER/32
	vanished attacker
	until_true 5 connects attacker --timeout 0.5
	same "ban list" "$(banned)" ''
	# And it starts from nothing: two more are not enough, the third is.
	login_fail attacker 2
	same "ban list" "$(banned)" ''
	login_fail attacker 1
	same "ban list" "$(banned)" $ATTACKER/32
}

@test "the kernel bans and unbans while the daemon is frozen" {
	conf rate 3/60s ban-time 3s
	daemon_up
	kill -STOP "$(daemon_pid)"
	login_fail attacker 3
	vanished attacker
	same "ban list" "$(banned)" $ATTACKER/32
	until_true 5 connects attacker --timeout 0.5
	same "ban list" "$(banned)" ''
	kill -CONT "$(daemon_pid)"
	# It catches up: what happened is told, and nobody is banned anew.
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_CLIENT=$ATTACKER
	connects attacker
}

@test "the daemon finishes what the kernel began: reason, expiry, journal" {
	conf rate 3/60s ban-time 2s
	daemon_up
	login_fail attacker 3
	until_true 5 has_reason
	until_true 6 journal_has SMTPXDP_EVENT=expire SMTPXDP_NET=$ATTACKER/32
	same "ban list" "$(smtpxdp ban list -j)" '[]'
	connects attacker
}

has_reason() {
	[ "$(smtpxdp ban list -j | jq -r '.[0].reason')" = '3 failures in 1m' ]
}

@test "bans and windows outlive a restart" {
	conf rate 3/60s
	daemon_up
	login_fail attacker 3
	login_fail attacker 2 --from 198.51.100.20
	daemon_down
	daemon_up
	same "ban list" "$(banned)" $ATTACKER/32
	vanished attacker
	login_fail attacker 1 --from 198.51.100.20
	same "ban list" "$(banned)" "198.51.100.20/32 $ATTACKER/32"
}

@test "killed and started again: no gap, one sensor, one gate" {
	conf rate 3/60s
	daemon_up
	login_fail attacker 2
	daemon_down KILL
	login_fail attacker 1
	vanished attacker
	daemon_up
	vanished attacker
	same "failures counted" "$(counter failures)" 3
	login_fail attacker 1 --from 198.51.100.20
	same "failures counted" "$(counter failures)" 4
}

@test "mode monitor: told, not banned" {
	conf rate 3/60s mode monitor
	daemon_up
	login_fail attacker 4
	until_true 5 journal_has SMTPXDP_EVENT=would-ban SMTPXDP_CLIENT=$ATTACKER
	same "ban list" "$(smtpxdp ban list -j)" '[]'
	connects attacker
	same "packets dropped" "$(counter dropped-ban)" 0
	same "told" "$(journal SMTPXDP_EVENT=would-ban | wc -l)" 1
}

@test "-m monitor on the command line overrides the file" {
	conf rate 3/60s mode enforce
	daemon_up -m monitor
	login_fail attacker 3
	same "ban list" "$(smtpxdp ban list -j)" '[]'
	same "mode" "$(smtpxdp status -j | jq -r .mode)" monitor
	same "origin" "$(smtpxdp config -j | jq -r \
		'.[] | select(.key == "mode") | .origin')" "command line"
}

@test "scope: mail ports only, or everything" {
	conf rate 3/60s
	daemon_up
	login_fail attacker 3
	vanished attacker
	connects attacker --port 10025
	smtpxdp config set scope all
	vanished attacker --port 10025
	smtpxdp config set scope mail
	connects attacker --port 10025
}

@test "only replies from mail ports count" {
	conf rate 3/60s
	daemon_up
	login_fail attacker 3 --port 10025
	same "failures counted" "$(counter failures)" 0
	smtpxdp config set ports "25, 587, 10025"
	login_fail attacker 2 --port 10025
	same "failures counted" "$(counter failures)" 2
}

@test "whoever is allowlisted is neither counted nor banned" {
	conf rate 3/60s allow 198.51.100.0/28
	daemon_up
	login_fail attacker 5
	same "failures counted" "$(counter failures)" 0
	same "of the allowlisted" "$(counter failures-allowed)" 5
	same "ban list" "$(banned)" ''
	connects attacker
	login_fail attacker 3 --from 198.51.100.16
	same "ban list" "$(banned)" 198.51.100.16/32
}
