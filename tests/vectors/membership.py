"""Roster and manifests (wire.md, section 7): who is in the mesh, and which logs are known."""

from hashlib import sha256

from signatures import open_envelope, verify
from strict import (
    Refused, blob, boolean, code, decode, encode, id32, list_of, number, optional, record_of, require, rises,
    text,
)  # fmt: skip

LIMIT = 262_144
ALL = "all"


def name(value):
    text(value)
    require(1 <= len(value.encode()) <= 256, "a name that is empty or too long")


u8, u64 = number(8), number(64)
SIGNED_ROSTER = record_of(blob, list_of(record_of(code, blob), 676))
MEMBER = record_of(code, name, name, id32)
GROUP = record_of(name, list_of(code, 256, 1))
ROSTER = record_of(
    u8, u64, u64, optional(id32), optional(id32), name, boolean, u64,
    list_of(MEMBER, 676, 1), list_of(GROUP, 256), record_of(u64, u64, u64),
)  # fmt: skip
NODE = record_of(id32, u8, list_of(name, 8), list_of(record_of(id32, u64, id32), 256))
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
        fields = decode(document, LIMIT)
        ROSTER(fields)
        self.version, prev, mesh = fields[1], fields[3], fields[4]
        self.members = {member[0]: member[3] for member in fields[8]}
        self.groups = [group[1] for group in fields[9]]
        self.live_nodes, self.log_records, self.log_bytes = fields[10]
        require(fields[0] == 1, "format 0")
        require((prev is None) == (mesh is None) == (self.version == 0), "a predecessor or a mesh id out of place")
        self.check_order(fields)
        self.id = sha256(document).digest()
        self.mesh = self.id if mesh is None else mesh
        rises((signer for signer, _ in signatures), "signatures")
        for signer, signature in signatures:
            root = self.members.get(signer)
            sound = root is not None and len(signature) == 64
            require(sound, f"signature of {signer}", "bad-signature")
            verify(document, signature, b"certmesh/roster/1", root, f"signature of {signer}")
        self.signers = [signer for signer, _ in signatures]

    def check_order(self, fields):
        rises((member[0] for member in fields[8]), "members")
        require(len(set(self.members.values())) == len(self.members), "a root key twice")
        rises((group[0].encode() for group in fields[9]), "groups")
        for group in self.groups:
            rises(group, "group")
            require(set(group) <= set(self.members), "a group of strangers")


class Manifest:
    def __init__(self, data, roster):
        document, signature = open_envelope(data, LIMIT)
        check_format(document)
        fields = decode(document, LIMIT)
        MANIFEST(fields)
        form, mesh, self.member, self.version, prev, under, _, self.nodes = fields
        require(form == 1, "format 0")
        require((prev is None) == (self.version == 0), "a predecessor out of place")
        rises((node[0] for node in self.nodes), "nodes")
        for _, state, _, checkpoints in self.nodes:
            require(state in (LIVE, RETIRED, CUT), "no such state")
            rises((log for log, _, _ in checkpoints), "checkpoints")
        require(mesh == roster.mesh, "of another mesh", "other-mesh")
        require(self.member in roster.members, "of no member")
        root = roster.members[self.member]
        verify(document, signature, b"certmesh/manifest/1" + mesh, root, "the root key did not sign it")
        live = sum(state == LIVE for _, state, _, _ in self.nodes)
        require(live <= roster.live_nodes, "too many live nodes")
        require(under <= roster.version, "needs a newer roster")
        self.id = sha256(document).digest()


def log_id(node, audience):
    return sha256(b"certmesh/log/1" + node + encode(audience)).digest()


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
            for node, state, _, checkpoints in manifest.nodes:
                for audience in [ALL, *roster.groups]:
                    log = log_id(node, audience)
                    places = [(seq, record) for at, seq, record in checkpoints if at == log]
                    place = places[0] if places else None
                    self.logs[log] = (node, audience, manifest.member, state, place)
