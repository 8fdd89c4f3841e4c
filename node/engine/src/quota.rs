//! Quotas: how fast an author's records and a peer's faults may come. They delay; they never decide
//! whether a record is valid.
//!
//! An author is charged for what its own member's nodes bring: what another member holds has been
//! charged there, and is backlog. And it is held to its rate only while others have something to say:
//! in a quiet mesh a large import goes as fast as it can. What is put off comes by sync, later.

use std::collections::BTreeMap;

use certmesh_wire::{MemberCode, NodeId};

use crate::limits::{
    AUTHOR_BYTES, AUTHOR_BYTES_BURST, GOSSIP_RECORDS, GOSSIP_RECORDS_BURST, LIVE_MS, PEER_FAULTS,
    PEER_FAULTS_BURST, PULL_RECORDS, PULL_RECORDS_BURST,
};

/// Where a record comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A node has gossiped it, unasked.
    Gossip(NodeId),
    /// A node has given it when it was asked.
    Pull(NodeId),
}

impl Origin {
    /// The node.
    pub fn node(self) -> NodeId {
        match self {
            Self::Gossip(node) | Self::Pull(node) => node,
        }
    }
}

/// Units that run out when they are used faster than they come back.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Thousandths of a unit.
    level: u64,
    at_ms: u64,
}

impl Bucket {
    fn full(burst: u64, now_ms: u64) -> Self {
        Self { level: burst * 1_000, at_ms: now_ms }
    }

    /// `rate` units a second come back, up to `burst`. A clock that jumps back stands still here.
    fn refill(&mut self, rate: u64, burst: u64, now_ms: u64) {
        let back = now_ms.saturating_sub(self.at_ms).saturating_mul(rate);
        self.level = self.level.saturating_add(back).min(burst * 1_000);
        self.at_ms = now_ms;
    }

    fn is_empty(&self) -> bool {
        self.level == 0
    }

    /// What is not there to be taken is not owed.
    fn take(&mut self, units: u64) {
        self.level = self.level.saturating_sub(units.saturating_mul(1_000));
    }
}

#[derive(Debug, Clone, Copy)]
struct Rate {
    gossip: Bucket,
    pulls: Bucket,
    bytes: Bucket,
}

impl Rate {
    fn full(now_ms: u64) -> Self {
        Self {
            gossip: Bucket::full(GOSSIP_RECORDS_BURST, now_ms),
            pulls: Bucket::full(PULL_RECORDS_BURST, now_ms),
            bytes: Bucket::full(AUTHOR_BYTES_BURST, now_ms),
        }
    }

    /// Takes a record of this many bytes; whether there was room for it.
    fn take(&mut self, origin: Origin, bytes: u64, now_ms: u64) -> bool {
        let records = match origin {
            Origin::Gossip(_) => {
                self.gossip.refill(GOSSIP_RECORDS, GOSSIP_RECORDS_BURST, now_ms);
                &mut self.gossip
            }
            Origin::Pull(_) => {
                self.pulls.refill(PULL_RECORDS, PULL_RECORDS_BURST, now_ms);
                &mut self.pulls
            }
        };
        self.bytes.refill(AUTHOR_BYTES, AUTHOR_BYTES_BURST, now_ms);
        if records.is_empty() || self.bytes.is_empty() {
            return false;
        }
        records.take(1);
        self.bytes.take(bytes);
        true
    }
}

/// What authors and peers have used of theirs.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    authors: BTreeMap<MemberCode, Rate>,
    /// When each author's record came last by gossip, or by this node's own analysts.
    live: BTreeMap<MemberCode, u64>,
    faults: BTreeMap<NodeId, Bucket>,
    own_gossip: Option<Bucket>,
}

impl Quotas {
    /// Whether a record of this author, which its own member's node brings, may be taken now.
    pub(crate) fn admit(&mut self, author: MemberCode, origin: Origin, bytes: u64, now_ms: u64) -> bool {
        let rate = self.authors.entry(author).or_insert_with(|| Rate::full(now_ms));
        let within = rate.take(origin, bytes, now_ms);
        within || !self.others_live(author, now_ms)
    }

    /// A record of this author has come live.
    pub(crate) fn note_live(&mut self, author: MemberCode, now_ms: u64) {
        self.live.insert(author, now_ms);
    }

    fn others_live(&self, author: MemberCode, now_ms: u64) -> bool {
        self.live.iter().any(|(member, at_ms)| *member != author && now_ms.abs_diff(*at_ms) <= LIVE_MS)
    }

