# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# drop: packets of banned sources that are dropped in a second, by smtpxdp and
# by its peers. One CPU makes the packets, sends them through a veth pair and
# drops them. Every peer has its own namespace and veth, so that rounds
# alternate without filling tables anew.

DROP_PEERS=(none drop-all smtpxdp xdp-filter tc-hash nft-netdev nft-input ipset)

drop_part() {
	local family bans

	for bans in "${SIZES[@]}"; do
		for family in 4 6; do
			progress "drop: $bans bans, IPv$family"
			drop_size $family "$bans"
		done
	done
}

# --- measuring --------------------------------------------------------------

# Packets that came in at the interface, and segments that came to TCP.
drop_counts() { # PEER
	# shellcheck disable=SC2016 # the inner shell's, and awk's
	at "$(victim_ns "$1")" awk '
		$1 == "eth0:" { came = $3 }
		$1 == "Tcp:" && $11 ~ /^[0-9]+$/ { tcp = $11 }
		END { print came, tcp }' /proc/net/dev /proc/net/snmp
}

# Sends; then in $out what flood(1) said, in $came and $passed how many packets
# reached the interface and TCP.
drop_send() { # PEER FAMILY BANS PACKETS [OTHERS OF 256]
	local to=$VICTIM before after
	[ "$2" = 4 ] || to=$VICTIM6
	read -r -a before < <(drop_counts "$1")
	out=$(at flood "${PINNED[@]}" "$BENCH_BIN"/flood \
		--iface "to-$1" --to "$to" --sources "$3" --packets "$4" \
		--others "${5-0}") || die "drop: cannot send to $1"
	read -r -a after < <(drop_counts "$1")
	came=$((after[0] - before[0])) passed=$((after[1] - before[1]))
}

drop_size() { # FAMILY BANS
	local peer up=() round packets=()

	for peer in "${DROP_PEERS[@]}"; do
		drop_up "$peer" "$@" && up+=("$peer")
	done
	for peer in "${up[@]}"; do
		drop_send "$peer" "$@" 65536
		packets+=($((65536 * ROUND_MS * 1000000 / $(jq .ns <<<"$out"))))
	done
	table_latency drop "$@"
	for ((round = 1; round <= ROUNDS; round++)); do
		quiet drop 0.25
		drop_floor "$@" $round
		for peer in "${!up[@]}"; do
			drop_round "${up[peer]}" "$@" "${packets[peer]}" $round
		done
	done
	for peer in "${up[@]}"; do
		drop_check "$peer" "$@"
	done
	for peer in "${DROP_PEERS[@]}"; do
		victim_down "$peer"
	done
}

drop_up() { # PEER FAMILY BANS
	local since=$EPOCHREALTIME
	victim_up "$1"
	if "up_$1" "$2" "$3"; then
		sample drop load "$1" "ip=$2" "bans=$3" \
			"seconds=$(seconds_since "$since")"
		return
	fi
	sample drop rate "$1" "ip=$2" "bans=$3" \
		"note=$(cat "$BENCH_TMP/cannot")"
	return 1
}

# How long memory takes for a line of a table as large as that of the bans.
table_latency() { # PART FAMILY BANS
	local lines
	[ "$2" = 4 ] || return 0
	lines=$(bpftool -j map show pinned "$(find "$PIN" -type f -name bans |
		head -n 1)" | jq .max_entries)
	latency "$1" table $((lines * 64)) "bans=$3"
}

# What the making of packets costs, on the same CPU.
drop_floor() { # FAMILY BANS ROUND
	local to=$VICTIM
	[ "$1" = 4 ] || to=$VICTIM6
	out=$("${PINNED[@]}" "$BENCH_BIN"/flood --to "$to" \
		--sources "$2" --packets 2000000)
	sample drop rate generator "ip=$1" "bans=$2" "round=$3" \
		"packets=2000000" "ns=$(jq .ns <<<"$out")" \
		"waited_ns=$(jq .waited_ns <<<"$out")"
}

drop_round() { # PEER FAMILY BANS PACKETS ROUND
	drop_send "$1" "$2" "$3" "$4"
	sample drop rate "$1" "ip=$2" "bans=$3" "round=$5" "packets=$came" \
		"sent=$4" "leaked=$passed" "ns=$(jq .ns <<<"$out")" \
		"waited_ns=$(jq .waited_ns <<<"$out")"
}

# Only innocents; then one packet of ten from an innocent.
drop_check() { # PEER FAMILY BANS
	drop_send "$@" 131072 256
	sample drop check "$1" "ip=$2" "bans=$3" "innocent=$came" \
		"lost=$((came - passed))"
	drop_send "$@" 131072 26
	sample drop check "$1" "ip=$2" "bans=$3" "came=$came" \
		"innocent=$(jq .others <<<"$out")" "passed=$passed"
}
