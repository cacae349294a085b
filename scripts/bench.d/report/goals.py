# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What smtpxdp wants to reach, and whether it does."""

from reasons import (against_all, ban_bytes, best_against,
                     best_without_making, broken, loading, packet, sensor,
                     waking)
from tables import cost, mpps, packet_ns, reaction



class Goal:
    """`measure(results)` gives a number, or None where it was not measured;
    `why(results)` is the reason found for not being met."""

    def __init__(self, text, measure, limit, why, at_least=False,
                 form="%.1f"):
        self.text, self.measure, self.limit = text, measure, limit
        self.at_least, self.form, self.why = at_least, form, why

    def judge(self, results):
        value = self.measure(results)
        if value is None:
            return None
        met = value >= self.limit if self.at_least else value <= self.limit
        return {"goal": self.text, "measured": value,
                "shown": self.form % value, "met": met,
                "reason": "" if met else self.why(results)}


def drop_ratio(peer, bans):
    def measure(results):
        ours, theirs = mpps(results, "smtpxdp", bans, 4), mpps(results, peer, bans, 4)
        return ours.median / theirs.median if ours and theirs else None
    return measure


def drop_cost(peer, bans):
    def measure(results):
        ours = packet_ns(results, "smtpxdp", bans, 4)
        theirs = packet_ns(results, peer, bans, 4)
        return ours / theirs if ours and theirs else None
    return measure


def cost_of(part, name, **match):
    def measure(results):
        stat = cost(results, part, name, **match)
        return stat.median if stat else None
    return measure


def leaked(results):
    """Banned packets that reached TCP."""
    rounds = results.select("drop", kind="rate", name="smtpxdp")
    if not rounds:
        return None
    return sum(r.get("leaked", 0) for r in rounds) + max(0, mixed(results))


def lost(results):
    """Packets of innocents that did not."""
    checks = results.values("drop", "lost", kind="check", name="smtpxdp")
    return sum(checks) + max(0, -mixed(results)) if checks else None


def mixed(results):
    """Where both come together: how many more passed than are innocent."""
    return sum(r["passed"] - r["innocent"]
               for r in results.select("drop", kind="check", name="smtpxdp")
               if "passed" in r)


def passed(results):
    """Packets of attackers that got through after the tenth 535."""
    stat = reaction(results, "smtpxdp", "passed")
    return sum(stat.values) if stat else None


def informed(results):
    stat = reaction(results, "smtpxdp", "informed_us")
    return stat.median if stat else None


def restart_loss(results):
    """Packets that passed while the daemon restarted, and bans it lost."""
    restarts = results.select("hold", kind="restart")
    return sum(r["leaked"] + abs(r["bans"] - r["kept"]) for r in restarts) \
        if restarts else None


def not_banned(results):
    """Clients that reached the rate in a storm, and were not banned."""
    storms = results.select("hold", kind="storm")
    return sum(abs(r["expected"] - r["banned"]) for r in storms) \
        if storms else None


def one(part, field, **match):
    def measure(results):
        values = results.values(part, field, **match)
        return values[0] if values else None
    return measure


def gate(what, name, budget_of, bans, limit):
    """What a packet costs at the gate, beside so many bans."""
    return Goal("%s, %s bans: <= %d ns over nothing" % (
        what, f"{bans:,}", limit), cost_of("miss", name, bans=bans, ip=4),
        limit, packet("miss", budget_of, bans))


GOALS = [
    Goal("drop, 1,000 bans: share of drop everything >= 0.95",
         drop_ratio("drop-all", 1000), 0.95, against_all(1000, 0.95), True,
         "%.2f"),
    Goal("drop, 1,000 bans: >= 1.15 times xdp-filter",
         drop_ratio("xdp-filter", 1000), 1.15,
         best_against("xdp-filter", 1000), True, "%.2f"),
    Goal("drop, 100,000 bans: share of drop everything >= 0.6",
         drop_ratio("drop-all", 100000), 0.6, against_all(100000, 0.6), True,
         "%.2f"),
    Goal("drop, 1,000 bans: CPU a packet <= 1/6 of nftables netdev "
         "(without making the packet)",
         drop_cost("nft-netdev", 1000), 1 / 6,
         best_without_making("nft-netdev", 1000), form="%.2f"),
    Goal("drop: banned packets that leaked: 0", leaked, 0, broken, form="%d"),
    Goal("drop: innocent packets lost: 0", lost, 0, broken, form="%d"),
    *(gate("banned packet", "hit", "gate: IPv4, banned", bans, limit)
      for bans, limit in ((1000, 8), (100000, 45), (1000000, 145))),
    *(gate("innocent packet", "miss", "gate: IPv4, mail port, innocent", bans,
           limit)
      for bans, limit in ((1000, 8), (100000, 12), (1000000, 20))),
    gate("innocent packet, another port", "miss-other-port",
         "gate: IPv4, other port", 1000, 3),
    Goal("outgoing packet, not of mail: <= 3 ns",
         cost_of("sense", "other-port"), 3,
         packet("sense", "sensor: IPv4, other port")),
    Goal("reply 250: <= 45 ns", cost_of("sense", "reply-250"), 45,
         sensor("sensor: IPv4, 250")),
    Goal("reply 535: <= 130 ns", cost_of("sense", "reply-535"), 130,
         sensor("sensor: IPv4, 535")),
    Goal("TLS record: <= 20 ns", cost_of("sense", "tls-record"), 20,
         sensor("sensor: IPv4, TLS record")),
    Goal("packets that passed after the tenth 535: 0", passed, 0, broken,
         form="%d"),
    Goal("user space informed: half of the times within 100 µs", informed, 100,
         waking, form="%.0f"),
    Goal("who reached the rate among 100,000 attackers and is not banned: 0",
         not_banned, 0, broken, form="%d"),
    Goal("restart: banned packets that passed, bans lost: 0", restart_loss, 0,
         broken, form="%d"),
    Goal("a million bans loaded within 0.6 s",
         one("hold", "seconds", kind="load", bans=1000000), 0.6, loading,
         form="%.2f"),
    Goal("memory of a ban: <= 96 bytes",
         one("hold", "bytes", kind="memory", name="ban"), 96, ban_bytes,
         form="%d"),
]


def verdicts(results):
    return [v for v in (g.judge(results) for g in GOALS) if v]


def held(results):
    """What must be so whatever the speed: nobody through, nobody lost."""
    return not any(count(results) for count in
                   (leaked, lost, passed, not_banned, restart_loss))
