# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# react: the time from the Nth 535 until the attacker is shut out, and the
# packets that pass until then. Real Postfix, and the same attacker for all
# peers: it guesses on four connections at once until no reply comes.
# watch.bpf.c says where it is watched, guards.sh has the peers.

REACT_RATE=10
REACT_NEXT=0
REACT_PEERS=(sshguard fail2ban crowdsec)

react_part() {
	local peer

	progress "react: starting Postfix"
	lab_up journald postfix
	react_cgroup
	latency react wake wake
	react_peer smtpxdp $((ROUNDS * 8))
	for peer in "${REACT_PEERS[@]}"; do
		react_peer "$peer" "$REACT_ROUNDS"
	done
	lab_down
}

# Where sockets can be watched.
react_cgroup() {
	CGROUP=$(findmnt -t cgroup2 -no TARGET | head -n 1)
	[ -z "$CGROUP" ] || return 0
	CGROUP=$BENCH_TMP/cgroup
	mkdir -p "$CGROUP"
	mount -t cgroup2 cgroup2 "$CGROUP"
}

react_peer() { # PEER ROUNDS
	local round
	progress "react: $1"
	# Nobody is to find what was before.
	: >$LAB/log/postfix
	if ! "guard_$1"; then
		sample react reaction "$1" "note=$(cat "$BENCH_TMP/cannot")"
		return
	fi
	for ((round = 1; round <= $2; round++)); do
		react_round "$1" "$round"
	done
	"guard_${1}_down"
}

# An address for each round, and each guard: the attacker has 54.
react_round() { # PEER ROUND
	local client=198.51.100.$((7 + REACT_NEXT++)) pid='' watch result
	quiet react 0.25
	[ "$1" != smtpxdp ] || pid=$(daemon_pid)
	: >"$BENCH_TMP/watch"
	rm -f "$BENCH_TMP/over"
	mkfifo "$BENCH_TMP/over"
	at mail "$BENCH_BIN"/watch eth0 /run/netns/router to-mail "$client" \
		587 "$CGROUP" ${pid:+"$pid"} >"$BENCH_TMP/watch" \
		<"$BENCH_TMP/over" &
	watch=$!
	exec {over}>"$BENCH_TMP/over"
	until_true 10 grep -q ready "$BENCH_TMP/watch" ||
		die "react: nothing can be watched"
	at attacker python3 -B scripts/bench.d/tools/traffic.py attack \
		--source "$client" --silence "$SILENCE" || true
	exec {over}>&-
	wait $watch || die "react: nothing was watched"
	hang_up
	mapfile -t result < <(python3 -B scripts/bench.d/tools/reaction.py \
		"$BENCH_TMP/watch" $REACT_RATE)
	sample react reaction "$1" "round=$2" "${result[@]}"
}
