//! Durable before visible: what has been admitted gathers as steps, and only their commit yields
//! what may leave the node.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};

use certmesh_wire::{LogId, NodeId, Parcel, RecordId};

use crate::limits::{COMMIT_BYTES, COMMIT_RECORDS, COMMIT_TERMS};
use crate::store::{Batch, Family, Order, Store, StoreError, Visit, Write};

/// The changes of one family's keys: what each means from then on, or nothing if it is to be gone.
type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What the next commit will write, made by the engine alone.
///
/// One `Steps` is filled and committed before the next is begun: the engine counts on it.
#[derive(Debug, Default)]
pub struct Steps {
    changes: [Changes; Family::ALL.len()],
    bytes: usize,
    /// Terms of the objects whose rows it writes.
    terms: usize,
    /// Objects of its records that were there already, byte for byte.
    known: usize,
    /// The store could not be read in the middle of a change: none of it may be written.
    fault: Option<StoreError>,
    records: Vec<CommittedRecord>,
    ids: BTreeSet<RecordId>,
    /// Records whose bodies this commit brings by themselves.
    bodies: BTreeSet<RecordId>,
    last_arrival: Option<u64>,
}

impl Steps {
    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.fault.is_none() && self.changes.iter().all(BTreeMap::is_empty)
    }

    /// Whether it is time to commit before anything is added.
    pub fn is_full(&self) -> bool {
        self.records.len() >= COMMIT_RECORDS || self.bytes >= COMMIT_BYTES
    }

    pub(crate) fn put(&mut self, family: Family, key: Vec<u8>, value: Vec<u8>) {
        self.bytes += key.len() + value.len();
        self.changes[family as usize].insert(key, Some(value));
    }

    pub(crate) fn delete(&mut self, family: Family, key: Vec<u8>) {
        self.bytes += key.len();
        self.changes[family as usize].insert(key, None);
    }

    /// What a key will mean after the commit.
    pub(crate) fn get(
        &self,
        store: &dyn Store,
        family: Family,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match self.changes[family as usize].get(key) {
            Some(changed) => Ok(changed.clone()),
            None => store.get(family, key),
        }
    }

    /// Visits the keys that there will be after the commit.
    pub(crate) fn scan(
        &self,
        store: &dyn Store,
        family: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        if from >= to {
            return Ok(());
        }
        let range = (Bound::Included(from), Bound::Excluded(to));
        let changed = self.changes[family as usize].range::<[u8], _>(range);
        match order {
            Order::Ascending => merge(store, family, (from, to), order, changed, visit),
            Order::Descending => merge(store, family, (from, to), order, changed.rev(), visit),
        }
    }

    /// Notes that a change could not be made whole, as the store could not be read: the commit will fail with this.
    pub(crate) fn fail(&mut self, fault: StoreError) {
        self.fault.get_or_insert(fault);
    }

    /// How many objects of its records were there already, byte for byte. Of a large record, whose objects become readable
    /// over several commits, only those of the first one count.
    pub fn known(&self) -> usize {
        self.known
    }

    pub(crate) fn note_known(&mut self) {
        self.known += 1;
    }

    /// Notes that the rows of objects with so many terms are written.
    pub(crate) fn count_terms(&mut self, terms: usize) {
        self.terms += terms;
    }

    /// Whether the rows of an object with so many terms may still be written; the first one may always.
    pub(crate) fn take_terms(&mut self, terms: usize) -> bool {
        let fits = self.terms == 0 || self.terms + terms <= COMMIT_TERMS;
        if fits {
            self.terms += terms;
        }
        fits
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

    /// Notes that something arrives then.
    pub(crate) fn note_arrival(&mut self, arrival: u64) {
        self.last_arrival = self.last_arrival.max(Some(arrival));
    }
}

