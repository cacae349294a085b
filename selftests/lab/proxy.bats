#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Clients that come by a proxy: HAProxy on a host of its own, before Postfix and
# Dovecot, which read its header as the sensors do.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/common.sh

servers() {
	if have_haproxy; then
		echo journald postfix haproxy
	else
		echo journald
	fi
}

before() {
	have_haproxy || skip "no haproxy"
}

# proxy_up [KEY VALUE...]: the daemon, which knows the proxy.
proxy_up() {
	conf rate 4/120s ban-time 1h proxies "$HAPROXY, $HAPROXY6" "$@"
	daemon_up
}

# fail_by PORT COUNT ADDRESS [OPTION...]: failed logins by HAProxy.
fail_by() {
	local port=$1 n=$2 from=$3 at=$HAPROXY
	shift 3
	[[ $from != *:* ]] || at=$HAPROXY6
	login_fail attacker $n --server $at --port $port --from $from "$@"
}

nobody_is_banned() {
	same "ban list" "$(banned)" ""
}

# Opens a connection by HAProxy that stays, with one failed login.
hold() { # NAME ADDRESS [OPTION...]
	rm -f $LAB/log/$1
	background $1 attacker python3 -B "$HELPER" hold --server $HAPROXY \
		--from "$2" --password wrong "${@:3}"
	until_true 10 grep -q ^open $LAB/log/$1 || {
		cat $LAB/log/$1
		return 1
	}
}

says() { # NAME WORD
	grep -q "^$2" $LAB/log/$1
}

after() {
	end one
	end two
	end haproxy_here
}

# Postfix says 421 where no header has come for five seconds.
no_greeting() { # ADDRESS [OPTION...]
	output=$(connects attacker --server $HAPROXY --from "$@" \
		--timeout $((2 * SLOW)) 2>&1) || true
	not has "$output" '^220'
}

# Banned with the fourth failure, not before: and it is he, not the proxy.
counted_by() { # PORT ADDRESS NET [OPTION...]
	local port=$1 from=$2 net=$3
	shift 3
	fail_by $port 3 $from "$@"
	same "counted of $from" "$(in_window $from)" 3
	nobody_is_banned
	fail_by $port 1 $from "$@"
	until_true 5 banned_are $net
	smtpxdp ban flush
}

@test "the client that HAProxy names is counted and banned: versions 1 and 2, IPv4 and IPv6" {
	proxy_up
	counted_by 587 198.51.100.10 198.51.100.10/32
	counted_by 588 198.51.100.11 198.51.100.11/32
	counted_by 1587 198.51.100.12 198.51.100.12/32
	counted_by 1588 198.51.100.13 198.51.100.13/32
	counted_by 3587 198.51.100.14 198.51.100.14/32
	counted_by 587 2001:db8:bad:1::7 2001:db8:bad:1::/64
	counted_by 588 2001:db8:bad:2::7 2001:db8:bad:2::/64
	counted_by 3587 2001:db8:bad:3::7 2001:db8:bad:3::/64
	no_problem
	same "nameless" "$(counter proxies-nameless)" 0
	same "unnamed" "$(counter failures-unnamed)" 0
	same "proxy" "$(why $HAPROXY .client)" null
}

@test "inside TLS that HAProxy passes through: STARTTLS, and TLS from the start" {
	proxy_up
	counted_by 465 198.51.100.10 198.51.100.10/32 --tls implicit
	counted_by 466 198.51.100.11 198.51.100.11/32 --tls implicit
	counted_by 1465 198.51.100.12 198.51.100.12/32 --tls implicit
	counted_by 588 198.51.100.13 198.51.100.13/32 --tls starttls
	counted_by 1588 198.51.100.14 198.51.100.14/32 --tls starttls
	counted_by 465 2001:db8:bad:1::7 2001:db8:bad:1::/64 --tls implicit
	counted_by 466 2001:db8:bad:2::7 2001:db8:bad:2::/64 --tls implicit
	same "unattributed" "$(counter tls-unattributed)" 0
	same "unnamed" "$(counter failures-unnamed)" 0
	login_ok attacker --server $HAPROXY --port 465 --from 198.51.100.20 \
		--tls implicit
	same "proxy" "$(why $HAPROXY .client)" null
	# and the door is shut: not even TLS begins
	fail_by 466 4 198.51.100.15 --tls implicit
	until_true 5 banned_are 198.51.100.15/32
	fails 1 fail_by 466 1 198.51.100.15 --tls implicit --timeout 2
	not has "$output" ^535
}

