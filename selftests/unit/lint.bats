#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# scripts/lint finds what it is for, planted in a copy of the tree.

# shellcheck disable=SC2086 # paths hold no spaces

load ../lib/common.sh

setup() {
	TREE=$BATS_TEST_TMPDIR
	mkdir $TREE/scripts $TREE/build
	cp "$LAB_ROOT"/scripts/lint $TREE/scripts
	cp -r "$LAB_ROOT"/{HACKING.md,user,bpf,include} $TREE
}

teardown() { :; }

lint() {
	$TREE/scripts/lint "$@"
}

# plant FILE LINE
plant() {
	printf '%s\n' "$2" >>$TREE/"$1"
}

@test "includes: the tree has none that runs up" {
	lint includes
}

@test "includes: a wing may not include a higher one" {
	plant user/base/address.c '#include "maps/pins.h"'
	fails 1 lint includes
	has "$output" '^user/base/address\.c:[0-9]+: "maps/pins.h": base/ may not include maps/'
}

@test "includes: a wing that HACKING.md does not know is none" {
	mkdir $TREE/user/attic
	plant user/attic/old.c '#include "base/address.h"'
	fails 1 lint includes
	has "$output" 'HACKING\.md does not know the wing attic/'
}

@test "includes: the wing's name is written, in its own files, too" {
	plant user/base/escape.c '#include "address.h"'
	fails 1 lint includes
	has "$output" 'write the wing: "base/address\.h"'
}

@test "includes: what both sides share goes to neither of them" {
	plant include/addr.h '#include "base/address.h"'
	plant bpf/pure/window.h '#include "maps.h"'
	fails 1 lint includes
	has "$output" '^include/addr\.h:[0-9]+: "base/address\.h": '
	has "$output" '^bpf/pure/window\.h:[0-9]+: "maps\.h": '
}

# archive FILE FUNCTION CALLEE...
archive() {
	local dir=$TREE/build
	{
		printf 'void %s(void);\n' "${@:3}"
		echo "void $2(void) {"
		printf '%s();\n' "${@:3}"
		echo '}'
	} >$dir/$1.c
	gcc -c -o $dir/$1.o $dir/$1.c
	ar rcs $dir/libsmtpxdp.a $dir/$1.o
}

@test "circles: files that call each other, by way of others, too" {
	archive top t a
	archive a a b
	archive b b c bottom
	archive c c a
	archive bottom bottom abort
	fails 1 lint circles
	same "circle" "$output" "a.c calls b() of b.c: a circle
b.c calls c() of c.c: a circle
c.c calls a() of a.c: a circle"
	archive c c bottom
	lint circles
}

@test "an unknown check is wrong usage" {
	fails 2 lint spelling
}
