#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# PID 1 of the initramfs. A quick machine stays in it; a whole one goes on to the
# root on its first disk, with everything that is ours below /run.

/bin/busybox --install -s /bin
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root TERM=dumb LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r m; do
	insmod /vm/modules/"$m" || echo "vm: insmod $m failed"
done </vm/order

# A disk is there a moment after its driver.
await() { # DEVICE
	n=0
	until [ -b "$1" ] || [ $n = 100 ]; do
		sleep 0.1
		n=$((n + 1))
	done
}

mounts() { # ROOT
	mkdir -p "$1"/dev/pts "$1"/dev/shm
	mount -t devpts devpts "$1"/dev/pts
	mount -t tmpfs tmpfs "$1"/dev/shm
	mount -t tmpfs tmpfs "$1"/tmp
	mount -t cgroup2 cgroup2 "$1"/sys/fs/cgroup
	mount -t bpf bpf "$1"/sys/fs/bpf
	mount -t debugfs debugfs "$1"/sys/kernel/debug
	mount -t tracefs tracefs "$1"/sys/kernel/tracing
	ln -s /proc/self/fd "$1"/dev/fd
	for n in 0:stdin 1:stdout 2:stderr; do
		ln -s /proc/self/fd/${n%:*} "$1"/dev/${n#*:}
	done
	hostname vm
}

quick() {
	mkdir -p /tmp /run /root /var /src/smtpxdp
	mounts ''
	mount -t tmpfs tmpfs /run
	cp -r /vm /run/
	ip link set lo up
	export VM_SHELL=sh
	sh /run/vm/network
	sh /run/vm/agent.sh
}

# The file systems are told by their place: root, modules, tree.
whole() {
	await /dev/vda
	mount -t ext4 /dev/vda /root || return
	await /dev/vdb
	mkdir -p /root/usr/lib/modules /root/src/smtpxdp
	mount -t ext4 -o ro /dev/vdb /root/usr/lib/modules || return
	if [ -e /vm/tree ]; then
		await /dev/vdc
		mount -t ext4 /dev/vdc /root/src/smtpxdp || return
	fi
	[ ! -d /vm/files ] || cp -a /vm/files/. /root/
	mount -t tmpfs -o mode=755 tmpfs /root/run
	cp -r /vm /root/run/
	rm -rf /root/run/vm/modules /root/run/vm/files
	[ ! -d /vm/systemd ] || cp -r /vm/systemd /root/run/
	init=/lib/systemd/systemd
	if ! [ -d /vm/systemd ]; then
		mounts /root
		init=/run/vm/start.sh
	fi
	for m in proc sys dev; do
		mount --move /$m /root/$m
	done
	exec switch_root /root $init
}

if [ -e /vm/whole ]; then
	whole
	echo "vm: no root"
else
	quick
fi
poweroff -f
