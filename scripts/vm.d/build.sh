# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Builds the project as users of another release, or architecture, have it: by
# that release's compilers, in a root of its own. Below build/for/NAME: smtpxdp/,
# the files that git knows and what was built of them, and the Debian packages.

# build NAME[@COMMIT] [TARGET...]: of make, or "deb". Prints the folder.
build() {
	local suite arch name=${1%@*} commit='' dir=$VM_ROOT/build/for/$1
	[[ $1 != *@* ]] || commit=${1#*@}
	shift
	[ $# -gt 0 ] || set -- all tests
	build_root "$name"
	mkdir -p "$dir/smtpxdp"
	project_files "$commit" | tar -C "$dir/smtpxdp" -x ||
		die "cannot copy the project${commit:+ as of $commit}"
	(
		root_name "$name" sid
		for target in "$@"; do
			say "building $target for $name; see $dir/log"
			build_one "$target" >"$dir/log" 2>&1 || {
				tail -n 20 "$dir/log"
				die "$target does not build for $name"
			}
		done
	) >&2
	echo "$dir"
}

# project_files [COMMIT]: as a tar file; with changes, unless a commit is named.
project_files() {
	local git=(git -c safe.directory='*' -C "$VM_ROOT")
	if [ -n "$1" ]; then
		"${git[@]}" archive "$1"
	else
		"${git[@]}" ls-files -z |
			tar -C "$VM_ROOT" --null -T - --ignore-failed-read -c
	fi
}

build_one() { # TARGET
	local gnu command="make -j$(nproc) $1" paths='' deb=()
	if cross "$arch"; then
		gnu=$(dpkg-architecture -a "$arch" -q DEB_HOST_GNU_TYPE 2>/dev/null)
		command="$command CC=$gnu-gcc PKG_CONFIG=$gnu-pkg-config"
		# The tools that it depends on are of this architecture.
		deb=(-a "$arch" -d)
		# And some -dev packages, which do for all.
		paths=/usr/lib/$gnu/pkgconfig:/usr/lib/$(dpkg-architecture \
			-q DEB_BUILD_MULTIARCH)/pkgconfig
	fi
	[ "$1" != deb ] || command="dpkg-buildpackage -us -uc -b ${deb[*]}"
	in_root "$(root_dir "$name-build")" --bind "$dir" sh -c "cd /src/smtpxdp &&
		export DEB_BUILD_OPTIONS=nocheck PKG_CONFIG_PATH=$paths &&
		$command"
}