@test "a banned client is shut out at the proxy, and nobody else; ban list, why and journal say by which" {
	proxy_up
	hold one 198.51.100.10 --tries 1
	hold two 198.51.100.20 --tries 1
	has "$(smtpxdp why 198.51.100.20)" "^proxied +1 connection by the proxy $HAPROXY"
	fail_by 588 3 198.51.100.10
	until_true 5 banned_are 198.51.100.10/32
	# His open connection is cut, that of another stays.
	until_true 5 says one closed
	no_greeting 198.51.100.10
	no_greeting 198.51.100.10 --port 588
	connects attacker --server $HAPROXY --from 198.51.100.20
	same "two" "$(cat $LAB/log/two)" open
	[ "$(counter dropped-proxied)" -gt 0 ]
	has "$(smtpxdp ban list)" "4 failures in 2m via $HAPROXY"
	has "$(smtpxdp why 198.51.100.10)" "^banned .*via $HAPROXY"
	[ "$(why 198.51.100.10 .ban.dropped_packets)" -gt 0 ]
	has "$(journal SMTPXDP_EVENT=ban | jq -r .MESSAGE)" "via $HAPROXY"
	has "$(journal SMTPXDP_EVENT=cut | jq -r .MESSAGE)" 198.51.100.10
	# Nor is he let in by his own way, for it is he who is banned.
	vanished attacker --from 198.51.100.10
}

@test "the kernel drops him with the daemon dead, and bans there" {
	proxy_up
	fail_by 587 3 198.51.100.10
	daemon_down KILL
	fail_by 587 1 198.51.100.10
	banned_are 198.51.100.10/32
	no_greeting 198.51.100.10
	has "$output" 'TimeoutError|timed out|^421'
	connects attacker --server $HAPROXY --from 198.51.100.20
}

@test "bans by command: of the client, of his network; of a proxy never" {
	proxy_up
	hold one 198.51.100.10
	smtpxdp ban add 198.51.100.10
	until_true 5 says one closed
	no_greeting 198.51.100.10
	smtpxdp ban del 198.51.100.10
	connects attacker --server $HAPROXY --from 198.51.100.10
	hold one 198.51.100.10
	smtpxdp ban add 198.51.100.0/24
	until_true 5 says one closed
	no_greeting 198.51.100.10
	[ "$(smtpxdp ban list -j | jq '.[0].dropped_packets')" -gt 0 ]
	connects honest --server $HAPROXY
	fails 1 smtpxdp ban add $HAPROXY
	has "$output" 'of a proxy \(198.18.0.9/32 of the key proxies\), which is never banned'
	fails 1 smtpxdp ban add --force $HAPROXY6
	# What is around the proxy is banned, but for the proxy.
	smtpxdp ban add 198.18.0.0/24
	connects honest --server $HAPROXY
	has "$(smtpxdp allow list)" "^$HAPROXY/32 .*proxies"
	fails 1 smtpxdp allow del $HAPROXY
	has "$output" 'key proxies'
}

@test "what a proxy does not name is charged to nobody, and counted" {
	proxy_up
	login_fail attacker 6 --server $HAPROXY --port 2587
	nobody_is_banned
	same "unnamed" "$(counter failures-unnamed)" 6
	same "nameless" "$(counter proxies-nameless)" 6
	same "proxy" "$(why $HAPROXY '[.client, .ban, .group.name]' | jq -c .)" \
		'[null,null,"proxy"]'
	fails 1 smtpxdp status --check
	has "$output" "^$HAPROXY: 6 logins .*port 587 of $POSTFIX .*charged to nobody: it sends no header.*send-proxy"
	# A success says nothing of the proxy either.
	login_ok attacker --server $HAPROXY --port 2587
	same "proxy" "$(why $HAPROXY .client)" null
}

@test "a header from anybody else is not believed" {
	proxy_up
	for _ in 1 2 3 4; do
		at attacker python3 -B "$HELPER" auth --server $BEHIND --password wrong \
			--expect 535 --proxy "TCP4 $HONEST $BEHIND 4711 587"
	done
	until_true 5 banned_are $ATTACKER/32
	same "the one named" "$(why $HONEST .client)" null
}

@test "successes, users and credit are the client's" {
	proxy_up log-users yes log-failures yes
	fail_by 587 2 198.51.100.10
	fail_by 588 1 198.51.100.10 --user bob
	until_true 5 journal_has SMTPXDP_EVENT=failure SMTPXDP_USER=bob
	same "users" "$(journal SMTPXDP_EVENT=failure | jq -r .SMTPXDP_USER |
		sort | uniq -c | xargs)" "2 alice 1 bob"
	login_ok attacker --server $HAPROXY --from 198.51.100.10
	same "credit" "$(in_window 198.51.100.10)" 0
	same "successes" "$(why 198.51.100.10 .client.successes)" 1
	same "proxy" "$(why $HAPROXY .client)" null
}

