# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The tables, from Results: a title, columns, rows of text cells."""

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
        self.note = ""  # a sentence below it


def thousands(n):
    return "{:,}".format(n)


def mpps(results, name, bans, ip):
    return results.stat("drop", lambda r: 1e3 * r["packets"] / r["ns"],
                        kind="rate", name=name, bans=bans, ip=ip)


def veth_note(results):
    """How much of it is no gate's, and on a NIC would be another's."""
    bans = min(sizes(results, "drop"))
    best = mpps(results, "drop-all", bans, 4)
    rest = packet_ns(results, "drop-all", bans, 4)
    if rest is None:
        return ""
    whole = 1e3 / best.median
    return ("Of the %.0f ns of a packet that is dropped at once, %.0f are its "
            "making, and %.0f its way through the veth." %
            (whole, whole - rest, rest))


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
    return "%.2f ±%.0f%%%s" % (stat.median, 100 * stat.spread, ratio)


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
    table.note = veth_note(results)
    return table


def cost(results, part, name, **match):
    """ns over the program that does nothing."""
    return results.stat(part, lambda r: r["ns"] - r["floor"], kind="cost",
                        name=name, **match)


def cost_cell(stat):
    return "%.0f ±%.0f" % (stat.median, stat.half) if stat else "-"


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
            "tls-record": "TLS record",
            "tls-write": "write inside TLS, 60 bytes, of a mail server",
            "tls-write-other": "the same, of another process"}
    table = Table("sense", "What the sensors cost, ns over nothing",
                  ["", "ns", "without"])
    for name, label in rows.items():
        floor = results.stat("sense", lambda r: r["floor"], kind="cost",
                             name=name)
        table.rows.append([label, cost_cell(cost(results, "sense", name)),
                           "%.0f" % floor.median if floor else "-"])
    lines = results.stat("sense", lambda r: r["ns"] * 65536 / r["bytes"],
                         kind="lines")
    table.rows.append(["64 KiB of reply lines at once (real TCP)",
                       cost_cell(lines), "-"])
    return table


GUARDS = {"smtpxdp": "smtpxdp", "sshguard": "sshguard, nftables",
          "fail2ban": "fail2ban, nftables, inotify",
          "crowdsec": "CrowdSec, its bouncer, nftables"}


def reaction(results, name, field):
    return results.stat("react", lambda r: r.get(field), kind="reaction",
                        name=name)


def time_cell(stat):
    """Of microseconds."""
    if not stat:
        return "-"
    scale, unit = (1e3, "ms") if stat.median >= 1e3 else (1, "µs")
    return "%.*f %s (%.*f)" % (stat.median / scale < 10, stat.median / scale,
                               unit, stat.values[-1] / scale < 10,
                               stat.values[-1] / scale)


def count_cell(stat):
    return "%.0f (%.0f)" % (stat.median, stat.values[-1]) if stat else "-"


def react_table(results):
    table = Table(
        "react", "After the tenth 535 has left: median of all attacks (worst)",
        ["", "first packet dropped", "packets that passed",
         "guesses still answered", "user space informed", "attacks"])
    for name, label in GUARDS.items():
        cells = [time_cell(reaction(results, name, "dropped_us")),
                 *(count_cell(reaction(results, name, f))
                   for f in ("passed", "guesses")),
                 time_cell(reaction(results, name, "informed_us"))]
        attacks = results.select("react", kind="reaction", name=name)
        if not reaction(results, name, "passed"):
            cells[0] = results.note("react", name=name) or "-"
        table.rows.append([label, *cells,
                           str(len(attacks))])
    return table


def storm_rows(results):
    """As fast as can be, and as fast as no event is lost."""
    storms = results.select("hold", kind="storm")
    for r in storms[:1] + storms[1:][-1:]:
        yield ["failures a second from 100,000 addresses, brake off%s" %
               (", as many as can be" if not r["pace"] else ""),
               thousands(round(r["failures"] / r["ns"] * 1e9)),
               "%s events lost, %s of %s banned, daemon %.1f s of a CPU" %
               (thousands(r["lost"]), thousands(r["banned"]),
                thousands(r["expected"]), r["cpu_ticks"] / r["hz"])]


def load_rows(results):
    for bans in sizes(results, "hold"):
        for name, label, part in (("smtpxdp", "smtpxdp", "hold"),
                                  ("nft-netdev", "nftables", "drop"),
                                  ("ipset", "ipset", "drop")):
            note = results.note(part, kind="load", name=name, bans=bans)
            stat = results.stat(part, lambda r: r["seconds"], kind="load",
                                name=name, bans=bans, **(
                                    {"ip": 4} if part == "drop" else {}))
            if stat or note:
                yield ["load %s bans: %s" % (thousands(bans), label),
                       "%.2f s" % stat.median if stat else "-", note or ""]
        for r in results.select("hold", kind="restart", bans=bans):
            yield ["restart with %s bans: smtpxdp" % thousands(bans),
                   "%.2f s" % r["seconds"],
                   "%s bans after it; of %s packets meanwhile %s passed" %
                   (thousands(r["kept"]), thousands(r["came"]),
                    thousands(r["leaked"]))]


def hold_table(results):
    table = Table("hold", "Under attack, in memory, at a restart",
                  ["", "measured", ""])
    table.rows += storm_rows(results)
    for name in ("ban", "client"):
        for b in results.values("hold", "bytes", kind="memory", name=name):
            table.rows.append(["memory of a %s" % name, "%d bytes" % b,
                               "in the kernel"])
    table.rows += load_rows(results)
    return table


MAKERS = {"drop": drop_table, "miss": miss_table, "sense": sense_table,
          "react": react_table, "hold": hold_table}


def tables(results):
    return [MAKERS[part](results) for part in results.parts]
