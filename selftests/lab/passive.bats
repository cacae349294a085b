#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Who speaks for a mail server: only a socket that it has accepted. Servers in
# other network namespaces, of users without rights, behind NAT; and whoever
# would like to have a stranger banned.
#
# alone: its storms of packets and processes would slow down others.

# shellcheck disable=SC2086 # no spaces in names and addresses

load ../lib/common.sh

STRANGERS=$LAB_ROOT/selftests/lib/strangers.py
BOX=10.99.0.2
OWN=10.98.0.2
USER=65534
: "${SEED=$RANDOM}" "${STEPS=200}"

before() {
	conf rate 64/1h slow-rate off log-failures yes
	daemon_up
}

after() {
	local name
	for name in served other own older sink storm; do
		end $name
	done
	if [ -e /run/netns/box ]; then
		ip netns del box
		at router ip route del 10.99.0.0/24
	fi
	at router ip route del 10.98.0.0/24 2>/dev/null || true
	[ ! -e /run/netns/far ] || ip netns del far
	ip -n mail link del br0 2>/dev/null || true
	at mail nft flush ruleset 2>/dev/null || true
}

# A namespace behind the mail host, which routes: its traffic passes eth0.
box_up() {
	ip netns add box
	ip link add eth0 netns box type veth peer name to-box netns mail
	at mail ip addr add 10.99.0.1/24 dev to-box
	at mail ip link set to-box up
	at box ip addr add $BOX/24 dev eth0
	at box ip link set eth0 up
	at box ip link set lo up
	at box ip route add default via 10.99.0.1
	at router ip route add 10.99.0.0/24 via $POSTFIX
	sysctl_at mail ipv4/ip_forward 1
}

# The same, of a user who has made it himself; root gives it a way out.
own_up() {
	background own mail setpriv --reuid $USER --regid $USER --clear-groups \
		unshare --user --map-root-user --net sleep 1000
	until_true 10 own_is_there
	ip -n mail link add to-own type veth peer name eth0 netns "$(own_pid)"
	at mail ip addr add 10.98.0.1/24 dev to-own
	at mail ip link set to-own up
	in_own sh -c "ip addr add $OWN/24 dev eth0 && ip link set eth0 up &&
		ip link set lo up && ip route add default via 10.98.0.1"
	at router ip route add 10.98.0.0/24 via $POSTFIX
	sysctl_at mail ipv4/ip_forward 1
}

own_pid() {
	cat $LAB/pid/own
}

own_is_there() {
	[ "$(cat /proc/"$(own_pid)"/comm)" = sleep ]
}

in_own() {
	nsenter --target "$(own_pid)" --user --net -- "$@"
}

# serve NAME NS USER ADDRESS PORT: a mail server that refuses every login.
serve() {
	background $1 $2 setpriv --reuid $3 --regid $3 --clear-groups \
		/usr/bin/python3 -B -c "$(cat $HELPER)" serve --server $4 --port $5
	until_true 10 listens $2 $4 $5
}

counts() { # WHAT FAILURES
	until_true 3 same "$1" "$(counter failures)" $2 ||
		same "$1" "$(counter failures)" $2
}

innocent() {
	same "failures counted" "$(counter failures)" 0
	same "successes" "$(counter successes)" 0
	same "clients" "$(smtpxdp clients -j)" '[]'
	same "ban list" "$(banned)" ''
	same "randoms" "$(entries tls_hellos)" 0
	same "regulars" "$(entries regulars)" 0
}

entries() { # MAP
	bpftool map dump pinned $PIN/current/$1 -j | jq length
}

@test "a user without rights serves 2525: not believed, and told" {
	lab_certificate
	serve served mail $USER $NGINX 2525
	login_fail attacker 3 --server $NGINX --port 2525
	login_fail attacker 3 --server $NGINX --port 2525 --tls starttls
	innocent
	same "processes" "$(entries mail_procs)" 0
	[ "$(counter out-unproved)" -ge 6 ]
	fails 1 smtpxdp status --check
	has "$output" "^$NGINX port 2525: .*ordinary user.*add $NGINX to the key"
	smtpxdp config set servers $NGINX
	smtpxdp status --check
	login_fail attacker 3 --server $NGINX --port 2525
	login_fail attacker 3 --server $NGINX --port 2525 --tls starttls
	counts "when it is named" 6
}

