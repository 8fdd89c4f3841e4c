//! A page: objects in the order of arrival, copied from the store as they are.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use certmesh_engine::store::{Readable, StoreError};
use certmesh_engine::{Collection, Reader, Selection, StoredObject, collected};

use super::super::answer::{Problem, TAXII, bytes, etag, unless_known};
use super::super::hold;
use super::super::limits::PAGE_BYTES;
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
        let page = read(store, reader, &collection, &asked)?;
        let last = page.objects.last().map(|object| object.arrival);
        let next = last.filter(|_| page.more).map(|last| asked.next(last));
        Ok(Rendered {
            tag: tag(&store_id, reader, &query, &page),
            bounds: bounds(&page, asked.after),
            objects: page.objects.len(),
            body: render(&page, next),
        })
    };
    let rendered = call.grant.read(read).await?;
    call.soc.figures.objects.fetch_add(rendered.objects as u64, Relaxed);
    let mut response = unless_known(&call.parts.headers, &rendered.tag, bytes(rendered.body, TAXII));
    dated(response.headers_mut(), rendered.bounds);
    Ok(hold::until_sent(response, room))
}

/// A page as it is sent.
struct Rendered {
    body: Vec<u8>,
    tag: String,
    bounds: (u64, u64),
    objects: usize,
}

/// The first and the last arrival of a page; of an empty one, where it would have begun, so that whoever goes on
/// from there neither misses anything nor begins again.
fn bounds(page: &Page, after: u64) -> (u64, u64) {
    let at = |object: Option<&StoredObject>| object.map_or(after, |object| object.arrival);
    (at(page.objects.first()), at(page.objects.last()))
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
    let numbers =
        [first, last, page.objects.len() as u64, u64::from(page.more)].map(u64::to_be_bytes).concat();
    etag(&[store_id.as_bytes(), &[reader.ceiling as u8], query.as_bytes(), &numbers])
}

/// The page that was asked for. It is empty only if there is nothing more.
pub(super) fn read(
    store: &dyn Readable,
    reader: &Reader,
    collection: &Collection,
    asked: &Asked,
) -> Result<Page, StoreError> {
    let mut found: BTreeMap<u64, StoredObject> = BTreeMap::new();
    // Where several selections are read, nothing is known beyond the one that has come least far.
    let mut complete_to = None::<u64>;
    for selection in &asked.selections {
        let (objects, stopped_at) = read_one(store, reader, collection, selection, asked)?;
        complete_to = match (complete_to, stopped_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        found.extend(objects.into_iter().map(|object| (object.arrival, object)));
    }
    let mut objects: Vec<_> =
        found.into_values().take_while(|object| complete_to.is_none_or(|to| object.arrival <= to)).collect();
    let more = complete_to.is_some() || objects.len() > asked.limit;
    objects.truncate(asked.limit);
    Ok(Page { objects, more })
}

/// Objects of one selection, and where they end if there is more.
fn read_one(
    store: &dyn Readable,
    reader: &Reader,
    collection: &Collection,
    selection: &Selection,
    asked: &Asked,
) -> Result<(Vec<StoredObject>, Option<u64>), StoreError> {
    let (mut objects, mut after, mut size) = (Vec::new(), asked.after, 0);
    loop {
        let is_full = objects.len() >= asked.limit || size >= PAGE_BYTES;
        // One more than there is room for tells whether there is more: some clients stop at a page without
        // objects, and others never do.
        let wanted = if is_full { 1 } else { asked.limit - objects.len() };
        let part = collected(store, reader, collection, selection, after, wanted)?;
        if is_full && !part.objects.is_empty() {
            let end = objects.last().map_or(after, |object: &StoredObject| object.arrival);
            return Ok((objects, Some(end)));
        }
        size += part.objects.iter().map(|object| object.json.len()).sum::<usize>();
        objects.extend(part.objects);
        after = part.next;
        if !part.more {
            return Ok((objects, None));
        }
    }
}
