#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What real servers say to a login without having checked the password: which of
# it counts, and what probe says of it. The table is in smtpxdp.conf(5), WHAT
# SERVERS SAY.

# shellcheck disable=SC2086 # addresses and options hold no spaces

load ../lib/common.sh

servers() {
	echo journald postfix
	! have_exim || echo exim
}

# No delays. Dovecot wants TLS of two clients; it has no such setting for a port.
dovecot_brakes() {
	cat <<-EOF
		auth_failure_delay = 0
		service anvil {
		  unix_listener anvil-auth-penalty {
		    mode = 0
		  }
		}
		remote 198.51.100.50/32 {
		  disable_plaintext_auth = yes
		}
		remote 198.51.100.51/32 {
		  ssl = required
		}
	EOF
}

setup_file() {
	# shellcheck disable=SC2046 # a list
	lab_up $(servers)
	cat >>$LAB/postfix/etc/master.cf <<-EOF
		2601 inet n - n - - smtpd -o smtpd_sasl_auth_enable=no
		2602 inet n - n - - smtpd -o smtpd_tls_auth_only=yes
		2603 inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
		2604 inet n - n - - smtpd -o smtpd_client_auth_rate_limit=3
		2605 inet n - n - - smtpd -o smtpd_hard_error_limit=3
	EOF
	echo anvil_rate_time_unit=3s >>$LAB/postfix/etc/main.cf
	at mail postfix -c $LAB/postfix/etc reload >/dev/null 2>&1 3>&-
	until_true 10 listens mail $POSTFIX 2605
	! have_exim || exim_in_the_clear
}

# As Debian's configuration: logins are offered inside TLS only.
exim_in_the_clear() {
	# shellcheck disable=SC2016 # Exim's own variables
	sed 's/^auth_advertise_hosts =.*/auth_advertise_hosts = ${if def:tls_in_cipher{*}}/
		s/^daemon_smtp_ports =.*/daemon_smtp_ports = 2606/
		/^tls_on_connect_ports/d' $LAB/exim/exim.conf >$LAB/exim/clear.conf
	background exim-clear mail "$LAB_EXIM" -C $LAB/exim/clear.conf -bdf \
		-q1h -oP $LAB/exim/clear.pid
	until_true 10 listens mail $EXIM 2606
}

before() {
	conf ports '25, 587, 465, 2601, 2602, 2603, 2604, 2605, 2606'
}

# ask SERVER PORT ADDRESS COUNT WORDS [same]: AUTH, a connection each; prints the
# codes. WORDS: "PLAIN" has a password, a new one each time unless "same".
ask() {
	at attacker python3 - "$@" <<-'EOF'
		import base64, smtplib, sys
		server, port, source, count, words = sys.argv[1:6]
		codes = []
		for i in range(int(count)):
		    with smtplib.SMTP(server, int(port), "x", 20, (source, 0)) as s:
		        s.ehlo()
		        secret = "\0alice\0guess%d" % (0 if sys.argv[6:] else i)
		        line = "AUTH " + words
		        if words == "PLAIN":
		            line += " " + base64.b64encode(secret.encode()).decode()
		        codes.append(s.docmd(line)[0])
		print(*codes)
	EOF
}

probe() {
	smtpxdp probe "$@"
}

field() { # JSON FILTER WANTED
	same "$2" "$(jq -r "$2" <<<"$1")" "$3"
}

# unasked SERVER PORT CODE ADDRESS: nine new passwords at a server that offers no
# login lead to nothing, nor what is no guess; the tenth does.
unasked() {
	same "codes" "$(ask $1 $2 $4 9 PLAIN)" "$(printf "$3 %.0s" 1 2 3 4 5 6 7 8)$3"
	ask $1 $2 $4 12 PLAIN same
	ask $1 $2 $4 12 LOGIN
	same "guesses" "$(why $4 .client.in_window)" 9
	same "repeats" "$(why $4 .client.repeats)" 12
	lacks "none $(banned)" "$4"
	login_fail attacker 1 --server $1 --port $2 --from $4 --expect $3
	until_true 5 has_ban $4
}

has_ban() {
	has "$(banned)" "$1/32"
}

@test "Postfix without logins, or not without TLS: new passwords are guesses" {
	daemon_up
	unasked $POSTFIX 2601 503 198.51.100.30
	unasked $POSTFIX 2602 503 198.51.100.31
	unasked $POSTFIX 2603 530 198.51.100.32
}

