#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the .bats files share that boot a whole machine, with the folder $M.

# shellcheck disable=SC2034 # used by those who load this
# shellcheck source=selftests/lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"

VM=$LAB_ROOT/scripts/vm

in_vm() {
	"$VM" exec "$M" -- "$@"
}

smtpxdp() {
	in_vm smtpxdp "$@"
}

# The package that `scripts/vm build NAME deb` has made.
package() { # NAME
	local arch=${1%@*} deb
	arch=${arch##*-}
	deb=$(echo "$LAB_ROOT/build/for/$1"/smtpxdp_[0-9]*_"$arch".deb)
	[ -e "$deb" ] || die "no package: scripts/vm build $1 deb"
	echo "$deb"
}

# A machine that did not start has left no settings.
guest_down() {
	[ ! -e "$M"/settings ] || "$VM" cut "$M"
	rm -rf "$M"
}
