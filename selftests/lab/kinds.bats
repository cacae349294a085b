#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Two kinds of offender, on real Postfix: a device with an old password, which
# tries that over and over, and an attack, which tries new ones, or many users.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

export DOVECOT_MECHANISMS="plain login cram-md5"

fail_as() { # USER [OPTION...]
	local user=$1
	shift
	login_fail attacker 1 --user "$user" "$@"
}

ban_event() { # JQ-FILTER
	journal SMTPXDP_EVENT=ban SMTPXDP_NET=$ATTACKER/32 | jq -r "$1"
}

@test "an old password again and again: it is no guess, and a guess is one" {
	conf rate 3/60s
	daemon_up
	login_fail attacker 40 --password old
	login_fail attacker 20 --password older --tls starttls
	same "nobody" "$(banned)" ''
	same "why" "$(why $ATTACKER '[.client.kind, .client.in_window,
		.client.repeats] | @csv')" '"stale",2,58'
	has "$(smtpxdp why $ATTACKER)" \
		'^repeats +58 failures ever with a password that it had tried before: probably a stale password$'
	same "repeated" "$(counter failures-repeated)" 58
	login_fail attacker 1
	until_true 5 banned_are $ATTACKER/32
	until_true 5 journal_has SMTPXDP_EVENT=ban
	has "$(ban_event .MESSAGE)" \
		' 3 failures in 1m: 535 .*; client tries one password after the other$'
}

@test "at the stale rate, and for its time" {
	conf rate 3/60s stale-rate 6/10m stale-ban-time 90s
	daemon_up
	login_fail attacker 6 --password old
	same "nobody" "$(banned)" ''
	has "$(smtpxdp why $ATTACKER)" 'tried before; 5 of 6 within 10m: '
	has "$(smtpxdp clients)" "^$ATTACKER/32 .* 1 +stale "
	login_fail attacker 1 --password old
	until_true 5 banned_are $ATTACKER/32
	until_true 5 journal_has SMTPXDP_EVENT=ban
	has "$(ban_event .MESSAGE)" \
		'for 1m30s: 6 failures in 10m: 535 .*; client tries the same password again and again: probably a stale password$'
	same "fields" "$(ban_event '[.SMTPXDP_KIND, .SMTPXDP_USERS,
		.SMTPXDP_DURATION_SEC] | @csv')" '"stale","1","90"'
	has "$(smtpxdp report)" ' stale \(a password again and again: an old one\?\)'
	smtpxdp ban del $ATTACKER
	login_fail attacker 6 --password old
	same "forgotten, too" "$(banned)" ''
}

@test "with compare-passwords off, every one is a guess" {
	conf rate 3/60s compare-passwords no
	daemon_up
	login_fail attacker 2 --password old
	same "why" "$(why $ATTACKER '[.client.kind, .client.in_window] | @csv')" \
		'"unknown",2'
	has "$(smtpxdp why $ATTACKER)" '^users +1 tried$'
	login_fail attacker 1 --password old
	until_true 5 banned_are $ATTACKER/32
}

@test "many users: the fourth one bans, before the rate" {
	conf rate 10/120s attack-users 4
	daemon_up
	fail_as alice
	fail_as bob
	fail_as BOB # the same
	fail_as carol
	fail_as alice
	same "nobody" "$(banned)" ''
	same "users" "$(why $ATTACKER .client.users)" 3
	fail_as dave
	until_true 5 banned_are $ATTACKER/32
	until_true 5 journal_has SMTPXDP_EVENT=ban
	has "$(ban_event .MESSAGE)" \
		'for 1h: 6 failures in 2m: 535 .*; client tries 4 users$'
	same "kind" "$(ban_event .SMTPXDP_KIND)" attack
}

@test "ten passwords for one user: guesses" {
	daemon_up
	login_fail attacker 9
	has "$(smtpxdp why $ATTACKER)" \
		'^users +1 tried, with one password after the other$'
	has "$(smtpxdp clients)" "^$ATTACKER/32 .* 1 +guesses "
	login_fail attacker 1
	until_true 5 banned_are $ATTACKER/32
	until_true 5 journal_has SMTPXDP_EVENT=ban
	has "$(ban_event .MESSAGE)" \
		' 10 failures in 10m: 535 .*; client tries one password after the other$'
	same "fields" "$(ban_event '[.SMTPXDP_KIND, .SMTPXDP_USERS] | @csv')" \
		'"guesses","1"'
	has "$(smtpxdp report)" ' guesses \(one password after the other\)'
}

# Of CRAM-MD5 nobody can tell whether a password comes again.
@test "who guesses by CRAM-MD5 is unknown, and no stale password" {
	daemon_up
	at attacker python3 - <<-EOF
		import smtplib
		for i in range(10):
		    try:
		        with smtplib.SMTP("$DOVECOT", 587, "x", 5, ("$ATTACKER", 0)) as s:
		            s.ehlo()
		            s.user, s.password = "alice", "guess%d" % i
		            s.auth("CRAM-MD5", s.auth_cram_md5)
		    except (smtplib.SMTPException, OSError) as e:
		        print(e)
	EOF
	until_true 5 banned_are $ATTACKER/32
	until_true 5 journal_has SMTPXDP_EVENT=ban
	same "fields" "$(ban_event '[.SMTPXDP_KIND, .SMTPXDP_USERS,
		.SMTPXDP_FAILURES] | @csv')" '"unknown","1","10"'
	lacks "$(ban_event .MESSAGE)" 'stale|password'
}

@test "what cannot be read is no excuse: the rate" {
	conf rate 3/60s stale-rate 10/10m attack-users 2 users off
	daemon_up
	login_fail attacker 2
	fail_as bob
	until_true 5 banned_are $ATTACKER/32
	until_true 5 journal_has SMTPXDP_EVENT=ban
	same "kind" "$(ban_event .SMTPXDP_KIND)" unknown
}
@test "inside TLS the same" {
	conf rate 3/60s attack-users 3 stale-rate 6/10m
	daemon_up
	login_fail attacker 5 --tls starttls --password old
	same "stale" "$(why $ATTACKER '[.client.kind, .client.in_window,
		.client.repeats] | @csv')" '"stale",1,4'
	for user in a b; do
		fail_as $user --tls implicit --port 465 --from 198.51.100.9
	done
	same "nobody" "$(banned)" ''
	fail_as c --tls starttls --from 198.51.100.9
	until_true 5 banned_are 198.51.100.9/32
}
