#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What became of one attack, from what watch(1) saw: prints KEY=VALUE words.

The clock begins when the Nth 535 leaves the host. A packet passed if it was
sent to the host after that, and a socket got it.
"""

import collections
import json
import sys


def first_each(records):
    """Without retransmissions."""
    seen = {}
    for r in records:
        seen.setdefault((r["port"], r["seq"]), r)
    return list(seen.values())


def key(r):
    return r["port"], r["seq"], r["flags"], r["len"]


def judge(records, threshold):
    sights = collections.defaultdict(list)
    for r in sorted(records, key=lambda r: r["ns"]):
        sights[r["sight"]].append(r)
    left = first_each(sights["left"])
    if len(left) < threshold:
        return {"note": "only %d times 535" % len(left)}
    nth = left[threshold - 1]
    delivered = collections.Counter(
        key(r) for r in sights["delivered"] if r["ns"] >= nth["ns"])
    passed, dropped = [], []
    for r in sights["sent"]:
        if r["ns"] < nth["ns"]:
            continue
        (passed if delivered[key(r)] > 0 else dropped).append(r)
        delivered[key(r)] -= 1
    out = {"passed": len(passed), "guesses": len(left) - threshold}
    if dropped:
        out["dropped_us"] = (dropped[0]["ns"] - nth["ns"]) / 1e3
        out["dropped"] = len(dropped)
    failed = [r for r in sights["failed"]
              if (r["port"], r["seq"]) == (nth["port"], nth["seq"])]
    if failed:
        out["sensor_us"] = (nth["ns"] - failed[0]["ns"]) / 1e3
        woke = [r for r in sights["woke"] if r["ns"] > failed[0]["ns"]]
        if woke:
            out["informed_us"] = (woke[0]["ns"] - failed[0]["ns"]) / 1e3
    return out


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        records = [json.loads(line) for line in f if line.startswith("{")]
    print(*("%s=%s" % kv for kv in judge(records, int(sys.argv[2])).items()),
          sep="\n")


main()
