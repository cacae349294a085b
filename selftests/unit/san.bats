#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The C tests, built with AddressSanitizer and UndefinedBehaviorSanitizer.
# full: a build of its own, and tests that take three times as long

load ../lib/common.sh

setup_file() {
	cd "$LAB_ROOT" || return
	nice make -s -j"$(nproc)" SAN=1
}

setup() { :; }
teardown() { :; }

@test "units" {
	san unit
}

@test "programs" {
	san bpf
}

# san WING: fails with what the first of its tests says that fails.
san() {
	local t
	for t in selftests/"$1"/test_*.c; do
		t=build/san/${t%.c}
		nice env ASAN_OPTIONS=allocator_may_return_null=1 "$t" \
			>"$BATS_TEST_TMPDIR/out" 2>&1 || {
			echo "$t:"
			tail -40 "$BATS_TEST_TMPDIR/out"
			return 1
		}
	done
}
