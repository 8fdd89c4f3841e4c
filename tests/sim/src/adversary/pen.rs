//! Records written by hand: what the engine would never sign.

use certmesh_wire::{
    Audience, Header, Kind, LogId, MemberCode, MeshId, Opening, PackedBody, Record, RecordId, SecretKey,
};

/// The marking of objects without one.
const AMBER: u8 = 2;

/// A record and its body.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) signed: Vec<u8>,
    pub(super) id: RecordId,
    pub(super) body: Option<Vec<u8>>,
}

/// What a record is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holding {
    /// The texts.
    Objects,
    /// The texts, below a header that says that they are marked lower than they are.
    Understated,
}

/// A key, and the histories that it has signed.
#[derive(Debug)]
pub(crate) struct Pen {
    key: SecretKey,
    mesh: MeshId,
    log: LogId,
    opening: Opening,
    branches: Vec<Vec<Written>>,
}

/// A header in this place, for these bytes.
fn header(log: LogId, seq: u64, prev: Option<RecordId>, created_ms: u64) -> Header {
    Header {
        log,
        seq,
        prev,
        roster: 0,
        created_ms,
        kind: Kind::OBJECTS,
        tlp: AMBER,
        body: None,
        expires_ms: None,
        opening: None,
    }
}

/// A record of texts in this place, signed with this key for this mesh.
pub(super) fn sign(
    (key, mesh): (&SecretKey, MeshId),
    (log, seq, prev): (LogId, u64, Option<RecordId>),
    texts: &[String],
    holding: Holding,
    created_ms: u64,
) -> Written {
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let body = PackedBody::pack(&texts).expect("a few small texts");
    let tlp = if holding == Holding::Understated { 0 } else { AMBER };
    let header = Header { tlp, body: Some(body.reference), ..header(log, seq, prev, created_ms) };
    let record = Record::sign(header, mesh, key).expect("a header by the rules");
    Written { signed: record.signed().to_vec(), id: record.id(), body: Some(body.bytes) }
}

impl Pen {
    pub(crate) fn new(member: MemberCode, key: SecretKey, mesh: MeshId) -> Self {
        let opening = Opening { member, node: key.node_id(), audience: Audience::All };
        Self { key, mesh, log: opening.log_id(), opening, branches: Vec::new() }
    }

    pub(super) fn log(&self) -> LogId {
        self.log
    }

    pub(super) fn key(&self) -> &SecretKey {
        &self.key
    }

    pub(super) fn mesh(&self) -> MeshId {
        self.mesh
    }

    /// Whose it is.
    pub(super) fn member(&self) -> MemberCode {
        self.opening.member
    }

    /// How many histories there are.
    pub(super) fn branches(&self) -> usize {
        self.branches.len()
    }

    /// One history, from the opening on.
    pub(super) fn branch(&self, at: usize) -> &[Written] {
        self.branches.get(at).map_or(&[], Vec::as_slice)
    }

    /// Another opening: the first history, or one that shares nothing with the others.
    pub(super) fn open(&mut self, created_ms: u64) -> usize {
        let header = Header {
            kind: Kind::OPENING,
            tlp: 0,
            opening: Some(self.opening.clone()),
            ..header(self.log, 0, None, created_ms)
        };
        let record = Record::sign(header, self.mesh, &self.key).expect("a header by the rules");
        let first = Written { signed: record.signed().to_vec(), id: record.id(), body: None };
        self.branches.push(vec![first]);
        self.branches.len() - 1
    }

    /// Another history that shares its first `shared` records with this one.
    pub(super) fn split(&mut self, branch: usize, shared: usize) -> usize {
        let common = self.branches[branch][..shared].to_vec();
        self.branches.push(common);
        self.branches.len() - 1
    }

    /// One more record at the end of a history; gives it.
    pub(super) fn append(
        &mut self,
        branch: usize,
        texts: &[String],
        holding: Holding,
        created_ms: u64,
    ) -> Written {
        let history = &mut self.branches[branch];
        let place = (self.log, history.len() as u64, history.last().map(|last| last.id));
        let written = sign((&self.key, self.mesh), place, texts, holding, created_ms);
        history.push(written.clone());
        written
    }
}

/// A record that goes on after this one, by the rules but for who signs it, and its body.
pub(crate) fn sign_next(
    (key, mesh): (&SecretKey, MeshId),
    before: &Record,
    texts: &[String],
    created_ms: u64,
) -> (Vec<u8>, Option<Vec<u8>>) {
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let body = PackedBody::pack(&texts).expect("a few small texts");
    let (log, seq, roster) = (before.header().log, before.header().seq + 1, before.header().roster);
    let place = header(log, seq, Some(before.id()), created_ms);
    let header = Header { roster, body: Some(body.reference), ..place };
    let record = Record::sign(header, mesh, key).expect("a header by the rules");
    (record.signed().to_vec(), Some(body.bytes))
}
