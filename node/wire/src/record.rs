//! Records: the entries of a log. A signed header names its log, its place, its predecessor and
//! the body that belongs to it.
//!
//! What is checked here is what the bytes alone can tell. Whether the log is known and the chain
//! holds is the engine's business, since that takes the roster and the predecessor.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::audience::{Audience, MemberCode};
use crate::codec::{self, CodecFault};
use crate::cose::Sign1;
use crate::ids::{LogId, MeshId, NodeId, RecordId, sha256};
use crate::key::{BadSignature, SecretKey};
use crate::limits::{BODY_BYTES, HEADER_BYTES, RAW_BODY_BYTES, SIGNED_BYTES};

/// The only header version that this code writes and reads.
const VERSION: u8 = 1;
/// TLP markings are numbered 0 (CLEAR) to 4 (RED).
const TLP_MAX: u8 = 4;

/// Why bytes are no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// Not COSE_Sign1 around a header.
    #[error("not a record: {0}")]
    Codec(#[from] CodecFault),
    /// Written by a newer version than this one; not wrong, but not readable here.
    #[error("a record of version {0}, which this node does not know; upgrade it to read such records")]
    Version(u8),
    /// The fields contradict each other.
    #[error("a header that contradicts itself: {0}")]
    Header(&'static str),
}

/// What a record is, by number. An unknown kind is carried and means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind(pub u8);

impl Kind {
    /// The first record of every log: it says whose log it is, and for whom.
    pub const OPENING: Self = Self(0);
    /// A body of STIX objects.
    pub const OBJECTS: Self = Self(1);
}

/// What a header says of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyRef {
    /// Bytes as it travels, compressed; at least 1.
    pub len: u32,
    /// Bytes after decompression; at least 1.
    pub raw_len: u32,
    /// SHA-256 of the compressed bytes.
    pub hash: [u8; 32],
}

/// The content of a log opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The member whose log it is. A key that two members have named writes a log of its own for each: neither can
    /// cut, or go on with, the other's.
    pub member: MemberCode,
    /// The key that signs the log.
    pub node: NodeId,
    /// Who may hold it.
    pub audience: Audience,
}

impl Opening {
    /// The log that this node key writes as this member's for this audience.
    pub fn log_id(&self) -> LogId {
        let (member, audience) = (self.member.bytes(), codec::encode(&self.audience));
        LogId(sha256(&[b"certmesh/log/1", &member, &self.node.0, &audience]))
    }
}

/// The signed part of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The log it belongs to.
    pub log: LogId,
    /// Its place there, from 0.
    pub seq: u64,
    /// The record before it; absent at seq 0 alone.
    pub prev: Option<RecordId>,
    /// The roster version that its author held.
    pub roster: u64,
    /// The author's clock, milliseconds since 1970 UTC. Information only.
    pub created_ms: u64,
    /// What it is.
    pub kind: Kind,
    /// The highest marking in the body, 0 (CLEAR) to 4 (RED).
    pub tlp: u8,
    /// The body, if it has one.
    pub body: Option<BodyRef>,
    /// When the body may be erased, milliseconds since 1970 UTC.
    pub expires_ms: Option<u64>,
    /// Present in a log opening alone.
    pub opening: Option<Opening>,
}

/// The header's CBOR array, field for field (see `wire.md`).
#[derive(Serialize, Deserialize)]
struct HeaderFields(
    u8,
    LogId,
    u64,
    Option<RecordId>,
    u64,
    u64,
    u8,
    u8,
    u32,
    u32,
    Option<ByteBuf>,
    Option<u64>,
    Option<(MemberCode, NodeId, Audience)>,
);

impl Header {
    fn encode(&self) -> Vec<u8> {
        let (len, raw_len, hash) = match self.body {
            Some(body) => (body.len, body.raw_len, Some(ByteBuf::from(body.hash))),
            None => (0, 0, None),
        };
        let opening = self.opening.clone().map(|opening| (opening.member, opening.node, opening.audience));
        codec::encode(&HeaderFields(
            VERSION,
            self.log,
            self.seq,
            self.prev,
            self.roster,
            self.created_ms,
            self.kind.0,
            self.tlp,
            len,
            raw_len,
            hash,
            self.expires_ms,
            opening,
        ))
    }

