//! Values as feeds list them: each once, with what the live objects that mention it say.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use certmesh_intel::Tlp;
use certmesh_wire::MemberCode;

use super::check::value_of;
use super::disputes::{Disputes, Standpoints};
use super::merge::Merge;
use super::reader::{Reader, object_at};
use super::reports::{Report, reports};
use crate::layout::{self, Row};
use crate::limits::{LISTED_LABELS, LISTED_REPORTS, LISTED_ROWS};
use crate::store::{Order, Readable, StoreError};

/// One value of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Where it stands: what a later reading may begin after.
    pub key: Vec<u8>,
    /// What it is, such as `ipv4-addr`.
    pub kind: String,
    /// In normal form.
    pub value: String,
    /// Who reports it, sorted.
    pub members: Vec<MemberCode>,
    /// The highest that anyone claims, 0 to 100.
    pub confidence: Option<u8>,
    /// Everyone's labels, sorted; at most 64.
    pub labels: Vec<String>,
    /// The STIX id of the object that arrived last.
    pub object_id: String,
    /// The strictest marking of the objects that the rest of this comes from.
    pub tlp: Tlp,
    /// When the last of them ends, milliseconds since 1970 UTC; nothing, if one of them never does.
    pub valid_until_ms: Option<u64>,
    /// When the first of them ends, and this changes, milliseconds since 1970 UTC.
    pub next_end_ms: Option<u64>,
    /// The latest arrival of them.
    pub arrival: u64,
    /// Since when, as the first of their authors says: first seen, else valid from, else the version; milliseconds
    /// since 1970 UTC.
    pub first_seen_ms: u64,
    /// What the object that arrived last is called, safe to show.
    pub name: Option<String>,
    /// The arrivals of the objects, each with who reports it; at most [`crate::limits::LISTED_REPORTS`], the earliest ones.
    pub reports: Vec<(u64, Vec<MemberCode>)>,
}

/// Visits the values of these kinds (of all, if there are none) that live indicators mention by themselves, not as one
/// condition among several, and that are no false positives: each (kind, value) once, in the order of their keys, those
/// after `after_key` (all, if absent).
///
/// Gives when something ends that keeps others out, milliseconds since 1970 UTC: what was left out may be listed then.
pub fn listed(
    store: &dyn Readable,
    reader: &Reader,
    kinds: &[&str],
    after_key: Option<&[u8]>,
    visit: &mut dyn FnMut(Listed) -> ControlFlow<()>,
) -> Result<Option<u64>, StoreError> {
    let (start, kind_after) = match after_key {
        Some(after) => layout::split_observable(after).unwrap_or((after, &[])),
        None => (&[][..], &[][..]),
    };
    let disputes = Disputes::read(store, reader)?;
    let next_end_ms = disputes.next_end_ms;
    let mut listing =
        Listing { store, disputes, key: Vec::new(), rows: BTreeMap::new(), waiting: Vec::new(), next_end_ms };
    for class in classes(kinds).into_iter().filter(|class| start.first().is_none_or(|first| first <= class)) {
        let from = if start.first() == Some(&class) { start } else { &[class] };
        let prefixes = reader.markings().map(layout::live_observables);
        let mut rows = Merge::new(store, Order::Ascending, prefixes, (from, Some(&[class + 1])));
        while let Some(read) = rows.next()? {
            let (key, rest) = layout::split_observable(read.rest)
                .ok_or_else(|| layout::damaged_index("a row of the index does not name an observable"))?;
            let (arrival, kind) = layout::split_number(rest)?;
            let kind = String::from_utf8_lossy(kind);
            let is_later = key != start || kind.as_bytes() > kind_after;
            let row = Row::decode(read.value)?;
            let counts = is_later && !row.partial && !reader.has_expired(row.valid_until_ms);
            if counts && (kinds.is_empty() || kinds.contains(&kind.as_ref())) {
                listing.waiting.push(Waiting { key: key.to_vec(), kind: kind.into_owned(), arrival, row });
            }
            if listing.waiting.len() >= LISTED_ROWS && listing.settle(visit)?.is_break() {
                return Ok(listing.next_end_ms);
            }
        }
    }
    if listing.settle(visit)?.is_continue() {
        let _ = listing.flush(visit);
    }
    Ok(listing.next_end_ms)
}

/// The classes of keys that observables of these kinds may have, in their order.
fn classes(kinds: &[&str]) -> BTreeSet<u8> {
    if kinds.is_empty() {
        return BTreeSet::from(*b"46dv");
    }
    let classes = kinds.iter().flat_map(|kind| match *kind {
        "ipv4-addr" => &b"4v"[..],
        "ipv6-addr" => b"6v",
        "domain-name" => b"dv",
        _ => b"v",
    });
    classes.copied().collect()
}

