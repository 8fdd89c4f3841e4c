//! Who may have written a log, and whether its records follow each other.

use std::collections::{BTreeMap, BTreeSet};

use certmesh_intel::Tlp;
use certmesh_wire::{
    Audience, Header, LogId, MemberCode, MeshId, NodeEntry, NodeId, NodeState, Opening, Record, RecordId,
    Roster, SignedManifest,
};

use super::documents::{self, Nodes};

/// The nodes that the manifests of an export vouch for, and the logs that have been opened so far.
pub(super) struct Logs<'a> {
    mesh: MeshId,
    roster: &'a Roster,
    nodes: Nodes,
    open: BTreeMap<LogId, Log>,
    broken: BTreeSet<LogId>,
}

/// One log, up to its last record that was good.
struct Log {
    node: NodeId,
    member: MemberCode,
    audience: Audience,
    next: u64,
    head: Option<RecordId>,
    roster: u64,
}

/// What is to be said of a record's place in its log.
pub(super) enum Place {
    /// Signed by this member's node, and next in its log.
    Good(MemberCode),
    /// Its log has a fault already: nothing that follows can be checked.
    AfterFault,
}

impl<'a> Logs<'a> {
    /// Takes the newest manifest of each member; what is wrong with any of them comes back with it.
    pub(super) fn of(manifests: &[SignedManifest], mesh: MeshId, roster: &'a Roster) -> (Self, Vec<String>) {
        let (nodes, faults) = documents::nodes(manifests, mesh, roster);
        (Self { mesh, roster, nodes, open: BTreeMap::new(), broken: BTreeSet::new() }, faults)
    }

    /// Whose record it claims to be, to lay a fault at somebody's door; unproven.
    pub(super) fn claimed(&self, record: &Record) -> Option<MemberCode> {
        let opened = self.open.get(&record.header().log).map(|log| log.member);
        let opening = record.header().opening.as_ref();
        let named = |opening: &&Opening| self.nodes.contains_key(&(opening.member, opening.node));
        opened.or_else(|| opening.filter(named).map(|opening| opening.member))
    }

    /// Checks that the record is signed by its log's node, and comes next in it.
    ///
    /// # Errors
    /// What is wrong, in words; once a log, since nothing beyond its first fault can be checked.
    pub(super) fn place(&mut self, record: &Record) -> Result<Place, String> {
        let id = record.header().log;
        if self.broken.contains(&id) {
            return Ok(Place::AfterFault);
        }
        let next = self.next(record);
        if next.is_err() {
            self.broken.insert(id);
        }
        next.map(Place::Good)
    }

    fn next(&mut self, record: &Record) -> Result<MemberCode, String> {
        let header = record.header();
        let mut log = match self.open.remove(&header.log) {
            Some(log) => log,
            None => self.opened_by(record)?,
        };
        check(record, &log, self.mesh, self.roster)?;
        check_cut(record, self.nodes.get(&(log.member, log.node)))?;
        let member = log.member;
        log = Log { next: log.next + 1, head: Some(record.id()), roster: header.roster, ..log };
        self.open.insert(header.log, log);
        Ok(member)
    }

    fn opened_by(&self, record: &Record) -> Result<Log, String> {
        let header = record.header();
        let opening = header
            .opening
            .as_ref()
            .ok_or_else(|| format!("the opening of its log {} does not stand before it", header.log))?;
        let (member, node) = (opening.member, opening.node);
        if !self.nodes.contains_key(&(member, node)) {
            return Err(format!("no manifest of {member} names node {node}, which opens a log with it"));
        }
        if !self.roster.names_audience(&opening.audience) {
            return Err("its log is for an audience that the roster does not name".to_owned());
        }
        Ok(Log { node, member, audience: opening.audience.clone(), next: 0, head: None, roster: 0 })
    }
}

fn check(record: &Record, log: &Log, mesh: MeshId, roster: &Roster) -> Result<(), String> {
    let header = record.header();
    record.verify(mesh, log.node).map_err(|fault| format!("{fault}: node {} did not sign it", log.node))?;
    if header.seq != log.next {
        return Err(format!("it is number {} of its log, where {} comes next", header.seq, log.next));
    }
    if header.prev != log.head {
        return Err("it does not follow the record before it in its log".to_owned());
    }
    check_rules(header, log, roster)
}

fn check_rules(header: &Header, log: &Log, roster: &Roster) -> Result<(), String> {
    if header.roster < log.roster {
        return Err("it names an older roster than the record before it".to_owned());
    }
    if header.roster > roster.version {
        let (needs, has) = (header.roster, roster.version);
        return Err(format!("it was made under roster version {needs}; this roster is version {has}"));
    }
    if log.audience == Audience::All && header.tlp > Tlp::Amber as u8 {
        return Err("it is marked too strictly for a log that goes to every member".to_owned());
    }
    Ok(())
}

/// A stolen key's log ends where its member, or the roster, cut it.
fn check_cut(record: &Record, node: Option<&NodeEntry>) -> Result<(), String> {
    let Some(node) = node.filter(|node| node.state == NodeState::Cut) else { return Ok(()) };
    let header = record.header();
    let within = node
        .checkpoints
        .iter()
        .find(|at| at.log == header.log)
        .is_some_and(|at| header.seq < at.seq || (header.seq == at.seq && record.id() == at.record));
    if within {
        Ok(())
    } else {
        Err("it lies beyond the place where its member, or the roster, cut the log".to_owned())
    }
}
