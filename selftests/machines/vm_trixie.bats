#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Debian 13 as it is installed: its kernel 6.12, its systemd, Postfix and Dovecot,
# and the package as its compilers build it. One machine; the tests go on from
# each other.
#
# vm: kernel trixie-amd64
# vm: root trixie-amd64
# vm: build trixie-amd64 deb

load vm_stock.sh

export RELEASE=trixie

@test "Debian 13: apt installs the package, its unit runs, status says so" {
	installs
}

@test "Debian 13: native XDP on a NIC of several queues" {
	native_on 4
}

@test "Debian 13: TCX, uprobe.multi and the tracepoint sock_send_length" {
	ways 6.12 tcx sock_send_length 0 tcx uprobe_multi tracing
}

@test "Debian 13: in the clear, banned with the 10th failure; dropped; others are served" {
	in_the_clear
}

@test "Debian 13: by STARTTLS, banned with the 3rd" {
	by_starttls
}

@test "Debian 13: on port 465 by IPv6, banned with the 3rd" {
	inside_tls_by_ipv6
}

@test "Debian 13: inside TLS, who tries two users is banned for that" {
	two_users
}

@test "Debian 13: a restart keeps bans and what is attached" {
	survives_a_restart
}

@test "Debian 13: a stop leaves nothing behind but the bans" {
	stops
}

@test "Debian 13: a reboot keeps bans, and protection is on again" {
	survives_a_reboot
}
