"""A second reader of certmesh's formats, written from node/docs/wire.md alone.

    check.py VECTORS [EXPORT ROSTER]

Checks every test vector in the folder VECTORS with libraries that have nothing of certmesh in them, and
then an export against a roster. Exits with 1 and says what is wrong.
"""

import base64
import json
import sys
from copy import deepcopy
from pathlib import Path

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import sync
import travel
from door import Door, verdict
from membership import Manifest, Membership, Roster, log_id
from objects import tlp_of
from records import Record
from signatures import PROTECTED, has_small_order, library_accepts, open_envelope
from strict import Refused, decode, encode, require

faults = []


def expect(holds, what):
    if not holds:
        faults.append(what)


def attempt(what, call):
    """What `call` gives; a refusal of something sound is a fault."""
    try:
        return call()
    except Refused as refused:
        faults.append(f"{what}: refused as {refused}")
        return None


class Vectors:
    def __init__(self, folder):
        def read(name):
            return json.loads((folder / name).read_text(encoding="utf-8"))

        self.keys = read("keys.json")["keys"]
        self.documents = read("documents.json")
        self.last_roster = Roster(bytes.fromhex(self.documents["successors"][-1]["signed"]))
        self.logs = read("logs.json")["logs"]
        self.objects = read("objects.json")["texts"]
        self.travel = read("travel.json")
        self.refused = read("refused.json")["refused"]

    def membership(self):
        roster = Roster(bytes.fromhex(self.documents["roster"]["signed"]))
        manifests = [Manifest(bytes.fromhex(one["signed"]), roster) for one in self.documents["manifests"]]
        return Membership(roster, manifests)


def check_keys(keys):
    for key in keys:
        secret = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key["seed"]))
        expect(secret.public_key().public_bytes_raw().hex() == key["public"], f"{key['name']}: public key")
        pem = load_pem_private_key(key["pem"].encode(), None)
        expect(pem.private_bytes_raw() == secret.private_bytes_raw(), f"{key['name']}: PEM")
        der = base64.b64decode("".join(key["pem"].splitlines()[1:-1]))
        expect(len(der) == 48, f"{key['name']}: {len(der)} bytes of DER")


def check_documents(documents):
    roster = attempt("roster", lambda: Roster(bytes.fromhex(documents["roster"]["signed"])))
    if roster is None:
        return
    expect(roster.id.hex() == documents["roster"]["id"], "roster: id")
    expect(roster.mesh.hex() == documents["roster"]["mesh"], "roster: mesh id")
    expect(roster.signers == documents["roster"]["signers"], "roster: signers")
    prev = roster
    for one in documents["successors"]:
        successor = attempt(one["name"], lambda: Roster(bytes.fromhex(one["signed"])))
        if successor is None:
            return
        attempt(one["name"], lambda: successor.check_succeeds(prev))
        expect(successor.id.hex() == one["id"], f"{one['name']}: id")
        expect(successor.signers == one["voters"], f"{one['name']}: voters")
        prev = successor
    for one in documents["manifests"]:
        manifest = attempt(one["name"], lambda: Manifest(bytes.fromhex(one["signed"]), roster))
        expect(manifest and manifest.id.hex() == one["id"], f"{one['name']}: id")


def check_logs(logs, membership):
    for log in logs:
        member, node, audience = log["member"], bytes.fromhex(log["node"]), log["audience"]
        expect(log_id(member, node, audience).hex() == log["log"], f"{log['name']}: log id")
        door = Door(membership, "MY")
        for vector in log["records"]:
            check_record(f"{log['name']}, {vector['name']}", vector, door, log["log"], node)


