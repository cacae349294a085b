#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the .bats files with TLS servers of our own (tls_servers.py) share.

# shellcheck disable=SC2119 # daemon_up takes options
# shellcheck source=selftests/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"

SERVERS=$LAB_ROOT/selftests/tls/tls_servers.py

servers() {
	echo journald
}

before() {
	lab_certificate
	conf rate 64/1h slow-rate off
	daemon_up
}

# What was tried, and of whom, is then in $LAB/truth.
attack() { # [OPTION...]
	at attacker /usr/bin/python3 -B "$SERVERS" attack "$@" >$LAB/truth
}

# Does what we counted agree with that?
judge() { # [OPTION...]
	{
		smtpxdp status -j | jq -c .
		smtpxdp clients -j | jq -c .
	} | /usr/bin/python3 -B "$SERVERS" judge "$@"
}
