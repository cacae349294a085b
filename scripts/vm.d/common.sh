# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# What the parts of scripts/vm share: names, folders, the mirror.

VM_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
VM_CACHE=${SMTPXDP_VM_CACHE:-$VM_ROOT/build/vm}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
SUITES='bookworm bookworm-backports trixie trixie-backports sid'

# As env(1) has it: the command was not run, or its status is lost.
EXIT_MACHINE=125

die() {
	printf 'vm: %s\n' "$*" >&2
	exit $EXIT_MACHINE
}

usage_error() {
	printf 'vm: %s (see scripts/vm --help)\n' "$*" >&2
	exit 2
}

say() {
	printf 'vm: %s\n' "$*" >&2
}

# Splits SUITE-ARCH into $suite and $arch.
split_name() { # NAME
	suite=${1%-*} arch=${1##*-}
	[[ " $SUITES " == *" $suite "* && $arch =~ ^(amd64|arm64)$ ]] ||
		usage_error "no such machine: $1; it is SUITE-ARCH, SUITE one of" \
			"$SUITES, ARCH amd64 or arm64"
}

# The release a suite's packages run on: sid's kernel boots with trixie's root.
release_of() { # SUITE
	case $1 in
	bookworm*) echo bookworm ;;
	*) echo trixie ;;
	esac
}

# The mirror this machine is configured for serves other releases, too.
mirror() {
	local uri=${SMTPXDP_VM_MIRROR-}
	# shellcheck disable=SC2016 # apt's own variables
	[ -n "$uri" ] || uri=$(apt-get indextargets \
		--format '$(RELEASE) $(REPO_URI)' \
		'Created-By: Packages' 'Component: main' 2>/dev/null |
		awk '$1 !~ /security|updates|backports/ && !n++ { print $2 }')
	[ -n "$uri" ] || die "apt has no Debian mirror configured;" \
		"SMTPXDP_VM_MIRROR may name one"
	echo "$uri"
}

# Installs what a command needs; asks apt for nothing where it is there.
need_tools() { # COMMAND...
	local c
	for c in "$@"; do
		command -v "$c" >/dev/null || {
			say "$c is missing: scripts/setup --vm"
			"$VM_ROOT"/scripts/setup --vm >&2 || die "no $c"
			return 0
		}
	done
}

# cached FILE COMMAND...: runs COMMAND, which makes FILE, once, whoever asks for it
# at the same time.
cached() {
	local file=$1 lock
	shift
	[ ! -e "$file" ] || return 0
	mkdir -p "$(dirname "$file")"
	exec {lock}>"$file.lock"
	flock -n "$lock" || {
		say "waiting for another one that makes ${file#"$VM_CACHE"/}"
		flock "$lock"
	}
	# Its own shell, so that a failure or an interruption unwinds there.
	[ -e "$file" ] || ("$@")
	rm -f "$file.lock"
	exec {lock}>&-
}

# Has this shell's temporary folder removed when it ends: sets $tmp.
scratch() { # [FOLDER]
	tmp=$(mktemp -d -p "${1:-${TMPDIR:-/tmp}}" vm.XXXXXX)
	# shellcheck disable=SC2064 # this one
	trap "rm -rf '$tmp'" EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# ext4_of FOLDER FILE [SIZE]: a file system with that in it; without a SIZE, one
# to read only, as large as it must be.
ext4_of() {
	local size=${3-} options=(-E root_owner=0:0)
	if [ -z "$size" ]; then
		size=$(($(du -s --apparent-size -B 1M "$1" | cut -f 1) * 5 / 4 + 32))M
		options+=(-O '^has_journal' -m 0)
	fi
	rm -f "$2.new"
	# mke2fs tells of a file that it makes itself.
	truncate -s "$size" "$2.new"
	mke2fs -q -t ext4 "${options[@]}" -d "$1" "$2.new" >&2
	mv "$2.new" "$2"
}