/// A row whose object is still to be read.
struct Waiting {
    key: Vec<u8>,
    kind: String,
    arrival: u64,
    row: Row,
}

/// The rows of one observable being gathered, by its kinds.
struct Listing<'a> {
    store: &'a dyn Readable,
    disputes: Disputes,
    key: Vec<u8>,
    rows: BTreeMap<String, (Listed, Standpoints)>,
    /// What comes after them.
    waiting: Vec<Waiting>,
    /// When something ends that keeps others out.
    next_end_ms: Option<u64>,
}

impl Listing<'_> {
    /// Adds the rows that wait.
    fn settle(
        &mut self,
        visit: &mut dyn FnMut(Listed) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, StoreError> {
        let waiting = std::mem::take(&mut self.waiting);
        let mut arrivals: Vec<_> = waiting.iter().map(|waiting| waiting.arrival).collect();
        arrivals.sort_unstable();
        arrivals.dedup();
        let reports = reports(self.store, &arrivals)?;
        for Waiting { key, kind, arrival, row } in waiting {
            if self.key != key {
                if self.flush(visit).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                self.key = key;
            }
            if let Some(report) = reports.get(&arrival) {
                self.add(kind, arrival, &row, report)?;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The normal form of the observable.
    fn value(&self, arrival: u64) -> Result<String, StoreError> {
        match layout::observable_text(&self.key) {
            Some(value) => Ok(value),
            // Its hash stands for it: it is long, and rare.
            None => Ok(object_at(self.store, arrival)?
                .map_or_else(String::new, |stored| value_of(&self.key, &stored.json))),
        }
    }

    fn add(&mut self, kind: String, arrival: u64, row: &Row, report: &Report) -> Result<(), StoreError> {
        let members = &report.members;
        let is_wrong = self.disputes.by_publishers(&report.id, report.is_false_positive, members);
        if !is_wrong.is_empty() {
            return Ok(());
        }
        if !self.rows.contains_key(&kind) {
            let new = self.new_row(kind.clone(), arrival)?;
            self.rows.insert(kind.clone(), (new, Standpoints::default()));
        }
        let Some((listed, standpoints)) = self.rows.get_mut(&kind) else { return Ok(()) };
        standpoints.add(&self.disputes, &report.id, members);
        listed.confidence = listed.confidence.max(row.confidence);
        listed.tlp = listed.tlp.max(report.tlp);
        listed.valid_until_ms =
            listed.valid_until_ms.zip(row.valid_until_ms).map(|(one, other)| one.max(other));
        listed.next_end_ms = listed.next_end_ms.into_iter().chain(row.valid_until_ms).min();
        add_labels(&mut listed.labels, &report.labels);
        listed.first_seen_ms = listed.first_seen_ms.min(report.first_seen_ms);
        if listed.reports.len() < LISTED_REPORTS {
            listed.reports.push((arrival, members.clone()));
        }
        if arrival > listed.arrival {
            (listed.arrival, listed.object_id, listed.name) =
                (arrival, report.id.clone(), report.name.clone());
        }
        Ok(())
    }

    /// A value of which nobody has said anything yet.
    fn new_row(&self, kind: String, arrival: u64) -> Result<Listed, StoreError> {
        Ok(Listed {
            key: [&self.key[..], kind.as_bytes()].concat(),
            kind,
            value: self.value(arrival)?,
            members: Vec::new(),
            confidence: None,
            labels: Vec::new(),
            object_id: String::new(),
            tlp: Tlp::Clear,
            valid_until_ms: Some(0),
            next_end_ms: None,
            arrival: 0,
            first_seen_ms: u64::MAX,
            name: None,
            reports: Vec::new(),
        })
    }

    /// Hands on what was gathered of one observable.
    fn flush(&mut self, visit: &mut dyn FnMut(Listed) -> ControlFlow<()>) -> ControlFlow<()> {
        for (_, (mut listed, standpoints)) in std::mem::take(&mut self.rows) {
            if standpoints.outvoted_by().is_none() {
                listed.members = standpoints.reporting();
                visit(listed)?;
            } else {
                // Without what ends first, those who report the rest may be enough.
                self.next_end_ms = self.next_end_ms.into_iter().chain(listed.next_end_ms).min();
            }
        }
        ControlFlow::Continue(())
    }
}

/// Keeps labels sorted, each once, and no more than anyone reads.
fn add_labels(labels: &mut Vec<String>, more: &[String]) {
    if more.is_empty() {
        return;
    }
    labels.extend_from_slice(more);
    labels.sort();
    labels.dedup();
    labels.truncate(LISTED_LABELS);
}
