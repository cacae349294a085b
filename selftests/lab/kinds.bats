#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Two kinds of offender, on real Postfix: a device with an old password, which
# tries one user over and over, and an attack, which tries many.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

fail_as() { # USER [OPTION...]
	local user=$1
	shift
	login_fail attacker 1 --user "$user" "$@"
}

ban_event() { # JQ-FILTER
	journal SMTPXDP_EVENT=ban SMTPXDP_NET=$ATTACKER/32 | jq -r "$1"
}

@test "one user over and over: at the stale rate, and for its time" {
	conf rate 3/60s stale-rate 6/10m stale-ban-time 90s
	daemon_up
	login_fail attacker 5
	same "nobody" "$(banned)" ''
	same "why" "$(why $ATTACKER '[.client.users, .client.kind, .client.in_window,
		.next_ban] | @csv')" '1,"stale",5,90'
	has "$(smtpxdp why $ATTACKER)" \
		'^users +1 tried, over and over: probably a stale password$'
	has "$(smtpxdp why $ATTACKER)" \
		'^next +1 more failure within 10m would ban it for 1m30s$'
	has "$(smtpxdp clients)" "^$ATTACKER/32 .* 1 +stale "
	login_fail attacker 1
	until_true 5 banned_are $ATTACKER/32
	until_true 5 journal_has SMTPXDP_EVENT=ban
	has "$(ban_event .MESSAGE)" \
		'for 1m30s: 6 failures in 10m: 535 .*; client keeps trying one user: probably a stale password$'
	same "fields" "$(ban_event '[.SMTPXDP_KIND, .SMTPXDP_USERS,
		.SMTPXDP_DURATION_SEC] | @csv')" '"stale","1","90"'
	has "$(smtpxdp report)" ' stale \(one user over and over'
}

@test "a second user, and the usual rate counts all of them" {
	conf rate 4/60s stale-rate 10/10m
	daemon_up
	login_fail attacker 5
	same "nobody" "$(banned)" ''
	fail_as bob
	until_true 5 banned_are $ATTACKER/32
	until_true 5 journal_has SMTPXDP_EVENT=ban
	same "kind" "$(ban_event .SMTPXDP_KIND)" unknown
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
	login_fail attacker 5 --tls starttls
	same "stale" "$(why $ATTACKER '[.client.kind, .client.in_window] | @csv')" \
		'"stale",5'
	for user in a b; do
		fail_as $user --tls implicit --port 465 --from 198.51.100.9
	done
	same "nobody" "$(banned)" ''
	fail_as c --tls starttls --from 198.51.100.9
	until_true 5 banned_are 198.51.100.9/32
}
