//! What readers see: queries over the stored objects, newest arrival first.
//!
//! A query walks one index, the narrowest that it can, and holds each object against the other
//! conditions. Of each publisher's versions of an object only the newest is in a query's answer,
//! and none of an object that its publisher has revoked; [`versions`] has them all.

mod check;
mod collected;
mod known;
mod listed;
mod plain;
mod reader;
mod related;
mod why;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

pub use check::{Answer, Hit, How, check};
pub use collected::{Collected, Collection, ObjectFamily, Selection, Versions, collected};
pub use known::KnownValues;
pub use listed::{Listed, listed};
pub use reader::{Reader, Summary};
pub use related::{Related, Relation, related};
pub use why::{Because, Reason, Reasons, why};

use certmesh_intel::{Object, Question, Tlp, observable};
use certmesh_wire::MemberCode;

use crate::layout::{self, Counts, StoredObject};
use crate::limits::{PAGE_BYTES, PAGE_OBJECTS};
use crate::store::{Family, Order, Store, StoreError};

/// What to look for; conditions combine with AND.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// A value as an analyst types it, defanged or not.
    pub value: Option<String>,
    /// A STIX type.
    pub object_type: Option<String>,
    /// A kind of observable that it mentions, such as `ipv4-addr`.
    pub kind: Option<String>,
    /// A STIX id.
    pub id: Option<String>,
    /// Who published it.
    pub from: Option<MemberCode>,
    /// A label.
    pub label: Option<String>,
    /// An ATT&CK technique, such as `T1566`; its sub-techniques count too.
    pub technique: Option<String>,
    /// At least this confidence.
    pub confidence_min: Option<u8>,
    /// This marking.
    pub tlp: Option<Tlp>,
    /// Valid at this time, milliseconds since 1970 UTC: from `valid_from` on, until `valid_until`. The reader's own
    /// time, if absent, and then only the end counts.
    pub valid_at_ms: Option<u64>,
    /// Arrived at or after this, milliseconds.
    pub since_ms: Option<u64>,
    /// Arrived before this, milliseconds.
    pub until_ms: Option<u64>,
    /// Text in its name or description, in any case.
    pub text: Option<String>,
}

/// A part of an answer.
#[derive(Debug, Default)]
pub struct Page {
    /// Latest arrival first.
    pub objects: Vec<StoredObject>,
    /// Where the next page begins, if there may be one.
    pub next: Option<u64>,
}

/// How much the store holds.
pub fn counts(store: &dyn Store) -> Result<Counts, StoreError> {
    store.get(Family::Meta, layout::COUNTS)?.map_or(Ok(Counts::default()), |bytes| Counts::decode(&bytes))
}

/// One page of a query's answer: objects that arrived before `before` (all, if absent), at most `limit`.
pub fn query(
    store: &dyn Store,
    reader: &Reader,
    query: &Query,
    before: Option<u64>,
    limit: usize,
) -> Result<Page, StoreError> {
    let until = query.until_ms.unwrap_or(u64::MAX).min(before.unwrap_or(u64::MAX));
    let range = (query.since_ms.unwrap_or(0), until);
    let limit = limit.clamp(1, PAGE_OBJECTS);
    // Each index is read back to some arrival; from the latest of these on, nothing can be missing.
    let (mut found, mut complete_from) = (BTreeMap::new(), 0);
    for (family, prefix) in narrowest(query) {
        let mut reading = Reading { store, reader, query, limit, bytes: 0, found: Vec::new(), stopped_at: 0 };
        reading.walk(family, prefix, range)?;
        complete_from = complete_from.max(reading.stopped_at);
        found.extend(reading.found.into_iter().map(|object| (object.arrival, object)));
    }
    let objects: Vec<_> =
        found.into_values().rev().filter(|object| object.arrival >= complete_from).collect();
    Ok(page(objects, limit, complete_from))
}

fn page(mut objects: Vec<StoredObject>, limit: usize, complete_from: u64) -> Page {
    if objects.len() > limit {
        objects.truncate(limit);
        let next = objects.last().map(|object| object.arrival);
        return Page { objects, next };
    }
    Page { objects, next: (complete_from > 0).then_some(complete_from) }
}

