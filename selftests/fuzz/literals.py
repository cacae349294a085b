#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Makes inputs for a fuzzer of the strings in C tests: literals.py FOLDER FILE...
Each string is one, and so are sixteen neighbours together, as lines. Short ones
go into FOLDER.dict, libFuzzer's dictionary.
"""
import ast
import hashlib
import os
import re
import sys

LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
# what may stand between two literals that the compiler joins
JOINED = re.compile(r'^\s*$')
OCTAL = re.compile(r'\\([0-7]{1,3})')
WORD_MAX = 24
TOGETHER = 16


def value(literal):
    """The bytes of a C string; its escapes are Python's, but for \\e."""
    text = OCTAL.sub(lambda m: f'\\x{int(m[1], 8) & 255:02x}', literal)
    return ast.literal_eval("b'''" + text.replace("'", "\\'") + "'''")


def strings(path):
    with open(path, encoding='utf-8') as f:
        source = '\n'.join(line for line in f.read().split('\n')
                           if not line.startswith('#include'))
    source = re.sub(r'/\*.*?\*/', '', source, flags=re.S)
    found, end = [], None
    for m in LITERAL.finditer(source):
        if end is not None and JOINED.match(source[end:m.start()]):
            found[-1] += value(m[1])
        else:
            found.append(value(m[1]))
        end = m.end()
    return [s for s in found if s]


def write(folder, data):
    name = hashlib.sha1(data).hexdigest()[:16]
    with open(os.path.join(folder, name), 'wb') as f:
        f.write(data)


def main(folder, *paths):
    words = set()
    for path in paths:
        found = strings(path)
        for s in found:
            write(folder, s)
        words.update(s for s in found if 1 < len(s) <= WORD_MAX)
        for i in range(0, len(found), TOGETHER // 2):
            write(folder, b'\r\n'.join(found[i:i + TOGETHER]) + b'\r\n')
    with open(folder + '.dict', 'w', encoding='ascii') as f:
        for word in sorted(words):
            f.write('"' + ''.join(f'\\x{b:02x}' for b in word) + '"\n')


main(*sys.argv[1:])
