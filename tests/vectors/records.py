"""Records (wire.md, section 5)."""

from hashlib import sha256

from membership import log_id
from objects import unpack
from signatures import open_envelope, verify
from strict import audience, code, decode, id32, number, optional, record_of, require

u8, u32, u64 = number(8), number(32), number(64)
HEADER = record_of(
    u8, id32, u64, optional(id32), u64, u64, u8, u8, u32, u32, optional(id32), optional(u64),
    optional(record_of(code, id32, audience)),
)  # fmt: skip
OPENING, OBJECTS = 0, 1


class Record:
    """The signed bytes of a record, decoded and consistent; the signature is still to be verified."""

    def __init__(self, signed):
        self.header, self.signature = open_envelope(signed, 4224)
        require(len(self.header) <= 4096, "a header over its limit")
        newer = len(self.header) >= 2 and 0x80 <= self.header[0] <= 0x97 and 2 <= self.header[1] <= 23
        require(not newer, "a newer header", "newer-version")
        fields = decode(self.header, 4096)
        HEADER(fields)
        (version, self.log, self.seq, self.prev, self.roster, _, self.kind, self.tlp) = fields[:8]
        (self.body_len, self.raw_len, self.body_hash, self.expires_ms, self.content) = fields[8:]
        require(version == 1, "version 0")
        self.check()
        self.signed, self.id = signed, sha256(signed).digest()

    def check(self):
        first, opening = self.seq == 0, self.kind == OPENING
        require(first == (self.prev is None), "a predecessor out of place")
        require(first == opening == (self.content is not None), "an opening out of place")
        require(self.content is None or self.log == log_id(*self.content), "another log id")
        require(self.tlp <= 4, "no such TLP")
        if self.body_hash is None:
            require(self.body_len == self.raw_len == 0 and self.kind != OBJECTS, "lengths without a body")
        else:
            within = 1 <= self.body_len <= 1_048_576 and 1 <= self.raw_len <= 8_388_608
            require(within and not opening, "a body that may not be")

    def objects(self, body):
        """The texts of its body: none if it has no objects, None if the body is void."""
        return unpack(body, self.raw_len, self.tlp) if self.kind == OBJECTS else []

    def names(self, body):
        """Whether this is the body that the header names."""
        named = self.body_hash is not None and len(body) == self.body_len
        return named and sha256(body).digest() == self.body_hash

    def verify(self, mesh, node):
        verify(self.header, self.signature, b"certmesh/record/1" + mesh, node, "the log's node did not sign it")
