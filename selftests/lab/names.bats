#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Names in the key allow: looked up by DNS, by their TTL. A real DNS server,
# dnsmasq, on the mail host's loopback, where the lab's resolv.conf points.

# shellcheck disable=SC2086 # addresses, names and paths hold no spaces

load ../lib/common.sh

NAME=$DNS_NAME

servers() {
	echo journald postfix dns
}

before() {
	running dns || dns_up
	dns_zone $ATTACKER
	conf rate 3/60s allow $NAME
}

after() {
	kill -CONT "$(cat $LAB/pid/dns)" 2>/dev/null || true
}

# Names are looked up at once.
again() {
	kill -HUP "$(daemon_pid)"
}

# Was it asked again since the next time was to be this?
asked_again() { # TIME
	local next
	next=$(of_name '.[0].next')
	[ "$next" != "$1" ] || again
	[ "$next" != "$1" ] && [ "$next" != null ]
}

of_name() { # JQ
	smtpxdp allow list -j | jq -r "[.[] | select(.origin == \"name\")] | $1"
}

allowed_are() { # ADDRESS/LEN...
	same "allowed" "$(of_name 'map(.net // "none") | join(" ")')" "$*"
}

error_is() { # PATTERN
	has "$(of_name '.[0].error // "none"')" "$1"
}

# How many filters of system calls a process has.
filters() { # PID
	sed -n 's/^Seccomp_filters:\s*//p' "/proc/$1/status"
}

confined() { # PID
	same "filters" "$(filters "$1")" $(($(filters "$(daemon_pid)") + 2))
}

told() { # EVENT PATTERN
	same "messages of $1 like $2" \
		"$(journal "SMTPXDP_EVENT=$1" | jq -r .MESSAGE | grep -cE -- "$2")" "${3:-1}"
}

@test "a name's address is let be; the next one is by its TTL, and the old one no more" {
	daemon_up
	until_true 5 allowed_are $ATTACKER/32
	login_fail attacker 5
	connects attacker
	same "banned" "$(banned)" ''
	same "failures" "$(why $ATTACKER '.client.failures // 0')" 0
	until_true 5 told allow "allowlisted $ATTACKER/32: $NAME has this address"
	has "$(smtpxdp allow list)" "^$ATTACKER/32 +name +$NAME +20"
	login_fail attacker 5 --source 198.51.100.8
	until_true 5 banned_are 198.51.100.8/32
	dns_zone 198.51.100.8 2001:db8:bad::7
	until_true 20 allowed_are 198.51.100.8/32 2001:db8:bad::7/128
	same "banned" "$(banned)" ''
	connects attacker --source 198.51.100.8
	told disallow "$ATTACKER/32 is not allowlisted any more: $NAME has this address no more"
	login_fail attacker 3
	until_true 5 banned_are $ATTACKER/32
	vanished attacker
	smtpxdp config set allow ''
	allowed_are
	login_fail attacker 3 --source 198.51.100.8
	until_true 5 banned_are $ATTACKER/32 198.51.100.8/32
}

@test "while DNS is down, the last answer holds, over a restart, too" {
	conf rate 3/60s allow $DNS_ALIAS # a CNAME
	daemon_up
	until_true 5 allowed_are $ATTACKER/32
	no_problem
	end dns
	again
	until_true 5 error_is '^no DNS server answers$'
	allowed_are $ATTACKER/32
	no_problem
	daemon_down
	allowed_are $ATTACKER/32
	daemon_up
	allowed_are $ATTACKER/32
	until_true 5 fails 1 smtpxdp status --check
	has "$output" "$DNS_ALIAS: DNS gives no address since the daemon's start: no DNS server"
	has "$output" 'its last ones are still allowlisted'
	login_fail attacker 5
	connects attacker
	same "banned" "$(banned)" ''
	until_true 10 asked_again "$(of_name '.[0].next')"
	# told once, however often it is asked
	told name-fault 'no DNS server answers; its last addresses stay allowlisted'
	dns_up
	again
	until_true 5 told name-answered 'has an answer again'
	no_problem
}

