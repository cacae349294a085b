#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Mail servers in containers: network, mount and PID namespaces of their own, a
# TLS library that is another file than the host's, ports published by NAT. All
# with the settings of an installed smtpxdp.
#
# alone: under load, libraries are found too late to see the first session.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/containers.sh

# Free for a relay.
RELAY6=2001:db8:25::88

counted_is() { # ADDRESS FAILURES
	same "failures of $1" "$(why $1 '.client.failures // 0')" $2
}

# --- who is charged ---------------------------------------------------------

@test "a container's own library, its port published: from the first session on" {
	local mode
	for mode in memory asyncio; do
		box_up $mode
		attack --server $PUBLIC
		judge --exact || { echo "mode $mode"; return 1; }
		after
		daemon_wipe
		before
	done
}

@test "... another port inside, IPv4 and IPv6" {
	box_up memory
	at mail nft flush ruleset
	publish 465
	login_fail attacker 7 --server $PUBLIC --tls implicit
	login_fail attacker 9 --server $PUBLIC6 --tls implicit
	until_true 3 counted_is $ATTACKER6 9 || true
	counted_is $ATTACKER 7
	counted_is $ATTACKER6 9
	same "unattributed" "$(counter tls-unattributed)" 0
}

are_charged() {
	login_fail attacker 6 --server $PUBLIC --tls starttls
	login_fail attacker 5 --server $PUBLIC6 --tls implicit --port 465
	login_ok honest --server $PUBLIC --tls starttls
	counted_is $ATTACKER 6
	counted_is $ATTACKER6 5
	same "unattributed" "$(counter tls-unattributed)" 0
}

is_banned() {
	smtpxdp config set rate 3/60s
	login_fail attacker 4 --server $PUBLIC --tls starttls || true
	until_true 3 banned_are $ATTACKER/32
	vanished attacker --server $PUBLIC
	connects honest --server $PUBLIC
}

@test "Dovecot in a container: its clients are charged, banned, dropped" {
	mail_box_up dovecot
	are_charged
	same "the log's" "$(grep -c 'auth failed' \
		$LAB/log/boxed.dovecot.log)" 11
	is_banned
}

@test "Postfix in a container: its clients are charged, banned, dropped" {
	mail_box_up postfix
	are_charged
	is_banned
	no_problem
}

# As kube-proxy does it for NodePorts (externalTrafficPolicy: Cluster), and
# Swarm's ingress: the server sees this host, from another port.
@test "... which this host masquerades, too: told; the remedy helps, inside TLS as well" {
	local server
	for server in postfix dovecot; do
		mail_box_up $server
		at mail nft add chain inet published post \
			"{ type nat hook postrouting priority srcnat; }"
		at mail nft add rule inet published post oifname to-box \
			masquerade fully-random
		login_fail attacker 3 --server $PUBLIC
		login_fail attacker 3 --server $PUBLIC6
		fails 1 smtpxdp status --check
		has "$output" 'port 587: replies .*behind NAT that hides.*to the key servers'
		smtpxdp config set servers "$PUBLIC, $PUBLIC6"
		login_fail attacker 6 --server $PUBLIC
		login_fail attacker 5 --server $PUBLIC6
		login_fail attacker 4 --server $PUBLIC --tls starttls
		login_fail attacker 3 --server $PUBLIC6 --tls implicit --port 465
		login_ok honest --server $PUBLIC --tls starttls
		counted_is $ATTACKER 10
		counted_is $ATTACKER6 8
		same "unattributed" "$(counter tls-unattributed)" 0
		is_banned
		after
		daemon_wipe
		before
	done
}

@test "a container that was there before the daemon" {
	end_protection
	box_up memory
	before
	attack --server $PUBLIC
	judge --exact
}

# A proxy in user space, as Docker's for clients that NAT does not reach: the
# server's peer is the host itself.
relay_up() { # ADDRESS
	at mail nft flush ruleset
	at mail ip addr replace $RELAY6/64 dev eth0 nodad
	{
		haproxy_head
		for port in 465 587; do
			echo "listen box$port"
			echo " bind $1:$port"
			echo " server box $BOX:$port"
		done
	} >$LAB/relay.cfg
	background relay mail haproxy -db -f $LAB/relay.cfg
	until_true 10 relays "$1"
}

relays() { # ADDRESS
	listens mail "$1" 465 || listens mail "[$1]" 465
}

@test "behind a proxy in user space: from the first session on" {
	local mode
	for mode in pool memory asyncio; do
		box_up $mode
		relay_up $NGINX
		attack --server $NGINX
		judge --exact || { echo "mode $mode"; return 1; }
		end relay
		after
		daemon_wipe
		before
	done
}

all_cut() { # ADDRESS
	[ -z "$(at mail ss -Htn state established dst "$1")" ]
}

