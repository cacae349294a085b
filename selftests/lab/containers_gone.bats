#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Containers that end: their probes go with them, and what these hold.
#
# NAMESPACES=10000: as many of the last test's (ten minutes).
#
# alone: under load, libraries are found too late to see the first session.

# shellcheck disable=SC2086 # addresses and names hold no spaces

load ../lib/containers.sh

servers() {
	echo journald
}

libraries() {
	smtpxdp status -j | jq '.tls.libraries | length'
}

links() {
	find $PIN/links -name 'tls-*' | wc -l
}

libraries_are() { # NUMBER
	same "libraries" "$(libraries)" $1
}

# Those of the host are tried by now, which takes probes, too.
libraries_tried() {
	[ "$(uname -m)" != x86_64 ] ||
		lacks "$(smtpxdp status -j | jq -c .tls.probed)" entry
}

as_before() { # LIBRARIES LINKS
	libraries_are $1 &&
		same "links" "$(links)" $2
}

@test "a container is removed: its probes go, its file system can be used again" {
	local n m
	n=$(libraries) m=$(links)
	box_up pool
	until_true 5 not libraries_are $n
	attack --server $PUBLIC
	judge --exact
	[ "$(links)" -gt $m ]
	not mounts_again box
	end_box box
	until_true 2 as_before $n $m || as_before $n $m
	until_true 2 mounts_again box || mounts_again box
}

# A process that listens is enough for its container's libraries to be probed.
@test "containers that come and go: each one's library is probed" {
	local n m fds
	until_true 20 libraries_tried
	n=$(libraries) m=$(links) fds=$(descriptors)
	net_of_box
	for _ in $(seq 32); do # of two files each: more than there is room for
		boxed box /usr/bin/python3 -S -c 'import signal, socket
server = socket.create_server(("10.88.0.2", 465))
signal.pause()'
		until_true 15 libraries_are $((n + 2)) || libraries_are $((n + 2))
		end_box box
		until_true 2 mounts_again box || mounts_again box
	done
	until_true 2 as_before $n $m || as_before $n $m
	same "descriptors" "$(descriptors)" $fds
}

# Hundreds, which live too briefly to be probed, or just long enough.
@test "after many namespaces, a container is like the first" {
	local n m fds before seen most=0
	gcc -O2 -Wall -Werror -o $LAB/boxes $LAB_ROOT/selftests/lib/boxes.c
	until_true 20 libraries_tried
	n=$(libraries) m=$(links) fds=$(descriptors)
	before=$(rss)
	background boxes mail $LAB/boxes $LIBRARIES/libssl.so.3 \
		${NAMESPACES-300} 1000 20
	while running boxes; do
		seen=$(libraries)
		[ $seen -le $most ] || most=$seen
	done
	rm $LAB/pid/boxes
	same "it said" "$(cat $LAB/log/boxes)" ''
	until_true 10 as_before $n $m || as_before $n $m
	same "descriptors" "$(descriptors)" $fds
	echo "# ${NAMESPACES-300} namespaces: RSS $before kB before, $(rss) kB" \
		"after, $((most - n)) of their libraries probed at once" >&3
	[ $most -gt $n ]
	[ $(($(rss) - before)) -lt 4000 ]
	box_up pool
	# reading files may take two seconds of ten
	until_true 12 not libraries_are $n || not libraries_are $n
	attack --server $PUBLIC
	judge --exact
	silent
}
