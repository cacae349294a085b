# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Debian's kernels: fetched by apt, unpacked below the cache, never installed.
#
#   kernels/NAME/vmlinuz, config, version
#   kernels/NAME/lib/modules/VERSION      with modules.dep
#   kernels/NAME/modules.ext4             the same, to mount on /lib/modules

kernel_dir() { # NAME
	echo "$VM_CACHE/kernels/$1"
}

# Makes it if need be.
kernel() { # NAME
	local suite arch
	split_name "$1"
	cached "$(kernel_dir "$1")" kernel_fetch "$1"
}

kernel_fetch() { # NAME
	local tmp apt packages version d

	need_tools depmod dpkg apt-get
	mkdir -p "$VM_CACHE/kernels"
	scratch "$VM_CACHE/kernels"
	say "fetching Debian's kernel of $suite, $arch"
	apt_elsewhere
	cd "$tmp/debs"
	mapfile -t packages < <(kernel_packages "linux-image-$arch")
	[ ${#packages[@]} -gt 0 ] || die "$suite has no linux-image-$arch"
	apt-get "${apt[@]}" download -qq "${packages[@]}" >&2 ||
		die "apt-get could not download ${packages[*]}"
	for d in *.deb; do
		dpkg -x "$d" "$tmp/x"
	done
	# /usr/lib/modules since trixie.
	for d in "$tmp"/x{,/usr}/lib/modules/*/kernel; do
		[ ! -d "$d" ] || break
	done
	d=${d%/kernel}
	version=${d##*/}
	kernel_lay_out "$d" "$version" "$tmp/k"
	mv "$tmp/k" "$(kernel_dir "$1")"
	say "kernel $1: $version"
}

# An apt that knows only that suite and has nothing to do with the host's: sets
# ${apt[@]}.
apt_elsewhere() {
	mkdir -p "$tmp"/{lists/partial,debs,archives/partial,x}
	: >"$tmp/status"
	printf 'deb [signed-by=%s] %s %s main\n' "$KEYRING" "$(mirror)" "$suite" \
		>"$tmp/sources.list"
	apt=(-o "Dir::Etc::SourceList=$tmp/sources.list" -o Dir::Etc::SourceParts=-
		-o "Dir::State::Lists=$tmp/lists" -o "Dir::State::Status=$tmp/status"
		-o "Dir::Cache::Archives=$tmp/archives"
		-o "APT::Architecture=$arch" -o "APT::Architectures=$arch"
		-o APT::Sandbox::User=root -o Acquire::Languages=none
		-o APT::Update::Post-Invoke-Success::=true)
	apt-get "${apt[@]}" update -qq >&2 ||
		die "apt-get could not read $suite; if a key is missing: a newer" \
			"debian-archive-keyring has it"
}

# The packages that hold a kernel's image and modules: one, or, of late, several
# that depend on each other.
kernel_packages() { # PACKAGE
	local p
	apt-cache "${apt[@]}" depends "$1" 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-\(image\|base\|binary\|modules\)-.*\)/\1/p' |
		while IFS= read -r p; do
			echo "$p"
			kernel_packages "$p"
		done | sort -u
}

kernel_lay_out() { # MODULES VERSION DIR
	local f
	mkdir -p "$3/lib/modules"
	mv "$1" "$3/lib/modules/"
	for f in vmlinuz config; do
		cp -L "$tmp/x/boot/$f-$2" "$3/$f" 2>/dev/null ||
			cp -L "$3/lib/modules/$2/$f" "$3/$f"
	done
	# Links to the sources, which are not there.
	rm -f "$3/lib/modules/$2"/{build,source}
	depmod -b "$3" "$2"
	echo "$2" >"$3/version"
}

# The files of modules and of what they need, in the order to load them in; of
# one that is built in, none.
kernel_modules() { # NAME MODULE...
	local dir m
	dir=$(kernel_dir "$1")
	shift
	for m in "$@"; do
		modprobe -d "$dir" -S "$(cat "$dir/version")" --show-depends "$m" \
			2>/dev/null || say "this kernel has no module $m"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

# The modules as a file system, for a whole machine.
kernel_image() { # NAME
	cached "$(kernel_dir "$1")/modules.ext4" kernel_make_image "$(kernel_dir "$1")"
}

kernel_make_image() { # DIR
	ext4_of "$1/lib/modules" "$1/modules.ext4"
}
