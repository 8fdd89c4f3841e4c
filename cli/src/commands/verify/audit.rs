//! Reads an export from its first byte to its last, and keeps account: what is good, and each fault with its place.

use std::collections::BTreeMap;
use std::fmt;

use certmesh_intel::Object;
use certmesh_wire::{Export, Header, Kind, MemberCode, MeshId, Parcel, Record, Roster};

use super::logs::{Logs, Place};
use crate::progress::Progress;

/// How many faults are kept: a file of nothing but faults needs no longer list.
const FAULTS: usize = 1_000;

/// Something that is not as it must be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The record's place in the file, from 1; absent for what stands before the records.
    pub(super) position: Option<u64>,
    /// What is wrong, in words.
    pub(super) what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "record {position}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// One member's part of an export.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Records that are good.
    pub(super) records: u64,
    /// Objects in them.
    pub(super) objects: u64,
    /// Faults of what claims to be its records.
    pub(super) faults: u64,
}

/// The account of an export.
#[derive(Debug)]
pub(super) struct Audit {
    tallies: BTreeMap<MemberCode, Tally>,
    faults: Vec<Fault>,
    bodies_missing: u64,
    bodies_void: u64,
}

/// What a record brings with it.
enum Body {
    /// So many objects; none for kinds that have none.
    Objects(u64),
    /// It did not come along.
    Missing,
    /// It is the one that its author signed, and breaks a rule: no objects, on every node alike.
    Void,
}

impl Audit {
    /// Checks an export against a roster that is trusted.
    pub(super) fn of(bytes: &[u8], mesh: MeshId, roster: &Roster) -> Self {
        let tallies = roster.members.iter().map(|member| (member.code, Tally::default())).collect();
        let mut audit = Self { tallies, faults: Vec::new(), bodies_missing: 0, bodies_void: 0 };
        match Export::open(bytes) {
            Ok(export) => audit.read(export, bytes.len(), mesh, roster),
            Err(fault) => audit.fault(None, None, format!("it does not begin as an export does: {fault}")),
        }
        audit
    }

    fn read(&mut self, export: Export<'_>, len: usize, mesh: MeshId, roster: &Roster) {
        let (mut logs, faults) = Logs::of(export.manifests(), mesh, roster);
        faults.into_iter().for_each(|what| self.fault(None, None, what));
        let progress = Progress::new(len as u64, "bytes");
        for (position, parcel) in (1..).zip(export) {
            match parcel {
                Ok(parcel) => {
                    self.parcel(&mut logs, position, &parcel);
                    progress.advance((parcel.record().len() + parcel.body().map_or(0, <[u8]>::len)) as u64);
                }
                Err(fault) => self.fault(Some(position), None, fault.to_string()),
            }
        }
    }

    fn parcel(&mut self, logs: &mut Logs<'_>, position: u64, parcel: &Parcel) {
        let record = match Record::decode(parcel.record()) {
            Ok(record) => record,
            Err(fault) => return self.fault(Some(position), None, fault.to_string()),
        };
        let claimed = logs.claimed(&record);
        // The place comes first: a wrong body does not break the chain that follows.
        let place = logs.place(&record).and_then(|place| Ok((place, body(record.header(), parcel)?)));
        match place {
            Ok((Place::Good(member), body)) => self.count(member, &body),
            Ok((Place::AfterFault, _)) => {}
            Err(what) => self.fault(Some(position), claimed, what),
        }
    }

    fn count(&mut self, member: MemberCode, body: &Body) {
        let tally = self.tallies.entry(member).or_default();
        tally.records += 1;
        match body {
            Body::Objects(objects) => tally.objects += objects,
            Body::Missing => self.bodies_missing += 1,
            Body::Void => self.bodies_void += 1,
        }
    }

    fn fault(&mut self, position: Option<u64>, member: Option<MemberCode>, what: String) {
        if let Some(member) = member {
            self.tallies.entry(member).or_default().faults += 1;
        }
        if self.faults.len() < FAULTS {
            self.faults.push(Fault { position, what });
        }
    }

    /// Every member of the roster, with its part.
    pub(super) fn tallies(&self) -> impl Iterator<Item = (MemberCode, &Tally)> {
        self.tallies.iter().map(|(code, tally)| (*code, tally))
    }

    /// In the order of the file, at most [`FAULTS`].
    pub(super) fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Records that are good.
    pub(super) fn records(&self) -> u64 {
        self.tallies.values().map(|tally| tally.records).sum()
    }

    /// Objects in the records that are good.
    pub(super) fn objects(&self) -> u64 {
        self.tallies.values().map(|tally| tally.objects).sum()
    }

    /// Good records whose body did not come along.
    pub(super) fn bodies_missing(&self) -> u64 {
        self.bodies_missing
    }

    /// Good records whose body holds no objects, since it breaks a rule.
    pub(super) fn bodies_void(&self) -> u64 {
        self.bodies_void
    }
}

/// Holds a body against its header.
fn body(header: &Header, parcel: &Parcel) -> Result<Body, String> {
    match (header.body, parcel.body()) {
        (None, None) => Ok(Body::Objects(0)),
        (None, Some(_)) => Err("it came with a body, and has none".to_owned()),
        (Some(_), None) => Ok(Body::Missing),
        (Some(reference), Some(bytes)) if !reference.matches(bytes) => {
            Err("its body is not the one that its author signed".to_owned())
        }
        (Some(_), Some(_)) if header.kind != Kind::OBJECTS => Ok(Body::Objects(0)),
        (Some(reference), Some(bytes)) => {
            let texts = reference.unpack(bytes).ok();
            Ok(texts
                .filter(|texts| keeps_rules(header, texts))
                .map_or(Body::Void, |texts| Body::Objects(texts.len() as u64)))
        }
    }
}

/// Whether all texts are objects, none marked above the record.
fn keeps_rules(header: &Header, texts: &[String]) -> bool {
    texts.iter().all(|json| Object::read(json).is_ok_and(|object| object.tlp() as u8 <= header.tlp))
}
