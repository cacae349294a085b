# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Why a goal is not met: from what was counted and measured in the same run.

Each is a function of the results; "" where that was not measured.
"""

from tables import cost, mpps, packet_ns


def budget(results, part, name):
    """What selftests/test_budget counted."""
    for r in results.select(part, kind="instructions", name=name):
        return "%d instructions, %d call%s of helpers" % (
            r["insns"], r["calls"], "" if r["calls"] == 1 else "s")
    return ""


def memory(results, part, bans):
    """What one line costs of a table of that size."""
    for r in results.select(part, kind="latency", bans=bans):
        return ("a line of its %.1f MiB takes %.0f ns where it is not known "
                "beforehand (%.0f in pages of 2 MiB)" %
                (r["bytes"] / 2**20, r["chain"], r["huge"]))
    return ""


def joined(*sentences):
    return "; ".join(s for s in sentences if s)


def packet(part, name, bans=None):
    """Its instructions, and its line of the table."""
    def why(results):
        return joined(budget(results, part, name),
                      memory(results, part, bans) if bans else "")
    return why


def against_all(bans, limit):
    """Of drop everything: what that takes, and what it leaves to us."""
    def why(results):
        best = mpps(results, "drop-all", bans, 4)
        ours = mpps(results, "smtpxdp", bans, 4)
        if not best or not ours:
            return ""
        whole = 1e3 / best.median
        return joined("drop everything takes %.0f ns a packet, which leaves "
                      "%.0f; ours takes %.0f more" %
                      (whole, whole / limit - whole, 1e3 / ours.median - whole),
                      budget(results, "drop", "gate: IPv4, banned"),
                      memory(results, "drop", bans) if bans > 1000 else "")
    return why


def best_against(peer, bans):
    """What veth takes is in all of them, and hides the difference."""
    def why(results):
        best = mpps(results, "drop-all", bans, 4)
        theirs = mpps(results, peer, bans, 4)
        if not best or not theirs:
            return ""
        return ("drop everything itself comes to %.2f here: veth's part is in "
                "all of them" % (best.median / theirs.median))
    return why


def best_without_making(peer, bans):
    def why(results):
        best = packet_ns(results, "drop-all", bans, 4)
        theirs = packet_ns(results, peer, bans, 4)
        if not best or not theirs:
            return ""
        return ("drop everything itself comes to %.2f here: %.0f ns of each "
                "packet are veth's" % (best / theirs, best))
    return why


def sensor(name):
    def why(results):
        ns = cost(results, "sense", "other-port")
        return joined(budget(results, "sense", name),
                      "another port's packet: %.0f ns" % ns.median if ns
                      else "")
    return why


def waking(results):
    for r in results.select("react", kind="latency", name="wake"):
        return ("to wake a thread that sleeps on another CPU takes %.0f µs "
                "here, whatever it is" % r["us"])
    return ""


def loading(results):
    for r in results.select("hold", kind="load", name="smtpxdp", bans=1000000):
        if "seconds" in r:
            return ("%.0f ns a ban: its line is read and checked, then two "
                    "lines at random are written" % (r["seconds"] * 1e3))
    return ""


def ban_bytes(results):
    return ("four slots in a line of 64 bytes, 192 more for people to look "
            "at; five slots of seven are used at most, so that hardly a "
            "packet looks at two lines")


def broken(results):
    """Of what must be so: there is no excuse."""
    return "a defect"
