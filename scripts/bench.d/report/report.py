#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The table of what scripts/bench measured: text, JSON, Markdown, a picture."""

import argparse
import json
import re
import subprocess
import sys

from goals import held, verdicts
from results import Results
from tables import mpps, tables

BEGIN, END = "<!-- scripts/bench --record -->", "<!-- end of scripts/bench -->"

LEGEND = "±: half of the way between the best round and the worst."


def headline(results):
    m = results.machine()
    return ("%s, %d CPUs (mitigations: %s), Linux %s, commit %s, %s; "
            "load average %.2f before; %d seconds" %
            (m["cpu"], m["cpus"], m["mitigations"] or "none", m["name"],
             m["commit"], m["date"], m["load"], results.seconds()))


def state(results):
    found = results.disturbances()
    if not found:
        return "Clean: nobody else was at work."
    return "DISTURBED, not to be quoted: " + "; ".join(found) + "."


def record_state(results):
    found = results.disturbances()
    if not found:
        return state(results)
    return ("Left out, because it was disturbed: %s. No undisturbed run of "
            "that is on record." % "; ".join(found))


def verdict_rows(results):
    return [[v["goal"], v["shown"], "met" if v["met"] else "not met",
             v["reason"]] for v in verdicts(results)]


def as_text(results):
    lines = [headline(results), state(results)]
    for t in tables(results):
        lines += ["", t.title, *columns([t.columns, *t.rows])]
        lines += ["  " + t.note] if t.note else []
    lines += ["", "Goals", *columns(verdict_rows(results))]
    lines += ["", LEGEND]
    return "\n".join(lines) + "\n"


def columns(rows):
    """In columns: words begin, figures end below each other."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    words = [i == 0 or max(map(len, column[1:] or column)) > 30
             for i, column in enumerate(zip(*rows))]
    return ["  " + "  ".join(
        c.ljust(w) if left else c.rjust(w)
        for c, w, left in zip(r, widths, words)).rstrip() for r in rows]


def as_markdown(results):
    """For BENCH.md, which quotes no disturbed part."""
    lines = [headline(results) + ". " + record_state(results)]
    results = results.undisturbed()
    for t in tables(results):
        lines += ["", t.title + ":", "", *piped([t.columns, *t.rows])]
        lines += ["", t.note] if t.note else []
    lines += ["", "Goals:", "",
              *piped([["", "measured", "", "why"], *verdict_rows(results)])]
    lines += ["", LEGEND]
    return "\n".join(lines) + "\n"


def piped(rows):
    head, *rest = ["| " + " | ".join(r) + " |" for r in rows]
    return [head, "|---" * len(rows[0]) + "|", *rest]


def as_json(results):
    return json.dumps({
        "machine": {k: v for k, v in results.machine().items() if k != "kind"},
        "seconds": results.seconds(),
        "disturbances": results.disturbances(),
        "tables": [{"part": t.part, "title": t.title, "columns": t.columns,
                    "rows": t.rows, "note": t.note} for t in tables(results)],
        "goals": verdicts(results),
        "samples": results.parts,
    }, indent=1) + "\n"


def write_record(results, path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if BEGIN not in text or END not in text:
        sys.exit("bench: %s has no place for the table: %s" % (path, BEGIN))
    between = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.S)
    table = "%s\n%s%s" % (BEGIN, as_markdown(results), END)
    with open(path, "w", encoding="utf-8") as f:
        f.write(between.sub(lambda _: table, text))


PLOT = """set terminal %s size 900,480
set output "%s"
set title "Packets of banned sources dropped, one CPU (%s)"
set ylabel "million a second"
set yrange [0:]
set style data histograms
set style fill solid 0.8 border -1
set grid ytics
set xtics rotate by -20
plot $data using 2:xtic(1) title "1,000 bans", '' using 3 title "100,000 bans"
"""


def plot(results, path):
    data = ["$data << END"]
    for name in ("drop-all", "smtpxdp", "xdp-filter", "tc-hash", "nft-netdev",
                 "ipset", "nft-input", "none"):
        stats = [mpps(results, name, bans, 4) for bans in (1000, 100000)]
        data.append(" ".join(['"%s"' % name, *("%.3f" % s.median if s else "0"
                                               for s in stats)]))
    kind = "svg" if path.endswith(".svg") else "png"
    script = "\n".join(data) + "\nEND\n" + PLOT % (
        kind, path, results.machine()["cpu"])
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--record", metavar="FILE")
    parser.add_argument("--plot", metavar="FILE")
    args = parser.parse_args()
    results = Results(args.folder)
    if not results.parts:
        sys.exit("bench: nothing was measured yet: run scripts/bench")
    if args.plot and "drop" in results.parts:
        plot(results, args.plot)
    if args.record:
        write_record(results, args.record)
    elif args.json:
        sys.stdout.write(as_json(results))
    elif args.markdown:
        sys.stdout.write(as_markdown(results))
    else:
        sys.stdout.write(as_text(results))
    if not held(results):
        sys.exit("bench: FAILED: somebody banned got through, or somebody "
                 "innocent was lost: see the goals")


main()
