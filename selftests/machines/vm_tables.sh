#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the .bats files share that run the C tests of the BPF programs on another
# kernel, as the release's own compilers have built them. ARCH says for what.

# shellcheck source=selftests/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"

TABLES='ban_stress ban_write budget detect detect_hello detect_net detect_stream
	detect_threshold detect_wire device drop listen load programs self_test'

setup_file() { :; }
teardown_file() { :; }
setup() { :; }
teardown() { :; }

# Runs in the machine.
all_of() { # NAME...
	cat <<-EOF
		for t in $*; do
			echo "table \$t"
			CMOCKA_MESSAGE_OUTPUT=TAP ./\$t 2>&1
			echo "status \$?"
		done
	EOF
}

# What each C test said is shown. Fails if one failed, ended otherwise, or ran
# less than it planned; "skip" if one was skipped.
judge() { # OUTPUT
	local line t='' plan=0 ran=0 wrong=0 tables=0
	skipped=''
	while IFS= read -r line; do
		case $line in
		'table '*) t=${line#table } plan=-1 ran=0 ;;
		1..*) plan=${line#1..} ;;
		'ok '* | 'not ok '*)
			echo "# $t: $line" >&3
			ran=$((ran + 1))
			# cmocka has the reason before it, and may say "not ok".
			if [[ ${line,,} =~ \#\ *skip ]]; then
				skipped+=" $t"
			elif [[ $line = not* ]]; then
				wrong=1
			fi
			;;
		'status '*)
			tables=$((tables + 1))
			[ "$line, $ran tests" = "status 0, $plan tests" ] || {
				echo "$t: $line, ran $ran of $plan"
				wrong=1
			}
			;;
		esac
	done <"$1"
	[ $wrong = 0 ] && same "tables" $tables "$(wc -w <<<"$TABLES")"
}

tables_on() { # RELEASE KERNEL
	local name=$1-$ARCH files=() t out=$BATS_TEST_TMPDIR/out skipped failed='' why
	local dir=$LAB_ROOT/build/for/$name/smtpxdp/build/selftests/bpf
	for t in $TABLES; do
		files+=(-f "$dir/test_$t:$t")
	done
	# shellcheck disable=SC2086 # a list
	"$LAB_ROOT"/scripts/vm quick "$name" -t 3000 \
		-m sch_ingress -m cls_bpf -m tun -m bridge \
		--libs "${SMTPXDP_VM_CACHE:-$LAB_ROOT/build/vm}/roots/$name-build" \
		"${files[@]}" -- "uname -r; $(all_of $TABLES)" >"$out"
	cat "$out"
	has "$(head -n 1 "$out")" "^$2\\."
	judge "$out" || failed=1
	why=${failed:+a C test failed}
	holds "$name" "$(compiler_of "$dir/../..")" tables \
		"${why:-${skipped:+skipped in:$skipped}}"
	[ -z "$why" ]
	[ -z "$skipped" ] || skip "skipped in:$skipped"
}
