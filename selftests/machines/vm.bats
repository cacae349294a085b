#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The machines that other tests boot: what their commands say and how they end is
# told as it is, and so is a machine that fails.
#
# vm: kernel trixie-amd64

load ../lib/common.sh

VM=$LAB_ROOT/scripts/vm
KERNEL=trixie-amd64
# How long a machine may say nothing beyond its command's time.
export SMTPXDP_VM_GRACE=5

setup_file() { :; }
teardown_file() { :; }
setup() { :; }
teardown() { :; }

# Its stderr is in the file stderr, too.
quick() {
	"$VM" quick $KERNEL "$@" 2> >(tee "$BATS_TEST_TMPDIR"/stderr >&2)
}

@test "output and status are the command's own, whatever the kernel says" {
	local status=0
	head -c 300000 /dev/urandom >"$BATS_TEST_TMPDIR"/noise
	cat >"$BATS_TEST_TMPDIR"/script <<-'S'
	echo "<0>emergency" >/dev/kmsg
	echo one
	echo two >&2
	cat noise
	build/smtpxdp --version
	mount | grep -c ' /sys/fs/bpf type bpf'
	exit 42
	S
	"$VM" quick $KERNEL -f "$BATS_TEST_TMPDIR"/noise:noise \
		-f "$BATS_TEST_TMPDIR"/script:script -f "$BIN":build/smtpxdp \
		--console "$BATS_TEST_TMPDIR"/console -- sh script \
		>"$BATS_TEST_TMPDIR"/out 2>"$BATS_TEST_TMPDIR"/err || status=$?
	cat "$BATS_TEST_TMPDIR"/err
	same "status" $status 42
	cmp "$BATS_TEST_TMPDIR"/out <(
		echo one
		cat "$BATS_TEST_TMPDIR"/noise
		"$BIN" --version
		echo 1
	)
	same "stderr" "$(grep -v '^vm: ' "$BATS_TEST_TMPDIR"/err)" two
	grep emergency "$BATS_TEST_TMPDIR"/console
}

@test "a panic is told as one, with what the kernel said" {
	fails 125 quick -- 'echo before; echo c >/proc/sysrq-trigger; echo after'
	has "$output" '^before$'
	has "$output" '^vm: the machine, at: .* panicked$'
	has "$output" '^vm: console: .*Kernel panic - not syncing: sysrq'
	lacks "$output" '^after$'
}

@test "a command that takes too long is ended and told of, a machine that hangs, too" {
	fails 124 quick -t 2 -- 'echo begun; sleep 1000'
	has "$output" '^begun$'
	has "$output" '^vm: ended after 2 s'
	# The agent stands still, and with it the machine, as we see it.
	# shellcheck disable=SC2016 # the machine's own
	fails 125 quick -t 1 -- 'echo begun; kill -STOP $PPID'
	has "$output" '^begun$'
	has "$output" '^vm: the machine, at: .* hangs \(nothing for 6 s\)$'
}

@test "a machine that goes off, or does not come up, is told of" {
	fails 125 quick -- 'poweroff -f'
	has "$output" 'has powered off or rebooted$'
	fails 125 quick --boot-timeout 1 -- true
	has "$output" '^vm: the machine does not come up'
	fails 125 quick --append rdinit=/none -- true
	has "$output" '^vm: the machine panicked$'
}

@test "wrong usage and what is missing is told before anything boots" {
	fails 2 "$VM" quick woody-amd64 -- true
	has "$output" 'no such machine: woody-amd64'
	fails 2 "$VM" quick $KERNEL
	fails 2 "$VM" quick $KERNEL --nic tap0,model=ne2000 -- true
	fails 125 "$VM" quick $KERNEL -f /nowhere -- true
	has "$output" 'no such file: /nowhere'
}
