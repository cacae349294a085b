# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What is tried at servers as Debian ships them: stock.bats, full_stock13.bats.

# shellcheck disable=SC2086 # addresses and options hold no spaces

# rhythm NAME ADDRESS SECONDS [OPTION...]: in the background.
rhythm() {
	local name=$1 from=$2 seconds=$3
	shift 3
	background "$name" attacker python3 -B "$HELPER" rhythm --user alice \
		--password wrong --seconds $((seconds * SLOW)) \
		--timeout $((25 * SLOW)) --source $from "$@"
}

ended() { # NAME...
	local name
	for name in "$@"; do
		! running "$name" || return 1
	done
}

# office SERVER NUMBER [tls]: a wrong CRAM-MD5 and a right PLAIN, twelve times, from
# 198.51.100.NUMBER.
office() {
	at attacker python3 - <<-EOF
		import base64, smtplib, ssl
		trusting = ssl.create_default_context()
		trusting.check_hostname = False
		trusting.verify_mode = ssl.CERT_NONE
		for i in range(12):
		    user = ("alice", "bob")[i % 2]
		    right = {"alice": "$PASS_OK", "bob": "hunter2"}[user]
		    with smtplib.SMTP("$1", 587, "x", 60, ("198.51.100.$2", 0)) as s:
		        if "${3-}":
		            s.starttls(context=trusting)
		        s.ehlo()
		        s.user, s.password = user, "typo"
		        try:
		            s.auth("CRAM-MD5", s.auth_cram_md5)
		        except smtplib.SMTPAuthenticationError as e:
		            assert e.smtp_code == 535, e
		        line = base64.b64encode(("\0%s\0%s" % (user, right)).encode()).decode()
		        code = s.docmd("AUTH", "PLAIN " + line)[0]
		        assert code == 235, code
	EOF
}

# Four offices, each behind one address: nobody is banned.
offices() {
	local n
	office $DOVECOT 26 & office $DOVECOT 27 tls & office $POSTFIX 28 &
	office $POSTFIX 29 tls
	wait
	same "nobody" "$(banned)" ''
	for n in 26 27 28 29; do
		same "logins of 198.51.100.$n" \
			"$(why 198.51.100.$n '[.client.failures, .client.successes,
				.client.in_window] | @csv')" 12,12,0
	done
	same "made good" "$(counter failures-made-good)" 48
}
