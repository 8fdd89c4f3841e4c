//! What a node that breaks the rules sends unasked.

use std::sync::Arc;

use certmesh_wire::limits::GOSSIP_PAYLOAD;
use certmesh_wire::{LogId, MeshId, Parcel, RecordId, SecretKey, sha256};

use super::pen::{Holding, Written, sign};
use super::{Adversary, Trick};
use crate::founding::code;
use crate::tally::Tally;
use crate::workload::{Facts, Workload};

/// Messages of one flood of records.
const FLOOD: u64 = 150;
/// Messages of a flood that goes beyond what an author may send at once; rare, as it takes long.
const GREAT_FLOOD: u64 = 1_300;
/// Messages that are no records: beyond what a peer is forgiven.
const GARBAGE: u64 = 600;
/// Records that are hoarded, and the text of each: together more than a log may park.
const HOARD: usize = 60;
const HOARDED_TEXT: usize = 60_000;

/// What an adversary knows of the mesh when it acts.
pub(crate) struct Scene<'a> {
    /// Its own clock.
    pub(crate) clock_ms: u64,
    /// The peers that it is connected with.
    pub(crate) peers: Vec<usize>,
    /// An honest node's key, and where its log ends as this node has it.
    pub(crate) victim: Option<(SecretKey, LogId, u64, Option<RecordId>)>,
    pub(crate) workload: &'a mut Workload,
    pub(crate) tally: &'a mut Tally,
}

/// Messages, each for one peer.
pub(crate) type Sent = Vec<(usize, Arc<[u8]>)>;

impl Adversary {
    /// Does something.
    pub(crate) fn act(&mut self, scene: &mut Scene<'_>) -> Sent {
        if self.pen.branches() == 0 {
            let branch = self.pen.open(scene.clock_ms);
            let opening = self.pen.branch(branch)[0].clone();
            return self.show(branch, &opening, scene);
        }
        let trick = self.tricks[self.chance.index(self.tricks.len())];
        match trick {
            Trick::Equivocate if self.chance.hits(500) && self.pen.branches() < 6 => self.equivocate(scene),
            Trick::OtherMesh => self.replay(scene),
            Trick::Forge => self.forge(scene),
            Trick::Garbage if self.chance.hits(200) => self.garbage(scene),
            Trick::Flood if self.chance.hits(300) => self.flood(scene),
            Trick::Hoard if !self.hoarded => self.hoard(scene),
            Trick::Twins => self.twins(scene),
            _ => self.publish(scene),
        }
    }

    fn publish(&mut self, scene: &mut Scene<'_>) -> Sent {
        let branch = self.chance.index(self.pen.branches());
        let void = self.has(Trick::Void) && self.chance.hits(500);
        let (texts, holding) = match void {
            true if self.chance.hits(500) => (vec!["no object at all".to_owned()], Holding::Objects),
            true => (vec![self.text(scene)], Holding::Understated),
            false => (vec![self.text(scene)], Holding::Objects),
        };
        scene.tally.add("byzantine: records");
        scene.tally.add_many("byzantine: void bodies", u64::from(void));
        let written = self.pen.append(branch, &texts, holding, scene.clock_ms);
        self.show(branch, &written, scene)
    }

    fn text(&mut self, scene: &mut Scene<'_>) -> String {
        self.object(scene).text()
    }

    /// An object that may claim to be its own, or another member's.
    fn object(&mut self, scene: &mut Scene<'_>) -> Facts {
        let claimed = if self.chance.hits(300) { code(self.chance.index(4)) } else { self.pen.member() };
        scene.workload.new_object(claimed, &mut self.chance)
    }

    /// A second record for a place that has one, and a third after it.
    fn equivocate(&mut self, scene: &mut Scene<'_>) -> Sent {
        let from = self.chance.index(self.pen.branches());
        let shared = self.chance.index(self.pen.branch(from).len() + 1);
        let branch = match shared {
            0 => self.pen.open(scene.clock_ms + 1),
            _ => self.pen.split(from, shared),
        };
        scene.tally.add("byzantine: histories");
        let mut sent = Vec::new();
        for _ in 0..self.chance.between(1, 3) {
            let text = self.text(scene);
            let written = self.pen.append(branch, &[text], Holding::Objects, scene.clock_ms);
            sent.extend(self.show(branch, &written, scene));
        }
        sent
    }

