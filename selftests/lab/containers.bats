#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Mail servers in containers: network, mount and PID namespaces of their own, a
# TLS library that is another file than the host's, ports published by NAT. All
# with the settings of an installed smtpxdp.
#
# alone: under load, libraries are found too late to see the first session.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../tls/tls_common.sh

BOX=10.88.0.2
BOX6=fd88::2
PUBLIC=$BEHIND
PUBLIC6=$BEHIND6
LIBRARIES=$(dirname "$(find /usr/lib /usr/lib64 -name libssl.so.3 | head -n 1)")

servers() {
	echo journald postfix
}

after() {
	local name
	for name in relay held-4 held-6 kept-4 kept-6; do
		end $name
	done
	for name in box boxed.postfix boxed.dovecot; do
		end_box $name
	done
	ip -n mail link del to-box 2>/dev/null || true
	[ ! -e /run/netns/box ] || ip netns del box
	at mail nft flush ruleset 2>/dev/null || true
	daemon_env
	# The next container has the same file system.
	for name in "$LAB"/layer/*; do
		[ ! -d "$name" ] || until_true 10 mounts_again "${name##*/}" || true
	done
}

# The network as Docker makes it: a private one, to which ports of the host's
# public address lead, of IPv4 and of IPv6.
net_of_box() {
	at mail nft list ruleset >/dev/null || skip "no nftables"
	ip netns add box
	sysctl_at box ipv6/conf/all/accept_dad 0
	sysctl_at box ipv6/conf/default/accept_dad 0
	ip link add eth0 netns box type veth peer name to-box netns mail
	at mail ip addr add 10.88.0.1/24 dev to-box
	at mail ip addr add fd88::1/64 dev to-box nodad
	at mail ip link set to-box up
	at box ip addr add $BOX/24 dev eth0
	at box ip addr add $BOX6/64 dev eth0 nodad
	at box ip link set lo up
	at box ip link set eth0 up
	at box ip route add default via 10.88.0.1
	at box ip -6 route add default via fd88::1
	sysctl_at mail ipv4/ip_forward 1
	sysctl_at mail ipv6/conf/all/forwarding 1
}

publish() { # [PORT-INSIDE]
	at mail nft -f - <<-EOF
		table inet published {
		  chain pre {
		    type nat hook prerouting priority dstnat;
		    ip daddr $PUBLIC tcp dport 465 dnat ip to $BOX:465
		    ip daddr $PUBLIC tcp dport 587 dnat ip to $BOX:${1-587}
		    ip6 daddr $PUBLIC6 tcp dport 465 dnat ip6 to [$BOX6]:465
		    ip6 daddr $PUBLIC6 tcp dport 587 dnat ip6 to [$BOX6]:${1-587}
		  }
		}
	EOF
}

# boxed NAME COMMAND...: runs it in a container, whose root is a layer of its own
# above the host's: $LAB/layer/NAME.
boxed() {
	local name=$1
	shift
	[ -d $LAB/layer/$name ] || layer_of $name
	# shellcheck disable=SC2016 # the container's shell's
	background $name box unshare --mount --pid --fork --kill-child sh -c '
		mount -t overlay -o "$1" box "$2" || exit 1
		for dir in dev etc run sys; do
			mount --rbind /$dir "$2/$dir" || exit 1
		done
		mount -t proc proc "$2/proc" || exit 1
		root=$2
		shift 2
		exec chroot "$root" "$@"' sh "$(options_of $name)" $LAB/layer/$name/root "$@"
}

# Ends a container by its first process, which takes no other signal.
end_box() { # NAME
	local pid
	pid=$(cat $LAB/pid/$1 2>/dev/null) || return 0
	pkill -KILL -P "$pid" || true
	end $1
}

# The layer has copies of the TLS libraries: other inodes than the host's.
layer_of() { # NAME
	local layer=$LAB/layer/$1
	mkdir -p $layer/root $layer/work $layer/upper$LIBRARIES
	cp $LIBRARIES/libssl.so.3 $layer/upper$LIBRARIES
}

options_of() { # NAME
	echo "lowerdir=/,upperdir=$LAB/layer/$1/upper,workdir=$LAB/layer/$1/work,index=on"
}

# With index=on, a layer can be mounted again only when nobody has its file system.
mounts_again() { # NAME
	mount -t overlay -o "$(options_of $1)" again $LAB/layer/$1/root &&
		umount $LAB/layer/$1/root
}

box_up() { # MODE [OPTION...]
	net_of_box
	publish
	boxed box /usr/bin/python3 -B -c "$(cat $SERVERS)" "$@" --server ::
	until_true 10 listens box "[::]" 465
}