@test "Exim and Dovecot, that offer none in the clear: the same" {
	daemon_up
	! have_exim || unasked $EXIM 2606 503 198.51.100.33
	unasked $DOVECOT 587 523 198.51.100.50
	unasked $DOVECOT 587 530 198.51.100.51
}

@test "where passwords are not compared, none of that counts" {
	conf compare-passwords no
	daemon_up
	same "codes" "$(ask $POSTFIX 2601 198.51.100.34 2 PLAIN)" "503 503"
	same "failures" "$(counter failures)" 0
}

@test "Postfix' limit of AUTH commands says it to right passwords, too: none counts" {
	local n
	daemon_up
	n=$(at attacker python3 - <<-EOF
		import smtplib
		codes = []
		for i in range(8):
		    with smtplib.SMTP("$POSTFIX", 2604, "x", 20, ("198.51.100.35", 0)) as s:
		        s.ehlo()
		        try:
		            s.login("alice", "$PASS_OK")
		            codes.append(235)
		        except smtplib.SMTPAuthenticationError as e:
		            codes.append(e.smtp_code)
		print(*codes)
	EOF
	)
	has "$n" '235 .*450 450'
	lacks "$n" 535
	same "failures" "$(counter failures)" 0
}

@test "and whoever guesses is banned all the same, by those that it checks" {
	local from=198.51.100.36
	daemon_up
	background guesser attacker python3 -B "$HELPER" rhythm --password wrong \
		--seconds 60 --port 2604 --source $from --per 4 --until-banned
	until_true 60 banned_are $from/32
	until_true 10 not running guesser
	has "$(cat $LAB/log/guesser)" '450:[1-9].* 535:10$'
}

@test "421, too many errors: each guess before it has been counted" {
	local said
	daemon_up
	said=$(at attacker python3 -B "$HELPER" say --port 2605 --source 198.51.100.37 \
		'EHLO x' 'AUTH PLAIN AGFsaWNlAHdyb25n' 'AUTH PLAIN AGFsaWNlAHdyb25h' \
		'AUTH PLAIN AGFsaWNlAHdyb25i' 'AUTH PLAIN AGFsaWNlAHdyb25j' 2>&1)
	has "$said" '^421 4.7.0 .*too many errors'
	same "guesses" "$(why 198.51.100.37 .client.in_window)" 3
}

@test "a mechanism that is not offered is no failure" {
	daemon_up
	same "Postfix" "$(ask $POSTFIX 587 198.51.100.38 12 'CRAM-MD5' | tr ' ' '\n' |
		sort -u)" 535
	same "Dovecot" "$(ask $DOVECOT 587 198.51.100.38 3 'CRAM-MD5')" "504 504 504"
	! have_exim ||
		same "Exim" "$(ask $EXIM 587 198.51.100.38 3 'CRAM-MD5')" \
			"504 504 504"
	same "failures" "$(counter failures)" 0
	same "nobody" "$(banned)" ''
}

@test "probe asks where no login is offered, and says what counts" {
	local seen
	daemon_up
	seen=$(probe -j --tls none $POSTFIX:2601)
	field "$seen" .code 503
	field "$seen" .unasked true
	field "$seen" .counted true
	field "$seen" .new_only true
	has "$(probe --tls none $POSTFIX:2601)" \
		'^counted +yes if it is a new password that can be read, by the wire'
	has "$(probe --tls none $POSTFIX:2601)" \
		'^asked +by PLAIN, without TLS; no login \(AUTH\) is offered; .*--tls starttls'
	field "$(probe -j --tls none $POSTFIX:2603)" .code 530
	! have_exim || field "$(probe -j --tls none $EXIM:2606)" .counted true
}

@test "probe tells what the list lacks, and what is needed for it" {
	daemon_up
	smtpxdp config set unasked-texts ''
	has "$(probe -j --tls none $POSTFIX:2601 | jq -r '.advice[]')" \
		"^smtpxdp config set unasked-texts '\"503 5.5.1 Error\"'$"
	smtpxdp config set unasked-texts '"503 5.5.1 Error"'
	smtpxdp config set compare-passwords no
	has "$(probe --tls none $POSTFIX:2601)" \
		'^counted +no: one of unasked-texts .* see compare-passwords and users$'
}

@test "probe at the server's own limits" {
	local n
	daemon_up
	for n in 1 2 3; do
		field "$(probe -j --tls none $POSTFIX:2604)" .code 535
	done
	has "$(probe --tls none $POSTFIX:2604)" \
		"^counted +no: the server's own limit: it checks no more"
}
