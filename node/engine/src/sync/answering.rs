//! The answering side of sync: what a node tells and gives another, from its store, within a budget.

use std::ops::ControlFlow;

use certmesh_wire::limits::{SYNC_ANSWER_BUDGET, SYNC_RECORDS};
use certmesh_wire::{
    DocumentId, LogId, MemberCode, NodeId, Place, RecordId, SyncAnswer, SyncRequest, sha256,
};

use super::frontier;
use crate::forks::forks;
use crate::layout::{self, LogState};
use crate::membership::Membership;
use crate::store::{Family, Order, Store, StoreError};

/// Answers a question of another node, with committed records of the logs that it may hold.
pub fn answer(
    store: &dyn Store,
    membership: &Membership,
    asker: NodeId,
    request: &SyncRequest,
) -> Result<SyncAnswer, StoreError> {
    let answering = Answering { store, membership, member: membership.node(asker).map(|node| node.member) };
    match request {
        SyncRequest::Compare(digest) => answering.compare(*digest),
        SyncRequest::Records(places) => answering.records(places),
        SyncRequest::Bodies(places) => answering.bodies(places),
        SyncRequest::Ids(places) => answering.ids(places),
        SyncRequest::Forks(logs) => answering.forks(logs),
        SyncRequest::Documents(digest) => Ok(answering.documents(*digest)),
        SyncRequest::Fetch(ids) => Ok(answering.fetch(ids)),
    }
}

struct Answering<'a> {
    store: &'a dyn Store,
    membership: &'a Membership,
    member: Option<MemberCode>,
}

impl Answering<'_> {
    fn may_hold(&self, log: LogId) -> bool {
        let opening = self.membership.log(log).zip(self.member);
        opening.is_some_and(|(opening, member)| opening.audience.includes(member))
    }

    /// A log that is here and that the asker may hold.
    fn log(&self, log: LogId) -> Result<Option<LogState>, StoreError> {
        if !self.may_hold(log) {
            return Ok(None);
        }
        let state = self.store.get(Family::Control, &layout::log(&log))?;
        state.map(|bytes| LogState::decode(&bytes)).transpose()
    }

    fn documents(&self, digest: [u8; 32]) -> SyncAnswer {
        let mine = self.membership.documents();
        match self.member {
            Some(_) if mine.digest() != digest => SyncAnswer::DocumentIds(mine.ids().into_iter().collect()),
            _ => SyncAnswer::Same,
        }
    }

    fn fetch(&self, ids: &[DocumentId]) -> SyncAnswer {
        let ids = self.member.map_or(&[][..], |_| ids);
        SyncAnswer::Documents(ids.iter().filter_map(|id| self.membership.documents().get(*id)).collect())
    }

    fn compare(&self, digest: [u8; 32]) -> Result<SyncAnswer, StoreError> {
        let Some(member) = self.member else { return Ok(SyncAnswer::Same) };
        let mine = frontier(self.store, self.membership, member)?;
        Ok(if mine.digest() == digest { SyncAnswer::Same } else { SyncAnswer::Frontier(mine) })
    }

    /// Each log gets an equal share of the budget, so that a long one does not hold up the others.
    fn records(&self, places: &[Place]) -> Result<SyncAnswer, StoreError> {
        let share = places.len().max(1);
        let (bytes, count) = (SYNC_ANSWER_BUDGET / share, (SYNC_RECORDS / share).max(1));
        let (mut records, mut more, mut total) = (Vec::new(), false, 0);
        for (log, from) in places {
            if total >= SYNC_ANSWER_BUDGET {
                more = true;
                break;
            }
            let Some(state) = self.log(*log)? else { continue };
            let (start, end) = (layout::place(state.number, *from), layout::place(state.number, state.next));
            let (mut taken_bytes, mut taken) = (0, 0);
            let mut visit = |_: &[u8], signed: &[u8]| {
                if taken_bytes >= bytes || taken >= count {
                    more = true;
                    return ControlFlow::Break(());
                }
                taken_bytes += signed.len();
                taken += 1;
                records.push(signed.to_vec());
                ControlFlow::Continue(())
            };
            self.store.scan(Family::Log, &start, &end, Order::Ascending, &mut visit)?;
            total += taken_bytes;
        }
        Ok(SyncAnswer::Records(records, more))
    }

    fn bodies(&self, places: &[Place]) -> Result<SyncAnswer, StoreError> {
        let (mut bodies, mut bytes) = (Vec::new(), 0);
        for (log, seq) in places {
            let Some(state) = self.log(*log)?.filter(|state| *seq < state.next) else { continue };
            if let Some(body) = self.store.get(Family::Body, &layout::place(state.number, *seq))? {
                bytes += body.len();
                bodies.push((*log, *seq, body));
            }
            if bytes >= SYNC_ANSWER_BUDGET {
                break;
            }
        }
        Ok(SyncAnswer::Bodies(bodies))
    }

    fn ids(&self, places: &[Place]) -> Result<SyncAnswer, StoreError> {
        let id = |(log, seq): &Place| {
            let Some(state) = self.log(*log)?.filter(|state| *seq < state.next) else { return Ok(None) };
            let signed = self.store.get(Family::Log, &layout::place(state.number, *seq))?;
            Ok(signed.map(|signed| RecordId(sha256(&[&signed]))))
        };
        places.iter().map(id).collect::<Result<_, _>>().map(SyncAnswer::Ids)
    }

    fn forks(&self, logs: &[LogId]) -> Result<SyncAnswer, StoreError> {
        let (mut proofs, mut bytes) = (Vec::new(), 0);
        let known = forks(self.store)?;
        for log in logs {
            if let Some(fork) = known.get(log).filter(|_| self.may_hold(*log)) {
                bytes += fork.records.iter().map(Vec::len).sum::<usize>();
                proofs.push(fork.records.clone());
            }
            if bytes >= SYNC_ANSWER_BUDGET {
                break;
            }
        }
        Ok(SyncAnswer::Forks(proofs))
    }
}
