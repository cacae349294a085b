#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Who wants a ban: named lists, jails, persons and sensors. It holds as long as
# one of them wants it.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

before() {
	LIST=$BATS_TEST_TMPDIR/list
	conf rate 2/120s ban-time 1h
	daemon_up
}

# "NET HOURS REASON" of each ban, one a line.
bans() {
	smtpxdp ban list -j | jq -r 'sort_by(.net)[] |
		"\(.net) \(.expires_in / 3600 | ceil) \(.reason)"'
}

@test "a named list replaces what it had before, and nobody else's" {
	smtpxdp ban add 198.51.100.30 --for 2h --reason mine
	printf '%s\n' 198.51.100.9 198.51.100.10 198.51.100.32/28 198.51.100.30 >$LIST
	smtpxdp ban load --list drop --for 5h $LIST
	printf '%s\n' 198.51.100.10 198.51.100.20 | smtpxdp ban load --list other --for 3h -
	printf '%s\n' 198.51.100.11 198.51.100.9 >$LIST
	same "told" "$(smtpxdp -j ban load --list drop --for 5h $LIST | jq -c '[.loaded, .lifted]')" \
		'[2,1]'
	# .10 is the other list's, .30 a person's, and for as long as they said.
	same "bans" "$(bans)" "198.51.100.10/32 3 by command
198.51.100.11/32 5 by command
198.51.100.20/32 3 by command
198.51.100.30/32 2 mine
198.51.100.9/32 5 by command"
	connects attacker --from 198.51.100.40
	vanished attacker --from 198.51.100.10
	# By the daemon or without it, and over its restart.
	daemon_down
	echo 198.51.100.9 | smtpxdp ban load --list drop --for 5h -
	daemon_up
	echo 198.51.100.10 | smtpxdp ban load --list other --for 3h -
	same "ban list" "$(banned)" "198.51.100.10/32 198.51.100.30/32 198.51.100.9/32"
	has "$(smtpxdp ban flush --owner other)" '^1 unbanned'
	same "ban list" "$(banned)" "198.51.100.30/32 198.51.100.9/32"
}

@test "a list with a wrong line, or without any, lifts nothing" {
	printf '%s\n' 198.51.100.9 198.51.100.10 | smtpxdp ban load --list drop -
	printf '%s\n' 198.51.100.11 198.51.100.300 >$LIST
	fails 1 smtpxdp ban load --list drop $LIST
	same "ban list" "$(banned)" "198.51.100.10/32 198.51.100.11/32 198.51.100.9/32"
	fails 1 smtpxdp ban load --list drop /dev/null
	has "$output" 'holds no network; nothing was changed'
	same "ban list" "$(banned)" "198.51.100.10/32 198.51.100.11/32 198.51.100.9/32"
}

@test "what is gone makes room for what is new" {
	smtpxdp config set max-bans 1024
	daemon_down
	daemon_up
	seq -f '11.1.%g.7' 0 255 >$LIST
	for i in 2 3 4; do sed "s/^11.1/11.$i/" $LIST; done >>$LIST.2
	cat $LIST.2 $LIST >$LIST.all
	smtpxdp ban load --list drop $LIST.all
	sed 's/^11/12/' $LIST.all | smtpxdp ban load --list drop -
	same "bans" "$(smtpxdp status -j | jq .bans)" 1024
	fails 1 smtpxdp ban load --list more $LIST
	has "$output" '256 clients .* room for 0; nobody was banned'
}

