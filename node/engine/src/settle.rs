//! What a member's manifest decides: a checkpoint, the place of a log that it vouches for, makes
//! that record and its ancestors valid again, and every fork up to there mere evidence.
//!
//! Every node may have ended its log below such a fork, with the branch that counts on its own disk
//! and withdrawn. A node that has it takes it back in from there; one that has the other branch
//! waits for those that have got past the checkpoint, and asks nobody else for that part of the log.

use std::collections::{BTreeMap, BTreeSet};

use certmesh_wire::{Checkpoint, LogId, Parcel};

use crate::commit::Steps;
use crate::engine::Engine;
use crate::forks::forks;
use crate::layout;
use crate::limits::WITHDRAW_RECORDS;
use crate::membership::Membership;
use crate::refusal::Refusal;
use crate::store::{Family, Store, StoreError};

impl Engine {
    /// Goes on with what one commit could not hold: the withdrawal of what lies beyond a fork, and the
    /// return of what a checkpoint has made valid again. Writes a portion; whether it has to be
    /// called again after the commit. A node does it from its start on, between its inputs.
    pub fn resume(&mut self, store: &dyn Store, now_ms: u64, steps: &mut Steps) -> Result<bool, StoreError> {
        if self.is_unapplied {
            self.apply(store, steps)?;
            return Ok(true);
        }
        if self.withdraw_portion(store, now_ms, steps)? {
            return Ok(true);
        }
        self.take_back_portion(store, now_ms, steps)
    }

    /// Whether [`resume`](Self::resume) has anything to do.
    pub fn has_more(&self) -> bool {
        self.is_unapplied || !self.pending.is_empty() || !self.to_take_back.is_empty()
    }

    fn take_back_portion(
        &mut self,
        store: &dyn Store,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<bool, StoreError> {
        let Some(log) = self.to_take_back.first().copied() else { return Ok(false) };
        for _ in 0..WITHDRAW_RECORDS {
            if steps.is_full() {
                return Ok(true);
            }
            match self.take_back(store, log, now_ms, steps) {
                Ok(true) => {}
                Err(Refusal::Store(e)) => return Err(e),
                // What the door refuses is not of the branch that counts.
                Ok(false) | Err(_) => {
                    self.to_take_back.remove(&log);
                    break;
                }
            }
        }
        Ok(true)
    }

    /// Takes the next record of a log in again, from this node's own disk; whether there was one.
    fn take_back(
        &mut self,
        store: &dyn Store,
        log: LogId,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<bool, Refusal> {
        let Some(state) = self.logs.get(&log).copied() else { return Ok(false) };
        let place = layout::place(state.number, state.next);
        let Some(signed) = store.get(Family::Log, &place)? else { return Ok(false) };
        let body = store.get(Family::Body, &place)?;
        let (signed, body) = Parcel::new(signed, body).into_parts();
        let verified = self.precheck(store, &signed)?.verify(body)?;
        self.admit(store, verified, now_ms, steps)?;
        Ok(true)
    }
}

/// The logs that end below what this node's disk has of them, and may go on with it: those that ended
/// below a fork which is settled, on the branch that counts; and those whose cut was lifted.
pub(crate) fn to_take_back(engine: &Engine, store: &dyn Store) -> Result<BTreeSet<LogId>, StoreError> {
    let unreached: BTreeMap<_, _> = unreached(store, &engine.membership)?.into_iter().collect();
    let mut found = BTreeSet::new();
    for (log, state) in &engine.logs {
        let goes_on = match unreached.get(log) {
            Some(at) => leads_to(engine, store, *log, at)?,
            None if engine.membership.log(*log).is_none() => false,
            None => !engine.forks.contains_key(log) && engine.membership.cut(*log) != Some(state.next),
        };
        if goes_on && store.get(Family::Log, &layout::place(state.number, state.next))?.is_some() {
            found.insert(*log);
        }
    }
    Ok(found)
}

/// The logs with a settled fork, each with the checkpoint that settles it, if this node's own
/// branch has not reached that.
pub(crate) fn unreached(
    store: &dyn Store,
    membership: &Membership,
) -> Result<Vec<(LogId, Checkpoint)>, StoreError> {
    let mut unreached = Vec::new();
    for (log, fork) in forks(store)? {
        let Some(at) = membership.checkpoint(log).filter(|at| fork.seq <= at.seq) else { continue };
        let state = store.get(Family::Control, &layout::log(&log))?;
        let state = state.map(|bytes| layout::LogState::decode(&bytes)).transpose()?;
        if state.is_none_or(|state| state.next <= at.seq) {
            unreached.push((log, at));
        }
    }
    Ok(unreached)
}

/// Whether the records on this node's disk beyond the log's end lead to the checkpoint.
fn leads_to(engine: &Engine, store: &dyn Store, log: LogId, at: &Checkpoint) -> Result<bool, StoreError> {
    let Some(state) = engine.logs.get(&log) else { return Ok(false) };
    let mut head = (state.next > 0).then_some(state.head);
    for seq in state.next..=at.seq {
        match layout::read_record(store, state.number, seq)? {
            Some(record) if record.header().prev == head && record.header().seq == seq => {
                head = Some(record.id());
            }
            _ => return Ok(false),
        }
    }
    Ok(head == Some(at.record))
}
