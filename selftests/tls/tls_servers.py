#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Servers that refuse every password, each with its own way to bring TLS to
its sockets, and clients that know how often they failed."""

import argparse
import asyncio
import base64
import collections
import concurrent.futures
import ctypes
import json
import queue
import selectors
import socket
import ssl
import sys
import threading

AUTH = b"AUTH PLAIN " + base64.b64encode(b"\0alice\0wrong") + b"\r\n"
REFUSED = b"535 5.7.8 Error: authentication failed\r\n"
GREETING = b"220 served.example ESMTP\r\n"
EHLO = b"250-served.example\r\n250 AUTH PLAIN\r\n"


def server_context(args):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("/run/lab/cert.pem", "/run/lab/key.pem")
    if args.curve:  # none that clients offer a key for: HelloRetryRequest
        context.set_ecdh_curve(args.curve)
    return context


def answer(line, padding=0):
    """What the server says to a line, and whether it goes on."""
    verb = line.strip().upper()
    if verb.startswith(b"EHLO"):
        return EHLO
    if verb.startswith(b"AUTH"):
        return b"535-5.7.8 padding padding padding\r\n" * padding + REFUSED
    return None if verb == b"QUIT" else b"250 ok\r\n"


def listen(args):
    v6 = ":" in args.server  # "::" takes IPv4, too
    listener = socket.create_server(
        (args.server, args.port), backlog=100, dualstack_ipv6=v6,
        family=socket.AF_INET6 if v6 else socket.AF_INET)
    if args.padding:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return listener


# --- a socket of its own for each session -----------------------------------


class Lines:
    def __init__(self):
        self.rest = b""

    def feed(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        return lines


def serve_pool(args):
    """Every command of a client may be another thread's."""
    context = server_context(args)
    pool = concurrent.futures.ThreadPoolExecutor(16)
    listener = listen(args)

    def step(sock, lines, first):
        try:
            if first:
                sock.do_handshake()
                sock.sendall(GREETING)
            data = sock.recv(4096)
            if not data:
                return sock.close()
            for line in lines.feed(data):
                reply = answer(line)
                if not reply:
                    return sock.close()
                sock.sendall(reply)
            pool.submit(step, sock, lines, False)
        except OSError as e:
            print(e, file=sys.stderr)

    while True:
        sock = context.wrap_socket(listener.accept()[0], server_side=True,
                                   do_handshake_on_connect=False)
        pool.submit(step, sock, Lines(), True)


class Polled:
    """Non-blocking; what the socket does not take is tried again later."""

    def __init__(self, sock):
        self.sock, self.lines = sock, Lines()
        self.out = collections.deque([GREETING])
        self.shaken = False


def serve_polled(args):
    context = server_context(args)
    listener = listen(args)
    listener.setblocking(False)
    poll = selectors.DefaultSelector()
    poll.register(listener, selectors.EVENT_READ)
    retries = 0

    def step(c):
        nonlocal retries
        want = selectors.EVENT_READ
        try:
            if not c.shaken:
                c.sock.do_handshake()
                c.shaken = True
            while c.out:
                n = c.sock.send(c.out[0])
                if n < len(c.out[0]):
                    c.out[0] = c.out[0][n:]
                else:
                    c.out.popleft()
            data = c.sock.recv(4096)
            replies = [answer(x, args.padding) for x in c.lines.feed(data)]
            if not data or None in replies:
                poll.unregister(c.sock)
                return c.sock.close()
            c.out += replies
            return step(c)
        except ssl.SSLWantWriteError:
            retries += 1
            print("want write", retries, file=sys.stderr, flush=True)
            want = selectors.EVENT_WRITE
        except ssl.SSLWantReadError:
            pass
        except OSError as e:
            print(e, file=sys.stderr)
            poll.unregister(c.sock)
            return c.sock.close()
        poll.modify(c.sock, want, c)

    while True:
        for key, _ in poll.select():
            if key.data:
                step(key.data)
                continue
            sock = listener.accept()[0]
            sock.setblocking(False)
            sock = context.wrap_socket(sock, server_side=True,
                                       do_handshake_on_connect=False)
            poll.register(sock, selectors.EVENT_READ, Polled(sock))


# --- TLS through memory -----------------------------------------------------