/// Objects in the order of their arrival, those after `arrival` (all, from 0), one page of them.
///
/// Whoever reads on from the last one's arrival misses nothing and sees nothing twice.
pub fn after(store: &dyn Store, arrival: u64) -> Result<Vec<StoredObject>, StoreError> {
    let (mut objects, mut bytes, mut fault) = (Vec::new(), 0, None);
    let mut visit = |key: &[u8], value: &[u8]| match StoredObject::decode(key, value) {
        Ok(object) => {
            bytes += object.json.len();
            objects.push(object);
            let full = objects.len() >= PAGE_OBJECTS || bytes >= PAGE_BYTES;
            if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
        Err(e) => {
            fault = Some(e);
            ControlFlow::Break(())
        }
    };
    let start = layout::object(arrival.saturating_add(1));
    store.scan(Family::Object, &start, &[u8::MAX; 9], Order::Ascending, &mut visit)?;
    fault.map_or(Ok(objects), Err)
}

/// Every version of the object with this STIX id, by whoever published it, latest arrival first: one
/// page of those that arrived before `before` (all, if absent).
pub fn versions(store: &dyn Store, id: &str, before: Option<u64>) -> Result<Page, StoreError> {
    let (mut page, mut bytes) = (Page::default(), 0);
    for arrival in arrivals(store, &layout::versions(id))?.range(..before.unwrap_or(u64::MAX)).rev() {
        if page.objects.len() >= PAGE_OBJECTS || bytes >= PAGE_BYTES {
            page.next = page.objects.last().map(|object| object.arrival);
            break;
        }
        if let Some(object) = object_at(store, *arrival)? {
            bytes += object.json.len();
            page.objects.push(object);
        }
    }
    Ok(page)
}

/// The index ranges that hold every answer to the query: the narrowest that there are.
fn narrowest(query: &Query) -> Vec<(Family, Vec<u8>)> {
    if let Some(value) = &query.value {
        let question = Question::read(value);
        return question.exact().iter().map(|key| (Family::Index, layout::value(key))).collect();
    }
    vec![match (&query.object_type, query.from) {
        (Some(object_type), _) => (Family::Index, layout::object_type(object_type)),
        (None, Some(member)) => (Family::Index, layout::member(member)),
        (None, None) => (Family::Object, Vec::new()),
    }]
}

/// One index range being read backwards, until there is enough for a page.
struct Reading<'a> {
    store: &'a dyn Store,
    reader: &'a Reader,
    query: &'a Query,
    limit: usize,
    bytes: usize,
    found: Vec<StoredObject>,
    /// The arrival at which there was enough; 0 if the range was read to its end.
    stopped_at: u64,
}

impl Reading<'_> {
    fn walk(&mut self, family: Family, prefix: Vec<u8>, (from, to): (u64, u64)) -> Result<(), StoreError> {
        let (store, prefix_len) = (self.store, prefix.len());
        let mut result = Ok(());
        let mut visit = |key: &[u8], _: &[u8]| {
            let taken = layout::arrival_after(key, prefix_len).and_then(|arrival| self.take(arrival));
            taken.unwrap_or_else(|e| {
                result = Err(e);
                ControlFlow::Break(())
            })
        };
        let (start, end) = (layout::at(prefix.clone(), from), layout::at(prefix, to));
        store.scan(family, &start, &end, Order::Descending, &mut visit)?;
        result
    }

    fn take(&mut self, arrival: u64) -> Result<ControlFlow<()>, StoreError> {
        // A value that an object has in two kinds stands in the index twice.
        if self.found.last().is_some_and(|last| last.arrival == arrival) {
            return Ok(ControlFlow::Continue(()));
        }
        if let Some(object) = object_at(self.store, arrival)?
            && matches(self.store, self.reader, self.query, &object)?
        {
            self.bytes += object.json.len();
            self.found.push(object);
        }
        if self.found.len() < self.limit && self.bytes < PAGE_BYTES {
            return Ok(ControlFlow::Continue(()));
        }
        self.stopped_at = arrival;
        Ok(ControlFlow::Break(()))
    }
}

