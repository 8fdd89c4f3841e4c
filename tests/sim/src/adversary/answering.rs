//! What a node that breaks the rules answers.

use std::collections::BTreeMap;

use certmesh_wire::{Frontier, FrontierEntry, LogId, Place, RecordId, SyncAnswer, SyncRequest};

use super::{Adversary, Trick};
use crate::tally::Tally;

/// How late a slow answer comes, milliseconds: some come too late.
const SLOWEST_MS: u64 = 70_000;

/// An answer, and how late it is.
pub(crate) type Late = (Vec<u8>, u64);

impl Adversary {
    /// Bends the answer that an honest node would give; nothing, if it keeps silent. `frontier` is how
    /// far it really is.
    pub(crate) fn answer(
        &mut self,
        asker: usize,
        request: &SyncRequest,
        honest: SyncAnswer,
        frontier: Frontier,
        tally: &mut Tally,
    ) -> Option<Late> {
        if self.has(Trick::Silent) && self.chance.hits(200) {
            tally.add("byzantine: answers never given");
            return None;
        }
        if self.has(Trick::Malformed) && self.chance.hits(150) {
            tally.add("byzantine: malformed answers");
            return Some((self.malformed(), 0));
        }
        let answer = match request {
            SyncRequest::Compare(_) => self.word(asker, frontier, tally),
            SyncRequest::Records(places) => self.records(asker, places, honest),
            SyncRequest::Bodies(places) => self.bodies(asker, places, honest, tally),
            SyncRequest::Ids(places) => self.ids(asker, places, honest),
            SyncRequest::Forks(logs) => self.proofs(logs, honest),
            SyncRequest::Documents(_) if self.has(Trick::WithholdRecords) => SyncAnswer::Same,
            SyncRequest::Documents(_) | SyncRequest::Fetch(_) => honest,
        };
        let late = self.has(Trick::Slow) && self.chance.hits(400);
        if late {
            tally.add("byzantine: late answers");
        }
        Some((answer.encode(), if late { self.chance.below(SLOWEST_MS) } else { 0 }))
    }

    fn malformed(&mut self) -> Vec<u8> {
        match self.chance.below(3) {
            0 => self.chance.bytes(60),
            1 => SyncAnswer::Ids(vec![None]).encode(),
            _ => SyncAnswer::Records(vec![self.chance.bytes(200)], true).encode(),
        }
    }

    /// How far it says that it is.
    fn word(&mut self, asker: usize, frontier: Frontier, tally: &mut Tally) -> SyncAnswer {
        let mut entries: BTreeMap<_, _> =
            frontier.entries().iter().map(|entry| (entry.log, *entry)).collect();
        self.show_own(asker, &mut entries);
        if self.has(Trick::Understate) && self.chance.hits(400) {
            tally.add("byzantine: understated frontiers");
            if self.chance.hits(300) {
                return SyncAnswer::Same;
            }
            self.bend(&mut entries, |entry, _| {
                (entry.next, entry.bodies) =
                    (entry.next.div_ceil(2), entry.bodies.min(entry.next.div_ceil(2)));
            });
        }
        if self.has(Trick::Overstate) && self.chance.hits(500) {
            tally.add("byzantine: overstated frontiers");
            self.bend(&mut entries, |entry, id| {
                (entry.next, entry.head) = (entry.next + 1 + u64::from(id[0]), RecordId(id));
                entry.bodies = entry.next;
            });
        }
        if self.has(Trick::WrongHeads) && self.chance.hits(500) {
            tally.add("byzantine: wrong heads");
            self.bend(&mut entries, |entry, id| entry.head = RecordId(id));
        }
        if self.has(Trick::InventForks) && self.chance.hits(500) {
            tally.add("byzantine: invented forks");
            self.bend(&mut entries, |entry, id| entry.fork = Some(u64::from(id[0]) % (entry.next + 1)));
        }
        if self.has(Trick::InventLogs) {
            tally.add("byzantine: invented logs");
            let (log, head) = (LogId(self.chance.id()), RecordId(self.chance.id()));
            entries.insert(log, FrontierEntry { log, next: 7, head, bodies: 3, missing: 0, fork: None });
        }
        SyncAnswer::Frontier(Frontier::new(entries.into_values()))
    }

