//! `GET /v1/objects`: queries, in the order that is asked for, paged by a cursor that holds for ever.
//!
//! The latest arrivals come from an index, a page at a time. Any other order takes a look at every match, of which as many
//! are kept as are asked for.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::str::FromStr;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as AxumQuery, State as AxumState};
use axum::response::Response;
use bytes::Bytes;
use certmesh_api::QueryParams;
use certmesh_engine::store::{Readable, StoreError};
use certmesh_engine::{Membership, Page, Query, Reader, StoredObject, query};
use certmesh_intel::Object;
use futures::stream;

use super::State;
use super::answers::Failure;
use super::streams::{lines, push_line, reading, to_line};
use crate::clock::now_ms;

/// The most objects of an answer that is sorted otherwise than by arrival, and how many it has unless told.
const SORTED: u64 = 10_000;
/// How many objects are looked at together on the way through all matches.
const PORTION: usize = 1_000;

pub(super) async fn objects(
    AxumState(state): AxumState<State>,
    params: Result<AxumQuery<QueryParams>, QueryRejection>,
) -> Result<Response, Failure> {
    let AxumQuery(params) = params.map_err(|e| Failure::refused(e.body_text(), None))?;
    let (query, sort) = (to_query(&params)?, sort(&params)?);
    let after = params.after.as_deref().map(|text| Place::read(sort, text)).transpose()?;
    if sort == Sort::Newest {
        let before = after.map(|place| place.arrival);
        let limit = params.limit.unwrap_or(u64::MAX);
        return newest(Walk { query, before, left: limit, state }).await;
    }
    let limit = params.limit.unwrap_or(SORTED).min(SORTED) as usize;
    let membership = state.membership.now();
    let sorted = move |store: &dyn Readable| sorted(store, &membership, &query, sort, after, limit);
    let text = reading(&state.store, sorted).await?;
    Ok(lines(stream::once(async move { Ok::<_, StoreError>(text) })))
}

/// An order, by its name in [`QueryParams::sort`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Newest,
    Oldest,
    Confidence,
    FirstSeen,
}

const SORTS: [(&str, Sort); 4] = [
    ("newest", Sort::Newest),
    ("oldest", Sort::Oldest),
    ("confidence", Sort::Confidence),
    ("first-seen", Sort::FirstSeen),
];

impl Sort {
    fn name(self) -> &'static str {
        SORTS.iter().find(|(_, sort)| *sort == self).map_or("", |(name, _)| name)
    }

    /// What the highest of comes first; of equals the latest arrival.
    fn key(self, stored: &StoredObject) -> u64 {
        let read = || Object::read(&stored.json).ok();
        match self {
            Self::Newest => 0,
            Self::Oldest => u64::MAX - stored.arrival,
            // 0 for what says nothing.
            Self::Confidence => read()
                .and_then(|object| object.confidence())
                .map_or(0, |confidence| u64::from(confidence) + 1),
            Self::FirstSeen => {
                let seen = read().and_then(|o| o.first_seen().or(o.valid_from()).or(o.modified()));
                seen.and_then(|micros| u64::try_from(micros / 1_000).ok()).unwrap_or_default()
            }
        }
    }
}

/// Where an object stands in an order; the greater comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    key: u64,
    arrival: u64,
}

impl Place {
    fn of(sort: Sort, stored: &StoredObject) -> Self {
        Self { key: sort.key(stored), arrival: stored.arrival }
    }

    /// The cursor for what comes behind it: the order, so that no cursor is taken for one of another order, the key, the
    /// arrival.
    fn cursor(self, sort: Sort) -> String {
        format!("{}.{}.{}", sort.name(), self.key, self.arrival)
    }

    fn read(sort: Sort, cursor: &str) -> Result<Self, Failure> {
        let mut parts = cursor.rsplitn(3, '.');
        let mut number = || parts.next().and_then(|text| u64::from_str(text).ok());
        let (arrival, key) = (number(), number());
        match (parts.next(), key, arrival) {
            (Some(name), Some(key), Some(arrival)) if name == sort.name() => Ok(Self { key, arrival }),
            (Some(name), Some(_), Some(_)) if SORTS.iter().any(|(known, _)| *known == name) => {
                Err(Failure::refused(
                    format!("the cursor is one of the order `{name}`, and `{}` is asked for", sort.name()),
                    Some("ask for the same order as when the cursor was told"),
                ))
            }
            _ => {
                Err(Failure::refused("that is no cursor", Some("a cursor is told with each object and page")))
            }
        }
    }
}

