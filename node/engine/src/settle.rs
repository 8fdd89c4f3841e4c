//! What a member's manifest decides: a checkpoint, the place of a log that it vouches for, makes
//! that record and its ancestors valid again, and every fork up to there mere evidence.
//!
//! Every node may have ended its log below such a fork, with the branch that counts on its own disk
//! and withdrawn. A node that has it takes it back in from there; one that has the other branch
//! waits for those that have got past the checkpoint, and asks nobody else for that part of the log.

use std::collections::BTreeMap;

use certmesh_wire::{Checkpoint, LogId, Parcel, RecordId};

use crate::commit::Steps;
use crate::engine::Engine;
use crate::forks::forks;
use crate::layout::{self, LogState};
use crate::limits::{FOLLOW_RECORDS, WITHDRAW_RECORDS};
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
        if self.withdraw_portion(store, now_ms, steps)? || self.index_more(store, now_ms, steps)? {
            return Ok(true);
        }
        self.take_back_portion(store, now_ms, steps)
    }

    /// Whether [`resume`](Self::resume) has anything to do.
    pub fn has_more(&self) -> bool {
        self.is_unapplied
            || !self.pending.is_empty()
            || self.has_more_to_index()
            || self.next_branch().is_some()
    }

    fn next_branch(&self) -> Option<LogId> {
        let open = |(_, branch): &(&LogId, &Branch)| branch.course != Course::Astray;
        self.to_take_back.iter().find(open).map(|(log, _)| *log)
    }

    fn take_back_portion(
        &mut self,
        store: &dyn Store,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<bool, StoreError> {
        let Some(log) = self.next_branch() else { return Ok(false) };
        if let Some(branch) = self.to_take_back.get_mut(&log).filter(|one| one.course == Course::Unknown) {
            branch.follow(store)?;
            return Ok(true);
        }
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

/// What this node's disk has of a log beyond its end, and may be taken in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Branch {
    number: u32,
    /// Where it begins: the log's end.
    begin: (u64, RecordId),
    /// The record that it has to lead to; nothing, if it counts as it is.
    to: Option<Checkpoint>,
    /// How far it has been followed.
    next: u64,
    head: Option<RecordId>,
    course: Course,
}

/// Whether a branch leads where it has to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// It has not been followed to its end yet.
    Unknown,
    Right,
    Astray,
}

impl Branch {
    fn beyond(state: &LogState, to: Option<Checkpoint>) -> Self {
        Self {
            number: state.number,
            begin: (state.next, state.head),
            to,
            next: state.next,
            head: (state.next > 0).then_some(state.head),
            course: if to.is_some() { Course::Unknown } else { Course::Right },
        }
    }

    /// Whether it is what another one was before that was followed.
    fn is_same(&self, other: &Self) -> bool {
        (self.begin, self.to) == (other.begin, other.to)
    }

    /// Follows it a portion further towards its checkpoint: it may be as long as a log.
    fn follow(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let Some(to) = self.to else { return Ok(()) };
        for _ in 0..FOLLOW_RECORDS {
            if self.next > to.seq {
                self.course = if self.head == Some(to.record) { Course::Right } else { Course::Astray };
                return Ok(());
            }
            match layout::read_record(store, self.number, self.next)? {
                Some(record) if record.header().prev == self.head && record.header().seq == self.next => {
                    self.head = Some(record.id());
                    self.next += 1;
                }
                _ => {
                    self.course = Course::Astray;
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// The logs that end below what this node's disk has of them, and may go on with it: those that ended
/// below a fork which is settled, on the branch that counts; and those whose cut was lifted, up to a fork that is not
/// settled. What is known of a branch already is kept.
pub(crate) fn to_take_back(
    engine: &Engine,
    store: &dyn Store,
) -> Result<BTreeMap<LogId, Branch>, StoreError> {
    let unreached: BTreeMap<_, _> = unreached(store, &engine.membership)?.into_iter().collect();
    let mut found = BTreeMap::new();
    for (log, state) in &engine.logs {
        let to = unreached.get(log).copied();
        let is_open = engine.membership.log(*log).is_some()
            && engine.forks.get(log).is_none_or(|fork| state.next < *fork)
            && engine.membership.cut(*log) != Some(state.next);
        if (to.is_some() || is_open)
            && store.get(Family::Log, &layout::place(state.number, state.next))?.is_some()
        {
            let branch = Branch::beyond(state, to);
            let known = engine.to_take_back.get(log).filter(|known| known.is_same(&branch));
            found.insert(*log, known.copied().unwrap_or(branch));
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
        let state = state.map(|bytes| LogState::decode(&bytes)).transpose()?;
        if state.is_none_or(|state| state.next <= at.seq) {
            unreached.push((log, at));
        }
    }
    Ok(unreached)
}
