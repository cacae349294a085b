#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The load table: Debian's kernels, booted, each with the objects that the
# compilers of three releases make. Every program is to load, and to be far from
# what a verifier gives up at. Nothing here is from a list of versions.
#
# vm: kernel bookworm-amd64
# vm: kernel bookworm-backports-amd64
# vm: kernel trixie-amd64
# vm: kernel trixie-backports-amd64
# vm: kernel sid-amd64
# vm: build bookworm-amd64 build/smtpxdp.bpf.o
# vm: build trixie-amd64 build/smtpxdp.bpf.o
# vm: build sid-amd64 build/smtpxdp.bpf.o

# shellcheck disable=SC2034 # used by vm_load.sh
load vm_load.sh

ARCH=amd64
RELEASES=(bookworm trixie sid)
TABLE=$LAB_ROOT/build/selftests/bpf/load_table
LIBS=()

@test "Debian 12's own kernel" {
	loads bookworm-amd64
}

@test "Debian 12's kernel from backports" {
	loads bookworm-backports-amd64
}

@test "Debian 13's own kernel" {
	loads trixie-amd64
}

@test "Debian 13's kernel from backports" {
	loads trixie-backports-amd64
}

@test "the kernel of Debian sid" {
	loads sid-amd64
}
