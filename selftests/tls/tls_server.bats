#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Servers that are built, or run, otherwise than a distribution's: what is seen
# of them inside TLS is exact, and what is not seen is told.
#
# alone: under load, libraries are found too late to see the first session.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load tls_common.sh

after() {
	end served
	if [ -e /run/netns/box ]; then
		ip netns del box
		at router ip route del 10.99.0.0/24
	fi
}

blind() {
	smtpxdp status -j | jq -c '[.tls.blind[] | .port]'
}

# The daemon has looked at the program: not before its first connection.
known() { # NAME
	smtpxdp status -j | jq -e --arg name "$1" \
		'.tls.libraries | any(endswith("/" + $name))'
}

introduce() { # NAME
	background first attacker sh -c \
		"sleep 10 | openssl s_client -quiet -connect $NGINX:465"
	until_true 5 known $1
	end first
}

# --- OpenSSL built in -------------------------------------------------------

build_static() {
	gcc -O2 -o $LAB/static $LAB_ROOT/selftests/tls/tls_static.c \
		-Wl,-Bstatic -lssl -lcrypto -Wl,-Bdynamic -lpthread -ldl \
		2>$BATS_TEST_TMPDIR/gcc || skip "no libssl.a to link"
}

serve_static() { # [memory|ktls]
	background served mail $LAB/static $NGINX "$@"
	until_true 10 listens mail $NGINX 465
}

@test "OpenSSL built in, symbols kept" {
	build_static
	serve_static
	introduce static
	attack
	judge --exact
}

@test "OpenSSL built in, through memory, handshakes by SSL_read() alone" {
	build_static
	serve_static memory
	introduce static
	attack
	judge --exact
}

@test "OpenSSL built in, stripped: not seen, and told" {
	build_static
	strip $LAB/static
	serve_static
	attack --each 2
	until_true 20 journal_has SMTPXDP_EVENT=blind || true
	has "$(journal | jq -r .MESSAGE)" 'blind on port 465: pid [0-9]+ \(static'
	same "failures counted" "$(counter failures)" 0
}

@test "node" {
	command -v node >/dev/null || skip "no node"
	background served mail node $LAB_ROOT/selftests/tls/tls_node.js $NGINX
	until_true 10 listens mail $NGINX 465
	introduce node
	attack
	judge --exact
}

# --- containers -------------------------------------------------------------

# A namespace behind the mail host, which routes: its traffic passes eth0.
box_up() {
	ip netns add box
	ip link add eth0 netns box type veth peer name to-box netns mail
	at mail ip addr add 10.99.0.1/24 dev to-box
	at mail ip link set to-box up
	at box ip addr add 10.99.0.2/24 dev eth0
	at box ip link set eth0 up
	at box ip link set lo up
	at box ip route add default via 10.99.0.1
	at router ip route add 10.99.0.0/24 via $POSTFIX
	sysctl_at mail ipv4/ip_forward 1
}

serve_boxed() { # MODE
	background served box /usr/bin/python3 -B $SERVERS $1 --server 10.99.0.2
	until_true 10 listens box 10.99.0.2 465
}

@test "a server in another network namespace is seen" {
	box_up
	for mode in pool memory; do
		daemon_wipe
		conf rate 64/1h slow-rate off
		daemon_up
		serve_boxed $mode
		attack --server 10.99.0.2
		judge --exact
		end served
	done
}

@test "a server in another network namespace: tls = own leaves it alone" {
	daemon_down
	conf rate 64/1h slow-rate off tls own
	daemon_up
	box_up
	for mode in pool memory; do
		serve_boxed $mode
		attack --server 10.99.0.2
		end served
	done
	same "failures counted" "$(counter failures)" 0
	same "unattributed" "$(counter tls-unattributed)" 0
	same "in status" "$(blind)" '[]'
}

@test "a server in another network namespace: banned at the host's NIC" {
	daemon_down
	conf rate 3/60s compare-passwords no
	daemon_up
	box_up
	serve_boxed pool
	attack --server 10.99.0.2 --clients 3 --sequential || true
	same "ban list" "$(banned)" 198.51.100.33/32
	vanished attacker --server 10.99.0.2 --port 465 --tls implicit \
		--from 198.51.100.33
}

# --- TLS in the kernel ------------------------------------------------------

@test "kernel TLS" {
	python3 - <<-'END' || skip "this kernel has no TLS (CONFIG_TLS)"
		import socket
		a = socket.create_server(("127.0.0.1", 0))
		b = socket.create_connection(a.getsockname())
		b.setsockopt(socket.IPPROTO_TCP, 31, b"tls")  # TCP_ULP
	END
	build_static
	serve_static ktls
	introduce static
	attack
	judge --exact
}
