# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Completion for smtpxdp. Commands, options and keys are those that the program
# itself describes, by --help and "config keys": neither needs root. Addresses
# are those in its lists.

# Values of one name in a JSON document on standard input: texts without quotes.
_smtpxdp_json() { # NAME
	grep -o "\"$1\":\"[^\"]*\"" | cut -d'"' -f4
}

_smtpxdp_help() { # [COMMAND...]
	smtpxdp -j "$@" --help 2>/dev/null
}

# The names of commands, of a command's own ones, and of a command's options.
_smtpxdp_commands() {
	_smtpxdp_help | _smtpxdp_json command | grep -v ' '
}
_smtpxdp_own_commands() { # COMMAND
	_smtpxdp_help "$1" | _smtpxdp_json command | sed -n "s/^$1 //p"
}
_smtpxdp_options() { # [COMMAND...]
	_smtpxdp_help "$@" | sed 's/"commands":.*//' |
		grep -oE '"(option|letter)":"[^"]*"' | cut -d'"' -f4
}

# What the description calls the argument of an option: "FILE", "auto|off". The
# options of one command, and before them those of all, stand in one line each.
_smtpxdp_argument() { # OPTION [COMMAND...]
	local option=$1
	shift
	{ _smtpxdp_help "$@" && _smtpxdp_help; } | sed 's/"commands":.*//' |
		grep -oE "\"option\":\"[^\"]*\",\"letter\":(null|\"[^\"]*\"),\"argument\":\"[^\"]*\"" |
		grep -F -e "\"$option\"" | _smtpxdp_json argument | head -n 1
}

# One list, like "ban list"; networks have no characters that need unquoting.
_smtpxdp_nets() {
	smtpxdp -j "$@" 2>/dev/null | _smtpxdp_json net
}

# Words that an argument can be, by what the description calls it, into $list;
# names of files are completed at once.
_smtpxdp_words() { # ARGUMENT COMMAND
	case $1 in
	DIR) _filedir -d ;;
	FILE* | \[FILE\] | CAPTURE*) _filedir ;;
	IFACE) list=$(command ls /sys/class/net) ;;
	TIME) list='10m 1h 12h 1d 7d' ;;
	NAME) list='PLAIN LOGIN CRAM-MD5' ;;
	KEY*) list=$(smtpxdp config keys -j 2>/dev/null | _smtpxdp_json key) ;;
	HOST*) list=$(compgen -A hostname) ;;
	ADDR*)
		case $2 in
		'ban del') list=$(_smtpxdp_nets ban list) ;;
		'allow del') list=$(_smtpxdp_nets allow list) ;;
		why) list=$(_smtpxdp_nets clients | cut -d/ -f1) ;;
		*) list=$(_smtpxdp_nets clients) ;;
		esac
		;;
	*'|'*) list=${1//|/ } ;;
	esac
}

_smtpxdp() {
	local cur prev words cword i list='' argument path=()
	_init_completion -n : || return

	# Which command this is; options and their arguments are none.
	for ((i = 1; i < cword; i++)); do
		if [[ ${words[i]} == -* ]]; then
			[[ -z $(_smtpxdp_argument "${words[i]}" "${path[@]}") ]] || ((i++))
		elif ((${#path[@]} == 0)) ||
			[[ ${#path[@]} == 1 && -n $(_smtpxdp_own_commands "${path[0]}") ]]; then
			path+=("${words[i]}")
		fi
	done

	argument=
	[[ $prev != -* ]] || argument=$(_smtpxdp_argument "$prev" "${path[@]}")
	if [[ -n $argument ]]; then
		_smtpxdp_words "$argument" "${path[*]}"
	elif ((${#path[@]} == 0)); then
		list="$(_smtpxdp_commands) $(_smtpxdp_options)"
	elif [[ $cur == -* ]]; then
		list=$(_smtpxdp_options "${path[@]}")
	else
		[[ ${#path[@]} != 1 ]] || list=$(_smtpxdp_own_commands "${path[0]}")
		[[ -n $list ]] || _smtpxdp_words "$(_smtpxdp_help "${path[@]}" |
			_smtpxdp_json arguments | head -n 1)" "${path[*]}"
		list+=" $(_smtpxdp_options "${path[@]}")"
	fi
	[[ -z $list ]] || mapfile -t -O ${#COMPREPLY[@]} COMPREPLY \
		< <(compgen -W "$list" -- "$cur")
	__ltrim_colon_completions "$cur"
}

complete -F _smtpxdp smtpxdp
