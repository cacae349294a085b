# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Roots of whole machines, by debootstrap:
#
#   roots/RELEASE-ARCH          what a mail host has, and what tests need
#   roots/RELEASE-ARCH-containers   that, with Docker and Podman
#   roots/RELEASE-ARCH.ext4     one of these, to boot from
#   roots/RELEASE-ARCH-build    what builds the project there; for another
#                               architecture by cross compilers

root_dir() { # RELEASE-ARCH[-build]
	echo "$VM_CACHE/roots/$1"
}

root_image() {
	echo "$VM_CACHE/roots/$1.ext4"
}

# Makes it if need be.
root() { # RELEASE-ARCH[-containers]
	local suite arch of=${1%-containers}
	root_name "$of"
	cached "$(root_dir "$of")" root_make "$of" machine
	[ "$1" = "$of" ] ||
		cached "$(root_dir "$1")" root_extend "$of" "$1" add_containers
	cached "$(root_image "$1")" root_make_image "$1"
}

build_root() { # RELEASE-ARCH
	local suite arch
	root_name "$1" sid
	if cross "$arch"; then
		build_root "$suite-$(dpkg --print-architecture)"
		root_name "$1" sid
		cached "$(root_dir "$1-build")" root_extend \
			"$suite-$(dpkg --print-architecture)-build" "$1-build" \
			add_cross
	else
		cached "$(root_dir "$1-build")" root_make "$1-build" build
	fi
}

cross() { # ARCH
	[ "$1" != "$(dpkg --print-architecture)" ]
}

# root_extend FROM NAME FUNCTION: a root that is another one, and beside it what
# the function installs.
root_extend() {
	local tmp log started=$SECONDS
	scratch "$VM_CACHE/roots"
	log=$(root_dir "$2").log
	say "making root $2 from $1: minutes; see $log"
	cp -a "$(root_dir "$1")" "$tmp/root"
	{
		root_prepare "$tmp/root" && "$3" "$tmp/root" &&
			root_clean "$tmp/root"
	} >"$log" 2>&1 || die "no root: $(tail -n 3 "$log")"
	rm "$log"
	mv "$tmp/root" "$(root_dir "$2")"
	say "root $2: $((SECONDS - started)) s"
}

# The other architecture's libraries, and the compiler that makes its programs:
# nothing is emulated, which would take hours.
add_cross() { # ROOT
	local packages
	mapfile -t packages < <("$VM_ROOT"/scripts/setup --names build |
		grep -E '^(lib|zlib).*-dev$')
	in_root "$1" dpkg --add-architecture "$arch" &&
		in_root "$1" apt-get update -q &&
		in_root "$1" apt-get install -q -y \
			"crossbuild-essential-$arch" "pkgconf:$arch" \
			"${packages[@]/%/:$arch}"
}

add_containers() { # ROOT
	local packages
	mapfile -t packages < <("$VM_ROOT"/scripts/setup --names containers)
	in_root "$1" apt-get update -q || return
	# Its own package since Debian 13.
	! in_root "$1" apt-cache show docker-cli >/dev/null 2>&1 ||
		packages+=(docker-cli)
	in_root "$1" apt-get install -q -y "${packages[@]}" &&
		in_root "$1" systemctl disable docker.service docker.socket \
			containerd.service
}

# root_name NAME [SUITE]: which may be that, too.
root_name() {
	split_name "$1"
	[[ $suite = "$(release_of "$suite")" || $suite = "${2-}" ]] ||
		usage_error "$1 is a kernel; roots are bookworm or trixie"
}

root_make() { # NAME GROUP
	local tmp uri started=$SECONDS log
	need_tools debootstrap mke2fs
	[ "$(id -u)" = 0 ] || die "a root is made by root"
	mkdir -p "$VM_CACHE/roots"
	scratch "$VM_CACHE/roots"
	in_memory "$tmp"
	log=$(root_dir "$1").log
	say "making a root of $suite, $arch ($2): minutes; see $log"
	uri=$(mirror)
	(
		renice -n 10 -p $BASHPID
		foreign "$arch"
		debootstrap --variant=minbase --arch="$arch" --keyring="$KEYRING" \
			"$suite" "$tmp/root" "$uri"
		root_fill "$tmp/root" "$2"
	) >"$log" 2>&1 || die "no root: $(tail -n 3 "$log")"
	rm "$log"
	cp -a "$tmp/root" "$(root_dir "$1").new"
	mv "$(root_dir "$1").new" "$(root_dir "$1")"
	say "root $1: $((SECONDS - started)) s"
}

# dpkg waits for the disk after each file; a tmpfs is three times as fast. (Not
# where memory is scarce.)
in_memory() { # FOLDER
	local free
	free=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
	[ "$free" -gt 8000000 ] || return 0
	mount -t tmpfs -o size=4G,mode=755 tmpfs "$1"
	# shellcheck disable=SC2064 # this one
	trap "umount -l '$1'; rm -rf '$1'" EXIT
}

