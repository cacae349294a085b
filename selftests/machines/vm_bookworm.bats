#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Debian 12 as it is installed: its kernel 6.1, its systemd, Postfix and Dovecot,
# and the package as its compilers build it. One machine; the tests go on from
# each other.
#
# vm: kernel bookworm-amd64
# vm: root bookworm-amd64
# vm: build bookworm-amd64 deb

load vm_stock.sh

export RELEASE=bookworm

@test "Debian 12: apt installs the package, its unit runs, status says so" {
	installs
}

@test "Debian 12: native XDP on a NIC of several queues" {
	native_on 4
}

@test "Debian 12: clsact instead of TCX, perf events instead of uprobe.multi, fexit on inet_sendmsg" {
	ways 6.1 clsact "fexit inet_sendmsg" 1 perf_event tracing
}

@test "Debian 12: in the clear, banned with the 10th failure; dropped; others are served" {
	in_the_clear
}

@test "Debian 12: by STARTTLS, banned with the 3rd" {
	by_starttls
}

@test "Debian 12: on port 465 by IPv6, banned with the 3rd" {
	inside_tls_by_ipv6
}

@test "Debian 12: inside TLS, who tries two users is banned for that" {
	two_users
}

@test "Debian 12: a restart keeps bans and what is attached" {
	survives_a_restart
}

@test "Debian 12: a stop leaves nothing behind but the bans" {
	stops
}

@test "Debian 12: a reboot keeps bans, and protection is on again" {
	survives_a_reboot
}
