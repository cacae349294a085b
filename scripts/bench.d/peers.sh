# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Peers of smtpxdp in part drop: up_PEER FAMILY BANS sets one up in its victim's
# namespace, with that many sources banned.

up_none() { :; }

up_drop-all() {
	at drop-all ip link set dev eth0 xdpdrv pinned "$GATES"/drop_all
}

# xdp-filter's tool takes one address a call: the map that it pins is filled
# directly.
up_xdp-filter() { # FAMILY BANS
	local room
	at xdp-filter xdp-filter load eth0 -m native -p allow -f "ipv$1" \
		>"$BENCH_TMP/xdp-filter" 2>&1 ||
		cannot "$(tail -n 1 "$BENCH_TMP/xdp-filter")" || return
	room=$(bpftool -j map show pinned \
		"/sys/fs/bpf/xdp-filter/filter_ipv$1" | jq .max_entries)
	[ "$2" -le "$room" ] || cannot "its table holds $room" || return
	sources fill "$1" "$2" "/sys/fs/bpf/xdp-filter/filter_ipv$1"
}

up_tc-hash() { # FAMILY BANS
	bpftool prog loadall "$BENCH_BIN"/gates.bpf.o "$GATES"/tc-hash \
		pinmaps "$GATES"/tc-hash/maps
	at tc-hash tc qdisc add dev eth0 clsact
	at tc-hash tc filter add dev eth0 ingress bpf da \
		pinned "$GATES"/tc-hash/tc_hash
	sources fill "$1" "$2" "$GATES"/tc-hash/maps/"gate_v$1"
}

nft_family() { # FAMILY
	[ "$1" = 4 ] && echo "ip" || echo "ip6"
}

nft_elements() { # TABLE FAMILY BANS
	sources list "$2" "$3" | awk -v table="$1" '
		NR % 20000 == 1 {
			if (NR > 1)
				print " }"
			printf "add element %s banned { ", table
		}
		{ printf "%s,", $1 }
		END { print " }" }'
}

nft_up() { # NS TABLE CHAIN FAMILY BANS
	{
		cat <<-END
			table $2 {
				set banned {
					type ipv$4_addr
					size $5
				}
				chain gate {
					$3
					$(nft_family "$4") saddr @banned drop
				}
			}
		END
		nft_elements "$2" "$4" "$5"
	} >"$BENCH_TMP/nft"
	at "$1" nft -f "$BENCH_TMP/nft" >"$BENCH_TMP/nft.out" 2>&1 ||
		cannot "$(head -n 1 "$BENCH_TMP/nft.out")"
}

up_nft-netdev() { # FAMILY BANS
	nft_up nft-netdev 'netdev bench' \
		'type filter hook ingress device "eth0" priority 0;' "$@"
}

up_nft-input() { # FAMILY BANS
	nft_up nft-input 'inet bench' \
		'type filter hook input priority 0;
		ct state established,related accept' "$@"
}

up_ipset() { # FAMILY BANS
	local tables=iptables family=inet
	[ "$1" = 4 ] || tables=ip6tables family=inet6
	{
		echo "create banned hash:ip family $family maxelem $2"
		sources list "$1" "$2" 'add banned '
	} >"$BENCH_TMP/ipset"
	at ipset ipset restore <"$BENCH_TMP/ipset" >"$BENCH_TMP/ipset.out" 2>&1 ||
		cannot "not in this kernel: $(head -n 1 "$BENCH_TMP/ipset.out")" ||
		return
	at ipset $tables -I INPUT -m set --match-set banned src -j DROP
}

