#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Crashes, restarts and upgrades: no packet of a banned source gets through,
# nothing that happened meanwhile is lost.

# shellcheck disable=SC2086,SC2206 # addresses and names hold no spaces
# shellcheck disable=SC2034 # BIN is for the lab

load ../lib/common.sh
# shellcheck source=selftests/lib/upgrade.sh
. "$LAB_ROOT"/selftests/lib/upgrade.sh

setup_file() {
	# shellcheck disable=SC2046 # a list
	lab_up $(servers)
	other_build
}

after() {
	BIN=$THIS
	[ ! -e $LAB/pid/flood ] || end flood
	[ ! -e $LAB/pid/catch ] || end catch
}

# What is to be carried over, is so by the maps: no file helps out.
down() { # [SIGNAL]
	daemon_down "$@"
	rm -rf "${STATE:?}"
}

@test "20 crashes, restarts and upgrades: no packet through, none lost, all told" {
	local i clients=()
	conf rate 3/1h scope all
	daemon_up
	smtpxdp ban add 198.51.100.9 --reason flood
	flood_begins 198.51.100.9 198.51.100.10
	for i in $(seq 11 30); do
		case $((i % 4)) in
		0) down KILL ;;
		1) down TERM ;;
		2) down KILL && other_one ;;
		3) down TERM && other_one ;;
		esac
		# Who fails now is banned by the kernel alone.
		login_fail attacker 3 --from 198.51.100.$i
		clients+=(198.51.100.$i)
		daemon_up
	done
	flood_ends
	[ "$(sent 198.51.100.9)" -gt 1000 ]
	same "of the banned" "$(came 198.51.100.9)" 0
	same "of the innocent" "$(came 198.51.100.10)" "$(sent 198.51.100.10)"
	[ "$(counter dropped-ban)" -ge "$(sent 198.51.100.9)" ]
	same "failures counted" "$(counter failures)" 60
	same "ban list" "$(banned)" \
		"$(printf '%s/32\n' "${clients[@]}" 198.51.100.9 | sort | xargs)"
	same "bans told" "$(journal SMTPXDP_EVENT=ban SMTPXDP_SENSOR=wire |
		jq -s -c '[.[] | .SMTPXDP_CLIENT] | sort')" \
		"$(printf '%s\n' "${clients[@]}" | sort | jq -R | jq -s -c)"
	same "reasons" "$(smtpxdp ban -j | jq -c '[.[].reason] | unique')" \
		'["3 failures in 1h","flood"]'
	same "events lost" "$(counter events-lost)" 0
	settled
}

@test "failures while maps are replaced: as many as the server's log says" {
	local i logins
	conf rate 64/1h slow-rate off
	daemon_up
	: >$LAB/log/postfix
	for i in $(seq 11 26); do
		background login-$i attacker python3 -B $HELPER auth \
			--from 198.51.100.$i --tries 50 --password wrong \
			--expect 535
	done
	for i in 1 2 3 4 5; do
		down KILL
		other_one
		daemon_up
	done
	for i in $(seq 11 26); do
		until_true 60 not running login-$i
		rm $LAB/pid/login-$i
	done
	smtpxdp clients -j | python3 -B $HELPER judge $LAB/log/postfix \
		'\[(198\.51\.100\.[0-9]+)\]: SASL PLAIN authentication failed' \
		--total 800
	same "failures counted" "$(counter failures)" 800
	journal_has SMTPXDP_EVENT=carried
	journal_has SMTPXDP_EVENT=not-carried
	has "$(journal SMTPXDP_EVENT=not-carried | jq -r .MESSAGE)" \
		'map clients .*not know: of_another_build'
	same "entries that were lost" "$(journal SMTPXDP_EVENT=not-carried |
		jq -r .MESSAGE | grep -c 'were NOT' || true)" 0
	settled
}