/// Visits what a store holds together with what changes there, both in the same order.
fn merge<'a>(
    store: &dyn Store,
    family: Family,
    (from, to): (&[u8], &[u8]),
    order: Order,
    changed: impl Iterator<Item = (&'a Vec<u8>, &'a Option<Vec<u8>>)>,
    visit: Visit<'_>,
) -> Result<(), StoreError> {
    let (mut changed, mut broken_off) = (changed.peekable(), false);
    let comes_first = |one: &[u8], other: &[u8]| match order {
        Order::Ascending => one < other,
        Order::Descending => one > other,
    };
    let mut step = |key: &[u8], value: &[u8]| {
        while let Some((next, meaning)) = changed.next_if(|(next, _)| comes_first(next, key)) {
            if let Some(meaning) = meaning {
                visit(next, meaning)?;
            }
        }
        match changed.next_if(|(next, _)| next.as_slice() == key) {
            Some((_, None)) => ControlFlow::Continue(()),
            Some((_, Some(meaning))) => visit(key, meaning),
            None => visit(key, value),
        }
    };
    let mut watched = |key: &[u8], value: &[u8]| {
        let flow = step(key, value);
        broken_off = flow.is_break();
        flow
    };
    store.scan(family, from, to, order, &mut watched)?;
    if !broken_off {
        let rest = changed.filter_map(|(key, meaning)| Some((key, meaning.as_ref()?)));
        for (key, meaning) in rest {
            if visit(key, meaning).is_break() {
                break;
            }
        }
    }
    Ok(())
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
    let Steps { changes, fault, records, last_arrival, .. } = steps;
    if let Some(fault) = fault {
        return Err(fault);
    }
    let families = Family::ALL.into_iter().zip(changes);
    let writes = families
        .flat_map(|(family, changes)| {
            changes.into_iter().map(move |(key, value)| Write { family, key, value })
        })
        .collect();
    let batch = Batch { writes };
    if !batch.writes.is_empty() {
        store.commit(&batch)?;
    }
    Ok(Committed { records, last_arrival })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's own inputs")]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, Readable};

    /// The keys of a range and what they mean, at most so many.
    fn seen(steps: &Steps, store: &MemoryStore, order: Order, most: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut seen = Vec::new();
        let mut visit = |key: &[u8], value: &[u8]| {
            seen.push((key.to_vec(), value.to_vec()));
            if seen.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        steps.scan(store, Family::Index, b"b", b"x", order, &mut visit).unwrap();
        seen
    }

    #[test]
    fn reads_see_what_the_commit_adds_and_takes_away() {
        let store = MemoryStore::default();
        let put = |steps: &mut Steps, keys: &[&str]| {
            for key in keys {
                let value = key.to_uppercase().into_bytes();
                steps.put(Family::Index, key.as_bytes().to_vec(), value);
            }
        };
        let mut steps = Steps::default();
        put(&mut steps, &["a", "c", "e", "g", "x"]);
        commit(&store, steps).unwrap();
        let mut steps = Steps::default();
        put(&mut steps, &["b", "d", "z", "h"]);
        steps.put(Family::Index, b"e".to_vec(), b"new".to_vec());
        steps.delete(Family::Index, b"c".to_vec());
        steps.delete(Family::Index, b"q".to_vec());
        steps.put(Family::Object, b"f".to_vec(), b"elsewhere".to_vec());
        let mut expected: Vec<(Vec<u8>, Vec<u8>)> =
            [("b", "B"), ("d", "D"), ("e", "new"), ("g", "G"), ("h", "H")]
                .map(|(key, value)| (key.into(), value.into()))
                .to_vec();
        for order in [Order::Ascending, Order::Descending] {
            for most in 1..=6 {
                let expected: Vec<_> = expected.iter().take(most).cloned().collect();
                assert_eq!(seen(&steps, &store, order, most), expected);
            }
            expected.reverse();
        }
        assert_eq!(steps.get(&store, Family::Index, b"c"), Ok(None));
        assert_eq!(steps.get(&store, Family::Index, b"g"), Ok(Some(b"G".to_vec())));
        commit(&store, steps).unwrap();
        assert_eq!(seen(&Steps::default(), &store, Order::Ascending, 9), expected);
    }

    #[test]
    fn a_change_that_could_not_be_made_whole_is_not_written() {
        let (store, mut steps) = (MemoryStore::default(), Steps::default());
        steps.put(Family::Index, b"a".to_vec(), Vec::new());
        let fault = StoreError { doing: "reading", cause: "a test".into() };
        steps.fail(fault.clone());
        assert!(!steps.is_empty());
        assert_eq!(commit(&store, steps).unwrap_err(), fault);
        assert_eq!(store.get(Family::Index, b"a"), Ok(None));
    }
}