def check_record(name, vector, door, log, node):
    signed = bytes.fromhex(vector["signed"])
    body = vector["body"] and bytes.fromhex(vector["body"])
    record = attempt(name, lambda: door.take(signed, body))
    if record is None:
        return
    aad = b"certmesh/record/1" + door.membership.roster.mesh
    structure = cbor2.dumps(["Signature1", PROTECTED, aad, record.header])
    expect(record.log.hex() == log, f"{name}: log")
    expect(record.header.hex() == vector["header"], f"{name}: header")
    expect(structure.hex() == vector["sig_structure"], f"{name}: Sig_structure")
    expect(record.signature.hex() == vector["signature"], f"{name}: signature")
    expect(record.id.hex() == vector["id"], f"{name}: id")
    expect(cbor2.dumps(cbor2.loads(signed)) == signed, f"{name}: another CBOR library encodes it otherwise")
    texts = [] if body is None else record.objects(body)
    expect((texts is None) == vector["void"], f"{name}: void")
    expect((texts or []) == vector.get("objects", []), f"{name}: objects")
    check_flips(name, record, aad, node)


def check_flips(name, record, aad, node):
    """No header and no signature with one flipped bit verifies."""
    expect(library_accepts(record.header, record.signature, aad, node), f"{name}: the library refuses it")
    for at in range(len(record.header)):
        expect(not library_accepts(flip(record.header, at), record.signature, aad, node), f"{name}: header, byte {at}")
    for at in range(len(record.signature)):
        flipped = flip(record.signature, at)
        expect(not library_accepts(record.header, flipped, aad, node), f"{name}: signature, byte {at}")


def flip(data, at):
    return data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]


def check_objects(texts):
    for vector in texts:
        found = tlp_of(vector["text"])
        expect(found == vector["tlp"], f"text, {vector['name']}: {found} in place of {vector['tlp']}")


def check_travel(vectors, logs, membership):
    records = [(bytes.fromhex(one["signed"]), one["body"] and bytes.fromhex(one["body"])) for one in logs[0]["records"]]
    parcels = [list(record) for record in records]
    gossip = vectors["gossip"]
    expect(travel.parcel(bytes.fromhex(gossip["whole"])) == parcels[1], "gossip: whole")
    expect(travel.parcel(bytes.fromhex(gossip["without its body"])) == [parcels[1][0], None], "gossip: bare")
    manifests, exported = travel.export(bytes.fromhex(vectors["export"]))
    expect(exported == parcels, "export: parcels")
    again = Membership(membership.roster, [Manifest(one, membership.roster) for one in manifests])
    expect(again.logs == membership.logs, "export: manifests")


def door_of_my(vectors, membership):
    """MY's node, which has taken what travel.json says."""
    door = Door(membership, "MY")
    for one in vectors["held"]:
        door.take(*travel.parcel(bytes.fromhex(one)))
    door.take_fork([bytes.fromhex(one) for one in vectors["fork"]])
    return door


def check_sync(vectors, membership):
    door = door_of_my(vectors, membership)
    for one in vectors["frontiers"]:
        names = [[bytes.fromhex(e["log"]), e["next"], bytes.fromhex(e["head"]), e["bodies"], int(e["missing"]), e["fork"]] for e in one["logs"]]
        expect(sync.answer(bytes.fromhex(one["answer"])) == [1, names], f"frontier {one['name']}")
        expect(sync.digest(names).hex() == one["digest"], f"frontier {one['name']}: digest")
    expect(sync.frontier(door, "VN") == sync.answer(bytes.fromhex(vectors["frontiers"][0]["answer"]))[1], "MY's frontier")
    for one in vectors["sync"]:
        asked = sync.request(bytes.fromhex(one["request"]))
        sync.answer(bytes.fromhex(one["answer"]))
        expect(encode(asked).hex() == one["request"], f"sync, {one['name']}: request")
        expect(encode(sync.reply(door, "VN", asked)).hex() == one["answer"], f"sync, {one['name']}: answer")
    check_forks(door, vectors, membership)


