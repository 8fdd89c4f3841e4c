"""Roster and manifests (wire.md, section 7): who is in the mesh, and which logs are known."""

from hashlib import sha256

from signatures import open_envelope, verify
from strict import (
    Refused, blob, boolean, code, decode, encode, id32, list_of, number, optional, record_of, require, rises,
    text,
)  # fmt: skip

LIMIT = 262_144
DOCUMENT_LIMIT = 212_992
ALL = "all"


def name(value):
    text(value)
    require(1 <= len(value.encode()) <= 256, "a name that is empty or too long")


u8, u64 = number(8), number(64)
SIGNED_ROSTER = record_of(blob, list_of(record_of(code, blob), 676))
MEMBER = record_of(code, name, name, id32)
GROUP = record_of(name, list_of(code, 256, 1))
CUTS = list_of(record_of(id32, u64, id32), 1024)
PIN = record_of(code, name, id32, optional(id32), CUTS)
ROSTER = record_of(
    u8, u64, u64, optional(id32), optional(id32), name, boolean, u64,
    list_of(MEMBER, 676, 1), list_of(GROUP, 256), record_of(u64, u64, u64),
    list_of(PIN, 676),
)  # fmt: skip
NODE = record_of(id32, u8, list_of(name, 8), list_of(record_of(id32, u64, id32), 256), blob)
MANIFEST = record_of(u8, id32, code, u64, optional(id32), u64, u64, list_of(NODE, 1024))

LIVE, RETIRED, CUT = 0, 1, 2


def check_format(document):
    """The format comes before the shape: a newer one may have another shape."""
    newer = len(document) >= 2 and 0x80 <= document[0] <= 0x97 and 2 <= document[1] <= 23
    require(not newer, "a newer format", "newer-version")


