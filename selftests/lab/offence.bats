#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Repeat offenders, on real Postfix: each ban is longer than the one before,
# until all is forgotten or forgiven.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

# One field of a client's ban.
ban_field() { # ADDRESS FIELD
	smtpxdp ban list -j | jq --arg net "$1/32" ".[] | select(.net == \$net) | .$2"
}

# The daemon has had its say on the nth offence of a client.
is_offence() { # ADDRESS N
	[ "$(ban_field "$1" offences)" = "$2" ]
}

# Offends; the ban is to be the nth, for so many seconds.
offend() { # ADDRESS N SECONDS
	login_fail attacker 3 --from "$1"
	until_true 5 is_offence "$1" "$2" || {
		smtpxdp ban list
		return 1
	}
	[ "$(ban_field "$1" expires_in)" -le "$3" ]
	[ "$(ban_field "$1" expires_in)" -ge $(($3 - 10)) ]
}

@test "each ban is twice as long, up to ban-max; each client for itself" {
	conf rate 3/60s ban-time 100s ban-max 500s
	daemon_up
	same "no past" "$(why $ATTACKER '.history, .next_ban' | tr '\n' ' ')" \
		"null 100 "
	offend $ATTACKER 1 100
	same "next" "$(ban_field $ATTACKER next_ban)" 200
	# Lifted, but not forgiven.
	smtpxdp ban del $ATTACKER
	same "on record" "$(why $ATTACKER .history.offences)" 1
	has "$(smtpxdp why $ATTACKER)" 'would ban it for 3m20s'
	offend $ATTACKER 2 200
	smtpxdp ban del $ATTACKER
	offend $ATTACKER 3 400
	smtpxdp ban del $ATTACKER
	offend $ATTACKER 4 500
	same "next" "$(ban_field $ATTACKER next_ban)" 500
	offend 198.51.100.8 1 100

	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_NET=$ATTACKER/32 \
		SMTPXDP_OFFENCE=4
	e=$(journal SMTPXDP_EVENT=ban SMTPXDP_NET=$ATTACKER/32)
	same "durations" "$(jq -s -c 'map(.SMTPXDP_DURATION_SEC)' <<<"$e")" \
		'["100","200","400","500"]'
	has "$(jq -r .MESSAGE <<<"$e" | head -n 1)" 'for 1m40s: 3 failures in 1m'
	has "$(jq -r .MESSAGE <<<"$e" | sed -n 3p)" \
		'for 6m40s \(3rd offence\): 3 failures in 1m: 535'
	same "events" "$(smtpxdp events -j | jq -s -c 'map(select(
		.event == "ban" and .net == "198.51.100.7/32").offence)')" '[1,2,3,4]'
}

@test "the longer ban holds when the kernel's would have ended, and then ends" {
	conf rate 3/60s ban-time 1s ban-factor 4
	daemon_up
	login_fail attacker 3
	until_true 5 connects attacker --timeout 0.5
	login_fail attacker 3
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_OFFENCE=2
	sleep 1.2
	vanished attacker
	until_true 8 connects attacker --timeout 0.5
	until_true 8 journal_has SMTPXDP_EVENT=expire SMTPXDP_NET=$ATTACKER/32
}

@test "IPv6: the past is the client's, the /64" {
	conf rate 3/60s ban-time 100s
	daemon_up
	login_fail attacker 3 --server $POSTFIX6 --from 2001:db8:bad:3::7
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_OFFENCE=1
	smtpxdp ban del 2001:db8:bad:3::7
	login_fail attacker 3 --server $POSTFIX6 --from 2001:db8:bad:3::8
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_OFFENCE=2 \
		SMTPXDP_NET=2001:db8:bad:3::/64
}

@test "ban-forget: who was good for so long starts anew" {
	conf rate 3/60s ban-time 1s ban-forget 1s
	daemon_up
	login_fail attacker 3
	until_true 5 connects attacker --timeout 0.5
	until_true 5 no_past $ATTACKER
	login_fail attacker 3
	until_true 5 bans_told 2
	same "offences" "$(journal SMTPXDP_EVENT=ban |
		jq -s -c 'map(.SMTPXDP_OFFENCE)')" '["1","1"]'
}

bans_told() { # COUNT
	[ "$(journal SMTPXDP_EVENT=ban | wc -l)" = "$1" ]
}

no_past() { # ADDRESS
	[ "$(why "$1" .history)" = null ]
}

@test "ban del --forgive: the client's offences are forgotten" {
	conf rate 3/60s ban-time 100s
	daemon_up
	offend $ATTACKER 1 100
	offend 198.51.100.8 1 100
	same "forgiven" "$(smtpxdp ban del -j --forgive $ATTACKER)" \
		'{"unbanned":"198.51.100.7/32","wanted":false,"forgiven":1}'
	no_past $ATTACKER
	not no_past 198.51.100.8
	journal_has SMTPXDP_EVENT=forgive SMTPXDP_NET=$ATTACKER/32
	offend $ATTACKER 1 100
	# Of all in a network, whoever is banned; those that are, stay so.
	has "$(smtpxdp ban del --forgive 198.51.100.0/24)" \
		'no ban of 198\.51\.100\.0/24; offences of 2 clients are forgotten'
	no_past $ATTACKER
	no_past 198.51.100.8
	same "ban list" "$(banned)" "198.51.100.7/32 198.51.100.8/32"
	smtpxdp ban flush
	fails 1 smtpxdp ban del --forgive $ATTACKER
	has "$output" 'not banned'
	offend $ATTACKER 1 100
	smtpxdp ban flush
	offend $ATTACKER 2 200
	smtpxdp ban flush --forgive
	offend $ATTACKER 1 100
}

@test "bans by command neither count nor grow" {
	conf rate 3/60s ban-time 100s
	daemon_up
	smtpxdp ban add $ATTACKER --for 7m
	smtpxdp ban del $ATTACKER
	no_past $ATTACKER
	offend $ATTACKER 1 100
	smtpxdp ban add 198.51.100.32/28
	same "a network's next" "$(smtpxdp ban list -j |
		jq '.[] | select(.net == "198.51.100.32/28").next_ban')" null
}

@test "mode monitor tells the longer ban, and counts no offence" {
	conf rate 3/60s ban-time 100s
	daemon_up
	offend $ATTACKER 1 100
	smtpxdp ban del $ATTACKER
	smtpxdp config set mode monitor
	login_fail attacker 3
	until_true 5 journal_has SMTPXDP_EVENT=would-ban SMTPXDP_OFFENCE=2 \
		SMTPXDP_DURATION_SEC=200
	same "on record" "$(why $ATTACKER .history.offences)" 1
}

@test "the keys take effect with the next ban" {
	conf rate 3/60s ban-time 100s
	daemon_up
	offend $ATTACKER 1 100
	smtpxdp config set ban-factor 5
	same "next" "$(ban_field $ATTACKER next_ban)" 500
	smtpxdp config set ban-max 300s
	smtpxdp ban del $ATTACKER
	offend $ATTACKER 2 300
	smtpxdp config set ban-factor 1
	smtpxdp ban del $ATTACKER
	offend $ATTACKER 3 100
}

@test "an offence while the daemon was dead is counted when it comes back" {
	conf rate 3/60s ban-time 100s
	daemon_up
	offend $ATTACKER 1 100
	smtpxdp ban del $ATTACKER
	daemon_down KILL
	login_fail attacker 3
	vanished attacker
	daemon_up
	until_true 5 is_offence $ATTACKER 2
	[ "$(ban_field $ATTACKER expires_in)" -gt 150 ]
}