class Memory:
    """A session that knows no socket: who sends its bytes, and when, is the
    server's affair."""

    def __init__(self, context, sock, shaken=False):
        self.sock, self.lines = sock, Lines()
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.inward, self.outward, server_side=True)
        self.shaken, self.greeted = shaken, False
        self.waiting = b""

    def take(self, data):
        """Bytes from the client. False: it is gone."""
        self.inward.write(data)
        try:
            if not self.shaken:
                self.tls.do_handshake()
                self.shaken = True
            if not self.greeted:  # this may be what shakes hands
                self.tls.write(GREETING)
                self.greeted = True
            while True:
                text = self.tls.read(4096)
                if not text:
                    return False
                for line in self.lines.feed(text):
                    reply = answer(line)
                    if not reply:
                        return False
                    self.tls.write(reply)
        except ssl.SSLWantReadError:
            return True

    def flush(self):
        self.waiting += self.outward.read()
        while self.waiting:
            self.waiting = self.waiting[self.sock.send(self.waiting):]


def serve_memory(args, batch=False):
    """Each answer is sent at once; batch: only when all have been read, in an
    order of its own."""
    context = server_context(args)
    listener = listen(args)
    poll = selectors.DefaultSelector()
    poll.register(listener, selectors.EVENT_READ)
    while True:
        dirty = []
        for key, _ in poll.select():
            c = key.data
            if not c:
                sock = listener.accept()[0]
                c = Memory(context, sock, args.unshaken)
                poll.register(sock, selectors.EVENT_READ, c)
                continue
            try:
                data = c.sock.recv(4096)
                if not data or not c.take(data):
                    poll.unregister(c.sock)
                    c.sock.close()
                elif batch:
                    dirty.append(c)
                else:
                    c.flush()
            except OSError as e:
                print(e, file=sys.stderr)
                poll.unregister(c.sock)
                c.sock.close()
        for c in dirty:
            c.flush()
        if batch:
            threading.Event().wait(0.03)  # so that more of them come together


def serve_batch(args):
    serve_memory(args, batch=True)


def serve_stages(args):
    """A pool whose threads do anything: receive, work, send."""
    context = server_context(args)
    listener = listen(args)
    jobs = queue.Queue()

    def receive(c):
        try:
            data = c.sock.recv(4096)
        except OSError:
            data = b""
        if data:
            jobs.put((work, c, data))

    def work(c, data):
        try:
            if c.take(data):
                jobs.put((send, c))
            else:
                c.sock.close()
        except OSError as e:
            print(e, file=sys.stderr)

    def send(c):
        try:
            c.flush()
        except OSError:
            return
        waiting.put(c)

    def worker():
        while True:
            job, *rest = jobs.get()
            job(*rest)

    def watch():  # never receives: tells who is readable
        poll = selectors.DefaultSelector()
        while True:
            while not waiting.empty():
                c = waiting.get()
                poll.register(c.sock, selectors.EVENT_READ, c)
            for key, _ in poll.select(0.005):
                poll.unregister(key.data.sock)
                jobs.put((receive, key.data))

    waiting = queue.Queue()
    for target in [worker] * args.threads + [watch]:
        threading.Thread(target=target, daemon=True).start()
    while True:
        waiting.put(Memory(context, listener.accept()[0]))


def serve_asyncio(args):
    async def client(reader, writer):
        writer.write(GREETING)
        try:
            while True:
                line = await reader.readline()
                reply = answer(line, args.padding) if line else None
                if not reply:
                    break
                writer.write(reply)
                await writer.drain()
        except OSError as e:
            print(e, file=sys.stderr)
        writer.close()

    async def run():
        server = await asyncio.start_server(client, sock=listen(args),
                                            ssl=server_context(args))
        await server.serve_forever()

    asyncio.run(run())


# --- sessions that outlive their sockets -------------------------------------


def serve_keep(args):
    """Answers no AUTH: closes the socket, and keeps the session; --late: then
    says 535 to nobody."""
    context = server_context(args)
    listener = listen(args)
    kept = []

    def say(c, reply):
        if args.memory:
            c.tls.write(reply)
            c.flush()
        else:
            c.sendall(reply)

    def converse(c):
        while True:
            if args.memory:
                try:
                    text = c.tls.read(4096)
                except ssl.SSLWantReadError:
                    c.inward.write(c.sock.recv(4096))
                    continue
            else:
                text = c.recv(4096)
            for line in text.splitlines():
                if line.upper().startswith(b"AUTH"):
                    return
                say(c, answer(line))

    while True:
        sock = listener.accept()[0]
        if args.memory:
            c = Memory(context, sock)
            while not c.shaken:
                c.inward.write(sock.recv(4096))
                try:
                    c.tls.do_handshake()
                    c.shaken = True
                except ssl.SSLWantReadError:
                    pass
                c.flush()
        else:
            c = context.wrap_socket(sock, server_side=True)
        say(c, GREETING)
        converse(c)
        kept.append(c.tls if args.memory else c._sslobj)
        (sock if args.memory else c).close()
        if args.late:
            threading.Event().wait(1)
            kept[-1].write(REFUSED)


