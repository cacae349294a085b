#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# All who want a ban: shown by their names, and kept over a reboot.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

before() {
	conf rate 2/120s ban-time 1h
	daemon_up
}

# "OWNER HOURS REASON" of who wants this ban, the one in the list first.
wanted() { # ADDRESS
	why $1 '.ban | ([.] + .others)[] |
		"\(.owner) \(.expires_in / 3600 | ceil) \(.reason)"'
}

reboot() {
	daemon_down
	smtpxdp unload
	daemon_up
}

@test "who else wants a ban is shown by name, and outlives a reboot" {
	local name='jail of "x"' all
	login_fail attacker 2 --from 198.51.100.10
	until_true 5 journal_has SMTPXDP_EVENT=ban SMTPXDP_NET=198.51.100.10/32
	printf '%s\n' 198.51.100.9 198.51.100.10 |
		smtpxdp ban load --list drop --for 5h --reason listed -
	smtpxdp ban add 198.51.100.9 --for 9h --owner "$name" --reason 'of a jail'
	smtpxdp ban add 198.51.100.9 --for 2h --reason mine
	smtpxdp ban add 198.51.100.11 --for 2h
	all="$name 9 of a jail
drop 5 listed
null 2 mine"
	same "wanted" "$(wanted 198.51.100.9)" "$all"
	has "$(smtpxdp why 198.51.100.9)" "^wanted by +$name\$"
	has "$(smtpxdp why 198.51.100.9)" '^ +drop, for (5h|4h59m[0-9]+s) more: listed$'
	has "$(smtpxdp why 198.51.100.9)" '^ +no name, for (2h|1h59m[0-9]+s) more: mine$'
	lacks "$(smtpxdp why 198.51.100.11)" 'wanted by'
	has "$(smtpxdp ban list)" '^198\.51\.100\.10/32 .* drop +listed'
	same "JSON" "$(smtpxdp ban list -j | jq -c '.[] | select(.net == "198.51.100.11/32") |
		[.owner, .others]')" '[null,[]]'
	reboot
	same "wanted" "$(wanted 198.51.100.9)" "$all"
	has "$(wanted 198.51.100.10 | tail -n 1)" '^null 1 2 failures in 2m$'
	# What is taken back by a command alone is gone from the file, too.
	daemon_down
	smtpxdp ban del 198.51.100.9 --owner "$name"
	smtpxdp ban add 198.51.100.9 --for 3h --owner host --reason host
	daemon_up
	reboot
	same "wanted" "$(wanted 198.51.100.9)" "drop 5 listed
host 3 host
null 2 mine"
	smtpxdp ban flush --owner drop
	reboot
	same "wanted" "$(wanted 198.51.100.9)" "host 3 host
null 2 mine"
	has "$(wanted 198.51.100.10)" '^null 1 2 failures in 2m$'
	smtpxdp ban flush
	reboot
	same "ban list" "$(banned)" ''
	same "claims" "$(sqlite3 $STATE/smtpxdp.db 'SELECT * FROM claims')" ''
}

@test "names that were not given to this version are numbers; those of nobody are forgotten" {
	smtpxdp ban add 198.51.100.9 --owner jail
	smtpxdp ban add 198.51.100.9 --for 2h --owner other
	names() {
		sqlite3 $STATE/smtpxdp.db 'SELECT name FROM owners ORDER BY name' |
			tr '\n' ' '
	}
	same "names" "$(names)" 'jail other '
	smtpxdp ban del 198.51.100.9 --owner other
	reboot # it saves everything
	until_true 5 names_are 'jail '
	daemon_down
	sqlite3 $STATE/smtpxdp.db 'DROP TABLE owners; DROP TABLE claims'
	smtpxdp unload
	daemon_up
	has "$(why 198.51.100.9 .ban.owner)" '^#[0-9a-f]{8}$'
	smtpxdp ban del 198.51.100.9 --owner jail
	same "ban list" "$(banned)" ''
}

names_are() { # NAMES
	same "names" "$(names)" "$1"
}
