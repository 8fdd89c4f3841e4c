//! Documents that come while a node runs: what they change takes effect at once, on what is here and on
//! what comes, in whichever order the two arrive.

use std::sync::Arc;

use certmesh_wire::{LogId, NodeState, Record, RecordId};

use crate::commit::Steps;
use crate::documents::{Document, DocumentFault};
use crate::engine::Engine;
use crate::forks;
use crate::layout::{self, LogState};
use crate::membership::Membership;
use crate::receipts;
use crate::settle::to_take_back;
use crate::store::{Family, Store, StoreError};
use crate::withdraw::Pending;

/// Why a document did not take effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// It is not good, or comes too early.
    #[error(transparent)]
    Document(#[from] DocumentFault),
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Takes in documents, in any order; gives a result for each, whether it was new. What they change
    /// is in `steps`, which have to be empty, and counts once these are committed; then [`membership`](Self::membership) is another.
    pub fn enter_documents(
        &mut self,
        store: &dyn Store,
        documents: Vec<Document>,
        steps: &mut Steps,
    ) -> Result<Vec<Result<bool, DocumentFault>>, StoreError> {
        debug_assert!(steps.is_empty(), "logs end where the store says, not where steps will");
        let mut all = self.membership.documents().clone();
        let mut results: Vec<Result<bool, DocumentFault>> = Vec::with_capacity(documents.len());
        // Those that came before what they follow get another chance, as long as that helps.
        let mut progress = true;
        while std::mem::take(&mut progress) {
            for (at, document) in documents.iter().enumerate() {
                if results.get(at).is_some_and(|result| result.is_ok()) {
                    continue;
                }
                let result = all.enter(document.clone());
                progress |= result == Ok(true);
                match results.get_mut(at) {
                    Some(before) => *before = result,
                    None => results.push(result),
                }
            }
        }
        if results.contains(&Ok(true)) {
            let (before, after) = (self.membership.documents().ids(), all.ids());
            for document in documents.iter().filter(|one| !before.contains(&one.id())) {
                if after.contains(&document.id()) {
                    steps.put(Family::Control, layout::document(&document.id()), document.encode());
                }
            }
            for id in before.difference(&after) {
                steps.delete(Family::Control, layout::document(id));
            }
            // What a later one of this batch has pushed out was taken in, and is not here.
            for (result, document) in results.iter_mut().zip(&documents) {
                if *result == Ok(true) && !after.contains(&document.id()) {
                    *result = Err(DocumentFault::Surplus(document.words()));
                }
            }
            self.set_membership(store, Arc::new(Membership::of(all)), steps)?;
        }
        Ok(results)
    }

    /// The mesh as it is from here on.
    fn set_membership(
        &mut self,
        store: &dyn Store,
        membership: Arc<Membership>,
        steps: &mut Steps,
    ) -> Result<(), StoreError> {
        self.membership = membership;
        self.recount_confirmations();
        let forks = forks::unsettled(store, &self.membership)?;
        self.forks = forks.into_values().map(|fork| (fork.log, fork.seq)).collect();
        self.apply(store, steps)
    }

    /// Ends the logs that go further than the membership lets them.
    pub(crate) fn apply(&mut self, store: &dyn Store, steps: &mut Steps) -> Result<(), StoreError> {
        for (log, end, state) in self.ends(store)? {
            self.cut_back(store, log, end, &state, steps)?;
        }
        self.apply_owners(steps);
        self.is_unapplied = false;
        self.to_take_back = to_take_back(self, store)?;
        Ok(())
    }

    /// The logs that go too far, and where they have to end.
    pub(crate) fn ends(&self, store: &dyn Store) -> Result<Vec<(LogId, u64, LogState)>, StoreError> {
        let mut ends = Vec::new();
        for (log, state) in &self.logs {
            if let Some(end) = self.end_of(store, *log, state)? {
                ends.push((*log, end, *state));
            }
        }
        Ok(ends)
    }

    /// Where a log has to end that goes too far: at its cut, or below a checkpoint that names another
    /// record than the one here.
    fn end_of(&self, store: &dyn Store, log: LogId, state: &LogState) -> Result<Option<u64>, StoreError> {
        // A log that no document that stands makes any more is as if it had never been.
        let end = if self.membership.log(log).is_some() { u64::MAX } else { 0 };
        let mut end = self.membership.cut(log).unwrap_or(end);
        if let Some(at) = self.membership.checkpoint(log).filter(|at| at.seq < state.next) {
            let here = layout::read_record(store, state.number, at.seq)?;
            if here.is_none_or(|here| here.id() != at.record) {
                end = end.min(at.seq);
            }
        }
        Ok((end < state.next).then_some(end))
    }

    /// Ends a log at this place, and notes that what its records from there on have brought is to go.
    pub(crate) fn cut_back(
        &mut self,
        store: &dyn Store,
        log: LogId,
        end: u64,
        state: &LogState,
        steps: &mut Steps,
    ) -> Result<(), StoreError> {
        let last = match end.checked_sub(1) {
            Some(seq) => layout::read_record(store, state.number, seq)?,
            None => None,
        };
        let after = LogState {
            number: state.number,
            next: end,
            head: last.as_ref().map_or(RecordId([0; 32]), Record::id),
            roster: last.as_ref().map_or(0, |record| record.header().roster),
            bytes: state.bytes,
            missing: state.missing,
        };
        let records = &mut self.ledger.counts.records;
        *records = records.saturating_sub(state.next - end);
        receipts::trim(store, state.number, end, steps)?;
        self.put_log(log, after, steps);
        self.put_counts(steps);
        self.note_pending(log, Pending { from: end, to: state.next }, steps);
        self.parked.forget(log);
        Ok(())
    }

    /// Whether this node's own key still counts: if not, it signs nothing any more.
    pub fn is_live(&self) -> bool {
        let node = self.membership.node_of(self.member, self.node_id());
        node.is_some_and(|node| node.state == NodeState::Live)
    }
}
