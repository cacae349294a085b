#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The daemon and the commands among neighbours that mean harm, or are in the way.

# shellcheck disable=SC2086 # addresses hold no spaces

load ../lib/common.sh

servers() {
	echo journald
}

TORRENT=$LAB_ROOT/selftests/lib/torrent.py

after() {
	daemon_env
	end torrent
	end served
}

# The loop turns: what it is told now, it does now.
turns() {
	kill -HUP "$(daemon_pid)"
	until_true 8 journal_has SMTPXDP_EVENT=reloaded
}

# As many clients as an IPv6 network has, all of them the attacker.
many_networks() {
	sysctl_at attacker ipv6/ip_nonlocal_bind 1
	at attacker ip -6 route add local 2001:db8:bad:8000::/49 dev lo
	at router ip -6 route add 2001:db8:bad:8000::/49 via $ATTACKER6
}

# slow_journal LIBRARY: makes one for LD_PRELOAD, under which each message takes
# 2 ms, as where a disk is busy.
slow_journal() {
	gcc -shared -fPIC -Wall -Werror -D_GNU_SOURCE -o "$1" -xc - -ldl <<-'EOF'
		#include <dlfcn.h>
		#include <sys/uio.h>
		#include <unistd.h>
		int sd_journal_sendv(const struct iovec *iov, int n)
		{
			int (*real)(const struct iovec *, int) =
				dlsym(RTLD_NEXT, "sd_journal_sendv");

			usleep(2000);
			return real(iov, n);
		}
	EOF
}

@test "more events than the daemon can tell of: its loop turns all the same" {
	many_networks
	slow_journal $LAB/slow.so
	conf rate 64/1h mode monitor log-failures yes
	daemon_env LD_PRELOAD=$LAB/slow.so
	daemon_up
	background served mail python3 -B "$TORRENT" serve $POSTFIX6
	until_true 10 listens mail "[$POSTFIX6]" 25
	background torrent attacker python3 -B "$TORRENT" try $POSTFIX6 \
		2001:db8:bad 63
	until_true 10 more_than 20000
	turns
	running torrent # it was no flood else
}

more_than() { # FAILURES
	[ "$(counter failures)" -gt $1 ]
}
