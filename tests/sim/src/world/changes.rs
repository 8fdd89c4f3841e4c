//! Members and nodes come and go while everything else goes on: the members decide, and what they sign comes to
//! nodes by their operators' hands, in any order, at several of them or at none before the calm.

use std::collections::BTreeSet;

use certmesh_engine::Document;
use certmesh_wire::{Checkpoint, MemberCode, NodeEntry, NodeState, RecordId, SignedManifest, sha256};

use super::World;
use super::events::Event;
use super::gone::LogEnd;
use crate::council;
use crate::reading;
use crate::violation::Violation;

/// How long a document is on its way to an operator, at most, milliseconds.
const HANDED_MS: u64 = 8_000;
/// How soon a machine starts that its member has just named, at most, milliseconds.
const FRESH_MS: u64 = 6_000;
/// Members with a node of their own that there always are: two others have to confirm where a log ends, and
/// one of them may lie.
const FEWEST_MEMBERS: usize = 4;
/// How long a node is away, milliseconds.
const AWAY_MS: (u64, u64) = (15_000, 60_000);

impl World {
    /// The members decide something, and the next change is arranged.
    pub(super) fn change(&mut self, mean_ms: u64) -> Result<(), Violation> {
        if !self.stormy {
            return Ok(());
        }
        let after_ms = self.chance.around(mean_ms);
        self.queue.put(self.watch.now + after_ms, Event::Change { mean_ms });
        let honest = self.honest_nodes();
        let node = honest[self.chance.index(honest.len())];
        let of = self.founding.code_of(node);
        match self.chance.below(12) {
            0 => self.join(),
            1 => self.expel(),
            2 => self.rekey(of),
            3 => self.replace(of, None),
            4 => self.replace(of, Some(node)),
            5 if self.may_lose(node) => self.lose_key(node),
            6 | 7 if self.frozen.is_some() => self.settle_rosters(),
            6 => self.contradict_rosters(of),
            7 => self.outvote(of),
            8 => self.contradict_manifests(of),
            9 => self.sign_with_old_key(of),
            10 => self.forge(of),
            _ => {
                let away_ms = self.chance.between(AWAY_MS.0, AWAY_MS.1);
                self.switch_off(node, away_ms)?;
            }
        }
        Ok(())
    }

    /// A document comes to some nodes that keep the rules, or to none before the calm.
    pub(super) fn submit(&mut self, document: Document) {
        let honest = self.honest_nodes();
        for _ in 0..self.chance.below(4) {
            let node = honest[self.chance.index(honest.len())];
            let at_ms = self.watch.now + self.chance.below(HANDED_MS);
            self.queue.put(at_ms, Event::Hand { node, documents: vec![document.clone()] });
        }
    }

    /// A machine becomes a node: it finds everything that was signed so far in its files.
    pub(super) fn begin_machine(&mut self, node: usize) {
        self.watch.tally.add("machines that came");
        self.nodes[node].files = self.council.bundle();
        let at_ms = self.watch.now + self.chance.below(FRESH_MS);
        self.queue.put(at_ms, Event::Start { node });
        self.queue.put(at_ms + self.chance.around(self.plan.publish_ms), Event::Publish { node });
    }

    pub(super) fn live_entry(&self, node: usize) -> NodeEntry {
        self.founding.entry(self.council.mesh(), node, NodeState::Live, Vec::new())
    }

    /// A machine of this member's that nobody has named yet.
    pub(super) fn spare_of(&self, of: MemberCode) -> Option<usize> {
        let mut own = (self.plan.founders..self.plan.nodes).filter(|node| self.founding.code_of(*node) == of);
        own.find(|node| !self.is_named(*node))
    }

    /// The members that have a node in use.
    fn members_with_nodes(&self) -> BTreeSet<MemberCode> {
        let live = (0..self.plan.nodes).filter(|node| self.is_live(*node));
        live.map(|node| self.founding.code_of(node)).collect()
    }

    /// Whether a node may go, by itself: its member has another one, or is one of many.
    fn may_lose(&self, node: usize) -> bool {
        let of = self.founding.code_of(node);
        let others = (0..self.plan.nodes).filter(|other| *other != node && self.is_live(*other));
        let has_another =
            self.spare_of(of).is_some() || others.into_iter().any(|other| self.founding.code_of(other) == of);
        let is_well = !self.nodes[node].recovering && !self.stolen.contains(&node);
        is_well && (has_another || self.members_with_nodes().len() > FEWEST_MEMBERS)
    }

    /// Whether a member may go: enough others stay, and few enough of them break the rules.
    pub(super) fn may_leave(&self, of: MemberCode) -> bool {
        let members = self.members_with_nodes();
        let breaks = |code: &&MemberCode| {
            let mut nodes = self.founding.nodes_of(**code, self.plan.nodes);
            nodes.any(|node| !self.honest[node])
        };
        let bad = members.iter().filter(|code| **code != of).filter(breaks).count();
        members.contains(&of) && members.len() > FEWEST_MEMBERS && 3 * bad < members.len() - 1
    }

