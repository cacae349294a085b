#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Mail servers in containers of Docker and of Podman, as they come with Debian, in
# a machine of its own kernel: ports published by NAT, and by Docker's proxy. The
# image is made of what the machine has: no registry is asked.
#
# full: Docker takes its time in an emulated machine
# vm: kernel trixie-amd64
# vm: root trixie-amd64-containers
# vm: build trixie-amd64 deb

# shellcheck disable=SC2016 # texts for the machine's shell
# shellcheck disable=SC2086 # addresses and names hold no spaces

load guest.sh

M=$LAB/host

setup_file() {
	local deb
	deb=$(package trixie-amd64)
	net_up
	# The machine has the addresses of this namespace.
	ip -n router link del to-mail
	ip netns del mail
	"$VM" start "$M" trixie-amd64 --root trixie-amd64-containers --systemd \
		--tree git --memory 3072 -f "$deb":/root/smtpxdp.deb --nic \
		"router/to-vm,addr=$POSTFIX/24,addr=$POSTFIX6/64,gw=$GATEWAY$(
		),gw=2001:db8:25::1,host=$GATEWAY/24,host=2001:db8:25::1/64"
	SMTPXDP_SLOW=$(in_vm 'echo $SMTPXDP_SLOW')
	export SMTPXDP_SLOW
	image | "$VM" exec "$M" -i -t 900 -- 'bash -e' || {
		in_vm tail -n 20 /root/setup.log
		return 1
	}
}

# A script for the machine: Python, its libraries, and what it serves.
image() {
	cat <<-'END'
	exec >/root/setup.log 2>&1 || exit
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y /root/smtpxdp.deb
	smtpxdp config set rate 6/1h
	smtpxdp config set compare-passwords no
	mkdir -p /run/lab
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 2 -subj /CN=mail.example -keyout /run/lab/key.pem \
		-out /run/lab/cert.pem
	lib=/usr/lib/$(readlink /usr/bin/python3)
	mkdir /root/image
	cp -rL --parents /usr/bin/python3 $lib $(ldd /usr/bin/python3 \
		$lib/lib-dynload/_{ssl,ctypes}.*.so |
		sed -n 's/^[^/]*[[:space:]]\(\/lib[^ ]*\) .*/\1/p' | sort -u) \
		/root/image
	tar -C /root/image -cf /root/image.tar .
	systemctl start docker
	docker import /root/image.tar mail
	podman import -q /root/image.tar mail
	END
}

teardown_file() {
	guest_down
	net_down
}

setup() {
	smtpxdp ban flush >/dev/null
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || {
		echo "--- the machine:"
		in_vm 'docker ps -a; podman ps -a; ss -Hltnp
			smtpxdp ban; smtpxdp clients; smtpxdp status --check
			journalctl -q --no-pager -n 30 -u smtpxdp' || true
	}
	in_vm 'docker rm -f box; podman rm -f -t 0 box' >/dev/null 2>&1
}

# The server by Docker or Podman, its port published.
box_up() { # docker|podman [ADDRESS]
	in_vm "$1 run -d --name box -p 587:587 \
		-v /src/smtpxdp/selftests/lib:/lab:ro -v /run/lab:/run/lab:ro \
		mail /usr/bin/python3 -B /lab/helper.py serve --server ${2-0.0.0.0} \
		--port 587 --tls starttls"
	until_true 3 connects honest --timeout 10 || served honest
}

served() { # NS [OPTION...]
	connects "$@" --timeout $((5 * SLOW))
}

fail() { # COUNT [OPTION...]
	login_fail attacker "$@" --timeout $((5 * SLOW))
}

failures_of() { # ADDRESS COUNT
	[ "$(why $1 .client.failures)" = $2 ]
}

charged() { # ADDRESS COUNT
	until_true 5 failures_of $1 $2 || same "failures of $1" \
		"$(why $1 .client.failures)" $2
}

# From the first session on: in the clear, inside TLS, until the ban.
is_protected() { # ADDRESS NETWORK [OPTION...]
	local a=$1 net=$2
	shift 2
	fail 2 --from $a "$@" --tls starttls
	charged $a 2
	fail 3 --from $a "$@"
	charged $a 5
	at attacker python3 -B "$HELPER" hold --source $a --timeout 600 "$@" \
		>$LAB/held 3>&- &
	until_true 60 grep -q open $LAB/held
	fail 1 --from $a "$@" --tls starttls || true
	until_true 10 banned_are $net
	vanished attacker --from $a "$@"
	until_true 60 grep -qE 'closed|Reset' $LAB/held || cat $LAB/held
	served honest "$@"
}

@test "Docker, as it comes: the way is shown; clients are charged, banned, dropped" {
	box_up docker
	has "$(smtpxdp status)" 'routed > docker0 > veth[0-9a-f]+ > container of python3'
	is_protected $ATTACKER $ATTACKER/32
	no_problem
}

# What Docker's proxy relays comes from the host itself.
@test "IPv6 by Docker's proxy, to a container without: from the first session on" {
	box_up docker
	is_protected $ATTACKER6 2001:db8:bad::/64 --server $POSTFIX6
	no_problem
}

@test "Docker without its proxy, IPv6 by NAT, too" {
	in_vm 'echo "{ \"userland-proxy\": false, \"ipv6\": true,
		\"fixed-cidr-v6\": \"fd00:d0c::/64\", \"ip6tables\": true,
		\"experimental\": true }" >/etc/docker/daemon.json
		systemctl restart docker'
	box_up docker ::
	is_protected $ATTACKER6 2001:db8:bad::/64 --server $POSTFIX6
	smtpxdp ban flush
	is_protected $ATTACKER $ATTACKER/32
	no_problem
}

@test "Podman, as it comes" {
	# Docker's rules drop what is forwarded for others.
	in_vm 'systemctl stop docker.socket docker
		iptables -P FORWARD ACCEPT'
	box_up podman
	has "$(smtpxdp status)" 'routed > podman0 > veth[0-9]+ > container of python3'
	is_protected $ATTACKER $ATTACKER/32
	no_problem
}
