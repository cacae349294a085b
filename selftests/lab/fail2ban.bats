#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Real fail2ban, whose jail reads Postfix' log and bans by smtpxdp's drop map:
# dist/fail2ban, in a configuration of its own.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

JAIL=$LAB/fail2ban

setup_file() {
	have_fail2ban || return 0
	lab_up journald postfix
	# All of the distribution's but the jails that it enables.
	cp -r /etc/fail2ban $JAIL
	rm -rf $JAIL/jail.d
	sed -i 's/^dbfile.*/dbfile = None/' $JAIL/fail2ban.conf
	cp "$LAB_ROOT"/dist/fail2ban/action.d/smtpxdp.conf $JAIL/action.d
	printf '[Init]\nsmtpxdp = %s\n' "$BIN --pin $PIN" \
		>$JAIL/action.d/smtpxdp.local
}

have_fail2ban() {
	command -v fail2ban-server >/dev/null
}

before() {
	have_fail2ban || skip "no fail2ban here"
	# It is fail2ban that bans here.
	conf rate 64/1h slow-rate off
	daemon_up
	: >$LAB/log/postfix
	: >$LAB/log/fail2ban
}

after() {
	end fail2ban
}

# jail BANTIME: its server, with one jail.
jail() {
	cat >$JAIL/jail.local <<-END
		[DEFAULT]
		banaction = smtpxdp
		[postfix-sasl]
		enabled = true
		backend = polling
		logpath = $LAB/log/postfix
		maxretry = 3
		findtime = 1h
		bantime = $1
	END
	background fail2ban mail fail2ban-server -f -c $JAIL -s $JAIL/socket \
		-p $JAIL/pid --logtarget $LAB/log/fail2ban --loglevel INFO
	until_true 20 f2b status postfix-sasl
}

f2b() {
	fail2ban-client -c $JAIL -s $JAIL/socket "$@"
}

logged() { # PATTERN
	grep -qE -- "$1" $LAB/log/fail2ban
}

no_error() {
	not logged ' (ERROR|CRITICAL) '
}

@test "its jail bans in XDP, and unbans" {
	jail 600
	login_fail attacker 3
	until_true 20 logged "Ban $ATTACKER"
	until_true 5 banned_are $ATTACKER/32
	vanished attacker
	connects honest
	same "ban" "$(smtpxdp ban -j | jq -c '.[] | [.net, .reason]')" \
		"[\"$ATTACKER/32\",\"fail2ban: postfix-sasl\"]"
	[ "$(smtpxdp ban -j | jq '.[0].expires_in')" -gt 590 ]
	f2b set postfix-sasl unbanip $ATTACKER
	until_true 5 banned_are
	connects attacker
	no_error
}

@test "IPv6: the client's network" {
	jail 600
	login_fail attacker 3 --server $POSTFIX6
	until_true 20 logged "Ban $ATTACKER6"
	until_true 5 banned_are 2001:db8:bad::/64
	vanished attacker --server $POSTFIX6
	f2b set postfix-sasl unbanip $ATTACKER6
	connects attacker --server $POSTFIX6
	no_error
}

@test "a ban that has run out in the kernel already is no error" {
	jail 4
	login_fail attacker 3
	until_true 20 logged "Ban $ATTACKER"
	until_true 20 logged "Unban $ATTACKER"
	connects attacker
	f2b status postfix-sasl # it has done all that it logged
	same "ban list" "$(banned)" ""
	no_error
}

@test "for ever is as long as can be" {
	jail -1
	login_fail attacker 3
	until_true 20 logged "Ban $ATTACKER"
	until_true 5 banned_are $ATTACKER/32
	[ "$(smtpxdp ban -j | jq '.[0].expires_in')" -gt 31000000 ]
	no_error
}

@test "what smtpxdp refuses is an error in fail2ban's log, with the reason" {
	jail 600
	smtpxdp allow add $ATTACKER
	f2b set postfix-sasl banip $ATTACKER
	until_true 10 logged "ERROR .*$ATTACKER/32 is allowlisted by"
	connects attacker
}
