//! The search for a fork: where, in a log that ends differently at the peer, its records begin to
//! differ from the ones here. Chains of hashes agree up to one place and differ from there on, so a
//! few questions about ids are enough; then the peer's record in that place is the proof.

use certmesh_wire::{Frontier, LogId, RecordId, SyncRequest, sha256};

use crate::layout::{self, LogState};
use crate::store::{Family, Store, StoreError};

/// Places that one question asks about: the range shrinks by this factor each time.
const PROBES: u64 = 16;

/// One log being searched.
#[derive(Debug)]
pub(super) struct Search {
    log: LogId,
    number: u32,
    /// Below this place the records are the same.
    same: u64,
    /// In this place they differ; unsure until the peer has been asked about it once.
    differ: u64,
    asked_for_record: bool,
    /// What the peer has answered last.
    pub(super) theirs: Vec<(u64, Option<RecordId>)>,
}

impl Search {
    /// The logs whose heads do not fit together, as the peer's frontier shows.
    /// A fork that is known says nothing of what lies below it: there may be a lower one.
    pub(super) fn all(store: &dyn Store, told: Option<&Frontier>) -> Result<Vec<Self>, StoreError> {
        let logs = layout::read_logs(store)?;
        let mut searches = Vec::new();
        for entry in told.map_or(&[][..], Frontier::entries) {
            let Some(state) = logs.get(&entry.log) else { continue };
            let Some(last) = entry.next.min(state.next).checked_sub(1) else { continue };
            let fits = last + 1 == entry.next && id_at(store, state.number, last)? == Some(entry.head);
            if !fits {
                searches.push(Self::new(entry.log, state, last));
            }
        }
        Ok(searches)
    }

    fn new(log: LogId, state: &LogState, last: u64) -> Self {
        Self { log, number: state.number, same: 0, differ: last, asked_for_record: false, theirs: Vec::new() }
    }

    /// The next question; nothing, when there is no fork here or its proof has been asked for.
    pub(super) fn question(&mut self, store: &dyn Store) -> Result<Option<SyncRequest>, StoreError> {
        let first = self.theirs.is_empty();
        if !first && !self.narrow(store)? {
            return Ok(None);
        }
        if self.asked_for_record {
            return Ok(None);
        }
        if !first && self.same == self.differ {
            self.asked_for_record = true;
            return Ok(Some(SyncRequest::Records(vec![(self.log, self.differ)])));
        }
        let width = self.differ - self.same;
        let step = width.div_ceil(PROBES).max(1);
        let mut places: Vec<_> = (self.same..self.differ).step_by(step as usize).collect();
        places.push(self.differ);
        Ok(Some(SyncRequest::Ids(places.into_iter().map(|seq| (self.log, seq)).collect())))
    }

    /// Takes the answer into account; whether there is still a difference to be found.
    fn narrow(&mut self, store: &dyn Store) -> Result<bool, StoreError> {
        let before = (self.same, self.differ);
        for (seq, theirs) in std::mem::take(&mut self.theirs) {
            let Some(theirs) = theirs else { return Ok(false) };
            if id_at(store, self.number, seq)? == Some(theirs) {
                self.same = seq + 1;
            } else {
                self.differ = seq;
                break;
            }
        }
        // A peer whose answers contradict each other, or bring nothing on, is not asked further.
        let found = self.same == self.differ;
        Ok(self.same <= self.differ && (found || before != (self.same, self.differ)))
    }
}

fn id_at(store: &dyn Store, number: u32, seq: u64) -> Result<Option<RecordId>, StoreError> {
    let signed = store.get(Family::Log, &layout::place(number, seq))?;
    Ok(signed.map(|signed| RecordId(sha256(&[&signed]))))
}
