#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# PID 1 of a whole machine without systemd. Everything is mounted already.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root TERM=dumb LANG=C.UTF-8 VM_SHELL=bash
ip link set lo up
bash /run/vm/network
mkdir -p /run/lock
# Nothing else reaps what commands leave behind.
bash /run/vm/agent.sh &
while ! wait $!; do :; done
poweroff -f
