#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Logins inside TLS whose connection ends, and whose session does not: a server
# that is killed frees nothing, others keep their sessions. What was not
# answered counts once.

# shellcheck disable=SC2034,SC2086 # DOVECOT_DELAY is the lab's; no spaces

load tls_common.sh

setup_file() {
	DOVECOT_DELAY='10 secs'
	lab_up journald postfix
	! have_exim || exim_slow
}

exim_slow() {
	exim_up
	end exim
	sed -i 's/^begin acl/acl_smtp_auth = slow\n&\nslow:\n  accept logwrite = trying\n    delay = 10s/' \
		$LAB/exim/exim.conf
	background exim mail "$LAB_EXIM" -C $LAB/exim/exim.conf -bdf -q1h \
		-oP $LAB/exim/exim.pid
	until_true 10 listens mail $EXIM 587
}

after() {
	end served
	hang_up
}

# cut_at PORT OPTION...: a client with a login that is not answered, in the
# background, and what has its connection, in $server.
cut_at() {
	local port=$1 tls='starttls'
	shift
	[ $port != 465 ] || tls=implicit
	background client attacker python3 -B $HELPER cut --password wrong \
		--port $port --tls $tls --patience 60 --timeout 60 "$@"
	until_true 10 tried
	server=$(pid_of $port)
}

pid_of() { # PORT
	at mail ss -Htnp state established "sport = :$1" |
		sed -n 's/.*pid=\([0-9]*\).*/\1/p' | head -n 1
}

# The servers judge at once, and wait then.
tried() {
	grep -qE 'Password mismatch|trying' $LAB/log/dovecot $LAB/exim/log/main
}

counted_is() { # COUNT UNANSWERED
	same "failures counted" "$(counter failures)" $1 &&
		same unanswered "$(counter failures-unanswered)" $2
}

# The server of a client is killed; the client counts, and that soon.
killed() { # PORT OPTION...
	cut_at "$@"
	kill -KILL $server
	until_true 20 counted_is 1 1 || counted_is 1 1
	end client
	same "client" "$(smtpxdp clients -j | jq -r '.[].net')" $ATTACKER/32
	has "$(smtpxdp -j events)" '"sensor":"tls".*"unanswered":true'
}

before() {
	conf rate 64/1h slow-rate off log-failures yes log-users yes
	daemon_up
	mkdir -p $LAB/exim/log
	: >$LAB/log/dovecot
	: >$LAB/exim/log/main
	! have_exim || chown Debian-exim $LAB/exim/log/main
}

@test "Postfix' smtpd is killed: STARTTLS" {
	killed 587 --server $POSTFIX
}

@test "Postfix' smtpd is killed: 465" {
	killed 465 --server $POSTFIX
}

@test "Dovecot's login process, which has TLS in memory: STARTTLS" {
	killed 587 --server $DOVECOT
}

@test "Dovecot's login process, which has TLS in memory: 465" {
	killed 465 --server $DOVECOT
}

@test "Exim with GnuTLS: STARTTLS" {
	have_exim || skip "no Exim: scripts/setup could not unpack it"
	killed 587 --server $EXIM
}

@test "Exim with GnuTLS: 465" {
	have_exim || skip "no Exim: scripts/setup could not unpack it"
	killed 465 --server $EXIM
}

# At a port whose service Postfix does not hold back for a minute, as it does behind
# a process that was killed.
@test "... and is nothing where count-unanswered says so" {
	smtpxdp config set count-unanswered no
	cut_at 25 --server $POSTFIX
	kill -KILL $server
	until_true 20 gone $server
	end client
	: >$LAB/log/dovecot
	cut_at 587 --server $DOVECOT
	kill -KILL $server
	until_true 20 gone $server
	end client
	hang_up
	until_true 10 no_socket
	counted_is 0 0
}

no_socket() {
	[ -z "$(at mail ss -Htn state connected "sport = :587")" ]
}

# keeps OPTION...: three clients of a server that keeps its sessions.
keeps() {
	lab_certificate
	background served mail /usr/bin/python3 -B $SERVERS keep "$@"
	until_true 10 listens mail $NGINX 465
	for _ in 1 2 3; do
		at attacker python3 -B $HELPER cut --password wrong --server $NGINX \
			--port 465 --tls implicit --patience 0.5 --end close
	done
	until_true 10 counted_is 3 3 || counted_is 3 3
	sleep 1.5 # what the server says to nobody
	counted_is 3 3
	end served # frees them
	counted_is 3 3
}

@test "a server that keeps its sessions, on sockets" {
	keeps
}

@test "a server that keeps its sessions, in memory" {
	keeps --memory
}

@test "... and answers when nobody is there" {
	keeps --memory --late
}