# Postfix and Dovecot as in the lab, each in a container of that network.
mail_box_up() {
	local from=$LAB/dovecot/dovecot.conf dir=$LAB/boxed

	net_of_box
	publish
	rm -f $LAB/log/boxed.*.log
	mkdir -p $dir/dovecot $dir/postfix/queue $dir/postfix/data
	sed -e "s|$LAB/dovecot|$dir/dovecot|g; s|$LAB/auth|$dir/auth|
		s|^listen = .*|listen = $BOX, $BOX6|
		s|log/dovecot|log/boxed.dovecot.log|
		s|submission_relay_host = .*|submission_relay_host = $BOX|" \
		-e '/inet_listener behind/,/}/d' $from >$dir/dovecot.conf
	[ "$1" = dovecot ] ||
		sed -i '/inet_listener submission/,/}/d
			s/protocols = .*/protocols =/' $dir/dovecot.conf
	cp -r $LAB/postfix/etc $dir/postfix
	sed -i -e "s|$LAB/postfix|$dir/postfix|g; s|$LAB/auth|$dir/auth|
		s|log/postfix|log/boxed.postfix.log|
		s|^inet_interfaces = .*|inet_interfaces = $BOX, $BOX6|" \
		$dir/postfix/etc/main.cf
	sed -i '/^[^ ]*:[0-9]* *inet/d' $dir/postfix/etc/master.cf
	chown postfix $dir/postfix/data
	boxed boxed.dovecot dovecot -F -c $dir/dovecot.conf
	until_true 10 test -S $dir/auth
	[ "$1" = dovecot ] ||
		boxed boxed.postfix postfix -c $dir/postfix/etc start-fg
	until_true 10 listens box $BOX 465
	until_true 10 listens box "[$BOX6]" 587
}

counted_is() { # ADDRESS FAILURES
	same "failures of $1" "$(why $1 '.client.failures // 0')" $2
}

# --- who is charged ---------------------------------------------------------

@test "a container's own library, its port published: from the first session on" {
	local mode
	for mode in memory asyncio; do
		box_up $mode
		attack --server $PUBLIC
		judge --exact || { echo "mode $mode"; return 1; }
		after
		daemon_wipe
		before
	done
}

@test "... another port inside, IPv4 and IPv6" {
	box_up memory
	at mail nft flush ruleset
	publish 465
	login_fail attacker 7 --server $PUBLIC --tls implicit
	login_fail attacker 9 --server $PUBLIC6 --tls implicit
	until_true 3 counted_is $ATTACKER6 9 || true
	counted_is $ATTACKER 7
	counted_is $ATTACKER6 9
	same "unattributed" "$(counter tls-unattributed)" 0
}

@test "Dovecot in a container: its clients are charged, banned, dropped" {
	mail_box_up dovecot
	login_fail attacker 6 --server $PUBLIC --tls starttls
	login_fail attacker 5 --server $PUBLIC6 --tls implicit --port 465
	login_ok honest --server $PUBLIC --tls starttls
	counted_is $ATTACKER 6
	counted_is $ATTACKER6 5
	same "unattributed" "$(counter tls-unattributed)" 0
	same "the log's" "$(grep -c 'auth failed' \
		$LAB/log/boxed.dovecot.log)" 11
	smtpxdp config set rate 3/60s
	login_fail attacker 4 --server $PUBLIC --tls starttls || true
	until_true 3 banned_are $ATTACKER/32
	vanished attacker --server $PUBLIC
	connects honest --server $PUBLIC
}

@test "Postfix in a container: its clients are charged, banned, dropped" {
	mail_box_up postfix
	login_fail attacker 6 --server $PUBLIC --tls starttls
	login_fail attacker 5 --server $PUBLIC6 --tls implicit --port 465
	login_ok honest --server $PUBLIC --tls starttls
	counted_is $ATTACKER 6
	counted_is $ATTACKER6 5
	same "unattributed" "$(counter tls-unattributed)" 0
	smtpxdp config set rate 3/60s
	login_fail attacker 4 --server $PUBLIC --tls starttls || true
	until_true 3 banned_are $ATTACKER/32
	vanished attacker --server $PUBLIC
	connects honest --server $PUBLIC
	no_problem
}

@test "a container that was there before the daemon" {
	end_protection
	box_up memory
	before
	attack --server $PUBLIC
	judge --exact
}

# As Docker's proxy for clients that NAT does not reach: the server's peer is the
# host itself.
@test "behind a proxy in user space, of a library that a direct session has shown" {
	local mode
	for mode in pool memory; do
		box_up $mode
		connects honest --server $PUBLIC --port 465 --tls implicit
		at mail nft flush ruleset
		{
			haproxy_head
			echo "listen box"
			echo " bind $NGINX:465"
			echo " server box $BOX:465"
		} >$LAB/relay.cfg
		background relay mail haproxy -db -f $LAB/relay.cfg
		until_true 10 listens mail $NGINX 465
		attack --server $NGINX
		judge --exact
		end relay
		after
		daemon_wipe
		before
	done
}

