#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Who is one client: who comes by a NAT64 is the IPv4 address inside, and some
# providers' customers have other prefixes.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

INSIDE=64:ff9b::198.51.100.77
OTHER=64:ff9b::198.51.100.78
LOCAL=2001:db8:64:c633:64:4d00:: # 198.51.100.77 by 2001:db8:64::/48

# The attacker's namespace is what a NAT64 leads to: its packets come so.
before() {
	local a
	for a in $INSIDE $OTHER $LOCAL 2001:db8:bad:a::1 2001:db8:bad:a::2; do
		at attacker ip addr add $a/128 dev eth0 nodad 2>/dev/null || true
		at router ip -6 route replace $a/128 dev to-attacker
	done
	conf rate 3/60s
}

by() { # ADDRESS COUNT [OPTION...]
	local a=$1 n=$2
	shift 2
	login_fail attacker $n --server $POSTFIX6 --source $a "$@"
}

@test "one client of a NAT64 is banned, by IPv4; its neighbours are not" {
	daemon_up
	login_fail attacker 1 --server $POSTFIX6 --source $INSIDE --tls starttls
	by $INSIDE 2
	until_true 5 banned_are 198.51.100.77/32
	vanished attacker --server $POSTFIX6 --source $INSIDE
	connects attacker --server $POSTFIX6 --source $OTHER
	by $OTHER 2
	banned_are 198.51.100.77/32
	has "$(smtpxdp why $INSIDE)" '^address +64:ff9b::c633:644d, counted as 198.51.100.77/32'
	has "$(smtpxdp why $INSIDE)" '^banned +as 198.51.100.77/32'
	same "the same" "$(why $INSIDE .client.failures)" \
		"$(why 198.51.100.77 .client.failures)"
	journal_has SMTPXDP_EVENT=ban SMTPXDP_CLIENT=198.51.100.77
	smtpxdp ban del $INSIDE
	connects attacker --server $POSTFIX6 --source $INSIDE
}

@test "a ban by command, and one of a network, meet who comes by a NAT64" {
	daemon_up
	smtpxdp ban add $INSIDE
	banned_are 198.51.100.77/32
	vanished attacker --server $POSTFIX6 --source $INSIDE
	connects attacker --server $POSTFIX6 --source $OTHER
	smtpxdp ban add 198.51.100.64/26
	vanished attacker --server $POSTFIX6 --source $OTHER
	smtpxdp allow add $OTHER
	same "allowed" "$(smtpxdp allow list -j | jq -c '[.[] |
		select(.origin == "command").net]')" '["198.51.100.78/32"]'
	connects attacker --server $POSTFIX6 --source $OTHER
}

@test "a banned client's connections by a NAT64 are cut" {
	daemon_up
	background held attacker /usr/bin/python3 -B "$HELPER" hold \
		--server $POSTFIX6 --source $INSIDE
	until_true 5 grep -q open $LAB/log/held
	smtpxdp ban add 198.51.100.77
	until_true 5 journal_has SMTPXDP_EVENT=cut SMTPXDP_NET=198.51.100.77/32
	end held
}

@test "a NAT64 with a prefix of its own; and none" {
	conf rate 3/60s nat64-prefixes 2001:db8:64::/48
	daemon_up
	by $LOCAL 3
	until_true 5 banned_are 198.51.100.77/32
	vanished attacker --server $POSTFIX6 --source $LOCAL
	smtpxdp ban del 198.51.100.77
	smtpxdp config set nat64-prefixes off
	by $INSIDE 3
	until_true 5 banned_are 64:ff9b::/64
	vanished attacker --server $POSTFIX6 --source $OTHER
}

@test "a provider that gives each customer one address of a /64" {
	conf rate 3/60s client-prefixes 2001:db8:bad:a::/64=128
	daemon_up
	by 2001:db8:bad:a::1 3
	until_true 5 banned_are 2001:db8:bad:a::1/128
	vanished attacker --server $POSTFIX6 --source 2001:db8:bad:a::1
	connects attacker --server $POSTFIX6 --source 2001:db8:bad:a::2
	smtpxdp ban add 2001:db8:bad:a::2
	banned_are 2001:db8:bad:a::1/128 2001:db8:bad:a::2/128
	same "bans of clients" "$(smtpxdp status -j | jq .bans_by.network.command)" 0
	# With the default, both are one client; the bans stay what they are.
	smtpxdp config set client-prefixes ''
	vanished attacker --server $POSTFIX6 --source 2001:db8:bad:a::1
	smtpxdp ban del 2001:db8:bad:a::1/128
	connects attacker --server $POSTFIX6 --source 2001:db8:bad:a::1
}
