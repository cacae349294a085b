#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the .bats files share that let the daemon choose its interfaces.

# shellcheck disable=SC2086 # names hold no spaces

watched() {
	smtpxdp status -j | jq -r '[.interfaces[].name] | sort | join(" ")'
}

watched_are() { # NAME...
	same "interfaces" "$(watched)" "$*"
}

# A daemon that chooses by itself.
choose() {
	: >$LAB/log/smtpxdp
	background smtpxdp mail "$BIN" --pin $PIN run -c $CONF
	until_true 10 daemon_settled
	until_true 10 watched_are "$@" || {
		watched_are "$@"
		return 1
	}
}

ways() {
	smtpxdp status -j | jq -r '.ways[] | (if .routed then "routed " else "" end) +
		(.devices | join(">")) + " " + (.name // "-") + " " +
		(.ports | map(tostring) | join(","))' | sort
}
