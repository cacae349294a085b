# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Completion for smtpxdp: commands, keys, and the addresses in its lists.

_smtpxdp_nets() {
	# One list as JSON; networks have no characters that need unquoting.
	smtpxdp -j "$@" 2>/dev/null | grep -o '"net":"[^"]*"' | cut -d'"' -f4
}

_smtpxdp() {
	local cur prev words cword command='' sub='' i
	_init_completion -n : || return

	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		--pin | --state) ((i++)) ;;
		-*) ;;
		*)
			if [[ -z $command ]]; then
				command=${words[i]}
			elif [[ -z $sub ]]; then
				sub=${words[i]}
			fi
			;;
		esac
	done

	local list=
	case $prev in
	--pin | --state)
		_filedir -d
		return
		;;
	-c | --config | -o | --output)
		_filedir
		return
		;;
	-i | --interface) list=$(command ls /sys/class/net) ;;
	--tls) list='auto starttls implicit none' ;;
	--mechanism) list='PLAIN LOGIN CRAM-MD5' ;;
	-m | --mode) list='enforce monitor' ;;
	--since) list='12h 1d 7d' ;;
	--for) list='10m 1h 1d 7d' ;;
	*)
		case $command/$sub in
		/*) list='run status metrics clients why ban allow config report probe replay events unload --json --pretty --pin --help --version' ;;
		status/*) list=--check ;;
		metrics/*) list=--output ;;
		run/*) list='-c -i -m --state --ephemeral' ;;
		unload/*) list='--if-stopping' ;;
		ban/) list='list add load del flush' ;;
		ban/add) list="--for --reason --force $(_smtpxdp_nets clients)" ;;
		ban/load)
			_filedir
			list='--for --reason --no-wait'
			;;
		ban/del) list="--forgive $(_smtpxdp_nets ban list)" ;;
		ban/flush) list=--forgive ;;
		allow/) list='list add del' ;;
		allow/del) list=$(_smtpxdp_nets allow list) ;;
		why/) list=$(_smtpxdp_nets clients | cut -d/ -f1) ;;
		config/) list='list get set reset check' ;;
		config/check)
			_filedir
			return
			;;
		config/get | config/set | config/reset)
			list='--runtime mode rate slow-rate stale-rate stale-ban-time attack-users net-rate success-credit success-ratio ban-time ban-factor ban-max ban-forget ports scope cut-sessions codes count-texts ignore-texts ipv4-prefix ipv6-prefix allow allow-nets strict-nets strict-countries strict-asns strict-rate strict-ban-time lenient-nets lenient-countries lenient-rate lenient-ban-time geo-databases interfaces tls tls-libraries users max-bans-per-minute fuse-clients max-clients max-bans count-unanswered log-failures log-users metrics-listen'
			;;
		report/*) list=--since ;;
		probe/*) list="--tls --mechanism --insecure --timeout $(compgen -A hostname)" ;;
		replay/*)
			list='-c --set --server'
			[[ $cur == -* ]] || {
				_filedir
				return
			}
			;;
		events/*) list='-f -n' ;;
		esac
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$list" -- "$cur")
	__ltrim_colon_completions "$cur"
}

complete -F _smtpxdp smtpxdp
