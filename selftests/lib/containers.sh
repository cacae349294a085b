#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the .bats files share that have mail servers in containers: network, mount
# and PID namespaces of their own, a TLS library that is another file than the
# host's, ports published by NAT.

# shellcheck disable=SC2086,SC2119 # addresses hold no spaces; daemon_up takes options
# shellcheck source=selftests/tls/tls_common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tls/tls_common.sh"

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
	for name in relay held held-4 held-6 kept-4 kept-6; do
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

# shellcheck disable=SC2120 # a test gives it
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
		s|auth_failure_delay = .*|auth_failure_delay = $DOVECOT_DELAY|
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
