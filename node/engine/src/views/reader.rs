//! Who reads, and what of an object a reader is told first.

use certmesh_intel::{Object, Tlp};
use certmesh_wire::{MemberCode, NodeId, RecordId};

use crate::layout::{self, StoredObject};
use crate::store::{Store, StoreError};

/// Who asks, and when: everything that a view depends on beside the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// The strictest marking that they may see.
    pub ceiling: Tlp,
    /// The time, milliseconds since 1970 UTC: what is valid until then or earlier has expired.
    pub now_ms: u64,
}

impl Reader {
    /// An operator of this node, who may see everything that it holds.
    pub fn operator(now_ms: u64) -> Self {
        Self { ceiling: Tlp::Red, now_ms }
    }

    /// Whether something that is valid until then is so no longer.
    pub(crate) fn has_expired(&self, valid_until_ms: Option<u64>) -> bool {
        valid_until_ms.is_some_and(|until| until <= self.now_ms)
    }
}

/// What a table shows of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// This node's stamp.
    pub arrival: u64,
    /// Its STIX id, which begins with its type.
    pub id: String,
    /// Who published these bytes, sorted.
    pub members: Vec<MemberCode>,
    /// The node that signed the record.
    pub node: NodeId,
    /// The record that carried it here first.
    pub record: RecordId,
    /// Its marking.
    pub tlp: Tlp,
    /// How sure its author is, 0 to 100.
    pub confidence: Option<u8>,
    /// When it was received here, milliseconds since 1970 UTC.
    pub received_ms: u64,
    /// Since when, as its author says: first seen, else valid from, else its version; milliseconds since 1970 UTC.
    pub first_seen_ms: Option<u64>,
    /// When it ends, milliseconds since 1970 UTC.
    pub valid_until_ms: Option<u64>,
    /// Its name or what else tells it apart, safe to show.
    pub name: Option<String>,
}

impl Summary {
    pub(crate) fn of(store: &dyn Store, object: &StoredObject) -> Result<Self, StoreError> {
        let read = Object::read(&object.json).ok();
        let read = read.as_ref();
        let ms = |micros: Option<i64>| micros.map(|micros| u64::try_from(micros / 1_000).unwrap_or(0));
        let since = read.and_then(|read| read.first_seen().or(read.valid_from()).or(read.modified()));
        Ok(Self {
            arrival: object.arrival,
            id: object.id.clone(),
            members: members(store, object.arrival)?,
            node: object.node,
            record: object.record,
            tlp: object.tlp,
            confidence: read.and_then(Object::confidence),
            received_ms: object.received_ms,
            first_seen_ms: ms(since),
            valid_until_ms: ms(read.and_then(Object::valid_until)),
            name: read.and_then(Object::name),
        })
    }
}

/// Who published the object that arrived then.
fn members(store: &dyn Store, arrival: u64) -> Result<Vec<MemberCode>, StoreError> {
    let mut members: Vec<_> =
        layout::publishers(store, arrival)?.into_iter().map(|publisher| publisher.member).collect();
    members.sort();
    members.dedup();
    Ok(members)
}
