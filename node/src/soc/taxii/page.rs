//! A page: objects in the order of arrival, copied from the store as they are.

use std::sync::atomic::Ordering::Relaxed;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use certmesh_engine::limits::COLLECTED_OBJECTS;
use certmesh_engine::store::{Readable, StoreError};
use certmesh_engine::{Collection, Reader, Selection, StoredObject, Versions, collected};

use super::super::answer::{Problem, TAXII, bytes, etag, unless_known};
use super::super::hold;
use super::super::limits::LOOKS;
use super::super::policy::{Granted, Taxii};
use super::super::route::Call;
use super::filters::Asked;
use super::stamp;

const FIRST: HeaderName = HeaderName::from_static("x-taxii-date-added-first");
const LAST: HeaderName = HeaderName::from_static("x-taxii-date-added-last");

/// Objects, and whether there are more beyond them.
#[derive(Default)]
pub(super) struct Page {
    pub(super) objects: Vec<StoredObject>,
    pub(super) more: bool,
    /// Up to which arrival the collection was looked through.
    reached: u64,
}

/// Reads the page that was asked for, within memory that others leave, and answers with what `render` makes of it.
/// The answer keeps that memory until it is sent.
pub(super) async fn answer(
    call: &Call<Granted<Taxii>>,
    collection: Collection,
    asked: Asked,
    render: impl FnOnce(&Page, Option<String>) -> Vec<u8> + Send + 'static,
) -> Result<Response, Problem> {
    let room = call.soc.shares.page(call.grant.token().id).await?;
    let store_id = call.soc.node.store_id.clone();
    let query = call.parts.uri.to_string();
    let read = move |store: &dyn Readable, reader: &Reader| {
        let page = first_found(asked.after, |after| look(store, reader, &collection, &asked, after))?;
        if page.objects.is_empty()
            && let Some(object) = &asked.object
            && !is_there(store, reader, &collection, object)?
        {
            return Ok(None);
        }
        let next = page.more.then(|| asked.next(page.reached));
        let rendered = Rendered {
            tag: tag(&store_id, reader, &query, &page),
            bounds: bounds(&page, asked.after),
            objects: page.objects.len(),
            body: render(&page, next),
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
    body: Vec<u8>,
    tag: String,
    bounds: (u64, u64),
    objects: usize,
}

/// The first and the last arrival of a page; of an empty one, where it began and how far it has looked, so that whoever
/// goes on from there neither misses anything nor begins again.
fn bounds(page: &Page, after: u64) -> (u64, u64) {
    let first = page.objects.first().map_or(after, |object| object.arrival);
    let last = page.objects.last().map_or(page.reached, |object| object.arrival);
    (first, last)
}

fn dated(headers: &mut HeaderMap, (first, last): (u64, u64)) {
    for (name, arrival) in [(FIRST, first), (LAST, last)] {
        if let Ok(value) = HeaderValue::from_str(&stamp::of_ms(arrival)) {
            headers.insert(name, value);
        }
    }
}

/// Arrivals are given once, and what arrived never changes: the bounds and the number say which objects they are.
fn tag(store_id: &str, reader: &Reader, query: &str, page: &Page) -> String {
    let (first, last) = bounds(page, 0);
    let next = if page.more { page.reached } else { 0 };
    let numbers = [first, last, page.objects.len() as u64, next].map(u64::to_be_bytes).concat();
    etag(&[store_id.as_bytes(), &[reader.ceiling as u8], query.as_bytes(), &numbers])
}

/// The first page with anything on it after this arrival. It is empty only if there is nothing more, or if the filters
/// have picked nothing on a long way: then it says how to go on.
fn first_found(
    after: u64,
    mut look: impl FnMut(u64) -> Result<Page, StoreError>,
) -> Result<Page, StoreError> {
    let mut page = Page { more: true, reached: after, ..Page::default() };
    for _ in 0..LOOKS {
        page = look(page.reached)?;
        if !page.objects.is_empty() || !page.more {
            break;
        }
    }
    Ok(page)
}

/// What every selection picks in the next stretch of the collection.
fn look(
    store: &dyn Readable,
    reader: &Reader,
    collection: &Collection,
    asked: &Asked,
    after: u64,
) -> Result<Page, StoreError> {
    let mut objects: Vec<StoredObject> = Vec::new();
    // Where several selections are read, nothing is known beyond the one that has come least far.
    let (mut reached, mut complete_to) = (after, None::<u64>);
    for selection in &asked.selections {
        let part = collected(store, reader, collection, selection, after, asked.limit)?;
        reached = reached.max(part.next);
        if part.more {
            complete_to = Some(complete_to.map_or(part.next, |to| to.min(part.next)));
        }
        objects.extend(part.objects);
    }
    if asked.selections.len() > 1 {
        objects.sort_by_key(|object| object.arrival);
        objects.dedup_by_key(|object| object.arrival);
        objects.retain(|object| complete_to.is_none_or(|to| object.arrival <= to));
    }
    reached = complete_to.unwrap_or(reached);
    let is_cut = objects.len() > asked.limit;
    objects.truncate(asked.limit);
    if let Some(last) = objects.last().filter(|_| is_cut) {
        reached = last.arrival;
    }
    Ok(Page { objects, more: is_cut || complete_to.is_some(), reached })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far a request gets in a collection in which nothing is picked up to this place, and in how many looks.
    fn looks(end: u64) -> (u64, bool, usize) {
        let mut looks = 0;
        let page = first_found(3, |after| {
            looks += 1;
            Ok(Page { more: after + 10 < end, reached: after + 10, ..Page::default() })
        });
        page.map(|page| (page.reached, page.more, looks)).unwrap()
    }

    #[test]
    fn a_filter_that_picks_nothing_is_given_up_for_a_while() {
        assert_eq!(looks(30), (33, false, 3));
        let far = 3 + 10 * LOOKS as u64;
        assert_eq!(looks(u64::MAX), (far, true, LOOKS));
    }
}