# --- who relays, and serves -------------------------------------------------


def upstream(args):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context, socket.create_connection((args.sink, 26))


def serve_relay(args):
    """Says 535 to somebody else, over TLS, before each answer."""
    context = server_context(args)
    listener = listen(args)
    outward = upstream(args)
    out = outward[0].wrap_socket(outward[1])
    while True:
        sock = context.wrap_socket(listener.accept()[0], server_side=True)
        sock.sendall(GREETING)
        lines, going = Lines(), True
        while going:
            data = sock.recv(4096)
            going = bool(data)
            for line in lines.feed(data):
                out.sendall(REFUSED * 3)
                reply = answer(line)
                going = bool(reply)
                if reply:
                    sock.sendall(reply)
        sock.close()


def serve_stuck(args):
    """Its relay's mail waits in memory, and a client is greeted in the clear:
    the first send after the write is the client's."""
    listener = listen(args)
    context, sock = upstream(args)
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(inward, outward)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            sock.sendall(outward.read())
            inward.write(sock.recv(16384))
    sock.sendall(outward.read())
    while True:
        client = listener.accept()[0]
        tls.write(REFUSED)
        client.sendall(b"220 served.example " + b"x" * 60 + b" ESMTP\r\n")
        client.close()


# --- one SSL for all --------------------------------------------------------


def serve_reuse(args):
    """SSL_clear() between clients, of whom the half come through memory; the
    other way to get an old address is SSL_free() and SSL_new()."""
    lib = ctypes.CDLL("libssl.so.3")
    crypto = ctypes.CDLL("libcrypto.so.3")
    for f in (lib.SSL_CTX_new, lib.SSL_new, lib.TLS_server_method,
              crypto.BIO_new, crypto.BIO_s_mem):
        f.restype = ctypes.c_void_p
    void, size = ctypes.c_void_p, ctypes.c_int
    ctx = void(lib.SSL_CTX_new(void(lib.TLS_server_method())))
    lib.SSL_CTX_use_certificate_file(ctx, b"/run/lab/cert.pem", 1)
    lib.SSL_CTX_use_PrivateKey_file(ctx, b"/run/lab/key.pem", 1)
    listener = listen(args)
    tls = void(lib.SSL_new(ctx))
    rbio = void(crypto.BIO_new(void(crypto.BIO_s_mem())))
    wbio = void(crypto.BIO_new(void(crypto.BIO_s_mem())))
    buf = ctypes.create_string_buffer(65536)
    if args.memory:
        lib.SSL_set_bio(tls, rbio, wbio)
    while True:
        sock = listener.accept()[0]

        def flush():
            while True:
                n = crypto.BIO_read(wbio, buf, size(65536))
                if n <= 0:
                    return
                sock.sendall(buf.raw[:n])

        def more():
            data = sock.recv(16384)
            if data:
                crypto.BIO_write(rbio, data, size(len(data)))
            return bool(data)

        if args.fresh:
            old = tls.value
            if not args.memory:
                lib.SSL_free(tls)
                tls = void(lib.SSL_new(ctx))
                print("same" if tls.value == old else "other", flush=True)
        else:
            lib.SSL_clear(tls)
        if args.memory:  # BIO_reset()
            for bio in rbio, wbio:
                crypto.BIO_ctrl(bio, size(1), ctypes.c_long(0), None)
        else:
            lib.SSL_set_fd(tls, size(sock.fileno()))
        going = True
        while lib.SSL_accept(tls) != 1 and going:
            if not args.memory:
                break
            flush()
            going = more()

        def say(text):
            lib.SSL_write(tls, text, size(len(text)))
            if args.memory:
                flush()

        lines = Lines()
        say(GREETING)
        while going:
            n = lib.SSL_read(tls, buf, size(4096))
            if n <= 0:
                going = args.memory and more()
                continue
            for line in lines.feed(buf.raw[:n]):
                reply = answer(line)
                going = going and bool(reply)
                if reply:
                    say(reply)
        sock.close()


# --- the other side ---------------------------------------------------------