/// The arrivals that the keys of the index end with, of all those that begin with this prefix.
fn arrivals(store: &dyn Store, prefix: &[u8]) -> Result<BTreeSet<u64>, StoreError> {
    let mut arrivals = BTreeSet::new();
    let mut fault = None;
    let mut visit = |key: &[u8], _: &[u8]| match layout::arrival_of(key) {
        Ok(arrival) => {
            arrivals.insert(arrival);
            ControlFlow::Continue(())
        }
        Err(e) => {
            fault = Some(e);
            ControlFlow::Break(())
        }
    };
    store.scan(Family::Index, prefix, &layout::end_of(prefix), Order::Ascending, &mut visit)?;
    fault.map_or(Ok(arrivals), Err)
}

/// The object that arrived then, if it is still here: whoever asks knows that they may see it.
pub fn at(store: &dyn Store, arrival: u64) -> Result<Option<StoredObject>, StoreError> {
    object_at(store, arrival)
}

fn object_at(store: &dyn Store, arrival: u64) -> Result<Option<StoredObject>, StoreError> {
    let key = layout::object(arrival);
    store.get(Family::Object, &key)?.map(|value| StoredObject::decode(&key, &value)).transpose()
}

fn matches(
    store: &dyn Store,
    reader: &Reader,
    query: &Query,
    stored: &StoredObject,
) -> Result<bool, StoreError> {
    let Ok(object) = Object::read(&stored.json) else { return Ok(false) };
    let fits = !stored.revoked
        && stored.tlp <= reader.ceiling
        && query.tlp.is_none_or(|tlp| tlp == stored.tlp)
        && query.id.as_ref().is_none_or(|id| *id == stored.id)
        && fits_content(query, &object)
        && fits_time(query, reader, &object);
    if !fits {
        return Ok(false);
    }
    // Whoever published these bytes vouches for them by themselves: a later version by one takes
    // nothing from what another says.
    for publisher in layout::publishers(store, stored.arrival)? {
        let asked = query.from.is_none_or(|from| from == publisher.member);
        if asked && is_newest_of(store, stored, publisher.member)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn fits_content(query: &Query, object: &Object<'_>) -> bool {
    let of_technique = |asked: &String| {
        let parent = format!("{asked}.");
        object.techniques().iter().any(|one| one == asked || one.starts_with(&parent))
    };
    let of_kind =
        |kind: &String| observable::of(object).iter().any(|mention| mention.observable.kind == *kind);
    let holds = |text: &String| {
        let text = text.to_lowercase();
        let holds = |prose: &str| prose.to_lowercase().contains(&text);
        object.name().is_some_and(|name| holds(&name)) || object.description().is_some_and(|it| holds(&it))
    };
    query.object_type.as_ref().is_none_or(|wanted| object.object_type() == wanted)
        && query.label.as_ref().is_none_or(|label| object.labels().contains(label))
        && query.technique.as_ref().is_none_or(of_technique)
        && query.confidence_min.is_none_or(|least| object.confidence().is_some_and(|found| found >= least))
        && query.kind.as_ref().is_none_or(of_kind)
        && query.text.as_ref().is_none_or(holds)
}

fn fits_time(query: &Query, reader: &Reader, object: &Object<'_>) -> bool {
    let valid_until = plain::valid_until_ms(object);
    match query.valid_at_ms {
        None => !reader.has_expired(valid_until),
        Some(at_ms) => {
            let begins = object.valid_from().is_none_or(|from| from / 1_000 <= at_ms as i64);
            begins && valid_until.is_none_or(|until| at_ms < until)
        }
    }
}

/// Whether no version of this publisher was modified later.
pub(crate) fn is_newest_of(
    store: &dyn Store,
    object: &StoredObject,
    publisher: MemberCode,
) -> Result<bool, StoreError> {
    let prefix = layout::versions_of(&object.id, publisher);
    let mut newest = Ok(object.arrival);
    let mut visit = |key: &[u8], _: &[u8]| {
        newest = layout::arrival_of(key);
        ControlFlow::Break(())
    };
    store.scan(Family::Index, &prefix, &layout::end_of(&prefix), Order::Descending, &mut visit)?;
    Ok(newest? == object.arrival)
}
