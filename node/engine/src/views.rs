//! What readers see: queries over the stored objects, newest arrival first.
//!
//! A query walks one index, the narrowest that it can, and holds each object against the other
//! conditions. Of each publisher's versions of an object only the newest is in a query's answer,
//! and none of an object that its publisher has revoked; [`versions`] has them all.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use certmesh_intel::observable::{Observable, questions};
use certmesh_wire::MemberCode;

use crate::layout::{self, Counts, StoredObject};
use crate::limits::{PAGE_BYTES, PAGE_OBJECTS, VALUE_ARRIVALS};
use crate::store::{Family, Order, Store, StoreError};

/// What to look for; conditions combine with AND.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// A value as an analyst types it, defanged or not.
    pub value: Option<String>,
    /// A STIX type.
    pub object_type: Option<String>,
    /// Who published it.
    pub from: Option<MemberCode>,
    /// Arrived at or after this, milliseconds.
    pub since_ms: Option<u64>,
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
    query: &Query,
    before: Option<u64>,
    limit: usize,
) -> Result<Page, StoreError> {
    let range = (query.since_ms.unwrap_or(0), before.unwrap_or(u64::MAX));
    let mut page = Page::default();
    let mut bytes = 0;
    let limit = limit.clamp(1, PAGE_OBJECTS);
    let mut take = |arrival: u64| -> Result<ControlFlow<()>, StoreError> {
        let Some(object) = object_at(store, arrival)? else { return Ok(ControlFlow::Continue(())) };
        if matches(store, query, &object)? {
            bytes += object.json.len();
            page.objects.push(object);
        }
        let full = page.objects.len() >= limit || bytes >= PAGE_BYTES;
        page.next = full.then_some(arrival);
        Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    };
    match narrowest(store, query)? {
        Candidates::Listed(arrivals) => {
            for arrival in arrivals.range(range.0..range.1).rev() {
                if take(*arrival)?.is_break() {
                    break;
                }
            }
        }
        Candidates::Indexed(family, prefix) => walk(store, family, prefix, range, &mut take)?,
    }
    Ok(page)
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

/// Every version of the object with this STIX id, by whoever published it, latest arrival first.
pub fn versions(store: &dyn Store, id: &str) -> Result<Vec<StoredObject>, StoreError> {
    let arrivals = listed(store, &[layout::versions(id)])?;
    let objects = arrivals.iter().rev().filter_map(|arrival| object_at(store, *arrival).transpose());
    objects.collect()
}

/// Where the arrivals of a query come from.
enum Candidates {
    /// Gathered beforehand.
    Listed(BTreeSet<u64>),
    /// The keys of a family that begin with this and end with an arrival.
    Indexed(Family, Vec<u8>),
}

fn narrowest(store: &dyn Store, query: &Query) -> Result<Candidates, StoreError> {
    if let Some(value) = &query.value {
        let keys = questions(value).into_iter().map(|value| layout::value(&Observable::lookup_key(&value)));
        return listed(store, &keys.collect::<Vec<_>>()).map(Candidates::Listed);
    }
    Ok(match (&query.object_type, query.from) {
        (Some(object_type), _) => Candidates::Indexed(Family::Index, layout::object_type(object_type)),
        (None, Some(member)) => Candidates::Indexed(Family::Index, layout::member(member)),
        (None, None) => Candidates::Indexed(Family::Object, Vec::new()),
    })
}

/// The arrivals of all index keys that begin with one of the prefixes.
fn listed(store: &dyn Store, prefixes: &[Vec<u8>]) -> Result<BTreeSet<u64>, StoreError> {
    let mut arrivals = BTreeSet::new();
    for prefix in prefixes {
        let mut fault = None;
        let mut visit = |key: &[u8], _: &[u8]| match layout::arrival_of(key) {
            Ok(arrival) => {
                arrivals.insert(arrival);
                if arrivals.len() < VALUE_ARRIVALS {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            }
            Err(e) => {
                fault = Some(e);
                ControlFlow::Break(())
            }
        };
        store.scan(Family::Index, prefix, &layout::end_of(prefix), Order::Ascending, &mut visit)?;
        if let Some(e) = fault {
            return Err(e);
        }
    }
    Ok(arrivals)
}

fn walk(
    store: &dyn Store,
    family: Family,
    prefix: Vec<u8>,
    (from, to): (u64, u64),
    take: &mut dyn FnMut(u64) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let mut result = Ok(());
    let mut visit = |key: &[u8], _: &[u8]| match layout::arrival_of(key).and_then(&mut *take) {
        Ok(flow) => flow,
        Err(e) => {
            result = Err(e);
            ControlFlow::Break(())
        }
    };
    let (start, end) = (layout::at(prefix.clone(), from), layout::at(prefix, to));
    store.scan(family, &start, &end, Order::Descending, &mut visit)?;
    result
}

fn object_at(store: &dyn Store, arrival: u64) -> Result<Option<StoredObject>, StoreError> {
    let key = layout::object(arrival);
    store.get(Family::Object, &key)?.map(|value| StoredObject::decode(&key, &value)).transpose()
}

fn matches(store: &dyn Store, query: &Query, object: &StoredObject) -> Result<bool, StoreError> {
    if object.revoked || query.object_type.as_deref().is_some_and(|wanted| object_type(&object.id) != wanted)
    {
        return Ok(false);
    }
    // The first publisher is in the object; whoever published the same bytes later is in the index.
    let publisher = query.from.unwrap_or(object.member);
    if !is_newest_of(store, object, publisher)? {
        return Ok(false);
    }
    let by_member = layout::at(layout::member(publisher), object.arrival);
    Ok(publisher == object.member || store.get(Family::Index, &by_member)?.is_some())
}

/// Whether no version of this publisher was modified later.
fn is_newest_of(store: &dyn Store, object: &StoredObject, publisher: MemberCode) -> Result<bool, StoreError> {
    let prefix = layout::versions_of(&object.id, publisher);
    let mut newest = Ok(object.arrival);
    let mut visit = |key: &[u8], _: &[u8]| {
        newest = layout::arrival_of(key);
        ControlFlow::Break(())
    };
    store.scan(Family::Index, &prefix, &layout::end_of(&prefix), Order::Descending, &mut visit)?;
    Ok(newest? == object.arrival)
}

/// The type that a STIX id begins with; the same as the object's own.
fn object_type(id: &str) -> &str {
    id.split_once("--").map_or(id, |(object_type, _)| object_type)
}
