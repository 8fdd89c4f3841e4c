//! A page: objects in the order of arrival, copied from the store as they are.

use std::sync::atomic::Ordering::Relaxed;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use certmesh_engine::limits::{COLLECTED_BYTES, COLLECTED_OBJECTS};
use certmesh_engine::store::{Readable, StoreError};
use certmesh_engine::{Collection, Reader, Selection, StoredObject, Versions, collect, collected};

use super::super::answer::{Problem, TAXII, bytes, etag, unless_known};
use super::super::hold;
use super::super::limits::LOOKS;
use super::super::policy::{Granted, Taxii};
use super::super::route::Call;
use super::filters::Asked;
use super::items::{Items, Kind};
use super::stamp;

const FIRST: HeaderName = HeaderName::from_static("x-taxii-date-added-first");
const LAST: HeaderName = HeaderName::from_static("x-taxii-date-added-last");

/// Where a page ends.
#[derive(Clone, Copy)]
struct End {
    more: bool,
    /// Up to which arrival the collection was looked through.
    reached: u64,
}

/// Reads the page that was asked for, within memory that others leave, and answers with what it says of its objects.
/// The answer keeps that memory until it is sent.
pub(super) async fn answer(
    call: &Call<Granted<Taxii>>,
    collection: Collection,
    asked: Asked,
    kind: Kind,
) -> Result<Response, Problem> {
    let room = call.soc.shares.page(call.grant.token().id).await?;
    let store_id = call.soc.node.store_id.clone();
    let query = call.parts.uri.to_string();
    let read = move |store: &dyn Readable, reader: &Reader| {
        let mut items = Items::new(kind, asked.next(u64::MAX).len());
        let look = |after| {
            let left = asked.limit - items.count;
            let end = look(store, reader, &collection, &asked, (after, left), &mut items)?;
            Ok((end, items.count == asked.limit || items.len() > COLLECTED_BYTES / 2))
        };
        let end = filled(asked.after, look)?;
        if items.count == 0
            && let Some(object) = &asked.object
            && !is_there(store, reader, &collection, object)?
        {
            return Ok(None);
        }
        let bounds = items.arrivals.first().copied().zip(items.arrivals.last().copied());
        let next = end.more.then(|| asked.next(end.reached));
        let reached = if end.more { end.reached } else { 0 };
        let rendered = Rendered {
            tag: tag(&store_id, reader, &query, (&items.arrivals, reached)),
            bounds: bounds.unwrap_or((asked.after, end.reached)),
            objects: items.count,
            body: items.end(end.more, next.as_deref()),
        };
        // Whoever goes away meanwhile leaves the room to others when the work has ended, not before.
        Ok(Some((rendered, room)))
    };
    let absent = || Problem::absent("this collection holds no such object");
    let (rendered, room) = call.grant.read(read).await?.ok_or_else(absent)?;
    call.soc.figures.objects.fetch_add(rendered.objects as u64, Relaxed);
    let mut response = unless_known(&call.parts.headers, &rendered.tag, bytes(rendered.body, TAXII));
    dated(response.headers_mut(), rendered.bounds);
    Ok(hold::until_sent(response, room))
}

/// Whether the reader sees any version of the object; else it is as if there were none.
fn is_there(
    store: &dyn Readable,
    reader: &Reader,
    collection: &Collection,
    object: &str,
) -> Result<bool, StoreError> {
    let selection =
        Selection { ids: vec![object.to_owned()], versions: Versions::All, ..Selection::default() };
    let mut after = 0;
    loop {
        let found = collected(store, reader, collection, &selection, after, COLLECTED_OBJECTS)?;
        if !found.objects.is_empty() || !found.more {
            return Ok(!found.objects.is_empty());
        }
        after = found.next;
    }
}

/// A page as it is sent.
struct Rendered {
    body: Bytes,
    tag: String,
    /// The first and the last arrival; of an empty page, where it began and how far it has looked, so that whoever goes
    /// on from there neither misses anything nor begins again.
    bounds: (u64, u64),
    objects: usize,
}

fn dated(headers: &mut HeaderMap, (first, last): (u64, u64)) {
    for (name, arrival) in [(FIRST, first), (LAST, last)] {
        if let Ok(value) = HeaderValue::from_str(&stamp::of_ms(arrival)) {
            headers.insert(name, value);
        }
    }
}

