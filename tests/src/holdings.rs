//! What a node holds, down to the last record: the measure of "nothing is lost" and "all are equal".
//!
//! It is read from an export, so it counts what the node would show anyone, and not what it claims.

use std::collections::BTreeMap;

use certmesh_wire::{Audience, Export, LogId, NodeId, Opening, Parcel, Record, RecordId};

use crate::node::Node;

/// The records of a node that count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Of each log, the seq that comes next and the last record.
    pub heads: BTreeMap<LogId, (u64, RecordId)>,
    /// Every record, and its log.
    pub records: BTreeMap<RecordId, LogId>,
    /// Of each log that lacks some, how many bodies did not come along.
    pub bodies_missing: BTreeMap<LogId, u64>,
}

impl Holdings {
    /// Reads an export.
    ///
    /// # Panics
    /// If it is none, or if a log in it has a gap or one seq twice.
    pub fn read(export: &[u8]) -> Self {
        let mut holdings = Self::default();
        for parcel in Export::open(export).unwrap() {
            holdings.add(&parcel.unwrap());
        }
        holdings
    }

    fn add(&mut self, parcel: &Parcel) {
        let record = Record::decode(parcel.record()).unwrap();
        let header = record.header();
        let next = self.heads.get(&header.log).map_or(0, |(next, _)| *next);
        assert_eq!(header.seq, next, "a gap in log {}, or one seq twice", header.log);
        self.heads.insert(header.log, (next + 1, record.id()));
        self.records.insert(record.id(), header.log);
        if header.body.is_some() && parcel.body().is_none() {
            *self.bodies_missing.entry(header.log).or_default() += 1;
        }
    }

    /// How many of these records are missing here.
    pub fn lacks<'a>(&self, records: impl IntoIterator<Item = &'a RecordId>) -> usize {
        records.into_iter().filter(|record| !self.has(record)).count()
    }

    /// Whether a record is here.
    pub fn has(&self, record: &RecordId) -> bool {
        self.records.contains_key(record)
    }

    /// Whether a record, by the id that the command prints, is here.
    ///
    /// # Panics
    /// If it is no id.
    pub fn has_published(&self, id: &str) -> bool {
        self.has(&id.parse().unwrap())
    }

    fn without(mut self, log: Option<LogId>) -> Self {
        self.records.retain(|_, of| Some(*of) != log);
        self.heads.retain(|of, _| Some(*of) != log);
        self.bodies_missing.retain(|of, _| Some(*of) != log);
        self
    }

    fn is_whole(&self, member: &str) -> Result<(), String> {
        match self.bodies_missing.values().sum::<u64>() {
            0 => Ok(()),
            missing => Err(format!("{member} lacks the bodies of {missing} records")),
        }
    }
}

/// The log that a member's node writes for all members.
///
/// # Panics
/// If it is no member's code.
pub fn log_for_all(member: &str, node: NodeId) -> LogId {
    Opening { member: member.parse().unwrap(), node, audience: Audience::All }.log_id()
}

/// Whether these nodes hold the same records to the last one, whole; if not, in which way not.
///
/// # Errors
/// The first difference, in words.
pub fn agree(nodes: &[&Node]) -> Result<Holdings, String> {
    agree_beside(nodes, None)
}

/// The same, for all logs but this one.
///
/// # Errors
/// The first difference, in words.
pub(crate) fn agree_beside(nodes: &[&Node], log: Option<LogId>) -> Result<Holdings, String> {
    let read = |node: &&Node| (node.member().to_owned(), node.holdings());
    let mut all = nodes.iter().map(read).map(|(member, holdings)| (member, holdings.without(log)));
    let (first, reference) = all.next().ok_or("there is no node to ask")?;
    reference.is_whole(&first)?;
    for (member, holdings) in all {
        holdings.is_whole(&member)?;
        if holdings != reference {
            let here = holdings.lacks(reference.records.keys());
            let there = reference.lacks(holdings.records.keys());
            return Err(format!(
                "{member} lacks {here} records of {first}'s, and {first} {there} of {member}'s"
            ));
        }
    }
    Ok(reference)
}
