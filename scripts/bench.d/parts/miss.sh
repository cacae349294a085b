# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# miss: the gate's cost for a packet, in ns above an XDP program that does
# nothing; by test run, with random sources, so that a table larger than the
# CPU's caches shows.

miss_part() {
	local bans family
	for bans in 0 "${SIZES[@]}"; do
		for family in 4 6; do
			progress "miss: $bans bans, IPv$family"
			miss_size $family "$bans"
		done
	done
}

miss_size() { # FAMILY BANS
	victim_up smtpxdp
	if up_smtpxdp "$@"; then
		table_latency miss "$@"
		quiet miss 1
		probe gate "$@" "$ROUNDS"
		probed miss "ip=$1" "bans=$2"
	else
		sample miss cost hit "ip=$1" "bans=$2" \
			"note=$(cat "$BENCH_TMP/cannot")"
	fi
	victim_down smtpxdp
}

# Lines of JSON, of which the first round only warms up.
probe() { # gate|sense ARGUMENT...
	local kind=$1
	shift
	at mail "${PINNED[@]}" "$BENCH_BIN"/probe "$kind" eth0 "$@" \
		>"$BENCH_TMP/probe" || die "cannot measure: $kind"
}

probed() { # PART KEY=VALUE...
	local part=$1
	shift
	jq -c --arg kind cost 'select(.round > 0) | {$kind} + . +
		([$ARGS.positional[] | split("=") | {(.[0]): .[1] | tonumber}] |
		add // {})' --args "$@" <"$BENCH_TMP/probe" \
		>>"$RESULTS/$part.jsonl"
}
