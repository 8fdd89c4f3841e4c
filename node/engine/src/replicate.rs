//! What a node gives to others from its store: the answer to a pull, and an export of everything.
//!
//! Both read what is committed and nothing else, so neither needs the engine, and neither can send
//! what a power cut could take back.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use certmesh_wire::limits::{PULL_ANSWER_BUDGET, PULL_PARCELS};
use certmesh_wire::{ExportWriter, LogId, MemberCode, NodeId, Parcel, PullAnswer, PullRequest};

use crate::layout::{self, LogState};
use crate::membership::Membership;
use crate::store::{Family, Order, Store, StoreError};

/// What follows the asker's heads in the logs that it may hold, up to the budget.
///
/// A log that the request does not name is sent from its beginning.
pub fn answer(
    store: &dyn Store,
    membership: &Membership,
    asker: NodeId,
    request: &PullRequest,
) -> Result<PullAnswer, StoreError> {
    let Some(member) = membership.nodes().get(&asker).map(|node| node.member) else {
        return Ok(PullAnswer::default());
    };
    let mut answer = Budget { parcels: Vec::new(), bytes: 0 };
    for (log, state) in logs_for(store, membership, member)? {
        let wants = request.wants();
        let from = wants.binary_search_by_key(&log, |(log, _)| *log).map_or(0, |at| wants[at].1);
        read_parcels(store, state.number, from, &mut |parcel| answer.take(parcel))?;
        if answer.is_spent() {
            break;
        }
    }
    let more = answer.is_spent();
    Ok(PullAnswer::new(answer.parcels, more))
}

/// Every record here with its manifests, piece by piece, in the format of [`certmesh_wire::Export`].
pub fn export(
    store: &dyn Store,
    membership: &Membership,
    take: &mut dyn FnMut(Vec<u8>) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    if take(ExportWriter::manifests(membership.manifests())).is_break() {
        return Ok(());
    }
    for (_, state) in layout::read_logs(store)? {
        let mut broken_off = false;
        read_parcels(store, state.number, 0, &mut |parcel| {
            let flow = take(ExportWriter::parcel(&parcel));
            broken_off = flow.is_break();
            flow
        })?;
        if broken_off {
            break;
        }
    }
    Ok(())
}

struct Budget {
    parcels: Vec<Parcel>,
    bytes: usize,
}

impl Budget {
    fn take(&mut self, parcel: Parcel) -> ControlFlow<()> {
        self.bytes += parcel.record().len() + parcel.body().map_or(0, <[u8]>::len);
        self.parcels.push(parcel);
        if self.is_spent() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn is_spent(&self) -> bool {
        self.bytes >= PULL_ANSWER_BUDGET || self.parcels.len() >= PULL_PARCELS
    }
}

/// The logs here whose audience includes the member.
fn logs_for(
    store: &dyn Store,
    membership: &Membership,
    member: MemberCode,
) -> Result<BTreeMap<LogId, LogState>, StoreError> {
    let mut logs = layout::read_logs(store)?;
    logs.retain(|log, _| membership.log(*log).is_some_and(|opening| opening.audience.includes(member)));
    Ok(logs)
}

/// The records of a log from `from` on, each with its body.
fn read_parcels(
    store: &dyn Store,
    number: u32,
    from: u64,
    take: &mut dyn FnMut(Parcel) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let mut fault = None;
    let mut visit = |key: &[u8], signed: &[u8]| match store.get(Family::Body, key) {
        Ok(body) => take(Parcel::new(signed.to_vec(), body)),
        Err(e) => {
            fault = Some(e);
            ControlFlow::Break(())
        }
    };
    let (start, end) = (layout::place(number, from), layout::end_of(&number.to_be_bytes()));
    store.scan(Family::Log, &start, &end, Order::Ascending, &mut visit)?;
    fault.map_or(Ok(()), Err)
}
