# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# A machine's network interfaces. --nic [NAMESPACE/]NAME[,KEY=VALUE...]: the host
# has the other end as the tap NAME in NAMESPACE; it comes and goes with the
# machine. The Nth --nic is ethN in the machine.

# nic_read SPEC: sets $ns, $name and, by its keys, $model, $queues, $mtu, ${gw[@]},
# ${addr[@]} and ${host[@]}.
nic_read() {
	local field fields
	IFS=, read -ra fields <<<"$1"
	name=${fields[0]} ns=
	[[ $name != */* ]] || ns=${name%%/*} name=${name#*/}
	# XDP takes a queue for each CPU, beside the stack's.
	model=virtio queues=$((2 * cpus)) mtu=1500 gw=() addr=() host=()
	for field in "${fields[@]:1}"; do
		case $field in
		model=*) model=${field#*=} ;;
		queues=*) queues=${field#*=} ;;
		mtu=*) mtu=${field#*=} ;;
		addr=*) addr+=("${field#*=}") ;;
		host=*) host+=("${field#*=}") ;;
		gw=*) gw+=("${field#*=}") ;;
		*) usage_error "--nic: what is $field?" ;;
		esac
	done
	case $model in
	virtio) ;;
	e1000e) queues=1 ;;
	*) usage_error "--nic: model is virtio or e1000e" ;;
	esac
}

nic_check() {
	local nic name ns model queues mtu addr gw host
	for nic in "${nics[@]}"; do
		nic_read "$nic"
	done
}

nic_mac() { # INDEX
	printf '52:54:00:12:34:%02x' "$1"
}

nic_modules() {
	local nic name ns model queues mtu addr gw host
	for nic in "${nics[@]}"; do
		nic_read "$nic"
		echo "${model/%virtio/virtio_net}"
	done
}

# What sets them up in a machine without systemd-networkd.
nic_commands() {
	local nic name ns model queues mtu addr gw host a i=0
	for nic in "${nics[@]}"; do
		nic_read "$nic"
		echo "ip link set eth$i mtu $mtu up"
		for a in "${addr[@]}"; do
			[[ $a != *:* ]] || a+=' nodad'
			echo "ip addr add dev eth$i $a"
		done
		for a in "${gw[@]}"; do
			echo "ip route add default via $a"
		done
		i=$((i + 1))
	done
}

# nic_units FOLDER: the same for systemd-networkd.
nic_units() {
	local nic name ns model queues mtu addr gw host i=0
	mkdir -p "$1"
	for nic in "${nics[@]}"; do
		nic_read "$nic"
		{
			printf '[Match]\nMACAddress=%s\n' "$(nic_mac $i)"
			printf '[Link]\nMTUBytes=%s\n' "$mtu"
			printf '[Network]\nIPv6AcceptRA=no\nLLDP=no\n'
			printf 'Address=%s\n' "${addr[@]}"
			[ ${#gw[@]} = 0 ] || printf 'Gateway=%s\n' "${gw[@]}"
		} >"$1/10-eth$i.network"
		i=$((i + 1))
	done
}

# Adds to ${qemu[@]}. qemu makes the taps, under names nobody has, where it runs;
# nic_connect moves them.
nic_devices() {
	local nic name ns model queues mtu addr gw host i=0 tap
	for nic in "${nics[@]}"; do
		nic_read "$nic"
		tap=tap,id=nic$i,ifname=vm$BASHPID.$i,script=no,downscript=no,vhost=off
		[ "$queues" = 1 ] || tap+=,queues=$queues
		qemu+=(-netdev "$tap")
		case $model in
		virtio) qemu+=(-device "virtio-net-pci,netdev=nic$i,mac=$(nic_mac $i),$(
			)mq=on,vectors=$((2 * queues + 2))") ;;
		e1000e) qemu+=(-device "e1000e,netdev=nic$i,mac=$(nic_mac $i)") ;;
		esac
		i=$((i + 1))
	done
}

# The taps, to where the caller wants them.
nic_connect() {
	local nic name ns model queues mtu addr gw host i=0 a tap where
	for nic in "${nics[@]}"; do
		nic_read "$nic"
		tap=vm$BASHPID.$i where=()
		[ -z "$ns" ] || where=(netns "$ns")
		until_true 10 ip link show "$tap" ||
			die "qemu has made no tap: $(tail -n 1 qemu.log)"
		ip link set "$tap" "${where[@]}" name "$name" ||
			die "cannot name the tap of --nic $nic"
		ip ${ns:+-n "$ns"} link set "$name" mtu "$mtu" up
		for a in "${host[@]}"; do
			[[ $a != *:* ]] || a+=' nodad'
			# shellcheck disable=SC2086 # two words
			ip ${ns:+-n "$ns"} addr add dev "$name" $a
		done
		i=$((i + 1))
	done
}