# --- open connections -------------------------------------------------------

# Opens connections that stay, two of each protocol.
hold() { # NAME NS SOURCE SOURCE6
	local name=$1 ns=$2
	rm -f $LAB/log/$name-4 $LAB/log/$name-6
	background $name-4 $ns python3 -B "$HELPER" hold --from $3 \
		--server $PUBLIC --tls starttls --connections 3 --timeout 60
	background $name-6 $ns python3 -B "$HELPER" hold --from $4 \
		--server $PUBLIC6 --connections 3 --timeout 60
	until_true 10 grep -q ^open $LAB/log/$name-4
	until_true 10 grep -q ^open $LAB/log/$name-6
}

open_in_box() { # ADDRESS
	at box ss -Htn state connected dst "$1" | wc -l
}

open_are() { # ADDRESS NUMBER
	same "connections of $1" "$(open_in_box "$1")" $2
}

lost() { # LOG PATTERN NUMBER
	same "lost ($2)" "$(grep -c "$2" $LAB/log/$1)" $3
}

@test "a banned client's connections are cut in the container, of Postfix" {
	mail_box_up postfix
	hold held attacker $ATTACKER $ATTACKER6
	hold kept honest $HONEST $HONEST6
	open_are $ATTACKER 3
	smtpxdp ban add $ATTACKER
	open_are $ATTACKER 0
	open_are "[$ATTACKER6]" 3
	smtpxdp config set rate 2/60s
	login_fail attacker 2 --server $PUBLIC6
	until_true 3 open_are "[$ATTACKER6]" 0 || open_are "[$ATTACKER6]" 0
	open_are $HONEST 3
	open_are "[$HONEST6]" 3
	until_true 3 journal_has SMTPXDP_EVENT=cut SMTPXDP_CONNECTIONS=3
	[ "$(counter connections-cut)" -ge 6 ]
	until_true 3 lost boxed.postfix.log "lost connection.*$ATTACKER" 3 ||
		lost boxed.postfix.log "lost connection.*$ATTACKER" 3
	login_ok honest --server $PUBLIC --tls starttls
}

@test "... of Dovecot, with tls = off, by the unit's user" {
	daemon_wipe
	conf rate 2/60s tls off
	as_user
	daemon_up
	same "user" "$(stat -c %U /proc/"$(daemon_pid)")" smtpxdp
	mail_box_up dovecot
	hold held attacker $ATTACKER $ATTACKER6
	hold kept honest $HONEST $HONEST6
	login_fail attacker 2 --server $PUBLIC6
	until_true 3 open_are "[$ATTACKER6]" 0 || open_are "[$ATTACKER6]" 0
	lacks "$(cat $LAB/log/smtpxdp)" 'cannot be cut'
	open_are $ATTACKER 3
	open_are "[$HONEST6]" 3
	smtpxdp ban add $ATTACKER
	open_are $ATTACKER 0
	open_are $HONEST 3
}

# --- when it goes -----------------------------------------------------------

libraries() {
	smtpxdp status -j | jq '.tls.libraries | length'
}

links() {
	find $PIN/links -name 'tls-*' | wc -l
}

descriptors() {
	find "/proc/$(daemon_pid)/fd" -type l | wc -l
}

libraries_are() { # NUMBER
	same "libraries" "$(libraries)" $1
}

as_before() { # LIBRARIES LINKS
	libraries_are $1 &&
		same "links" "$(links)" $2
}

@test "... which is removed: its probes go, its file system can be used again" {
	local n m
	n=$(libraries) m=$(links)
	box_up pool
	until_true 5 not libraries_are $n
	attack --server $PUBLIC
	judge --exact
	[ "$(links)" -gt $m ]
	not mounts_again box
	end_box box
	until_true 2 as_before $n $m || as_before $n $m
	until_true 2 mounts_again box || mounts_again box
}

# A process that listens is enough for its container's libraries to be probed.
@test "containers that come and go: each one's library is probed" {
	local n m fds
	n=$(libraries) m=$(links) fds=$(descriptors)
	net_of_box
	for _ in $(seq 32); do # of two files each: more than there is room for
		boxed box /usr/bin/python3 -S -c 'import signal, socket
server = socket.create_server(("10.88.0.2", 465))
signal.pause()'
		until_true 15 libraries_are $((n + 2)) || libraries_are $((n + 2))
		end_box box
		until_true 2 mounts_again box || mounts_again box
	done
	until_true 2 as_before $n $m || as_before $n $m
	same "descriptors" "$(descriptors)" $fds
}
