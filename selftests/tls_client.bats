#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Never the wrong client: servers that bring TLS to their sockets in every way
# we could think of, many clients at once, of whom client k fails k times, so
# that any mixing shows. What cannot be attributed, nobody is charged with.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load common.sh

SERVERS=$LAB_ROOT/selftests/tls_servers.py

servers() {
	echo journald
}

before() {
	lab_certificate
	conf rate 64/1h
	daemon_up
}

after() {
	end served
	end sink
}

serve() { # MODE [OPTION...]
	: >$LAB/log/served
	background served mail /usr/bin/python3 -B $SERVERS "$@"
	until_true 10 listens mail $NGINX 465
}

attack() { # [OPTION...]
	at attacker /usr/bin/python3 -B $SERVERS attack "$@" >$LAB/truth
}

judge() { # [OPTION...]
	{
		smtpxdp status -j | jq -c .
		smtpxdp clients -j | jq -c .
	} | /usr/bin/python3 -B $SERVERS judge "$@"
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

@test "memory, sent when all have been read" {
	serve batch
	attack
	judge
}

@test "memory, threads that receive, work and send for anybody" {
	serve stages
	attack --clients 12
	judge
}

@test "memory, one thread that receives, works and sends for anybody" {
	serve stages --threads 1
	attack --clients 12
	judge
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
