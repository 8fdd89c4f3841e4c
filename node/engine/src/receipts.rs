//! Receipts: which nodes hold a record, and since when this node knows it, from what they tell of
//! their frontiers.
//!
//! For each log and node the store keeps milestones: "told at this time that it holds all bodies
//! below this place". Of many, every second of the older ones is dropped, so a time is never too early
//! and at worst too late. What a node tells is its own word, and believed for no other purpose.

use std::collections::BTreeMap;

use certmesh_wire::{Audience, Frontier, LogId, MemberCode, NodeId, RecordId};

use crate::commit::Steps;
use crate::engine::Engine;
use crate::layout::{self, LogState};
use crate::limits::RECEIPT_MILESTONES;
use crate::membership::Membership;
use crate::store::{Family, Store, StoreError};
use crate::views;

/// How far a node is in one log, and was before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Milestones(
    /// All bodies below this place, since this time in milliseconds; both rise.
    pub(crate) Vec<(u64, u64)>,
);

impl Milestones {
    /// The node tells that it holds all bodies below `bodies`; whether that is news.
    fn note(&mut self, bodies: u64, now_ms: u64) -> bool {
        let known = self.0.last().map(|(bodies, _)| *bodies);
        if known == Some(bodies) {
            return false;
        }
        // A node that holds less than before has lost it.
        self.0.retain(|(before, _)| *before <= bodies);
        if self.0.last().is_none_or(|(before, _)| *before < bodies) {
            self.0.push((bodies, now_ms));
        }
        if self.0.len() > RECEIPT_MILESTONES {
            let mut at = 0;
            self.0.retain(|_| {
                at += 1;
                at > RECEIPT_MILESTONES / 2 || at % 2 == 0
            });
        }
        true
    }

    /// Since when the node is known to hold the record in this place.
    fn since(&self, seq: u64) -> Option<u64> {
        self.0.iter().find(|(bodies, _)| *bodies > seq).map(|(_, since)| *since)
    }

    fn held(&self) -> u64 {
        self.0.last().map_or(0, |(bodies, _)| *bodies)
    }
}

/// How far a node is behind this one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Records that it lacks, or whose bodies it lacks, as it told last.
    pub records: u64,
    /// When the oldest of them was made by its author's clock, milliseconds since 1970 UTC.
    pub oldest_ms: Option<u64>,
}

impl Lag {
    fn add(&mut self, store: &dyn Store, state: &LogState, held: u64) -> Result<(), StoreError> {
        if held < state.next {
            self.records += state.next - held;
            let oldest = layout::read_record(store, state.number, held)?;
            let oldest = oldest.map(|record| record.header().created_ms);
            self.oldest_ms = self.oldest_ms.into_iter().chain(oldest).min();
        }
        Ok(())
    }
}

/// A record and who is known to hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipts {
    /// The record.
    pub record: RecordId,
    /// Its log.
    pub log: LogId,
    /// Its place there.
    pub seq: u64,
    /// Whose record it is.
    pub member: MemberCode,
    /// The node that signed it.
    pub author: NodeId,
    /// When, by its author's clock; milliseconds since 1970 UTC.
    pub created_ms: u64,
    /// Every other live node that may hold it, and since when it is known to.
    pub holders: BTreeMap<NodeId, Option<u64>>,
}

