#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A botnet that takes another address of its block for each guess: net-rate.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

NET=198.51.100.0/24

@test "the fourth client of a /24 bans all of it, but not who is allowlisted" {
	conf rate 10/120s net-rate 4/1h allow 198.51.100.30
	daemon_up
	for i in 11 12 13; do
		login_fail attacker 2 --from 198.51.100.$i
	done
	login_fail attacker 1 --from 198.51.100.30
	same "nobody is banned" "$(banned)" ''
	has "$(smtpxdp why 198.51.100.60)" \
		'^network +198\.51\.100\.0/24: 3 of 4 failing clients within 1h$'
	login_fail attacker 1 --from 198.51.100.14
	until_true 5 banned_are $NET
	vanished attacker --from 198.51.100.60
	vanished attacker --from 198.51.100.11
	connects attacker --from 198.51.100.30
	connects honest
	has "$(smtpxdp ban list)" "^$NET .* 4 clients in 1h\$"
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_NET=$NET
	has "$(journal SMTPXDP_EVENT=ban SMTPXDP_NET=$NET | jq -r .MESSAGE)" \
		"^banned $NET for 1h: 4 clients in 1h: 535 "
	same "crossings" "$(counter nets-crossed)" 1
	smtpxdp ban del $NET
	connects attacker --from 198.51.100.60
	# The second time, longer, as for a client.
	for i in 15 16 17 18; do
		login_fail attacker 1 --from 198.51.100.$i
	done
	until_true 5 banned_are $NET
	until_true 5 second_offence
	has "$(journal SMTPXDP_EVENT=ban SMTPXDP_NET=$NET | tail -n 1 |
		jq -r .MESSAGE)" "^banned $NET for 2h \\(2nd offence\\): 4 clients in 1h: 535 "
}

second_offence() {
	[ "$(smtpxdp ban -j | jq -c "[.[] | [.net, .offences, .next_ban]]")" = \
		"[[\"$NET\",2,14400]]" ]
}

@test "net-prefix: sixty addresses all over a /21 are one network" {
	local n to=198.51.96.0/21
	for n in $(seq 30); do
		printf 'addr replace 198.51.%d.%d/32 dev eth0\n' \
			$((96 + n % 8)) $((120 + n)) $((96 + (n + 4) % 8)) $((160 + n))
	done | at attacker ip -batch -
	at router ip route add $to via $ATTACKER
	conf rate 10/120s net-rate 60/1h net-prefix 21 account-rate off
	daemon_up
	login_storm attacker --bad "$(all_over 1 29)"
	has "$(smtpxdp why 198.51.99.1)" \
		"^network +$to: 58 of 60 failing clients within 1h\$"
	same "nobody is banned" "$(banned)" ''
	login_storm attacker --bad "$(all_over 30 30)"
	until_true 5 banned_are $to
	vanished attacker --from 198.51.97.121
	connects honest
	at router ip route del $to
	fails 2 smtpxdp config set net-prefix 19
	has "$output" '20.*24'
}

# Two addresses of the /21 for each number.
all_over() { # FIRST LAST
	local n list
	for n in $(seq $1 $2); do
		list+=",198.51.$((96 + n % 8)).$((120 + n))*1"
		list+=",198.51.$((96 + (n + 4) % 8)).$((160 + n))*1"
	done
	echo ${list#,}
}

@test "IPv6: four /64s of a /48; and in mode monitor nobody is banned" {
	conf mode monitor rate 10/120s net-rate 4/1h
	daemon_up
	for i in "" 1: 2:; do
		login_fail attacker 1 --server $POSTFIX6 --from 2001:db8:bad:${i}:7
	done
	same "so far" "$(why 2001:db8:bad:ffff::1 .network.clients)" 3
	login_fail attacker 1 --server $POSTFIX6 --from 2001:db8:bad:3::7
	until_true 5 journal_has SMTPXDP_EVENT=would-ban \
		SMTPXDP_NET=2001:db8:bad::/48
	same "nobody is banned" "$(banned)" ''
}

# The first addresses of so many /64s of the attacker's /48: "A*1,B*1".
sixty_fours() { # FIRST LAST
	local n list
	for n in $(seq $1 $2); do
		list+=",$(printf '2001:db8:bad:%x::7*1' $((0x100 + n)))"
	done
	echo ${list#,}
}

@test "IPv6: by default no /48 guesses from more than 64 of its /64s" {
	local n
	for n in $(seq 70); do
		printf 'addr replace 2001:db8:bad:%x::7/64 dev eth0 nodad\n' \
			$((0x100 + n))
	done | at attacker ip -batch -
	daemon_up
	has "$(smtpxdp why 2001:db8:bad:101::7)" \
		'^network +2001:db8:bad::/48: 0 of 64 failing clients within 1h$'
	login_storm attacker --server $POSTFIX6 --bad "$(sixty_fours 1 32)"
	login_storm attacker --server $POSTFIX6 --bad "$(sixty_fours 33 63)"
	same "nobody is banned" "$(banned)" ''
	login_storm attacker --server $POSTFIX6 --bad "$(sixty_fours 64 64)"
	until_true 5 banned_are 2001:db8:bad::/48
	vanished attacker --server $POSTFIX6 --from 2001:db8:bad:146::7
	connects honest --server $POSTFIX6
	# As net-rate, where that is set; and it can be off.
	smtpxdp config set net-rate 5/2h
	has "$(smtpxdp why 2001:db8:bad:101::7)" 'of 5 failing clients within 2h$'
	has "$(smtpxdp why 198.51.100.60)" 'of 5 failing clients within 2h$'
	smtpxdp config set ipv6-net-rate off
	lacks "$(smtpxdp why 2001:db8:bad:101::7)" ^network
}

@test "client by client is as ever; off says nothing of networks" {
	conf rate 3/60s
	daemon_up
	for i in 11 12 13 14 15; do
		login_fail attacker 1 --from 198.51.100.$i
	done
	login_fail attacker 2 --from 198.51.100.11
	until_true 5 banned_are 198.51.100.11/32
	lacks "$(smtpxdp why 198.51.100.60)" ^network
	fails 2 smtpxdp config set net-rate 1/1h
	has "$output" 'one client is no network'
}
