#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The tables of frames and maps, as C tests that a release's own compilers have
# built, on that release's own kernel: a quick machine for each.
#
# vm: kernel bookworm-amd64
# vm: build bookworm-amd64 tests
# vm: kernel trixie-amd64
# vm: build trixie-amd64 tests

# shellcheck disable=SC2034 # used by vm_tables.sh
load vm_tables.sh

ARCH=amd64

@test "tables of Debian 12's object on its kernel 6.1" {
	tables_on bookworm 6.1
}

@test "tables of Debian 13's object on its kernel 6.12" {
	tables_on trixie 6.12
}
