#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the .bats files share that boot kernels to load objects: the load table
# of one architecture.
#
# Who loads this sets ARCH, the RELEASES that objects come from, and TABLE, the
# program that loads them, with LIBS, options of scripts/vm for what it needs.

# shellcheck disable=SC2034 # used by those who load this
# shellcheck source=selftests/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"

VM=$LAB_ROOT/scripts/vm
VM_ROOTS=${SMTPXDP_VM_CACHE:-$LAB_ROOT/build/vm}/roots
INSNS_MAX=$(sed -n 's/^#define LOADS_INSNS_MAX //p' "$LAB_ROOT"/selftests/lib/loads.h)

setup_file() { :; }
teardown_file() { :; }
setup() { :; }
teardown() { :; }

object() { # RELEASE
	echo "$LAB_ROOT/build/for/$1-$ARCH/smtpxdp/build"
}

compiler() { # RELEASE
	compiler_of "$(object "$1")"
}

# What one object's lines of the table are wrong with, or nothing.
faults() {
	awk -F'\t' -v max="$INSNS_MAX" '
		/^\| / { print; next }
		$2 == "no-such-hook" { next }
		$2 != "ok" { print $1 ": " $2 }
		$3 > max { print $1 ": " $3 " instructions, more than " max }
		{ n++ }
		END { if (n < 20) print "only " n + 0 " programs" }
	'
}

# Where a kernel lacks the tracepoint, what is taken instead loads; all in one
# boot. Prints what each program took.
loads() { # KERNEL
	local release files=() rows why status=0
	for release in "${RELEASES[@]}"; do
		files+=(-f "$(object "$release")/smtpxdp.bpf.o:/obj/$release")
	done
	"$VM" quick "$1" -f "$TABLE:/table" "${LIBS[@]}" "${files[@]}" -- \
		"uname -r; /table ${RELEASES[*]/#//obj/}" \
		>"$BATS_TEST_TMPDIR"/table || status=$?
	[ "$status" -le 1 ] || return "$status"
	echo "# $(head -n 1 "$BATS_TEST_TMPDIR"/table)" >&3
	status=0
	for release in "${RELEASES[@]}"; do
		rows=$(sed -n "\|^# /obj/$release\$|,\|^# |{/^# /!p}" \
			"$BATS_TEST_TMPDIR"/table)
		why=$(faults <<<"$rows")
		awk -F'\t' -v c="$(compiler "$release")" '
			$2 == "ok" { n++; if ($3 > most) { most = $3; who = $1 }
				sum += $3; sec += $5 / 1e6 }
			END { printf "# %s: %d programs, %d instructions in %.1f s" \
				", at most %d (%s)\n", c, n, sum, sec, most, who }
		' <<<"$rows" >&3
		holds "$1" "$(compiler "$release")" loads "${why%%$'\n'*}"
		[ -z "$why" ] || {
			printf '%s, %s:\n%s\n' "$1" "$(compiler "$release")" "$why"
			status=1
		}
	done
	return $status
}
