//! The whole way through the door for what comes from other nodes: several parcels at once, with
//! the signatures checked wherever the caller likes, and then whatever had been waiting for them.

use certmesh_wire::{LogId, MemberCode, NodeId, Parcel, Record, RecordId};

use crate::commit::Steps;
use crate::engine::Engine;
use crate::quota::Origin;
use crate::refusal::Refusal;
use crate::store::Store;
use crate::verify::{Prechecked, Verified};

/// A record past the first step, with the body that came along.
pub type Candidate = (Prechecked, Option<Vec<u8>>);

/// Parcels on their way through the door, while their signatures are being checked.
#[derive(Debug)]
pub struct Entering {
    origin: Origin,
    /// A result for each parcel that has one before its signature is checked.
    places: Vec<Option<Result<RecordId, Refusal>>>,
}

impl Engine {
    /// Takes parcels, in order, and gives a result for each. They count once `steps` are committed.
    ///
    /// What its own member's nodes bring of an author counts towards that author's rate.
    ///
    /// `verify` runs [`Prechecked::verify`] on every candidate, in whatever order and on whatever
    /// core, and gives the results in the order of the candidates.
    pub fn enter(
        &mut self,
        store: &dyn Store,
        origin: Origin,
        parcels: Vec<Parcel>,
        now_ms: u64,
        steps: &mut Steps,
        verify: impl FnOnce(Vec<Candidate>) -> Vec<Result<Verified, Refusal>>,
    ) -> Vec<Result<RecordId, Refusal>> {
        let (entering, candidates) = self.begin(store, origin, parcels, now_ms, steps);
        self.finish(store, entering, verify(candidates), now_ms, steps)
    }

    /// The first half of [`enter`](Self::enter): gives the candidates, on which [`Prechecked::verify`]
    /// is to be run. Whatever else the engine does meanwhile does no harm.
    pub fn begin(
        &mut self,
        store: &dyn Store,
        origin: Origin,
        parcels: Vec<Parcel>,
        now_ms: u64,
        steps: &mut Steps,
    ) -> (Entering, Vec<Candidate>) {
        let (mut candidates, mut places) = (Vec::new(), Vec::new());
        for parcel in parcels {
            let (signed, body) = parcel.into_parts();
            let charged = self.charge(origin, &signed, now_ms);
            match charged.and_then(|()| self.precheck(store, &signed)) {
                Ok(prechecked) => {
                    candidates.push((prechecked, body));
                    places.push(None);
                }
                Err(Refusal::Duplicate(id)) => {
                    places.push(Some(self.enter_late_body(store, id, &signed, body, now_ms, steps)));
                }
                Err(refusal) => places.push(Some(Err(refusal))),
            }
        }
        (Entering { origin, places }, candidates)
    }

