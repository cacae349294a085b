# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""For fail2ban: the bans of its jails are dropped by smtpxdp, in XDP. In
/etc/fail2ban/jail.local:

    [DEFAULT]
    banaction = smtpxdp.py
    banaction_allports = smtpxdp.py

What of a banned client is dropped is smtpxdp's to say, by its keys drop-ports and
scope: its TCP to the mail ports, or, for jails of other services too, all.

A thread gives smtpxdp what has gathered while it was busy, many addresses by one
call: so fail2ban starts and stops at once, however many are banned. A ban holds
by itself: it stays when fail2ban stops, and ends when it is due.

A jail is an owner of bans: what it unbans stays banned while somebody else wants
it, a sensor or a list. IPv6 addresses are owners of their own, one by one, for
smtpxdp bans the /64, in which another may be banned still."""

import queue
import subprocess
import threading
import time

from fail2ban.server.action import ActionBase

# A ban "for ever" (-1) is the longest there is.
FOREVER = 365 * 86400
# One by one, the open connections of the banned are cut, too.
SINGLY = 16
# The jail ends when all is done, or in so many seconds.
PATIENCE = 20


def quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


class SmtpxdpAction(ActionBase):
    """One jail's. What jails tell every action (port, protocol, chain) means
    nothing here."""

    def __init__(self, jail, name, **_):
        super().__init__(jail, name)
        self.reason = ("fail2ban: %s" % jail.name)[:63]
        self.banned = set()
        self.pending = queue.SimpleQueue()
        self.worker = None

    def start(self):
        if self.worker is None:
            self.worker = threading.Thread(target=self.work, daemon=True)
            self.worker.start()

    def stop(self):
        if self.worker is not None:
            self.pending.put(None)
            self.worker.join(PATIENCE)
            self.worker = None

    def ban(self, aInfo):
        """A ticket that fail2ban kept over its restart has run for some time."""
        seconds = int(aInfo["bantime"])
        if seconds <= 0:
            seconds = FOREVER
        elif aInfo["restored"]:
            seconds -= int(time.time() - aInfo["time"])
        if seconds > 0:
            self.give(self.add, str(aInfo["ip"]), seconds)

    def unban(self, aInfo):
        self.give(self.delete, str(aInfo["ip"]))

    def flush(self):
        """All of the jail's: lifted where somebody asks for it, and left to
        themselves where the jail ends, to hold until fail2ban is back."""
        if self._jail.actions.active:
            for ip in list(self.banned):
                self.give(self.delete, ip)
        return True

    def give(self, what, ip, *more):
        (self.banned.discard if what == self.delete else self.banned.add)(ip)
        self.start()
        self.pending.put((what, (ip, *more)))

    def work(self):
        """Takes what there is, in its order, and what follows of the same kind
        together."""
        rest = self.pending.get()
        while rest is not None:
            what, all_of = rest[0], [rest[1]]
            rest = self.next()
            while rest and rest[0] == what:
                all_of.append(rest[1])
                rest = self.next()
            what(all_of)
            if rest == ():
                rest = self.pending.get()

    def next(self):
        """What is there now; (): nothing, None: the end."""
        try:
            return self.pending.get_nowait()
        except queue.Empty:
            return ()

    def add(self, bans):
        if len(bans) > SINGLY:
            self.run("ban", "load", "--restore", "-",
                     lines=[self.line(ip, seconds) for ip, seconds in bans])
            return
        for ip, seconds in bans:
            self.run("ban", "add", ip, "--for", "%ds" % seconds, "--reason",
                     self.reason, "--owner", self.owner(ip))

    def delete(self, ips):
        """That the kernel has ended some by itself is no error."""
        self.run("ban", "del", "--plain", "-",
                 lines=[self.line(ip, 1) for ip, in ips])

    def line(self, ip, seconds):
        """As smtpxdp ban list --plain writes it."""
        return "%s %ds %s owner=%s" % (ip, seconds, quoted(self.reason),
                                       quoted(self.owner(ip)))

    def owner(self, ip):
        """Of 63 bytes at most."""
        if ":" not in ip:
            return self.reason
        return "%s %s" % (self.reason[:62 - len(ip)], ip)

    def run(self, *args, lines=()):
        try:
            done = subprocess.run(
                ["smtpxdp", *args], input="\n".join([*lines, ""]),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                check=False)
        except OSError as err:
            self._logSys.error("cannot run smtpxdp: %s", err)
            return
        if done.returncode:
            self._logSys.error("smtpxdp %s: %s", " ".join(args),
                               done.stdout.strip())


Action = SmtpxdpAction
