# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# sense: what the sensors cost: an outgoing packet, in ns over a tc program
# that does nothing, and a write inside TLS with the probes and without.

sense_part() {
	progress "sense: packets"
	victim_up smtpxdp
	# No client may reach the rate: that would be another thing.
	conf rate 64/1s max-clients 262144 tls off
	daemon_up
	probe sense "$ROUNDS"
	probed sense
	[ "$(smtpxdp status -j |
		jq '.counters["thresholds-crossed"].packets')" = 0 ] ||
		die "sense: clients reached the rate: nothing was measured"
	victim_down smtpxdp
}
