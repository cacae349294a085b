#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clients that no tool of Debian's is: see `helper.py --help`."""

import argparse
import base64
import collections
import concurrent.futures
import ctypes
import errno
import fcntl
import ipaddress
import json
import os
import random
import re
import select
import signal
import socket
import ssl
import struct
import sys
import threading
import time


def password(args):
    """Password "wrong" is a new one each time, as a guesser's."""
    if args.password != "wrong":
        return args.password
    return "wrong-" + os.urandom(6).hex()


def auth_line(args):
    secret = "\0%s\0%s" % (args.user, password(args))
    return b"AUTH PLAIN " + base64.b64encode(secret.encode()) + b"\r\n"


def auth_lines(args, n):
    return b"".join(auth_line(args) for _ in range(n))


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


def trusting():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Client:
    def __init__(self, args, source=None):
        source = source or args.source
        family = socket.AF_INET6 if ":" in args.server else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(args.timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if args.mss:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, args.mss)
        if source:
            self.sock.bind((source, 0))
        if getattr(args, "fast", None):
            self.sock.sendto(b"EHLO client.example\r\n" + auth_line(args),
                             socket.MSG_FASTOPEN, (args.server, args.port))
        else:
            self.sock.connect((args.server, args.port))
        self.replies = Replies()
        self.ready = []
        if getattr(args, "proxy", None):
            self.send(b"PROXY %s\r\n" % args.proxy.encode())
        if args.tls == "implicit":
            self.start_tls()

    def start_tls(self):
        self.sock = trusting().wrap_socket(self.sock)

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


def hello(client, args):
    client.reply()
    hello_after_greeting(client, args)


def hello_after_greeting(client, args):
    client.send(b"EHLO client.example\r\n")
    client.reply()
    if args.tls != "starttls":
        return
    client.send(b"STARTTLS\r\n")
    reply = client.reply()
    if not reply.startswith("220"):
        sys.exit("STARTTLS: " + reply)
    client.start_tls()
    client.send(b"EHLO client.example\r\n")
    client.reply()


def leave(client):
    """Without waiting for an answer: who is banned by now gets none."""
    try:
        client.send(b"QUIT\r\n")
    except OSError:
        pass  # the connection was cut
    client.close()


def judged(client, args, burst):
    """The reply to a login. 454: the server lost its password database for a
    moment, and has judged nothing, so the login is tried again."""
    reply = client.reply()
    for _ in range(3):
        if burst > 1 or args.expect != "535" or not reply.startswith("454"):
            break
        client.send(auth_line(args))
        reply = client.reply()
    return reply


