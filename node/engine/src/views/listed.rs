//! Values as feeds list them: each once, with what the live objects that mention it say.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use certmesh_intel::{Object, Tlp, observable};
use certmesh_wire::MemberCode;

use super::plain;
use super::reader::{Reader, Summary};
use crate::store::{Store, StoreError};

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
    /// Everyone's labels, sorted.
    pub labels: Vec<String>,
    /// The STIX id of the object that arrived last.
    pub object_id: String,
    /// The strictest marking of the objects that the rest of this comes from.
    pub tlp: Tlp,
    /// When the last of them ends, milliseconds since 1970 UTC; nothing, if one of them never does.
    pub valid_until_ms: Option<u64>,
    /// The latest arrival of them.
    pub arrival: u64,
    /// Since when, as the first of their authors says: first seen, else valid from, else the version; milliseconds
    /// since 1970 UTC.
    pub first_seen_ms: u64,
    /// What the object that arrived last is called, safe to show.
    pub name: Option<String>,
    /// The arrivals of all of them, each with who reports it.
    pub reports: Vec<(u64, Vec<MemberCode>)>,
}

/// Visits the values of these kinds (of all, if there are none) that live indicators mention by themselves, not as one condition among several:
/// each (kind, value) once, in the order of their keys, those after `after_key` (all, if absent).
pub fn listed(
    store: &dyn Store,
    reader: &Reader,
    kinds: &[&str],
    after_key: Option<&[u8]>,
    visit: &mut dyn FnMut(Listed) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let mut rows: BTreeMap<Vec<u8>, Listed> = BTreeMap::new();
    plain::each(store, 0, |stored| {
        let Ok(object) = Object::read(&stored.json) else { return Ok(true) };
        // What else mentions a value says nothing against it.
        if object.object_type() != "indicator" {
            return Ok(true);
        }
        let mentions: Vec<_> = observable::of(&object)
            .into_iter()
            .filter(|mention| {
                !mention.partial && (kinds.is_empty() || kinds.contains(&mention.observable.kind.as_ref()))
            })
            .collect();
        if mentions.is_empty() || !plain::is_live(store, reader, &stored, &object)? {
            return Ok(true);
        }
        let summary = Summary::of(store, &stored)?;
        for mention in mentions {
            let key = [&mention.observable.key()[..], mention.observable.kind.as_bytes()].concat();
            let row = rows.entry(key.clone()).or_insert_with(|| Listed {
                key,
                kind: mention.observable.kind.into_owned(),
                value: mention.observable.value,
                members: Vec::new(),
                confidence: None,
                labels: Vec::new(),
                object_id: String::new(),
                tlp: Tlp::Clear,
                valid_until_ms: Some(0),
                arrival: 0,
                first_seen_ms: u64::MAX,
                name: None,
                reports: Vec::new(),
            });
            row.members = union(&row.members, &summary.members);
            row.labels = union(&row.labels, &object.labels());
            row.confidence = row.confidence.max(summary.confidence);
            row.object_id.clone_from(&stored.id);
            row.tlp = row.tlp.max(stored.tlp);
            row.valid_until_ms = row.valid_until_ms.zip(summary.valid_until_ms).map(|(a, b)| a.max(b));
            row.arrival = stored.arrival;
            row.first_seen_ms = row.first_seen_ms.min(summary.first_seen_ms.unwrap_or(stored.received_ms));
            row.name.clone_from(&summary.name);
            row.reports.push((stored.arrival, summary.members.clone()));
        }
        Ok(true)
    })?;
    for (key, row) in rows {
        if after_key.is_none_or(|after| key.as_slice() > after) && visit(row).is_break() {
            break;
        }
    }
    Ok(())
}

fn union<T: Ord + Clone>(one: &[T], other: &[T]) -> Vec<T> {
    one.iter().chain(other).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}
