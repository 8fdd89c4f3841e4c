//! What the larger values of the store mean: logs, counts and objects.

use certmesh_intel::Tlp;
use certmesh_wire::{MemberCode, NodeId, RecordId};

use super::{Fields, Publisher, arrival_of};
use crate::store::{Family, StoreError};

/// The head of a log and what it holds, as this node has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogState {
    /// Short name of the log in this store's keys.
    pub number: u32,
    /// The seq that comes next: how many records the log has.
    pub next: u64,
    /// The last record.
    pub head: RecordId,
    /// The roster version that the last record names.
    pub roster: u64,
    /// Signed bytes and bodies, compressed and not, of all its records.
    pub bytes: u64,
    /// Which bodies are missing, as [`certmesh_wire::FrontierEntry::missing`] has it.
    pub missing: u64,
}

impl LogState {
    pub(crate) fn encode(&self) -> Vec<u8> {
        [
            &self.number.to_be_bytes()[..],
            &self.next.to_be_bytes(),
            &self.head.0,
            &self.roster.to_be_bytes(),
            &self.bytes.to_be_bytes(),
            &self.missing.to_be_bytes(),
        ]
        .concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut fields = Fields { rest: bytes, family: Family::Control };
        Ok(Self {
            number: u32::from_be_bytes(fields.take()?),
            next: u64::from_be_bytes(fields.take()?),
            head: RecordId(fields.take()?),
            roster: u64::from_be_bytes(fields.take()?),
            bytes: u64::from_be_bytes(fields.take()?),
            missing: u64::from_be_bytes(fields.take()?),
        })
    }
}

/// How much the store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records of all logs.
    pub records: u64,
    /// Different objects.
    pub objects: u64,
    /// Those of type `indicator`.
    pub indicators: u64,
    /// Records whose body is void.
    pub void: u64,
}

impl Counts {
    pub(crate) fn encode(&self) -> Vec<u8> {
        [self.records, self.objects, self.indicators, self.void].map(u64::to_be_bytes).concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut fields = Fields { rest: bytes, family: Family::Meta };
        let mut next = || fields.take().map(u64::from_be_bytes);
        Ok(Self { records: next()?, objects: next()?, indicators: next()?, void: next()? })
    }
}

/// One object as readers get it; while it is read, its texts may still be the store's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject<Text = String> {
    /// This node's strictly increasing stamp, milliseconds.
    pub arrival: u64,
    /// When it was received by this node's clock, milliseconds since 1970 UTC.
    pub received_ms: u64,
    /// Who published it first, as this node saw it.
    pub member: MemberCode,
    /// The node that signed it.
    pub node: NodeId,
    /// The record that carried it.
    pub record: RecordId,
    /// Its marking.
    pub tlp: Tlp,
    /// Whether this version revokes the object.
    pub revoked: bool,
    /// Whether it claims to be newer than that record can know: see [`crate::limits::AHEAD_MS`].
    pub(crate) ahead: bool,
    /// Its STIX id.
    pub id: Text,
    /// The exact published text.
    pub json: Text,
}

impl<Text> StoredObject<Text> {
    /// Who published it first.
    pub(crate) fn publisher(&self) -> Publisher {
        Publisher { record: self.record, member: self.member, node: self.node, ahead: self.ahead }
    }
}

impl StoredObject {
    /// The same, as it is while it is read.
    pub fn as_read(&self) -> StoredObject<&str> {
        let Self { arrival, received_ms, member, node, record, tlp, revoked, ahead, .. } = *self;
        let (id, json) = (self.id.as_str(), self.json.as_str());
        StoredObject { arrival, received_ms, member, node, record, tlp, revoked, ahead, id, json }
    }

    /// Puts another in the place of its first publisher.
    pub(crate) fn set_publisher(&mut self, publisher: &Publisher) {
        (self.record, self.member) = (publisher.record, publisher.member);
        (self.node, self.ahead) = (publisher.node, publisher.ahead);
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let id_len = self.id.len() as u16;
        [
            &self.received_ms.to_be_bytes()[..],
            &self.member.bytes(),
            &self.node.0,
            &self.record.0,
            &[self.tlp as u8, u8::from(self.revoked) | u8::from(self.ahead) << 1],
            &id_len.to_be_bytes(),
            self.id.as_bytes(),
            self.json.as_bytes(),
        ]
        .concat()
    }

    pub(crate) fn decode(key: &[u8], value: &[u8]) -> Result<Self, StoreError> {
        StoredObject::read(key, value).map(StoredObject::into_owned)
    }
}

impl<'a> StoredObject<&'a str> {
    /// The same without copies of the texts.
    pub(crate) fn read(key: &[u8], value: &'a [u8]) -> Result<Self, StoreError> {
        let arrival = arrival_of(key)?;
        let mut fields = Fields { rest: value, family: Family::Object };
        let received_ms = u64::from_be_bytes(fields.take()?);
        let (member, node, record) = (fields.member()?, NodeId(fields.take()?), RecordId(fields.take()?));
        let (tlp, [flags]) = (fields.tlp()?, fields.take()?);
        Ok(Self {
            arrival,
            received_ms,
            member,
            node,
            record,
            tlp,
            revoked: flags & 1 != 0,
            ahead: flags & 2 != 0,
            id: fields.sized_text()?,
            json: fields.text()?,
        })
    }

    /// With texts of its own.
    pub(crate) fn into_owned(self) -> StoredObject {
        let Self { arrival, received_ms, member, node, record, tlp, revoked, ahead, id, json } = self;
        let (id, json) = (id.to_owned(), json.to_owned());
        StoredObject { arrival, received_ms, member, node, record, tlp, revoked, ahead, id, json }
    }
}