@test "... Dovecot and Postfix, a client of IPv6 by IPv4: charged, banned, cut, dropped" {
	local server
	for server in dovecot postfix; do
		conf rate 7/60s slow-rate off
		daemon_down
		daemon_up
		mail_box_up $server
		relay_up $RELAY6
		login_fail attacker 3 --server $RELAY6 --tls starttls
		login_fail attacker 3 --server $RELAY6 --tls implicit --port 465
		login_ok honest --server $RELAY6 --tls starttls
		counted_is $ATTACKER6 6
		same "unattributed" "$(counter tls-unattributed)" 0
		no_problem
		rm -f $LAB/log/held
		background held attacker python3 -B "$HELPER" hold --from $ATTACKER6 \
			--server $RELAY6 --tls starttls --connections 3 --timeout 60
		until_true 10 grep -q ^open $LAB/log/held
		same "held" "$(at mail ss -Htn state connected dst "[$ATTACKER6]" | wc -l)" 3
		login_fail attacker 1 --server $RELAY6 --tls starttls || true
		until_true 3 banned_are 2001:db8:bad::/64
		until_true 3 all_cut "[$ATTACKER6]"
		vanished attacker --server $RELAY6
		connects honest --server $RELAY6
		end relay
		after
		daemon_wipe
		before
	done
}

# As Docker's, it has no TLS library itself: it is not taken for a server whose
# library is not known.
@test "... that knows no TLS: no alarm" {
	box_up pool
	at mail nft flush ruleset
	background relay mail /usr/bin/python3 -S -c 'import socket, sys, threading
def copy(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.shutdown(socket.SHUT_WR)
listener = socket.create_server((sys.argv[1], 465), backlog=100)
while True:
    a, _ = listener.accept()
    b = socket.create_connection((sys.argv[2], 465))
    for pair in ((a, b), (b, a)):
        threading.Thread(target=copy, args=pair, daemon=True).start()' $NGINX $BOX
	until_true 10 listens mail $NGINX 465
	attack --server $NGINX
	judge --exact
	no_problem
	same "blind" "$(journal SMTPXDP_EVENT=blind | wc -l)" 0
}

# --- answers that nobody waits for ------------------------------------------

refusals() { # SERVER
	case $1 in
	dovecot) grep -cE '(Password mismatch|unknown user)' $LAB/log/boxed.dovecot.log ;;
	postfix) grep -c 'authentication failed' $LAB/log/boxed.postfix.log ;;
	esac
}

refused_are() { # SERVER COUNT
	[ "$(refusals $1)" = $2 ]
}

# Each connection that has ended was looked at, and is forgotten.
all_judged() {
	[ "$(bpftool -j map dump pinned $PIN/current/ended_elsewhere)" = '[]' ]
}

hang_up_early() { # SERVER
	# shellcheck disable=SC2034 # the lab's
	DOVECOT_DELAY='2 secs' mail_box_up $1
	: >$LAB/log/boxed.$1.log
	at attacker python3 -B $HELPER cut --password wrong --server $PUBLIC \
		--connections 4
	at attacker python3 -B $HELPER cut --password wrong --server $PUBLIC6 \
		--connections 3 --end close
	login_ok honest --server $PUBLIC
	login_fail honest 2 --server $PUBLIC
	until_true 20 refused_are $1 9 || same "refused by $1" "$(refusals $1)" 9
	until_true 20 failures_are 9 || same "failures counted" "$(counter failures)" 9
	same "unanswered" "$(counter failures-unanswered)" 4
	counted_is $ATTACKER 4
	counted_is $ATTACKER6 3
	counted_is $HONEST 2
	same "users tried" "$(why $ATTACKER .client.users) $(why $HONEST .client.users)" "1 1"
	until_true 20 all_judged
	same "failures counted" "$(counter failures)" 9
	same "problems" "$(smtpxdp status --check)" ''
}

@test "hung up on before the answer, in the clear: Dovecot in a container" {
	hang_up_early dovecot
}

@test "... Postfix in a container" {
	hang_up_early postfix
}

none_open() {
	[ -z "$(at box ss -Htn state connected)" ]
}

@test "... inside TLS, by a server that keeps its sessions" {
	box_up keep
	for _ in 1 2 3; do
		at attacker python3 -B $HELPER cut --password wrong --server $PUBLIC \
			--port 465 --tls implicit --patience 0.5 --end close
	done
	until_true 10 failures_are 3 || same "counted" "$(counter failures)" 3
	counted_is $ATTACKER 3
}

# By the server's reset, for it has not read the QUIT: nobody tried to log in. So
# nothing is kept, for a flood of such ends would evict those that count.
@test "... by a server that closes first, eight times: no failure" {
	net_of_box
	publish
	boxed box /usr/bin/python3 -S -c 'import socket, time
server = socket.create_server(("10.88.0.2", 587))
while True:
    client, _ = server.accept()
    client.sendall(b"220 mail.example ESMTP\r\n")
    time.sleep(0.3)
    client.close()'
	until_true 10 listens box $BOX 587
	for _ in 1 2 3 4 5 6 7 8; do
		connects attacker --server $PUBLIC
	done
	until_true 5 none_open
	all_judged
	sleep 1.5 # what is judged, is a second later
	same "failures counted" "$(counter failures)" 0
}

