//! A log written by hand: what a node key can sign when no honest node holds the pen.

use certmesh_wire::{
    Audience, Header, Kind, MemberCode, MeshId, Opening, PackedBody, Parcel, Record, RecordId, SecretKey,
};

/// Continues one log, record by record.
#[derive(Clone)]
pub struct Pen {
    member: MemberCode,
    key: SecretKey,
    mesh: MeshId,
    next: u64,
    head: Option<RecordId>,
}

/// A record with its body, as it travels.
#[derive(Debug, Clone)]
pub struct Written {
    /// The signed record.
    pub record: Record,
    /// Its compressed body; an opening has none.
    pub body: Option<Vec<u8>>,
}

impl Written {
    /// The gossip payload.
    pub fn parcel(&self) -> Vec<u8> {
        Parcel::new(self.record.signed().to_vec(), self.body.clone()).encode()
    }
}

impl Pen {
    /// At the beginning of the log for all that the key writes as this member's.
    ///
    /// # Panics
    /// If it is no member's code.
    pub fn new(member: &str, key: SecretKey, mesh: MeshId) -> Self {
        Self { member: member.parse().unwrap(), key, mesh, next: 0, head: None }
    }

    /// Behind the last of the records that the log already has.
    #[must_use]
    pub fn behind(self, next: u64, head: RecordId) -> Self {
        Self { next, head: Some(head), ..self }
    }

    /// The log.
    pub fn opening(&self) -> Opening {
        Opening { member: self.member, node: self.key.node_id(), audience: Audience::All }
    }

    /// Whether nothing is written yet.
    pub fn is_at_start(&self) -> bool {
        self.head.is_none()
    }

    /// The log's first record.
    pub fn open(&mut self) -> Written {
        let opening = self.opening();
        self.sign(Header { kind: Kind::OPENING, tlp: 0, opening: Some(opening), ..self.blank() }, None)
    }

    /// A record of these objects, which are exact texts.
    pub fn write(&mut self, objects: &[String]) -> Written {
        let texts: Vec<_> = objects.iter().map(String::as_str).collect();
        let packed = PackedBody::pack(&texts).unwrap();
        self.sign(Header { body: Some(packed.reference), ..self.blank() }, Some(packed.bytes))
    }

    fn blank(&self) -> Header {
        Header {
            log: self.opening().log_id(),
            seq: self.next,
            prev: self.head,
            roster: 0,
            created_ms: 1,
            kind: Kind::OBJECTS,
            tlp: 2,
            body: None,
            expires_ms: None,
            opening: None,
        }
    }

    fn sign(&mut self, header: Header, body: Option<Vec<u8>>) -> Written {
        let record = Record::sign(header, self.mesh, &self.key).unwrap();
        (self.next, self.head) = (self.next + 1, Some(record.id()));
        Written { record, body }
    }
}