def sink(args):
    context = server_context(args)
    while_open = []
    listener = listen(args)

    def drain(sock):
        sock = context.wrap_socket(sock, server_side=True)
        while sock.recv(65536):
            pass

    while True:
        while_open.append(listener.accept()[0])
        threading.Thread(target=drain, args=(while_open[-1],),
                         daemon=True).start()


def attack(args):
    """Client k fails k times, all at once; --sequential: one after another.
    Prints the truth."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    barrier = threading.Barrier(args.clients)
    truth, errors = {}, []

    def together():
        if not args.sequential:
            try:
                barrier.wait(args.timeout)
            except threading.BrokenBarrierError:
                pass

    def client(k):
        address = "198.51.100.%d" % (30 + k)
        sock = socket.socket()
        sock.settimeout(args.timeout)
        if args.rcvbuf:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, args.rcvbuf)
        sock.bind((address, 0))
        sock.connect((args.server, args.port))
        if not args.plain:
            sock = context.wrap_socket(sock)
        replies = sock.makefile("rb")

        def reply():
            while True:
                line = replies.readline()
                if not line:
                    raise EOFError
                if line[3:4] != b"-":
                    return line

        reply()
        if args.plain:
            return
        together()
        sock.sendall(b"EHLO client.example\r\n")
        reply()
        failures = 0
        for i in range(args.clients):
            together()
            if i >= k * args.each:
                continue
            sock.sendall(AUTH * args.burst)
            if args.pause:
                threading.Event().wait(args.pause)
            for _ in range(args.burst):
                failures += reply().startswith(b"535 ")
        truth[address] = failures
        sock.sendall(b"QUIT\r\n")
        sock.close()

    def safely(k):
        try:
            client(k)
        except (OSError, EOFError) as e:
            errors.append("%d: %s %s" % (k, type(e).__name__, e))
            barrier.abort()

    threads = [threading.Thread(target=safely, args=(k,))
               for k in range(1, args.clients + 1)]
    for t in threads:
        t.start()
        if args.sequential:
            t.join()
    for t in threads:
        t.join()
    print(json.dumps(truth))
    sys.exit("; ".join(errors) if errors else 0)


def listener(args):
    """A client that only listens, from the first byte on."""
    sock = socket.create_connection((args.server, args.port),
                                    source_address=(args.source, 0))
    if sock.recv(4096):
        print("heard", flush=True)
    while sock.recv(4096):
        pass


def judge(args):
    """`status -j` and `clients -j` on standard input: nobody has more than he
    did; --exact: nor less. What is missing was told as unattributed."""
    status, clients = (json.loads(x) for x in sys.stdin.read().splitlines())
    counted = {c["net"].split("/")[0]: c["failures"] for c in clients
               if c["failures"]}
    with open(args.truth) as f:
        truth = {k: v for k, v in json.load(f).items() if v}
    odd = status["counters"]["tls-unattributed"]["packets"]
    print("truth:       ", json.dumps(truth, sort_keys=True))
    print("counted:     ", json.dumps(counted, sort_keys=True))
    print("unattributed:", odd)
    wrong = {a: n for a, n in counted.items() if n > truth.get(a, 0)}
    total = sum(counted.values()) + odd
    bad = bool(wrong) or (args.exact and counted != truth) or \
        total != sum(truth.values()) + args.others
    sys.exit(1 if bad else 0)


def main():
    modes = {"pool": serve_pool, "polled": serve_polled,
             "memory": serve_memory, "batch": serve_batch,
             "stages": serve_stages, "asyncio": serve_asyncio,
             "relay": serve_relay, "stuck": serve_stuck,
             "reuse": serve_reuse, "keep": serve_keep, "sink": sink,
             "attack": attack, "listener": listener, "judge": judge}
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("mode", choices=modes)
    p.add_argument("--truth", default="/run/lab/truth")
    p.add_argument("--server", default="192.0.2.28")
    p.add_argument("--port", type=int, default=465)
    p.add_argument("--sink", default="203.0.113.9")
    p.add_argument("--source")
    p.add_argument("--clients", type=int, default=8)
    p.add_argument("--threads", type=int, default=4)
    for name, default in (("padding", 0), ("burst", 1), ("each", 1),
                          ("rcvbuf", 0), ("others", 0)):
        p.add_argument("--" + name, type=int, default=default)
    for name, default in (("timeout", 20), ("pause", 0)):
        p.add_argument("--" + name, type=float, default=default)
    p.add_argument("--curve")
    for name in ("unshaken", "sequential", "plain", "memory", "fresh", "exact",
                 "late"):
        p.add_argument("--" + name, action="store_true")
    args = p.parse_args()
    modes[args.mode](args)


main()
