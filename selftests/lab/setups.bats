#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Set-ups that operators describe, with the settings of an installed smtpxdp:
# direct server return, a tunnel to a host that has the public address, an
# address that keepalived moves, TLS that ends before Postfix. (scripts/vm has WireGuard
# and macvlan: full_devices.bats.)

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh
load ../lib/ways.sh

# An address that a balancer has, and the mail host on its loopback; one that
# moves between hosts; a home server's in a tunnel, and its public one.
VIP=198.18.7.25
MOVES=192.0.2.31
TUNNELED=10.9.0.2
PUBLIC=198.18.6.9

setup_file() {
	local a
	lab_up journald postfix
	# Postfix listens there before there are such addresses, as after a boot.
	sysctl_at mail ipv4/ip_nonlocal_bind 1
	for a in $VIP $MOVES $TUNNELED; do
		echo "$a:587 inet n - n - - smtpd" >>$LAB/postfix/etc/master.cf
	done
	at mail postfix -c $LAB/postfix/etc reload
	for a in $VIP $MOVES $TUNNELED; do
		until_true 10 listens mail $a 587
	done
}

before() {
	conf rate 5/60s log-failures yes log-users yes
}

after() {
	end tunnel
	end vrrp.mail
	end vrrp.router
	end haproxy_here
	at mail ip addr del $VIP/32 dev lo 2>/dev/null || true
	at mail ip addr del $MOVES/24 dev eth0 2>/dev/null || true
	at mail ip link del nic0 2>/dev/null || true
	at router ip link del wire0 2>/dev/null || true
	at mail ip rule del from $TUNNELED 2>/dev/null || true
	at router ip route del $VIP 2>/dev/null || true
	for ns in balancer vps; do
		[ ! -e /run/netns/$ns ] || ip netns del $ns
	done
}

# The attacker banned by his fifth failure and not before, at NIC DEV, with the
# user that he tried; another one is served, and nothing is wrong.
guarded() { # DEV SERVER
	login_fail attacker 4 --server $2 --user dave
	same "failures" "$(in_window $ATTACKER)" 4
	same "ban list" "$(banned)" ''
	login_fail attacker 1 --server $2 --user carol
	until_true 5 banned_are $ATTACKER/32
	until_true 5 users_are "1 carol 4 dave" || users_are "1 carol 4 dave"
	vanished attacker --server $2
	[ "$(counter dropped-ban)" -gt 0 ]
	connects honest --server $2
	silent
	has "$(smtpxdp status -j | jq -r '.interfaces[].name')" "^$1$"
}

users_are() { # COUNTS-AND-USERS
	same "users" "$(journal SMTPXDP_EVENT=failure | jq -r .SMTPXDP_USER |
		sort | uniq -c | xargs)" "$1"
}

@test "direct server return, by the NIC that replies leave by" {
	# What the balancer sends has the mail host's MAC, and the VIP.
	at mail ip addr add $VIP/32 dev lo
	at router ip route add $VIP via $POSTFIX
	choose eth0
	guarded eth0 $VIP
}

# A balancer with a network of its own to the mail host, whose nic0 is there: a
# macvlan, for a veth may lead to a container.
balancer_up() {
	net_leg balancer 198.18.8.1/24 2001:db8:8::1/64 198.18.8.2/24 \
		2001:db8:8::2/64
	ip link add wire0 netns router type veth peer name to-mail netns balancer
	at router ip link set wire0 up
	at router ip link add link wire0 name nic0 type macvlan mode passthru
	at router ip link set nic0 netns mail
	at balancer ip addr add 198.18.9.1/24 dev to-mail
	at balancer ip link set to-mail up
	at mail ip addr add 198.18.9.2/24 dev nic0
	at mail ip link set nic0 up
	sysctl_at balancer ipv4/ip_forward 1
	at balancer ip route add $VIP via 198.18.9.2
	at router ip route add $VIP via 198.18.8.2
	at mail ip addr add $VIP/32 dev lo
}

@test "direct server return, and two uplinks: in by one, out by the other" {
	balancer_up
	choose eth0
	# Nobody listens at its address: it is seen by who comes in.
	connects honest --server $VIP
	until_true 15 watched_are eth0 nic0
	journal_mark
	guarded nic0 $VIP
	sleep 5.5 # an alarm needs a ban of five seconds
	vanished attacker --server $VIP
	silent
}

