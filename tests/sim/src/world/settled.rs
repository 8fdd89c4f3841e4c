//! The calm: what must become true once nothing goes wrong any more.
//!
//! Adversaries go on answering as they like. All honest nodes must, within a bounded time, sign again and
//! agree on everything that they hold: for every log its head, its fork, and which bodies are missing;
//! and so on what readers see. A body may be missing, on all of them alike, only if its author is not
//! honest: such a one may have given it to nobody. Every publication that an honest node has acknowledged
//! is on all of them, with its body.

use std::collections::BTreeMap;

use certmesh_engine::Signing;
use certmesh_engine::store::Family;
use certmesh_engine::sync::frontier;
use certmesh_wire::{Frontier, LogId, Record};

use super::World;
use crate::founding::code;
use crate::life::{LONGEST_BACK_OFF_MS, PERIOD_MS, QUESTION_MS};
use crate::model::Model;
use crate::reading;
use crate::violation::Violation;

/// How often it is looked whether all agree, milliseconds.
const LOOK_MS: u64 = 2_000;
/// Rounds of sync with every peer, after which all agree, in a mesh where everyone asks everyone.
const ROUNDS: u64 = 10;
/// Nodes whose disks are read record by record; in a larger mesh, so many of them.
const SAMPLED: usize = 24;

impl World {
    /// Accidents, publications and what adversaries do by themselves end; links heal.
    pub(super) fn calm_down(&mut self) {
        self.stormy = false;
        self.links.heal_all();
        for state in &mut self.nodes {
            state.disk.spare();
        }
    }

    /// How long it may take until all agree, milliseconds: the longest that a peer is left alone, three
    /// questions that are never answered, and the rounds. News travels a hop a round in a large mesh.
    fn patience_ms(&self) -> u64 {
        let hops = u64::from((self.plan.nodes / 16).max(1).ilog2());
        LONGEST_BACK_OFF_MS + 3 * QUESTION_MS + (ROUNDS + 3 * hops) * PERIOD_MS * 5 / 4
    }

    /// Lets time pass until all agree, and then looks at everything.
    pub(super) fn run_until_settled(&mut self) -> Result<(), Violation> {
        let (begin, patience_ms) = (self.watch.now, self.patience_ms());
        loop {
            self.run_until(self.watch.now + LOOK_MS)?;
            match self.disagreement() {
                None => break,
                Some((node, what)) if self.watch.now - begin > patience_ms => {
                    return Err(self.watch.violation(
                        node,
                        "all agree once nothing goes wrong any more",
                        what,
                    ));
                }
                Some(_) => {}
            }
        }
        self.watch.tally.peak("seconds until all agreed", (self.watch.now - begin) / 1_000);
        self.check_settled()
    }

    /// What honest nodes disagree on.
    fn disagreement(&self) -> Option<(usize, String)> {
        let honest = self.honest_nodes();
        let first = *honest.first()?;
        let (mut expected, mut agreed) = (None, None);
        for node in &honest {
            let state = &self.nodes[*node];
            let Some(life) = &state.life else { return Some((*node, "it does not run".into())) };
            if *life.engine.signing() != Signing::Free {
                return Some((*node, "it does not sign".into()));
            }
            let mine = frontier(&state.disk, life.engine.membership(), code(0)).expect("a healthy disk");
            let documents = life.engine.membership().documents().digest();
            if *agreed.get_or_insert(documents) != documents {
                return Some((*node, format!("it has other rosters and manifests than node {first}")));
            }
            if let Some(what) = self.disagrees_with_members(*node) {
                return Some((*node, what));
            }
            let known = expected.get_or_insert_with(|| mine.clone());
            if known.digest() != mine.digest() {
                return Some((*node, self.difference(&mine, known)));
            }
        }
        let missing = |node: usize| self.missing_bodies(node);
        let sampled = honest.iter().take(SAMPLED);
        let wrong = sampled.copied().find(|node| missing(*node) != missing(first));
        if let Some(wrong) = wrong {
            return Some((wrong, format!("it lacks other bodies than node {first}")));
        }
        let is_busy = |node: &usize| self.nodes[*node].life.as_ref().is_none_or(|life| !life.is_settled());
        honest.into_iter().find(is_busy).map(|node| (node, "it has something left to do".into()))
    }

