#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The load table: Debian's kernels, booted, each with the objects that the
# compilers of three releases make. Every program is to load, and to be far from
# what a verifier gives up at. Nothing here is from a list of versions.
#
# vm: kernel bookworm-amd64
# vm: kernel bookworm-backports-amd64
# vm: kernel trixie-amd64
# vm: kernel trixie-backports-amd64
# vm: kernel sid-amd64
# vm: build bookworm-amd64 build/smtpxdp.bpf.o
# vm: build trixie-amd64 build/smtpxdp.bpf.o
# vm: build sid-amd64 build/smtpxdp.bpf.o

load common.sh

VM=$LAB_ROOT/scripts/vm
TABLE=$LAB_ROOT/build/selftests/load_table
RELEASES="bookworm trixie sid"
INSNS_MAX=$(sed -n 's/^#define LOADS_INSNS_MAX //p' "$LAB_ROOT"/selftests/loads.h)

setup_file() { :; }
teardown_file() { :; }
setup() { :; }
teardown() { :; }

object() { # RELEASE
	echo "$LAB_ROOT/build/for/$1-amd64/smtpxdp/build"
}

compiler() { # RELEASE
	strings "$(object "$1")/bpf/drop.bpf.o" |
		sed -n 's/.*clang version \([0-9]*\).*/clang \1/p' | head -n 1
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
	for release in $RELEASES; do
		files+=(-f "$(object "$release")/smtpxdp.bpf.o:/obj/$release")
	done
	"$VM" quick "$1" -f "$TABLE:/table" "${files[@]}" -- \
		"uname -r; /table $(printf '/obj/%s ' $RELEASES)" \
		>"$BATS_TEST_TMPDIR"/table || status=$?
	[ "$status" -le 1 ] || return "$status"
	echo "# $(head -n 1 "$BATS_TEST_TMPDIR"/table)" >&3
	status=0
	for release in $RELEASES; do
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

@test "Debian 12's own kernel" {
	loads bookworm-amd64
}

@test "Debian 12's kernel from backports" {
	loads bookworm-backports-amd64
}

@test "Debian 13's own kernel" {
	loads trixie-amd64
}

@test "Debian 13's kernel from backports" {
	loads trixie-backports-amd64
}

@test "the kernel of Debian sid" {
	loads sid-amd64
}