    fn decode(bytes: &[u8]) -> Result<Self, RecordFault> {
        // A header of another version may have another shape: its version is read before the rest.
        match bytes {
            [0x80..=0x97, version, ..] if (VERSION + 1..24).contains(version) => {
                return Err(RecordFault::Version(*version));
            }
            _ => {}
        }
        let fields: HeaderFields = codec::decode(bytes, HEADER_BYTES)?;
        let header = Self {
            log: fields.1,
            seq: fields.2,
            prev: fields.3,
            roster: fields.4,
            created_ms: fields.5,
            kind: Kind(fields.6),
            tlp: fields.7,
            body: body_ref(fields.8, fields.9, fields.10)?,
            expires_ms: fields.11,
            opening: fields.12.map(|(member, node, audience)| Opening { member, node, audience }),
        };
        if fields.0 != VERSION {
            return Err(RecordFault::Header("the version is 0"));
        }
        header.check()?;
        Ok(header)
    }

    fn check(&self) -> Result<(), RecordFault> {
        let rules = [
            ((self.seq == 0) == self.prev.is_none(), "seq 0, and it alone, has no predecessor"),
            ((self.seq == 0) == (self.kind == Kind::OPENING), "seq 0, and it alone, opens the log"),
            (self.opening.is_some() == (self.kind == Kind::OPENING), "an opening, and it alone, has content"),
            (self.kind != Kind::OPENING || self.body.is_none(), "an opening has no body"),
            (self.kind != Kind::OBJECTS || self.body.is_some(), "objects need a body"),
            (self.tlp <= TLP_MAX, "no such TLP"),
            (
                self.opening.as_ref().is_none_or(|opening| opening.log_id() == self.log),
                "the log id is not that of its member, node key and audience",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(RecordFault::Header(rule)),
            None => Ok(()),
        }
    }
}

fn body_ref(len: u32, raw_len: u32, hash: Option<ByteBuf>) -> Result<Option<BodyRef>, RecordFault> {
    let Some(hash) = hash else {
        return match (len, raw_len) {
            (0, 0) => Ok(None),
            _ => Err(RecordFault::Header("a body's length without its hash")),
        };
    };
    let hash =
        hash[..].try_into().map_err(|_| RecordFault::Header("the body hash does not have 32 bytes"))?;
    let within = |len: u32, limit: usize| len > 0 && len as usize <= limit;
    if within(len, BODY_BYTES) && within(raw_len, RAW_BODY_BYTES) {
        Ok(Some(BodyRef { len, raw_len, hash }))
    } else {
        Err(RecordFault::Header("a body's length is 0 or over the limit"))
    }
}

/// A record as it travels: decoded, its signature still to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    id: RecordId,
    header: Header,
    envelope: Sign1,
    signed: Vec<u8>,
}

impl Record {
    /// Decodes the exact bytes of a record, at most [`SIGNED_BYTES`].
    pub fn decode(signed: &[u8]) -> Result<Self, RecordFault> {
        let envelope = Sign1::decode(signed, SIGNED_BYTES)?;
        let header = Header::decode(&envelope.payload)?;
        Ok(Self { id: RecordId(sha256(&[signed])), header, envelope, signed: signed.to_vec() })
    }

    /// Signs a header.
    ///
    /// # Errors
    /// If the header contradicts itself; its author's mistake, caught before anything is signed.
    pub fn sign(header: Header, mesh: MeshId, key: &SecretKey) -> Result<Self, RecordFault> {
        header.check()?;
        let envelope = Sign1::sign(header.encode(), &aad(mesh), key);
        let signed = envelope.encode();
        Ok(Self { id: RecordId(sha256(&[&signed])), header, envelope, signed })
    }

    /// Checks that `node` signed this record for `mesh`. Pure: may run on any core.
    pub fn verify(&self, mesh: MeshId, node: NodeId) -> Result<(), BadSignature> {
        self.envelope.verify(&aad(mesh), &node.0)
    }

