# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# What a machine is made of: the options of quick, run and start.

# shellcheck disable=SC2034 # used by the files beside this one

# Read by load_settings, so that a machine boots again as it was.
SETTINGS=(kind kernel root accel memory cpus modules files libs nics append
	systemd tree keep limit boot_limit console)

default_settings() { # KIND
	kind=$1
	kernel='' root='' accel='' memory='' cpus=2 append='' libs=''
	systemd='' tree='' keep='' limit=600 boot_limit='' console=''
	modules=() files=() nics=()
}

# read_options OPTION...: sets $kernel, and ${rest[@]} to what follows "--".
read_options() {
	rest=()
	while [ $# -gt 0 ]; do
		case $1 in
		--systemd) systemd=1 ;;
		--) shift; rest=("$@"); break ;;
		-*)
			[ $# -ge 2 ] || usage_error "$1 needs a value"
			read_option "$1" "$2"
			shift
			;;
		*)
			[ -z "$kernel" ] || usage_error "what is $1? A command" \
				"comes after --"
			kernel=$1
			;;
		esac
		shift
	done
	[ -n "$kernel" ] || usage_error "which kernel?"
	settle
}

read_option() { # OPTION VALUE
	case $1 in
	# The folder may be another one when it boots again.
	-f | --file) files+=("$(realpath -m "${2%%:*}"):${2#*:}") ;;
	-m | --module) modules+=("$2") ;;
	-t | --timeout) limit=$2 ;;
	--boot-timeout) boot_limit=$2 ;;
	--memory) memory=$2 ;;
	--cpus) cpus=$2 ;;
	--nic) nics+=("$2") ;;
	--libs) libs=$2 ;;
	--root) root=$2 ;;
	--append) append=$2 ;;
	--accel) accel=$2 ;;
	--tree) tree=$2 ;;
	--console) console=$2 ;;
	*) usage_error "no such option: $1" ;;
	esac
}

settle() {
	local suite arch
	split_name "$kernel"
	[ "$kind" = quick ] || [ -n "$root" ] || root=$(release_of "$suite")-$arch
	[ "$kind" != quick ] || [ -z "$systemd$tree$root" ] ||
		usage_error "a quick machine has neither root nor tree nor systemd"
	[ -n "$memory" ] || memory=2048
	[[ $limit =~ ^[1-9][0-9]*$ ]] || usage_error "what time is $limit?"
	nic_check
	[ -z "$console" ] || console=$(realpath -m "$console")
	kernel "$kernel"
	[ -n "$accel" ] || accel=$(accel_of "$kernel")
	[ -n "$boot_limit" ] || boot_limit=$((30 + 12 * $(slowness)))
}

save_settings() { # FILE
	declare -p "${SETTINGS[@]}" >"$1"
}

# declare makes variables local to this function, unless -g.
load_settings() { # FILE
	local text
	text=$(sed 's/^declare /declare -g /' "$1") || die "no machine: ${1%/*}"
	eval "$text"
}

# How many times slower than a real CPU it may be; the machine's commands find it
# as SMTPXDP_SLOW.
slowness() {
	case $accel in
	kvm) echo 1 ;;
	*) echo 20 ;;
	esac
}

# Whether KVM works is tried, once in the life of this host: where it is emulated
# badly, /dev/kvm is there, and the guest hangs.
accel_of() { # KERNEL
	local arch=${1##*-} file
	if [ "$arch" != "$(dpkg --print-architecture)" ] || ! [ -w /dev/kvm ]; then
		echo tcg
		return
	fi
	file=$VM_CACHE/accel-$(cat /proc/sys/kernel/random/boot_id)
	cached "$file" try_kvm "$1" "$file"
	cat "$file"
}

try_kvm() { # KERNEL FILE
	say "does KVM boot here?"
	rm -f "$VM_CACHE"/accel-*-*[0-9a-f]
	if "$VM_ROOT"/scripts/vm quick "$1" --accel kvm --boot-timeout 10 -- true \
		>/dev/null 2>&1; then
		echo kvm >"$2"
	else
		echo tcg >"$2"
	fi
	say "$(sed 's/kvm/yes/; s/tcg/no: machines are emulated/' "$2")"
}
