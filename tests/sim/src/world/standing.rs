//! What a node takes the mesh for, and whom it is connected with in consequence.
//!
//! Which documents stand is read here a second time, in the plainest way, from what the node holds.

use std::collections::BTreeMap;

use certmesh_engine::{Membership, Split};
use certmesh_wire::{DocumentId, NodeState, SignedManifest, SignedRoster};

use super::World;
use super::events::Event;
use crate::model::Model;
use crate::reading;
use crate::violation::Violation;

/// How soon a connection that one side did not want is tried again, on average, milliseconds.
const AGAIN_MS: u64 = 4_000;

/// The rosters that a node holds.
fn rosters(membership: &Membership) -> BTreeMap<DocumentId, SignedRoster> {
    let documents = membership.documents();
    let bytes = documents.ids().into_iter().filter_map(|id| documents.get(id));
    let rosters = bytes.filter_map(|bytes| SignedRoster::decode(&bytes).ok());
    rosters.map(|signed| (signed.id(), signed)).collect()
}

/// What is wrong with the roster that a node says stands.
fn head_is_wrong(membership: &Membership) -> Option<String> {
    let all = rosters(membership);
    let mut head = DocumentId(membership.mesh().0);
    loop {
        let next: Vec<_> = all.values().filter(|signed| signed.roster().prev == Some(head)).collect();
        let Some(round) = next.iter().map(|signed| signed.roster().round).max() else { break };
        let highest: Vec<_> = next.into_iter().filter(|signed| signed.roster().round == round).collect();
        // Two of one round leave the version before.
        let [one] = highest[..] else { break };
        head = one.id();
    }
    let said = membership.head();
    (said != head).then(|| format!("it says that roster {said} stands, and by what it holds {head} does"))
}

/// What two nodes, or one at two times, take the mesh for.
fn amounts_to(membership: &Membership) -> impl PartialEq + use<> {
    let nodes: Vec<_> = membership.nodes().map(|(id, node)| (id, node.clone())).collect();
    let manifests: Vec<_> = membership.manifests().iter().map(SignedManifest::id).collect();
    let digest = membership.documents().digest();
    (digest, membership.head(), membership.roster().clone(), manifests, membership.splits().to_vec(), nodes)
}

impl World {
    /// Whether a node's process would hold a connection with another.
    fn admits(&self, node: usize, other: usize) -> bool {
        let life = self.nodes[node].life.as_ref();
        let named = life.and_then(|life| life.engine.membership().node(self.ids[other]));
        named.is_some_and(|named| named.state == NodeState::Live)
    }

    /// Whether both would hold the connection. If one would, it goes on trying.
    pub(super) fn may_connect(&mut self, one: usize, other: usize) -> bool {
        let admits = (self.admits(one, other), self.admits(other, one));
        if admits.0 != admits.1 {
            let after_ms = self.chance.around(AGAIN_MS);
            self.queue.put(self.watch.now + after_ms, Event::Connect { one, other });
        }
        admits == (true, true)
    }

    /// A node works with another mesh: it ends connections, and begins others.
    pub(super) fn follow(&mut self, node: usize, life: u64) -> Result<(), Violation> {
        if self.nodes[node].life.as_ref().is_none_or(|running| running.number != life) {
            return Ok(());
        }
        if self.honest[node] {
            self.check_standing(node)?;
        }
        if self.plan.change_ms.is_none() {
            return Ok(());
        }
        for peer in self.plan.neighbours[node].clone() {
            let admits = self.admits(node, peer);
            let connected = self.links.epoch(node, peer).is_some();
            if connected && !admits {
                self.watch.tally.add("connections that a change has ended");
                self.disconnect(node, peer, AGAIN_MS)?;
            }
            if admits && !connected {
                let after_ms = self.chance.between(20, 800);
                self.queue.put(self.watch.now + after_ms, Event::Connect { one: node, other: peer });
            }
        }
        Ok(())
    }

    /// What a node says of the mesh follows from the documents that it holds, and from nothing else; and so do the ends of
    /// the logs here.
    pub(super) fn check_standing(&mut self, node: usize) -> Result<(), Violation> {
        let state = &self.nodes[node];
        let Some(life) = &state.life else { return Ok(()) };
        let membership = life.engine.membership();
        let rule = "the mesh is what the documents at hand say";
        if amounts_to(membership) != amounts_to(&state.membership()) {
            let what = "it works with another mesh than its files and its disk make".to_owned();
            return Err(self.watch.violation(node, rule, what));
        }
        if let Some(what) = head_is_wrong(membership) {
            return Err(self.watch.violation(node, rule, what));
        }
        let frozen = membership.splits().iter().any(|split| matches!(split, Split::Rosters { .. }));
        let split = membership.splits().iter().any(|split| matches!(split, Split::Manifests { .. }));
        // What is still to be applied or withdrawn is looked at another time.
        if life.engine.has_more() {
            return Ok(());
        }
        for (log, on_disk) in reading::logs(&state.disk) {
            let unknown = membership.log(log).is_none().then_some(0);
            let end = unknown.or(membership.cut(log)).unwrap_or(u64::MAX);
            if on_disk.next > end {
                let what = format!("log {log} ends at {}, and its cut is at {end}", on_disk.next);
                return Err(self.watch.violation(node, "what is cut off is in no view", what));
            }
        }
        if self.plan.change_ms.is_some() && life.is_settled() {
            let model = Model::of(&state.disk, membership);
            if let Some(what) = model.differs(&state.disk) {
                return Err(self.watch.violation(node, "views and index show what the logs say", what));
            }
        }
        self.watch.tally.add_many("nodes that found membership frozen", u64::from(frozen));
        self.watch.tally.add_many("nodes that found manifests contradicting", u64::from(split));
        Ok(())
    }

    /// In the end a node takes the mesh for what the members have decided.
    pub(super) fn disagrees_with_members(&self, node: usize) -> Option<String> {
        let membership = self.nodes[node].life.as_ref()?.engine.membership();
        let (head, said) = (self.council.head(), membership.head());
        if said != head.id() {
            return Some(format!("it says that roster {said} stands, and the members mean {}", head.id()));
        }
        if let [split, ..] = membership.splits() {
            return Some(format!("it sees a contradiction that is settled: {split:?}"));
        }
        let members = head.roster().members.iter().map(|member| member.code);
        let gone = head.roster().pins.iter().map(|pin| pin.member);
        for code in members.chain(gone) {
            let mine = membership.manifests().iter().find(|signed| signed.unverified().member == code);
            let meant = self.council.manifest(code).map(SignedManifest::id);
            if mine.map(SignedManifest::id) != meant {
                return Some(format!("it has another manifest of {code} than {code} means"));
            }
        }
        let live =
            |node: &usize| membership.node(self.ids[*node]).is_some_and(|one| one.state == NodeState::Live);
        let wrong = (0..self.plan.nodes).find(|other| live(other) != self.is_live(*other));
        wrong.map(|other| format!("it is wrong about node {other}, whether it is in use"))
    }
}
