//! The second step through the door: the signature, then the body. A pure function of bytes, so it
//! may run on any core while the engine does something else.

use certmesh_intel::Object;
use certmesh_wire::{Kind, MeshId, NodeId, Record};

use crate::index::Facts;
use crate::refusal::Refusal;

/// A record of a known log, in a place that may be taken; its signature is unchecked.
#[derive(Debug, Clone)]
pub struct Prechecked {
    record: Record,
    author: NodeId,
    mesh: MeshId,
}

/// A record that its log's node signed, with its body read.
#[derive(Debug, Clone)]
pub struct Verified {
    pub(crate) record: Record,
    pub(crate) author: NodeId,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) content: Content,
}

/// A verified record that waits for its predecessors, its body as it came.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    record: Record,
    author: NodeId,
    body: Option<Vec<u8>>,
}

impl Waiting {
    /// Bytes that it takes.
    pub(crate) fn len(&self) -> usize {
        self.record.signed().len() + self.body.as_ref().map_or(0, Vec::len)
    }

    /// The record as it was before it had to wait.
    pub(crate) fn resume(self) -> Verified {
        let Self { record, author, body } = self;
        let content = match (record.header().body, &body) {
            (None, _) => Content::Nothing,
            (Some(_), None) => Content::Missing,
            (Some(_), Some(body)) => read_content(&record, body),
        };
        Verified { record, author, body, content }
    }
}

impl Verified {
    /// The record without what its body holds.
    pub(crate) fn wait(self) -> Waiting {
        Waiting { record: self.record, author: self.author, body: self.body }
    }
}

/// What a body means.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// No body, or one of a kind that means nothing here.
    Nothing,
    /// The header names a body that did not come along. It can follow by itself.
    Missing,
    /// A body that breaks a rule: no objects, on every node alike. The log goes on.
    Void,
    /// The objects in order.
    Objects(Vec<ReadObject>),
}

/// An object with all that the index takes from it.
#[derive(Debug, Clone)]
pub(crate) struct ReadObject {
    pub(crate) json: String,
    pub(crate) facts: Facts,
}

impl Prechecked {
    pub(crate) fn new(record: Record, author: NodeId, mesh: MeshId) -> Self {
        Self { record, author, mesh }
    }

    /// Checks the signature, and that the body, if it came along, is the one that the header names.
    pub fn verify(self, body: Option<Vec<u8>>) -> Result<Verified, Refusal> {
        let id = self.record.id();
        self.record.verify(self.mesh, self.author).map_err(Refusal::signature(id))?;
        let (body, content) = match (self.record.header().body, body) {
            (None, None) => (None, Content::Nothing),
            (None, Some(_)) => return Err(Refusal::BodyMismatch(id)),
            (Some(_), None) => (None, Content::Missing),
            (Some(reference), Some(body)) if reference.matches(&body) => {
                let content = read_content(&self.record, &body);
                (Some(body), content)
            }
            (Some(_), Some(_)) => return Err(Refusal::BodyMismatch(id)),
        };
        Ok(Verified { record: self.record, author: self.author, body, content })
    }
}

/// A body that a header here waits for; whether it is the right one is still to be checked.
#[derive(Debug, Clone)]
pub struct PrecheckedBody {
    pub(crate) record: Record,
    pub(crate) author: NodeId,
    pub(crate) body: Vec<u8>,
}

/// The body that a header here names, read.
#[derive(Debug, Clone)]
pub struct VerifiedBody {
    pub(crate) record: Record,
    pub(crate) author: NodeId,
    pub(crate) body: Vec<u8>,
    pub(crate) content: Content,
}

impl PrecheckedBody {
    /// Bytes that it takes once it is read, as its header says.
    pub fn raw_len(&self) -> usize {
        self.record.header().body.map_or(0, |body| body.raw_len as usize)
    }

    /// Checks that the body is the one that the header names, and reads it. Pure: for any core.
    pub fn verify(self) -> Result<VerifiedBody, Refusal> {
        let Self { record, author, body } = self;
        if !record.header().body.is_some_and(|reference| reference.matches(&body)) {
            return Err(Refusal::BodyMismatch(record.id()));
        }
        let content = read_content(&record, &body);
        Ok(VerifiedBody { record, author, body, content })
    }
}

pub(crate) fn read_content(record: &Record, body: &[u8]) -> Content {
    let header = record.header();
    let Some(reference) = header.body.filter(|_| header.kind == Kind::OBJECTS) else {
        return Content::Nothing;
    };
    let Ok(texts) = reference.unpack(body) else { return Content::Void };
    let objects: Option<Vec<_>> = texts.into_iter().map(|json| read_object(json, header.tlp)).collect();
    objects.map_or(Content::Void, Content::Objects)
}

/// The object, unless it is none or is marked above its record's `tlp`.
fn read_object(json: String, ceiling: u8) -> Option<ReadObject> {
    let object = Object::read(&json).ok()?;
    if object.tlp() as u8 > ceiling {
        return None;
    }
    let facts = Facts::of(&object);
    Some(ReadObject { json, facts })
}
