#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Writes a capture of failed logins, of any age and pace: one client, one
connection, a reply every so often."""

import argparse
import socket
import struct
import sys

LINKS = {"ethernet": 1, "raw": 101, "sll": 113, "sll2": 276, "wifi": 105}
NSEC = 10**9
SUCCESS = b"235 2.7.0 Authentication successful\r\n"


def segment(args, seq, payload, flags=0x18):
    """TCP from the server to the client, with IP before it."""
    tcp = struct.pack("!HHIIBBHHH", args.port, 40000, seq & 0xFFFFFFFF, 1,
                      5 << 4, flags, 8192, 0, 0)
    src, dst = args.server, args.client
    if ":" in dst:
        addresses = [socket.inet_pton(socket.AF_INET6, a) for a in (src, dst)]
        return struct.pack("!IHBB", 6 << 28, len(tcp) + len(payload), 6, 64) \
            + b"".join(addresses) + tcp + payload
    addresses = [socket.inet_aton(a) for a in (src, dst)]
    # As the kernel does it, where a GSO packet is too long for the field.
    length = 20 + len(tcp) + len(payload)
    return struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0, 64, 6, 0) \
        + b"".join(addresses) + tcp + payload


def framed(args, packet):
    proto = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    if args.link == "ethernet":
        vlan = struct.pack("!HH", 0x8100, 7) if args.vlan else b""
        return b"\2" * 12 + vlan + struct.pack("!H", proto) + packet
    kind = 0 if args.incoming else 4
    if args.link == "sll":
        return struct.pack("!HHH8sH", kind, 1, 6, b"", proto) + packet
    if args.link == "sll2":
        return struct.pack("!HHIHBB8s", proto, 0, 2, 1, kind, 6, b"") + packet
    return packet


def packets(args):
    """(ns, frame): a SYN+ACK, then the replies."""
    text = args.reply.encode().decode("unicode_escape").encode("latin-1")
    at, seq = int(args.start * NSEC), 1000
    yield at, framed(args, segment(args, seq - 1, b"", 0x12))
    for letter in args.script or "F" * args.count:
        payload = {"F": text * args.batch, "S": SUCCESS, ".": b""}[letter]
        yield at, framed(args, segment(args, seq, payload))
        seq += len(payload)
        at += int(args.every * NSEC)


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body \
        + struct.pack("<I", len(body) + 12)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--link", choices=LINKS, default="ethernet")
    p.add_argument("--ng", action="store_true", help="pcapng")
    p.add_argument("--vlan", action="store_true")
    p.add_argument("--incoming", action="store_true")
    p.add_argument("--server", default="192.0.2.25")
    p.add_argument("--client", default="198.51.100.7")
    p.add_argument("--port", type=int, default=25)
    p.add_argument("--start", type=float, default=1.6e9)
    p.add_argument("--count", type=int, default=10)
    p.add_argument("--script", help="in place of a count: F fails, "
                   "S succeeds, . is nothing")
    p.add_argument("--batch", type=int, default=1, help="replies a packet")
    p.add_argument("--every", type=float, default=1, help="seconds")
    p.add_argument("--reply", default="535 5.7.8 no\\r\\n")
    p.add_argument("--snap", type=int, default=262144)
    args = p.parse_args()
    out = sys.stdout.buffer
    if args.ng:
        out.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        out.write(block(1, struct.pack("<HHI", LINKS[args.link], 0, args.snap)))
    else:
        out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, args.snap,
                              LINKS[args.link]))
    for ns, frame in packets(args):
        kept = frame[:args.snap]
        if args.ng:
            usec = ns // 1000
            out.write(block(6, struct.pack("<IIIII", 0, usec >> 32,
                                           usec & 0xFFFFFFFF, len(kept),
                                           len(frame)) + kept))
        else:
            out.write(struct.pack("<IIII", ns // NSEC, ns % NSEC, len(kept),
                                  len(frame)) + kept)


if __name__ == "__main__":
    main()