    /// Where a log ends as some other honest node has it, or a place before that.
    pub(super) fn end_of_log(&mut self, node: usize) -> Option<Checkpoint> {
        let others: Vec<_> = self.honest_nodes().into_iter().filter(|other| *other != node).collect();
        let seen_by = self.chance.pick(&others)?;
        let (disk, log) = (&self.nodes[seen_by].disk, self.log_of(node));
        let state = reading::logs(disk).get(&log).cloned().filter(|state| state.next > 0)?;
        let back = if self.chance.hits(300) { self.chance.below(state.next) } else { 0 };
        let seq = state.next - 1 - back;
        let record = RecordId(sha256(&[&reading::record(disk, state.number, seq)?]));
        Some(Checkpoint { log, seq, record })
    }

    /// Somebody joins, with a first manifest and a machine.
    fn join(&mut self) {
        let members = self.council.members();
        let is_new = |node: &usize| {
            let of = self.founding.code_of(*node);
            !members.contains(&of) && self.council.manifest(of).is_none()
        };
        let Some(node) = (self.plan.founders..self.plan.nodes).find(is_new) else { return };
        if self.frozen.is_some() {
            return;
        }
        let of = self.founding.code_of(node);
        let (root, votes) = (self.council.next_root(of), self.votes());
        let roster = self.council.propose(0, votes, |roster| council::add(roster, of, &root));
        self.council.change_root(of);
        self.watch.tally.add("members that joined");
        let roster = self.council.pass(roster);
        let entry = self.live_entry(node);
        let manifest = self.council.renew(of, |entries| entries.push(entry));
        self.begin_machine(node);
        self.submit(roster);
        self.submit(manifest);
    }

    /// Anything from just enough votes to all of them.
    pub(super) fn votes(&mut self) -> usize {
        let (quorum, all) = (self.council.quorum(), self.council.members().len());
        self.chance.between(quorum as u64, all as u64) as usize
    }

    /// Somebody is expelled: its logs end where some honest node has them.
    fn expel(&mut self) {
        let members = self.council.members();
        let of = members[self.chance.index(members.len())];
        let nodes: Vec<_> = self.founding.nodes_of(of, self.plan.nodes).collect();
        let is_busy = nodes.iter().any(|node| self.nodes[*node].recovering || self.stolen.contains(node));
        if self.frozen.is_some() || is_busy || !self.may_leave(of) {
            return;
        }
        let named: Vec<_> = nodes.into_iter().filter(|node| self.is_named(*node)).collect();
        let ends: Vec<_> = named.iter().map(|node| (*node, self.end_when_expelled(*node))).collect();
        let pin = self.council.pin(of, sorted(ends.iter().filter_map(|(_, end)| *end)));
        let votes = self.votes();
        let roster = self.council.propose(0, votes, |roster| council::change(roster, pin, None));
        self.watch.tally.add("members expelled");
        let roster = self.council.pass(roster);
        for (node, end) in ends {
            self.remove(node, LogEnd::Cut(end));
        }
        self.submit(roster);
    }

    /// Whether a member has ever named this machine.
    pub(super) fn is_named(&self, node: usize) -> bool {
        self.council.has_named(self.founding.code_of(node), self.ids[node])
    }

    /// Where the log of a member's node ends when that one is expelled: where it was cut off before, if it was.
    pub(super) fn end_when_expelled(&mut self, node: usize) -> Option<Checkpoint> {
        let entries = self.council.entries(self.founding.code_of(node));
        let entry = entries.iter().find(|entry| entry.node == self.ids[node]);
        match entry.filter(|entry| entry.state == NodeState::Cut) {
            Some(cut) => cut.checkpoints.first().copied(),
            None => self.end_of_log(node),
        }
    }

    /// A member changes its root key, now and then twice; its next manifest is signed with the new one.
    fn rekey(&mut self, of: MemberCode) {
        for _ in 0..if self.chance.hits(300) { 2 } else { 1 } {
            self.change_key(of, Vec::new());
        }
        if self.chance.hits(700) {
            let manifest = self.council.renew(of, |_| {});
            self.submit(manifest);
        }
    }

    /// A member has another root key, and those of its logs end here.
    pub(super) fn change_key(&mut self, of: MemberCode, cuts: Vec<Checkpoint>) {
        if self.frozen.is_some() {
            return;
        }
        // The old key votes: the new one is in use once the roster stands.
        let (pin, votes, root) = (self.council.pin(of, cuts), self.votes(), self.council.next_root(of));
        let roster = self.council.propose(0, votes, |roster| council::change(roster, pin, Some(&root)));
        self.council.change_root(of);
        self.watch.tally.add("root keys changed");
        let roster = self.council.pass(roster);
        self.submit(roster);
    }

