#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# full_containers.bats on Debian 12, with its Docker (20.10), its Podman (4.3) and
# its kernel.
#
# full: Docker takes its time in an emulated machine
# vm: kernel bookworm-amd64
# vm: root bookworm-amd64-containers
# vm: build bookworm-amd64 deb

# shellcheck disable=SC2016 # texts for the machine's shell
# shellcheck disable=SC2086 # addresses and names hold no spaces

load full_containers.sh

export RELEASE=bookworm

@test "Debian 12: Docker, as it comes: clients are charged, banned, dropped" {
	box_up docker
	has "$(smtpxdp status)" 'routed > docker0 > veth[0-9a-f]+ > container of python3'
	is_protected $ATTACKER $ATTACKER/32
	no_problem
}

@test "Debian 12: IPv6 by Docker's proxy: from the first session on" {
	box_up docker
	is_protected $ATTACKER6 2001:db8:bad::/64 --server $POSTFIX6
	no_problem
}

@test "Debian 12: Podman, as it comes" {
	in_vm 'systemctl stop docker.socket docker
		iptables -P FORWARD ACCEPT'
	box_up podman
	is_protected $ATTACKER $ATTACKER/32
	no_problem
}

# Its forwarder connects to the container from the container's own address.
@test "Debian 12: rootless Podman, by slirp4netns: told; with servers, the right client" {
	users_podman_up
	users_box_is_protected "$POSTFIX, 10.0.2.100"
}