def check_forks(door, vectors, membership):
    """Whichever branch came first, and whatever brought the other, the log ends below the fork."""
    for first, second in [vectors["fork"], vectors["fork"][::-1]]:
        one = Door(membership, "MY")
        one.take(*travel.parcel(bytes.fromhex(vectors["held"][-2])))
        one.take(bytes.fromhex(first), None)
        try:
            one.take(bytes.fromhex(second), None)
        except Refused as refused:
            expect(refused.reason == "fork", f"the second branch: {refused}")
        log = Record(bytes.fromhex(first)).log
        expect(sync.frontier(one, "VN") == [e for e in sync.frontier(door, "VN") if e[0] == log], "the head below a fork")


def check_refused(vectors, membership, held, last_roster):
    door = door_of_my(held, membership)
    for vector in vectors:
        name = f"refused {vector['claim']}, {vector['name']}"
        try:
            offer(vector, deepcopy(door, {id(membership): membership}), last_roster)
        except Refused as refused:
            expect(refused.reason == vector["reason"], f"{name}: {vector['reason']}, but here {refused}")
            told = verdict(refused)
            expect(vector.get("verdict", told) == told, f"{name}: verdict {told}")
        else:
            faults.append(f"{name}: was taken")
    check_small_order(vectors, membership)


def offer(vector, door, last_roster):
    data, claim = bytes.fromhex(vector["bytes"]), vector["claim"]
    roster = door.membership.roster
    if claim in ("record", "record at VN"):
        body = vector["body"]
        door = Door(door.membership, "VN") if claim == "record at VN" else door
        door.take(data, None if body is None else bytes.fromhex(body))
    elif claim == "body":
        (item,) = sync.answer(b"\x82\x03\x81" + data)[1]
        door.take_body(*item)
    elif claim == "fork":
        (item,) = sync.answer(b"\x82\x05\x81" + data)[1]
        door.take_fork(item)
    elif claim == "roster":
        offered = Roster(data)
        require(offered.mesh == roster.mesh, "the mesh id is another", "other-mesh")
        require(offered.version == 0, "nothing shows its chain", "unproven")
    elif claim == "successor":
        Roster(data).check_succeeds(last_roster)
    elif claim == "manifest":
        Manifest(data, roster)
    elif claim == "export":
        for manifest in travel.export(data)[0]:
            Manifest(manifest, roster)
    else:
        {"parcel": travel.parcel, "sync request": sync.request, "sync answer": sync.answer}[claim](data)


def check_small_order(vectors, membership):
    """Its vector is worth something only if it passes where the rule is left out."""
    one = next(one for one in vectors if one["name"] == "node of small order")
    document, _ = open_envelope(bytes.fromhex(one["bytes"]), 262_144)
    ((node, *_, consent),) = decode(document, 262_144)[7]
    aad = b"certmesh/node/1" + membership.roster.mesh
    expect(has_small_order(node), "node of small order: it is not")
    expect(library_accepts(encode(["SG"]), consent, aad, node), "node of small order: refused even so")


def check_export(export, roster):
    """Every signature, chain and body of an export; says how much it holds."""
    manifests, parcels = travel.export(export)
    door = Door(Membership(roster, [Manifest(one, roster) for one in manifests]))
    count = 0
    for signed, body in parcels:
        record = door.take(signed, body)
        count += len(record.objects(body) or []) if body is not None else 0
    print(f"export: {len(parcels)} records, {count} objects")


def main(arguments):
    vectors = Vectors(Path(arguments[0]))
    check_keys(vectors.keys)
    check_documents(vectors.documents)
    membership = attempt("membership", vectors.membership)
    if membership is not None:
        check_logs(vectors.logs, membership)
        check_objects(vectors.objects)
        attempt("travel", lambda: check_travel(vectors.travel, vectors.logs, membership))
        attempt("sync", lambda: check_sync(vectors.travel, membership))
        attempt("refusals", lambda: check_refused(vectors.refused, membership, vectors.travel, vectors.last_roster))
    if len(arguments) == 3:
        export, roster = (Path(one).read_bytes() for one in arguments[1:])
        attempt("export", lambda: check_export(export, Roster(roster)))
    print("\n".join(faults) if faults else f"all well: {len(vectors.refused)} refused, {len(vectors.objects)} texts")
    return 1 if faults else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 4):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