    /// Gossips a record to those who are shown its branch, with its body or without.
    fn show(&mut self, branch: usize, written: &Written, scene: &Scene<'_>) -> Sent {
        let seq = self.pen.branch(branch).len() as u64 - 1;
        let mut sent = Vec::new();
        for peer in &scene.peers {
            let shown = self.branch_for(*peer) == branch && self.gives(Trick::WithholdRecords, *peer, seq);
            if shown && self.chance.hits(700) {
                let mut body = written.body.clone().filter(|_| self.gives(Trick::WithholdBodies, *peer, seq));
                if self.has(Trick::WrongBodies) && self.chance.hits(300) {
                    body = body.map(|body| [&body[..], b"!"].concat());
                }
                let payload = Parcel::new(written.signed.clone(), body).encode();
                if payload.len() <= GOSSIP_PAYLOAD {
                    sent.push((*peer, payload.into()));
                }
            }
        }
        sent
    }

    /// A record that was signed for another mesh: its own, or an honest node's that took part in a drill.
    fn replay(&mut self, scene: &mut Scene<'_>) -> Sent {
        let drill = MeshId(sha256(&[b"a drill", &self.pen.mesh().0]));
        let text = [self.text(scene)];
        let (key, place) = match &scene.victim {
            Some((key, log, seq, prev)) if *seq > 0 => (key.clone(), (*log, *seq, *prev)),
            _ => {
                let own = self.pen.branch(0);
                let place = (self.pen.log(), own.len() as u64, own.last().map(|last| last.id));
                (self.pen.key().clone(), place)
            }
        };
        scene.tally.add("byzantine: records of another mesh");
        let written = sign((&key, drill), place, &text, Holding::Objects, scene.clock_ms);
        to_all(&scene.peers, &written)
    }

    /// A record of somebody else's log, signed with its own key.
    fn forge(&mut self, scene: &mut Scene<'_>) -> Sent {
        let Some((_, log, seq, prev)) = &scene.victim else { return Vec::new() };
        if *seq == 0 {
            return Vec::new();
        }
        let (place, text) = ((*log, *seq, *prev), [self.text(scene)]);
        scene.tally.add("byzantine: forged records");
        let signing = (self.pen.key(), self.pen.mesh());
        let written = sign(signing, place, &text, Holding::Objects, scene.clock_ms);
        to_all(&scene.peers, &written)
    }

    fn garbage(&mut self, scene: &mut Scene<'_>) -> Sent {
        let Some(peer) = self.chance.pick(&scene.peers) else { return Vec::new() };
        scene.tally.add_many("byzantine: gossip that is no record", GARBAGE);
        (0..GARBAGE).map(|_| (peer, self.chance.bytes(24).into())).collect()
    }

    fn flood(&mut self, scene: &mut Scene<'_>) -> Sent {
        let great = !self.flooded && scene.peers.len() <= 4 && self.chance.hits(150);
        self.flooded |= great;
        let count = if great { GREAT_FLOOD } else { FLOOD };
        scene.tally.add_many("byzantine: flooded records", count);
        let branch = self.chance.index(self.pen.branches());
        let mut sent = Vec::new();
        for _ in 0..count {
            let text = self.text(scene);
            let written = self.pen.append(branch, &[text], Holding::Objects, scene.clock_ms);
            sent.extend(to_all(&scene.peers, &written));
        }
        sent
    }

    /// Large records of its own log whose predecessors nobody has.
    fn hoard(&mut self, scene: &mut Scene<'_>) -> Sent {
        self.hoarded = true;
        let branch = self.chance.index(self.pen.branches());
        let (mut sent, end) = (Vec::new(), self.pen.branch(branch).len());
        for at in 0..HOARD {
            let bytes = self.chance.bytes(HOARDED_TEXT);
            let text: String = bytes.iter().map(|byte| char::from(b' ' + byte % 90)).collect();
            let written = self.pen.append(branch, &[text], Holding::Objects, scene.clock_ms);
            if at > 0 {
                sent.extend(to_all(&scene.peers, &written));
            }
        }
        scene.tally.add_many("byzantine: hoarded records", (self.pen.branch(branch).len() - end) as u64);
        sent
    }

    /// Two texts of one object with one time, in two records.
    fn twins(&mut self, scene: &mut Scene<'_>) -> Sent {
        let branch = self.chance.index(self.pen.branches());
        let mut facts = self.object(scene);
        let mut sent = Vec::new();
        scene.tally.add("byzantine: twins");
        for _ in 0..2 {
            facts.domain = facts.domain.map(|domain| format!("twin-{domain}"));
            let written = self.pen.append(branch, &[facts.text()], Holding::Objects, scene.clock_ms);
            sent.extend(self.show(branch, &written, scene));
        }
        sent
    }
}

fn to_all(peers: &[usize], written: &Written) -> Sent {
    let payload: Arc<[u8]> = Parcel::new(written.signed.clone(), written.body.clone()).encode().into();
    peers.iter().map(|peer| (*peer, Arc::clone(&payload))).collect()
}
