//! Forks: two records of one log with one seq, both signed by the log's key. The two are the proof.
//!
//! Whichever branch a node met first, and in whatever order, its valid head is then the record
//! below the lowest fork. What came before stays. What lies beyond is kept and disputed, out of the
//! views. A fork at or below a place that the member's manifest vouches for (a checkpoint) is
//! settled: it is evidence and no more, and [`crate::settle`] says which branch counts.

use std::collections::BTreeMap;

use certmesh_wire::{LogId, Record};

use crate::commit::Steps;
use crate::engine::Engine;
use crate::layout;
use crate::membership::Membership;
use crate::refusal::Refusal;
use crate::store::{Family, Store, StoreError};

/// The proof that a node's key has signed two histories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The log.
    pub log: LogId,
    /// The place that two records claim.
    pub seq: u64,
    /// Their signed bytes; the smaller record id first, so that the proof is the same everywhere.
    pub records: [Vec<u8>; 2],
}

impl Fork {
    /// The proof that two records of one place make; nothing, if they are one record or of two places.
    fn of(one: &Record, other: &Record) -> Option<Self> {
        let (mine, theirs) = (one.header(), other.header());
        if mine.log != theirs.log || mine.seq != theirs.seq || one.id() == other.id() {
            return None;
        }
        let [first, second] = if one.id() < other.id() { [one, other] } else { [other, one] };
        let records = [first.signed().to_vec(), second.signed().to_vec()];
        Some(Self { log: mine.log, seq: mine.seq, records })
    }
}

impl Fork {
    /// Whether the log's member vouches for a place at or beyond the fork, which decides it.
    pub fn is_settled(&self, membership: &Membership) -> bool {
        membership.checkpoint(self.log).is_some_and(|at| self.seq <= at.seq)
    }
}

/// The lowest forks of the logs that end below one.
pub(crate) fn unsettled(
    store: &dyn Store,
    membership: &Membership,
) -> Result<BTreeMap<LogId, Fork>, StoreError> {
    let mut forks = forks(store)?;
    forks.retain(|_, fork| !fork.is_settled(membership));
    Ok(forks)
}

/// The lowest fork of every log that has one: of those above its checkpoint, if there are any.
pub fn forks(store: &dyn Store) -> Result<BTreeMap<LogId, Fork>, StoreError> {
    layout::collect(store, b"f", |key, value| layout::decode_fork(key, value).map(|fork| (fork.log, fork)))
}

impl Engine {
    /// Takes the proof of a fork from another node, after checking both signatures.
    ///
    /// What it means is written by [`dispute`](Self::dispute), which has to follow.
    pub fn enter_fork(&mut self, records: &[Vec<u8>; 2]) -> Result<(), Refusal> {
        let [one, other] = [Record::decode(&records[0])?, Record::decode(&records[1])?];
        let fork = Fork::of(&one, &other).ok_or(Refusal::NoFork(one.id()))?;
        let author = self.known_log(fork.log)?.node;
        if !self.changes_anything(&fork) {
            return Err(Refusal::Disputed { id: one.id(), seq: fork.seq });
        }
        for record in [&one, &other] {
            record.verify(self.membership.mesh(), author).map_err(Refusal::signature(record.id()))?;
        }
        self.suspect(fork);
        Ok(())
    }

    /// A verified record claims a place that another has here.
    pub(crate) fn suspect_place(
        &mut self,
        store: &dyn Store,
        record: &Record,
        steps: &Steps,
    ) -> Result<(), Refusal> {
        let header = record.header();
        let Some(state) = self.logs.get(&header.log) else { return Ok(()) };
        let here = match steps.signed_at(header.log, header.seq) {
            Some(signed) => Some(signed.to_vec()),
            None => store.get(Family::Log, &layout::place(state.number, header.seq))?,
        };
        if let Some(here) = here
            && let Some(fork) = Fork::of(&Record::decode(&here)?, record)
        {
            self.suspect(fork);
        }
        Ok(())
    }

    /// Whether a proof would change where the log ends: one above the checkpoint and below what is
    /// known; or one below a checkpoint that this node's branch has not reached.
    fn changes_anything(&self, fork: &Fork) -> bool {
        let next = self.logs.get(&fork.log).map_or(0, |state| state.next);
        match self.membership.checkpoint(fork.log).filter(|at| fork.seq <= at.seq) {
            Some(at) => fork.seq < next && next <= at.seq,
            None => !self.is_disputed(fork.log, fork.seq),
        }
    }

    fn suspect(&mut self, fork: Fork) {
        if !self.changes_anything(&fork) {
            return;
        }
        let found = self.found_forks.entry(fork.log).or_insert_with(|| fork.clone());
        if fork.seq < found.seq {
            *found = fork;
        }
    }

    /// Whether forks were found that [`dispute`](Self::dispute) has not written yet.
    pub fn has_found_forks(&self) -> bool {
        !self.found_forks.is_empty()
    }

    /// Writes what the found forks mean: their proofs, and the heads below them. `steps` has to be
    /// empty, and to be committed next; gives the forks. What lies beyond is withdrawn bit by bit
    /// by [`resume`](Self::resume), however long it is.
    pub fn dispute(&mut self, store: &dyn Store, steps: &mut Steps) -> Result<Vec<Fork>, StoreError> {
        let found = std::mem::take(&mut self.found_forks);
        for fork in found.values() {
            // One proof is kept of each log: evidence never takes the place of what still counts.
            if !fork.is_settled(&self.membership) || !self.forks.contains_key(&fork.log) {
                steps.put(Family::Control, layout::fork(&fork.log), layout::encode_fork(fork));
            }
            if let Some(state) = self.logs.get(&fork.log).copied().filter(|state| state.next > fork.seq) {
                self.cut_back(store, fork.log, fork.seq, &state, steps)?;
            }
            if !fork.is_settled(&self.membership) {
                self.forks.insert(fork.log, fork.seq);
            }
            self.parked.forget(fork.log);
        }
        Ok(found.into_values().collect())
    }
}
