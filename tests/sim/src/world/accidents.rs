//! What happens to machines: starts and stops, crashes, disks that fill up or come back from backups,
//! clocks that jump, cables that are cut; and what the members who break the rules do by themselves.

use std::collections::BTreeSet;

use certmesh_engine::{Document, OpenFault, Signing, StopNote};
use certmesh_wire::{RecordId, SyncAnswer};

use super::World;
use super::events::{Event, Message};
use crate::adversary::Scene;
use crate::disk::Accident;
use crate::life::{Input, Life, Reader};
use crate::plan::Fault;
use crate::reading;
use crate::violation::Violation;

/// How far a clock jumps, milliseconds.
const CLOCK_JUMP_MS: u64 = 3 * 3_600_000;
/// Turns that leave work for the next one and are the last of their life, in a thousand.
const INTERRUPTED: u64 = 50;
/// Copies of a disk that are kept.
const IMAGES: usize = 3;

impl World {
    /// An accident happens to somebody, and the next of its kind is arranged.
    pub(super) fn fault(&mut self, fault: Fault, mean_ms: u64) -> Result<(), Violation> {
        if !self.stormy {
            return Ok(());
        }
        let after_ms = self.chance.around(mean_ms);
        self.queue.put(self.watch.now + after_ms, Event::Fault { fault, mean_ms });
        let node = self.chance.index(self.plan.nodes);
        self.watch.trace.note(self.watch.now, "fault", node, &[fault as u8]);
        let kept = if self.chance.hits(200) { 1_000 } else { self.chance.below(1_001) };
        match fault {
            Fault::Crash => self.died(node, "lives ended in a crash")?,
            Fault::CrashInCommit => self.nodes[node].disk.arrange(Accident::Crash { kept }),
            Fault::CrashAfterCommit => self.nodes[node].disk.arrange(Accident::CrashAfter),
            Fault::FullDisk => {
                self.watch.tally.add("disks that were full");
                self.nodes[node].disk.arrange(Accident::Full { kept });
            }
            Fault::Stop => self.stop(node)?,
            Fault::Backup => self.back_up(node),
            Fault::Restore => self.restore(node)?,
            Fault::Clock => self.jump(node),
            Fault::Partition => self.partition()?,
            Fault::Break => {
                if let Some((one, other)) = self.links.any(&mut self.chance) {
                    self.watch.tally.add("connections broken");
                    let back_ms = self.chance.between(1, 5_000);
                    self.disconnect(one, other, back_ms)?;
                }
            }
        }
        Ok(())
    }

    /// A process starts on what its disk holds.
    pub(super) fn start(&mut self, node: usize) -> Result<(), Violation> {
        if self.nodes[node].life.is_some() {
            return Ok(());
        }
        // A node that has nothing yet would confirm to one that was rolled back that it had nothing, either.
        if self.nodes[node].lives == 0 && node >= self.plan.founders && self.is_anyone_recovering() {
            self.queue.put(self.watch.now + 1_000, Event::Start { node });
            return Ok(());
        }
        let state = &mut self.nodes[node];
        if state.disk.open() {
            self.watch.tally.add("torn batches found");
        }
        let note = state.note.take().and_then(|text| StopNote::parse(&text));
        state.lives += 1;
        state.read_files();
        let key = self.founding.keys[node].clone();
        let life = Life::start(state.lives, state.membership(), key, &state.disk, note.as_ref());
        let life = match life {
            Ok(life) => life,
            Err(OpenFault::NotLive(_) | OpenFault::Unnamed(_)) if self.plan.change_ms.is_some() => {
                self.stays_down(node);
                return Ok(());
            }
            Err(fault) => {
                return Err(self.watch.violation(node, "a node starts on its own disk", fault.to_string()));
            }
        };
        if note.is_some() && *life.engine.signing() == Signing::Free {
            self.watch.tally.add("starts that believed their note");
        }
        let is_recovering = state.recovering;
        state.life = Some(life);
        self.watch.trace.note(self.watch.now, "start", node, &[]);
        self.watch.tally.add("lives");
        if self.honest[node] {
            let log = self.log_of(node);
            let state = &self.nodes[node];
            let is_sole = self.watch.honest_author(log).is_some();
            self.watch.opened(node, log, &state.disk, state.recovering || !is_sole)?;
            self.check_standing(node)?;
            self.note_strangers(node);
        }
        for peer in self.plan.neighbours[node].clone() {
            let after_ms = self.chance.between(20, 800);
            self.queue.put(self.watch.now + after_ms, Event::Connect { one: node, other: peer });
        }
        self.with_life(node, |life, around| {
            life.wake(around);
            Ok(())
        })?;
        if is_recovering && self.stormy { self.hurry(node) } else { Ok(()) }
    }