@test "a name that is gone, or has no address any more, keeps its last one, and that is told" {
	daemon_up
	until_true 5 allowed_are $ATTACKER/32
	dns_zone
	again
	until_true 5 told name-fault 'there is no such name .NXDOMAIN.; its last'
	again
	until_true 5 error_is NXDOMAIN
	allowed_are $ATTACKER/32
	dns_zone 0.0.0.0
	again
	until_true 5 told name-fault 'only addresses that no client has; its last'
	allowed_are $ATTACKER/32
	told name-fault NXDOMAIN
	smtpxdp config set allow www.example.org # not dnsmasq's to say
	until_true 5 told name-fault 'www.example.org .*refuses to answer; nothing is'
	smtpxdp config set allow nowhere.example.test
	until_true 5 told name-fault 'nowhere.example.test .*NXDOMAIN.; nothing is allowlisted'
	allowed_are none
	fails 1 smtpxdp status --check
	has "$output" 'nowhere.example.test: DNS gives no address and gave none before'
}

@test "a hostile zone allows some single addresses, and no more" {
	local many
	daemon_up
	until_true 5 allowed_are $ATTACKER/32
	mapfile -t many < <(seq -f '192.0.2.%g' 254; seq -f '198.18.1.%g' 254
		seq -f '198.18.2.%g' 254)
	dns_zone 0.0.0.0 127.0.0.2 224.0.0.1 255.255.255.255 :: ff02::1 "${many[@]}"
	again
	until_true 5 allowed_are 192.0.2.{1..8}/32
	told name-fault '754 addresses more than are taken of a name: the lowest 8'
	told name-fault '6 addresses that no client has, like 0.0.0.0: left out'
	login_fail attacker 3
	until_true 5 banned_are $ATTACKER/32
	dns_zone 0.0.0.0 198.51.100.8
	again
	until_true 5 allowed_are 198.51.100.8/32
	vanished attacker
}

@test "DNS is a black hole: the daemon waits for nothing, and its child may do nothing" {
	as_user
	daemon_up
	until_true 5 allowed_are $ATTACKER/32
	kill -STOP "$(cat $LAB/pid/dns)"
	again
	until_true 5 pgrep -P "$(daemon_pid)"
	local child
	child=$(pgrep -P "$(daemon_pid)")
	until_true 5 confined $child
	has "$(cat "/proc/$child/status")" '^CapPrm:.0+$'
	has "$(cat "/proc/$child/status")" '^CapEff:.0+$'
	same "files" "$(find "/proc/$child/fd" -type l -printf '%l\n' |
		grep -cvE '^(pipe|socket):')" 0
	lacks "$(cat "/proc/$child/maps")" '^[0-9a-f-]+ [rwx-]{3}s '
	login_fail attacker 3 --source 198.51.100.8
	until_true 1 journal_has SMTPXDP_EVENT=ban SMTPXDP_NET=198.51.100.8/32
	daemon_serves
	same "still asks" "$(pgrep -P "$(daemon_pid)")" "$child"
	allowed_are $ATTACKER/32
	smtpxdp config set allow '' # while it asks
	allowed_are
	kill -CONT "$(cat $LAB/pid/dns)"
	until_true 10 not pgrep -P "$(daemon_pid)"
	allowed_are
}

@test "only a full host name is one; a command takes none, and a name's address not off" {
	daemon_up
	until_true 5 allowed_are $ATTACKER/32
	while IFS='|' read -r value why; do
		fails 2 smtpxdp config set allow "$value"
		has "$output" "$why"
	done <<-'EOF'
		office|written with its domain
		home.example.org.|leave away the dot
		a..b|part between its dots is empty
		my_home.example.org|only a to z, digits, hyphens and dots
		a-.example.org|begins or ends with a hyphen
		büro.example.org|punycode
		198.51.100.300|not an IP address
		home.example.org/24|not an IP address
	EOF
	same "value" "$(smtpxdp config get allow)" $NAME
	fails 2 smtpxdp allow add home.example.org
	has "$output" 'home.example.org is a name: names stand in the key allow'
	fails 1 smtpxdp allow del $ATTACKER
	has "$output" 'is the address of a name of the key allow'
	daemon_down
	smtpxdp config set allow '203.0.113.9, Other.Example.Test'
	allowed_are none
	same "name" "$(of_name '.[0].name')" other.example.test
}
