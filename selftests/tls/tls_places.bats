#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Probes move from a library's exported functions to those behind, which cost
# less, once a thousand calls have agreed; and what is counted stays as it is.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

servers() {
	echo journald postfix
	! have_exim || echo exim
}

before() {
	[ "$(uname -m)" = x86_64 ] || skip "other machines have other rules"
	conf mode monitor # counted, and nobody is banned
	daemon_up
	: >$LAB/log/postfix
}

# The way that a library is probed: entry, trial, behind, differs.
way_is() { # LIBRARY WAY
	[ "$(smtpxdp status -j | jq -r --arg name $1 '.tls as $t |
		[$t.libraries, $t.probed] | transpose[] |
		select(.[0] | contains($name)) | .[1]')" = $2 ]
}

# Has a server read and write, less often in a session than Postfix minds.
talk() { # PORT SESSIONS
	at honest python3 -B - $POSTFIX $1 $2 <<-EOT
		import smtplib, ssl, sys
		tls = ssl.create_default_context()
		tls.check_hostname = False
		tls.verify_mode = ssl.CERT_NONE
		for _ in range(int(sys.argv[3])):
		    s = smtplib.SMTP(sys.argv[1], int(sys.argv[2]))
		    s.starttls(context=tls)
		    for _ in range(80):
		        s.docmd("NOOP")
		    s.quit()
	EOT
}

# Counted is what the log says, in each thread of ten that fail meanwhile.
fail_many() {
	login_storm attacker --tls starttls --bad \
		"198.51.100.31*12,198.51.100.32*7,198.51.100.33*1" --tries 1
}

refused() {
	grep -c 'SASL .* authentication failed' $LAB/log/postfix
}

counted() {
	smtpxdp clients -j | jq '[.[].failures] | add // 0'
}

all_counted() {
	[ "$(counted)" = "$(refused)" ]
}

@test "OpenSSL, under Postfix: before, meanwhile and after, each failure once" {
	until_true 30 way_is libssl.so.3 trial
	fail_many
	talk 587 13 &
	while ! way_is libssl.so.3 behind; do
		fail_many
		[ "$(counted)" -lt 2000 ]
	done
	wait
	fail_many
	until_true 10 all_counted
	echo "# $(counted) failures" >&3
	same "who was tried" "$(why 198.51.100.33 .client.users)" 1
	# What went behind still ends with the daemon's successor, not before.
	daemon_down KILL
	fail_many
	same "without the daemon" "$(counted)" "$(refused)"
	daemon_up
	fail_many
	same "after another" "$(counted)" "$(refused)"
	no_problem
}
