# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# hold: an attack from 100,000 addresses (crafted 535 replies run through the
# sensor's own program), the memory that clients and bans take, and the time to
# load bans and to restart.

HOLD_CLIENTS=100000
HOLD_RATE=10
HOLD_ROOM=262144

hold_part() {
	local bans

	victim_up smtpxdp
	journald_up
	hold_storms
	progress "hold: memory"
	hold_memory ban max-bans
	hold_memory client max-clients
	for bans in 10000 "${SIZES[@]:1}"; do
		progress "hold: loading $bans bans, and a restart"
		hold_load "$bans"
	done
	end journald
	victim_down smtpxdp
}

# --- an attack --------------------------------------------------------------

# The brake would ban them minute by minute: here, it is off. First
# as fast as can be; then half as fast as that, until no event is lost.
hold_storms() {
	local pace
	for pace in 0 800000 400000 200000 100000 50000; do
		progress "hold: ${pace/#0/all the} failures a second"
		hold_storm "$pace"
		[ "$lost" != 0 ] || return 0
	done
}

# Every client fails twelve times, more or less.
hold_storm() { # FAILURES-PER-SECOND
	local cpu before storm counters
	conf rate "$HOLD_RATE/120s" tls off max-clients $HOLD_ROOM servers 192.0.2.25 \
		max-bans $HOLD_ROOM max-bans-per-minute off
	daemon_up
	quiet hold 0.5
	before=$(cpu_ticks "$(daemon_pid)")
	storm=$(at mail taskset -c "$BENCH_CPU" "$BENCH_BIN"/probe storm eth0 \
		$HOLD_CLIENTS $((HOLD_CLIENTS * 12)) "$1" $HOLD_RATE) ||
		die "hold: no attack"
	until_true 60 daemon_idle || true
	cpu=$(($(cpu_ticks "$(daemon_pid)") - before))
	counters=$(smtpxdp status -j | jq -c '[.counters["events-lost",
		"thresholds-crossed", "clients-full", "bans-full"].packets]')
	lost=$(jq '.[0]' <<<"$counters")
	sample hold storm "$1" "pace=$1" "lost=$lost" \
		"failures=$(jq .failures <<<"$storm")" \
		"ns=$(jq .ns <<<"$storm")" \
		"expected=$(jq .expected <<<"$storm")" \
		"crossed=$(jq '.[1]' <<<"$counters")" \
		"refused=$(jq '.[2] + .[3]' <<<"$counters")" \
		"banned=$(smtpxdp status -j | jq .bans)" \
		"cpu_ticks=$cpu" "hz=$(getconf CLK_TCK)"
	daemon_wipe
}

cpu_ticks() { # PID
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

# Took no time of the CPU for a third of a second: all is told.
daemon_idle() {
	local before
	before=$(cpu_ticks "$(daemon_pid)")
	sleep 0.3
	[ "$(cpu_ticks "$(daemon_pid)")" = "$before" ]
}

# --- memory -----------------------------------------------------------------

# What one more entry takes, by the kernel's account of all maps.
hold_memory() { # NAME KEY
	local small=65536 large=1048576 bytes
	conf "$2" $small tls off
	daemon_up
	bytes=$(pinned_bytes)
	daemon_wipe
	conf "$2" $large tls off
	daemon_up
	bytes=$(($(pinned_bytes) - bytes))
	daemon_wipe
	sample hold memory "$1" "bytes=$((bytes / (large - small)))"
}

pinned_bytes() {
	local f
	find "$PIN" -type f | while read -r f; do
		bpftool -j map show pinned "$f" 2>/dev/null || true
	done | jq -s 'map(.bytes_memlock // 0) | add'
}

# --- loading ----------------------------------------------------------------

hold_load() { # BANS
	local since
	conf max-bans "$(room_for "$1")" tls off
	daemon_up
	sources list 4 "$1" >"$BENCH_TMP/banned"
	quiet hold 0.5
	since=$EPOCHREALTIME
	if ! ban_load "$BENCH_TMP/banned" >/dev/null; then
		sample hold load smtpxdp "bans=$1" "note=ban load failed"
		daemon_wipe
		return
	fi
	sample hold load smtpxdp "bans=$1" "seconds=$(seconds_since "$since")"
	sample hold rss smtpxdp "bans=$1" \
		"kilobytes=$(awk '/VmRSS/ { print $2 }' "/proc/$(daemon_pid)/status")"
	hold_restart "$1"
	daemon_wipe
}

# Banned sources go on sending all the while; nobody may get through.
hold_restart() { # BANS
	local since seconds before after flood
	rm -f "$BENCH_TMP/over"
	read -r -a before < <(drop_counts smtpxdp)
	hold_flood "$1" &
	flood=$!
	since=$EPOCHREALTIME
	daemon_down
	daemon_up
	seconds=$(seconds_since "$since")
	touch "$BENCH_TMP/over"
	wait $flood
	read -r -a after < <(drop_counts smtpxdp)
	sample hold restart smtpxdp "bans=$1" "seconds=$seconds" \
		"kept=$(smtpxdp status -j | jq .bans)" \
		"came=$((after[0] - before[0]))" \
		"leaked=$((after[1] - before[1]))"
}

hold_flood() { # BANS
	until [ -e "$BENCH_TMP/over" ]; do
		at flood taskset -c "$BENCH_CPU" "$BENCH_BIN"/flood \
			--iface to-smtpxdp --to $VICTIM --sources "$1" \
			--packets 100000 >/dev/null || return
	done
}