    /// A member has another node, beside the others or in the place of one.
    pub(super) fn replace(&mut self, of: MemberCode, old: Option<usize>) {
        let spare = self.spare_of(of);
        let is_pointless = match old {
            Some(node) => !self.is_live(node) || !self.may_lose(node),
            None => spare.is_none(),
        };
        if is_pointless || !self.stormy {
            return;
        }
        let fresh = spare.map(|spare| self.live_entry(spare));
        let (old_id, is_forgotten) = (old.map(|node| self.ids[node]), self.chance.hits(300));
        let manifest = self.council.renew(of, |entries| {
            entries.extend(fresh);
            let is_old = |entry: &NodeEntry| Some(entry.node) == old_id;
            entries
                .iter_mut()
                .filter(|entry| is_old(entry))
                .for_each(|entry| entry.state = NodeState::Retired);
            // One that is no longer named signs no more, either.
            entries.retain(|entry| !is_old(entry) || !is_forgotten);
        });
        self.watch.tally.add(if old.is_some() { "nodes retired" } else { "nodes added" });
        old.into_iter().for_each(|node| self.remove(node, LogEnd::Open));
        spare.into_iter().for_each(|spare| self.begin_machine(spare));
        self.submit(manifest);
    }

    /// A node is switched off for long.
    pub(super) fn switch_off(&mut self, node: usize, away_ms: u64) -> Result<(), Violation> {
        if self.nodes[node].recovering || !self.stormy {
            return Ok(());
        }
        self.end(node, "nodes switched off for long", away_ms)
    }

    /// One node is away while all others are replaced: it comes back to strangers.
    pub(super) fn leave_behind(&mut self, stays: usize) {
        let off_ms = self.chance.between(4_000, 12_000);
        self.queue.put(off_ms, Event::SwitchOff { node: stays, away_ms: AWAY_MS.1 });
        for node in (0..self.plan.founders).filter(|node| *node != stays) {
            let at_ms = off_ms + self.chance.below(15_000);
            self.queue.put(at_ms, Event::Replace { node });
        }
    }

    /// Nodes that are not connected with all that they should be with, in the storm with half of them, are given everything that was signed, as
    /// files: they may know each other alone, and nobody who is still in use.
    pub(super) fn help(&mut self) {
        let now = self.watch.now;
        self.queue.put(now + super::HELP_MS, Event::Help);
        let honest = self.honest_nodes();
        for node in honest.iter().copied() {
            let Some(life) = &self.nodes[node].life else { continue };
            let connected = life.peers.numbers().filter(|peer| honest.contains(peer)).count();
            let wanted = if self.stormy { honest.len() / 2 } else { honest.len() - 1 };
            if connected < wanted && (!self.stormy || self.chance.hits(300)) {
                self.watch.tally.add("nodes given documents as files");
                let documents = self.council.documents().to_vec();
                self.queue.put(now, Event::Hand { node, documents });
            }
        }
    }

    /// The members settle what is open, and what has come to nobody so far comes to somebody.
    pub(super) fn end_changes(&mut self) {
        if self.plan.change_ms.is_none() {
            return;
        }
        for node in self.stolen.clone() {
            self.cut_thief(node);
        }
        self.settle_rosters();
        let documents = self.council.documents().to_vec();
        let running: Vec<_> =
            self.honest_nodes().into_iter().filter(|node| self.nodes[*node].life.is_some()).collect();
        match self.chance.pick(&running) {
            Some(node) => self.queue.put(self.watch.now, Event::Hand { node, documents }),
            None => self
                .honest_nodes()
                .into_iter()
                .for_each(|node| self.nodes[node].files = self.council.bundle()),
        }
    }

    /// The manifest in which a member vouches for places of its nodes' logs.
    pub(super) fn vouch_for(&mut self, of: MemberCode, checkpoints: &[Checkpoint]) -> SignedManifest {
        let logs: Vec<_> = (0..self.plan.nodes).map(|node| (self.ids[node], self.log_of(node))).collect();
        self.council.renew(of, |entries| {
            for entry in entries.iter_mut().filter(|entry| entry.state == NodeState::Live) {
                let log = logs.iter().find(|(id, _)| *id == entry.node).map(|(_, log)| *log);
                entry.checkpoints = checkpoints.iter().filter(|at| Some(at.log) == log).copied().collect();
            }
        });
        self.council.manifest(of).expect("what was just signed").clone()
    }
}

pub(super) fn sorted(cuts: impl IntoIterator<Item = Checkpoint>) -> Vec<Checkpoint> {
    let mut cuts: Vec<_> = cuts.into_iter().collect();
    cuts.sort_by_key(|cut| cut.log);
    cuts
}
