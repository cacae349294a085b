#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# vm_bookworm.bats on arm64: Debian 12 as it is installed there, with the package that
# its cross compilers build. One machine; the tests go on from each other.
#
# full: emulated, it takes a quarter of an hour; amd64's machines say most of it
# vm: kernel bookworm-arm64
# vm: root bookworm-arm64
# vm: build bookworm-arm64 deb build/smtpxdp.bpf.o tests

# shellcheck disable=SC2034 # used by vm_stock.sh
load vm_stock.sh

RELEASE=bookworm
ARCH=arm64

@test "arm64, Debian 12: apt installs the package, its unit runs, status says so" {
	installs
}

@test "arm64, Debian 12: native XDP on a NIC of several queues" {
	native_on 4
}

@test "arm64, Debian 12: clsact instead of TCX, perf events instead of uprobe.multi, a kprobe on inet_sendmsg" {
	ways 6.1 clsact "kprobe inet_sendmsg" 1 perf_event
}

@test "arm64, Debian 12: in the clear, banned with the 10th failure; dropped; others are served" {
	in_the_clear
}

@test "arm64, Debian 12: by STARTTLS, banned with the 3rd" {
	by_starttls
}

@test "arm64, Debian 12: on port 465 by IPv6, banned with the 3rd" {
	inside_tls_by_ipv6
}

@test "arm64, Debian 12: inside TLS, who tries two users is banned for that" {
	two_users
}