@test "an owner takes back his share only; a person lifts it for all" {
	for i in 9 10; do
		smtpxdp ban add 198.51.100.$i --for 7d --reason 'of a jail' --owner jail
		smtpxdp ban add 198.51.100.$i --for 2h --reason mine
		smtpxdp ban add 198.51.100.$i --for 9h --reason host --owner host
	done
	has "$(smtpxdp ban del 198.51.100.9 --owner jail)" 'stays banned: others want it'
	same "the next one" "$(bans)" "198.51.100.10/32 168 of a jail
198.51.100.9/32 9 host"
	smtpxdp ban del 198.51.100.9 --owner host
	same "the last one" "$(bans | tail -n 1)" "198.51.100.9/32 2 mine"
	fails 1 smtpxdp ban del 198.51.100.9 --owner jail
	has "$output" 'not banned for this owner'
	vanished attacker --from 198.51.100.9
	smtpxdp ban del 198.51.100.9
	smtpxdp ban del 198.51.100.10
	same "ban list" "$(banned)" ''
	# Nothing of it comes back.
	smtpxdp ban add 198.51.100.10 --owner jail
	smtpxdp ban add 198.51.100.10 --for 30m --owner list
	has "$(smtpxdp ban del 198.51.100.10 --owner jail)" 'stays banned'
	same "the list's" "$(bans)" "198.51.100.10/32 1 by command"
	has "$(smtpxdp ban del 198.51.100.10 --owner list)" '^unbanned'
	connects attacker --from 198.51.100.10
	smtpxdp ban add 198.51.100.10 --owner jail
	smtpxdp ban add 198.51.100.10 --owner list
	smtpxdp ban flush
	smtpxdp ban add 198.51.100.10 --owner jail
	has "$(smtpxdp ban del 198.51.100.10 --owner jail)" '^unbanned'
}

@test "neighbours in one /64: it holds until the last one is let go" {
	smtpxdp ban add 2001:db8:bad::7 --owner 'jail 2001:db8:bad::7'
	smtpxdp ban add 2001:db8:bad::8 --owner 'jail 2001:db8:bad::8'
	# Also where the maps are replaced meanwhile.
	smtpxdp config set max-bans 2000
	daemon_down
	daemon_up
	smtpxdp ban del 2001:db8:bad::8 --owner 'jail 2001:db8:bad::8'
	same "ban list" "$(banned)" 2001:db8:bad::/64
	smtpxdp ban del 2001:db8:bad::7 --owner 'jail 2001:db8:bad::7'
	same "ban list" "$(banned)" ''
}

@test "a sensor's ban outlives a list that had the same, and has its reason again" {
	login_fail attacker 2 --from 198.51.100.9
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_NET=198.51.100.9/32
	echo 198.51.100.9 | smtpxdp ban load --list drop --for 5h --reason listed -
	same "the list's" "$(bans)" "198.51.100.9/32 5 listed"
	echo 198.51.100.10 | smtpxdp ban load --list drop --for 5h --reason listed -
	has "$(bans)" '^198\.51\.100\.9/32 1 2 failures in '
	vanished attacker --from 198.51.100.9
}

@test "whose a ban is, is in the state file" {
	printf '%s\n' 198.51.100.9 198.51.100.10 | smtpxdp ban load --list drop --for 5h -
	smtpxdp ban add 198.51.100.11 --for 5h
	daemon_down
	smtpxdp unload
	daemon_up
	same "ban list" "$(banned)" "198.51.100.10/32 198.51.100.11/32 198.51.100.9/32"
	echo 198.51.100.9 | smtpxdp ban load --list drop --for 5h -
	same "ban list" "$(banned)" "198.51.100.11/32 198.51.100.9/32"
}

@test "ban del --plain: each line's owner takes back his share, three of one ban, too" {
	for owner in a b c; do
		smtpxdp ban add 198.51.100.9 --for 1h --owner $owner
		smtpxdp ban add 198.51.100.10 --for 1h --owner $owner
	done
	smtpxdp ban add 198.51.100.10
	smtpxdp ban list --plain | grep owner= | tac >$LIST
	same "lines" "$(wc -l <$LIST)" 6
	same "told" "$(smtpxdp ban del --plain - -j <$LIST | jq -c '[.unbanned, .not_banned]')" \
		'[["198.51.100.9/32"],[]]'
	same "left" "$(bans)" '198.51.100.10/32 1 by command'
	smtpxdp ban list --plain | smtpxdp ban del --plain -
	same "none" "$(bans)" ""
	fails 2 smtpxdp ban del --plain --owner a -
	fails 1 smtpxdp ban del --plain - <<<'198.51.100.9 1h "x" nonsense'
}
