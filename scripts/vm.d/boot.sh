# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Boots a machine, talks to it, ends it. A machine's folder has its settings, its
# disk, qemu's pid, the kernel's console, and the pipes of talk.py.

# until_true SECONDS COMMAND...: asks again every 50 ms.
until_true() {
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# boot DIR [PREFIX...]: from the settings; returns when it takes commands. PREFIX
# is a command that qemu is run by.
boot() {
	local qemu=() dir=$1 port status=0
	shift
	initramfs "$dir" || die "no initramfs"
	qemu_machine
	qemu_disks "$dir"
	nic_devices
	cd "$dir" || die "no folder $dir"
	rm -f ./*.in ./*.out console pid
	for port in ctl out err in; do
		mkfifo $port.in $port.out
		qemu+=(-chardev "pipe,id=$port,path=$port"
			-device "virtserialport,chardev=$port,name=vm.$port")
	done
	"$@" "${qemu[@]}" </dev/null >qemu.log 2>&1 3>&- &
	echo $! >pid
	disown
	nic_connect
	say "$kernel boots (${accel})"
	talk --boot "$boot_limit" "$dir" true || status=$?
	rm -f initrd
	[ $status = 0 ] || {
		explain "$dir"
		return $status
	}
	[ -z "$systemd" ] || await_system "$dir"
}

# Whoever boots a system wants all of it.
await_system() { # DIR
	local state
	state=$(talk "$boot_limit" "$1" 'systemctl is-system-running --wait') || true
	[ "$state" = running ] || {
		say "systemd is ${state:-not up}:"
		talk "$boot_limit" "$1" 'systemctl --no-legend --failed' >&2 || true
	}
}

# talk [OPTION] SECONDS DIR COMMAND
talk() {
	local options=()
	while [[ $1 = --* ]]; do
		options+=("$1")
		shift
	done
	python3 -B "$VM_LIB"/talk.py "${options[@]}" --timeout "$1" "$2" "$3"
}

explain() { # DIR
	sed 's/^/vm: qemu: /' "$1"/qemu.log >&2
	[ -n "$(panicked "$1")" ] ||
		tail -n 15 "$1"/console 2>/dev/null | sed 's/^/vm: console: /' >&2
	[ -z "$console" ] || cp "$1"/console "$console" 2>/dev/null
}

panicked() { # DIR
	grep -m 1 'Kernel panic' "$1"/console 2>/dev/null || true
}

# Sets ${qemu[@]}: everything but disks, NICs and ports.
qemu_machine() {
	local suite arch tty=ttyS0 dir words=
	split_name "$kernel"
	dir=$(kernel_dir "$kernel")
	case $arch in
	amd64) qemu=(qemu-system-x86_64) ;;
	arm64)
		qemu=(qemu-system-aarch64 -M virt)
		tty=ttyAMA0
		;;
	esac
	need_tools "${qemu[0]}" python3
	case $accel:$arch in
	kvm:*) qemu+=(-accel kvm -cpu host) ;;
	# Pointer authentication as the architecture has it takes most of the time.
	tcg:arm64) qemu+=(-accel "tcg,thread=multi" -cpu "max,pauth-impdef=on") ;;
	*)
		qemu+=(-accel "tcg,thread=multi" -cpu max)
		# On a busy host, an emulated timer may tick too late for the test
		# that the kernel makes of it, and it panics.
		words=no_timer_check
		;;
	esac
	# A unit gets 90 s to start, which is too little for Dovecot where
	# several machines are emulated at once.
	[ "$accel" = kvm ] || words+=' systemd.default_timeout_start_sec=900'
	# It ends when the guest panics, reboots or powers off. loglevel: what the
	# kernel warns of, and worse.
	qemu+=(-name "vm-$kernel" -nodefaults -no-user-config -display none
		-no-reboot -m "$memory" -smp "$cpus"
		-kernel "$dir/vmlinuz" -initrd initrd
		-append "console=$tty loglevel=5 panic=-1 oops=panic $(
		)mitigations=off net.ifnames=0 $words $append"
		-chardev file,id=console,path=console,append=on
		-serial chardev:console -device virtio-serial-pci)
}

# Quick machines have none.
qemu_disks() { # DIR
	[ "$kind" = whole ] || return 0
	if [ -n "$keep" ]; then
		qemu+=(-drive "file=disk.qcow2,if=virtio,format=qcow2")
	else
		qemu+=(-drive "file=$(root_image "$root"),if=virtio,format=raw,snapshot=on")
	fi
	qemu+=(-drive "file=$(kernel_dir "$kernel")/modules.ext4,if=virtio,format=raw,readonly=on")
	[ -z "$tree" ] ||
		qemu+=(-drive "file=tree.ext4,if=virtio,format=raw,snapshot=on")
}

machine_pid() { # DIR
	local pid
	pid=$(cat "$1"/pid 2>/dev/null) && [ -n "$pid" ] &&
		[ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$(realpath "$1")" ] &&
		echo "$pid"
}

# The power goes: what the machine had not written is lost.
power_cut() { # DIR
	local pid
	pid=$(machine_pid "$1") || return 0
	kill -KILL "$pid"
	until_true 10 gone "$pid" || die "qemu, process $pid, does not end"
}

gone() { # PID
	! grep -q '^State:[[:space:]]*[^Z]' "/proc/$1/status" 2>/dev/null
}

# The words of a command, as one text for a shell; a single one is that already.
command_text() { # WORD...
	[ $# -gt 0 ] || usage_error "which command?"
	if [ $# = 1 ]; then
		printf '%s' "$1"
	else
		printf '%q ' "$@"
	fi
}

# For one command: boots, runs it, and leaves nothing behind.
run_once() { # COMMAND...
	local tmp text status=0
	text=$(command_text "$@")
	scratch
	trap 'power_cut "$tmp"; rm -rf "$tmp"' EXIT
	prepare "$tmp"
	boot "$tmp" setpriv --pdeathsig KILL || exit $EXIT_MACHINE
	talk "$limit" "$tmp" "$text" || status=$?
	[ $status != $EXIT_MACHINE ] || explain "$tmp"
	[ -z "$console" ] || cp "$tmp"/console "$console"
	exit $status
}
