#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The daemon and the commands among neighbours that mean harm, or are in the way.

# shellcheck disable=SC2086,SC2030,SC2031 # addresses hold no spaces; $output

load ../lib/common.sh

servers() {
	echo journald
}

TORRENT=$LAB_ROOT/selftests/lib/torrent.py

after() {
	daemon_env
	end torrent
	end holder
	end load KILL
	end dead KILL
	! mounted $LAB/dead || umount -l $LAB/dead
	rm -rf "$PIN-2" $LAB/smtpxdp.db* $LAB/smtpxdp.lock $LAB/log/load $LAB/fifo $LAB/good
	end served
}

# The loop turns: what it is told now, it does now.
turns() {
	kill -HUP "$(daemon_pid)"
	until_true 8 journal_has SMTPXDP_EVENT=reloaded
}

# As many clients as an IPv6 network has, all of them the attacker.
many_networks() {
	sysctl_at attacker ipv6/ip_nonlocal_bind 1
	at attacker ip -6 route add local 2001:db8:bad:8000::/49 dev lo
	at router ip -6 route add 2001:db8:bad:8000::/49 via $ATTACKER6
}

# slow_journal LIBRARY: makes one for LD_PRELOAD, under which each message takes
# 2 ms, as where a disk is busy.
slow_journal() {
	gcc -shared -fPIC -Wall -Werror -D_GNU_SOURCE -o "$1" -xc - -ldl <<-'EOF'
		#include <dlfcn.h>
		#include <sys/uio.h>
		#include <unistd.h>
		int sd_journal_sendv(const struct iovec *iov, int n)
		{
			int (*real)(const struct iovec *, int) =
				dlsym(RTLD_NEXT, "sd_journal_sendv");

			usleep(2000);
			return real(iov, n);
		}
	EOF
}

@test "more events than the daemon can tell of: its loop turns all the same" {
	many_networks
	slow_journal $LAB/slow.so
	conf rate 64/1h slow-rate off mode monitor log-failures yes
	daemon_env LD_PRELOAD=$LAB/slow.so
	daemon_up
	background served mail python3 -B "$TORRENT" serve $POSTFIX6
	until_true 10 listens mail "[$POSTFIX6]" 25
	background torrent attacker python3 -B "$TORRENT" try $POSTFIX6 \
		2001:db8:bad 63
	until_true 10 failures_exceed 20000
	turns
	running torrent # it was no flood else
}

# --- locks ------------------------------------------------------------------

# hold FOLDER [COMMAND...]: another process has its lock, until `end holder`.
hold() {
	background holder mail "${@:2}" /usr/bin/python3 -c "import fcntl, os, sys, time
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
time.sleep(60)" "$1"
	until_true 5 not flock -n "$1" true
}

# Does the process wait for a lock?
waits() { # NAME
	grep -q -- "-> FLOCK .* $(cat $LAB/pid/$1) " /proc/locks
}

@test "bans are loaded while a daemon with other tables starts: none is lost" {
	conf max-bans 2000
	daemon_up
	seq -f '203.0.113.%g 1h' 1 200 >$LAB/bans
	hold $PIN/links
	background load mail "$BIN" --pin $PIN ban load --no-wait $LAB/bans
	until_true 5 waits load
	kill -STOP "$(cat $LAB/pid/load)"
	end holder
	daemon_down
	conf max-bans 5000
	daemon_up
	kill -CONT "$(cat $LAB/pid/load)"
	until_true 10 not running load
	has "$(cat $LAB/log/load)" '^200 bans loaded'
	same "bans" "$(smtpxdp ban list -j | jq length)" 200
}

@test "state and configuration in one folder: config set does not wait" {
	daemon_up --state $LAB
	timeout $((5 * SLOW)) nsenter --net=/run/netns/mail "$BIN" --pin $PIN \
		config set rate 5/1h
	same "in force" "$(smtpxdp config get rate)" 5/1h
	has "$(cat $CONF)" '^rate = 5/1h$'
	not test -e $CONF.lock
	fails 1 smtpxdp --pin $PIN-2 run -c $CONF -i eth0 --state $LAB
	has "$output" 'another daemon keeps its state in'
}

@test "nobody locks the folder of the configuration: config set does not wait" {
	daemon_up
	hold $LAB setpriv --reuid 65534 --clear-groups
	timeout $((5 * SLOW)) nsenter --net=/run/netns/mail "$BIN" --pin $PIN \
		config set rate 6/1h
	same "in force" "$(smtpxdp config get rate)" 6/1h
}

@test "who waits for a lock names who has it after 10 seconds, and gets it" {
	daemon_up
	hold $PIN/links
	background load mail "$BIN" --pin $PIN ban add 203.0.113.9
	until_true 15 grep -q "waiting for the lock of $PIN/links, which process $(cat $LAB/pid/holder) (python3)" $LAB/log/load $LAB/fifo $LAB/good
	end holder
	until_true 5 not running load
	same "bans" "$(banned)" 203.0.113.9/32
}

