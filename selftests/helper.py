#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clients that no tool of Debian's is: see `helper.py --help`."""

import argparse
import base64
import fcntl
import ipaddress
import json
import os
import random
import select
import socket
import struct
import sys
import time


def auth_line(args):
    secret = "\0%s\0%s" % (args.user, args.password)
    return b"AUTH PLAIN " + base64.b64encode(secret.encode()) + b"\r\n"


class Replies:
    """Takes bytes, gives complete replies (RFC 5321, 4.2.1)."""

    def __init__(self):
        self.rest = b""
        self.lines = []

    def feed(self, data):
        self.rest += data
        done = []
        while b"\n" in self.rest:
            line, self.rest = self.rest.split(b"\n", 1)
            self.lines.append(line.rstrip(b"\r").decode("latin-1"))
            if self.lines[-1][3:4] != "-":
                done.append("\n".join(self.lines))
                self.lines = []
        return done


class Client:
    def __init__(self, args):
        family = socket.AF_INET6 if ":" in args.server else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(args.timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if args.mss:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, args.mss)
        if args.source:
            self.sock.bind((args.source, 0))
        self.sock.connect((args.server, args.port))
        self.replies = Replies()
        self.ready = []

    def send(self, data):
        self.sock.sendall(data)

    def reply(self):
        while not self.ready:
            data = self.sock.recv(4096)
            if not data:
                raise EOFError("the server hung up")
            self.ready += self.replies.feed(data)
        return self.ready.pop(0)

    def close(self):
        self.sock.close()


def hello(client):
    client.reply()
    client.send(b"EHLO client.example\r\n")
    client.reply()


def leave(client):
    """Without waiting for an answer: who is banned by now gets none."""
    client.send(b"QUIT\r\n")
    client.close()


def cmd_auth(args):
    """Each try on all connections at once: servers answer failures late."""
    clients = [Client(args) for _ in range(args.connections)]
    burst = args.tries if args.pipeline else 1
    for client in clients:
        hello(client)
    for _ in range(args.tries // burst):
        for client in clients:
            client.send(auth_line(args) * burst)
        for client in clients:
            for _ in range(burst):
                reply = client.reply()
                print(reply, flush=True)
                if args.expect and not reply.startswith(args.expect):
                    sys.exit("expected %s, got: %s" % (args.expect, reply))
    for client in clients:
        leave(client)


def cmd_connect(args):
    client = Client(args)
    print(client.reply())
    leave(client)


def cmd_send(args):
    """Logs in and hands over a mail whose text is standard input."""
    body = sys.stdin.read().replace("\n.", "\n..").replace("\n", "\r\n")
    client = Client(args)
    hello(client)
    client.send(auth_line(args))
    client.reply()
    for line in ("MAIL FROM:<alice@mail.example>", "RCPT TO:<%s>" % args.to, "DATA"):
        client.send(line.encode() + b"\r\n")
        reply = client.reply()
        if reply[0] not in "23":
            sys.exit(line + ": " + reply)
    client.send(body.encode() + b".\r\n")
    reply = client.reply()
    print(reply)
    leave(client)
    sys.exit(0 if reply.startswith("250") else 1)


# --- a host of its own, behind a TUN device: decides what is acknowledged ---

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x0001 | 0x1000
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class RawClient:
    """Client's interface, but the TCP is this one: one connection, no
    retransmissions of its own, in-order data only."""

    def __init__(self, args):
        self.fd = os.open("/dev/net/tun", os.O_RDWR)
        name = args.tun.encode().ljust(16, b"\0")
        fcntl.ioctl(self.fd, TUNSETIFF, name + struct.pack("H22x", IFF_TUN_NO_PI))
        self.me = ipaddress.ip_address(args.source).packed
        self.peer = ipaddress.ip_address(args.server).packed
        self.ports = (random.randrange(20000, 60000), args.port)
        self.timeout = args.timeout
        self.window = 65535
        self.seq, self.next = 1000, 0
        self.edge = None  # with a small window: what was offered so far
        self.segments = []  # payload lengths, as they came
        self.hold = 0  # so many segments are ignored at first,
        self.partial = 0  # or of the last of these, so many bytes taken
        self.replies, self.ready = Replies(), []
        self.emit(SYN, struct.pack("!BBH", 2, 4, args.mss or 1460))
        self.seq += 1
        flags, seq, _ = self.receive()
        if flags & (SYN | ACK) != SYN | ACK:
            raise ConnectionError("no SYN-ACK")
        self.next = (seq + 1) & 0xFFFFFFFF
        self.emit(ACK)

    def emit(self, flags, options=b"", data=b""):
        tcp = struct.pack("!HHIIBBHHH", *self.ports, self.seq & 0xFFFFFFFF,
                          self.next, (20 + len(options)) // 4 << 4, flags,
                          self.window, 0, 0) + options + data
        pseudo = self.me + self.peer + struct.pack("!BBH", 0, 6, len(tcp))
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000,
                         64, 6, 0, self.me, self.peer)
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        os.write(self.fd, ip + tcp)

    def receive(self):
        end = time.monotonic() + self.timeout
        while True:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise TimeoutError("the server is silent")
            p = os.read(self.fd, 65536)
            if p[0] >> 4 != 4 or p[9] != 6 or p[12:16] != self.peer:
                continue
            tcp = p[(p[0] & 15) * 4:struct.unpack("!H", p[2:4])[0]]
            sport, dport, seq = struct.unpack("!HHI", tcp[:8])
            if (dport, sport) == self.ports:
                return tcp[13], seq, tcp[(tcp[12] >> 4) * 4:]

    def send(self, data):
        self.emit(PSH | ACK, b"", data)
        self.seq += len(data)

    def reply(self):
        while not self.ready:
            flags, seq, data = self.receive()
            if flags & RST:
                raise ConnectionError("reset by the server")
            if flags & FIN and not data:
                raise EOFError("the server hung up")
            if not data:
                continue
            self.segments.append(len(data))
            old = (self.next - seq) & 0xFFFFFFFF
            if self.hold:
                self.hold -= 1
                if self.hold == 0 and self.partial:
                    part = data[old:old + self.partial]
                    self.ready += self.replies.feed(part)
                    self.next += len(part)
                    self.emit(ACK)
                continue
            if old < len(data):
                self.ready += self.replies.feed(data[old:])
                self.next = (self.next + len(data) - old) & 0xFFFFFFFF
            self.emit(ACK)
        return self.ready.pop(0)

    def close(self):
        self.emit(RST | ACK)
        os.close(self.fd)


