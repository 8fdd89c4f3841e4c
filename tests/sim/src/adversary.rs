//! A node that breaks the rules. It runs the real engine on a disk of its own, so that it knows what an
//! honest node knows; its own log it writes by hand, and what it tells others it bends.

mod acting;
mod answering;
mod pen;

use crate::chance::{Chance, fixed};
pub(crate) use acting::Scene;
pub(crate) use pen::{Pen, sign_next};

/// A way of breaking the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trick {
    /// Signs two records for one place, and continues both, for different peers.
    Equivocate,
    /// Gives bodies to some peers only, or to none.
    WithholdBodies,
    /// Gives records to some peers only.
    WithholdRecords,
    /// Claims logs to be longer than they are.
    Overstate,
    /// Claims logs to be shorter than they are, or the same as the asker's.
    Understate,
    /// Claims that logs end with other records.
    WrongHeads,
    /// Claims forks that are none, and sends proofs that prove nothing.
    InventForks,
    /// Claims logs that there are not.
    InventLogs,
    /// Sends bodies that are not the ones that were asked for.
    WrongBodies,
    /// Answers with bytes that mean nothing, or with answers to other questions.
    Malformed,
    /// Sends records that were signed for another mesh, its own and others'.
    OtherMesh,
    /// Signs records of others' logs with its own key.
    Forge,
    /// Answers late.
    Slow,
    /// Does not answer at all, now and then.
    Silent,
    /// Publishes more than others take.
    Flood,
    /// Gossips what is no record.
    Garbage,
    /// Sends large records without their predecessors.
    Hoard,
    /// Publishes bodies that hold no objects.
    Void,
    /// Publishes two texts of one object with one time.
    Twins,
}

impl Trick {
    const ALL: [Self; 19] = [
        Self::Equivocate,
        Self::WithholdBodies,
        Self::WithholdRecords,
        Self::Overstate,
        Self::Understate,
        Self::WrongHeads,
        Self::InventForks,
        Self::InventLogs,
        Self::WrongBodies,
        Self::Malformed,
        Self::OtherMesh,
        Self::Forge,
        Self::Slow,
        Self::Silent,
        Self::Flood,
        Self::Garbage,
        Self::Hoard,
        Self::Void,
        Self::Twins,
    ];

    /// One to five of them; `may_understate` if nobody else does; none that take much room, if it is scarce.
    pub(crate) fn some(may_understate: bool, is_scarce: bool, chance: &mut Chance) -> Vec<Self> {
        let mut tricks: Vec<_> = (0..chance.between(1, 5)).map(|_| Self::ALL[chance.index(19)]).collect();
        // The one that everything else hangs on.
        if chance.hits(400) {
            tricks.push(Self::Equivocate);
        }
        tricks.retain(|trick| match trick {
            Self::Understate => may_understate,
            Self::Flood | Self::Hoard => !is_scarce,
            _ => true,
        });
        tricks.sort_unstable();
        tricks.dedup();
        if tricks.is_empty() { vec![Self::Equivocate] } else { tricks }
    }
}

/// A node that breaks the rules.
#[derive(Debug)]
pub(crate) struct Adversary {
    seed: u64,
    node: usize,
    tricks: Vec<Trick>,
    pen: Pen,
    chance: Chance,
    hoarded: bool,
    flooded: bool,
}

impl Adversary {
    pub(crate) fn new(seed: u64, node: usize, tricks: Vec<Trick>, pen: Pen) -> Self {
        let chance = Chance::seeded(fixed(&[seed, node as u64, 0xbad]));
        Self { seed, node, tricks, pen, chance, hoarded: false, flooded: false }
    }

    fn has(&self, trick: Trick) -> bool {
        self.tricks.contains(&trick)
    }

    /// Which branch of its own log a peer is shown: always the same one of those that there are.
    fn branch_for(&self, peer: usize) -> usize {
        let choice = fixed(&[self.seed, self.node as u64, peer as u64]);
        (choice % self.pen.branches().max(1) as u64) as usize
    }

    /// Whether a peer gets what stands in this place of its own log: decided once and for all.
    fn gives(&self, withholding: Trick, peer: usize, seq: u64) -> bool {
        if !self.has(withholding) {
            return true;
        }
        let nobody = fixed(&[self.seed, self.node as u64, seq, withholding as u64]).is_multiple_of(3);
        !nobody
            && fixed(&[self.seed, self.node as u64, peer as u64, seq, withholding as u64]).is_multiple_of(3)
    }
}