# --- the pins ---------------------------------------------------------------

# shellcheck disable=SC2031 # output is of fails, in the same test
refused() { # FOLDER WHAT-IS-UNSAFE
	fails 1 timeout 5 nsenter --net=/run/netns/mail "$BIN" --pin $1 run \
		-c $CONF -i eth0
	has "$output" "$2 does not belong to root, to the user smtpxdp or to you alone"
	fails 1 smtpxdp --pin $1 status
}

@test "a folder for the pins that somebody else has made, or can write to" {
	: >$CONF
	setpriv --reuid 65534 --clear-groups mkdir $PIN # bpffs is sticky
	refused $PIN $PIN
	setpriv --reuid 65534 --clear-groups rmdir $PIN
	mkdir -m 770 $PIN
	refused $PIN $PIN
	mkdir -m 700 $PIN/own
	refused $PIN/own $PIN
	chmod 1777 $PIN
	refused $PIN $PIN
	rmdir $PIN/own $PIN
	setpriv --reuid 65534 --clear-groups ln -s /sys/fs/bpf/other $PIN
	mkdir -m 700 /sys/fs/bpf/other
	refused $PIN $PIN
	rm $PIN
	rmdir /sys/fs/bpf/other
	mkdir -m 755 $PIN # but this is as good
	daemon_up
}

# --- files ------------------------------------------------------------------

@test "config check, as a reload of the unit calls it, looks at the daemon's file" {
	daemon_up
	smtpxdp config check
	echo 'rate = nonsense' >>$CONF
	fails 1 smtpxdp config check
	has "$output" "$CONF:1: rate: "
}

@test "a FIFO among the lists, and as a database: the daemon starts, and says so" {
	mkfifo -m 600 $LAB/fifo
	echo 203.0.113.0/24 >$LAB/good
	conf strict-nets "$LAB/fifo $LAB/good" geo-databases $LAB/fifo
	daemon_up
	turns
	has "$(journal | jq -r .MESSAGE)" "$LAB/fifo: is no file"
}

# A file system whose server says nothing.
dead_mount() { # FOLDER
	mkdir -p $1
	background dead mail /usr/bin/python3 -c "import ctypes, os, sys, time
fd = os.open('/dev/fuse', os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b'dead', sys.argv[1].encode(), b'fuse', 0,
              f'fd={fd},rootmode=40000,user_id=0,group_id=0'.encode()):
    sys.exit(os.strerror(ctypes.get_errno()))
time.sleep(300)" $1
	until_true 5 mounted $1
}

mounted() {
	grep -q " $1 fuse " /proc/mounts
}

@test "a dead mount among the lists: the daemon starts, turns, and says so" {
	[ -e /dev/fuse ] || skip "no /dev/fuse"
	dead_mount $LAB/dead
	echo 203.0.113.0/24 >$LAB/good
	conf strict-nets "$LAB/dead/list $LAB/good" geo-databases $LAB/dead/mmdb
	daemon_up
	turns
	has "$(journal | jq -r .MESSAGE)" "$LAB/dead/list: its file system does not answer"
	daemon_serves
	end dead KILL # and with it, the file system
	umount -l $LAB/dead
}

# --- a kernel with nohz_full ------------------------------------------------

@test "membarrier refused: a change waits in another way; without that, it is told" {
	local no_barrier='nr == SYS_membarrier'

	other_kernel $LAB/refuse.so "$no_barrier"
	daemon_env LD_PRELOAD=$LAB/refuse.so
	daemon_up
	turns
	not journal_has SMTPXDP_EVENT=fault
	daemon_down
	other_kernel $LAB/refuse.so "$no_barrier || (nr == SYS_bpf &&
		a[0] == BPF_MAP_CREATE && attr->map_type == BPF_MAP_TYPE_ARRAY_OF_MAPS)"
	daemon_up
	turns
	has "$(journal SMTPXDP_EVENT=fault | jq -r .MESSAGE)" \
		'cannot ask the kernel when programs that run have ended'
}

# --- many of everything -----------------------------------------------------

@test "60,000 bans with reasons, 200 networks allowed: config set walks once" {
	local allow

	conf max-bans 100000
	daemon_up
	/usr/bin/python3 -c "for n in range(60000):
	print(f'10.{n >> 8}.{n & 255}.7 1h because of {n}')" |
		smtpxdp ban load --no-wait --private -
	allow=$(seq -s ' ' -f '10.7.%g.0/24' 1 200)
	smtpxdp config set allow "$allow"
	same "bans" "$(smtpxdp ban list -j | jq length)" 59800
	same "which" "$(smtpxdp ban list -j | jq 'any(.[]; .net == "10.7.200.7/32")')" false
	timeout $((3 * SLOW)) nsenter --net=/run/netns/mail "$BIN" --pin $PIN \
		config set --runtime rate 7/1h
}
