#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Webmail and other fronts: many accounts log in from one address. It is not
# banned without a word; and a guesser with an account or a few of them does not
# pass for one. Here a webmail logs in to Postfix for its users.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

servers() {
	for n in $(seq 64); do
		echo "user$n:{PLAIN}pass$n"
	done >$LAB/more-users
	echo journald postfix
}

# Dovecot reads the file anew.
before() {
	grep -q user64 $LAB/users || cat $LAB/more-users >>$LAB/users
	until_true 5 login_ok honest --user user64 --password pass64
	conf rate 5/120s
}

# logins NS FIRST LAST TIMES: each of these users logs in.
logins() {
	local n pid pids=()
	for n in $(seq $2 $3); do
		login_ok $1 --user user$n --password pass$n --connections $4 \
			"${@:5}" >/dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait $pid || return 1
	done
}

# typos NS FIRST LAST [OPTION...]: these users mistype, once each.
typos() {
	local n pid pids=()
	for n in $(seq $2 $3); do
		login_fail $1 1 --user user$n "${@:4}" >/dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait $pid || return 1
	done
}

nobody_is_banned() {
	sleep 0.2 # the daemon's word comes a moment after the kernel's
	same "ban list" "$(banned)" ""
}

told() { # PATTERN
	journal SMTPXDP_EVENT=alarm | jq -r .MESSAGE | grep -qE "$1"
}

after() {
	[ ! -e /run/netns/box ] || ip netns del box
	at mail ip link del docker0 2>/dev/null || true
}

front_of() { # ADDRESS
	why $1 '[.front.accounts, .front.held, .front.bound] | map(tostring) | join(" ")'
}

@test "a webmail whose users mistype: not banned, and told with its remedy" {
	daemon_up
	logins honest 1 12 3
	silent
	typos honest 1 5
	nobody_is_banned
	same "bans held back" "$(counter bans-fronts)" 1
	fails 1 smtpxdp status --check
	has "$output" "^$HONEST/32: a webmail .*12 accounts .*: 1 of at most 2; .*proxies.*lenient-nets"
	until_true 5 told "$HONEST/32: a webmail .*proxies.*lenient-nets"
	until_true 5 journal_has SMTPXDP_EVENT=would-ban
	has "$(journal SMTPXDP_EVENT=would-ban | jq -r .MESSAGE)" \
		"$HONEST.*not banned: many accounts log in from there"
	has "$(smtpxdp metrics)" 'smtpxdp_problems\{check="fronts"\} 1'
	same "as JSON" "$(front_of $HONEST)" "12 1 2"
	has "$(smtpxdp why $HONEST)" "^front +12 accounts .*1 of 2 bans"
	login_ok honest
	# Named, it is silent at once.
	echo $HONEST >$BATS_TEST_TMPDIR/webmail
	chmod 755 $BATS_TEST_TMPDIR
	smtpxdp config set lenient-nets $BATS_TEST_TMPDIR/webmail
	until_true 5 smtpxdp status --check
	until_true 5 journal_has SMTPXDP_EVENT=alarm-ended
}

@test "inside TLS, of Dovecot, behind a restart; an attack by it ends in a ban that is told" {
	daemon_up
	logins honest 1 5 2 --tls starttls
	logins honest 6 10 4 --tls implicit --port 465 --server $DOVECOT
	daemon_down
	daemon_up
	typos honest 1 5 --tls starttls
	typos honest 1 5 --server $DOVECOT
	nobody_is_banned
	same "as JSON" "$(front_of $HONEST)" "10 2 2"
	typos honest 1 5
	until_true 5 banned_are $HONEST/32
	until_true 5 told "$HONEST/32, banned: a webmail .*more failures"
	fails 1 smtpxdp status --check
	has "$output" "^$HONEST/32, banned: .*everybody behind it"
	smtpxdp ban del $HONEST
	lacks "$(smtpxdp status --check || true)" banned:
	has "$(smtpxdp why $HONEST)" "^front +10 accounts .*2 of 2 bans"
}

@test "more failures than logins are an attack, whoever has logged in before" {
	daemon_up
	logins honest 1 20 1
	typos honest 1 5
	typos honest 6 10
	typos honest 11 15
	nobody_is_banned
	typos honest 1 5
	until_true 5 banned_are $HONEST/32
	same "as JSON" "$(front_of $HONEST)" "16 3 3"
	until_true 5 told "$HONEST/32, banned:"
}