@test "... root does, or the user of a service: believed" {
	local user n=0
	for user in 0 33 61200; do
		serve served mail $user $NGINX 2525
		login_fail attacker 3 --server $NGINX --port 2525
		end served
		n=$((n + 3))
		counts "user $user" $n
	done
	smtpxdp status --check
}

@test "connections older than the sensor: believed where to listen takes a right" {
	end_protection
	serve served mail 0 $NGINX 2525
	serve other mail 0 $NGINX 25
	mkfifo $LAB/go
	background older attacker /usr/bin/python3 -B $STRANGERS older \
		--server $NGINX --until $LAB/go --ports 25 2525
	until_true 10 grep -q connected $LAB/log/older
	before
	: >$LAB/go
	until_true 10 gone "$(cat $LAB/pid/older)"
	same "refused" "$(grep -c ^535 $LAB/log/older)" 2
	rm $LAB/go
	counts "of the one on 25" 1
	login_fail attacker 1 --server $NGINX --port 2525
	counts "and a new one on 2525" 2
}

@test "a restart forgets no mark" {
	serve served mail 0 $NGINX 2525
	mkfifo $LAB/go
	background older attacker /usr/bin/python3 -B $STRANGERS older \
		--server $NGINX --until $LAB/go --ports 2525
	until_true 10 grep -q connected $LAB/log/older
	daemon_down KILL
	daemon_up
	: >$LAB/go
	until_true 10 gone "$(cat $LAB/pid/older)"
	rm $LAB/go
	counts "of the older one" 1
}

@test "a container that the host routes for" {
	box_up
	serve served box 0 $BOX 25
	login_fail attacker 3 --server $BOX --port 25
	counts "of root there" 3
	serve other box $USER $BOX 2525
	login_fail attacker 3 --server $BOX --port 2525
	counts "of a user there" 6
	smtpxdp status --check
}

@test "... behind NAT that changes the server's address and port" {
	at mail nft list ruleset || skip "no nftables"
	box_up
	at mail nft -f - <<-EOF
		table ip nat {
		  chain pre {
		    type nat hook prerouting priority -100;
		    ip daddr $NGINX tcp dport 587 dnat to $BOX:2525
		  }
		  chain post {
		    type nat hook postrouting priority 100;
		  }
		}
	EOF
	serve served box $USER $BOX 2525
	login_fail attacker 3 --server $NGINX --port 587 --tries 2
	counts "through NAT" 6
}

@test "... on a bridge, at the port that leads out" {
	box_up
	ip netns add far
	at mail ip addr flush dev to-box
	ip -n mail link add br0 type bridge || skip "no bridges"
	ip -n mail link add up0 type veth peer name eth0 netns far
	for port in to-box up0; do
		ip -n mail link set $port master br0
		ip -n mail link set $port up
	done
	ip -n mail link set br0 up
	at far ip addr add 10.99.0.9/24 dev eth0
	at far ip link set eth0 up
	daemon_wipe
	conf rate 64/1h slow-rate off
	daemon_up -i up0
	serve served box $USER $BOX 2525
	login_fail far 3 --server $BOX --port 2525
	counts "by the bridge" 3
	background sink far python3 -B $HELPER sink --server 10.99.0.9
	until_true 10 listens far 10.99.0.9 80
	at box /usr/bin/python3 -B $HELPER frame --server 10.99.0.9 --port 80 \
		--tries 10 --source $BOX --source-port 587
	counts "and no outgoing one" 3
	[ "$(counter out-unproved)" -ge 10 ]
}

@test "... who connects out from a mail port there, or sends raw, frames nobody" {
	smtpxdp config set rate 3/60s
	box_up
	serve served box 0 $BOX 25
	background sink honest python3 -B $HELPER sink
	until_true 10 listens honest $HONEST 80
	at box /usr/bin/python3 -B $HELPER frame --server $HONEST --port 80 \
		--tries 10 --source $BOX --source-port 587
	innocent
	[ "$(counter out-unproved)" -ge 10 ]
	fails 1 smtpxdp status --check
	has "$output" "^$BOX port 587: .*through this host"
}

@test "a container in a user namespace: not believed, until it is named" {
	own_up
	background other mail nsenter --target "$(own_pid)" --user --net -- \
		/usr/bin/python3 -B -c "$(cat $HELPER)" serve --server $OWN --port 25
	until_true 10 connects attacker --server $OWN --port 25
	login_fail attacker 3 --server $OWN --port 25
	innocent
	fails 1 smtpxdp status --check
	has "$output" "^$OWN port 25: .*add $OWN to the key"
	smtpxdp config set servers 10.98.0.0/24
	smtpxdp status --check
	login_fail attacker 3 --server $OWN --port 25
	counts "when it is named" 3
}