# keepalived at two hosts on one wire; the other one is the router.
vrrp_up() { # NS DEV PRIORITY SELF PEER
	cat >$LAB/vrrp.$1.conf <<-EOF
		vrrp_instance mail {
		  state BACKUP
		  interface $2
		  virtual_router_id 25
		  priority $3
		  advert_int 0.2
		  unicast_src_ip $4
		  unicast_peer {
		    $5
		  }
		  virtual_ipaddress {
		    $MOVES/24
		  }
		}
	EOF
	background vrrp.$1 $1 keepalived -n -l -P -f $LAB/vrrp.$1.conf \
		-p $LAB/vrrp.$1.pid -r $LAB/vrrp.$1.child
}

has_it() { # NS
	[ -n "$(at $1 ip -o addr show to $MOVES)" ]
}

@test "an address that keepalived moves here (VRRP), away, and here again" {
	command -v keepalived >/dev/null || skip "no keepalived"
	choose eth0
	vrrp_up router to-mail 150 $GATEWAY $POSTFIX
	until_true 10 has_it router
	vrrp_up mail eth0 100 $POSTFIX $GATEWAY
	fails 1 connects attacker --server $MOVES --timeout 1
	silent
	# The other host fails: from the first client on.
	end vrrp.router
	until_true 10 has_it mail
	guarded eth0 $MOVES
	# It comes back, and fails again: who is banned is shut out at once.
	vrrp_up router to-mail 150 $GATEWAY $POSTFIX
	until_true 10 has_it router
	not has_it mail
	silent
	end vrrp.router
	until_true 10 has_it mail
	vanished attacker --server $MOVES
	connects honest --server $MOVES
	silent
}

# A tunnel of IP packets in user space, device tun0 in both namespaces, as a
# VPN's: no Ethernet headers.
tunnel_up() {
	background tunnel mail python3 -B "$HELPER" tunnel \
		/run/netns/mail /run/netns/vps
	until_true 5 at mail ip link show tun0
	until_true 5 at vps ip link show tun0
	at mail ip addr add $TUNNELED/24 dev tun0
	at mail ip link set tun0 up
	at vps ip addr add 10.9.0.1/24 dev tun0
	at vps ip link set tun0 up
}

@test "a tunnel to a host that has the public address: the gate is in the tunnel" {
	net_leg vps 198.18.6.1/24 2001:db8:6::1/64 $PUBLIC/24 2001:db8:6::9/64
	tunnel_up
	sysctl_at vps ipv4/ip_forward 1
	at vps nft -f - <<-EOF
		table ip t {
		  chain pre {
		    type nat hook prerouting priority dstnat;
		    ip daddr $PUBLIC tcp dport 587 dnat to $TUNNELED
		  }
		}
	EOF
	# Replies go back by the tunnel, and clients keep their addresses.
	at mail ip route add default via 10.9.0.1 dev tun0 table 9
	at mail ip rule add from $TUNNELED lookup 9
	until_true 5 connects honest --server $PUBLIC
	choose eth0 tun0
	guarded tun0 $PUBLIC
}

@test "TLS ends at HAProxy on the mail host, as at stunnel or hitch: counts once" {
	have_haproxy || skip "no haproxy"
	lab_certificate
	mkdir -p $LAB/haproxy-here
	cat $LAB/cert.pem $LAB/key.pem >$LAB/haproxy-here/both.pem
	{
		haproxy_head
		cat <<-EOF
			listen tls
			  bind $NGINX:465 ssl crt $LAB/haproxy-here/both.pem
			  server behind 127.0.0.1:10587 send-proxy-v2
		EOF
	} >$LAB/haproxy-here/haproxy.cfg
	background haproxy_here mail haproxy -db -f $LAB/haproxy-here/haproxy.cfg
	until_true 10 listens mail $NGINX 465
	conf rate 5/60s log-failures yes log-users yes proxies 127.0.0.1 \
		ports "25, 587, 465, 10587"
	choose eth0 lo
	login_fail attacker 4 --server $NGINX --port 465 --tls implicit --user dave
	same "failures" "$(in_window $ATTACKER)" 4
	same "ban list" "$(banned)" ''
	login_fail attacker 1 --server $NGINX --port 465 --tls implicit --user carol
	until_true 5 banned_are $ATTACKER/32
	users_are "1 carol 4 dave"
	vanished attacker --server $NGINX --port 465
	login_ok honest --server $NGINX --port 465 --tls implicit
	login_ok honest --server $NGINX --port 465 --tls implicit
	silent
}
