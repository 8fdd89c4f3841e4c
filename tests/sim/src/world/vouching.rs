//! Members settle the forks of their logs: each vouches for a place on one of the branches, the renewed
//! manifests travel from node to node or come as files, and the vouched branch must return on every honest
//! node.

use std::collections::BTreeSet;
use std::sync::Arc;

use certmesh_engine::Document;
use certmesh_wire::{Checkpoint, LogId, Record, RecordId, SignedManifest, sha256};

use super::World;
use super::events::Event;
use crate::reading;
use crate::violation::Violation;

/// Beyond this many nodes, documents come as files: what is kept of them stands on every disk.
const LIVE_NODES: usize = 100;
/// All nodes are restarted within this time, milliseconds.
const RESTARTS_MS: u64 = 20_000;

impl World {
    /// Renews the manifests of members whose logs are forked, and of some whose logs are not, and lets one
    /// node have them. Gives the time until which restarts go on; nothing, if there is nothing to settle.
    pub(super) fn vouch(&mut self) -> Option<u64> {
        let mut checkpoints = Vec::new();
        for node in 0..self.plan.nodes {
            let at = match self.honest[node] {
                _ if !self.is_live(node) => None,
                true if self.chance.hits(100) => self.own_checkpoint(node),
                true => None,
                false => self.choose_checkpoint(self.log_of(node)),
            };
            checkpoints.extend(at.map(|at| (node, at)));
        }
        if checkpoints.iter().all(|(node, _)| self.honest[*node]) {
            return None;
        }
        self.watch.tally.add_many("forks settled by checkpoints", checkpoints.len() as u64);
        let codes: BTreeSet<_> = checkpoints.iter().map(|(node, _)| self.founding.code_of(*node)).collect();
        self.vouched = checkpoints.into_iter().map(|(_, at)| at).collect();
        let vouched = self.vouched.clone();
        let manifests: Vec<_> = codes.into_iter().map(|code| self.vouch_for(code, &vouched)).collect();
        self.hand_out(&manifests);
        Some(self.watch.now + RESTARTS_MS + 5_000)
    }

    /// The manifests come to one node, by its operator's hand, and travel from there; or as files to all
    /// nodes, which are restarted. Now and then some are restarted in the first case too.
    fn hand_out(&mut self, manifests: &[SignedManifest]) {
        let by_files = self.plan.nodes > LIVE_NODES || self.chance.hits(300);
        let restarts = if by_files { 1_000 } else { self.chance.below(400) };
        let renewed = by_files.then(|| self.council.bundle());
        for node in 0..self.plan.nodes {
            if let Some(renewed) = &renewed {
                self.nodes[node].files = Arc::clone(renewed);
            }
            if self.chance.hits(restarts) {
                // In a large mesh all are down before the first comes back: none learns of them live.
                let within_ms = if self.plan.nodes > LIVE_NODES { 500 } else { RESTARTS_MS };
                let at_ms = self.watch.now + self.chance.below(within_ms);
                self.queue.put(at_ms, Event::Restart { node });
            }
        }
        if !by_files {
            let honest = self.honest_nodes();
            let node = honest[self.chance.index(honest.len())];
            let documents = manifests.iter().cloned().map(Document::Manifest).collect();
            self.queue.put(self.watch.now, Event::Hand { node, documents });
        }
    }

    /// A place of an honest node's own log: it changes nothing.
    fn own_checkpoint(&mut self, node: usize) -> Option<Checkpoint> {
        let (disk, log) = (&self.nodes[node].disk, self.log_of(node));
        let state = reading::logs(disk).get(&log).cloned().filter(|state| state.next > 0)?;
        let seq = self.chance.below(state.next);
        let record = RecordId(sha256(&[&reading::record(disk, state.number, seq)?]));
        Some(Checkpoint { log, seq, record })
    }

    /// A place beyond the end of a disputed log, on a branch that some honest node has on its disk.
    fn choose_checkpoint(&mut self, log: LogId) -> Option<Checkpoint> {
        let honest = self.honest_nodes();
        let first = self.chance.index(honest.len());
        let mut nodes = honest.iter().cycle().skip(first).take(honest.len());
        let branch = nodes.find_map(|node| {
            let branch = self.disputed_branch(*node, log);
            (!branch.is_empty()).then_some(branch)
        })?;
        let (seq, record) = branch[self.chance.index(branch.len())];
        Some(Checkpoint { log, seq, record })
    }

    /// The chain that goes on beyond a log's end on this node's disk.
    fn disputed_branch(&self, node: usize, log: LogId) -> Vec<(u64, RecordId)> {
        let disk = &self.nodes[node].disk;
        let Some(state) = reading::logs(disk).get(&log).cloned() else { return Vec::new() };
        let mut branch = Vec::new();
        let mut head = (state.next > 0).then_some(state.head);
        for seq in state.next.. {
            let record =
                reading::record(disk, state.number, seq).and_then(|signed| Record::decode(&signed).ok());
            let Some(record) = record.filter(|record| record.header().prev == head) else { break };
            head = Some(record.id());
            branch.push((seq, record.id()));
        }
        branch
    }

    /// Every vouched record is valid again on every honest node.
    pub(super) fn check_vouched(&mut self) -> Result<(), Violation> {
        for node in self.honest_nodes() {
            let disk = &self.nodes[node].disk;
            for at in &self.vouched {
                let next = reading::logs(disk).get(&at.log).map_or(0, |state| state.next);
                let here = reading::record_of(disk, at.log, at.seq).map(|signed| sha256(&[&signed]));
                if next <= at.seq || here != Some(at.record.0) {
                    let what =
                        format!("log {} ends at {next}, its member vouches for seq {}", at.log, at.seq);
                    return Err(self.watch.violation(node, "a checkpoint brings its branch back", what));
                }
            }
        }
        Ok(())
    }
}
