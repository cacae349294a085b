#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Which ports a ban closes (drop-ports), by Postfix on 25 and 587: what a provider
# delivers to 25 is not lost by a password that is wrong at 587, and who guesses at
# 25 has no port left. And ports that clients see otherwise than the server.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

before() {
	conf rate 3/60s
}

after() {
	end at25
	end at587
	at mail nft flush ruleset 2>/dev/null || true
}

hold() { # NAME [OPTION...]
	: >$LAB/log/$1
	background $1 attacker python3 -B "$HELPER" hold "${@:2}"
	until_true 10 grep -q ^open $LAB/log/$1
}

has_ended() { # NAME
	grep -qE 'closed|Error|data' $LAB/log/$1
}

closed() { # ADDRESS
	smtpxdp ban -j | jq -r --arg n "$1/32" '.[] | select(.net == $n).closed'
}

closed_is() { # ADDRESS PORTS
	same "closed to $1" "$(closed $1)" "$2"
}

# A mail of somebody else, from the attacker's address: is it taken?
delivers() {
	has "$(at attacker python3 -B "$HELPER" say --port 25 'EHLO x' \
		'MAIL FROM:<friend@example.org>' 2>&1)" '^250 2.1.0'
}

# A user's old password at 587, as of "send mail as" at a provider.
refused_at_587() {
	login_fail attacker 3
	until_true 5 banned_are $ATTACKER/32
}

@test "refused at 587: mail still comes in by 25, and nothing else" {
	daemon_up
	hold at25 --port 25
	hold at587 --port 587
	refused_at_587
	until_true 5 has_ended at587
	vanished attacker
	vanished attacker --port 465
	delivers
	delivers
	not has_ended at25
	closed_is $ATTACKER "465, 587, 2525"
	[ "$(counter passed-spared)" -gt 10 ]
	has "$(smtpxdp why $ATTACKER)" \
		'^closed +465, 587, 2525; port 25 too, if a login fails there$'
	has "$(smtpxdp ban)" '^NETWORK .*CLOSED'
	has "$(smtpxdp status)" '^closed +25, 465, 587, 2525; 25 only to whom'
	# He comes in by 25, and that is no alarm.
	sleep 5.5
	delivers
	no_problem
}

@test "one guess at 25, and that is closed, too" {
	daemon_up
	hold at25 --port 25
	refused_at_587
	login_fail attacker 1 --port 25
	vanished attacker --port 25
	until_true 5 has_ended at25
	until_true 5 closed_is $ATTACKER "25, 465, 587, 2525"
	until_true 5 journal_has SMTPXDP_EVENT=widened SMTPXDP_NET=$ATTACKER/32
	has "$(journal SMTPXDP_EVENT=widened | jq -r .MESSAGE)" 'closes port 25, too'
	has "$(smtpxdp events)" 'closes port 25, too'
	lacks "$(smtpxdp why $ATTACKER)" 'if a login fails there'
}

@test "who was refused at 25 loses all ports at once" {
	daemon_up
	login_fail attacker 1 --port 25
	login_fail attacker 2
	until_true 5 banned_are $ATTACKER/32
	vanished attacker --port 25
	vanished attacker
	closed_is $ATTACKER "25, 465, 587, 2525"
}

@test "... inside TLS: also where the ServerHello tells who it is" {
	daemon_up
	login_ok honest --tls starttls # the library shows where to look
	login_fail attacker 1 --port 25 --tls starttls
	login_fail attacker 2 --tls starttls
	until_true 5 banned_are $ATTACKER/32
	vanished attacker --port 25
	closed_is $ATTACKER "25, 465, 587, 2525"
}

@test "a ban by a person, and scope = all, close 25 as well" {
	daemon_up
	refused_at_587
	smtpxdp config set scope all
	vanished attacker --port 25
	closed_is $ATTACKER all
	smtpxdp config set scope mail
	delivers
	smtpxdp ban add $ATTACKER
	vanished attacker --port 25
}

@test "the daemon is dead: 25 open, and one guess closes it" {
	daemon_up
	daemon_down KILL
	login_fail attacker 3
	vanished attacker
	delivers
	login_fail attacker 1 --port 25
	vanished attacker --port 25
}

@test "a restart and a new start from the state file leave open what was" {
	daemon_up
	refused_at_587
	daemon_down
	delivers
	daemon_up
	vanished attacker
	delivers
	daemon_down
	smtpxdp unload
	daemon_up
	banned_are $ATTACKER/32
	vanished attacker
	delivers
	closed_is $ATTACKER "465, 587, 2525"
	login_fail attacker 1 --port 25
	until_true 5 closed_is $ATTACKER "25, 465, 587, 2525"
	daemon_down
	smtpxdp unload
	daemon_up
	vanished attacker --port 25
}

@test "drop-ports: a list closes these ports, to all, and no others" {
	conf rate 3/60s drop-ports "587, 10025"
	daemon_up
	hold at25 --port 25
	hold at587 --port 587
	login_fail attacker 3 --port 25
	until_true 5 banned_are $ATTACKER/32
	until_true 5 has_ended at587
	vanished attacker
	vanished attacker --port 10025
	connects attacker --port 465 --tls implicit
	delivers
	not has_ended at25
	closed_is $ATTACKER "587, 10025"
	# Open on purpose: no alarm, though he goes on.
	sleep 5.5
	login_fail attacker 3 --port 25
	no_problem
	smtpxdp config set drop-ports 25,587
	vanished attacker --port 25
	connects attacker --port 10025
}

@test "a port that is redirected: named, it is read and closed as clients see it" {
	printf 'table ip t {
		chain pre {
			type nat hook prerouting priority dstnat;
			tcp dport 26 redirect to :587
		}
	}' | at mail nft -f -
	conf rate 3/60s ports "25, 26, 465, 587"
	daemon_up
	hold at587 --port 26
	login_fail attacker 3 --port 26
	until_true 5 banned_are $ATTACKER/32
	vanished attacker --port 26
	vanished attacker
	delivers
	until_true 5 has_ended at587
	closed_is $ATTACKER "26, 465, 587"
	smtpxdp ban del $ATTACKER
	login_fail attacker 3 --port 26 --tls starttls
	until_true 5 banned_are $ATTACKER/32
	vanished attacker --port 26
	no_problem
}
