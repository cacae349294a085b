#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Never the wrong client: servers that bring TLS to their sockets in every way
# we could think of, many clients at once, of whom client k fails k times, so
# that any mixing shows. What cannot be attributed, nobody is charged with.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load tls_common.sh

after() {
	end served
	end sink
	end relay
}

serve() { # MODE [OPTION...]
	: >$LAB/log/served
	background served mail /usr/bin/python3 -B $SERVERS "$@"
	until_true 10 listens mail $NGINX 465
}

# --- a socket of its own for each session -----------------------------------

@test "a thread pool, another thread for each command" {
	serve pool
	attack
	judge --exact
}

@test "non-blocking sockets" {
	serve polled
	attack
	judge --exact
}

@test "non-blocking sockets of slow readers: writes that are tried again" {
	serve polled --padding 400
	attack --burst 4 --rcvbuf 4096 --pause 0.3 --clients 6
	judge --exact
	[ "$(grep -c 'want write' $LAB/log/served)" -gt 10 ]
}

# --- through memory ---------------------------------------------------------

@test "memory, sent at once" {
	serve memory
	attack
	judge --exact
}

@test "memory, handshakes by SSL_write() alone" {
	serve memory --unshaken
	attack
	judge --exact
}

@test "memory, each handshake with a HelloRetryRequest" {
	serve memory --curve secp384r1
	attack
	judge --exact
}

@test "asyncio" {
	serve asyncio
	attack
	judge --exact
}

@test "asyncio, clients that stop reading: replies queue while others are served" {
	serve asyncio --padding 400
	attack --burst 4 --rcvbuf 4096 --pause 0.3 --clients 6
	judge --exact
}

# The library's place of the random is not known before it has been seen once.
alone() {
	attack --clients 1 --each 0
}

@test "memory, sent when all have been read" {
	serve batch
	alone
	attack
	judge --exact
}

@test "memory, threads that receive, work and send for anybody" {
	serve stages
	alone
	attack --clients 12
	judge --exact
}

@test "memory, one thread that receives, works and sends for anybody" {
	serve stages --threads 1
	alone
	attack --clients 12
	judge --exact
}

# --- relays -----------------------------------------------------------------

relay() { # MODE
	background sink honest /usr/bin/python3 -B $SERVERS sink \
		--server $SINK --port 26
	until_true 5 listens honest $SINK 26
	serve "$1"
}

@test "a relay that says 535 over TLS, and serves clients in the same thread" {
	relay relay
	attack --sequential --clients 5
	judge --exact
}

@test "a relay whose 535s wait in memory while clients are greeted" {
	relay stuck
	attack --plain --sequential --clients 4
	judge --others 4
}

# --- the same SSL * again ---------------------------------------------------

@test "SSL_clear() between clients" {
	serve reuse
	attack --sequential
	judge --exact
}

@test "SSL_free(), and SSL_new() gives the same address" {
	serve reuse --fresh
	attack --sequential
	judge --exact
	grep -q same $LAB/log/served
}

@test "SSL_clear() between clients, through memory" {
	serve reuse --memory
	attack --sequential
	judge --exact
}

# --- on a stage -------------------------------------------------------------

# A server whose TLS library is the test's own: see tls_stage.c.
play() { # SCENE [ADDRESS]
	local i
	gcc -O2 -rdynamic -o $LAB/stage $LAB_ROOT/selftests/tls/tls_stage.c
	background served mail $LAB/stage ${2-$NGINX} $1
	until_true 10 listens mail ${2-$NGINX} 465
	rm -f $LAB/client*
	for i in 31 32 33; do
		at attacker /usr/bin/python3 -B $SERVERS listener \
			--source 198.51.100.$i >$LAB/client$i 3>&- &
		until_true 10 test -s $LAB/client$i
	done
	until_true 10 probed
	kill -USR1 "$(cat $LAB/pid/served)"
	wait
}

probed() {
	smtpxdp status -j | jq -e '.tls.libraries | any(endswith("/stage"))'
}

charged() {
	smtpxdp clients -j | jq -rS 'map(select(.failures > 0) |
		"\(.net | split("/")[0] | split(".")[3])*\(.failures)") |
		sort | join(" ")'
}

@test "stage: answers that wait, sent in another order" {
	play batch
	same "charged" "$(charged)" "31*1 32*2 33*3"
}

@test "stage: every write is followed by a send to somebody else" {
	play crossed
	same "charged" "$(charged)" ""
	same "unattributed" "$(counter tls-unattributed)" 40
}

@test "stage: a client whose random is another connection's" {
	play borrowed
	same "charged" "$(charged)" "31*1 32*2"
}

# By a proxy in user space, the wire sensor does not see the server's socket.
relayed() { # SCENE
	background relay mail haproxy -db -f $LAB/relay.cfg
	until_true 10 listens mail $NGINX 465
	play $1 127.0.0.1
	end relay
}

@test "stage: ... and both come by a proxy in user space, as all others" {
	have_haproxy || skip "no haproxy"
	{
		haproxy_head
		echo "listen stage"
		echo " bind $NGINX:465"
		echo " server stage 127.0.0.1:465"
	} >$LAB/relay.cfg
	relayed borrowed
	same "charged" "$(charged)" "31*1 32*2"
	end served
	relayed extended
	same "charged" "$(charged)" "31*4 32*5 33*3"
}

@test "stage: an object becomes another client's, unsaid" {
	play unsaid
	same "charged" "$(charged)" "31*1 32*2"
}

@test "stage: out of the write call by longjmp()" {
	play jumped
	same "charged" "$(charged)" ""
}

@test "stage: a write that is tried again, others are sent to meanwhile" {
	play retried
	same "charged" "$(charged)" "31*1 32*1 33*1"
}

@test "stage: a relay whose server's handshake left by our interface" {
	play relay
	same "charged" "$(charged)" "33*1"
}

@test "stage: SSL_write(), SSL_write_ex() and SSL_write_ex2(), within each other" {
	play extended
	same "charged" "$(charged)" "31*3 32*3 33*3"
}