    fn difference(&self, mine: &Frontier, theirs: &Frontier) -> String {
        let logs = mine.entries().iter().chain(theirs.entries()).map(|entry| entry.log);
        let logs: Vec<_> = logs.filter(|log| mine.log(*log) != theirs.log(*log)).collect();
        let Some(log) = logs.first() else { return "nothing".into() };
        let whose = match self.watch.honest_author(*log) {
            Some(author) => format!("node {author}"),
            None => "one who breaks the rules".into(),
        };
        format!(
            "the log {log} of {whose} is {:?} here and {:?} on the first honest node",
            mine.log(*log),
            theirs.log(*log)
        )
    }

    /// The bodies that a node lacks, by log and place, as its disk shows.
    fn missing_bodies(&self, node: usize) -> BTreeMap<(LogId, u64), bool> {
        let disk = &self.nodes[node].disk;
        let mut missing = BTreeMap::new();
        for (log, state) in reading::logs(disk) {
            let honest = self.watch.honest_author(log).is_some();
            for seq in 0..state.next {
                let record = reading::record(disk, state.number, seq).unwrap_or_default();
                let names_body = Record::decode(&record).is_ok_and(|record| record.header().body.is_some());
                if names_body && reading::body(disk, state.number, seq).is_none() {
                    missing.insert((log, seq), honest);
                }
            }
        }
        missing
    }

    fn check_settled(&mut self) -> Result<(), Violation> {
        let honest = self.honest_nodes();
        let step = honest.len().div_ceil(SAMPLED);
        let mut expected = None;
        for node in honest.into_iter().step_by(step) {
            self.check_records(node)?;
            let state = &mut self.nodes[node];
            let model = Model::of(&state.disk, &state.standing());
            if let Some(what) = model.differs(&state.disk) {
                return Err(self.watch.violation(node, "views and index show what the logs say", what));
            }
            if let Some(what) = state.reader.missed(&state.disk) {
                let rule = "who reads on from a cursor misses nothing";
                return Err(self.watch.violation(node, rule, what));
            }
            if *expected.get_or_insert_with(|| model.clone()) != model {
                let what = "its logs say something else than another node's".to_owned();
                return Err(self.watch.violation(node, "all honest nodes show the same", what));
            }
        }
        Ok(())
    }

    fn check_records(&mut self, node: usize) -> Result<(), Violation> {
        self.check_standing(node)?;
        self.check_gone(node)?;
        let missing = self.missing_bodies(node);
        let is_owed = |(log, seq): &(LogId, u64), honest: bool| match self.whose_is_gone(*log) {
            true => !self.may_lack_body(*log, *seq),
            false => honest,
        };
        if let Some(((log, seq), _)) = missing.iter().find(|(place, honest)| is_owed(place, **honest)) {
            let what = format!("the body of seq {seq} of honest log {log} is missing");
            return Err(self.watch.violation(node, "what honest nodes publish reaches all of them", what));
        }
        let disk = &self.nodes[node].disk;
        self.watch.check_chains(node, disk)?;
        for (id, acknowledged) in self.watch.acknowledged() {
            if !reading::has_record(disk, id) && !self.is_gone(acknowledged.by) {
                let (by, seq) = (acknowledged.by, acknowledged.seq);
                let what = format!("record {id}, which node {by} acknowledged at seq {seq}, is not here");
                return Err(self.watch.violation(
                    node,
                    "what honest nodes publish reaches all of them",
                    what,
                ));
            }
        }
        let orphans = reading::entries(disk, Family::Control, b"w").len();
        if orphans > 0 {
            let what = format!("{orphans} logs have something left to be withdrawn");
            return Err(self.watch.violation(node, "what is to be withdrawn is withdrawn", what));
        }
        Ok(())
    }
}
