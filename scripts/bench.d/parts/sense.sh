# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# sense: the sensors' cost: for an outgoing packet, in ns above a tc program
# that does nothing, and for a write inside TLS, with probes and without.

sense_part() {
	local round
	net_up
	lab_certificate
	journald_up
	progress "sense: packets"
	# No client may reach the rate: that would be another thing.
	conf rate 64/1s max-clients 262144 tls off servers 192.0.2.25
	daemon_up
	quiet sense 1
	probe sense "$ROUNDS"
	probed sense
	[ "$(smtpxdp status -j |
		jq '.counters["thresholds-crossed"].packets')" = 0 ] ||
		die "sense: clients reached the rate: nothing was measured"
	for ((round = 1; round <= ROUNDS; round++)); do
		sense_lines
	done
	daemon_wipe
	progress "sense: writes inside TLS"
	sense_alone
	for ((round = 1; round <= ROUNDS; round++)); do
		sense_tls
	done
	lab_down
}

# 64 KiB of reply lines at a time, over real TCP. (A test run takes no packet
# of that size.)
sense_lines() {
	local out before
	background lines mail "${PINNED[@]}" python3 -B \
		scripts/bench.d/tools/traffic.py lines --port 25
	until_true 10 listens mail 192.0.2.25 25 || die "sense: no server"
	before=$(sent_bytes)
	out=$(at mail "$BENCH_BIN"/probe real eth0 "nsenter \
		--net=/run/netns/attacker -- python3 -B \
		scripts/bench.d/tools/traffic.py swallow --port 25") ||
		die "sense: no traffic"
	sample sense lines gso-replies "ns=$(jq .ns <<<"$out")" \
		"packets=$(jq .packets <<<"$out")" \
		"bytes=$(($(sent_bytes) - before))"
	end lines
}

sent_bytes() {
	at mail cat /proc/net/dev | awk '$1 == "eth0:" { print $10 }'
}

# Probes are on the library, for all of the machine.
sense_alone() {
	! bpftool prog show | grep -q 'name tls_enter' ||
		sample sense foreign tls \
			"note=another smtpxdp probes the TLS library too"
}

# Without the daemon, then with it, by a mail server and by another process.
sense_tls() {
	local floor other
	quiet sense 0.25
	floor=$(write_ns 587) other=$(write_ns 9000)
	conf tls-libraries "$(tls_library)"
	daemon_up
	until_true 10 tls_probed || die "sense: the TLS library is not probed"
	sample sense cost tls-write "round=$round" "floor=$floor" \
		"ns=$(write_ns 587)"
	sample sense cost tls-write-other "round=$round" "floor=$other" \
		"ns=$(write_ns 9000)"
	daemon_wipe
}

write_ns() { # PORT
	at mail "${PINNED[@]}" python3 -B scripts/bench.d/tools/traffic.py tls \
		--port "$1"
}

tls_library() {
	python3 -c 'import _ssl; print(*{l.split()[-1] for l in
		open("/proc/self/maps") if "/libssl" in l})'
}

tls_probed() {
	[ "$(smtpxdp status -j | jq '.tls.libraries | length')" -gt 0 ]
}
