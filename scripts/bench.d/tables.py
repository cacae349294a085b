# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""One table a part, from Results: a title, columns, rows of text cells."""

from results import SPREAD_MAX

DROP_PEERS = {
    "drop-all": "XDP: drop everything",
    "smtpxdp": "smtpxdp, everything on",
    "xdp-filter": "xdp-filter",
    "tc-hash": "tc BPF, hash map",
    "nft-netdev": "nftables, netdev ingress set",
    "ipset": "ipset, iptables INPUT",
    "nft-input": "nftables, input set, conntrack",
    "none": "nothing (TCP answers RST)",
}


class Table:
    def __init__(self, part, title, columns):
        self.part, self.title, self.columns = part, title, columns
        self.rows = []


def thousands(n):
    return "{:,}".format(n)


def mark(stat):
    """What was not steady is shown as such."""
    return "~" if stat.spread > SPREAD_MAX else ""


def mpps(results, name, bans, ip):
    return results.stat("drop", lambda r: 1e3 * r["packets"] / r["ns"],
                        kind="rate", name=name, bans=bans, ip=ip)


def packet_ns(results, name, bans, ip):
    """A packet's cost without that of making it: ns, or None."""
    gross = results.stat("drop", lambda r: r["ns"] / r["packets"],
                         kind="rate", name=name, bans=bans, ip=ip)
    made = results.stat("drop", lambda r: r["ns"] / r["packets"],
                        kind="rate", name="generator", bans=bans, ip=ip)
    return gross.median - made.median if gross and made else None


def drop_cell(results, name, bans, ip):
    stat = mpps(results, name, bans, ip)
    if not stat:
        return results.note("drop", name=name, bans=bans, ip=ip) or "-"
    best = mpps(results, "drop-all", bans, ip)
    ratio = " (%.2f)" % (stat.median / best.median) if best else ""
    return "%s%.2f%s" % (mark(stat), stat.median, ratio)


def sizes(results, part):
    return sorted({b for b in results.values(part, "bans")})


def drop_table(results):
    columns = [(b, ip) for b in sizes(results, "drop") for ip in (4, 6)]
    table = Table(
        "drop", "Dropped, million packets a second, one CPU doing everything "
        "(share of drop everything)",
        ["", *("%s bans, IPv%d" % (thousands(b), ip) for b, ip in columns)])
    for name, label in DROP_PEERS.items():
        table.rows.append(
            [label, *(drop_cell(results, name, b, ip) for b, ip in columns)])
    return table


def cost(results, part, name, **match):
    """ns over the program that does nothing."""
    return results.stat(part, lambda r: r["ns"] - r["floor"], kind="cost",
                        name=name, **match)


def cost_cell(stat):
    return "%s%.0f" % (mark(stat), stat.median) if stat else "-"


def miss_table(results):
    rows = {"hit": "banned: dropped", "miss": "innocent, to a mail port",
            "miss-other-port": "innocent, to another port"}
    columns = [(b, ip) for b in sizes(results, "miss") for ip in (4, 6)]
    table = Table(
        "miss", "What the gate costs a packet, ns over an XDP program that "
        "does nothing",
        ["", *("%s bans, IPv%d" % (thousands(b), ip) for b, ip in columns)])
    for name, label in rows.items():
        table.rows.append(
            [label, *(results.note("miss", name=name, bans=b, ip=ip) or
                      cost_cell(cost(results, "miss", name, bans=b, ip=ip))
                      for b, ip in columns)])
    return table


def sense_table(results):
    rows = {"other-port": "packet from another port",
            "reply-250": "reply 250", "reply-535": "reply 535",
            "tls-record": "TLS record"}
    table = Table("sense", "What the sensors cost, ns over nothing",
                  ["", "ns", "without"])
    for name, label in rows.items():
        stat = cost(results, "sense", name)
        floor = results.stat("sense", lambda r: r["floor"], kind="cost",
                             name=name)
        table.rows.append([label, cost_cell(stat),
                           "%.0f" % floor.median if floor else "-"])
    return table


MAKERS = {"drop": drop_table, "miss": miss_table, "sense": sense_table}


def tables(results):
    return [MAKERS[part](results) for part in results.parts if part in MAKERS]
