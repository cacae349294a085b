#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the .bats files share. They run inside the lab: scripts/test takes care
# of that, `scripts/test selftests/lab/ban.bats` for one of them.

# shellcheck source=scripts/lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lab.sh"

PIN=/sys/fs/bpf/smtpxdp-test

if [ -z "${SMTPXDP_LAB-}" ]; then
	echo "not in the lab: run scripts/test ${BATS_TEST_FILENAME-}" >&2
	exit 1
fi

# Files say which servers they want by overriding this.
servers() {
	echo journald postfix
}

setup_file() {
	# shellcheck disable=SC2046 # a list
	lab_up $(servers)
}

teardown_file() {
	lab_down
}

# Files may have something to do before and after each test.
before() { :; }
after() { :; }

setup() {
	daemon_wipe
	journal_mark
	before
}

# A failed test shows what the daemon said.
teardown() {
	if [ -z "${BATS_TEST_COMPLETED-}" ]; then
		echo "--- the daemon's stderr:"
		tail -n 20 $LAB/log/smtpxdp 2>/dev/null || true
		echo "--- its state:"
		smtpxdp ban list || true
		smtpxdp clients || true
	fi
	daemon_wipe
	after
}

# same WHAT GOT WANTED
same() {
	[ "$2" = "$3" ] || {
		printf '%s: got %q, wanted %q\n' "$@"
		return 1
	}
}

# has TEXT PATTERN: an extended regular expression.
has() {
	grep -qE -- "$2" <<<"$1" || {
		printf 'no /%s/ in:\n%s\n' "$2" "$1"
		return 1
	}
}

# lacks TEXT PATTERN: there is a text, and the pattern is not in it.
lacks() {
	[ -n "$1" ] || {
		printf 'no text at all, to look for /%s/ in\n' "$2"
		return 1
	}
	! grep -qE -- "$2" <<<"$1" || {
		printf '/%s/ is in:\n%s\n' "$2" "$1"
		return 1
	}
}

failures_are() { # COUNT
	[ "$(counter failures)" = "$1" ]
}

failures_exceed() { # COUNT
	[ "$(counter failures)" -gt "$1" ]
}

# Nothing is wrong. The proxies' host is a network namespace here: its listeners
# are taken for servers in a container, which no watched interface leads to.
no_problem() {
	local known='^$'
	[ ! -e /run/netns/proxy ] ||
		known='in another network namespace .* no watched interface'
	same "problems" "$(smtpxdp status --check | grep -v "$known")" ''
}

# All is well, and was.
silent() {
	local said
	said=$(smtpxdp status --check) || {
		echo "$said"
		return 1
	}
	same "alarms" "$(journal SMTPXDP_EVENT=alarm | jq -r .MESSAGE)" ''
}

# fails STATUS COMMAND...: its output is then in $output.
fails() {
	local want=$1 got=0
	shift
	output=$("$@" 2>&1) || got=$?
	same "exit status of '$*' ($output)" "$got" "$want"
}

# holds KERNEL COMPILER FEATURE [WHY-NOT]: for the table at the end of
# scripts/test.
holds() {
	[ -z "${SMTPXDP_HOLDS-}" ] ||
		printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4:-holds}" \
			>>"$SMTPXDP_HOLDS"
}

# Which clang has made the objects in a build folder.
compiler_of() { # FOLDER
	strings "$1"/bpf/drop.bpf.o |
		sed -n 's/.*clang version \([0-9]*\).*/clang \1/p' | head -n 1
}

# In bats, "!" alone fails no test.
not() {
	if "$@"; then
		printf 'did not expect success of: %s\n' "$*"
		return 1
	fi
}

# What the unit gives on this kernel: "+bpf,+perfmon,...".
capabilities() {
	local dir=$BATS_TEST_TMPDIR/generated
	"$LAB_ROOT/dist/smtpxdp-generator" "$dir"
	sed -n 's/^AmbientCapabilities=//p' "$LAB_ROOT/dist/smtpxdp.service" \
		"$dir"/*/*.conf 2>/dev/null |
		xargs -n 1 | sed 's/^CAP_/+/; s/.*/\L&/' | paste -sd ,
}

# The next daemons are as in the unit.
as_user() {
	local caps
	caps=-all,$(capabilities)
	daemon_env setpriv --reuid smtpxdp --regid smtpxdp --clear-groups \
		--no-new-privs --inh-caps="$caps" --ambient-caps="$caps" \
		--bounding-set="$caps"
	mkdir -p $STATE
	prepare
}

# ExecStartPre= and StateDirectory=.
prepare() {
	smtpxdp run --prepare
	chown -R smtpxdp: $STATE
	chmod 700 $STATE
}

end_protection() {
	daemon_down TERM
	smtpxdp unload
}

# What the daemon holds.
rss() { # kB
	awk '/^VmRSS/ { print $2 }' "/proc/$(daemon_pid)/status"
}

descriptors() {
	find "/proc/$(daemon_pid)/fd" -mindepth 1 | wc -l
}

# Packets of a counter.
counter() {
	smtpxdp status -j | jq ".counters[\"$1\"].packets"
}

# One field of one client's `why`.
why() { # ADDRESS JQ-FILTER
	smtpxdp why -j "$1" | jq -r "$2"
}

# The networks that are banned, on one line.
banned() {
	smtpxdp ban list -j | jq -r '[.[].net] | sort | join(" ")'
}

# For until_true, which is to ask anew each time.
banned_are() { # [NETWORK...]
	same "ban list" "$(banned)" "$*"
}

in_window() { # ADDRESS
	why "$1" '.client.in_window // 0'
}

# Nothing at all comes back: not even a reset.
vanished() { # NS [OPTION...]
	fails 1 connects "$@" --timeout $((SLOW > 1 ? 5 : 1))
	has "$output" 'TimeoutError|timed out'
}

journal_has() { # MATCH...
	[ -n "$(journal "$@")" ]
}

# other_kernel LIBRARY EXPRESSION: makes a library for LD_PRELOAD, under which
# the kernel refuses what a C expression tells: see other_kernel.c.
other_kernel() {
	gcc -shared -fPIC -Wall -Werror -DREFUSES="${2//[$'\n\t']/ }" -o "$1" \
		"$LAB_ROOT/selftests/lib/other_kernel.c" -ldl
}

# Programs by name, in $REFUSED.
export NAMED='nr == SYS_bpf && a[0] == BPF_PROG_LOAD && named(attr)'