/// Arrivals are given once, and what arrived never changes: they, and where it goes on, say which objects these are. Their
/// bounds and number do not: with the oldest versions alone, one that was withdrawn makes way for the next between the two.
fn tag(store_id: &str, reader: &Reader, query: &str, (arrivals, reached): (&[u64], u64)) -> String {
    let numbers: Vec<_> = arrivals.iter().chain([&reached]).flat_map(|number| number.to_be_bytes()).collect();
    etag(&[store_id.as_bytes(), &[reader.ceiling as u8], query.as_bytes(), &numbers])
}

/// The end of a page that begins after this arrival, and is looked for until it has enough. It is short, or empty, only if
/// there is nothing more, or if the filters have picked little on a long way: then it says how to go on. (taxii2-client
/// takes its first page's number of objects for the server's limit.)
fn filled(
    after: u64,
    mut look: impl FnMut(u64) -> Result<(End, bool), StoreError>,
) -> Result<End, StoreError> {
    let mut end = End { more: true, reached: after };
    for _ in 0..LOOKS {
        let is_enough;
        (end, is_enough) = look(end.reached)?;
        if is_enough || !end.more {
            break;
        }
    }
    Ok(end)
}

/// What every selection picks in the next stretch of the collection.
fn look(
    store: &dyn Readable,
    reader: &Reader,
    collection: &Collection,
    asked: &Asked,
    (after, limit): (u64, usize),
    items: &mut Items,
) -> Result<End, StoreError> {
    if let [selection] = &asked.selections[..] {
        let mut add = |object: StoredObject<&str>| items.add(&object);
        let (more, reached) = collect(store, reader, collection, selection, (after, limit), &mut add)?;
        return Ok(End { more, reached });
    }
    // Where several selections are read, nothing is known beyond the one that has come least far.
    let (mut objects, mut reached, mut complete_to) = (Vec::new(), after, None::<u64>);
    for selection in &asked.selections {
        let part = collected(store, reader, collection, selection, after, limit)?;
        reached = reached.max(part.next);
        if part.more {
            complete_to = Some(complete_to.map_or(part.next, |to| to.min(part.next)));
        }
        objects.extend(part.objects);
    }
    objects.sort_by_key(|object| object.arrival);
    objects.dedup_by_key(|object| object.arrival);
    objects.retain(|object| complete_to.is_none_or(|to| object.arrival <= to));
    reached = complete_to.unwrap_or(reached);
    let is_cut = objects.len() > limit;
    objects.truncate(limit);
    if let Some(last) = objects.last().filter(|_| is_cut) {
        reached = last.arrival;
    }
    objects.iter().for_each(|object| items.add(&object.as_read()));
    Ok(End { more: is_cut || complete_to.is_some(), reached })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far a request gets in a collection that ends there, whether there is more, and in how many looks, of which
    /// this one has enough.
    fn looks(end: u64, enough: usize) -> (u64, bool, usize) {
        let mut looks = 0;
        let found = filled(3, |after| {
            looks += 1;
            Ok((End { more: after + 10 < end, reached: after + 10 }, looks == enough))
        });
        found.map(|found| (found.reached, found.more, looks)).unwrap()
    }

    #[test]
    fn a_page_of_other_objects_has_another_tag() {
        let reader = Reader::operator(0);
        let of = |arrivals: &[u64], reached| tag("store", &reader, "/objects/", (arrivals, reached));
        assert_eq!(of(&[5, 10, 20], 0), of(&[5, 10, 20], 0));
        assert_ne!(of(&[5, 10, 20], 0), of(&[5, 12, 20], 0), "the same bounds and number");
        assert_ne!(of(&[5, 10, 20], 0), of(&[5, 10, 20], 20));
    }

    #[test]
    fn a_filter_that_picks_nothing_is_given_up_for_a_while() {
        assert_eq!(looks(30, usize::MAX), (33, false, 3));
        assert_eq!(looks(u64::MAX, 2), (23, true, 2));
        let far = 3 + 10 * LOOKS as u64;
        assert_eq!(looks(u64::MAX, usize::MAX), (far, true, LOOKS));
    }
}
