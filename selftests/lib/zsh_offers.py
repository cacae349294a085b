#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What zsh shows on a terminal when Tab is pressed behind a line.

usage: zsh_offers.py FOLDER LINE AWAITED

FOLDER has the completion. Ends when AWAITED is on the terminal, or after ten
seconds; prints what was there, without what moves the cursor.
"""
import os
import pty
import re
import select
import sys
import time


def read_until(fd, seen, awaited):
    """Reads on until a text was seen, or ten seconds have passed."""
    end = time.monotonic() + 10
    while awaited not in seen and time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            seen += os.read(fd, 65536).decode(errors="replace")
    return seen


def main():
    folder, line, awaited = sys.argv[1:]
    pid, fd = pty.fork()
    if not pid:
        os.environ["TERM"] = "dumb"
        os.execvp("zsh", ["zsh", "-f", "-i"])
    os.write(fd, f"fpath=({folder} $fpath); autoload -Uz compinit; "
             "compinit -u -D; stty -echo; print rea''dy\n".encode())
    read_until(fd, "", "ready\r\n")
    os.write(fd, line.encode() + b"\t")
    shown = read_until(fd, "", awaited)
    os.close(fd)
    os.waitpid(pid, 0)
    print(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\x07", "", shown))


main()