    /// Whoever has brought back a backup is in a hurry: an analyst publishes at once, and the node may be restarted before it
    /// knows where its log ends.
    fn hurry(&mut self, node: usize) -> Result<(), Violation> {
        if self.chance.hits(500) {
            let after_ms = self.chance.between(1, 500);
            self.queue.put(self.watch.now + after_ms, Event::Restart { node });
        }
        if self.plan.publishers.contains(&node) { self.publish_now(node) } else { Ok(()) }
    }

    /// Counts a node that has been away for so long that nobody whom it knows is still in use.
    fn note_strangers(&mut self, node: usize) {
        let membership = self.nodes[node].standing();
        let known = membership.live_nodes().map(|(id, _)| self.founding.number[&id]);
        let is_lost = !known.into_iter().any(|known| known != node && self.is_live(known));
        self.watch
            .tally
            .add_many("nodes that came back to strangers", u64::from(is_lost && self.is_live(node)));
    }

    /// By the documents that a node finds, its key does not count. If it does by what the members have decided, its operator
    /// brings the rest of them.
    fn stays_down(&mut self, node: usize) {
        self.watch.tally.add("starts of nodes that do not count");
        if self.is_live(node) {
            self.nodes[node].files = self.council.bundle();
            self.queue.put(self.watch.now + 5_000, Event::Start { node });
        }
    }

    /// A process is gone, and comes back after a while.
    pub(super) fn died(&mut self, node: usize, how: &'static str) -> Result<(), Violation> {
        let after_ms = if self.stormy { self.chance.between(100, 15_000) } else { 1_000 };
        self.end(node, how, after_ms)
    }

    pub(super) fn end(&mut self, node: usize, how: &'static str, back_ms: u64) -> Result<(), Violation> {
        if self.nodes[node].life.take().is_none() {
            return Ok(());
        }
        self.watch.tally.add(how);
        self.watch.trace.note(self.watch.now, "end", node, how.as_bytes());
        self.nodes[node].heard.forget();
        for peer in self.plan.neighbours[node].clone() {
            if self.links.disconnect(node, peer) {
                self.with_life(peer, |life, around| life.disconnected(node, around))?;
            }
        }
        self.queue.put(self.watch.now + back_ms, Event::Start { node });
        Ok(())
    }

    /// A node is ended, in one way or the other, and started again: with the documents that lie there.
    pub(super) fn restart(&mut self, node: usize) -> Result<(), Violation> {
        if self.chance.hits(500) { self.stop(node) } else { self.died(node, "lives ended in a crash") }
    }

    fn stop(&mut self, node: usize) -> Result<(), Violation> {
        self.with_life(node, |life, around| {
            life.give(Input::Stop, around);
            Ok(())
        })
    }

    /// What takes a node several commits is broken off between two of them, now and then.
    pub(super) fn interrupt(&mut self, node: usize) -> Result<(), Violation> {
        let crashes = self.plan.faults.iter().any(|(fault, _)| *fault == Fault::Crash);
        let is_busy = self.nodes[node].life.as_ref().is_some_and(|life| life.engine.has_more());
        if !self.stormy || !crashes || !is_busy || !self.chance.hits(INTERRUPTED) {
            return Ok(());
        }
        self.died(node, "lives ended between two portions")
    }

    /// A process has stopped by itself, and leaves its note.
    pub(super) fn stopped(&mut self, node: usize) -> Result<(), Violation> {
        let life = self.nodes[node].life.as_ref();
        let waits = life.is_some_and(|life| *life.engine.signing() != Signing::Free);
        self.watch.tally.add_many("stops while waiting for confirmation", u64::from(waits));
        self.nodes[node].note = life.and_then(Life::stop_note);
        self.died(node, "lives ended cleanly")
    }

    fn back_up(&mut self, node: usize) {
        self.watch.tally.add("disks backed up");
        let state = &mut self.nodes[node];
        state.images.push(state.disk.image());
        if state.images.len() > IMAGES {
            state.images.remove(0);
        }
    }

    /// A copy of its disk comes back to a node, if the rule of confirmation covers that.
    ///
    /// Two other members confirm where a node's log ends. That is enough if no two of them can lack
    /// its last records: so all the others who keep the rules hold the whole log, and none of them is
    /// being rolled back itself.
    fn restore(&mut self, node: usize) -> Result<(), Violation> {
        let covered = self.honest[node]
            && self.is_live(node)
            && self.watch.honest_author(self.log_of(node)).is_some()
            && !self.is_anyone_recovering()
            && self.is_log_everywhere(node)
            && self.are_gone_logs_everywhere();
        let images = self.nodes[node].images.len();
        if !covered || images == 0 {
            return Ok(());
        }
        self.end(node, "lives ended for a backup", 1_000)?;
        let at = self.chance.index(images);
        let state = &mut self.nodes[node];
        let image = state.images[at].clone();
        // Later copies are of a history that will not be again.
        state.images.truncate(at + 1);
        state.disk.restore(image);
        state.recovering = true;
        state.reader = Reader::default();
        self.watch.tally.add("disks restored from old backups");
        Ok(())
    }