# For as long as packages are installed: no service starts, nothing waits for the
# disk.
root_prepare() { # ROOT
	printf '#!/bin/sh\nexit 101\n' >"$1"/usr/sbin/policy-rc.d
	chmod 755 "$1"/usr/sbin/policy-rc.d
	echo force-unsafe-io >"$1"/etc/dpkg/dpkg.cfg.d/vm
	printf '%s\n' 'APT::Install-Recommends "false";' \
		'Acquire::Languages "none";' >"$1"/etc/apt/apt.conf.d/vm
	cp /etc/resolv.conf "$1"/etc/resolv.conf
}

root_clean() { # ROOT
	in_root "$1" apt-get clean
	rm -rf "$1"/var/lib/apt/lists/* "$1"/usr/sbin/policy-rc.d \
		"$1"/etc/dpkg/dpkg.cfg.d/vm "$1"/etc/resolv.conf
}

root_fill() { # ROOT GROUP
	local packages libs
	mapfile -t packages < <("$VM_ROOT"/scripts/setup --names "$2")
	root_prepare "$1"
	in_root "$1" apt-get update -q
	echo 'postfix postfix/main_mailer_type select No configuration' |
		in_root "$1" debconf-set-selections
	if [ "$2" = machine ]; then
		mapfile -t -O ${#packages[@]} packages < <(root_libraries "$1")
	fi
	in_root "$1" apt-get install -q -y "${packages[@]}"
	[ "$2" != machine ] || { root_exim "$1" && root_settle "$1"; }
	root_clean "$1"
	mkdir -p "$1"/src/smtpxdp "$1"/usr/lib/modules
}

# The libraries of what the build needs: a release has its own names for them.
root_libraries() { # ROOT
	local dev
	mapfile -t dev < <("$VM_ROOT"/scripts/setup --names build | grep '^lib.*-dev$')
	in_root "$1" apt-cache depends "${dev[@]}" |
		sed -n 's/^ *Depends: \(lib.*\)$/\1/p' | grep -v -- '-dev$' | sort -u
}

# Into /opt/exim: Exim's package and Postfix' exclude each other.
root_exim() { # ROOT
	local libs
	mapfile -t libs < <(in_root "$1" apt-cache depends exim4-daemon-light |
		sed -n 's/^ *Depends: \(lib.*\)$/\1/p' | sort -u)
	in_root "$1" apt-get install -q -y "${libs[@]}" &&
		in_root "$1" sh -c 'cd /tmp && apt-get -q \
			-o APT::Sandbox::User=root download exim4-daemon-light &&
			dpkg -x exim4-daemon-light_*.deb /opt/exim'
}

# A machine that boots quickly, in which nothing happens by itself.
root_settle() { # ROOT
	local unit
	echo vm >"$1"/etc/hostname
	printf '127.0.0.1 localhost vm\n::1 localhost\n' >"$1"/etc/hosts
	for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
		e2scrub_all.timer e2scrub_reap.service fstrim.timer logrotate.timer \
		man-db.timer getty@tty1.service systemd-networkd-wait-online.service; do
		ln -sf /dev/null "$1/etc/systemd/system/$unit"
	done
	# Who wants a mail server configures and starts it.
	in_root "$1" systemctl disable postfix dovecot nginx
	in_root "$1" systemctl enable systemd-networkd
}

# in_root ROOT [--bind FOLDER] COMMAND...: in a chroot, with a /proc of its own,
# FOLDER on its /src.
in_root() {
	local propagation=unchanged root=$1 bind=
	shift
	if [ "$1" = --bind ]; then
		bind=$2
		shift 2
	fi
	! mountpoint -q / || propagation=private
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount --pid --fork --kill-child --propagation $propagation \
		sh -c 'root=$1 bind=$2; shift 2
		mount -t proc proc "$root/proc" && mount -t tmpfs tmpfs "$root/tmp" &&
		{ [ -z "$bind" ] || mount --bind "$bind" "$root/src"; } && exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		${http_proxy:+http_proxy="$http_proxy"} chroot "$root" "$@"' - "$root" "$bind" "$@"
}

root_make_image() { # NAME
	local tmp
	scratch "$VM_CACHE/roots"
	ext4_of "$(root_dir "$1")" "$tmp/image" 8G
	mv "$tmp/image" "$(root_image "$1")"
}

# foreign ARCH: for as long as this shell lives, the kernel runs programs of that
# architecture by qemu's user emulation.
foreign() {
	local dir=/proc/sys/fs/binfmt_misc lock
	[ "$1" != "$(dpkg --print-architecture)" ] || return 0
	[ "$1" = arm64 ] || die "no emulation of $1"
	need_tools qemu-aarch64-static
	exec {lock}>"$VM_CACHE"/binfmt.lock
	flock "$lock"
	if ! [ -e $dir/register ]; then
		mount -t binfmt_misc binfmt_misc $dir
		trap 'umount -l $dir' EXIT
	fi
	! grep -qs 'magic 7f454c460201010000000000000000000200b700' $dir/* ||
		return 0
	# F: the emulator is opened now, so it need not be in the chroot.
	printf ':smtpxdp-arm64:M::%s:%s:%s:F' \
		'\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00' \
		'\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff' \
		"$(command -v qemu-aarch64-static)" >$dir/register
	trap 'echo -1 >/proc/sys/fs/binfmt_misc/smtpxdp-arm64;
		umount -l /proc/sys/fs/binfmt_misc 2>/dev/null' EXIT
}
