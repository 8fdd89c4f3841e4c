//! What a seed decides before a run begins: how large the mesh is, who breaks the rules and how, and
//! which accidents happen how often. Each run leaves some kinds of accident out altogether, so that
//! the others are seen without them.

use crate::adversary::Trick;
use crate::chance::{Chance, fixed};

/// Members that codes of two letters can name.
const MEMBERS: usize = 676;
/// Nodes of one member, at most: the roster's own limit.
const MEMBER_NODES: usize = 16;
/// The smallest mesh in which two others can confirm where a node's log ends.
pub const FEWEST_NODES: usize = 3;
/// The largest mesh.
pub const MOST_NODES: usize = MEMBERS * MEMBER_NODES;
/// Beyond this many nodes not everyone is connected with everyone.
const FULL_MESH: usize = 16;
/// So many nodes publish at most, and so many members break the rules: all hold everything.
const PUBLISHERS: usize = 32;
const ADVERSARIES: usize = 16;
/// Beyond this many nodes, what one of them wastes is wasted too often.
const WASTE_NODES: usize = 100;
/// The largest mesh whose members change, and the machines that may come to it.
const CHANGING_NODES: usize = 11;
const NEWCOMERS: u64 = 5;
/// The largest mesh of which all nodes but one are replaced.
const LEAVING_NODES: usize = 7;

/// An accident that happens now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A node dies.
    Crash,
    /// A node dies in its next commit, whose frame may be torn.
    CrashInCommit,
    /// A node dies when its next commit is durable, before it tells anyone.
    CrashAfterCommit,
    /// A disk has no room for the next commit.
    FullDisk,
    /// A node is stopped, and started again.
    Stop,
    /// A disk is copied.
    Backup,
    /// A copied disk comes back.
    Restore,
    /// A clock jumps.
    Clock,
    /// Some nodes can't be reached by the others, or can't reach them.
    Partition,
    /// A connection breaks.
    Break,
}

impl Fault {
    /// Whether more nodes have more of it. The others take the whole mesh's time or room.
    fn is_of_one_node(self) -> bool {
        !matches!(self, Self::Partition | Self::Backup | Self::Restore)
    }
}

/// Everything that can happen, and its mean time between two on the whole mesh of eleven, milliseconds.
const FAULTS: [(Fault, u64); 10] = [
    (Fault::Crash, 12_000),
    (Fault::CrashInCommit, 15_000),
    (Fault::CrashAfterCommit, 20_000),
    (Fault::FullDisk, 20_000),
    (Fault::Stop, 15_000),
    (Fault::Backup, 6_000),
    (Fault::Restore, 10_000),
    (Fault::Clock, 10_000),
    (Fault::Partition, 20_000),
    (Fault::Break, 4_000),
];

/// How bad the network is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    /// Messages lost, in a thousand.
    pub(crate) loss: u64,
    /// Messages that come twice, in a thousand.
    pub(crate) duplicates: u64,
    /// The shortest way of a message, milliseconds.
    pub(crate) fastest_ms: u64,
    /// The longest.
    pub(crate) slowest_ms: u64,
}

impl Weather {
    /// Nothing is lost.
    pub(crate) const FAIR: Self = Self { loss: 0, duplicates: 0, fastest_ms: 5, slowest_ms: 60 };
}

/// What is to happen.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// All machines.
    pub(crate) nodes: usize,
    /// Those that are nodes from the beginning; the others may come later.
    pub(crate) founders: usize,
    /// Members from the beginning.
    pub(crate) members: usize,
    /// The number of the member whose machine each is.
    pub(crate) member_of: Vec<usize>,
    /// Mean time between two changes of the membership, milliseconds, if there are any.
    pub(crate) change_ms: Option<u64>,
    /// A node that is away while all others are replaced.
    pub(crate) left_behind: Option<usize>,
    /// The tricks of each node; none, if it keeps the rules.
    pub(crate) tricks: Vec<Vec<Trick>>,
    /// For each node, those that it is connected with when nothing is broken.
    pub(crate) neighbours: Vec<Vec<usize>>,
    /// Nodes that publish, if they keep the rules.
    pub(crate) publishers: Vec<usize>,
    /// How long the accidents go on, milliseconds.
    pub(crate) stormy_ms: u64,
    /// Mean time between two publications of one node, milliseconds.
    pub(crate) publish_ms: u64,
    /// Objects of one publication, at most.
    pub(crate) batch: u64,
    pub(crate) weather: Weather,
    /// Accidents with their mean times between two, milliseconds.
    pub(crate) faults: Vec<(Fault, u64)>,
}

impl Plan {
    /// The plan of a run with so many nodes.
    pub(crate) fn new(seed: u64, nodes: usize) -> Self {
        let mut plan = Self::unchanging(seed, nodes);
        // A stream of its own: the other runs are as they would be without.
        let mut chance = Chance::seeded(fixed(&[seed, nodes as u64, 0xc4a9e]));
        if nodes <= CHANGING_NODES && chance.hits(400) {
            plan.let_change(&mut chance);
        }
        plan
    }