    fn is_anyone_recovering(&mut self) -> bool {
        for node in self.honest_nodes() {
            let state = &mut self.nodes[node];
            let signs = state.life.as_ref().is_some_and(|life| *life.engine.signing() == Signing::Free);
            if state.recovering && signs && self.watch.check_acknowledged(node, &state.disk).is_ok() {
                state.recovering = false;
            }
        }
        self.nodes.iter().any(|state| state.recovering)
    }

    /// Whether all honest nodes have all of a node's own log.
    fn is_log_everywhere(&self, node: usize) -> bool {
        let log = self.log_of(node);
        let Some(own) = reading::logs(&self.nodes[node].disk).get(&log).cloned() else { return false };
        self.honest_nodes().into_iter().all(|other| {
            let held = reading::logs(&self.nodes[other].disk).get(&log).map(|state| (state.next, state.head));
            held == Some((own.next, own.head))
        })
    }

    fn jump(&mut self, node: usize) {
        self.watch.tally.add("clocks moved");
        let by_ms = self.chance.between(1, CLOCK_JUMP_MS) as i64;
        self.nodes[node].clock_offset_ms += if self.chance.hits(500) { by_ms } else { -by_ms };
    }

    fn partition(&mut self) -> Result<(), Violation> {
        let nodes: BTreeSet<_> = (0..self.plan.nodes).filter(|_| self.chance.hits(400)).collect();
        let open = match self.chance.below(4) {
            0 => (true, false),
            1 => (false, true),
            _ => (false, false),
        };
        let one_way = open.0 || open.1;
        self.watch.tally.add(if one_way { "partitions, one-way" } else { "partitions" });
        if self.chance.hits(500) {
            for one in &nodes {
                for other in self.plan.neighbours[*one].clone() {
                    if !nodes.contains(&other) {
                        let back_ms = self.chance.between(1_000, 20_000);
                        self.disconnect(*one, other, back_ms)?;
                    }
                }
            }
        }
        let cut = self.links.cut(nodes, open);
        let lasts_ms = self.chance.between(1_000, 30_000);
        self.queue.put(self.watch.now + lasts_ms, Event::EndPartition { cut });
        Ok(())
    }

    /// A node that breaks the rules does something.
    pub(super) fn act(&mut self, node: usize) -> Result<(), Violation> {
        if !self.stormy {
            return Ok(());
        }
        let after_ms = self.chance.around(2_500);
        self.queue.put(self.watch.now + after_ms, Event::Act { node });
        if self.plan.change_ms.is_some() && self.chance.hits(100) {
            self.gossip_forged(node);
        }
        let honest = self.honest_nodes();
        let victim = self.chance.pick(&honest).map(|victim| self.victim(node, victim));
        let clock_ms = self.clock_of(node);
        let state = &mut self.nodes[node];
        let (Some(adversary), Some(life)) = (&mut state.adversary, &state.life) else { return Ok(()) };
        let peers = life.peers.numbers().collect();
        let (workload, tally) = (&mut self.workload, &mut self.watch.tally);
        let sent = adversary.act(&mut Scene { clock_ms, peers, victim, workload, tally });
        for (peer, payload) in sent {
            self.send(node, peer, Message::Gossip(payload), 0);
        }
        Ok(())
    }

    /// Documents that nobody may take come by gossip, too, in the company of one that all take.
    fn gossip_forged(&mut self, node: usize) {
        let members = self.council.members();
        let of = members[self.chance.index(members.len())];
        let good = self.council.documents().last().cloned();
        let forged: Vec<_> = self.forged(of).iter().chain(&good).map(Document::encode).collect();
        let peers = self.nodes[node].life.as_ref().map(|life| life.peers.numbers().collect::<Vec<_>>());
        for peer in peers.unwrap_or_default() {
            let payload = SyncAnswer::Documents(forged.clone()).encode();
            self.send(node, peer, Message::Gossip(payload.into()), 0);
        }
    }

    /// An honest node's key, and where its log ends as this node has it.
    fn victim(
        &self,
        node: usize,
        victim: usize,
    ) -> (certmesh_wire::SecretKey, certmesh_wire::LogId, u64, Option<RecordId>) {
        let log = self.log_of(victim);
        let state = reading::logs(&self.nodes[node].disk).get(&log).cloned();
        let head = state.as_ref().filter(|state| state.next > 0).map(|state| state.head);
        (self.founding.keys[victim].clone(), log, state.map_or(0, |state| state.next), head)
    }
}
