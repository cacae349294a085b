#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Mail servers in containers of Docker and of Podman, as they come with Debian 13, in
# a machine of its own kernel: ports published by NAT, by Docker's proxy, and by
# what Podman has for ordinary users.
#
# full: Docker takes its time in an emulated machine
# vm: kernel trixie-amd64
# vm: root trixie-amd64-containers
# vm: build trixie-amd64 deb

# shellcheck disable=SC2016 # texts for the machine's shell
# shellcheck disable=SC2086 # addresses and names hold no spaces

load full_containers.sh

export RELEASE=trixie

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

@test "rootless Podman, by pasta: told; with servers, the right client" {
	users_podman_up
	users_box_is_protected $POSTFIX
}
