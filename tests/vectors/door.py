"""The door through which records, bodies and proofs of forks enter a node's logs (wire.md, section 8)."""

from membership import ALL, CUT
from records import Record
from strict import Refused, require

AHEAD = 512
VERDICTS = dict.fromkeys(["malformed", "bad-signature", "body-mismatch", "roster-decreases", "tlp"], "reject")


class Log:
    """The records of a log in order, their bodies by seq, and its lowest fork: the two records, and their seq."""

    def __init__(self):
        self.records, self.bodies, self.proof, self.fork = [], {}, None, None

    def next(self):
        return len(self.records)

    def misses_body(self, seq):
        return seq < self.next() and self.records[seq].body_hash is not None and seq not in self.bodies


class Door:
    """The logs of one node of this member, or of a reader of files, who asks for no audience."""

    def __init__(self, membership, member=None):
        self.membership, self.member = membership, member
        self.logs = {}

    def known(self, log):
        known = self.membership.logs.get(log)
        mine = known is not None and (self.member is None or known[1] == ALL or self.member in known[1])
        require(mine, "no such log, or not for this member", "unknown-log")
        return known

    def take(self, signed, body):
        """Admits a record, or refuses it with the first reason that holds."""
        record = Record(signed)
        node, audience, _, state, checkpoint = self.known(record.log)
        log = self.logs.get(record.log, Log())
        require(log.fork is None or record.seq < log.fork, "at or beyond a fork", "disputed")
        require(record.seq <= log.next() + AHEAD, "far ahead", "gap")
        if record.seq < log.next() and log.records[record.seq].id == record.id:
            return self.take_again(record, body)
        record.verify(self.membership.roster.mesh, node)
        require(body is None or record.names(body), "another body", "body-mismatch")
        require(record.seq <= log.next(), "records before it are missing", "gap")
        if record.seq < log.next():
            self.note_fork(log.records[record.seq], record)
            raise Refused("fork", "two histories")
        head = log.records[-1] if log.records else None
        require(record.prev == (head and head.id), "another predecessor", "fork")
        vouched = checkpoint is None or record.seq != checkpoint[0] or record.id == checkpoint[1]
        require(vouched, "another record than its member vouches for", "cut")
        require(record.roster >= (head.roster if head else 0), "an older roster", "roster-decreases")
        require(record.roster <= self.membership.roster.version, "a newer roster", "roster-ahead")
        require(audience != ALL or record.tlp <= 2, "too strict for all", "tlp")
        if state == CUT:
            within = checkpoint and (record.seq < checkpoint[0] or (record.seq, record.id) == checkpoint)
            require(within, "beyond the cut", "cut")
        self.logs[record.log] = log
        log.records.append(record)
        if body is not None:
            log.bodies[record.seq] = body
        return record

    def take_again(self, record, body):
        """A record that is here; its body may have been missing."""
        require(body is not None and self.logs[record.log].misses_body(record.seq), "here already", "duplicate")
        self.take_body(record.log, record.seq, body)
        return record

    def take_body(self, log, seq, body):
        """Takes a body that comes by itself."""
        here = self.logs.get(log)
        require(here is not None and here.misses_body(seq), "no record waits for it", "body-unwanted")
        require(here.records[seq].names(body), "another body", "body-mismatch")
        here.bodies[seq] = body

    def take_fork(self, pair):
        """Takes the proof of a fork."""
        one, other = (Record(signed) for signed in pair)
        same_place = (one.log, one.seq) == (other.log, other.seq)
        require(same_place and one.id != other.id, "no two records of one place", "no-fork")
        node = self.known(one.log)[0]
        require(not self.is_old(one), "known, or settled", "disputed")
        for record in (one, other):
            record.verify(self.membership.roster.mesh, node)
        self.note_fork(one, other)

    def is_old(self, record):
        """Whether a fork as low as this record is known, or its member vouches for the branch that is here."""
        log, checkpoint = self.logs.get(record.log, Log()), self.known(record.log)[4]
        if log.fork is not None and log.fork <= record.seq:
            return True
        seq, vouched = checkpoint or (None, None)
        return checkpoint is not None and record.seq <= seq < log.next() and log.records[seq].id == vouched

    def note_fork(self, one, other):
        """Ends the log below the fork."""
        if self.is_old(one):
            return
        log = self.logs.setdefault(one.log, Log())
        log.fork = one.seq
        log.proof = [record.signed for record in sorted((one, other), key=lambda record: record.id)]
        del log.records[log.fork :]
        log.bodies = {seq: body for seq, body in log.bodies.items() if seq < log.fork}


def verdict(refused: Refused):
    return VERDICTS.get(refused.reason, "ignore")
