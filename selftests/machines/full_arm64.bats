#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Debian's arm64 kernels: the load table, with the objects of both releases, and
# the C tests that run BPF programs, each release's on its own kernel. All is made
# by the release's cross compilers (clang's BPF target is one and the same).
#
# full: the load table of amd64 says most of it, and this is emulated
# vm: kernel bookworm-arm64
# vm: kernel trixie-arm64
# vm: build bookworm-arm64 deb build/smtpxdp.bpf.o tests
# vm: build trixie-arm64 deb build/smtpxdp.bpf.o tests

# shellcheck disable=SC2034 # used by these
load vm_load.sh
load vm_tables.sh

ARCH=arm64
RELEASES=(bookworm trixie)
TABLE=$(object bookworm)/selftests/bpf/load_table
LIBS=(--libs "$VM_ROOTS/bookworm-arm64-build")

@test "arm64: Debian 12's own kernel takes every program" {
	loads bookworm-arm64
}

@test "arm64: Debian 13's own kernel takes every program" {
	loads trixie-arm64
}

@test "arm64, Debian 12: the C tests of the programs" {
	tables_on bookworm 6.1
}

@test "arm64, Debian 13: the C tests of the programs" {
	tables_on trixie 6.12
}
