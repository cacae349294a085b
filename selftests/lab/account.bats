#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A botnet that guesses at one user from so many addresses that each stays below
# the rate, at a real Postfix: account-rate, trap-users.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

BOTNET=100.64.0.0/16 # 54 addresses of it, in as many /24s

setup_file() {
	lab_up journald postfix
	seq -f 'addr add 100.64.%g.9/32 dev eth0' 54 | at attacker ip -batch -
	at router ip route add $BOTNET via $ATTACKER
}


bots() { # FIRST LAST
	seq -s , -f 100.64.%g.9 $1 $2
}

# Three new passwords each, at one user. Prints how many of them were told so.
botnet() { # FIRST LAST [OPTION...]
	local bad
	bad=$(bots $1 $2)
	shift 2
	at attacker python3 -B "$HELPER" botnet --bad $bad --password wrong \
		--tries 3 --user bob "$@"
}

# So many bans and failures, or two more failures or bans less: of 64 guesses that
# are kept, each makes one new guess in 65,536 look like an old one.
counted() { # BANS FAILURES
	local bans failures
	bans=$(smtpxdp ban list -j | jq length)
	failures=$(counter failures)
	((bans <= $1 && bans >= $1 - 2 && failures >= $2 && failures <= $2 + 2)) || {
		echo "bans: $bans, not $1; failures: $failures, not $2"
		return 1
	}
}

reason() { # ADDRESS
	smtpxdp ban list -j | jq -r ".[] | select(.net == \"$1/32\") | .reason"
}

@test "54 addresses with 3 guesses each at one user: 74 guesses in place of 162" {
	conf
	daemon_up
	botnet 1 9 --connections 9
	same "told" "$(botnet 10 10)" 3
	botnet 11 54 --connections 20
	until_true 5 counted 45 74
	until_true 5 journal_has SMTPXDP_EVENT=user-attacked
	has "$(journal SMTPXDP_EVENT=user-attacked | jq -rs 'map(.MESSAGE) | join("|")')" \
		'^a user is under attack \(log-users = yes tells which\): 30 different passwords in 1d from 3 networks or more, the last from 100\.64\.[0-9]+\.9; who fails as this user is banned at once, except from where the user has logged in$'
	has "$(reason 100.64.54.9)" '^[12] failures? in 10m, as a user under attack$'
	has "$(smtpxdp why 100.64.54.9)" 'as a user under attack'
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_NET=100.64.54.9/32
	has "$(journal SMTPXDP_NET=100.64.54.9/32 SMTPXDP_EVENT=ban | jq -r .MESSAGE)" \
		'^banned 100\.64\.54\.9/32 for 1h: [12] failures? in 10m, as a user under attack: 535 '
	has "$(smtpxdp -j events)" '"event":"user-attacked"'
	vanished attacker --from 100.64.54.9
	# Others, as other users, mistype as ever.
	login_fail honest 3
	login_fail attacker 3 --user carol
	counted 45 80
}

@test "inside TLS, too; monitor tells, enforce bans at once, off does nothing" {
	conf account-rate 5/1h mode monitor
	daemon_up
	same "told" "$(botnet 1 3 --tls starttls --connections 3)" "3 3 3"
	same "nobody is banned" "$(banned)" ''
	until_true 5 journal_has SMTPXDP_EVENT=would-ban
	smtpxdp config set mode enforce
	same "told" "$(botnet 4 4 --tls starttls)" 1
	until_true 5 banned_are 100.64.4.9/32
	smtpxdp config set account-rate off
	same "told" "$(botnet 5 5)" 3
	same "banned" "$(banned)" 100.64.4.9/32
}

@test "it cannot be aimed at a customer: his networks, an old password; restarts" {
	conf account-rate 5/1h log-users yes trap-users admin
	daemon_up
	login_ok honest --user alice
	login_fail honest 4 --user alice
	same "told" "$(botnet 1 3 --user alice)" "3 3 1"
	until_true 5 journal_has SMTPXDP_EVENT=user-attacked SMTPXDP_USER=alice
	has "$(journal SMTPXDP_EVENT=user-attacked | jq -r .MESSAGE)" \
		'^a user is under attack: alice: 5 different passwords in 1h '
	login_fail honest 3 --user alice
	connects honest
	# A telephone with an old password, here and there.
	for n in 20 21 22; do
		phone $n
	done
	botnet 30 34 --user dora --connections 5
	phone 23
	connects attacker --from 100.64.23.9
	# A new daemon knows of it all.
	daemon_down
	daemon_up
	same "told" "$(botnet 4 4 --user alice)" 1
	phone 24
	login_fail honest 1 --user alice
	connects attacker --from 100.64.24.9
	connects honest
	login_fail honest 1 --user Admin
	until_true 5 banned_are 100.64.3.9/32 $(seq -f 100.64.%g.9/32 30 34) \
		100.64.4.9/32 $HONEST/32
}

phone() { # NUMBER
	at attacker python3 -B "$HELPER" auth --from 100.64.$1.9 --user dora \
		--password old --expect 535
}

# No pins, another boot; the state file is what is left.
reboot() {
	daemon_down TERM
	smtpxdp unload
	sqlite3 $STATE/smtpxdp.db "UPDATE moment SET boot_id = 'another boot'"
	daemon_up
}

@test "a reboot: it cannot be aimed at a customer who logged in before, once" {
	conf account-rate 5/1h trap-users admin
	daemon_up
	login_ok honest --user alice
	login_ok attacker --from 100.64.20.9 --user bob \
		--password hunter2
	botnet 1 3 --user alice --connections 3
	until_true 5 journal_has SMTPXDP_EVENT=user-attacked
	reboot
	# The attack goes on.
	botnet 11 13 --user alice --connections 3
	until_true 5 journal_is 2 SMTPXDP_EVENT=user-attacked
	login_fail honest 1 --user alice
	connects honest
	# Who never logged in as alice is not exempt, a trap is one as before.
	login_fail attacker 1 --from 100.64.20.9 --user alice
	login_fail attacker 1 --from 100.64.21.9 --user admin
	until_true 5 vanished attacker --from 100.64.20.9
	until_true 5 vanished attacker --from 100.64.21.9
	# Once more: nobody has logged in meanwhile.
	reboot
	botnet 31 33 --user alice --connections 3
	until_true 5 journal_is 3 SMTPXDP_EVENT=user-attacked
	login_fail honest 1 --user alice
	connects honest
}

journal_is() { # COUNT FILTER
	[ "$(journal "$2" | wc -l)" = "$1" ]
}

@test "trap-users: one try is enough, exempt is the allowlist" {
	conf trap-users 'admin, oracle@mail.example' allow $HONEST
	daemon_up
	login_fail attacker 1 --user administrator
	login_fail attacker 1 --user oracle
	same "nobody is banned" "$(banned)" ''
	login_fail honest 1 --user admin
	login_fail attacker 1 --user Oracle@mail.example --tls starttls
	until_true 5 banned_are $ATTACKER/32
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_NET=$ATTACKER/32
	has "$(smtpxdp ban list)" '3 failures in 10m, as a trap user'
	smtpxdp ban del $ATTACKER
	smtpxdp config set trap-users ''
	login_fail attacker 1 --user admin
	same "nobody is banned" "$(banned)" ''
	same "trapped" "$(counter trapped)" 1
}
