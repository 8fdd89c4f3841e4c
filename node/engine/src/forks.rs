//! Forks: two records of one log with one seq, both signed by the log's key. The two are the proof.
//!
//! Whichever branch a node met first, and in whatever order, its valid head is then the record
//! below the lowest fork. What came before stays. What lies beyond is kept and disputed, out of the
//! views. A fork below a place that the member's manifest vouches for (a checkpoint), on a node that
//! has the branch which leads there, is settled: it changes nothing.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use certmesh_wire::{Checkpoint, LogId, Record, RecordId, sha256};

use crate::commit::Steps;
use crate::engine::Engine;
use crate::layout::{self, LogState};
use crate::refusal::Refusal;
use crate::store::{Family, Order, Store, StoreError};
use crate::withdraw::Withdrawal;

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

/// The lowest fork of every log that has one.
pub fn forks(store: &dyn Store) -> Result<BTreeMap<LogId, Fork>, StoreError> {
    let (mut forks, mut fault) = (BTreeMap::new(), None);
    let mut visit = |key: &[u8], value: &[u8]| match layout::decode_fork(key, value) {
        Ok(fork) => {
            forks.insert(fork.log, fork);
            ControlFlow::Continue(())
        }
        Err(e) => {
            fault = Some(e);
            ControlFlow::Break(())
        }
    };
    store.scan(Family::Control, b"f", &layout::end_of(b"f"), Order::Ascending, &mut visit)?;
    fault.map_or(Ok(forks), Err)
}

impl Engine {
    /// Takes the proof of a fork from another node, after checking both signatures.
    ///
    /// What it means is written by [`dispute`](Self::dispute), which has to follow.
    pub fn enter_fork(&mut self, store: &dyn Store, records: &[Vec<u8>; 2]) -> Result<(), Refusal> {
        let [one, other] = [Record::decode(&records[0])?, Record::decode(&records[1])?];
        let fork = Fork::of(&one, &other).ok_or(Refusal::NoFork(one.id()))?;
        let author = self.known_log(fork.log)?.node;
        if self.is_disputed(fork.log, fork.seq) || self.is_settled(store, &fork)? {
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
            && !self.is_settled(store, &fork)?
        {
            self.suspect(fork);
        }
        Ok(())
    }

    fn suspect(&mut self, fork: Fork) {
        let known = self.forks.get(&fork.log).is_some_and(|seq| *seq <= fork.seq);
        if known {
            return;
        }
        let found = self.found_forks.entry(fork.log).or_insert_with(|| fork.clone());
        if fork.seq < found.seq {
            *found = fork;
        }
    }

    /// Whether the log's member vouches for a place beyond the fork, and this node has the branch
    /// that leads there.
    fn is_settled(&self, store: &dyn Store, fork: &Fork) -> Result<bool, StoreError> {
        let Some(checkpoint) = self.checkpoint(fork.log).filter(|at| fork.seq <= at.seq) else {
            return Ok(false);
        };
        let Some(state) = self.logs.get(&fork.log).filter(|state| checkpoint.seq < state.next) else {
            return Ok(false);
        };
        let here = store.get(Family::Log, &layout::place(state.number, checkpoint.seq))?;
        Ok(here.is_some_and(|signed| RecordId(sha256(&[&signed])) == checkpoint.record))
    }

    /// The place that the log's member vouches for.
    pub(crate) fn checkpoint(&self, log: LogId) -> Option<Checkpoint> {
        let node = self.membership.log(log)?.node;
        let checkpoints = &self.membership.nodes().get(&node)?.checkpoints;
        checkpoints.iter().find(|at| at.log == log).copied()
    }

    /// Whether forks were found that [`dispute`](Self::dispute) has not written yet.
    pub fn has_found_forks(&self) -> bool {
        !self.found_forks.is_empty()
    }

    /// Writes what the found forks mean: their proofs, the heads below them, and the withdrawal of
    /// what lies beyond. `steps` has to be empty, and to be committed next; gives the forks.
    pub fn dispute(&mut self, store: &dyn Store, steps: &mut Steps) -> Result<Vec<Fork>, StoreError> {
        let found: Vec<_> = self.found_forks.values().cloned().collect();
        let mut withdrawal = Withdrawal::default();
        for fork in &found {
            steps.put(Family::Control, layout::fork(&fork.log), layout::encode_fork(fork));
            if let Some(state) = self.logs.get(&fork.log).copied().filter(|state| state.next > fork.seq) {
                self.cut_back(store, fork, &state, &mut withdrawal, steps)?;
            }
            self.forks.insert(fork.log, fork.seq);
            self.parked.forget(fork.log);
        }
        withdrawal.write(store, &mut self.counts, steps)?;
        steps.put(Family::Meta, layout::COUNTS.to_vec(), self.counts.encode());
        self.found_forks.clear();
        Ok(found)
    }

    /// Ends a log below its fork, and withdraws what its records beyond have brought.
    fn cut_back(
        &mut self,
        store: &dyn Store,
        fork: &Fork,
        state: &LogState,
        withdrawal: &mut Withdrawal,
        steps: &mut Steps,
    ) -> Result<(), StoreError> {
        let number = state.number;
        for seq in fork.seq..state.next {
            steps.delete(Family::Control, layout::at(layout::missing_bodies(number), seq));
            if let Some(record) = read_record(store, number, seq)? {
                let body = store.get(Family::Body, &layout::place(number, seq))?;
                withdrawal.record(store, &record, body)?;
            }
        }
        let last = match fork.seq.checked_sub(1) {
            Some(seq) => read_record(store, number, seq)?,
            None => None,
        };
        let after = LogState {
            number,
            next: fork.seq,
            head: last.as_ref().map_or(RecordId([0; 32]), Record::id),
            roster: last.as_ref().map_or(0, |record| record.header().roster),
            bytes: state.bytes,
        };
        self.counts.records = self.counts.records.saturating_sub(state.next - fork.seq);
        steps.put(Family::Control, layout::log(&fork.log), after.encode());
        self.logs.insert(fork.log, after);
        Ok(())
    }
}

fn read_record(store: &dyn Store, number: u32, seq: u64) -> Result<Option<Record>, StoreError> {
    let signed = store.get(Family::Log, &layout::place(number, seq))?;
    let damaged = |e| StoreError { doing: "reading a record", cause: format!("{e}") };
    signed.map(|signed| Record::decode(&signed).map_err(damaged)).transpose()
}
