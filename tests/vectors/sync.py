"""Sync (wire.md, section 9): what two nodes ask and answer. Messages are `[kind, …]`."""

from hashlib import sha256

from membership import ALL
from strict import blob, boolean, decode, encode, id32, list_of, number, optional, record_of, require, rises

RECORD, BODY, LOGS, PLACES, RECORDS = 4_224, 1_048_576, 4_096, 1_024, 16_384
REQUEST, ANSWER, BUDGET = 196_608, 5_308_416, 4_194_304

kind, u64 = number(8), number(64)


def record(value):
    blob(value)
    require(len(value) <= RECORD, "a record over its limit")


def body(value):
    blob(value)
    require(len(value) <= BODY, "a body over its limit")


PLACE = record_of(id32, u64)
ENTRY = record_of(id32, u64, id32, u64, u64, optional(u64))
REQUESTS = [
    record_of(kind, id32),
    record_of(kind, list_of(PLACE, LOGS)),
    record_of(kind, list_of(PLACE, PLACES)),
    record_of(kind, list_of(PLACE, PLACES)),
    record_of(kind, list_of(id32, LOGS)),
]
ANSWERS = [
    record_of(kind),
    record_of(kind, list_of(ENTRY, LOGS)),
    record_of(kind, list_of(record, RECORDS), boolean),
    record_of(kind, list_of(record_of(id32, u64, body), PLACES)),
    record_of(kind, list_of(optional(id32), PLACES)),
    record_of(kind, list_of(record_of(record, record), LOGS)),
]


def message(data, limit, shapes):
    value = decode(data, limit)
    tagged = type(value) is list and value and type(value[0]) is int and value[0] < len(shapes)
    require(tagged, "a message of no known kind")
    shapes[value[0]](value)
    return value


def request(data):
    value = message(data, REQUEST, REQUESTS)
    if value[0] == 1:
        rises((log for log, _ in value[1]), "logs")
    return value


def answer(data):
    value = message(data, ANSWER, ANSWERS)
    if value[0] == 1:
        rises((entry[0] for entry in value[1]), "frontier")
        for _, end, _, bodies, _, fork in value[1]:
            require(end > 0 or fork == 0, "an empty log in a frontier")
            require(bodies <= end, "a missing body beyond the end")
    return value


def frontier(door, member):
    """How far a node is in the logs that another member may hold."""
    entries = []
    for log in sorted(door.logs):
        here = door.logs[log]
        if may_hold(door, log, member) and (here.records or here.fork == 0):
            missing = [seq for seq in range(here.next()) if here.misses_body(seq)]
            head = here.records[-1].id if here.records else bytes(32)
            lowest = min(missing, default=here.next())
            entries.append([log, here.next(), head, lowest, marks(missing), here.fork])
    return entries


def marks(missing):
    """What the places of missing bodies amount to in a frontier."""
    sum = 0
    for seq in missing:
        sum ^= int.from_bytes(sha256(b"certmesh/missing/1" + seq.to_bytes(8, "big")).digest()[:8], "big")
    return sum


def digest(entries):
    return sha256(b"certmesh/frontier/1" + encode(entries)).digest()


def may_hold(door, log, member):
    known = door.membership.logs.get(log)
    return log in door.logs and known is not None and (known[1] == ALL or member in known[1])


def reply(door, member, asked):
    """What a node answers a node of this member. The budget is not reached here, and not modelled."""
    if asked[0] == 0:
        mine = frontier(door, member)
        return [0] if digest(mine) == asked[1] else [1, mine]
    if asked[0] == 4:
        logs = [log for log in asked[1] if may_hold(door, log, member)]
        return [5, [door.logs[log].proof for log in logs if door.logs[log].proof]]
    places = [(log, seq, door.logs[log] if may_hold(door, log, member) else None) for log, seq in asked[1]]
    if asked[0] == 1:
        return [2, [one.signed for _, seq, here in places if here for one in here.records[seq:]], False]
    if asked[0] == 2:
        return [3, [[log, seq, here.bodies[seq]] for log, seq, here in places if here and seq in here.bodies]]
    return [4, [here.records[seq].id if here and seq < here.next() else None for _, seq, here in places]]
