# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Victims: each is a namespace with eth0, whose peer device is in namespace
# "flood", from where packets of random sources come.

# shellcheck disable=SC2034 # other parts look at them
VICTIM=10.9.0.2
VICTIM6=fd09::2
GATES=/sys/fs/bpf/bench

# Makes namespace "flood"; called once, before the first victim.
flood_up() {
	mkdir -p $GATES
	ip netns add flood
	sysctl_at flood ipv6/conf/default/disable_ipv6 1
	bpftool prog loadall "$BENCH_BIN"/gates.bpf.o $GATES ||
		die "cannot load the BPF programs"
}

# victim_ns PEER: its namespace; smtpxdp's has the name that scripts/lab.sh
# uses.
victim_ns() { # PEER
	[ "$1" = smtpxdp ] && echo mail || echo "$1"
}

victim_up() { # PEER
	local ns
	[ -e /run/netns/flood ] || flood_up
	ns=$(victim_ns "$1")
	ip netns add "$ns"
	sysctl_at "$ns" ipv6/conf/default/accept_dad 0
	sysctl_at "$ns" ipv6/conf/default/addr_gen_mode 1
	ip link add eth0 netns "$ns" address 02:00:00:00:00:02 \
		numtxqueues 1 numrxqueues 1 type veth peer name "to-$1" \
		netns flood address 02:00:00:00:00:01 \
		numtxqueues 1 numrxqueues 1
	# What the victim answers is eaten where it comes from.
	at flood ip link set dev "to-$1" up xdpdrv pinned "$GATES"/drop_all
	at "$ns" ip -batch - <<-END
		link set lo up
		addr add $VICTIM/24 dev eth0
		addr add $VICTIM6/64 dev eth0 nodad
		link set eth0 up
		neigh add 10.9.0.1 lladdr 02:00:00:00:00:01 dev eth0
		neigh add fd09::1 lladdr 02:00:00:00:00:01 dev eth0
		route add default via 10.9.0.1
		route add ::/0 via fd09::1
	END
	# Without it, a veth takes no redirected frames but for XDP.
	at "$ns" ethtool -K eth0 gro on
}

victim_down() { # PEER
	local ns
	ns=$(victim_ns "$1")
	[ "$1" != smtpxdp ] || daemon_wipe
	[ "$1" != xdp-filter ] ||
		at "$ns" xdp-filter unload --all >/dev/null 2>&1 || true
	# A namespace goes away in its own time; its veth goes at once.
	at flood ip link del "to-$1"
	ip netns del "$ns"
	rm -rf "${GATES:?}/$1"
}

# A peer that cannot do it says why.
cannot() {
	echo "$*" >"$BENCH_TMP/cannot"
	return 1
}

sources() {
	"$BENCH_BIN"/sources "$@"
}

# A max-bans in which so many have room, the default at least.
room_for() { # BANS
	local room=65536
	while [ $room -lt "$1" ]; do
		room=$((room * 2))
	done
	echo $room
}

# Everything on: default ports and scope, networks banned and allowed.
up_smtpxdp() { # FAMILY BANS
	conf max-bans "$(room_for "$2")" allow '10.9.1.0/24, fd09:1::/64' tls off
	daemon_up || cannot "the daemon did not start" || return
	sources list "$1" "$2" >"$BENCH_TMP/banned"
	ban_load "$BENCH_TMP/banned" >/dev/null ||
		cannot "ban load failed" || return
	smtpxdp ban add 100.64.0.0/10 >/dev/null
	smtpxdp ban add 2001:db8:bad::/48 >/dev/null
}
