#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Clients that a proxy names by XCLIENT: nginx before Postfix, on a host of its
# own.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

servers() {
	if have_nginx; then
		echo journald postfix nginx_front
	else
		echo journald
	fi
}

before() {
	have_nginx || skip "no nginx with its mail module"
}

xclient_from() { # NETWORKS
	postconf -c $LAB/postfix/etc -e "smtpd_authorized_xclient_hosts = $1"
	at mail postfix -c $LAB/postfix/etc reload 2>/dev/null 3>&-
}

front_up() {
	conf rate 4/120s ban-time 1h proxies "$NGINX_FRONT, $HAPROXY"
	daemon_up
}

fail_by() { # COUNT ADDRESS [OPTION...]
	login_fail attacker $1 --server $NGINX_FRONT --from "${@:2}"
}

@test "the client that nginx names by XCLIENT is counted and banned, and shut out there" {
	front_up
	fail_by 3 198.51.100.10
	same "counted" "$(in_window 198.51.100.10)" 3
	same "ban list" "$(banned)" ""
	no_problem
	fail_by 1 198.51.100.10
	until_true 5 banned_are 198.51.100.10/32
	has "$(smtpxdp ban list)" "4 failures in 2m via 198.18.0"
	same "unnamed" "$(counter failures-unnamed)" 0
	# nginx greets and asks for the password itself; of the server's reply
	# nothing comes back.
	fails 1 fail_by 1 198.51.100.10
	not has "$output" '535 5.7.8 Error'
	[ "$(counter dropped-proxied)" -gt 0 ]
	same "failures" "$(counter failures)" 4
	# another one by the same proxy
	fail_by 1 198.51.100.20
	login_ok attacker --server $NGINX_FRONT --from 198.51.100.20
	same "credit" "$(in_window 198.51.100.20)" 0
	same "successes" "$(why 198.51.100.20 .client.successes)" 1
}

# Logins inside TLS on one connection from the proxy's host: a wrong one after
# each XCLIENT. Prints what the server says to them.
xclient_tls() { # ADDRESS...
	at proxy python3 -B - $NGINX_FRONT $POSTFIX "$@" <<-'END'
		import base64, os, socket, ssl, sys
		raw = socket.create_connection((sys.argv[2], 465), 10, (sys.argv[1], 0))
		context = ssl._create_unverified_context()
		f = context.wrap_socket(raw).makefile("rwb")
		def ask(line):
		    if line:
		        f.write(line.encode() + b"\r\n")
		        f.flush()
		    while True:
		        reply = f.readline().decode()
		        if not reply or reply[3] == " ":
		            return reply
		ask("")
		for address in sys.argv[3:]:
		    ask("EHLO x")
		    print(ask("XCLIENT ADDR=" + address).strip())
		    ask("EHLO x")
		    secret = base64.b64encode(b"\0a\0" + os.urandom(6).hex().encode())
		    print(ask("AUTH PLAIN " + secret.decode()).strip())
	END
}

@test "XCLIENT inside TLS, as often as it comes; shut out at the next command" {
	front_up
	# Postfix judges a second one by the client that the first has named.
	output=$(xclient_tls 198.51.100.20 198.51.100.21)
	has "$output" ^550
	same "refused" "$(in_window 198.51.100.20) $(in_window 198.51.100.21)" "2 0"
	xclient_from "198.18.0.0/24 198.51.100.0/24 [2001:db8:bad::]/48"
	output=$(xclient_tls 198.51.100.10 198.51.100.11 IPV6:2001:db8:bad:1::7 \
		198.51.100.10)
	echo "$output"
	not has "$output" ^550
	same "counted" "$(in_window 198.51.100.10) $(in_window 198.51.100.11) $(
		in_window 2001:db8:bad:1::7)" "2 1 1"
	xclient_tls 198.51.100.10 198.51.100.10
	until_true 5 banned_are 198.51.100.10/32
	has "$(smtpxdp ban list)" "via $NGINX_FRONT"
	output=$(xclient_tls 198.51.100.10 2>&1) || true
	not has "$output" ^535
	same "unnamed" "$(counter failures-unnamed)" 0
	xclient_from 198.18.0.0/24
}