    fn unchanging(seed: u64, nodes: usize) -> Self {
        let mut chance = Chance::seeded(fixed(&[seed, nodes as u64]));
        let members = members(nodes, &mut chance);
        let tricks = deal_tricks(nodes, members, &mut chance);
        let neighbours = neighbours(&tricks, &mut chance);
        let honest = (0..nodes).filter(|node| tricks[*node].is_empty());
        let publishers = honest.take(PUBLISHERS).collect();
        let large = nodes > FULL_MESH;
        let slowest_ms = if chance.hits(300) { 4_000 } else { 300 };
        let weather = Weather {
            loss: if chance.hits(700) { chance.below(250) } else { 0 },
            duplicates: if chance.hits(500) { chance.below(300) } else { 0 },
            fastest_ms: chance.between(1, 30),
            slowest_ms: chance.between(30, slowest_ms),
        };
        let mut faults: Vec<_> = FAULTS.into_iter().filter(|_| chance.hits(700)).collect();
        for (fault, mean_ms) in &mut faults {
            *mean_ms = *mean_ms * chance.between(50, 300) / 100;
            if fault.is_of_one_node() {
                *mean_ms = (*mean_ms * 11 / nodes as u64).max(50);
            }
        }
        Self {
            seed,
            nodes,
            founders: nodes,
            members,
            member_of: (0..nodes).map(|node| node % members).collect(),
            change_ms: None,
            left_behind: None,
            tricks,
            neighbours,
            publishers,
            stormy_ms: if large { 30_000 } else { chance.between(30_000, 120_000) },
            publish_ms: if large { 10_000 } else { chance.between(1_500, 12_000) },
            batch: chance.between(1, 6),
            weather,
            faults,
        }
    }

    /// Members and nodes come and go.
    fn let_change(&mut self, chance: &mut Chance) {
        self.change_ms = Some(chance.between(2_000, 12_000));
        let all_honest = self.tricks.iter().all(Vec::is_empty);
        if all_honest && self.founders <= LEAVING_NODES && chance.hits(300) {
            let stays = chance.index(self.founders);
            self.left_behind = Some(stays);
            let others = (0..self.founders).filter(|node| *node != stays);
            self.member_of.extend(others.map(|node| node % self.members));
        } else {
            self.add_machines(chance);
        }
        self.nodes = self.member_of.len();
        self.tricks.resize(self.nodes, Vec::new());
        self.neighbours = neighbours(&self.tricks, chance);
    }

    /// Of the machines that may come some are further nodes of members that keep the rules, the others are the first
    /// ones of members that may join.
    fn add_machines(&mut self, chance: &mut Chance) {
        let honest: Vec<_> = (0..self.founders).filter(|node| self.is_honest(*node)).collect();
        let mut joining = self.members;
        for _ in 0..chance.between(1, NEWCOMERS) {
            let host = chance.pick(&honest).filter(|_| chance.hits(600));
            self.member_of.push(host.map_or(joining, |node| self.member_of[node]));
            joining += usize::from(host.is_none());
        }
    }

    /// Whether a node keeps the rules.
    pub(crate) fn is_honest(&self, node: usize) -> bool {
        self.tricks[node].is_empty()
    }
}

/// How many members share the nodes. Three at least, as two others have to confirm a log's end.
fn members(nodes: usize, chance: &mut Chance) -> usize {
    let most = nodes.min(MEMBERS);
    let fewest = nodes.div_ceil(MEMBER_NODES).max(FEWEST_NODES);
    if chance.hits(800) { most } else { chance.between((most / 2).max(fewest) as u64, most as u64) as usize }
}

/// Tricks for the nodes of fewer than a third of the members.
fn deal_tricks(nodes: usize, members: usize, chance: &mut Chance) -> Vec<Vec<Trick>> {
    let bad = (chance.below((members as u64 - 1) / 3 + 1) as usize).min(ADVERSARIES);
    let first = chance.index(members);
    // Two others confirm where a log ends: no more than one may lie about that.
    let liar = (first + chance.index(bad.max(1))) % members;
    let mut tricks = vec![Vec::new(); nodes];
    for (node, tricks) in tricks.iter_mut().enumerate() {
        let member = node % members;
        if (member + members - first) % members < bad {
            *tricks = Trick::some(member == liar && node < members, nodes > WASTE_NODES, chance);
        }
    }
    tricks
}

/// Everyone with everyone in a small mesh. In a large one each with a few, and the honest ones in a ring,
/// so that none depends on those who break the rules.
fn neighbours(tricks: &[Vec<Trick>], chance: &mut Chance) -> Vec<Vec<usize>> {
    let nodes = tricks.len();
    let mut links = std::collections::BTreeSet::new();
    if nodes <= FULL_MESH {
        links.extend((0..nodes).flat_map(|one| (0..one).map(move |other| (other, one))));
    } else {
        let honest: Vec<_> = (0..nodes).filter(|node| tricks[*node].is_empty()).collect();
        for at in 0..honest.len() {
            let (one, other) = (honest[at], honest[(at + 1) % honest.len()]);
            links.insert((one.min(other), one.max(other)));
        }
        for one in 0..nodes {
            for _ in 0..3 {
                let other = chance.index(nodes);
                if other != one {
                    links.insert((one.min(other), one.max(other)));
                }
            }
        }
    }
    let mut neighbours = vec![Vec::new(); nodes];
    for (one, other) in links {
        neighbours[one].push(other);
        neighbours[other].push(one);
    }
    neighbours
}