    /// Puts the branch that the asker is shown in the place of what this node's engine has.
    fn show_own(&self, asker: usize, entries: &mut BTreeMap<LogId, FrontierEntry>) {
        let branch = self.pen.branch(self.branch_for(asker));
        let Some(last) = branch.last() else { return };
        let next = branch.len() as u64;
        let own =
            FrontierEntry { log: self.pen.log(), next, head: last.id, bodies: next, missing: 0, fork: None };
        entries.insert(own.log, own);
    }

    /// Changes about half of the entries.
    fn bend(
        &mut self,
        entries: &mut BTreeMap<LogId, FrontierEntry>,
        change: impl Fn(&mut FrontierEntry, [u8; 32]),
    ) {
        for entry in entries.values_mut() {
            if self.chance.hits(500) && entry.next > 0 {
                change(entry, self.chance.id());
            }
        }
    }

    fn records(&mut self, asker: usize, places: &[Place], honest: SyncAnswer) -> SyncAnswer {
        let SyncAnswer::Records(honest, more) = honest else { return honest };
        let own = self.pen.log();
        let is_own = |signed: &Vec<u8>| {
            certmesh_wire::Record::decode(signed).is_ok_and(|record| record.header().log == own)
        };
        let mut records: Vec<_> = honest.into_iter().filter(|signed| !is_own(signed)).collect();
        if let Some((_, from)) = places.iter().find(|(log, _)| *log == own) {
            let branch = self.pen.branch(self.branch_for(asker)).iter().enumerate().skip(*from as usize);
            let given = branch.take_while(|(seq, _)| self.gives(Trick::WithholdRecords, asker, *seq as u64));
            records.extend(given.map(|(_, written)| written.signed.clone()).take(512));
        }
        SyncAnswer::Records(records, more)
    }

    fn bodies(
        &mut self,
        asker: usize,
        places: &[Place],
        honest: SyncAnswer,
        tally: &mut Tally,
    ) -> SyncAnswer {
        let SyncAnswer::Bodies(honest) = honest else { return honest };
        let honest: BTreeMap<_, _> = honest.into_iter().map(|(log, seq, body)| ((log, seq), body)).collect();
        let branch = self.branch_for(asker);
        let mut bodies = Vec::new();
        for (log, seq) in places {
            let body = match *log == self.pen.log() {
                true => self.own_body(asker, branch, *seq, tally),
                false => honest.get(&(*log, *seq)).cloned(),
            };
            let Some(mut body) = body else { continue };
            if self.has(Trick::WrongBodies) && self.chance.hits(500) {
                tally.add("byzantine: wrong bodies");
                body.push(b'!');
            }
            bodies.push((*log, *seq, body));
        }
        SyncAnswer::Bodies(bodies)
    }

    fn own_body(&self, asker: usize, branch: usize, seq: u64, tally: &mut Tally) -> Option<Vec<u8>> {
        let body = self.pen.branch(branch).get(seq as usize)?.body.clone()?;
        let given = self.gives(Trick::WithholdBodies, asker, seq);
        tally.add_many("byzantine: withheld bodies", u64::from(!given));
        given.then_some(body)
    }

    fn ids(&mut self, asker: usize, places: &[Place], honest: SyncAnswer) -> SyncAnswer {
        let SyncAnswer::Ids(mut ids) = honest else { return honest };
        let branch = self.branch_for(asker);
        for ((log, seq), id) in places.iter().zip(&mut ids) {
            if *log == self.pen.log() {
                *id = self.pen.branch(branch).get(*seq as usize).map(|written| written.id);
            }
            if self.has(Trick::WrongHeads) && self.chance.hits(300) {
                *id = Some(RecordId(self.chance.id()));
            }
        }
        SyncAnswer::Ids(ids)
    }

    fn proofs(&mut self, logs: &[LogId], honest: SyncAnswer) -> SyncAnswer {
        let SyncAnswer::Forks(mut proofs) = honest else { return honest };
        if self.has(Trick::InventForks) && proofs.len() < logs.len() {
            let branch = self.pen.branch(0);
            if let [first, second, ..] = branch {
                proofs.push([first.signed.clone(), second.signed.clone()]);
            }
        }
        SyncAnswer::Forks(proofs)
    }
}
