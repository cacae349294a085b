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

# planted FILE SED TARGET: the target, built with a fault in a header.
planted() {
	local dir=$BATS_TEST_TMPDIR
	mkdir -p "$dir/bpf"
	cp -r bpf/pure "$dir/bpf"
	sed -i "$2" "$dir/bpf/pure/$1"
	fails 1 cmp -s "bpf/pure/$1" "$dir/bpf/pure/$1"
	clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-D_GNU_SOURCE -Iinclude -I"$dir/bpf" -Iuser -Iselftests \
		"selftests/fuzz/fuzz_$3.c" -lcmocka -o "$dir/fuzz"
	mkdir "$dir/seeds"
	"$dir/fuzz" --seeds "$dir/seeds"
	fails 77 "$dir/fuzz" -seed=1 -runs=1000000 -artifact_prefix="$dir/" "$dir/seeds"
}

@test "a planted fault is found: a header's length is off" {
	planted parse.h 's|(h.len + 2) \* 4;|(h.len + 1) * 4;|' packets
	has "$output" 'selftests/(fuzz|lib)/[a-z_]*\.[ch]:'
}

@test "a planted fault is found: a line's end is off" {
	planted reply.h 's|out->used = end + 1 - r->len;|out->used = end + 2 - r->len;|' replies
	has "$output" 'selftests/(fuzz|lib)/[a-z_]*\.[ch]:'
}

@test "an unknown target is wrong usage" {
	fails 2 scripts/fuzz nothing
	has "$output" 'no target nothing'
}
