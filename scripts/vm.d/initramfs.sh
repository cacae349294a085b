# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Packs what a machine boots into: busybox, modules, init.sh and agent.sh, and the
# files that a caller names. Works on the settings of scripts/vm.d/settings.sh.

# initramfs WORK: makes WORK/initrd.
initramfs() {
	local i=$1/i busybox
	# Callers ask for our status, which turns bash's own care off.
	busybox=$(busybox_of) || return
	mkdir -p "$i"/{bin,proc,sys,dev,root,vm/modules} "$i"/usr/{bin,sbin,lib}
	ln -s usr/sbin "$i"/sbin
	ln -s usr/lib "$i"/lib
	ln -s usr/lib64 "$i"/lib64
	mkdir "$i"/usr/lib64
	cp "$busybox" "$i"/bin/busybox || return
	install -m 755 "$VM_LIB"/init.sh "$i"/init
	cp "$VM_LIB"/agent.sh "$i"/vm/
	put_modules "$i" || return
	put_files "$i" || return
	nic_commands >"$i"/vm/network
	printf '%s\n' "SMTPXDP_SLOW=$(slowness)" >"$i"/vm/environment
	if [ "$kind" = whole ]; then
		put_whole "$i"
	fi
	(cd "$i" && find . -print0 | cpio --quiet -0 -o -H newc) >"$1"/initrd ||
		die "cpio could not pack the initramfs"
	rm -rf "$i"
}

# Debian's, of the machine's architecture.
busybox_of() {
	local suite arch
	split_name "$kernel"
	if [ "$arch" = "$(dpkg --print-architecture)" ]; then
		need_tools busybox cpio
		command -v busybox
		return
	fi
	cached "$VM_CACHE/busybox-$arch" busybox_fetch
	echo "$VM_CACHE/busybox-$arch"
}

busybox_fetch() {
	local tmp apt
	suite=$(release_of "$suite")
	scratch "$VM_CACHE"
	apt_elsewhere
	cd "$tmp/debs"
	apt-get "${apt[@]}" download -qq busybox-static >&2
	dpkg -x busybox-static_*.deb "$tmp/x"
	# /usr/bin since trixie.
	mv "$(find "$tmp"/x/{,usr/}bin -type f -name busybox 2>/dev/null)" \
		"$VM_CACHE/busybox-$arch"
}

# The drivers of what qemu gives to it, and what the caller named. Decompressed
# here, where it is quicker.
put_modules() { # ROOT
	local f name need=(virtio_pci virtio_console)
	[ "$kind" != whole ] || need+=(virtio_blk ext4)
	mapfile -t -O ${#need[@]} need < <(nic_modules)
	while IFS= read -r f; do
		name=${f##*/}
		case $f in
		*.xz) xz -dc "$f" >"$1/vm/modules/${name%.xz}" ;;
		*.zst) zstd -qdc "$f" >"$1/vm/modules/${name%.zst}" ;;
		*) cp "$f" "$1/vm/modules/" ;;
		esac || return
		name=${name%.xz}
		echo "${name%.zst}"
	done < <(kernel_modules "$kernel" "${need[@]}" "${modules[@]}") >"$1"/vm/order
}

# HOST[:GUEST]: without GUEST, what has an absolute path keeps it, and the rest
# goes below the folder that commands start in.
put_files() { # ROOT
	local f from to base=$1
	[ "$kind" != whole ] || base=$1/vm/files
	for f in "${files[@]}"; do
		from=${f%%:*} to=${f#*:}
		[ -e "$from" ] || die "no such file: $from"
		[[ $to = /* ]] || to=/src/smtpxdp/$to
		[ ! -d "$from" ] || from=$from/.
		if [[ $from = */. ]]; then
			mkdir -p "$base$to"
		else
			mkdir -p "$base${to%/*}"
		fi
		cp -rL --preserve=mode,timestamps "$from" "$base$to" || return
		[ "$kind" = whole ] || put_libraries "$1" "$from"
	done
}

# Each binary's, and the loader, where the binary looks for them.
put_libraries() { # ROOT FILE
	local f
	while IFS= read -r f; do
		[ ! -e "$1$f" ] || continue
		mkdir -p "$1${f%/*}"
		cp -L "$libs$f" "$1$f"
	done < <(find -L "$2" -type f -exec grep -lZ -m 1 $'^\x7fELF' {} + |
		xargs -0r "$VM_LIB"/libraries "$libs" | sort -u)
}

# A whole machine's init knows these by name.
put_whole() { # ROOT
	: >"$1"/vm/whole
	[ -z "$tree" ] || : >"$1"/vm/tree
	[ -z "$systemd" ] || systemd_units "$1"/vm/systemd
	install -m 755 "$VM_LIB"/start.sh "$1"/vm/
}
