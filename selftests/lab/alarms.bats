#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Alarms: clients get past the gate, hide behind an address that is never
# banned, or are not seen at all. Each must be told by `status --check` and by
# the journal; and honest traffic must raise none.

# shellcheck disable=SC2086,SC2119 # addresses and names hold no spaces

load ../lib/common.sh

before() {
	conf rate 5/60s max-bans-per-minute 1000
}

after() {
	local ns
	end box
	end any
	for ns in lan box; do
		[ ! -e /run/netns/$ns ] || ip netns del $ns
	done
	for ns in eth1 to-box docker0; do
		at mail ip link del $ns 2>/dev/null || true
	done
	at mail nft flush ruleset
	at router nft flush ruleset
	at mail ip link del br0 2>/dev/null || true
}

# Does status --check say it, in this check, about this thing?
alarmed() { # CHECK PATTERN
	smtpxdp status --check -j | jq -e --arg c "$1" --arg p "$2" '.ok == false and
		any(.problems[]; .check == $c and (.object + ": " + .problem +
			"; " + .remedy | test($p)))'
}

# The same, with exit code 1, soon, and in the journal.
alarm() { # CHECK PATTERN
	until_true 10 alarmed "$@" || {
		smtpxdp status --check
		return 1
	}
	fails 1 smtpxdp status --check
	has "$output" "$2"
	until_true 5 told "$2" || {
		journal
		return 1
	}
	has "$(smtpxdp metrics)" "smtpxdp_problems\{check=\"$1\"\} [1-9]"
}

told() { # PATTERN
	journal SMTPXDP_EVENT=alarm | jq -r .MESSAGE | grep -qE "$1"
}

# A client on a second interface of the mail host, without a default route.
second_nic() {
	ip netns add lan
	ip link add eth1 netns mail type veth peer name eth0 netns lan
	at mail ip addr add 198.18.5.1/24 dev eth1
	at mail ip link set eth1 up
	at lan ip addr add 198.18.5.7/24 dev eth0
	at lan ip link set eth0 up
	at lan ip route add default via 198.18.5.1
}

@test "honest traffic, and an attacker who is banned: no alarm" {
	daemon_up
	silent
	for _ in 1 2 3; do
		login_ok honest --user bob --password hunter2
		login_ok honest --tls starttls
		login_fail honest 1
	done
	# More connections than it takes: some failures come after the ban.
	login_fail attacker 12 || true
	login_fail attacker 12 --source 198.51.100.8 --tls starttls || true
	vanished attacker
	sleep 7
	vanished attacker --source 198.51.100.8
	login_ok honest
	silent
}

@test "a banned client comes in by another interface" {
	second_nic
	daemon_up
	login_fail lan 5 --tls starttls
	until_true 5 banned_are 198.18.5.7/32
	sleep 5.5 # a connection from before its ban may still come about
	connects lan
	alarm passes '198.18.5.7: it is banned.*port 587 by eth1.*interfaces'
	# He is one of those who are not seen: it is not over in a minute.
	login_ok honest
	alarmed passes 198.18.5.7
}

@test "a banned client comes by a port that is redirected" {
	printf 'table ip t {
		chain pre {
			type nat hook prerouting priority dstnat;
			tcp dport 26 redirect to :587
		}
	}' | at mail nft -f -
	daemon_up
	login_fail attacker 5 --port 26 --tls starttls
	until_true 5 banned_are $ATTACKER/32
	sleep 5.5
	connects attacker --port 26
	alarm passes "$ATTACKER: it is banned.*eth0.*ports"
}

@test "a banned client goes on in the session that it has" {
	second_nic
	conf rate 5/60s cut-sessions no allow 203.0.113.0/24
	daemon_up
	# auth_line N: a login with a password of its own
	auth_line() {
		printf 'AUTH PLAIN %s\r\n' "$(printf '\0alice\0wrong%d' "$1" | base64)"
	}
	{
		sleep 1
		printf 'EHLO x\r\n'
		for i in 1 2 3 4 5 6; do
			auth_line $i
			sleep 0.2
		done
		sleep 22
		for i in 7 8 9 10; do
			auth_line $i
			sleep 0.2
		done
		sleep 1
	} | at lan timeout 45 openssl s_client -quiet -starttls smtp \
		-connect $POSTFIX:587 >$BATS_TEST_TMPDIR/said 2>&1 || true
	same "refusals" "$(grep -c '^535' $BATS_TEST_TMPDIR/said)" 10
	alarm passes '198.18.5.7: it is banned, and its logins .*go on'
}