fn sort(params: &QueryParams) -> Result<Sort, Failure> {
    let Some(wanted) = params.sort.as_deref() else { return Ok(Sort::Newest) };
    let found = SORTS.iter().find(|(name, _)| *name == wanted);
    found.map(|(_, sort)| *sort).ok_or_else(|| {
        let names: Vec<_> = SORTS.iter().map(|(name, _)| *name).collect();
        Failure::refused(format!("there is no such order; there are {}", names.join(", ")), None)
    })
}

fn to_query(params: &QueryParams) -> Result<Query, Failure> {
    let wrong = |fault: &dyn ToString| Failure::refused(fault.to_string(), None);
    let from = params.from.as_deref().map(|code| code.to_ascii_uppercase().parse()).transpose();
    let tlp = params.tlp.as_deref().map(str::parse).transpose();
    Ok(Query {
        value: params.value.clone(),
        object_type: params.object_type.clone(),
        kind: params.observable.clone(),
        id: params.id.clone(),
        from: from.map_err(|fault| wrong(&fault))?,
        label: params.label.clone(),
        technique: params.technique.as_deref().map(str::to_ascii_uppercase),
        confidence_min: params.confidence,
        tlp: tlp.map_err(|fault| wrong(&fault))?,
        valid_at_ms: params.valid_at_ms,
        since_ms: params.since_ms,
        until_ms: params.until_ms,
        text: params.text.clone(),
    })
}

/// The latest arrivals first, a page after the other.
async fn newest(walk: Walk) -> Result<Response, Failure> {
    // The first page is read before the answer begins, so that a failing store is an error, not a torn stream.
    let (first, walk) = walk.page().await?;
    let pages = stream::unfold((Some(first), walk), |(page, walk)| async move {
        match (page, walk) {
            (Some(page), walk) => Some((Ok(page), (None, walk))),
            (None, Some(walk)) => match walk.page().await {
                Ok((page, walk)) => Some((Ok(page), (None, walk))),
                Err(e) => Some((Err(e), (None, None))),
            },
            (None, None) => None,
        }
    });
    Ok(lines(pages))
}

/// A query on its way through the store.
struct Walk {
    state: State,
    query: Query,
    before: Option<u64>,
    left: u64,
}

impl Walk {
    /// The next page as text, and how to go on if there may be more.
    async fn page(mut self) -> Result<(Bytes, Option<Self>), StoreError> {
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX);
        if limit == 0 {
            return Ok((Bytes::new(), None));
        }
        let (asked, before) = (self.query.clone(), self.before);
        let page =
            move |store: &dyn Readable| query(store, &Reader::operator(now_ms()), &asked, before, limit);
        let Page { objects, next } = reading(&self.state.store, page).await?;
        self.left = self.left.saturating_sub(objects.len() as u64);
        self.before = next;
        let go_on = next.is_some() && self.left > 0;
        Ok((text(&self.state.membership.now(), &objects, Sort::Newest)?, go_on.then_some(self)))
    }
}

/// The first of all matches in an order, behind a place.
fn sorted(
    store: &dyn Readable,
    membership: &Membership,
    asked: &Query,
    sort: Sort,
    after: Option<Place>,
    limit: usize,
) -> Result<Bytes, StoreError> {
    let reader = Reader::operator(now_ms());
    let mut kept = BTreeMap::new();
    let mut before = None;
    loop {
        let page = query(store, &reader, asked, before, PORTION)?;
        for object in page.objects {
            let place = Place::of(sort, &object);
            if after.is_none_or(|after| place < after) {
                kept.insert(Reverse(place), object);
            }
            if kept.len() > limit {
                kept.pop_last();
            }
        }
        before = page.next;
        if before.is_none() {
            return text(membership, &kept.into_values().collect::<Vec<_>>(), sort);
        }
    }
}

fn text(membership: &Membership, objects: &[StoredObject], sort: Sort) -> Result<Bytes, StoreError> {
    let mut text = Vec::new();
    for object in objects {
        let mut line = to_line(membership, object)?;
        line.cursor = Some(Place::of(sort, object).cursor(sort));
        push_line(line, &mut text)?;
    }
    Ok(text.into())
}
