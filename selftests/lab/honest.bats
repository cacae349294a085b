#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Honest clients on a network that loses every twentieth packet: they are
# charged with what the server refused, and no more.

# shellcheck disable=SC2034,SC2086 # the lab's variables; no spaces in names

load ../lib/common.sh

# The whole control group: HONEST_LOGINS=10000.
LOGINS=${HONEST_LOGINS-300}

BY_POSTFIX='\[(\S+)\]: SASL \S+ authentication failed'

setup_file() {
	lab_up journald postfix
	postconf -c $LAB/postfix/etc smtpd_timeout=60s \
		smtpd_client_connection_count_limit=0
	at mail postfix -c $LAB/postfix/etc reload >/dev/null 2>&1
}

before() {
	conf rate 64/1h slow-rate off log-failures yes
	daemon_up
	: >$LAB/log/postfix
}

# On the way there and back.
lose() { # PERCENT
	at router nft -f - <<-EOT
		table inet loss {
			chain forward {
				type filter hook forward priority 0
				tcp dport { 465, 587 } numgen random mod 100 < $1 counter drop
				tcp sport { 465, 587 } numgen random mod 100 < $1 counter drop
			}
		}
	EOT
}

all_gone() {
	! at mail ss -Htn state all "sport = :587 or sport = :465" |
		grep -qvE 'LISTEN|TIME-WAIT'
}

spared() {
	smtpxdp clients -j | python3 -B $HELPER spared $LAB/broken \
		$LAB/log/postfix "$BY_POSTFIX" >$LAB/spared
}

@test "honest logins, 5 % of packets lost: no failure but what was refused" {
	lose 5
	at attacker python3 -B $HELPER honest --tries $LOGINS \
		--source "$(seq -s, -f 198.51.100.%g 7 60)" >$LAB/broken
	has "$(at router nft list table inet loss)" 'packets [1-9]'
	at router nft delete table inet loss
	until_true 60 all_gone || all_gone
	until_true 5 spared || {
		cat $LAB/spared
		return 1
	}
	echo "# $LOGINS logins: $(cat $LAB/spared), unanswered" \
		"$(counter failures-unanswered)" >&3
	[ "$(counter successes)" -gt 0 ]
}
