//! A node's key is stolen: somebody signs with it what the node never said, until its member cuts its log off at
//! a place that an honest node has. The thief goes on for a while after that.

use certmesh_wire::limits::GOSSIP_PAYLOAD;
use certmesh_wire::{NodeState, Parcel, Record};

use super::World;
use super::events::{Event, Message};
use super::gone::LogEnd;
use crate::adversary::sign_next;
use crate::reading;
use crate::violation::Violation;

/// How often the thief signs something, on average, milliseconds.
const SIGNS_MS: u64 = 1_500;
/// How soon the member cuts the key off, on average, milliseconds.
const NOTICED_MS: u64 = 8_000;

impl World {
    /// Somebody has a node's key from here on.
    pub(super) fn lose_key(&mut self, node: usize) {
        self.watch.tally.add("node keys stolen");
        self.watch.lose_key(node);
        self.stolen.push(node);
        let now = self.watch.now;
        self.queue.put(now, Event::Steal { node });
        self.queue.put(now + self.chance.around(NOTICED_MS), Event::CutThief { node });
    }

    /// The thief signs what comes next in the log as somebody has it, and shows it to some.
    pub(super) fn steal(&mut self, node: usize) -> Result<(), Violation> {
        let honest: Vec<_> = self.honest_nodes().into_iter().filter(|other| *other != node).collect();
        if !self.stormy {
            return Ok(());
        }
        // Once the key is cut off there is nothing in it for long.
        if self.stolen.contains(&node) || self.chance.hits(500) {
            self.queue.put(self.watch.now + self.chance.around(SIGNS_MS), Event::Steal { node });
        }
        let Some(seen_by) = self.chance.pick(&honest) else { return Ok(()) };
        let (disk, log) = (&self.nodes[seen_by].disk, self.log_of(node));
        let head = reading::logs(disk).get(&log).cloned().filter(|state| state.next > 0);
        let signed = head.and_then(|state| reading::record(disk, state.number, state.next - 1));
        let Some(before) = signed.and_then(|signed| Record::decode(&signed).ok()) else { return Ok(()) };
        let by = self.founding.code_of(node);
        let text = self.workload.new_object(by, &mut self.chance).text();
        let (key, clock_ms) = (&self.founding.keys[node], self.clock_of(node));
        let written = sign_next((key, self.council.mesh()), &before, &[text], clock_ms);
        let payload = Parcel::new(written.0, written.1).encode();
        self.watch.tally.add("records signed by thieves");
        for peer in honest {
            if self.chance.hits(500) && payload.len() <= GOSSIP_PAYLOAD {
                self.send(node, peer, Message::Gossip(payload.clone().into()), 0);
            }
        }
        Ok(())
    }

    /// Its member cuts the key off, and has another node from here on, if it has a machine for it.
    pub(super) fn cut_thief(&mut self, node: usize) {
        if !self.stolen.contains(&node) {
            return;
        }
        self.stolen.retain(|stolen| *stolen != node);
        if !self.is_live(node) {
            return;
        }
        let end = self.end_of_log(node);
        // The thief may have had the root key, too: the members cut the log off before its member does.
        if let Some(end) = end.filter(|_| self.chance.hits(300)) {
            self.change_key(self.founding.code_of(node), vec![end]);
        }
        let (of, id) = (self.founding.code_of(node), self.ids[node]);
        let spare = self.spare_of(of);
        let fresh = spare.map(|spare| self.live_entry(spare));
        let document = self.council.renew(of, |entries| {
            for entry in entries.iter_mut().filter(|entry| entry.node == id) {
                (entry.state, entry.checkpoints) = (NodeState::Cut, end.into_iter().collect());
            }
            entries.extend(fresh);
        });
        self.watch.tally.add("stolen keys cut off");
        self.remove(node, LogEnd::Cut(end));
        spare.into_iter().for_each(|spare| self.begin_machine(spare));
        self.submit(document);
    }
}
