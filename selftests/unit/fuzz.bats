#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The fuzzers stay alive: each runs a little, from its seeds. To find something
# takes longer: scripts/fuzz.

load ../lib/common.sh

RUNS=20000
SLOW=4000 # for those that do some 1,000 a second

setup_file() {
	cd "$LAB_ROOT" || return
	nice make -s -j"$(nproc)" fuzz
}

setup() { :; }
teardown() { :; }

fuzz() { # TARGET [RUNS]
	local said
	said=$(nice scripts/fuzz "$1" -n -s 1 -r "${2:-$RUNS}")
	has "$said" "^$1: [0-9]{4,} executions in .* edges"
}

@test "replies" {
	fuzz replies
}

@test "packets" {
	fuzz packets
}

@test "lists" {
	fuzz lists
}

@test "config" {
	fuzz config $SLOW
}

@test "captures" {
	fuzz captures
}

@test "sasl" {
	fuzz sasl
}

@test "maps" {
	fuzz maps
}

@test "libraries" {
	fuzz libraries
}

@test "mmdb" {
	fuzz mmdb
}

@test "http" {
	fuzz http
}

@test "state" {
	fuzz state $SLOW
}

@test "every fuzzer has its test" {
	same "fuzzers" "$(scripts/fuzz -l | sort)" \
		"$(sed -n 's/^\tfuzz \([a-z]*\).*/\1/p' "$BATS_TEST_FILENAME" | sort)"
}

# All of them: planted.bats.
@test "a planted fault is found: a header's length is off" {
	has "$(nice scripts/fuzz --planted packets -s 1 -t 120)" \
		'^packets: its fault was found in .*: must be: '
}

@test "a fault that was not found is said" {
	fails 1 nice scripts/fuzz --planted libraries -s 1 -r 1
	has "$output" '^libraries: its fault was not found in 1 executions, seed 1$'
}

executions() {
	nice scripts/fuzz packets -n -s 1 -r 1000 >/dev/null
	scripts/fuzz --ledger | sed -n 's/^total[^0-9]*\([0-9]*\).*/\1/p'
}

@test "the ledger counts executions" {
	local before
	before=$(executions)
	[ $(($(executions) - before)) -ge 1000 ]
}

@test "an unknown target is wrong usage" {
	fails 2 scripts/fuzz nothing
	has "$output" 'no target nothing'
}

@test "proxy" {
	fuzz proxy
}

@test "dns" {
	fuzz dns
}
