//! Sync: how two nodes end with the same records. The asking side is a [`Session`], the answering
//! side is [`answer`]; both read what is committed and nothing else.
//!
//! A round compares frontiers; equal ones end it at once. Otherwise the asker fetches the records
//! that it lacks, log by log, and then the bodies that it lacks, the newest first. What comes goes
//! through the door like anything else.

mod answering;
mod search;
mod session;

use std::ops::ControlFlow;

use certmesh_wire::{Frontier, FrontierEntry, MemberCode, RecordId};

pub use answering::answer;
pub use session::{Brought, Session, SyncFault};

use crate::forks::unsettled;
use crate::layout::{self, LogState};
use crate::membership::Membership;
use crate::store::{Family, Order, Store, StoreError};

/// How far this node has come in every log that the member may hold.
pub fn frontier(
    store: &dyn Store,
    membership: &Membership,
    member: MemberCode,
) -> Result<Frontier, StoreError> {
    let mut forks = unsettled(store, membership)?;
    let may_hold = |log| membership.log(log).is_some_and(|opening| opening.audience.includes(member));
    let mut entries = Vec::new();
    for (log, state) in layout::read_logs(store)?.into_iter().filter(|(log, _)| may_hold(*log)) {
        let fork = forks.remove(&log).map(|fork| fork.seq);
        // A log that lost its opening to a fork which is settled is as good as none until it is back.
        if state.next > 0 || fork == Some(0) {
            let bodies = lowest_missing_body(store, &state)?.unwrap_or(state.next).min(state.next);
            let (next, head, missing) = (state.next, state.head, state.missing);
            entries.push(FrontierEntry { log, next, head, bodies, missing, fork });
        }
    }
    // Of a log whose opening is forked nothing may be here but the proof.
    for (log, fork) in forks.into_iter().filter(|(log, fork)| fork.seq == 0 && may_hold(*log)) {
        let (head, fork) = (RecordId([0; 32]), Some(fork.seq));
        entries.push(FrontierEntry { log, next: 0, head, bodies: 0, missing: 0, fork });
    }
    Ok(Frontier::new(entries))
}

fn lowest_missing_body(store: &dyn Store, state: &LogState) -> Result<Option<u64>, StoreError> {
    let prefix = layout::missing_bodies(state.number);
    let mut lowest = Ok(None);
    let mut visit = |key: &[u8], _: &[u8]| {
        lowest = layout::arrival_of(key).map(Some);
        ControlFlow::Break(())
    };
    store.scan(Family::Control, &prefix, &layout::end_of(&prefix), Order::Ascending, &mut visit)?;
    lowest
}

/// The missing bodies of a log below a place, the newest first, at most `most`.
fn missing_bodies(
    store: &dyn Store,
    state: &LogState,
    below: u64,
    most: usize,
) -> Result<Vec<u64>, StoreError> {
    let prefix = layout::missing_bodies(state.number);
    let (mut missing, mut fault) = (Vec::new(), None);
    let mut visit = |key: &[u8], _: &[u8]| {
        match layout::arrival_of(key) {
            Ok(seq) => missing.push(seq),
            Err(e) => fault = Some(e),
        }
        if missing.len() < most && fault.is_none() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    store.scan(
        Family::Control,
        &prefix,
        &layout::at(prefix.clone(), below),
        Order::Descending,
        &mut visit,
    )?;
    fault.map_or(Ok(missing), Err)
}
