#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A fault that is put into what a fuzzer is for is found, from the seeds and in
# ten minutes; most in seconds.
# full: minutes of all the CPU that is left

load ../lib/common.sh

setup_file() {
	cd "$LAB_ROOT" || return
	nice make -s -j"$(nproc)" fuzz
}

setup() { :; }
teardown() { :; }

@test "every fuzzer has its fault" {
	same "faults" "$(scripts/fuzz -l)" \
		"$(sed -n 's/^\([a-z]*\) .*/\1/p' selftests/fuzz/planted | sort)"
}

@test "each of them is found" {
	nice scripts/fuzz --planted
}