def cmd_auth(args):
    """Each try on all connections at once: servers answer failures late."""
    clients = [Client(args) for _ in range(args.connections)]
    burst = args.tries if args.pipeline else 1
    for client in clients:
        hello(client, args)
    for _ in range(args.tries // burst):
        for client in clients:
            client.send(auth_lines(args, burst))
        for client in clients:
            for _ in range(burst):
                reply = judged(client, args, burst)
                print(reply, flush=True)
                if args.expect and not reply.startswith(args.expect):
                    sys.exit("expected %s, got: %s" % (args.expect, reply))
    for client in clients:
        leave(client)


def cmd_say(args):
    """Says lines, each when the one before is answered; prints the bytes of the
    last answer."""
    client = Client(args)
    reply = client.reply()
    for line in args.lines:
        client.send(line.encode() + b"\r\n")
        reply = client.reply()
    print(reply, file=sys.stderr)
    print(sum(len(line) + 2 for line in reply.split("\n")))
    client.close()


def cmd_connect(args):
    client = Client(args)
    print(client.reply())
    leave(client)


def cmd_hold(args):
    """Opens connections, says "open", and then what becomes of each."""
    sources = args.source.split(",") if args.source else [None]
    clients = [Client(args, s) for s in sources for _ in range(args.connections)]
    for client in clients:
        hello(client, args)
    if args.tries:
        for client in clients:
            client.send(auth_line(args))
        for client in clients:
            client.reply()
    print("open", flush=True)
    for client in clients:
        try:
            print("data" if client.sock.recv(1) else "closed", flush=True)
        except OSError as e:
            print(type(e).__name__, flush=True)


def cmd_hammer(args):
    """Tries to connect again and again; says "through" when anything answers."""
    tries = []
    while True:
        time.sleep(0.002)
        sock = socket.socket()
        sock.setblocking(False)
        try:
            sock.bind((args.source, 0))
            sock.connect_ex((args.server, args.port))
            tries.append(sock)
        except OSError:
            pass  # his interface is away
        if len(tries) > 100:
            first = tries.pop(0)
            err = first.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            try:
                first.getpeername()
                print("through", flush=True)
            except OSError:
                if err == errno.ECONNREFUSED:
                    print("through", flush=True)
            first.close()


def cmd_send(args):
    """Logs in and hands over a mail whose text is standard input."""
    body = sys.stdin.read().replace("\n.", "\n..").replace("\n", "\r\n")
    client = Client(args)
    hello(client, args)
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


def cmd_storm(args):
    """Many clients at once, ADDRESS*CONNECTIONS[*USER] each, good and bad ones."""
    clients = []
    for plan, good in ((args.bad, False), (args.good, True)):
        for item in plan.split(",") if plan else ():
            address, count, user = (item + "*" + args.user).split("*")[:3]
            for _ in range(int(count)):
                clients.append((Client(args, address), good))
                clients[-1][0].user = user
    random.Random(args.seed).shuffle(clients)
    for client, _ in clients:
        hello(client, args)
    secret = args.password
    for _ in range(args.tries):
        for client, good in clients:
            args.password = secret if good else "wrong"
            args.user = client.user
            client.send(auth_line(args))
        for client, good in clients:
            reply = client.reply()
            if not reply.startswith("235" if good else "535"):
                sys.exit("%s: %s" % ("good" if good else "bad", reply))
        clients = [c for c in clients if not c[1]]  # these are in
    for client, _ in clients:
        leave(client)


def cmd_rhythm(args):
    """Logs in again and again, in the rhythm of --per and --every, until --seconds
    have gone by or the server cannot be reached any more: then it is banned.
    Prints how many replies came, by code."""
    end = time.monotonic() + args.seconds
    codes = collections.Counter()
    lock = threading.Lock()

    def connection():
        client = Client(args)
        try:
            hello(client, args)
            for _ in range(args.per):
                client.send(auth_line(args))
                code = client.reply()[:3]
                with lock:
                    codes[code] += 1
                if code == "235" or time.monotonic() > end:
                    break
                time.sleep(args.every)
        except (ConnectionResetError, BrokenPipeError, EOFError, ssl.SSLError):
            pass  # the server hung up, or a ban cut the connection
        finally:
            client.close()

    def one():
        while time.monotonic() < end:
            try:
                connection()
            except (TimeoutError, OSError):
                if time.monotonic() < end and args.until_banned:
                    return

    threads = [threading.Thread(target=one) for _ in range(args.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(" ".join("%s:%d" % pair for pair in sorted(codes.items())))


def cmd_botnet(args):
    """Addresses that guess, --connections of them at once, up to --tries times
    each, until they are banned. Prints how many guesses each was told to be wrong."""
    def one(address):
        told = 0
        try:
            client = Client(args, address)
            hello(client, args)
            for _ in range(args.tries):
                client.send(auth_line(args))
                told += client.reply().startswith("535")
            leave(client)
        except (OSError, EOFError):
            pass  # a ban has cut the connection
        return told

    with concurrent.futures.ThreadPoolExecutor(args.connections) as pool:
        print(*pool.map(one, args.bad.split(",")))


def cmd_rude(args):
    """Clients that hang up, with a reset, at some point after AUTH, and come
    again at once from the next address: the server's library sees the same
    objects, its kernel the same sockets, with others at the other end."""
    chance = random.Random(args.seed)

    def one(address):
        try:
            client = Client(args, address)
            hello(client, args)
            client.send(auth_lines(args, args.tries))
            for _ in range(chance.randrange(args.tries + 1)):
                client.reply()
            time.sleep(chance.choice((0, 0, 0.01, 0.5)))
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
            client.close()
        except (OSError, EOFError):
            pass

    for _ in range(args.rounds):
        threads = [threading.Thread(target=one, args=(a,)) for a in args.bad.split(",")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def login_once(args, address, chance):
    """One honest login; who mistypes tries again. True: all was answered.
    {} in the user's name is the address's number."""
    mine = argparse.Namespace(**vars(args))
    mine.user = args.user.format(args.source.split(",").index(address))
    mine.tls, mine.port = chance.choice(
        ((None, 587), (None, 587), ("starttls", 587), ("implicit", 465)))
    client = Client(mine, address)
    hello(client, mine)
    wrong = chance.random() < args.wrong
    mine.password = "wrong" if wrong else "secret"
    client.send(auth_line(mine))
    reply = client.reply()
    if not reply.startswith("535" if wrong else "235"):
        raise ConnectionError(reply)
    if wrong and chance.random() < 0.5:
        mine.password = "secret"
        client.send(auth_line(mine))
        client.reply()
    how = chance.choice(("quit", "leave", "close"))
    if how != "close":
        client.send(b"QUIT\r\n")
    if how == "quit":
        client.reply()
    client.close()


def cmd_honest(args):
    """Honest logins, most with the right password, by many clients at once.
    Prints for each address how many connections broke."""
    addresses = args.source.split(",")
    broken = collections.Counter()
    todo = iter(range(args.tries))
    lock = threading.Lock()

    def work(seed):
        chance = random.Random(seed)
        while True:
            with lock:
                if next(todo, None) is None:
                    return
            address = chance.choice(addresses)
            try:
                login_once(args, address, chance)
            except (OSError, EOFError) as e:
                broken[network(address)] += 1
                print(address, type(e).__name__, e, file=sys.stderr)

    threads = [threading.Thread(target=work, args=(args.seed * 1000 + i,))
               for i in range(args.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(broken))


def cmd_spared(args):
    """Is an honest client charged with no more than the server refused, and one
    for each connection that broke? From files: who broke (by `honest`), the
    server's log, the expression; standard input: `clients -j`."""
    with open(args.broken) as f:
        broken = json.load(f)
    logged = collections.Counter()
    with open(args.log, errors="replace") as log:
        for found in re.finditer(args.expression, log.read(), re.M):
            logged[network(found.group(1))] += 1
    counted = {c["net"]: c["failures"] for c in json.load(sys.stdin)}
    more = {net: n - logged[net] for net, n in counted.items() if n > logged[net]}
    fewer = {net: n - counted.get(net, 0) for net, n in logged.items()
             if counted.get(net, 0) < n}
    print("refused %d, counted %d, broken %d, more than refused: %s, fewer: %s" % (
        sum(logged.values()), sum(counted.values()), sum(broken.values()),
        json.dumps(more), json.dumps(fewer)))
    sys.exit(bool(fewer) or any(n > broken.get(net, 0) for net, n in more.items()))


def network(address):
    """Who is one client to smtpxdp: an IPv4 address, an IPv6 /64."""
    a = ipaddress.ip_address(address)
    if a.version == 6 and a.ipv4_mapped:
        a = a.ipv4_mapped
    length = 32 if a.version == 4 else 64
    return str(ipaddress.ip_network((a, length), strict=False))


def cmd_judge(args):
    """Is what smtpxdp counted (`clients -j`, standard input) what the server's
    log says, for each address? The expression finds the address in a line."""
    logged = {}
    with open(args.log, errors="replace") as log:
        for found in re.finditer(args.expression, log.read(), re.M):
            net = network(found.group(1))
            logged[net] = logged.get(net, 0) + 1
    counted = {c["net"]: c["failures"] for c in json.load(sys.stdin)
               if c["failures"]}
    excused = 0
    for net in map(network, args.excuse):
        if logged.get(net, 0) > counted.get(net, 0):
            excused += logged[net] - counted.get(net, 0)
            counted[net] = logged[net]
    print("excused:", excused)
    print("logged: ", json.dumps(logged, sort_keys=True))
    print("counted:", json.dumps(counted, sort_keys=True))
    print("total:", sum(logged.values()))
    if args.tried is not None:
        sys.exit(not all(
            logged.get(net, 0) <= counted.get(net, 0)
            <= max(logged.get(net, 0), args.tried)
            for net in logged.keys() | counted.keys()))
    wanted = args.total is None or sum(logged.values()) == args.total
    sys.exit(0 if logged == counted and wanted else 1)


# --- a mail server: takes every mail, refuses every password ----------------


def serve_one(sock, args, context):
    rest = b""

    def line():
        nonlocal rest
        while b"\n" not in rest:
            data = sock.recv(4096)
            if not data:
                raise EOFError
            rest += data
        text, rest = rest.split(b"\n", 1)
        return text.decode("latin-1").strip()

    if args.tls == "implicit":
        sock = context.wrap_socket(sock, server_side=True)
    sock.sendall(b"220 served.example ESMTP\r\n")
    while True:
        verb = line().upper()
        reply = "250 ok"
        if verb.startswith("EHLO"):
            offer = "" if isinstance(sock, ssl.SSLSocket) else "250-STARTTLS\r\n"
            reply = "250-served.example\r\n" + offer + "250 " + args.offer
        elif verb.startswith("AUTH"):
            time.sleep(args.delay)
            reply = args.refusal.encode().decode("unicode_escape")
        elif verb == "STARTTLS":
            reply = "220 go ahead"
        elif verb == "DATA":
            sock.sendall(b"354 go on\r\n")
            with open(args.mail, "a", encoding="latin-1") as mail:
                for text in iter(line, "."):
                    mail.write(text + "\n")
        elif verb == "QUIT":
            return
        sock.sendall(reply.encode() + b"\r\n")
        if verb == "STARTTLS":
            sock = context.wrap_socket(sock, server_side=True)


def serve_safely(*args):
    try:
        serve_one(*args)
    except (OSError, EOFError) as e:
        print(type(e).__name__, e, file=sys.stderr)


def cmd_serve(args):
    """A server whose TLS library is Python's, a thread for each client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.certificate, args.key)
    if args.ktls:
        context.options |= ssl.OP_ENABLE_KTLS
    v6 = ":" in args.server  # "::" takes IPv4, too
    listener = socket.create_server(
        (args.server, args.port), backlog=100, dualstack_ipv6=v6,
        family=socket.AF_INET6 if v6 else socket.AF_INET)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve_safely, args=(sock, args, context),
                         daemon=True).start()


def cmd_relay(args):
    """One thread with a TLS session to somewhere else and a client of its own:
    what it says there is none of the client's business."""
    listener = socket.create_server((args.server, args.port))
    far = trusting().wrap_socket(socket.create_connection((args.to, args.to_port)))
    sock, _ = listener.accept()
    for _ in range(5):
        far.sendall(b"535 x\r\n")
        sock.sendall(b"220 relay.example ESMTP is not in a hurry\r\n")
        sock.recv(4096)
    sock.close()


def cmd_auth_http(args):
    """What nginx' mail proxy asks about each login (its auth_http)."""
    listener = socket.create_server(("127.0.0.1", args.port), backlog=100)
    while True:
        sock, _ = listener.accept()
        request = b""
        while b"\r\n\r\n" not in request:
            request += sock.recv(4096)
        good = args.trusting or ("auth-pass: %s\r\n" % args.password).encode() in request.lower()
        answer = "Auth-Status: OK\r\nAuth-Server: %s\r\nAuth-Port: 587" % args.server
        if not good:
            answer = "Auth-Status: Invalid login\r\nAuth-Error-Code: 535 5.7.8"
        sock.sendall(("HTTP/1.0 200 OK\r\n%s\r\n\r\n" % answer).encode())
        sock.close()


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

    def emit(self, flags, options=b"", data=b"", wrong=0):
        tcp = struct.pack("!HHIIBBHHH", *self.ports, self.seq & 0xFFFFFFFF,
                          self.next, (20 + len(options)) // 4 << 4, flags,
                          self.window, 0, 0) + options + data
        pseudo = self.me + self.peer + struct.pack("!BBH", 0, 6, len(tcp))
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp) ^ wrong) + tcp[18:]
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
            client.send(auth_lines(args, burst))
            for _ in range(burst):
                reply = client.reply()
                print(reply, file=sys.stderr)
                if args.expect and not reply.startswith(args.expect):
                    sys.exit("expected %s, got: %s" % (args.expect, reply))
    finally:
        client.close()
    print(json.dumps({"segments": client.segments}))


class Cut:
    """One connection that ends in the middle: after so many bytes of the answer
    to the last AUTH, or when patience ends."""

    def __init__(self, args):
        self.args = args
        self.client = RawClient(args) if args.raw else Client(args)

    def answered(self, end):
        """Reads until the end of patience; how many bytes came."""
        seen = 0
        while time.monotonic() < end and (self.args.cut is None or
                                          seen < self.args.cut):
            self.client.timeout = max(0.01, end - time.monotonic())
            try:
                flags, seq, data = self.client.receive()
            except TimeoutError:
                break
            if flags & (RST | FIN):
                break
            new = (seq + len(data) - self.client.next) & 0xFFFFFFFF
            if data and new < 65536:
                seen += new
                self.client.next = (self.client.next + new) & 0xFFFFFFFF
                if self.args.cut is None or seen < self.args.cut:
                    self.client.emit(ACK)
        return seen

    def hold(self, end):
        """Takes what came, and shuts the window."""
        self.client.window = 0
        self.client.emit(ACK)
        while time.monotonic() < end:
            self.client.timeout = max(0.01, end - time.monotonic())
            try:
                self.client.receive()
                self.client.emit(ACK)
            except TimeoutError:
                return

    def say(self):
        for line in self.args.say.encode().decode("unicode_escape").split("|"):
            if line == "AUTH":
                self.client.send(auth_line(self.args))
            elif line == "?":
                self.client.reply()
            elif line == "EMPTY":
                self.client.send(b"\r\n")
            elif line in ("TWICE", "DECOY", "DISORDER"):
                self.odd(line)
            elif line:
                self.client.send(line.encode() + b"\r\n")

    def odd(self, how):
        """A login in segments as no honest client sends them."""
        c, auth = self.client, auth_line(self.args)
        if how == "DECOY":  # whose checksum is wrong
            c.emit(PSH | ACK, b"", b"NOOP ".ljust(len(auth) - 2) + b"\r\n", 1)
        if how == "DISORDER":
            c.seq += 5
            c.emit(PSH | ACK, b"", auth[5:])
            c.seq -= 5
            c.emit(PSH | ACK, b"", auth[:5])
        else:
            c.emit(PSH | ACK, b"", auth)
        if how == "TWICE":
            time.sleep(0.3)
            c.emit(PSH | ACK, b"", auth)
        c.seq += len(auth)

    def end(self):
        if self.args.end == "silence":
            return
        if self.args.end == "reopen":  # the window, for the rest
            self.client.window, self.client.timeout = 65535, 10
            self.client.emit(ACK)
            while not self.client.ready:
                _, seq, data = self.client.receive()
                old = (self.client.next - seq) & 0xFFFFFFFF
                self.client.ready += self.client.replies.feed(data[old:])
            print(self.client.ready[0])
        if self.args.end == "both":  # while the server does not read
            self.client.sock.shutdown(socket.SHUT_WR)
            time.sleep(0.2)
        if self.args.raw:
            self.client.emit(FIN | ACK if self.args.end == "close" else RST | ACK)
        elif self.args.end in ("reset", "both"):
            self.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                        struct.pack("ii", 1, 0))
        self.client.close() if not self.args.raw else os.close(self.client.fd)


def cmd_cut(args):
    """Ends a connection before the answer to what it --says is there: commands,
    AUTH (a login) and ? (waits for a reply), with | between them."""

    def one():
        cut = Cut(args)
        client = cut.client
        if not args.fast: # else Postfix greets when it has done all
            client.reply()
        if args.ehlo and args.raw:
            client.send(b"EHLO client.example\r\n")
            client.window = 65535 if args.window is None else args.window
            client.reply()
        elif args.ehlo and not args.fast:
            client.replies, client.ready = Replies(), []
            hello_after_greeting(client, args)
        if not args.fast:
            cut.say()
        end = time.monotonic() + args.patience
        if args.raw:
            print(cut.answered(end))
            if args.end in ("silence", "reopen"):
                cut.hold(end)
        else:
            time.sleep(args.patience)
        cut.end()

    for _ in range(args.tries):
        threads = [threading.Thread(target=one) for _ in range(args.connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def cmd_frame(args):
    """A user who connects out from a mail port, and says there that a login has
    failed. Without --source-port the kernel chooses one."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if args.source_port:
        sock.bind((args.source or "", args.source_port))
    sock.settimeout(args.timeout)
    sock.connect((args.server, args.port))
    for _ in range(args.tries):
        sock.sendall(b"535 5.7.8 Error: authentication failed\r\n")
        time.sleep(0.01)
    print(sock.getsockname()[1])
    sock.close()


def cmd_sink(args):
    """Takes connections and what comes."""
    listener = socket.create_server((args.server, args.port), backlog=100)
    while True:
        sock, _ = listener.accept()
        while True:
            try:
                if not sock.recv(4096):
                    break
            except OSError:
                break
        sock.close()


def cmd_knock(args):
    """A new connection every millisecond, until it is ended; says how many
    were tried and how many got an answer, be it a reset."""
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    poll = select.epoll()
    tried, sent, answered = collections.deque(), 0, 0
    while not ended:
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((args.server, args.port))
        poll.register(sock, select.EPOLLOUT | select.EPOLLONESHOT)
        tried.append(sock)
        sent += 1
        answered += len(poll.poll(0.001))
        if len(tried) > 500:
            tried.popleft().close()
    print("sent %d\nanswered %d" % (sent, answered))


def cmd_flood(args):
    """Numbered datagrams from each source, in even time, until SIGTERM or
    --seconds are over; prints how many of each were sent."""
    socks = []
    for source in args.sources.split(","):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((source, 0))
        sock.connect((args.server, args.port))
        socks.append((source, sock))
    sent, running = 0, [True]
    signal.signal(signal.SIGTERM, lambda *_: running.clear())
    start = time.monotonic()
    while running and time.monotonic() < start + args.seconds:
        for _, sock in socks:
            sock.send(struct.pack("!Q", sent))
        sent += 1
        time.sleep(max(0, start + sent / args.rate - time.monotonic()))
    print(json.dumps({source: sent for source, _ in socks}))


def cmd_catch(args):
    """The other end: how many different ones came from each source, at
    SIGTERM."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
    sock.bind((args.server, args.port))
    running, came = [True], {}
    signal.signal(signal.SIGTERM, lambda *_: running.clear())
    sock.settimeout(0.2)
    while running:
        try:
            data, (source, _) = sock.recvfrom(64)
            came.setdefault(source, set()).add(data)
        except socket.timeout:
            pass
    print(json.dumps({source: len(seen) for source, seen in came.items()}))


def tun_in(netns):
    """A TUN device, tun0, of a network namespace, into which this goes."""
    with open(netns) as ns:
        if ctypes.CDLL(None, use_errno=True).setns(ns.fileno(), 0):
            sys.exit("setns(%s): errno %d" % (netns, ctypes.get_errno()))
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN_NO_PI))
    return fd


def cmd_tunnel(args):
    """Carries IP packets between two network namespaces, as a VPN does."""
    one, other = (tun_in(netns) for netns in args.netns)
    ends = {one: other, other: one}
    while True:
        for fd in select.select(list(ends), [], [])[0]:
            try:
                os.write(ends[fd], os.read(fd, 65536))
            except OSError:  # one of them is down
                time.sleep(0.01)


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
        p.add_argument("--tls", choices=("starttls", "implicit"))
        p.add_argument("--proxy", help="a header of the PROXY protocol, without "
                       "its first word")

    p = command("auth", cmd_auth, cmd_auth.__doc__)
    client_options(p)
    p.add_argument("--connections", type=int, default=1)
    p = command("hold", cmd_hold, cmd_hold.__doc__)
    client_options(p)
    p.add_argument("--connections", type=int, default=1)
    p.set_defaults(timeout=60, tries=0)
    client_options(command("connect", cmd_connect, "see the greeting"))
    p = command("say", cmd_say, cmd_say.__doc__)
    client_options(p)
    p.add_argument("lines", nargs="+")
    client_options(command("hammer", cmd_hammer, cmd_hammer.__doc__))
    p = command("send", cmd_send, cmd_send.__doc__)
    client_options(p)
    p.add_argument("--to", default="someone@far.example")
    p = command("raw", cmd_raw, "log in through a TUN device")
    client_options(p)
    p.add_argument("--tun", default="tun0")
    p.add_argument("--window", type=int)
    p.add_argument("--hold", type=int, default=0)
    p.add_argument("--partial", type=int, default=0)
    p = command("storm", cmd_storm, cmd_storm.__doc__)
    client_options(p)
    p.add_argument("--bad", default="")
    p.add_argument("--good", default="")
    p.add_argument("--seed", type=int, default=1)
    p = command("rhythm", cmd_rhythm, cmd_rhythm.__doc__)
    client_options(p)
    p.add_argument("--connections", type=int, default=1)
    p.add_argument("--seconds", type=float, default=60)
    p.add_argument("--per", type=int, default=1, help="logins a connection")
    p.add_argument("--every", type=float, default=0, help="seconds between")
    p.add_argument("--until-banned", action="store_true")
    p = command("botnet", cmd_botnet, cmd_botnet.__doc__)
    client_options(p)
    p.add_argument("--connections", type=int, default=1)
    p.add_argument("--bad", required=True)
    p = command("rude", cmd_rude, cmd_rude.__doc__)
    client_options(p)
    p.add_argument("--bad", required=True)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seed", type=int, default=1)
    p = command("honest", cmd_honest, cmd_honest.__doc__)
    client_options(p)
    p.add_argument("--connections", type=int, default=40)
    p.add_argument("--wrong", type=float, default=0.04, help="this share")
    p.add_argument("--seed", type=int, default=1)
    p.set_defaults(timeout=60)
    p = command("spared", cmd_spared, cmd_spared.__doc__)
    p.add_argument("broken")
    p.add_argument("log")
    p.add_argument("expression")
    p = command("judge", cmd_judge, cmd_judge.__doc__)
    p.add_argument("log")
    p.add_argument("expression")
    p.add_argument("excuse", nargs="*", help="addresses that may be missed")
    p.add_argument("--total", type=int)
    p.add_argument("--tried", type=int,
                   help="by each, judged or not: no less than the log says, "
                        "no more than that or this")
    command("tunnel", cmd_tunnel, cmd_tunnel.__doc__).add_argument(
        "netns", nargs=2)
    p = command("serve", cmd_serve, cmd_serve.__doc__)
    p.add_argument("--server", default="192.0.2.25")
    p.add_argument("--port", type=int, default=2525)
    p.add_argument("--tls", choices=("starttls", "implicit"))
    p.add_argument("--ktls", action="store_true", help="the kernel encrypts")
    p.add_argument("--certificate", default="/run/lab/cert.pem")
    p.add_argument("--key", default="/run/lab/key.pem")
    p.add_argument("--mail", default="/run/lab/served")
    p.add_argument("--offer", default="AUTH PLAIN", help="the end of its EHLO")
    p.add_argument("--delay", type=float, default=0, help="of a refusal")
    p.add_argument("--refusal", help="of a login; \\r, \\n and \\xNN are bytes",
                   default="535 5.7.8 Error: authentication failed")
    p = command("relay", cmd_relay, cmd_relay.__doc__)
    p.add_argument("--server", default="192.0.2.25")
    p.add_argument("--port", type=int, default=2525)
    p.add_argument("--to", default="203.0.113.9")
    p.add_argument("--to-port", type=int, default=26)
    p = command("auth_http", cmd_auth_http, cmd_auth_http.__doc__)
    p.add_argument("--port", type=int, default=8025)
    p.add_argument("--server", default="192.0.2.25")
    p.add_argument("--password", default="secret")
    p.add_argument("--trusting", action="store_true",
                   help="the server behind is to judge")
    p = command("frame", cmd_frame, cmd_frame.__doc__)
    client_options(p)
    p.add_argument("--source-port", type=int)
    p = command("sink", cmd_sink, cmd_sink.__doc__)
    p.add_argument("--server", default="203.0.113.5")
    p.add_argument("--port", type=int, default=80)
    p = command("cut", cmd_cut, cmd_cut.__doc__)
    client_options(p)
    p.add_argument("--raw", action="store_true", help="through a TUN device")
    p.add_argument("--tun", default="tun0")
    p.add_argument("--window", type=int, help="offered from EHLO's reply on")
    p.add_argument("--cut", type=int, help="ends after so many bytes")
    p.add_argument("--patience", type=float, default=1)
    p.add_argument("--end", choices=("reset", "close", "both", "silence",
                                       "reopen"),
                   default="reset", help="both: a FIN, then a reset")
    p.add_argument("--fast", action="store_true",
                   help="TCP Fast Open: EHLO and AUTH in the SYN")
    p.add_argument("--say", default="AUTH")
    p.add_argument("--no-ehlo", dest="ehlo", action="store_false")
    p.add_argument("--connections", type=int, default=1)
    client_options(command("knock", cmd_knock, cmd_knock.__doc__))


    for name, func in (("flood", cmd_flood), ("catch", cmd_catch)):
        p = command(name, func, func.__doc__)
        p.add_argument("--server", default="192.0.2.25")
        p.add_argument("--port", type=int, default=9999)
        p.add_argument("--sources")
        p.add_argument("--rate", type=float, default=1000)
        p.add_argument("--seconds", type=float, default=300)
    p = command("notify", cmd_notify, cmd_notify.__doc__)
    p.add_argument("socket")
    args = parser.parse_args()
    try:
        args.func(args)
    except (OSError, EOFError) as e:
        sys.exit("%s: %s" % (type(e).__name__, e))


main()
