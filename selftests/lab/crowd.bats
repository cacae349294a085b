#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Many attackers, each with an address of its own: memory stays flat, and nobody
# is missed. CROWD=100000 CROWD_SECONDS=600 for the whole of it.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

CROWD=${CROWD:-4000}
CROWD_SECONDS=${CROWD_SECONDS:-30}
FIRST=10.1.0.0
TRIES=3

servers() {
	echo journald
}

before() {
	gcc -Wall -Werror -O2 -o $LAB/crowd "$LAB_ROOT"/selftests/lib/crowd.c
	at attacker ip route add local 10.0.0.0/8 dev lo
	at router ip route add 10.0.0.0/8 via $ATTACKER
	background server mail $LAB/crowd serve $POSTFIX 587
	until_true 5 listens mail $POSTFIX 587
}

after() {
	[ ! -e $LAB/pid/crowd ] || end crowd
	end server
	at attacker ip route del local 10.0.0.0/8 dev lo
	at router ip route del 10.0.0.0/8
}

everybody() {
	python3 -c 'import ipaddress, sys
first = int(ipaddress.ip_address(sys.argv[1]))
for n in range(int(sys.argv[2])):
    print(ipaddress.ip_address(first + n))' $FIRST $CROWD
}

# What the kernel holds for our maps, in bytes.
map_memory() {
	local map
	for map in "$PIN"/current/*; do
		bpftool -j map show pinned "$map" 2>/dev/null |
			jq '.bytes_memlock // 0'
	done | awk '{ n += $1 } END { print n }'
}

saved() {
	[ "$(sqlite3 -cmd '.timeout 5000' $STATE/smtpxdp.db \
		'SELECT count(*) FROM bans')" = $CROWD ]
}

bans_are() { # COUNT
	[ "$(smtpxdp status -j | jq .bans)" = $1 ]
}

@test "$CROWD attackers: all who reach the rate are banned, memory stays flat" {
	local fds maps first=0 most=0 now told
	conf rate $TRIES/2h max-clients 200000 max-bans 200000 \
		max-bans-per-minute off ban-time 7d compare-passwords no tls off
	daemon_up
	fds=$(descriptors)
	maps=$(map_memory)
	[ "$maps" -gt 1000000 ]
	background crowd attacker $LAB/crowd attack $POSTFIX 587 $FIRST $CROWD \
		$TRIES $CROWD_SECONDS
	while running crowd; do
		sleep 1
		now=$(rss)
		[ $now -lt $most ] || most=$now
		[ $first != 0 ] || bans_are 0 || first=$now
	done
	rm $LAB/pid/crowd
	same "the attackers saw" "$(sed 's/ in .*//' $LAB/log/crowd)" \
		"$((CROWD * TRIES)) of $((CROWD * TRIES)) logins refused"
	until_true 60 bans_are $CROWD || bans_are $CROWD
	diff <(everybody | sed 's|$|/32|' | sort) \
		<(smtpxdp ban -j | jq -r '.[].net' | sort)
	same "reached the rate" "$(counter thresholds-crossed)" $CROWD
	same "failures counted" "$(counter failures)" $((CROWD * TRIES))
	same "no room for clients" "$(counter clients-full)" 0
	until_true 60 saved
	# SQLite caches up to 16 MB.
	echo "# RSS ${first} kB at the first ban, $most kB at most, $(rss) kB at" \
		"the end; maps $maps bytes; $(cat $LAB/log/crowd);" \
		"state $(du -k $STATE | cut -f1) kB; $(counter events-lost) events" \
		"and $(counter journal-lost) messages lost" >&3
	[ $((most - first)) -lt 24000 ]
	same "descriptors" "$(descriptors)" "$fds"
	same "memory of maps" "$(map_memory)" "$maps"
	[ "$(du -k $STATE | cut -f1)" -lt $((CROWD / 5 + 6000)) ]
	told=$(journal SMTPXDP_EVENT=ban | wc -l)
	[ $told -le $CROWD ]
	[ $((told + $(counter journal-lost))) -ge $CROWD ]
}