flood_net() {
	net_of_box
	publish
	gcc -Wall -Werror -O2 -o $LAB/flood "$LAB_ROOT"/selftests/lib/flood.c
	at honest ip route replace local 10.0.0.0/8 dev lo
	at router ip route replace 10.0.0.0/8 via $HONEST
	background box box $LAB/flood serve $BOX 587
	until_true 5 listens box $BOX 587
}

# The daemon judges ends; while it is dead, there is room for 16384.
@test "... by more than can be kept: told" {
	local n
	flood_net
	daemon_down TERM
	for n in {0..63}; do
		at honest $LAB/flood come $PUBLIC 587 256 10.2.$n.0 0 10.1.0.0 r
	done
	until_true 5 none_open
	lacks "$(smtpxdp status --check)" 'hung up before the answer'
	at honest $LAB/flood come $PUBLIC 587 20 10.2.64.0 0 10.1.0.0 r
	fails 1 smtpxdp status --check
	has "$output" 'port 587: clients of a server .*hung up .* do not count; the daemon judges them: see that it runs'
	daemon_up
	until_true 20 all_judged
	failures_exceed 16300
}

entries() { # MAP
	bpftool -j map dump pinned $PIN/current/$1 | jq length
}

beside_flood() { # END FIRST-GUESSER COUNTED
	at honest $LAB/flood come $PUBLIC 587 20 $2 20000 10.1.0.0 $1
	until_true 15 failures_are $3 || same "counted" "$(counter failures)" $3
	counted_is $2 1
	until_true 10 all_judged
	# Firecracker's guests miss a few
	[ "$(entries streams)" -lt 1000 ]
	[ "$(entries forwarded)" -lt 1000 ]
}

# More than each map has room for but streams. What was kept of those who had left
# evicted the guessers' connections: 0 of 20 were counted.
@test "... beside a flood of 20,000 connections that try no login: all counted" {
	flood_net
	beside_flood r 10.0.0.1 20
	beside_flood f 10.0.0.21 40
}

# --- open connections -------------------------------------------------------

# Opens connections that stay, two of each protocol.
hold() { # NAME NS SOURCE SOURCE6
	local name=$1 ns=$2
	rm -f $LAB/log/$name-4 $LAB/log/$name-6
	background $name-4 $ns python3 -B "$HELPER" hold --from $3 \
		--server $PUBLIC --tls starttls --connections 3 --timeout 60
	background $name-6 $ns python3 -B "$HELPER" hold --from $4 \
		--server $PUBLIC6 --connections 3 --timeout 60
	until_true 10 grep -q ^open $LAB/log/$name-4
	until_true 10 grep -q ^open $LAB/log/$name-6
}

open_in_box() { # ADDRESS
	at box ss -Htn state connected dst "$1" | wc -l
}

open_are() { # ADDRESS NUMBER
	same "connections of $1" "$(open_in_box "$1")" $2
}

lost() { # LOG PATTERN NUMBER
	same "lost ($2)" "$(grep -c "$2" $LAB/log/$1)" $3
}

@test "a banned client's connections are cut in the container, of Postfix" {
	mail_box_up postfix
	hold held attacker $ATTACKER $ATTACKER6
	hold kept honest $HONEST $HONEST6
	open_are $ATTACKER 3
	smtpxdp ban add $ATTACKER
	open_are $ATTACKER 0
	open_are "[$ATTACKER6]" 3
	smtpxdp config set rate 2/60s
	login_fail attacker 2 --server $PUBLIC6
	until_true 3 open_are "[$ATTACKER6]" 0 || open_are "[$ATTACKER6]" 0
	open_are $HONEST 3
	open_are "[$HONEST6]" 3
	until_true 3 journal_has SMTPXDP_EVENT=cut SMTPXDP_CONNECTIONS=3
	[ "$(counter connections-cut)" -ge 6 ]
	until_true 3 lost boxed.postfix.log "lost connection.*$ATTACKER" 3 ||
		lost boxed.postfix.log "lost connection.*$ATTACKER" 3
	login_ok honest --server $PUBLIC --tls starttls
}

@test "... of Dovecot, with tls = off, by the unit's user" {
	daemon_wipe
	conf rate 2/60s tls off
	as_user
	daemon_up
	same "user" "$(stat -c %U /proc/"$(daemon_pid)")" smtpxdp
	mail_box_up dovecot
	hold held attacker $ATTACKER $ATTACKER6
	hold kept honest $HONEST $HONEST6
	login_fail attacker 2 --server $PUBLIC6
	until_true 3 open_are "[$ATTACKER6]" 0 || open_are "[$ATTACKER6]" 0
	lacks "$(cat $LAB/log/smtpxdp)" 'cannot be cut'
	open_are $ATTACKER 3
	open_are "[$HONEST6]" 3
	smtpxdp ban add $ATTACKER
	open_are $ATTACKER 0
	open_are $HONEST 3
}
