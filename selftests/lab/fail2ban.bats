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
	sed -i "s,^dbfile.*,dbfile = $JAIL/db," $JAIL/fail2ban.conf
	cp "$LAB_ROOT"/dist/fail2ban/action.d/smtpxdp.py $JAIL/action.d
	# The command as it is installed, which counts its calls.
	mkdir $JAIL/bin
	printf '#!/bin/sh\necho "$*" >>%s/calls\nexec %s --pin %s "$@"\n' \
		$JAIL "$BIN" $PIN >$JAIL/bin/smtpxdp
	chmod +x $JAIL/bin/smtpxdp
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
	: >$JAIL/calls
	rm -f $JAIL/db
}

after() {
	end fail2ban
}

# jail BANTIME: its server, with one jail.
jail() {
	cat >$JAIL/jail.local <<-END
		[DEFAULT]
		banaction = smtpxdp.py
		[postfix-sasl]
		enabled = true
		backend = polling
		logpath = $LAB/log/postfix
		maxretry = 3
		findtime = 1h
		bantime = $1
	END
	jail_up
}

jail_up() {
	background fail2ban mail env PATH="$JAIL/bin:$PATH" fail2ban-server -f -c $JAIL -s $JAIL/socket \
		-p $JAIL/pid --logtarget $LAB/log/fail2ban --loglevel INFO
	until_true 20 has_jail
}

# To ask for a jail that is not there yet is an error in its log.
has_jail() {
	grep -q postfix-sasl <<<"$(f2b status)"
}

f2b() {
	fail2ban-client -c $JAIL -s $JAIL/socket "$@"
}

logged() { # PATTERN
	grep -qE -- "$1" $LAB/log/fail2ban
}

no_error() {
	same "errors of fail2ban" \
		"$(grep -E ' (ERROR|CRITICAL) ' $LAB/log/fail2ban)" ''
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

# So many addresses, which are nobody's here.
addresses() { # N
	seq $1 | awk '{ printf "100.65.%d.%d\n", $1 / 250, $1 % 250 + 1 }'
}

addresses6() { # N
	seq $1 | awk '{ printf "2001:db8:f:%x::7\n", $1 }'
}

n_banned() {
	smtpxdp ban -j | jq length
}

has_banned() { # N
	[ "$(n_banned)" = $1 ]
}

msec() {
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

restored() { # N
	[ "$(grep -c 'Restore Ban' $LAB/log/fail2ban)" = $1 ]
}

@test "2000 bans: fail2ban starts and stops at once, and they hold meanwhile" {
	local n=2000 t
	jail 1h
	{ addresses $((n / 2)) && addresses6 $((n / 2)); } | xargs -n 500 fail2ban-client -c $JAIL -s $JAIL/socket set postfix-sasl banip
	until_true 60 has_banned $n
	[ "$(smtpxdp ban -j | jq '[.[].expires_in] | min')" -gt 3400 ]
	: >$JAIL/calls
	t=$(msec)
	end fail2ban
	echo "# $n bans: stopped in $(($(msec) - t)) ms" >&3
	[ $(($(msec) - t)) -lt $((5000 * SLOW)) ]
	same "bans while it is down" "$(n_banned)" $n
	same "calls of smtpxdp" "$(wc -l <$JAIL/calls)" 0
	: >$LAB/log/fail2ban
	t=$(msec)
	jail_up
	until_true 30 restored $n
	echo "# started in $(($(msec) - t)) ms" >&3
	[ $(($(msec) - t)) -lt $((10000 * SLOW)) ]
	same "bans" "$(n_banned)" $n
	# All of them at a person's word, by few calls; and one that is another's stays.
	smtpxdp ban add 192.0.2.200
	t=$(msec)
	f2b unban --all
	until_true 20 banned_are 192.0.2.200/32
	echo "# all unbanned in $(($(msec) - t)) ms" >&3
	[ "$(wc -l <$JAIL/calls)" -lt 200 ]
	no_error
}

@test "what smtpxdp has lost is banned again when fail2ban starts" {
	jail 1h
	f2b set postfix-sasl banip $ATTACKER
	until_true 10 banned_are $ATTACKER/32
	sleep 2
	end fail2ban
	smtpxdp ban flush
	jail_up
	until_true 20 banned_are $ATTACKER/32
	[ "$(smtpxdp ban -j | jq '.[0].expires_in')" -lt 3599 ]
	f2b unban $ATTACKER
	until_true 5 banned_are
	no_error
}
