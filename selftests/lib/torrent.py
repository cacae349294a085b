#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""More failed logins than the daemon can tell of: from one IPv6 network after
another, AUTH after AUTH without waiting, and a server that refuses them all.

  torrent.py serve ADDRESS            serves port 25
  torrent.py try ADDRESS PREFIX EACH  tries from PREFIX:xxxx::1, until all have
"""
import collections
import selectors
import socket
import sys

AUTH = b"AUTH PLAIN AGFsaWNlAHdyb25n\r\n"
REFUSED = b"535 5.7.8 no\r\n"


def answer(waiting, sock):
    try:
        data = sock.recv(65536)
        if data.startswith(b"EHLO"):
            sock.sendall(b"250-torrent.example\r\n250 AUTH PLAIN\r\n")
        sock.sendall(REFUSED * data.count(b"AUTH"))
    except OSError:
        data = b""
    if not data:
        waiting.unregister(sock)
        sock.close()


def serve(address):
    waiting = selectors.DefaultSelector()
    listener = socket.create_server((address, 25), family=socket.AF_INET6,
                                    backlog=4096)
    waiting.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is listener:
                sock, _ = listener.accept()
                sock.sendall(b"220 torrent.example ESMTP\r\n")
                waiting.register(sock, selectors.EVENT_READ)
            else:
                answer(waiting, key.fileobj)


def attempt(address, prefix, each):
    open_ones = collections.deque()
    for n in range(0x8000, 0x10000):
        sock = socket.create_connection((address, 25),
                                        source_address=(f"{prefix}:{n:x}::1", 0))
        sock.sendall(b"EHLO torrent.example\r\n" + AUTH * int(each))
        open_ones.append(sock)
        if len(open_ones) > 100:
            open_ones.popleft().close()


{"serve": serve, "try": attempt}[sys.argv[1]](*sys.argv[2:])
