#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What judges smtpxdp's metrics, its dashboard and its alert rules."""

import json
import re
import socket
import sys
import time
import urllib.parse
import urllib.request


def cmd_openmetrics():
    """Reads OpenMetrics text as its reference parser does, strictly; prints
    {sample with labels: value}."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families

    samples = {}
    for family in text_string_to_metric_families(sys.stdin.read()):
        if not family.documentation:
            sys.exit(family.name + " has no HELP")
        for s in family.samples:
            labels = ",".join("%s=%s" % kv for kv in sorted(s.labels.items()))
            samples["%s{%s}" % (s.name, labels)] = s.value
    json.dump(samples, sys.stdout)


def expressions(dashboard):
    """Of all panels, as Prometheus gets them from Grafana."""
    with open(dashboard, encoding="utf-8") as f:
        document = json.load(f)
    for panel in document["panels"]:
        for target in panel.get("targets", ()):
            expr = target["expr"].replace("$__rate_interval", "5m")
            yield panel["title"], expr.replace("$instance", ".*")
    for variable in document["templating"]["list"]:
        if variable["type"] == "query":
            query = re.fullmatch(r"label_values\((\w+), *\w+\)", variable["definition"])
            yield variable["name"], query.group(1)


def cmd_as_rules(dashboard):
    """The dashboard's expressions as recording rules, for promtool; as JSON,
    which is YAML."""
    rules = [{"record": "panel:%d" % i, "expr": expr}
             for i, (_, expr) in enumerate(expressions(dashboard))]
    json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, sys.stdout)


def cmd_names(*files):
    """Every metric of ours that is named there."""
    names = set()
    for name in files:
        with open(name, encoding="utf-8") as f:
            names |= set(re.findall(r"\bsmtpxdp_[a-z_]+", f.read()))
    print("\n".join(sorted(names)))


def query(expr):
    url = "http://127.0.0.1:9090/api/v1/query?"
    with urllib.request.urlopen(url + urllib.parse.urlencode({"query": expr})) as r:
        return json.load(r)["data"]["result"]


def cmd_query(expr):
    """What Prometheus answers: a line for each sample."""
    result = query(expr)
    for sample in result:
        print(json.dumps(sample["metric"], sort_keys=True), sample["value"][1])
    sys.exit(not result)


def cmd_panels(dashboard):
    """Asks Prometheus what Grafana would; names the panels that stay empty."""
    for title, expr in expressions(dashboard):
        if not query(expr):
            print(title)


def cmd_idle(address, port, count):
    """So many clients that send half a request and then nothing; prints how
    long the server bore with the last of them."""
    start = time.monotonic()
    clients = []
    for _ in range(int(count)):
        clients.append(socket.create_connection((address, int(port))))
        clients[-1].sendall(b"GET /metrics HTTP/1.1\r\nHos")
    print("connected", flush=True)
    for client in clients:
        client.settimeout(30)
        try:
            while client.recv(4096):
                pass
        except ConnectionResetError:
            pass
    print("%.1f" % (time.monotonic() - start), flush=True)


globals()["cmd_" + sys.argv[1]](*sys.argv[2:])
