#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# smtpxdp as it comes out of the box, before servers as Debian ships them: their
# own delays and penalties are on. Whoever guesses is banned, a device with an
# old password is not. selftests/unit/test_rhythms.c has slower guessers and
# honest people, without the waiting.

# shellcheck disable=SC2086 # addresses and options hold no spaces

load ../lib/common.sh
load ../lib/stock.sh

export STOCK=1
export DOVECOT_MECHANISMS="plain login cram-md5"

servers() {
	echo journald postfix
	! have_exim || echo exim
}

@test "whoever guesses is banned, a device with an old password is not" {
	local guessers=() n

	for n in 30 31 32 33 34 35 36; do
		guessers+=("198.51.100.$n/32")
	done
	daemon_up
	rhythm device 198.51.100.20 150 --password old
	rhythm device-tls 198.51.100.21 150 --password old --tls starttls
	rhythm device-dovecot 198.51.100.22 150 --password old --server $DOVECOT
	rhythm one 198.51.100.30 240 --until-banned
	rhythm many 198.51.100.31 240 --until-banned --per 20
	rhythm four 198.51.100.32 240 --until-banned --connections 4
	rhythm tls 198.51.100.33 240 --until-banned --tls starttls
	rhythm dovecot-one 198.51.100.34 240 --until-banned --server $DOVECOT
	rhythm dovecot-tls 198.51.100.35 240 --until-banned --server $DOVECOT \
		--tls starttls
	rhythm dovecot-four 198.51.100.36 240 --until-banned --server $DOVECOT \
		--connections 4
	# Exim has no delay of its own.
	! have_exim || {
		guessers+=(198.51.100.37/32 198.51.100.38/32)
		rhythm device-exim 198.51.100.25 150 --password old --server $EXIM
		rhythm exim 198.51.100.37 240 --until-banned --server $EXIM
		rhythm exim-tls 198.51.100.38 240 --until-banned --server $EXIM \
			--tls starttls
	}
	until_true 300 banned_are "${guessers[@]}"
	until_true 200 ended device device-tls device-dovecot device-exim
	banned_are "${guessers[@]}"
	has "$(smtpxdp why 198.51.100.20)" '^repeats .*: probably a stale password$'
	for n in 20 21 22; do
		same "guesses of 198.51.100.$n" \
			"$(why 198.51.100.$n .client.in_window)" 1
	done
}

@test "one click of a program is one guess, whatever it tries" {
	daemon_up
	at attacker python3 - <<-EOF
		import smtplib
		for i in range(3):
		    with smtplib.SMTP("$POSTFIX", 587, "x", 30, ("198.51.100.23", 0)) as s:
		        s.ehlo()
		        print(s.esmtp_features["auth"])
		        try:
		            s.login("alice", "typo%d" % i)
		        except smtplib.SMTPAuthenticationError as e:
		            print(e)
	EOF
	same "guesses" "$(why 198.51.100.23 .client.in_window)" 3
	# A 454 that comes before the password is no failure at all.
	[ "$(why 198.51.100.23 .client.failures)" -ge 7 ]
}

@test "what the same connection makes good was no guess" {
	conf rate 3/10m
	daemon_up
	# Four people of an office, each with a typo before the right password.
	at attacker python3 - <<-EOF
		import base64, smtplib
		for i in range(4):
		    user = ("alice", "bob")[i % 2]
		    right = {"alice": "$PASS_OK", "bob": "hunter2"}[user]
		    with smtplib.SMTP("$DOVECOT", 587, "x", 30, ("198.51.100.24", 0)) as s:
		        s.ehlo()
		        for word in ("typo%d" % i, right):
		            line = base64.b64encode(("\0%s\0%s" % (user, word)).encode()).decode()
		            code = s.docmd("AUTH", "PLAIN " + line)[0]
		        assert code == 235, code
	EOF
	same "nobody" "$(banned)" ''
	same "guesses" "$(why 198.51.100.24 .client.in_window)" 0
	same "made good" "$(counter failures-made-good)" 4
}

@test "an office of twelve, each with a refused CRAM-MD5 before: in the clear and TLS" {
	daemon_up
	offices
}
