#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clients and servers that scripts/bench measures with: see --help."""

import argparse
import base64
import os
import socket
import ssl
import sys
import threading
import time


# --- react: an attacker that goes on until nobody answers him ---------------

class Attack:
    def __init__(self, args):
        self.args = args
        self.end = time.monotonic() + args.seconds
        self.answered = time.monotonic()
        secret = base64.b64encode(b"\0alice\0wrong").decode()
        self.line = ("AUTH PLAIN %s\r\n" % secret).encode()

    def over(self):
        now = time.monotonic()
        return now > self.end or now - self.answered > self.args.silence

    def connect(self):
        sock = socket.create_connection((self.args.server, self.args.port), 0.2,
                                        (self.args.source, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def guess(self, sock):
        """Until the server hangs up, or says nothing any more."""
        self.expect(sock)
        sock.sendall(b"EHLO client.example\r\n")
        self.expect(sock)
        while not self.over():
            sock.sendall(self.line)
            self.expect(sock)

    def expect(self, sock):
        """A reply whose last line came in one piece."""
        data = b""
        while data[-1:] != b"\n" or data.splitlines()[-1][3:4] == b"-":
            try:
                got = sock.recv(4096)
            except socket.timeout:
                if self.over():
                    raise
                continue
            if not got:
                raise EOFError
            data += got
        self.answered = time.monotonic()

    def chat(self, sock):
        """Dovecot gathers failures for half a second. This does not wait for
        it: a packet every millisecond tells when he is shut out."""
        self.expect(sock)
        while not self.over():
            sock.sendall(b"EHLO client.example\r\n")
            self.expect(sock)
            time.sleep(0.001)

    def bot(self, do):
        while not self.over():
            try:
                do(self.connect())
            except (OSError, EOFError):
                pass


def cmd_attack(args):
    """Guesses on all connections at once until nothing is answered."""
    attack = Attack(args)
    bots = [threading.Thread(target=attack.bot, args=(do,))
            for do in [attack.guess] * args.connections + [attack.chat]]
    for b in bots:
        b.start()
    for b in bots:
        b.join()
    # Not closed by a FIN, which would be one more packet: by the exit.


# --- sense ------------------------------------------------------------------

def pair(args, serve, use):
    """A server here, on args.port, and its client in a process of its own."""
    listener = socket.create_server((args.server, args.port))
    if os.fork() == 0:
        use(socket.create_connection((args.server, args.port)))
        os._exit(0)
    sock, _ = listener.accept()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    serve(sock)
    sock.close()
    os.wait()


def swallow(sock):
    buffer = bytearray(1 << 20)
    while sock.recv_into(buffer):
        pass


def cmd_tls(args):
    """Prints the ns that a write of 60 bytes inside TLS takes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.certificate, args.key)
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE

    def serve(sock):
        tls = context.wrap_socket(sock, server_side=True)
        line = b"250 " + 54 * b"x" + b"\r\n"
        for count in (args.count // 10, args.count): # the first to warm up
            began = time.monotonic_ns()
            for _ in range(count):
                tls.write(line)
            took = time.monotonic_ns() - began
        print("%.1f" % (took / args.count))
        tls.close()

    def use(sock):
        os.sched_setaffinity(0, {0})
        tls = trusting.wrap_socket(sock)
        swallow(socket.socket(fileno=tls.detach()))

    pair(args, serve, use)


def cmd_lines(args):
    """Serves as many lines of replies as fit into one packet, again and again."""
    line = b"250 2.1.0 Ok\r\n"
    listener = socket.create_server((args.server, args.port))
    sock, _ = listener.accept()
    for _ in range(args.count):
        sock.sendall(line * (65536 // len(line)))
    sock.close()


def cmd_swallow(args):
    swallow(socket.create_connection((args.server, args.port)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    sub = parser.add_subparsers(required=True)

    def command(name, func):
        p = sub.add_parser(name, help=func.__doc__)
        p.set_defaults(func=func)
        p.add_argument("--server", default="192.0.2.25")
        p.add_argument("--port", type=int, default=587)
        return p

    p = command("attack", cmd_attack)
    p.add_argument("--source", required=True)
    p.add_argument("--connections", type=int, default=4)
    p.add_argument("--silence", type=float, default=1)
    p.add_argument("--seconds", type=float, default=30)
    p = command("tls", cmd_tls)
    p.add_argument("--certificate", default="/run/lab/cert.pem")
    p.add_argument("--key", default="/run/lab/key.pem")
    p.add_argument("--count", type=int, default=20000)
    command("lines", cmd_lines).add_argument("--count", type=int, default=500)
    command("swallow", cmd_swallow)
    args = parser.parse_args()
    try:
        args.func(args)
    except (OSError, EOFError) as e:
        sys.exit("%s: %s" % (type(e).__name__, e))


main()
