//! The connections between nodes, and what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use crate::chance::Chance;
use crate::plan::Weather;

/// Some nodes that are cut off from the others.
#[derive(Debug)]
struct Cut {
    nodes: BTreeSet<usize>,
    /// What the nodes outside send gets in.
    in_open: bool,
    /// What the nodes inside send gets out.
    out_open: bool,
}

/// All connections.
#[derive(Debug)]
pub(super) struct Links {
    /// Connections that are up, by the lower and the higher node, with the number of each.
    up: BTreeMap<(usize, usize), u64>,
    epochs: u64,
    cuts: BTreeMap<u64, Cut>,
    cut_number: u64,
    pub(super) weather: Weather,
}

fn pair(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

impl Links {
    pub(super) fn new(weather: Weather) -> Self {
        Self { up: BTreeMap::new(), epochs: 0, cuts: BTreeMap::new(), cut_number: 0, weather }
    }

    /// The number of the connection between two nodes, if it is up.
    pub(super) fn epoch(&self, one: usize, other: usize) -> Option<u64> {
        self.up.get(&pair(one, other)).copied()
    }

    /// Connects two nodes; whether they were not connected before.
    pub(super) fn connect(&mut self, one: usize, other: usize) -> bool {
        self.epochs += 1;
        let epoch = self.epochs;
        let mut fresh = false;
        self.up.entry(pair(one, other)).or_insert_with(|| {
            fresh = true;
            epoch
        });
        fresh
    }

    /// Ends a connection; whether there was one.
    pub(super) fn disconnect(&mut self, one: usize, other: usize) -> bool {
        self.up.remove(&pair(one, other)).is_some()
    }

    /// A connection that is up.
    pub(super) fn any(&self, chance: &mut Chance) -> Option<(usize, usize)> {
        if self.up.is_empty() {
            return None;
        }
        self.up.keys().nth(chance.index(self.up.len())).copied()
    }

    /// Cuts nodes off, on both ways or on one; gives the number of the cut.
    pub(super) fn cut(&mut self, nodes: BTreeSet<usize>, (in_open, out_open): (bool, bool)) -> u64 {
        self.cut_number += 1;
        self.cuts.insert(self.cut_number, Cut { nodes, in_open, out_open });
        self.cut_number
    }

    pub(super) fn heal(&mut self, cut: u64) {
        self.cuts.remove(&cut);
    }

    /// Nothing is wrong any more.
    pub(super) fn heal_all(&mut self) {
        self.cuts.clear();
        self.weather = Weather::FAIR;
    }

    /// Whether a message can get from one node to another.
    pub(super) fn is_open(&self, from: usize, to: usize) -> bool {
        self.cuts.values().all(|cut| match (cut.nodes.contains(&from), cut.nodes.contains(&to)) {
            (true, false) => cut.out_open,
            (false, true) => cut.in_open,
            _ => true,
        })
    }
}
