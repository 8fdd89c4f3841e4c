//! Durable before visible: what has been admitted gathers as steps, and only their commit yields
//! what may leave the node.

use std::collections::{BTreeMap, BTreeSet};

use certmesh_wire::{LogId, NodeId, Parcel, RecordId};

use crate::limits::{COMMIT_BYTES, COMMIT_RECORDS};
use crate::store::{Batch, Family, Store, StoreError, Write};

/// What the next commit will write, made by the engine alone.
///
/// One `Steps` is filled and committed before the next is begun: the engine counts on it.
#[derive(Debug, Default)]
pub struct Steps {
    batch: Batch,
    bytes: usize,
    records: Vec<CommittedRecord>,
    ids: BTreeSet<RecordId>,
    /// Records whose bodies this commit brings by themselves.
    bodies: BTreeSet<RecordId>,
    /// Objects that this commit adds, by the SHA-256 of their text.
    objects: BTreeMap<[u8; 32], u64>,
}

impl Steps {
    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.batch.writes.is_empty()
    }

    /// Whether it is time to commit before anything is added.
    pub fn is_full(&self) -> bool {
        self.records.len() >= COMMIT_RECORDS || self.bytes >= COMMIT_BYTES
    }

    pub(crate) fn put(&mut self, family: Family, key: Vec<u8>, value: Vec<u8>) {
        self.bytes += key.len() + value.len();
        self.batch.writes.push(Write::put(family, key, value));
    }

    pub(crate) fn delete(&mut self, family: Family, key: Vec<u8>) {
        self.batch.writes.push(Write::delete(family, key));
    }

    pub(crate) fn has_record(&self, id: &RecordId) -> bool {
        self.ids.contains(id)
    }

    /// The signed bytes of the record that this commit puts in this place.
    pub(crate) fn signed_at(&self, log: LogId, seq: u64) -> Option<&[u8]> {
        let record = self.records.iter().find(|record| record.log == log && record.seq == seq);
        record.map(|record| record.parcel.record())
    }

    pub(crate) fn add_record(&mut self, record: CommittedRecord) {
        self.ids.insert(record.id);
        self.records.push(record);
    }

    pub(crate) fn has_body(&self, id: &RecordId) -> bool {
        self.bodies.contains(id)
    }

    pub(crate) fn add_body(&mut self, id: RecordId) {
        self.bodies.insert(id);
    }

    pub(crate) fn object(&self, sha256: &[u8; 32]) -> Option<u64> {
        self.objects.get(sha256).copied()
    }

    pub(crate) fn add_object(&mut self, sha256: [u8; 32], arrival: u64) {
        self.objects.insert(sha256, arrival);
    }
}

/// A record that no power cut takes back.
#[derive(Debug, Clone)]
pub struct CommittedRecord {
    /// Its id.
    pub id: RecordId,
    /// Its log.
    pub log: LogId,
    /// Its place there.
    pub seq: u64,
    /// The node that signed it.
    pub author: NodeId,
    /// Whether it is for all members, and so may be gossiped.
    pub for_all: bool,
    /// Its bytes and its body's, to send on.
    pub parcel: Parcel,
    /// How many objects its body holds.
    pub object_count: usize,
}

/// What a commit has made durable, in the order of admission.
#[derive(Debug, Default)]
pub struct Committed {
    /// The records; what they hold may now leave.
    pub records: Vec<CommittedRecord>,
    /// The last arrival, if objects arrived: readers may now be shown everything up to it.
    pub last_arrival: Option<u64>,
}

/// Writes all steps with one synced batch.
///
/// # Errors
/// No step counts, and the engine is ahead of the store: both must be opened anew.
pub fn commit(store: &dyn Store, steps: Steps) -> Result<Committed, StoreError> {
    if !steps.is_empty() {
        store.commit(&steps.batch)?;
    }
    let last_arrival = steps.objects.values().max().copied();
    Ok(Committed { records: steps.records, last_arrival })
}
