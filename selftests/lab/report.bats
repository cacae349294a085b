#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# smtpxdp report: what the journal says of who was banned, and whether rightly.
# The journal is the whole file's: each test has addresses of its own.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

servers() {
	echo journald postfix
}

before() {
	conf rate 3/120s ban-time 1s ban-factor 1
	daemon_up
}

# The client's row of the report.
row() { # NET
	smtpxdp report -j | jq -c --arg net "$1" '.clients[] | select(.net == $net)'
}

has_row() { # NET FILTER WANTED
	[ "$(row "$1" | jq -r "$2")" = "$3" ]
}

# Fails three times, as often as it takes to be banned.
be_banned() { # ADDRESS
	login_fail attacker 3 --from "$1"
	until_true 5 has_row "$1/32" ".bans + .would_bans" "${2-1}"
}

@test "nothing happened: it says so" {
	seen=$(smtpxdp report)
	has "$seen" '^since .*: 0 bans, 0 would-bans, of 0 clients$'
	same "rate" "$(smtpxdp report -j | jq .rate)" null
}

@test "who was banned, how often, and by which reply" {
	be_banned 198.51.100.10
	until_true 5 journal_has SMTPXDP_EVENT=expire
	be_banned 198.51.100.10 2
	be_banned 198.51.100.11
	smtpxdp ban add 198.51.100.12
	seen=$(smtpxdp report -j)
	same "clients, the busiest first" "$(jq -r '[.clients[].net] | join(" ")' \
		<<<"$seen")" "198.51.100.10/32 198.51.100.11/32"
	same "bans" "$(jq .bans <<<"$seen")" 3
	same "replies" "$(jq '.texts[0].count' <<<"$seen")" 3
	has "$(jq -r '.texts[0].text' <<<"$seen")" '^535 5\.7\.8 Error: authentication'
	same "sensors" "$(jq -c .sensors <<<"$seen")" '{"wire":3}'
	same "rate" "$(jq -r '.rate + " " + .suggested_rate' <<<"$seen")" \
		"3/2m 3/2m"
	seen=$(smtpxdp report)
	has "$seen" '^198\.51\.100\.10/32 +2  -  .*  #{30}$'
	has "$seen" '^198\.51\.100\.11/32 +1  -  .*  #{15}$'
	has "$seen" 'None of them had logged in before: rate 3/2m'
}

@test "who had logged in before should not have been hit" {
	login_ok attacker --from 198.51.100.20
	smtpxdp config set mode monitor
	be_banned 198.51.100.20
	same "would-ban" "$(row 198.51.100.20/32 |
		jq -c '[.bans, .would_bans, .regular]')" '[0,1,true]'
	seen=$(smtpxdp report)
	has "$seen" '^198\.51\.100\.20/32 +1  yes '
	has "$seen" '^1 of them had logged in before: with rate 3/2m'
	has "$seen" '^  smtpxdp config set rate 6/2m$'
	journal_has SMTPXDP_EVENT=would-ban SMTPXDP_REGULAR=yes
}

@test "only so far back as --since says" {
	be_banned 198.51.100.30
	sleep 2.1 # what it is about is the passing of time
	not [ -n "$(smtpxdp report -j --since 1s | jq -r '.clients[].net')" ]
	[ -n "$(smtpxdp report -j --since 1h | jq -r '.clients[].net')" ]
	fails 2 smtpxdp report --since yesterday
	has "$output" "--since 'yesterday': a time like"
	fails 2 smtpxdp report now
}

@test "what somebody else writes to the journal is not in it" {
	at mail setpriv --reuid 65534 logger --journald <<-EOF
		MESSAGE_ID=96fb30f4ccad4c408a678463671125cf
		SMTPXDP_EVENT=ban
		SMTPXDP_NET=203.0.113.66/32
		SMTPXDP_FAILURES=3
		MESSAGE=forged
	EOF
	be_banned 198.51.100.40
	same "forged" "$(row 203.0.113.66/32)" ""
}
