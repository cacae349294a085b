#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A local user without rights, who maps what the TLS sensor is to trip over.

  tls_hostile.py library FILE BYTES  makes a library whose table of symbols is
                                     that long; most of it is a hole
  tls_hostile.py serve ADDRESS PORT FILE...
                                     maps the files as code, and greets clients
                                     of that port
  tls_hostile.py shrink ADDRESS PORT FILE
                                     the same, and truncates the file a moment
                                     after each greeting
"""
import ctypes
import os
import socket
import struct
import sys
import time

PROT_READ, PROT_EXEC, MAP_PRIVATE = 1, 4, 2
SHT_DYNSYM, SHT_STRTAB = 11, 3
EM = {"x86_64": 62, "aarch64": 183, "riscv64": 243}


def library(path, size):
    """One empty section, the symbols, their names."""
    head = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 3, EM[os.uname().machine],
        1, 0, 64, 128, 0, 64, 56, 1, 64, 3, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 4096, 4096, 4096)
    load = load.ljust(64, b"\0")
    symbols = struct.pack("<IIQQQQIIQQ", 0, SHT_DYNSYM, 0, 0, 4096, size, 2, 0,
                          8, 24)
    names = struct.pack("<IIQQQQIIQQ", 0, SHT_STRTAB, 0, 0, 1024, 64, 0, 0, 1,
                        0)
    with open(path, "wb") as f:
        f.write(head + load + bytes(64) + symbols + names)
        f.seek(1024)
        f.write(b"\0SSL_write\0")
        f.seek(4096)
        # a function, so that its name is read
        f.write(struct.pack("<IBBHQQ", 1, 0x12, 0, 1, 64, 8) * 64)
        f.truncate(4096 + size)


def map_code(path):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int,
                          ctypes.c_int, ctypes.c_int, ctypes.c_long]
    fd = os.open(path, os.O_RDONLY)
    if libc.mmap(None, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
                 0) == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), "mmap")


def serve(what, address, port, *files):
    for path in files:
        map_code(path)
    listener = socket.create_server((address, int(port)))
    while True:
        client, _ = listener.accept()
        client.sendall(b"220 hostile.example ESMTP\r\n")
        if what == "shrink":
            time.sleep(0.3)
            os.truncate(files[0], 0)
        client.close()


if sys.argv[1] == "library":
    library(sys.argv[2], int(sys.argv[3]))
else:
    serve(*sys.argv[1:])
