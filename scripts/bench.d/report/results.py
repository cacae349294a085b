# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What was measured, as scripts/bench keeps it: lines of JSON, a file a part."""

import copy
import json
import os
import statistics

PARTS = ("drop", "miss", "sense", "react", "hold")

# More than this, and a run was disturbed.
BUSY_MAX = 0.05  # share of the CPUs that others took, before and between rounds
STOLEN_MAX = 0.01  # share of the CPUs' time that the hypervisor took
WAITED_MAX = 0.02  # share of the time in which others had our CPU
SPREAD_MAX = 0.05  # of the rounds of our own rates, in half of the cases


class Stat:
    """Median and spread of some rounds."""

    def __init__(self, values):
        self.values = sorted(values)
        self.median = statistics.median(self.values)

    @property
    def half(self):
        """Half the way between the extremes: what to write behind a "±"."""
        return (self.values[-1] - self.values[0]) / 2

    @property
    def spread(self):
        """The same as a share of the median."""
        return self.half / abs(self.median) if self.median else 0.0

    def percentile(self, p):
        return self.values[min(len(self.values) - 1,
                               int(p / 100 * len(self.values)))]


class Results:
    def __init__(self, folder):
        self.parts = {}
        for part in PARTS:
            path = os.path.join(folder, part + ".jsonl")
            if os.path.exists(path):
                with open(path, encoding="utf-8") as f:
                    self.parts[part] = [json.loads(line) for line in f]

    def select(self, part, **match):
        return [r for r in self.parts.get(part, [])
                if all(r.get(k) == v for k, v in match.items())]

    def values(self, part, field, **match):
        return [r[field] for r in self.select(part, **match) if field in r]

    def stat(self, part, value, **match):
        """Of value(record); None where nothing was measured."""
        got = [value(r) for r in self.select(part, **match) if "note" not in r]
        got = [v for v in got if v is not None]
        return Stat(got) if got else None

    def note(self, part, **match):
        notes = self.values(part, "note", **match)
        return notes[0] if notes else None

    def machine(self):
        for records in self.parts.values():
            for r in records:
                if r["kind"] == "machine":
                    return r
        return {}

    def seconds(self):
        return sum(r["seconds"] for records in self.parts.values()
                   for r in records if r["kind"] == "end")

    def disturbances(self):
        """Sentences; none: the run was clean."""
        found = []
        for part, records in self.parts.items():
            found += ["%s: %s" % (part, s) for s in disturbances(records)]
        if len({r["commit"] for records in self.parts.values()
                for r in records if r["kind"] == "machine"}) > 1:
            found.append("parts were measured at different commits")
        return found


    def undisturbed(self):
        """The same without the parts that were disturbed."""
        quiet = copy.copy(self)
        quiet.parts = {part: records for part, records in self.parts.items()
                       if not disturbances(records)}
        return quiet


def disturbances(records):
    start = [r for r in records if r["kind"] == "machine"]
    end = [r for r in records if r["kind"] == "end"]
    if not end:
        return ["not finished"]
    found = []
    for when, busy in others(records):
        if busy > BUSY_MAX:
            found.append("others took %.0f %% of the CPUs %s"
                         % (100 * busy, when))
    time = end[0]["seconds"] * end[0]["hz"] * start[0]["cpus"]
    if time and end[0]["stolen"] / time > STOLEN_MAX:
        found.append("the hypervisor took %.1f %% of the CPUs"
                     % (100 * end[0]["stolen"] / time))
    waited = [r["waited"] for r in records if "waited" in r]
    waited += [r["waited_ns"] / r["ns"] for r in records if "waited_ns" in r]
    if waited and statistics.mean(waited) > WAITED_MAX:
        found.append("others had its CPU for %.1f %% of the time"
                     % (100 * statistics.mean(waited)))
    found += [r["note"] for r in records if r["kind"] == "foreign"]
    spread = spread_of(records)
    if spread > SPREAD_MAX:
        found.append("rounds differ by %.0f %%" % (100 * spread))
    return found


def others(records):
    """While we did nothing: before the part, and between its rounds."""
    shares = [r["share"] for r in records if r["kind"] == "quiet"]
    if shares:
        yield "before it began", shares[0]
    if shares[1:]:
        yield "between its rounds", statistics.mean(shares[1:])


def spread_of(records):
    """The median spread of our own rates; 0 where there are none."""
    rounds = {}
    for r in records:
        if r["kind"] == "rate" and r["name"] == "smtpxdp" and "ns" in r:
            rounds.setdefault((r["bans"], r["ip"]), []).append(
                r["ns"] / r["packets"])
    return statistics.median([Stat(v).spread for v in rounds.values()] or [0])
