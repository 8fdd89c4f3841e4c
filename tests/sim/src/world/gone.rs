//! The logs of nodes that are in use no more: where they end, and what of them cannot be lost any more.
//!
//! Whatever such a node alone has on its disk may never come to anybody, since nobody is connected with it. What
//! another honest node has that stays, all have in the end, up to where the log was cut off.

use std::collections::BTreeSet;

use certmesh_wire::{Checkpoint, LogId, RecordId, sha256};

use super::World;
use crate::reading;
use crate::violation::Violation;

/// Where a log ends whose node is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogEnd {
    /// Wherever it does.
    Open,
    /// At this place, and before its opening if there is none.
    Cut(Option<Checkpoint>),
}

/// The log of a node that is gone.
#[derive(Debug)]
pub(super) struct Gone {
    node: usize,
    log: LogId,
    end: LogEnd,
    /// The records that all have in the end, from the opening on.
    owed: Vec<RecordId>,
    /// The places whose bodies they have, too.
    bodies: BTreeSet<u64>,
}

impl World {
    /// A node is in use no more, by what the members have just decided.
    pub(super) fn remove(&mut self, node: usize, end: LogEnd) {
        let (log, owed, bodies) = (self.log_of(node), Vec::new(), BTreeSet::new());
        self.gone.retain(|gone| gone.log != log);
        self.gone.push(Gone { node, log, end, owed, bodies });
        self.nodes[node].recovering = false;
        self.reckon();
    }

    /// Works out again what is owed of each log whose node is gone: what has left with the last node that had it
    /// is owed no more.
    fn reckon(&mut self) {
        let honest = self.honest_nodes();
        for at in 0..self.gone.len() {
            let held: Vec<_> = honest.iter().map(|node| self.chain(*node, &self.gone[at])).collect();
            let bodies = held.iter().flat_map(|(_, bodies)| bodies).copied().collect();
            let owed = held.into_iter().map(|(records, _)| records).max_by_key(Vec::len).unwrap_or_default();
            (self.gone[at].owed, self.gone[at].bodies) = (owed, bodies);
        }
    }

    /// What a node's disk has of such a log, as far as it counts: the records, and the places of the bodies.
    fn chain(&self, node: usize, gone: &Gone) -> (Vec<RecordId>, BTreeSet<u64>) {
        let disk = &self.nodes[node].disk;
        let Some(state) = reading::logs(disk).get(&gone.log).cloned() else { return Default::default() };
        let next = match gone.end {
            LogEnd::Open => state.next,
            LogEnd::Cut(at) => state.next.min(at.map_or(0, |at| at.seq + 1)),
        };
        let record = |seq| RecordId(sha256(&[&reading::record(disk, state.number, seq).unwrap_or_default()]));
        let records: Vec<_> = (0..next).map(record).collect();
        if let LogEnd::Cut(Some(at)) = gone.end
            && self.watch.honest_author(gone.log).is_none()
            && records.get(at.seq as usize) != Some(&at.record)
        {
            // It may be another branch than the one that counts.
            return Default::default();
        }
        let bodies = (0..next).filter(|seq| reading::body(disk, state.number, *seq).is_some()).collect();
        (records, bodies)
    }

    /// Whether all honest nodes have the same of every log whose node is gone: none of them is the last one to
    /// have something.
    pub(super) fn are_gone_logs_everywhere(&self) -> bool {
        let held =
            |node: &usize| -> Vec<_> { self.gone.iter().map(|gone| self.chain(*node, gone)).collect() };
        let mut honest = self.honest_nodes().into_iter();
        let first = honest.next().map(|node| held(&node));
        honest.all(|node| Some(held(&node)) == first)
    }

    /// Whether the node that writes this log is gone.
    pub(super) fn whose_is_gone(&self, log: LogId) -> bool {
        self.gone.iter().any(|gone| gone.log == log)
    }

    /// Whether a body that is missing on all nodes has been lost with its author's disk.
    pub(super) fn may_lack_body(&self, log: LogId, seq: u64) -> bool {
        self.gone.iter().any(|gone| gone.log == log && !gone.bodies.contains(&seq))
    }

    /// Whether what this node has acknowledged is told by what is owed of its log.
    pub(super) fn is_gone(&self, node: usize) -> bool {
        self.gone.iter().any(|gone| gone.node == node)
    }

    /// A node has all that is owed of the logs whose nodes are gone, and nothing that was cut off.
    pub(super) fn check_gone(&self, node: usize) -> Result<(), Violation> {
        let disk = &self.nodes[node].disk;
        let logs = reading::logs(disk);
        for gone in &self.gone {
            let (log, next) = (gone.log, logs.get(&gone.log).map_or(0, |state| state.next));
            let most = match gone.end {
                LogEnd::Open => u64::MAX,
                LogEnd::Cut(at) => at.map_or(0, |at| at.seq + 1),
            };
            if next > most {
                let what = format!("log {log} of node {} ends at {next}, and is cut at {most}", gone.node);
                return Err(self.watch.violation(node, "what is cut off is gone everywhere", what));
            }
            let lacks = |(seq, id): (usize, &RecordId)| {
                let here = reading::record_of(disk, log, seq as u64).map(|signed| sha256(&[&signed]));
                seq as u64 >= next || here != Some(id.0)
            };
            if let Some(seq) = gone.owed.iter().enumerate().position(lacks) {
                let what =
                    format!("seq {seq} of log {log} of node {}, which is gone, is not here", gone.node);
                return Err(self.watch.violation(
                    node,
                    "what honest nodes publish reaches all of them",
                    what,
                ));
            }
        }
        Ok(())
    }
}