def cmd_raw(args):
    client = RawClient(args)
    client.reply()
    client.send(b"EHLO client.example\r\n")
    # Offered with the next acknowledgement, and taken with that only.
    client.window = args.window or client.window
    client.reply()
    client.segments = []
    client.hold, client.partial = args.hold, args.partial
    burst = args.tries if args.pipeline else 1
    try:
        for _ in range(args.tries // burst):
            client.send(auth_line(args) * burst)
            for _ in range(burst):
                reply = client.reply()
                print(reply, file=sys.stderr)
                if args.expect and not reply.startswith(args.expect):
                    sys.exit("expected %s, got: %s" % (args.expect, reply))
    finally:
        client.close()
    print(json.dumps({"segments": client.segments}))


def cmd_notify(args):
    """Stands in for systemd: prints what a service tells it, a line each."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(args.socket)
    while True:
        for line in sock.recv(4096).decode().splitlines():
            print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    sub = parser.add_subparsers(required=True)

    def command(name, func, text):
        p = sub.add_parser(name, help=text)
        p.set_defaults(func=func)
        return p

    def client_options(p):
        p.add_argument("--server", default="192.0.2.25")
        p.add_argument("--port", type=int, default=587)
        p.add_argument("--source", "--from")
        p.add_argument("--timeout", type=float, default=5)
        p.add_argument("--mss", type=int)
        p.add_argument("--user", default="alice")
        p.add_argument("--password", default="secret")
        p.add_argument("--tries", type=int, default=1)
        p.add_argument("--pipeline", action="store_true")
        p.add_argument("--expect")

    p = command("auth", cmd_auth, cmd_auth.__doc__)
    client_options(p)
    p.add_argument("--connections", type=int, default=1)
    client_options(command("connect", cmd_connect, "see the greeting"))
    p = command("send", cmd_send, cmd_send.__doc__)
    client_options(p)
    p.add_argument("--to", default="someone@far.example")
    p = command("raw", cmd_raw, "log in through a TUN device")
    client_options(p)
    p.add_argument("--tun", default="tun0")
    p.add_argument("--window", type=int)
    p.add_argument("--hold", type=int, default=0)
    p.add_argument("--partial", type=int, default=0)
    p = command("notify", cmd_notify, cmd_notify.__doc__)
    p.add_argument("socket")
    args = parser.parse_args()
    try:
        args.func(args)
    except (OSError, EOFError) as e:
        sys.exit("%s: %s" % (type(e).__name__, e))


main()