    /// The second half of [`enter`](Self::enter), with a result for each candidate, in their order.
    pub fn finish(
        &mut self,
        store: &dyn Store,
        entering: Entering,
        verified: Vec<Result<Verified, Refusal>>,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Vec<Result<RecordId, Refusal>> {
        let Entering { origin, places } = entering;
        let mut verified = verified.into_iter();
        let mut results = Vec::with_capacity(places.len());
        for place in places {
            results.push(match place {
                Some(result) => result,
                None => match verified.next() {
                    Some(Ok(verified)) => {
                        if let Some(author) = self.author(&verified.record) {
                            self.note_live(origin, author, now_ms);
                        }
                        self.admit_or_park(store, verified, now_ms, steps)
                    }
                    Some(Err(refusal)) => Err(refusal),
                    None => break,
                },
            });
        }
        results
    }

    /// Charges a record to its author's member, if it is that one's nodes that bring it. It counts
    /// wherever in its log it belongs: a flood need not be in order.
    fn charge(&mut self, origin: Origin, signed: &[u8], now_ms: u64) -> Result<(), Refusal> {
        let record = Record::decode(signed)?;
        let author = self.author(&record);
        let bringer = self.membership.member_of(origin.node()).map(|member| member.code);
        if let Some(author) = author.filter(|_| author == bringer)
            && !self.quotas.admit(author, origin, weight(&record), now_ms)
        {
            return Err(Refusal::OverRate { id: record.id(), member: author });
        }
        Ok(())
    }

    /// The member whose record this is, if its log is known and it still is one.
    fn author(&self, record: &Record) -> Option<MemberCode> {
        let opening = self.membership.log(record.header().log)?;
        self.membership.roster().member(opening.member).map(|member| member.code)
    }

    pub(crate) fn note_live(&mut self, origin: Origin, author: MemberCode, now_ms: u64) {
        if let Origin::Gossip(_) = origin {
            self.quotas.note_live(author, now_ms);
        }
    }

    /// A peer has sent, unasked, what can't be taken: whether that has gone on for so long that it
    /// is better hung up on.
    pub fn blame(&mut self, peer: NodeId, is_wrong: bool, now_ms: u64) -> bool {
        self.quotas.blame(peer, is_wrong, now_ms)
    }

    /// Whether a record of this node's own may be gossiped: faster than others take it, it would only be
    /// a burden to them, and sync brings it.
    pub fn may_gossip(&mut self, now_ms: u64) -> bool {
        self.quotas.gossip_own(now_ms)
    }

    /// Takes a body that comes by itself.
    pub fn enter_body(
        &mut self,
        store: &dyn Store,
        (log, seq): (LogId, u64),
        body: Vec<u8>,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<(), Refusal> {
        let prechecked = self.precheck_body(store, log, seq, body)?;
        if steps.has_body(&prechecked.record.id()) {
            return Err(Refusal::BodyUnwanted { log, seq });
        }
        let verified = prechecked.verify()?;
        self.admit_body(store, verified, now_ms, steps)
    }

    /// The record is here already, but its body may have been missing.
    fn enter_late_body(
        &mut self,
        store: &dyn Store,
        id: RecordId,
        signed: &[u8],
        body: Option<Vec<u8>>,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<RecordId, Refusal> {
        let (Some(body), Ok(record)) = (body, certmesh_wire::Record::decode(signed)) else {
            return Err(Refusal::Duplicate(id));
        };
        let place = (record.header().log, record.header().seq);
        match self.enter_body(store, place, body, now_ms, steps) {
            Ok(()) => Ok(id),
            Err(Refusal::BodyUnwanted { .. }) => Err(Refusal::Duplicate(id)),
            Err(refusal) => Err(refusal),
        }
    }

    /// Takes a verified record, and those that waited for it; or lets it wait in its turn.
    fn admit_or_park(
        &mut self,
        store: &dyn Store,
        verified: Verified,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<RecordId, Refusal> {
        let (id, log, seq) =
            (verified.record.id(), verified.record.header().log, verified.record.header().seq);
        let next = self.logs.get(&log).map_or(0, |state| state.next);
        if seq > next {
            let parked = self.parked.park(verified, next);
            return Err(Refusal::Gap { id, seq, next, parked });
        }
        self.admit(store, verified, now_ms, steps)?;
        self.release(store, log, now_ms, steps);
        Ok(id)
    }

    /// Takes what waited for its turn in this log, as much as one commit takes. The rest waits for
    /// the log's next record, or comes again by sync.
    fn release(&mut self, store: &dyn Store, log: LogId, now_ms: u64, steps: &mut Steps) {
        while !steps.is_full()
            && let Some(next) = self.logs.get(&log).and_then(|state| self.parked.take(log, state.next))
        {
            // One that is refused after all was somebody's fault who is long gone.
            if self.admit(store, next, now_ms, steps).is_err() {
                break;
            }
        }
    }
}

/// What a record takes: its bytes, and its body's once that is read.
fn weight(record: &Record) -> u64 {
    let body = record.header().body.map_or(0, |body| u64::from(body.raw_len));
    record.signed().len() as u64 + body
}