    /// SHA-256 of the signed bytes.
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// What was signed.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The exact bytes, to keep and to send on.
    pub fn signed(&self) -> &[u8] {
        &self.signed
    }
}

/// A record's domain: no signature over it can pass as anything else's, or in another mesh.
fn aad(mesh: MeshId) -> Vec<u8> {
    [b"certmesh/record/1", &mesh.0[..]].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MESH: MeshId = MeshId([9; 32]);

    fn key() -> SecretKey {
        SecretKey::from_seed(&[1; 32])
    }

    fn opening() -> Header {
        let member = "SG".parse().unwrap();
        let opening = Opening { member, node: key().node_id(), audience: Audience::All };
        Header {
            log: opening.log_id(),
            seq: 0,
            prev: None,
            roster: 0,
            created_ms: 1,
            kind: Kind::OPENING,
            tlp: 0,
            body: None,
            expires_ms: None,
            opening: Some(opening),
        }
    }

    fn objects() -> Header {
        Header {
            seq: 1,
            prev: Some(RecordId([3; 32])),
            kind: Kind::OBJECTS,
            tlp: 2,
            body: Some(BodyRef { len: 10, raw_len: 20, hash: [4; 32] }),
            opening: None,
            ..opening()
        }
    }

    fn of_another(opening: Opening) -> Opening {
        Opening { member: "MY".parse().unwrap(), ..opening }
    }

    #[test]
    fn signed_bytes_decode_to_the_same_record() {
        for header in [opening(), objects()] {
            let record = Record::sign(header, MESH, &key()).unwrap();
            let read = Record::decode(record.signed()).unwrap();
            assert_eq!(read, record);
            assert_eq!(read.verify(MESH, key().node_id()), Ok(()));
            assert_eq!(read.verify(MeshId([8; 32]), key().node_id()), Err(BadSignature));
            assert_eq!(read.verify(MESH, NodeId([2; 32])), Err(BadSignature));
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let body = objects().body;
        for (header, why) in [
            (Header { prev: Some(RecordId([0; 32])), ..opening() }, "opening with predecessor"),
            (Header { prev: None, ..objects() }, "no predecessor"),
            (Header { seq: 1, ..opening() }, "opening at 1"),
            (Header { kind: Kind::OBJECTS, body, opening: None, ..opening() }, "objects at 0"),
            (Header { opening: None, ..opening() }, "opening without content"),
            (Header { opening: opening().opening, ..objects() }, "content in objects"),
            (Header { body, ..opening() }, "opening with body"),
            (Header { body: None, ..objects() }, "objects without body"),
            (Header { tlp: 5, ..objects() }, "tlp"),
            (Header { log: LogId([0; 32]), ..opening() }, "log id"),
            (Header { opening: opening().opening.map(of_another), ..opening() }, "another member's log"),
        ] {
            assert!(Record::sign(header.clone(), MESH, &key()).is_err(), "{why}");
            let signed = Sign1::sign(header.encode(), &aad(MESH), &key()).encode();
            assert!(Record::decode(&signed).is_err(), "{why}");
        }
    }

    #[test]
    fn unknown_kinds_are_carried_and_newer_versions_named() {
        let unknown = Header { kind: Kind(200), body: None, ..objects() };
        assert!(Record::sign(unknown, MESH, &key()).is_ok());
        let mut payload = objects().encode();
        payload[1] = 2;
        let signed = Sign1::sign(payload, &aad(MESH), &key()).encode();
        assert_eq!(Record::decode(&signed), Err(RecordFault::Version(2)));
    }

    proptest! {
        #[test]
        fn no_flipped_bit_passes(at in 0_usize..300, bit in 0_u8..8) {
            let record = Record::sign(objects(), MESH, &key()).unwrap();
            let mut bytes = record.signed().to_vec();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let passes = Record::decode(&bytes).is_ok_and(|r| r.verify(MESH, key().node_id()).is_ok());
            prop_assert!(!passes);
        }

        #[test]
        fn decoding_never_panics(bytes: Vec<u8>) {
            let _ = Record::decode(&bytes);
        }
    }
}