@test "... where a user plays a stranger's part himself" {
	daemon_down
	conf rate 3/60s
	daemon_up
	own_up
	in_own ip addr add $HONEST/32 dev lo
	lab_certificate
	in_own /usr/bin/python3 -B -c "$(cat $STRANGERS)" within --server $OWN \
		--port 25 --victims $HONEST
	background other mail nsenter --target "$(own_pid)" --user --net -- \
		/usr/bin/python3 -B -c "$(cat $HELPER)" serve --server $OWN --port 25
	until_true 10 in_own /usr/bin/python3 -B -c "$(cat $HELPER)" connect \
		--server $OWN --port 25
	in_own /usr/bin/python3 -B -c "$(cat $HELPER)" auth --server $OWN \
		--port 25 --source $HONEST --tls starttls --tries 5 \
		--password wrong --expect 535
	innocent
	same "processes" "$(entries mail_procs)" 0
}

@test "... nor is an alarm raised for who comes to him there" {
	own_up
	in_own ip addr add $HONEST/32 dev lo
	in_own ip addr add $ATTACKER/32 dev lo
	smtpxdp ban add $ATTACKER
	background other mail nsenter --target "$(own_pid)" --user --net -- \
		/usr/bin/python3 -B -c "$(cat $HELPER)" serve --server $OWN --port 25
	until_true 10 in_own /usr/bin/python3 -B -c "$(cat $HELPER)" connect \
		--server $OWN --port 25
	sleep 6 # so old has a ban to be before whoever comes in is told
	for victim in $HONEST $ATTACKER; do
		in_own /usr/bin/python3 -B -c "$(cat $HELPER)" connect \
			--server $OWN --port 25 --source $victim
	done
	silent
	# Where the server is named, it is a server.
	smtpxdp config set servers $OWN
	in_own /usr/bin/python3 -B -c "$(cat $HELPER)" connect \
		--server $OWN --port 25 --source $ATTACKER
	fails 1 smtpxdp status --check
	has "$output" "$ATTACKER"
}

# Packets and processes at random: strangers.py. SEED and STEPS say which.
@test "what no accepted socket sent changes nothing" {
	local live victims="$HONEST $ATTACKER 198.51.100.8"
	echo "# SEED=$SEED STEPS=$STEPS" >&3
	smtpxdp config set rate 3/60s
	box_up
	serve served mail 0 $NGINX 25
	serve other box 0 $BOX 25
	background sink honest python3 -B $HELPER sink
	until_true 10 listens honest $HONEST 80
	for server in $NGINX $BOX; do
		background hold-$server attacker python3 -B $HELPER hold \
			--server $server --port 25 --connections 3
		until_true 10 held $server
	done
	# Root's packets, with those connections' addresses and ports, too.
	for ns in mail box; do
		live=$(at $ns ss -Htn state established "sport = :25" |
			awk '{ print $3 "," $4 }')
		[ -n "$live" ]
		at $ns /usr/bin/python3 -B $STRANGERS storm --seed $SEED \
			--steps $((10 * STEPS)) --victims $victims --live $live \
			--sources $NGINX $BOX --mac "$(mac_of_way_out $ns)"
	done
	# Others' processes; somebody connects to them all the time.
	background storm attacker python3 -B $HELPER knock --server $NGINX --port 2525
	at mail /usr/bin/python3 -B -c "$(cat $STRANGERS)" storm --uid $USER \
		--seed $SEED --steps $STEPS --victims $HONEST --sources $NGINX $POSTFIX
	end storm
	for server in $NGINX $BOX; do
		end hold-$server
	done
	innocent
	[ "$(counter out-unproved)" -gt 100 ]
	[ "$(counter out-outgoing)" -gt 50 ]
}

held() { # SERVER
	[ "$(at attacker ss -Htn state established "dst $1" | wc -l)" = 3 ]
}

# The next hop's hardware address.
mac_of_way_out() { # NS
	local via
	via=$(at $1 ip -j route show default | jq -r '.[0].gateway')
	at $1 ip -j neigh show $via | jq -r '.[0].lladdr' | tr -d :
}
