#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Who would like to speak for the mail server: packets and processes, at
random. What they do is no mail server's doing, and must change nothing."""

import argparse
import os
import random
import socket
import struct
import time

REFUSED = b"535 5.7.8 Error: authentication failed\r\n"
HELLO = bytes.fromhex("160303007a020000760303") + b"0123456789abcdef" * 2
TEXTS = (REFUSED, REFUSED * 12, b"235 2.7.0 Authentication successful\r\n",
         b"220 mail ESMTP\r\n", b"535", b" 5.7.8 no\r\n", HELLO)
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def segment(src, sport, dst, dport, seq, flags, data):
    src, dst = socket.inet_aton(src), socket.inet_aton(dst)
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq, 1, 0x50, flags, 65535,
                      0, 0) + data
    pseudo = src + dst + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6,
                     0, src, dst)
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:], tcp


class Raw:
    """Frames by an AF_PACKET socket, TCP by a raw one."""

    def __init__(self, args):
        self.args = args
        self.packet = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 6)
        self.live = []  # connections that the mail server has accepted

    def step(self, dice):
        args = self.args
        src, sport = dice.choice(args.sources), dice.choice((25, 587, 465, 2525))
        dst, dport = dice.choice(args.victims), dice.randrange(1024, 65536)
        if self.live and dice.random() < 0.5:
            src, sport, dst, dport = dice.choice(self.live)
        flags = dice.choice((PSH | ACK,) * 6 + (SYN, SYN | ACK, FIN | ACK, RST))
        data = b"" if flags & (SYN | RST) else dice.choice(TEXTS)
        ip, tcp = segment(src, sport, dst, dport, dice.getrandbits(32), flags,
                          data)
        if dice.random() < 0.8:
            self.packet.sendto(ip + tcp, (args.device, 0x0800, 0, 0,
                                          bytes.fromhex(args.mac)))
        else:
            try:
                self.raw.sendto(tcp, (dst, 0))
            except OSError:
                pass


class User:
    """A process without rights."""

    def __init__(self, args):
        self.args = args

    def step(self, dice):
        sock = socket.socket()
        sock.settimeout(0.2)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, dice.randrange(2))
        if dice.random() < 0.3:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # A reset, so that the port is free for the next step.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
        try:
            if dice.random() < 0.4:
                return self.serve(sock, dice)
            if dice.random() < 0.7:
                sock.bind((dice.choice(self.args.sources + [""]),
                           dice.choice((2525, 2524, 0))))
            sock.connect((dice.choice(self.args.victims), 80))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(12):
                sock.sendall(dice.choice(TEXTS))
        except OSError:
            pass
        finally:
            sock.close()

    def serve(self, sock, dice):
        """Listens on a free port, and refuses who connects."""
        sock.bind((dice.choice(self.args.sources + ["", "127.0.0.2"]), 2525))
        sock.listen()
        client, _ = sock.accept()
        client.settimeout(0.2)
        for _ in range(12):
            client.sendall(dice.choice(TEXTS))
        client.close()


def cmd_storm(args):
    dice = random.Random(args.seed)
    print("seed", args.seed, flush=True)
    if args.uid:
        os.setgroups([])
        os.setgid(args.uid)
        os.setuid(args.uid)
    who = (User if args.uid else Raw)(args)
    if args.live:  # ADDRESS:PORT,ADDRESS:PORT: what ss has told
        for pair in args.live:
            ends = [end.rsplit(":", 1) for end in pair.split(",")]
            who.live.append((ends[0][0], int(ends[0][1]),
                             ends[1][0], int(ends[1][1])))
    for _ in range(args.steps):
        who.step(dice)


def cmd_older(args):
    """Connects, says so, and logs in when somebody has opened a FIFO."""
    socks = [socket.create_connection((args.server, port), 5)
             for port in args.ports]
    for sock in socks:
        sock.recv(4096)
    print("connected", flush=True)
    with open(args.until, encoding="ascii"):
        pass
    for sock in socks:
        sock.sendall(b"EHLO x\r\n")
        time.sleep(0.1)
        sock.recv(4096)
        sock.sendall(b"AUTH PLAIN AGFsaWNlAHdyb25n\r\n")
        print(sock.recv(4096).decode().strip(), flush=True)


def cmd_within(args):
    """Somebody in a network namespace of his own: gives himself a stranger's
    address, and refuses to himself what that one tries."""
    listener = socket.create_server((args.server, args.port))
    client = socket.create_connection((args.server, args.port),
                                      source_address=(args.victims[0], 0))
    server, _ = listener.accept()
    for _ in range(12):
        server.sendall(REFUSED)
    time.sleep(0.2)
    client.close()
    server.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    sub = parser.add_subparsers(required=True)
    for func in (cmd_storm, cmd_older, cmd_within):
        p = sub.add_parser(func.__name__[4:], help=func.__doc__)
        p.set_defaults(func=func)
        p.add_argument("--seed", type=int, default=1)
        p.add_argument("--steps", type=int, default=100)
        p.add_argument("--uid", type=int, default=0)
        p.add_argument("--sources", nargs="*", default=["192.0.2.25"])
        p.add_argument("--victims", nargs="*", default=["203.0.113.5"])
        p.add_argument("--live", nargs="*", default=[])
        p.add_argument("--until")
        p.add_argument("--device", default="eth0")
        p.add_argument("--mac", default="ffffffffffff")
        p.add_argument("--server", default="192.0.2.28")
        p.add_argument("--port", type=int, default=2525)
        p.add_argument("--ports", type=int, nargs="*", default=[25, 2525])
    args = parser.parse_args()
    args.func(args)


main()