class Roster:
    def __init__(self, data):
        outer = decode(data, LIMIT)
        SIGNED_ROSTER(outer)
        document, signatures = outer
        check_format(document)
        fields = decode(document, DOCUMENT_LIMIT)
        ROSTER(fields)
        self.version, self.prev, mesh, self.exercise = fields[1], fields[3], fields[4], fields[6]
        self.members = {member[0]: member[3] for member in fields[8]}
        self.groups = [group[1] for group in fields[9]]
        self.live_nodes, self.log_records, self.log_bytes = fields[10]
        self.pins = {pin[0]: pin for pin in fields[11]}
        require(fields[0] == 1, "format 0")
        require((self.prev is None) == (mesh is None) == (self.version == 0), "a predecessor or a mesh id out of place")
        self.check_order(fields)
        self.id = sha256(document).digest()
        self.mesh = self.id if mesh is None else mesh
        rises((signer for signer, _ in signatures), "signatures")
        require(all(len(signature) == 64 for _, signature in signatures), "a short signature", "bad-signature")
        self.document, self.signatures = document, signatures
        self.signers = [signer for signer, _ in signatures]
        if self.version == 0:
            self.check_signatures(self.members)

    def check_signatures(self, roots):
        for signer, signature in self.signatures:
            require(signer in roots, f"signature of {signer}", "bad-signature")
            verify(self.document, signature, b"certmesh/roster/1", roots[signer], f"signature of {signer}")

    def check_succeeds(self, prev):
        """Whether the members of `prev` have agreed to this one after it."""
        require(self.mesh == prev.mesh, "of another mesh", "other-mesh")
        follows = self.version == prev.version + 1 and self.prev == prev.id and self.exercise == prev.exercise
        require(follows, "not the version after it", "not-successor")
        for member, root in prev.members.items():
            if self.members.get(member) != root:
                require(member in self.pins, f"{member} goes without a pin", "unpinned")
                require(self.pins[member][2] == root, f"pin of {member}", "wrong-pin")
        for member in prev.pins:
            require(member in self.pins, f"pin of {member}", "lost-pin")
        for member, pin in self.pins.items():
            carried = member in prev.pins and prev.pins[member][:4] == pin[:4]
            require(carried or prev.members.get(member) == pin[2], f"pin of {member}", "wrong-pin")
        self.check_signatures(prev.members)
        require(len(self.signatures) >= 2 * len(prev.members) // 3 + 1, "one vote short or more", "too-few-votes")

    def check_order(self, fields):
        rises((member[0] for member in fields[8]), "members")
        require(len(set(self.members.values())) == len(self.members), "a root key twice")
        rises((group[0].encode() for group in fields[9]), "groups")
        for group in self.groups:
            rises(group, "group")
            require(set(group) <= set(self.members), "a group of strangers")
        rises((pin[0] for pin in fields[11]), "pins")
        require(self.version > 0 or not self.pins, "a pin in version 0")
        for member, _, root, _, cuts in fields[11]:
            rises((log for log, _, _ in cuts), "cuts")
            taken = any(of != member and key == root for of, key in self.members.items())
            require(not taken, "a pinned key of another member")


class Manifest:
    def __init__(self, data, roster):
        document, signature = open_envelope(data, LIMIT)
        check_format(document)
        fields = decode(document, LIMIT)
        MANIFEST(fields)
        form, mesh, self.member, self.version, self.prev, under, _, self.nodes = fields
        require(form == 1, "format 0")
        require((self.prev is None) == (self.version == 0), "a predecessor out of place")
        rises((node[0] for node in self.nodes), "nodes")
        for _, state, _, checkpoints, consent in self.nodes:
            require(len(consent) == 64, "a consent of another length")
            require(state in (LIVE, RETIRED, CUT), "no such state")
            rises((log for log, _, _ in checkpoints), "checkpoints")
        require(mesh == roster.mesh, "of another mesh", "other-mesh")
        require(self.member in roster.members, "of no member")
        root = roster.members[self.member]
        verify(document, signature, b"certmesh/manifest/1" + mesh, root, "the root key did not sign it")
        for node, _, _, _, consent in self.nodes:
            verify(encode([self.member]), consent, b"certmesh/node/1" + mesh, node, "the node has not agreed")
        live = sum(state == LIVE for _, state, _, _, _ in self.nodes)
        require(live <= roster.live_nodes, "too many live nodes")
        require(under <= roster.version, "needs a newer roster")
        self.id = sha256(document).digest()


def log_id(member, node, audience):
    return sha256(b"certmesh/log/1" + member.encode() + node + encode(audience)).digest()


class Membership:
    """The logs that are known, by id: (node, audience, member, state, checkpoint or None)."""

    def __init__(self, roster, manifests):
        self.roster = roster
        newest = {}
        for manifest in manifests:
            known = newest.get(manifest.member)
            if known is not None and known.version == manifest.version and known.id != manifest.id:
                raise Refused("malformed", "two manifests of one version")
            if known is None or known.version < manifest.version:
                newest[manifest.member] = manifest
        self.logs = {}
        for manifest in newest.values():
            for node, (state, checkpoints) in nodes_of(manifest, manifests).items():
                for audience in [ALL, *roster.groups]:
                    log = log_id(manifest.member, node, audience)
                    places = [(seq, record) for at, seq, record in checkpoints if at == log]
                    place = places[0] if places else None
                    self.logs[log] = (node, audience, manifest.member, state, place)


def nodes_of(newest, manifests):
    """The nodes of a member: what a manifest no longer names of those that it follows is retired."""
    chain = [newest]
    while before := [one for one in manifests if (one.member, one.id) == (newest.member, chain[-1].prev)]:
        chain.append(before[0])
    nodes = {}
    for manifest in reversed(chain):
        nodes = {node: (RETIRED if state == LIVE else state, at) for node, (state, at) in nodes.items()}
        nodes |= {node: (state, checkpoints) for node, state, _, checkpoints, _ in manifest.nodes}
    return nodes
