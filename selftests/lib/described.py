#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Holds what is written about keys and commands against what the program
describes. Prints what differs, and exits with 1 then; files as arguments, the
program's JSON on standard input."""
import json
import re
import subprocess
import sys

wrong = []


def same(what, got, wanted):
    if isinstance(got, list) and set(got) != set(wanted):
        wrong.extend(f"{what}: the program has no {x!r}" for x in got if x not in wanted)
        wrong.extend(f"{what}: {x!r} is missing" for x in wanted if x not in got)
    elif got != wanted:
        wrong.append(f"{what}: {got!r}, but the program has {wanted!r}")


def items(path):
    """Lists of mdoc: pairs of the .It lines that share a text, and the text."""
    heads, text = [], []
    for line in open(path):
        if line.startswith(".It "):
            if text:
                yield heads, " ".join(text)
                heads, text = [], []
            heads.append(line[4:].strip())
        elif line.startswith((".El", ".Sh", ".Ss")):
            if heads:
                yield heads, " ".join(text)
            heads, text = [], []
        elif heads:
            text.append(line.strip())


def manual_of_keys(path):
    found = {}
    for heads, text in items(path):
        head = " , ".join(heads)
        named = re.findall(r"Ic ([a-z0-9-]+) No = (.*?)(?= , Ic |$)", head)
        default = re.search(r"Default: (.*?)\.(?: |$)", text)
        defaults = default[1].split(" and ") if default else []
        for i, (key, form) in enumerate(named):
            value = defaults[i if len(defaults) == len(named) else 0] if defaults else None
            found[key] = form, value, text
    return found


def words_of(form):
    """The literal words of "Ar time | Cm off", and whether there is more."""
    words, literal, more = [], False, False
    for token in form.split():
        if token in ("Ar", "Qo"):
            literal, more = False, True
        elif token == "Cm":
            literal = True
        elif literal and token != "|":
            words.append(token)
    return words, more


def check_key(key, found):
    name, unit = key["key"], key["unit"].split("|")
    form, default, text = found[name]
    words, more = words_of(form)
    same(f"words of {name}", words, [w for w in unit if w in ("off", "auto")] if more else unit)
    if default is None and f"config get {name}" in text:
        default = key["default"]
    elif default == "none" or (default or "").startswith("those that"):
        default = ""
    same(f"default of {name}", default, key["default"])
    same(f"restart of {name}", bool(re.search("[Tt]akes effect at the next start", text)),
         key["restart"])


def keys(manual, shipped):
    table = json.load(sys.stdin)
    found = manual_of_keys(manual)
    same("keys of the manual page", sorted(found), sorted(k["key"] for k in table))
    remarks = {}
    for paragraph in open(shipped).read().split("\n\n"):
        for name in re.findall(r"^#([a-z0-9-]+) =", paragraph, re.M):
            remarks[name] = "restart" in paragraph
    same("keys of the shipped file", sorted(remarks), sorted(k["key"] for k in table))
    for key in table:
        if key["key"] in found:
            check_key(key, found)
        same(f"restart of {key['key']} in the shipped file",
             remarks.get(key["key"]), key["restart"])


def leaves(commands):
    """Every command without commands of its own, and its usage line."""
    for c in commands:
        for i, own in enumerate(c["commands"]):
            yield own, f"{c['usage']} [{own['usage'][len(c['usage']) + 1:]}]" \
                if i == 0 else own["usage"]
        if not c["commands"]:
            yield c, c["usage"]


def commands(manual):
    table = json.load(sys.stdin)
    page = subprocess.run(f"mandoc -T ascii {manual} | col -bx", shell=True, check=True,
                          capture_output=True, text=True).stdout
    synopsis = re.search(r"^SYNOPSIS\n(.*?)^DESCRIPTION", page, re.S | re.M)[1]
    lines = [" ".join(s.split()) for s in re.split(r"^     (?=smtpxdp)", synopsis, flags=re.M)]
    same("synopsis", lines[2:], [usage.lower() for _, usage in leaves(table["commands"])])
    blocks = {}
    for heads, text in items(manual):
        for head in heads:
            name = re.match(r"Cm ([a-z]+(?: Op Cm [a-z]+| [a-z]+)?)", head)
            if name:
                blocks.setdefault(name[1].replace(" Op Cm", ""), f"{head} {text}")
    for c, _ in leaves(table["commands"]):
        text = blocks.get(c["command"])
        if text is None:
            wrong.append(f"{c['command']} is not among the commands of the manual page")
            continue
        for o in c["options"]:
            names = [n[1:] for n in (o["option"], o["letter"]) if n]
            if not any(re.search(rf"Fl {re.escape(n)}\b", text) for n in names):
                wrong.append(f"{c['command']}: the manual page lacks {o['option']}")


{"keys": keys, "commands": commands}[sys.argv[1]](*sys.argv[2:])
print("\n".join(wrong))
sys.exit(bool(wrong))