    /// Whether this node may gossip a record of its own: faster than others take it would be a fault. Half
    /// of what they take leaves room for what waits on its way and then comes at once.
    pub(crate) fn gossip_own(&mut self, now_ms: u64) -> bool {
        let burst = GOSSIP_RECORDS_BURST / 2;
        let bucket = self.own_gossip.get_or_insert_with(|| Bucket::full(burst, now_ms));
        bucket.refill(GOSSIP_RECORDS / 2, burst, now_ms);
        let may = !bucket.is_empty();
        bucket.take(1);
        may
    }

    /// A peer has sent, unasked, what can't be taken; whether it does so too often to be kept. Too much
    /// of what is right weighs a quarter of what is wrong: an honest node may be late with a burst.
    pub(crate) fn blame(&mut self, peer: NodeId, is_wrong: bool, now_ms: u64) -> bool {
        let bucket = self.faults.entry(peer).or_insert_with(|| Bucket::full(PEER_FAULTS_BURST, now_ms));
        bucket.refill(PEER_FAULTS, PEER_FAULTS_BURST, now_ms);
        bucket.take(if is_wrong { 4 } else { 1 });
        let over = bucket.is_empty();
        if over {
            // After its rest it begins anew.
            self.faults.remove(&peer);
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOSSIP: Origin = Origin::Gossip(NodeId([7; 32]));
    const PULL: Origin = Origin::Pull(NodeId([7; 32]));

    fn taken(quotas: &mut Quotas, author: &str, tries: u64, now_ms: u64) -> u64 {
        let author = author.parse().unwrap();
        (0..tries).filter(|_| quotas.admit(author, GOSSIP, 100, now_ms)).count() as u64
    }

    #[test]
    fn a_flood_is_held_to_its_rate_while_others_speak() {
        let mut quotas = Quotas::default();
        assert_eq!(taken(&mut quotas, "SG", 100_000, 0), 100_000, "nobody else has anything to say");
        quotas.note_live("MY".parse().unwrap(), 0);
        assert_eq!(taken(&mut quotas, "SG", 100_000, 1_000), GOSSIP_RECORDS);
        assert_eq!(taken(&mut quotas, "SG", 100_000, 3_000), 2 * GOSSIP_RECORDS);
        assert_eq!(taken(&mut quotas, "VN", 100, 3_000), 100, "another author has a rate of its own");
        assert_eq!(taken(&mut quotas, "SG", 100_000, 4_000_000), 100_000, "quiet again");
    }

    #[test]
    fn its_own_records_are_no_reason_to_hold_an_author_back() {
        let mut quotas = Quotas::default();
        quotas.note_live("SG".parse().unwrap(), 0);
        assert_eq!(taken(&mut quotas, "SG", 10_000, 0), 10_000);
    }

    #[test]
    fn few_large_records_count_by_their_bytes() {
        let mut quotas = Quotas::default();
        quotas.note_live("MY".parse().unwrap(), 0);
        let size = 8 * 1024 * 1024;
        let sg = "SG".parse().unwrap();
        let taken = (0..100).filter(|_| quotas.admit(sg, PULL, size, 0)).count() as u64;
        assert_eq!(taken, AUTHOR_BYTES_BURST.div_ceil(size));
    }

    #[test]
    fn a_clock_that_jumps_gives_no_more_than_a_burst() {
        let mut quotas = Quotas::default();
        quotas.note_live("MY".parse().unwrap(), u64::MAX);
        taken(&mut quotas, "SG", 100_000, 0);
        quotas.note_live("MY".parse().unwrap(), u64::MAX);
        assert_eq!(taken(&mut quotas, "SG", 100_000, u64::MAX), GOSSIP_RECORDS_BURST);
    }

    #[test]
    fn faults_are_forgiven_with_time_and_not_in_a_row() {
        let (mut quotas, peer) = (Quotas::default(), NodeId([1; 32]));
        let in_a_row = (0..PEER_FAULTS_BURST).filter(|_| quotas.blame(peer, false, 0)).count();
        assert_eq!(in_a_row, 1);
        let wrong = (0..PEER_FAULTS_BURST).filter(|_| quotas.blame(peer, true, 0)).count();
        assert_eq!(wrong, 4);
        let slowly = (0..1_000).filter(|n| quotas.blame(peer, true, n * 1_000)).count();
        assert_eq!(slowly, 0);
    }
}
