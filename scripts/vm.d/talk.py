# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Runs one command in a machine that scripts/vm has started, and passes on its
output and status.

The machine's agent reads requests from a virtio-serial port and writes what the
command says to two others; qemu connects each port to a pair of named pipes in
the machine's folder. A request is one line:

    NONCE SECONDS BYTES-OF-STDIN COMMAND-IN-BASE64

On both output ports, the agent frames the command's own output by NONCE+"begin\n"
and NONCE+"end STATUS\n", so that what an earlier command left there is told from
it. What the command reads comes by a fourth port.
"""

import argparse
import base64
import errno
import os
import secrets
import select
import sys
import time

TIMED_OUT = 124
MACHINE = 125
# The agent ends a command that takes too long, and tells: so much later it is
# the machine that hangs.
GRACE = int(os.environ.get("SMTPXDP_VM_GRACE", 30))


class Gone(Exception):
    pass


class Stream:
    """One output port: finds the frame, passes on what is in it."""

    def __init__(self, path, to, nonce):
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.to = to
        self.begin = nonce + b"begin\n"
        self.end = nonce + b"end "
        self.held = b""
        self.inside = False
        self.status = None

    def read(self):
        while self.status is None:
            try:
                data = os.read(self.fd, 65536)
            except BlockingIOError:
                return
            if not data:
                return
            self.held += data
            self.take()

    def take(self):
        if not self.inside:
            at = self.held.find(self.begin)
            if at < 0:
                self.held = self.held[-len(self.begin):]
                return
            self.held = self.held[at + len(self.begin):]
            self.inside = True
        at = self.held.find(self.end)
        line = self.held.find(b"\n", at)
        if at >= 0 and line >= 0:
            self.status = int(self.held[at + len(self.end):line])
            self.pass_on(at)
        elif at < 0:
            self.pass_on(self.certain())

    def certain(self):
        """How much is not the beginning of the end."""
        at = self.held.find(b"@", max(len(self.held) - len(self.end), 0))
        while at >= 0 and not self.end.startswith(self.held[at:]):
            at = self.held.find(b"@", at + 1)
        return len(self.held) if at < 0 else at

    def pass_on(self, size):
        data, self.held = self.held[:size], self.held[size:]
        while data:
            data = data[os.write(self.to, data):]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            return f.read().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


def send(path, data, check):
    fd = None
    while fd is None:
        try:
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as e:
            # qemu has not opened its end yet.
            if e.errno != errno.ENXIO:
                raise
            time.sleep(0.05)
            check()
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    while data:
        if poll.poll(200):
            data = data[os.write(fd, data[:4096]):]
        check()
    os.close(fd)


def panic(console):
    """What the kernel said when it died, if it did."""
    try:
        with open(console, "rb") as f:
            lines = f.read().decode(errors="replace").splitlines()
    except OSError:
        return []
    for i, line in enumerate(lines):
        if "Kernel panic" in line:
            return [l.strip() for l in lines[max(i - 25, 0):i + 1]]
    return []


def patience(args):
    return args.timeout if args.boot else args.timeout + GRACE


def talk(args):
    os.chdir(args.folder)
    with open("pid", encoding="ascii") as f:
        pid = int(f.read())
    nonce = b"@" + secrets.token_hex(16).encode() + b"@"
    stdin = sys.stdin.buffer.read() if args.stdin else b""
    deadline = time.monotonic() + patience(args)
    poll = select.poll()
    streams = {}
    for port, to in ("out", 1), ("err", 2):
        stream = Stream(f"{port}.out", to, nonce)
        streams[stream.fd] = stream
        poll.register(stream.fd, select.POLLIN)

    def check():
        if not alive(pid):
            raise Gone
        if time.monotonic() > deadline:
            raise TimeoutError

    check()
    send("ctl.in", b"%s %d %d %s\n" % (
        nonce, args.timeout, len(stdin),
        base64.b64encode(args.command.encode())), check)
    send("in.in", stdin, check)
    while any(s.status is None for s in streams.values()):
        for fd, _ in poll.poll(200):
            streams[fd].read()
            if streams[fd].status is not None:
                poll.unregister(fd)
        try:
            check()
        except Gone:
            # What it said last may have come since.
            for stream in streams.values():
                stream.read()
            if any(s.status is None for s in streams.values()):
                raise
    return next(iter(streams.values())).status


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--timeout", type=int, required=True)
    parser.add_argument("--stdin", action="store_true")
    parser.add_argument("--boot", action="store_true",
                        help="the machine has just been started")
    parser.add_argument("folder")
    parser.add_argument("command")
    args = parser.parse_args()
    what = "the machine" if args.boot else f"the machine, at: {args.command[:60]}"
    try:
        status = talk(args)
    except Gone:
        last = panic("console")
        if last:
            why = "panicked"
        elif args.boot:
            why = "ended before it was up"
        else:
            why = "has powered off or rebooted"
    except TimeoutError:
        why = "does not come up" if args.boot else "hangs"
        why += f" (nothing for {patience(args)} s)"
        last = panic("console")
    except FileNotFoundError as e:
        why, last = f"does not run ({e.filename} is missing)", []
    else:
        if status == TIMED_OUT and not args.boot:
            print(f"vm: ended after {args.timeout} s (see -t): "
                  f"{args.command[:60]}", file=sys.stderr)
        return status
    print(f"vm: {what} {why}", file=sys.stderr)
    for line in last:
        print(f"vm: console: {line}", file=sys.stderr)
    return MACHINE


if __name__ == "__main__":
    sys.exit(main())
