//! Publishing: objects become a record of this node's own log, which then passes the same door as
//! anyone else's.

use certmesh_intel::validate::{FaultyObject, validate_all};
use certmesh_intel::{Object, Tlp};
use certmesh_wire::{
    Audience, BodyFault, Header, Kind, LogId, Opening, PackedBody, Record, RecordFault, RecordId,
};

use crate::commit::Steps;
use crate::engine::Engine;
use crate::layout;
use crate::quota::Origin;
use crate::refusal::Refusal;
use crate::signing::Signing;
use crate::store::{Family, Store, StoreError};

/// Why objects were not published. None of them was.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PublishFault {
    /// This node does not sign yet.
    #[error(
        "this node does not sign yet: it was not stopped cleanly, or has never run, and {confirmed} of \
         {needed} other members have confirmed so far where its log ends"
    )]
    Unconfirmed {
        /// Members that have confirmed.
        confirmed: usize,
        /// Members that are needed.
        needed: usize,
    },
    /// This node's key no longer counts.
    #[error("the manifest of this node's member no longer has its key in use: it signs nothing any more")]
    NotLive,
    /// This node's own log has lost its end, and what belongs there is not back yet.
    #[error("this node's own log is being put in order after a fork or a cut: it signs when that is done")]
    Unsettled,
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One is not valid STIX 2.1.
    #[error(transparent)]
    Object(#[from] FaultyObject),
    /// One may not go to all members.
    #[error(
        "object {position} ({id}) is marked TLP:{}; what is published goes to every member's CERT, and \
         TLP:RED and TLP:AMBER+STRICT may not",
        tlp.word().to_uppercase()
    )]
    Tlp {
        /// Its place, from 1.
        position: usize,
        /// Its STIX id.
        id: String,
        /// Its marking.
        tlp: Tlp,
    },
    /// Together they do not fit in one record.
    #[error(transparent)]
    Body(#[from] BodyFault),
    /// The header contradicts itself; a defect of this program.
    #[error("this node made a header that contradicts itself: {0}")]
    Header(#[from] RecordFault),
    /// The door refused the record.
    #[error("this node may not publish: {0}")]
    Refused(#[from] Refusal),
}

impl Engine {
    /// Publishes objects together, as one record for all members, and opens this node's log if it
    /// is not open. Every object is checked before anything is signed.
    pub fn publish(
        &mut self,
        store: &dyn Store,
        objects: &[&str],
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<RecordId, PublishFault> {
        if let Signing::Waiting { confirmed, needed } = &self.signing {
            return Err(PublishFault::Unconfirmed { confirmed: confirmed.len(), needed: *needed });
        }
        if !self.is_live() {
            return Err(PublishFault::NotLive);
        }
        let tlp = highest_tlp(&validate_all(objects)?)?;
        let body = PackedBody::pack(objects)?;
        let opening = Opening { member: self.member, node: self.node_id(), audience: Audience::All };
        self.check_end(store, opening.log_id())?;
        if self.logs.get(&opening.log_id()).is_none_or(|state| state.next == 0) {
            let header = Header {
                kind: Kind::OPENING,
                opening: Some(opening.clone()),
                ..self.next_header(&opening, now_ms)
            };
            self.sign_and_admit(store, header, None, now_ms, steps)?;
        }
        let header = Header {
            kind: Kind::OBJECTS,
            tlp: tlp as u8,
            body: Some(body.reference),
            ..self.next_header(&opening, now_ms)
        };
        let record = self.sign_and_admit(store, header, Some(body.bytes), now_ms, steps)?;
        self.note_live(Origin::Gossip(opening.node), self.member, now_ms);
        Ok(record)
    }

    /// Nothing may be signed for a place that was signed for before: one that holds a record on this disk,
    /// though it does not count at the moment, or that the member vouches for.
    fn check_end(&self, store: &dyn Store, log: LogId) -> Result<(), PublishFault> {
        let state = self.logs.get(&log);
        let next = state.map_or(0, |state| state.next);
        let is_vouched = self.membership.checkpoint(log).is_some_and(|at| at.seq >= next);
        let is_taken = match state {
            Some(state) if !self.is_disputed(log, next) => {
                store.get(Family::Log, &layout::place(state.number, next))?.is_some()
            }
            _ => false,
        };
        let settled = !is_vouched && !is_taken && !self.pending.contains_key(&log);
        if settled { Ok(()) } else { Err(PublishFault::Unsettled) }
    }

    /// A header in the next place of this node's log, of no kind yet.
    fn next_header(&self, opening: &Opening, now_ms: u64) -> Header {
        let log = opening.log_id();
        let state = self.logs.get(&log);
        Header {
            log,
            seq: state.map_or(0, |state| state.next),
            prev: state.filter(|state| state.next > 0).map(|state| state.head),
            // Never below what this log has named before, also when a version is in dispute.
            roster: self.membership.roster().version.max(state.map_or(0, |state| state.roster)),
            created_ms: now_ms,
            kind: Kind::OBJECTS,
            tlp: 0,
            body: None,
            expires_ms: None,
            opening: None,
        }
    }

    fn sign_and_admit(
        &mut self,
        store: &dyn Store,
        header: Header,
        body: Option<Vec<u8>>,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<RecordId, PublishFault> {
        let record = Record::sign(header, self.membership.mesh(), &self.key)?;
        let verified = self.precheck(store, record.signed())?.verify(body)?;
        self.admit(store, verified, now_ms, steps)?;
        Ok(record.id())
    }
}

/// The highest marking, if all of them may go to every member.
fn highest_tlp(objects: &[Object<'_>]) -> Result<Tlp, PublishFault> {
    let mut highest = Tlp::Clear;
    for (at, object) in objects.iter().enumerate() {
        let tlp = object.tlp();
        if tlp > Tlp::Amber {
            return Err(PublishFault::Tlp { position: at + 1, id: object.id().to_owned(), tlp });
        }
        highest = highest.max(tlp);
    }
    Ok(highest)
}