impl Engine {
    /// Keeps what a node has told of its frontier.
    pub(crate) fn note_receipts(
        &self,
        store: &dyn Store,
        by: NodeId,
        frontier: &Frontier,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<(), StoreError> {
        let Some(member) = self.membership.member_of(by).map(|member| member.code) else { return Ok(()) };
        for (log, state) in &self.logs {
            if !may_hold(&self.membership, *log, member) {
                continue;
            }
            let key = layout::receipt(state.number, &by);
            let mut milestones = read(store, &key)?.unwrap_or_default();
            let Some(bodies) = held(store, state, frontier, *log)? else { continue };
            if milestones.note(bodies, now_ms) {
                steps.put(Family::Control, key, layout::encode_milestones(&milestones));
            }
        }
        Ok(())
    }
}

/// Below which place the node holds all bodies of this node's branch; nothing, if it has another.
fn held(
    store: &dyn Store,
    state: &LogState,
    frontier: &Frontier,
    log: LogId,
) -> Result<Option<u64>, StoreError> {
    let Some(entry) = frontier.log(log) else { return Ok(Some(0)) };
    if entry.next > state.next {
        return Ok(Some(entry.bodies.min(state.next)));
    }
    let Some(last) = entry.next.checked_sub(1) else { return Ok(Some(0)) };
    let here = layout::read_record(store, state.number, last)?;
    Ok(here.filter(|here| here.id() == entry.head).map(|_| entry.bodies))
}

/// A log has lost its end, and nodes may hold another: what they told of that part is no receipt for what
/// comes in its place.
pub(crate) fn trim(store: &dyn Store, number: u32, end: u64, steps: &mut Steps) -> Result<(), StoreError> {
    let prefix = layout::receipts(number);
    let all =
        layout::collect(store, &prefix, |key, value| Ok((key.to_vec(), layout::decode_milestones(value)?)))?;
    for (key, mut milestones) in all {
        let before = milestones.0.len();
        milestones.0.retain(|(bodies, _)| *bodies <= end);
        if milestones.0.len() < before {
            steps.put(Family::Control, key, layout::encode_milestones(&milestones));
        }
    }
    Ok(())
}

fn may_hold(membership: &Membership, log: LogId, member: MemberCode) -> bool {
    membership.log(log).is_some_and(|opening| opening.audience.includes(member))
}

fn read(store: &dyn Store, key: &[u8]) -> Result<Option<Milestones>, StoreError> {
    let value = store.get(Family::Control, key)?;
    value.map(|value| layout::decode_milestones(&value)).transpose()
}

/// How far each other live node is behind; nothing for one that has not told yet. `has_told` knows
/// of nodes that have told before there was anything to keep of it.
pub fn lags(
    store: &dyn Store,
    membership: &Membership,
    me: NodeId,
    has_told: impl Fn(NodeId) -> bool,
) -> Result<BTreeMap<NodeId, Lag>, StoreError> {
    let logs = layout::read_logs(store)?;
    let mut lags = BTreeMap::new();
    for (node, entry) in membership.live_nodes().filter(|(node, _)| *node != me) {
        let (mut lag, mut known) = (Lag::default(), has_told(node));
        for (_, state) in logs.iter().filter(|(log, _)| may_hold(membership, **log, entry.member)) {
            let milestones = read(store, &layout::receipt(state.number, &node))?;
            known |= milestones.is_some();
            lag.add(store, state, milestones.unwrap_or_default().held())?;
        }
        if known {
            lags.insert(node, lag);
        }
    }
    Ok(lags)
}

/// Who holds a record; nothing, if it is not here or does not count.
pub fn receipts(
    store: &dyn Store,
    membership: &Membership,
    me: NodeId,
    record: RecordId,
) -> Result<Option<Receipts>, StoreError> {
    let Some(place) = store.get(Family::Control, &layout::record(&record))? else { return Ok(None) };
    let (number, seq) = layout::decode_place(&place)?;
    let logs = layout::read_logs(store)?;
    let state = logs.iter().find(|(_, state)| state.number == number && seq < state.next);
    let Some((log, opening)) = state.and_then(|(log, _)| Some((*log, membership.log(*log)?))) else {
        return Ok(None);
    };
    let Some(here) = layout::read_record(store, number, seq)?.filter(|here| here.id() == record) else {
        return Ok(None);
    };
    let mut holders = BTreeMap::new();
    for (node, entry) in membership.live_nodes().filter(|(node, _)| *node != me && *node != opening.node) {
        if opening.audience == Audience::All || opening.audience.includes(entry.member) {
            let milestones = read(store, &layout::receipt(number, &node))?;
            holders.insert(node, milestones.and_then(|milestones| milestones.since(seq)));
        }
    }
    let (member, author, created_ms) = (opening.member, opening.node, here.header().created_ms);
    Ok(Some(Receipts { record, log, seq, member, author, created_ms, holders }))
}

/// The records that carry the newest version of an object, of each member whose copies count.
pub fn carriers(store: &dyn Store, id: &str) -> Result<Vec<RecordId>, StoreError> {
    let mut records = Vec::new();
    for (member, publications) in views::newest_publications(store, id)? {
        let own = publications.into_iter().filter(|publication| publication.member == member);
        records.extend(own.map(|publication| publication.record));
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milestones_say_since_when_and_never_too_early() {
        let mut milestones = Milestones::default();
        for n in 1..=1_000_u64 {
            assert!(milestones.note(n, 10 * n));
            assert!(!milestones.note(n, 10 * n + 5), "no news");
        }
        assert!(milestones.0.len() <= RECEIPT_MILESTONES);
        for seq in 0..1_000 {
            assert!(milestones.since(seq).unwrap() >= 10 * (seq + 1), "{seq}");
        }
        assert_eq!(milestones.since(999), Some(10_000));
        assert_eq!(milestones.since(1_000), None);
    }

    #[test]
    fn a_node_that_lost_what_it_held_no_longer_holds_it() {
        let mut milestones = Milestones(vec![(2, 20), (5, 50), (9, 90)]);
        assert!(milestones.note(6, 100));
        assert_eq!(milestones.0, [(2, 20), (5, 50), (6, 100)]);
        assert!(milestones.note(0, 110));
        assert_eq!((milestones.since(0), milestones.held()), (None, 0));
    }
}