@test "starts that are killed at any moment leave what the next one mends" {
	local i
	conf rate 3/1h scope all
	daemon_up
	smtpxdp ban add 198.51.100.9 --reason flood
	smtpxdp allow add 198.51.100.10
	login_fail attacker 2 --from 198.51.100.11
	down KILL
	flood_begins 198.51.100.9 198.51.100.10
	for i in $(seq 1 15); do
		other_one
		background smtpxdp mail "$BIN" --pin $PIN run -c $CONF -i eth0
		sleep 0.$((i * 3 / 10))$((i * 3 % 10))
		down KILL
	done
	daemon_up
	flood_ends
	same "of the banned" "$(came 198.51.100.9)" 0
	same "of the innocent" "$(came 198.51.100.10)" "$(sent 198.51.100.10)"
	same "ban list" "$(banned)" 198.51.100.9/32
	same "allowlist" "$(smtpxdp allow -j |
		jq -c '[.[] | select(.origin == "command") | .net]')" \
		'["198.51.100.10/32"]'
	login_fail attacker 1 --from 198.51.100.11
	same "ban list" "$(banned)" "198.51.100.11/32 198.51.100.9/32"
	settled
}

name_key() {
	bpftool -j map dump pinned $PIN/current/name_key |
		grep -o "\"${1-k}\":\[[^]]*\]"
}

@test "the key that user names are hashed with stays, into another build and back" {
	local key secret
	daemon_up
	key=$(name_key)
	secret=$(name_key secret)
	has "$key" '^"k":\[[1-9][0-9]+,[1-9][0-9]+\]$'
	has "$secret" '^"secret":\[[1-9][0-9]+,[1-9][0-9]+\]$'
	for BIN in $OTHER $THIS; do
		down
		daemon_up
		same "key" "$(name_key)" "$key"
		same "of passwords" "$(name_key secret)" "$secret"
	done
	down
	smtpxdp unload
	daemon_up
	[ "$(name_key)" != "$key" ] && [ "$(name_key secret)" != "$secret" ]
}

@test "the daemon is another version yet: commands say so, unload works" {
	daemon_up
	smtpxdp ban add 198.51.100.9
	BIN=$OTHER
	for command in "ban list" status "ban add 198.51.100.8" "config set rate 3/1h" \
		"why 198.51.100.9"; do
		fails 1 smtpxdp $command
		has "$output" 'another version.*restart the daemon'
	done
	down
	vanished attacker --from 198.51.100.9
	smtpxdp unload
	connects attacker --from 198.51.100.9
	same "pins left" "$(find $PIN 2>/dev/null)" ""
}

@test "less room than before: which entries did not fit, is told" {
	local i
	conf max-bans 1024
	daemon_up
	for i in 11 12 13 14; do
		smtpxdp ban add 198.51.100.$i
	done
	smtpxdp status -j | jq -e '.bans == 4'
	down
	# (The least that the key takes is more than a test wants to fill.)
	sed -i 's/_entries(o->max_bans)/_entries(3)/; s/prepare_bans(skel, o->max_bans)/prepare_bans(skel, 3)/' \
		/run/other/user/load/loader.c
	make -C /run/other CFLAGS=-O1 >$LAB/log/other 2>&1
	BIN=$OTHER
	daemon_up
	same "bans left" "$(smtpxdp ban -j | jq length)" 3
	has "$(journal SMTPXDP_EVENT=not-carried | jq -r .MESSAGE)" \
		'map bans is replaced: 3 entries were carried over; 1 were NOT: no room'
	cp "$LAB_ROOT"/user/load/loader.c /run/other/user/load
	make -C /run/other CFLAGS=-O1 >$LAB/log/other 2>&1
}

@test "events that nobody read: what the ring buffer has no room for is counted" {
	local lost read
	conf rate 64/1h slow-rate off log-failures yes
	BIN=$OTHER
	daemon_up
	down TERM
	login_fail attacker 16 --tries 4 --from 198.51.100.12
	lost=$(counter events-lost)
	[ "$lost" -gt 0 ]
	daemon_up
	until_true 5 journal_has SMTPXDP_EVENT=events-lost
	has "$(journal SMTPXDP_EVENT=events-lost | jq -r .MESSAGE)" "^$lost events"
	# Bans are told all the same.
	until_true 10 journal_has SMTPXDP_EVENT=ban SMTPXDP_NET=198.51.100.12/32
	has "$(journal SMTPXDP_EVENT=ban SMTPXDP_NET=198.51.100.12/32)" \
		'its event was lost'
	# And once: the next daemon does not begin with it.
	down TERM
	journal_mark
	daemon_up
	login_fail attacker 1 --from 198.51.100.13
	until_true 5 journal_has SMTPXDP_EVENT=failure
	not journal_has SMTPXDP_EVENT=events-lost
}