@test "HAProxy on the mail host: loopback is watched, and nothing counts twice" {
	haproxy_here_up
	conf rate 4/120s ports "25, 587, 465, 10587, 10465" proxies 127.0.0.1 \
		log-users yes log-failures yes
	daemon_up
	same "interfaces" "$(smtpxdp status -j | jq -r '[.interfaces[].name] |
		sort | join(" ")')" "eth0 lo"
	no_problem
	login_fail attacker 3 --server $NGINX --from 198.51.100.10
	same "counted" "$(in_window 198.51.100.10)" 3
	until_true 5 journal_has SMTPXDP_EVENT=failure SMTPXDP_USER=alice
	login_fail attacker 1 --server $NGINX --from 198.51.100.10
	until_true 5 banned_are 198.51.100.10/32
	vanished attacker --server $NGINX --from 198.51.100.10
	login_fail attacker 3 --server $NGINX --from 198.51.100.11 --port 465 \
		--tls implicit
	same "inside TLS" "$(in_window 198.51.100.11)" 3
	login_ok attacker --server $NGINX --from 198.51.100.11 --port 465 \
		--tls implicit
	same "successes" "$(why 198.51.100.11 .client.successes)" 1
	login_fail attacker 4 --server $NGINX --from 198.51.100.11 --port 465 \
		--tls implicit
	until_true 5 banned_are "198.51.100.10/32 198.51.100.11/32"
}

@test "... without the key: the client who got the ServerHello is charged all the same" {
	haproxy_here_up
	conf rate 4/120s ports "25, 587, 465, 10587, 10465"
	daemon_up
	# No session has come directly, which would show where to look.
	login_fail attacker 3 --server $NGINX --from 198.51.100.10 --port 465 \
		--tls implicit
	login_fail attacker 2 --server $NGINX --from 198.51.100.11
	same "inside TLS" "$(in_window 198.51.100.10)" 3
	same "in the clear" "$(in_window 198.51.100.11)" 2
	nobody_is_banned
	no_problem
	login_fail attacker 1 --server $NGINX --from 198.51.100.10 --port 465 \
		--tls implicit
	until_true 5 banned_are 198.51.100.10/32
	vanished attacker --server $NGINX --from 198.51.100.10
	connects honest --server $NGINX
	# What this host itself tries is its own, and told.
	login_fail mail 24 --server $POSTFIX --port 465 --tls implicit
	fails 1 smtpxdp status --check
	has "$output" "^$POSTFIX: most failed logins are of this address .this host.*name it in proxies"
	until_true 5 journal_has SMTPXDP_EVENT=alarm
}

@test "without the key the proxy is not banned, but a problem with its remedy" {
	conf rate 4/120s
	daemon_up
	no_problem
	fail_by 587 3 198.51.100.10
	fail_by 588 3 198.51.100.10
	fail_by 465 3 198.51.100.10 --tls implicit
	fail_by 1588 3 198.51.100.10
	nobody_is_banned
	fails 1 smtpxdp status --check
	has "$output" "^$HAPROXY: it sends the PROXY protocol's header, .*takes it, but it is not in proxies: failures by it are charged to nobody; .*smtpxdp config set proxies $HAPROXY"
	until_true 5 journal_has SMTPXDP_EVENT=blind
	has "$(journal SMTPXDP_EVENT=blind | jq -r .MESSAGE)" "^$HAPROXY sends the header .*config set proxies"
	same "told once" "$(journal SMTPXDP_EVENT=blind | wc -l)" 1
	smtpxdp config set proxies $HAPROXY
	no_problem
	fail_by 587 4 198.51.100.10
	until_true 5 banned_are 198.51.100.10/32
}

@test "... nor is one that sends no header, where many accounts log in by it" {
	local n
	conf rate 4/120s
	daemon_up
	for n in $(seq 10); do
		echo "many$n:{PLAIN}secret$n" >>$LAB/users
	done
	until_true 5 login_ok honest --user many10 --password secret10
	for n in $(seq 10); do
		login_ok attacker --server $HAPROXY --port 2587 --user many$n \
			--password secret$n
	done
	fail_by 2587 4 198.51.100.10
	nobody_is_banned
	fails 1 smtpxdp status --check
	has "$output" "^$HAPROXY/32: a webmail or a gateway.*name it in proxies"
	login_ok attacker --server $HAPROXY --port 2587
}

@test "the key is live, and names files; whoever was banned is free once he is a proxy" {
	conf rate 4/120s
	daemon_up
	fail_by 2587 4 198.51.100.10
	until_true 5 banned_are $HAPROXY/32
	echo "$HAPROXY # HAProxy" >$LAB/proxies
	smtpxdp config set proxies "$LAB/proxies, $HAPROXY6"
	nobody_is_banned
	until_true 5 connects attacker --server $HAPROXY
	fail_by 587 4 198.51.100.10
	until_true 5 banned_are 198.51.100.10/32
	fails 1 smtpxdp config set proxies "$LAB/none"
	has "$output" "$LAB/none: cannot be read: .*take it out of proxies"
	fails 2 smtpxdp config set proxies 198.18.0.300
	smtpxdp config set proxies ""
	same "allowlist" "$(smtpxdp allow list | grep -c proxies)" 0
	fail_by 2587 4 198.51.100.11
	until_true 5 banned_are "198.18.0.9/32 198.51.100.10/32"
}
