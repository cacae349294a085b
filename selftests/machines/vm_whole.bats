#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Whole machines that stay: their disk, their network, their end.
#
# vm: kernel trixie-amd64
# vm: root trixie-amd64

# shellcheck disable=SC2016 # texts for the machine's shell

load guest.sh

M=$LAB/whole

setup_file() {
	ip netns add client
	"$VM" start "$M" trixie-amd64 --tree git \
		--nic client/to-vm,addr=192.0.2.25/24,addr=2001:db8::25/64,host=192.0.2.1/24
}

teardown_file() {
	guest_down
	ip netns del client
}

setup() { :; }
teardown() { :; }

@test "commands of one machine, one after the other, with stdin and words as they are" {
	same "words" "$(in_vm printf '<%s>' 'a b' "c'd" '$x')" "<a b><c'd><\$x>"
	head -c 2000000 /dev/urandom >"$BATS_TEST_TMPDIR"/noise
	"$VM" exec "$M" -i -- 'cat >/tmp/noise' <"$BATS_TEST_TMPDIR"/noise
	in_vm 'cat /tmp/noise' | cmp - "$BATS_TEST_TMPDIR"/noise
	fails 9 in_vm 'exit 9'
	has "$(in_vm 'cat README.md')" '^# smtpxdp'
	same "slowness" "$(in_vm 'echo $SMTPXDP_SLOW')" 20
}

@test "packets go from a namespace of the host through several queues" {
	has "$(in_vm ethtool -l eth0)" '^Combined:[[:space:]]*4'
	in_vm 'python3 -m http.server -b 192.0.2.25 587 >/dev/null 2>&1 &'
	until_true 30 fetch
	fetch | cmp - "$LAB_ROOT"/README.md
}

fetch() {
	at client curl -s --noproxy '*' --max-time 10 http://192.0.2.25:587/README.md
}

@test "a power cut takes what is not on the disk, and nothing else" {
	in_vm 'echo kept >/root/kept; sync; echo lost >/root/lost'
	"$VM" cut "$M"
	fails 125 in_vm true
	has "$output" 'does not run$'
	"$VM" boot "$M"
	same "file" "$(in_vm cat /root/kept)" kept
	same "size of what was not synced" \
		"$(in_vm 'stat -c %s /root/lost 2>/dev/null || echo 0')" 0
	until_true 10 at client ip -4 addr show dev to-vm
}

@test "it powers off in order" {
	in_vm 'echo written >/root/written'
	"$VM" stop "$M"
	"$VM" boot "$M"
	same "file" "$(in_vm cat /root/written)" written
}
