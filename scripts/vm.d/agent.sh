#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Runs in a machine, in busybox' shell or in bash: runs the commands that talk.py
# sends, one by one. What a command leaves in the background must not keep our
# output.

for f in /sys/class/virtio-ports/*/name; do
	d=${f%/name}
	case $(cat "$f") in
	vm.ctl) exec 3<>/dev/"${d##*/}" ;;
	vm.out) exec 4<>/dev/"${d##*/}" ;;
	vm.err) exec 5<>/dev/"${d##*/}" ;;
	vm.in) exec 6<>/dev/"${d##*/}" ;;
	esac
done

uptime_seconds() {
	read -r up _ </proc/uptime
	echo "${up%.*}"
}

w=${VM_RUN:-/run/vm}
set -a
# shellcheck source=/dev/null
. "$w"/environment
set +a
cd "${VM_CWD:-/src/smtpxdp}" 2>/dev/null || cd /
while read -r nonce limit size command <&3; do
	echo "$command" | base64 -d >"$w"/command
	: >"$w"/stdin
	# Nothing else ever comes by this port before we have answered, so it does
	# no harm if head reads ahead.
	[ "$size" = 0 ] || head -c "$size" <&6 >"$w"/stdin
	echo "${nonce}begin" >&4
	echo "${nonce}begin" >&5
	begun=$(uptime_seconds)
	timeout -k 5 "$limit" "${VM_SHELL:-sh}" "$w"/command <"$w"/stdin >&4 2>&5 \
		3>&- 4>&- 5>&- 6>&-
	status=$?
	# busybox' timeout has no status of its own.
	case $status in
	137 | 143) [ $(($(uptime_seconds) - begun)) -lt "$limit" ] || status=124 ;;
	esac
	echo "${nonce}end $status" >&5
	echo "${nonce}end $status" >&4
done
