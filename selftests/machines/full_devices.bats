#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Devices that no container has, each with a mail host behind it: failures are
# counted for the right client, banned at the Nth and not before, dropped; who was
# tried is known; status tells the truth. One machine with four NICs on one wire.
#
# full: each device takes an emulated machine half a minute
# vm: kernel trixie-amd64
# vm: root trixie-amd64
# vm: build trixie-amd64 deb

load guest.sh

M=$LAB/devices
RELEASE=trixie

setup_file() {
	local deb tap
	deb=$(package $RELEASE-amd64)
	ip netns add wire
	"$VM" start "$M" $RELEASE-amd64 --systemd --tree git \
		-f "$deb":/root/smtpxdp.deb \
		--nic wire/eth0,mtu=9000 --nic wire/eth1,mtu=9000 \
		--nic wire/eth2,mtu=9000 --nic wire/eth3,mtu=9000,model=e1000e
	ip -n wire link add wire type bridge
	for tap in eth0 eth1 eth2 eth3; do
		ip -n wire link set $tap master wire
	done
	ip -n wire link set wire mtu 9000 up
	in_vm 'dpkg -i /root/smtpxdp.deb 2>&1'
	device world_up
}

teardown_file() {
	guest_down
	ip netns del wire
}

setup() { :; }
teardown() { :; }

# device NAME [WORD...]: see full_devices.sh.
device() {
	in_vm bash selftests/machines/full_devices.sh "$@"
}

@test "a VLAN: at the device below it, and at its own" {
	device vlan
}

@test "... chosen by the daemon: the device below" {
	device vlan_chosen
}

@test "both at once: counted once, and who is tried is read at the lower one" {
	device stacked
}

@test "QinQ: at each of the three devices" {
	device qinq
}

@test "a bond, at itself and at its legs: also when it fails over" {
	device bond
}

@test "... chosen by the daemon: its legs, also one that comes, and one that fails" {
	device bond_chosen
}

@test "a VLAN of a bond, chosen by the daemon: the bond's legs" {
	device bond_vlan_chosen
}

@test "a bridge, at itself and at its port" {
	device bridge
}

@test "macvlan, at itself and below" {
	device macvlan
}

@test "WireGuard: a device without Ethernet headers" {
	device wireguard
}

@test "kernel TLS: a failure in it is counted" {
	device ktls
}

@test "e1000e, a NIC without native XDP: said so, and all works" {
	device e1000e
}

@test "jumbo frames on virtio: in several buffers" {
	device jumbo eth0 native
}

@test "jumbo frames on e1000e" {
	device jumbo eth3 generic
}

@test "queues that change while it is attached" {
	device queues
}