# A mail server in a network namespace of its own, box; its link, to-box, is in
# the mail host's.
box_up() { # ADDRESS/LEN [serve OPTION...]
	local address=$1
	shift
	lab_certificate
	[ -e /run/netns/box ] || ip netns add box
	ip link add eth0 netns box type veth peer name to-box netns mail
	at box ip link set lo up
	at box ip link set eth0 up
	at box ip addr add $address dev eth0
	at mail ip link set to-box up
	background box box /usr/bin/python3 -B "$HELPER" serve --port 587 \
		--server ${address%/*} --tls starttls "$@"
	until_true 10 listens box ${address%/*} 587
}

# As on Proxmox: the host's bridge has its interface and the container's.
bridged_box_up() {
	second_nic
	at mail ip addr flush dev eth1
	box_up 198.18.5.25/24
	at mail ip link add br0 type bridge
	at mail ip link set br0 up
	at mail ip link set eth1 master br0
	at mail ip link set to-box master br0
	at mail ip addr add 198.18.5.1/24 dev br0
	until_true 5 connects lan --server 198.18.5.25
}

@test "a container behind a bridge: banned, but the bridge is what is watched" {
	bridged_box_up
	conf rate 5/60s
	daemon_up -i eth0 -i br0
	login_fail lan 5 --server 198.18.5.25 --tls starttls
	until_true 5 banned_are 198.18.5.7/32
	sleep 5.5
	connects lan --server 198.18.5.25
	alarm passes '198.18.5.7: it is banned.*bridge, the port'
}

@test "a container behind a bridge: nobody sees its clients" {
	bridged_box_up
	daemon_up -i eth0 -i br0
	login_fail lan 6 --server 198.18.5.25
	alarm ways 'port 587: .*in another network namespace.*198.18.5.7.*bridge'
	daemon_wipe
	before
	daemon_up -i eth0 -i eth1
	login_fail lan 6 --server 198.18.5.25 || true
	until_true 5 banned_are 198.18.5.7/32
	not alarmed ways 'another network namespace'
}

made_again() { # NS INODE
	ip netns add $1
	[ "$(stat -L -c %i /run/netns/$1)" = $2 ] || {
		ip netns del $1
		return 1
	}
}

# A namespace's inode has the lowest number that is free.
@test "... that is gone; the next one has its network namespace's number: no alarm" {
	local inode
	bridged_box_up
	daemon_up -i eth0 -i br0
	login_fail lan 6 --server 198.18.5.25
	alarm ways 'port 587: .*in another network namespace'
	inode=$(stat -L -c %i /run/netns/box)
	end box
	ip netns del box
	until_true 10 made_again box $inode
	at lan ip neigh flush dev eth0
	box_up 198.18.5.25/24
	at mail ip link set to-box master br0
	not alarmed ways 'another network namespace'
	until_true 5 connects lan --server 198.18.5.25
	not alarmed ways 'another network namespace'
	login_fail lan 5 --server 198.18.5.25
	alarm ways 'port 587: .*in another network namespace'
}

# As rootless Podman's: pasta has accepted its client here before, and gives it the
# client's address. Here, the client is in there, too.
users_box() { # COMMAND...: by its user, or by root where none may
	rm -f $LAB/log/users
	background users mail "$@" unshare --user --map-root-user --net sh -c '
		ip link set lo up
		ip addr add '$NGINX'/32 dev lo
		ip addr add '$ATTACKER'/32 dev lo
		exec /usr/bin/python3 -S -c "import socket, time
server = socket.create_server((\"'$NGINX'\", 587))
clients = [socket.create_connection(server.getsockname(), 5, (\"'$ATTACKER'\", 0))
           for _ in range(6)]
print(server.accept()[1][0], flush=True)
time.sleep(1000)"'
	until_true 10 grep -q "^$ATTACKER" $LAB/log/users
}

@test "a container of an ordinary user: who reaches it was accepted here before" {
	daemon_up
	users_box setpriv --reuid 64997 --regid 64997 --clear-groups
	not alarmed ways 'another network namespace'
	end users
	users_box
	until_true 5 alarmed ways 'another network namespace'
	end users
}

# As Docker does it: a private network, and a port of the host's address leads
# to the container.
published_box_up() {
	box_up 10.77.0.2/24
	at mail ip addr add 10.77.0.1/24 dev to-box
	at box ip route add default via 10.77.0.1
	sysctl_at mail ipv4/ip_forward 1
	printf 'table ip t {
		chain pre {
			type nat hook prerouting priority dstnat;
			ip daddr %s tcp dport 587 dnat to 10.77.0.2
		}
	}' $NGINX | at mail nft -f -
	until_true 5 connects honest --server $NGINX
}

@test "a container with a published port, and tls = own: its TLS goes by unseen" {
	published_box_up
	conf rate 64/1h slow-rate off tls own
	daemon_up
	for _ in 1 2 3 4 5 6 7; do
		login_fail attacker 1 --server $NGINX --tls starttls
		sleep 1
	done
	alarm tls 'port 587: .*no probe sees.*set tls to auto'
	same "unattributed" "$(counter tls-unattributed)" 0
}

@test "TLS that is seen, of libraries and servers of all kinds: no alarm" {
	conf rate 64/1h slow-rate off
	daemon_up
	for _ in 1 2 3 4 5 6 7; do
		login_ok honest --tls starttls
		login_ok honest --tls implicit --port 465
		login_ok honest --server $DOVECOT --tls starttls
		login_fail honest 1 --server $DOVECOT --tls starttls
		# Only the certificate is wanted, as scanners do.
		at honest timeout 1 openssl s_client -starttls smtp \
			-connect $POSTFIX:587 </dev/null >/dev/null 2>&1 || true
		at honest timeout 1 openssl s_client -connect $POSTFIX:465 \
			</dev/null >/dev/null 2>&1 || true
	done
	silent
	same "unattributed" "$(counter tls-unattributed)" 0
}

@test "failures inside TLS that nobody can be charged with" {
	second_nic
	daemon_up
	login_fail lan 6 --server $DOVECOT --tls starttls
	[ "$(counter tls-unattributed)" -ge 5 ]
	alarm tls 'clients: .*which client tried is not known'
}

@test "all clients are masqueraded by the gateway" {
	printf 'table ip t {
		chain post {
			type nat hook postrouting priority srcnat;
			oifname "to-mail" masquerade
		}
	}' | at router nft -f -
	daemon_up
	login_fail attacker 25
	login_ok honest
	alarm exempt "$GATEWAY: most failed logins .*gateway.*masquerad"
	has "$(smtpxdp why $GATEWAY)" '^uncounted +25,'
	has "$(smtpxdp why $ATTACKER)" "^behind +perhaps $GATEWAY: 25 failures"
	same "as JSON" "$(why $ATTACKER .behind.address)" $GATEWAY
	same "counted there" "$(why $GATEWAY .uncounted.failures)" 25
}

@test "webmail on the allowlist, whose users mistype: no alarm" {
	conf rate 5/60s allow $HONEST
	daemon_up
	for _ in 1 2 3; do
		login_fail honest 8
		for _ in 1 2 3; do
			login_ok honest
			login_ok honest
			login_ok honest
			login_ok honest
		done
	done
	silent
	has "$(smtpxdp why $HONEST)" '^uncounted +24,'
	login_fail honest 30
	alarm exempt "$HONEST: most failed logins .*config.*allowlist"
}

@test "a mail port is listened on where no watched interface leads" {
	second_nic
	background any mail /usr/bin/python3 -B "$HELPER" serve --port 2525 \
		--server 0.0.0.0
	until_true 10 listens mail 0.0.0.0 2525
	daemon_up
	alarm ways 'eth1: port 2525 is listened on at its address 198.18.5.1.*interfaces'
	daemon_down
	conf allow 198.18.5.0/24
	daemon_up
	until_true 5 silent_now
	end any
	connects lan
	silent_now
	conf rate 5/60s
	daemon_down
	daemon_up
	alarm ways 'eth1: a client of port 587 has come in here .198.18.5.7'
}

silent_now() {
	smtpxdp status --check
}

@test "containers that send by the host's mail server: no alarm" {
	box_up 172.17.0.2/16
	at mail ip link add docker0 type bridge
	at mail ip link set docker0 up
	at mail ip link set to-box master docker0
	at mail ip addr add 172.17.0.1/16 dev docker0
	at box ip route add default via 172.17.0.1
	background any mail /usr/bin/python3 -B "$HELPER" serve --port 2525 \
		--server 0.0.0.0
	until_true 10 listens mail 0.0.0.0 2525
	daemon_up
	until_true 5 connects box --server 172.17.0.1 --port 2525
	for _ in 1 2 3 4 5 6; do
		connects box --server 172.17.0.1 --port 2525
		at mail /usr/bin/python3 -B "$HELPER" connect --server 172.17.0.2
	done
	silent
}

@test "a group's file cannot be read any more" {
	echo 198.51.100.0/24 >$BATS_TEST_TMPDIR/strict
	chmod 755 $BATS_TEST_TMPDIR
	conf strict-nets $BATS_TEST_TMPDIR/strict
	daemon_up
	silent
	echo rubbish >$BATS_TEST_TMPDIR/strict
	alarm groups "strict: it cannot be read.*1 networks.*stay in force"
	echo 198.51.100.0/24 >$BATS_TEST_TMPDIR/strict
	until_true 10 silent_now
	until_true 5 journal_has SMTPXDP_EVENT=alarm-ended
}

@test "the ban list is nearly full" {
	conf max-bans 1024
	daemon_up
	for i in $(seq 0 3); do
		for j in $(seq 1 235); do
			echo 198.18.$i.$j
		done
	done >$BATS_TEST_TMPDIR/many
	head -n 915 $BATS_TEST_TMPDIR/many | smtpxdp ban load -
	silent
	smtpxdp ban load - <$BATS_TEST_TMPDIR/many
	alarm room 'bans: .*nearly full: 940 of 1024.*max-bans'
}

@test "the brake holds bans back" {
	conf rate 2/60s max-bans-per-minute 2
	daemon_up
	for n in 10 11 12 13; do
		login_fail attacker 2 --source 198.51.100.$n
	done
	alarm brake 'max-bans-per-minute'
}