@test "a guesser with one account: banned as ever, however often he logs in" {
	daemon_up
	logins attacker 1 1 20
	# The first login behind a failure forgives it, once (success-credit).
	for n in 1 2 3 4 5; do
		login_fail attacker 1 --user user$n
		logins attacker 1 1 2
	done
	nobody_is_banned
	login_fail attacker 1 --user user6
	until_true 5 banned_are $ATTACKER/32
	same "bans held back" "$(counter bans-fronts)" 0
	smtpxdp status --check
}

@test "a guesser with nine accounts, under many spellings: the same" {
	daemon_up
	logins attacker 1 9 4
	for n in 1 2 3 4 5 6 7 8 9; do
		login_ok attacker --user USER$n --password pass$n
		login_ok attacker --user User$n --password pass$n
	done
	typos attacker 1 5
	until_true 5 banned_are $ATTACKER/32
	same "bans held back" "$(counter bans-fronts)" 0
	same "front" "$(why $ATTACKER .front)" null
}

@test "account-rate and trap-users ban no front without a word, and any other client" {
	local n bots=
	for n in 1 2 3; do
		bots+=${bots:+,}100.64.$n.9
		at attacker ip addr replace 100.64.$n.9/32 dev eth0
	done
	at router ip route replace 100.64.0.0/16 via $ATTACKER
	conf rate 20/120s account-rate 5/1h trap-users admin
	daemon_up
	logins honest 1 12 3
	at attacker python3 -B "$HELPER" botnet --bad $bots --password wrong \
		--tries 3 --user user50
	until_true 5 banned_are 100.64.3.9/32
	# Its users mistype, one of them the one that others guess at.
	typos honest 1 3
	typos honest 50 50
	until_true 5 told "$HONEST/32: a webmail .*12 accounts"
	same "banned" "$(banned)" 100.64.3.9/32
	same "as JSON" "$(front_of $HONEST)" "12 1 2"
	login_fail honest 1 --user admin
	until_true 5 fronts_are 2
	same "banned" "$(banned)" 100.64.3.9/32
	until_true 5 held_for "as a user under attack (not banned
as a trap user (not banned"
	login_ok honest --user user1 --password pass1
	# Who holds no accounts is banned for the same.
	login_fail attacker 1 --user admin
	until_true 5 banned_are 100.64.3.9/32 $ATTACKER/32
	# A front that goes on is, too.
	login_fail honest 1 --user admin
	until_true 5 banned_are 100.64.3.9/32 $ATTACKER/32 $HONEST/32
}

held_for() { # REASONS
	same "told" "$(journal SMTPXDP_EVENT=would-ban SMTPXDP_NET=$HONEST/32 |
		jq -r .MESSAGE | grep -oE 'as a [^:]*')" "$1"
}

fronts_are() { # BANS HELD BACK
	same "bans held back" "$(counter bans-fronts)" $1
}

@test "mode monitor does not say that it would be banned" {
	conf rate 5/120s mode monitor
	daemon_up
	logins honest 1 10 2
	typos honest 1 5
	fails 1 smtpxdp status --check
	has "$output" "^$HONEST/32: a webmail"
	until_true 5 journal_has SMTPXDP_EVENT=would-ban
	has "$(journal SMTPXDP_EVENT=would-ban | jq -r .MESSAGE)" \
		"not banned: many accounts"
}

# It comes by its bridge, which is not watched: TLS is what is read of it.
@test "a webmail in a container of the host: the same, its sessions are not cut" {
	ip netns add box
	ip link add eth0 netns box type veth peer name to-box netns mail
	at mail ip link add docker0 type bridge
	at mail ip link set docker0 up
	at mail ip link set to-box master docker0 up
	at mail ip addr add 172.17.0.1/16 dev docker0
	at box ip link set eth0 up
	at box ip addr add 172.17.0.2/16 dev eth0
	at box ip route add default via 172.17.0.1
	daemon_up
	until_true 5 connects box --server $POSTFIX
	logins box 1 10 1 --tls starttls
	typos box 1 6
	silent
	typos box 1 5 --tls starttls
	nobody_is_banned
	login_ok box --tls starttls
	same "cut" "$(counter connections-cut)" 0
	fails 1 smtpxdp status --check
	has "$output" "^172.17.0.2/32: a webmail .*11 accounts .*lenient-nets"
}