@test "an XCLIENT that the server refuses names nobody" {
	conf rate 4/120s proxies $NGINX_FRONT log-failures yes
	xclient_from ""
	daemon_up
	at proxy python3 -B - $NGINX_FRONT $POSTFIX <<-'END'
		import socket, sys
		s = socket.create_connection((sys.argv[2], 587), 10, (sys.argv[1], 0))
		f = s.makefile("rw", newline="\r\n")
		def ask(line):
		    if line:
		        s.sendall(line.encode() + b"\r\n")
		    while True:
		        reply = f.readline()
		        if reply[3] == " ":
		            return reply
		ask("")
		ask("EHLO x")
		print(ask("XCLIENT ADDR=203.0.113.5"))
		print(ask("AUTH PLAIN AGEAYg=="))
		# 220, but not to the XCLIENT
		s.sendall(b"XCLIENT ADDR=203.0.113.5\r\n")
		print(ask("STARTTLS"), f.readline())
	END
	same "named" "$(why $HONEST .client)" null
	same "unnamed" "$(counter failures-unnamed)" 1
	xclient_from 198.18.0.0/24
}

# xclient_by NS PORT FROM XCLIENT-OR-EMPTY COUNT: wrong logins on a connection.
xclient_by() {
	at $1 python3 -B - "${@:2}" $POSTFIX <<-'END'
		import base64, os, socket, ssl, sys
		port, source, xclient, count, server = sys.argv[1:]
		s = socket.create_connection((server, int(port)), 10, (source, 0))
		if port == "465":
		    s = ssl._create_unverified_context().wrap_socket(s)
		f = s.makefile("rwb")
		def ask(line):
		    if line:
		        f.write(line.encode() + b"\r\n")
		        f.flush()
		    while True:
		        reply = f.readline().decode()
		        if not reply or reply[3] == " ":
		            return reply.strip()
		ask("")
		ask("EHLO x")
		if xclient:
		    print(ask(xclient))
		    ask("EHLO x")
		for _ in range(int(count)):
		    secret = base64.b64encode(b"\0a\0" + os.urandom(6).hex().encode())
		    print(ask("AUTH PLAIN " + secret.decode()))
	END
}

@test "without the key, nginx is not banned, but a problem with its remedy" {
	conf rate 4/120s
	daemon_up
	no_problem
	fail_by 6 198.51.100.10
	same "ban list" "$(banned)" ""
	same "unnamed" "$(counter failures-unnamed)" 6
	fails 1 smtpxdp status --check
	has "$output" "^198.18.0.9: it sends XCLIENT, and port 587 of $POSTFIX takes it, but it is not in proxies: failures by it are charged to nobody; .*smtpxdp config set proxies 198.18.0.9.*smtpd_authorized_xclient_hosts"
	has "$(smtpxdp status -j | jq -r '.problems[].problem')" "^it sends XCLIENT"
	until_true 5 journal_has SMTPXDP_EVENT=blind
	has "$(journal SMTPXDP_EVENT=blind | jq -r .MESSAGE)" "^198.18.0.9 sends XCLIENT, port 587 takes it, and the key proxies"
	same "told once" "$(journal SMTPXDP_EVENT=blind | wc -l)" 1
	smtpxdp config set proxies 198.18.0.9
	no_problem
	fail_by 4 198.51.100.10
	until_true 5 banned_are 198.51.100.10/32
}

@test "... nor is one that sends XCLIENT inside TLS" {
	conf rate 4/120s
	daemon_up
	output=$(xclient_by proxy 465 $NGINX_FRONT "XCLIENT ADDR=198.51.100.10" 6)
	has "$output" ^220
	same "refused" "$(grep -c ^535 <<<"$output")" 6
	same "ban list" "$(banned)" ""
	same "unnamed" "$(counter failures-unnamed)" 6
	fails 1 smtpxdp status --check
	has "$output" "^$NGINX_FRONT: it sends XCLIENT, and port 465 of $POSTFIX takes it"
	# Who sends none is a client as any other.
	login_fail attacker 4 --server $POSTFIX --port 465 --tls implicit
	until_true 5 banned_are $ATTACKER/32
}

@test "... but whoever the server does not grant it is banned as before" {
	local port
	conf rate 4/120s
	daemon_up
	for port in 587 465; do
		output=$(xclient_by attacker $port $ATTACKER \
			"XCLIENT ADDR=203.0.113.5" 4)
		has "$output" ^550
		until_true 5 banned_are $ATTACKER/32
		smtpxdp ban del $ATTACKER
	done
	# 220, and the next thing is TLS
	at attacker python3 -B - $POSTFIX <<-'END'
		import socket, sys
		s = socket.create_connection((sys.argv[1], 587), 10)
		f = s.makefile("rb")
		f.readline()
		s.sendall(b"XCLIENT ADDR=203.0.113.5\r\nSTARTTLS\r\n")
		assert f.readline()[:3] == b"550"
		assert f.readline()[:3] == b"220"
		s.sendall(b"EHLO x\r\n") # no ClientHello
	END
	no_problem
	login_fail attacker 4 --server $POSTFIX
	until_true 5 banned_are $ATTACKER/32
}
