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
