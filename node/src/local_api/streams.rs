//! Routes whose answer is a stream: versions, arrivals and the export; and objects as lines.
//!
//! Each stream reads a page at a time and goes on when the client has taken it, so a slow client
//! costs a page of memory and no lock.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State as AxumState};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use certmesh_api::ObjectLine;
use certmesh_engine::store::{Readable, Store, StoreError};
use certmesh_engine::{
    Membership, Page, Query, Reader, StoredObject, after, query, versions as all_versions,
};
use certmesh_wire::NodeState;
use futures::stream::{self, Stream};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot, watch};

use super::State;
use super::answers::Failure;
use crate::clock::now_ms;
use crate::driver::Input;

/// Pieces of an export that may wait for the client.
const EXPORT_PIECES: usize = 4;
/// Bytes of an export that are handed on together.
const EXPORT_PIECE_BYTES: usize = 256 * 1024;

pub(super) async fn versions(
    AxumState(state): AxumState<State>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let first = version_page(&state, &id, None).await?;
    let pages = stream::unfold(Some((Some(first), state, id)), |going| async move {
        let (page, state, id) = going?;
        let Page { objects, next } = page?;
        let text = to_lines(&state.membership.now(), &objects);
        let Some(before) = next else { return Some((text, None)) };
        match version_page(&state, &id, Some(before)).await {
            Ok(page) => Some((text, Some((Some(page), state, id)))),
            Err(e) => Some((Err(e), None)),
        }
    });
    Ok(lines(pages))
}

async fn version_page(state: &State, id: &str, before: Option<u64>) -> Result<Page, StoreError> {
    let id = id.to_owned();
    reading(&state.store, move |store| all_versions(store, &id, before)).await
}

/// What arrives from now on, read from the store in the order of arrival: nothing is missed by a
/// client that is slower than the mesh.
pub(super) async fn watch_arrivals(
    AxumState(state): AxumState<State>,
    AxumState(stops): AxumState<watch::Receiver<bool>>,
) -> Result<Response, Failure> {
    let (reply, answer) = oneshot::channel();
    state.driver.send(Input::Arrivals { reply }).await.map_err(|_| Failure::stopping())?;
    let arrivals = answer.await.map_err(|_| Failure::stopping())?;
    let latest = |store: &dyn Readable| query(store, &Reader::operator(now_ms()), &Query::default(), None, 1);
    let newest = reading(&state.store, latest).await?;
    let cursor = newest.objects.first().map_or(0, |object| object.arrival).max(*arrivals.borrow());
    let start = (state, arrivals, stops, cursor);
    let pages = stream::unfold(start, |(state, mut arrivals, mut stops, mut cursor)| async move {
        loop {
            arrivals.borrow_and_update();
            let found = match reading(&state.store, move |store| after(store, cursor)).await {
                Ok(found) => found,
                Err(e) => return Some((Err(e), (state, arrivals, stops, u64::MAX))),
            };
            cursor = found.next;
            if !found.objects.is_empty() {
                let text = to_lines(&state.membership.now(), &found.objects);
                return Some((text, (state, arrivals, stops, cursor)));
            }
            // A page may hold nothing and have more after it.
            if found.more {
                continue;
            }
            tokio::select! {
                changed = arrivals.changed() => changed.ok()?,
                _ = stops.wait_for(|stopping| *stopping) => return None,
            }
        }
    });
    Ok(lines(pages))
}

pub(super) async fn export(AxumState(state): AxumState<State>) -> Response {
    let (pieces, received) = mpsc::channel::<Result<Bytes, StoreError>>(EXPORT_PIECES);
    tokio::task::spawn_blocking(move || {
        let mut buffer = Vec::new();
        let mut take = |item: Vec<u8>| {
            buffer.extend_from_slice(&item);
            if buffer.len() < EXPORT_PIECE_BYTES {
                return ControlFlow::Continue(());
            }
            match pieces.blocking_send(Ok(std::mem::take(&mut buffer).into())) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        };
        let result = certmesh_engine::export(&*state.store, &state.membership.now(), &mut take);
        // A client that has gone away needs neither the end nor the error.
        let _ = pieces.blocking_send(result.map(|()| buffer.into()));
    });
    let body = stream::unfold(received, |mut received| async move {
        received.recv().await.map(|piece| (piece, received))
    });
    ([("content-type", "application/cbor-seq")], Body::from_stream(body)).into_response()
}

/// Reads one moment of the store, on a thread that may block.
pub(super) async fn reading<T: Send + 'static>(
    store: &Arc<dyn Store>,
    read: impl FnOnce(&dyn Readable) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let store = Arc::clone(store);
    let stopped = |_| StoreError { doing: "reading", cause: "the node is stopping".into() };
    tokio::task::spawn_blocking(move || store.frozen(read)).await.map_err(stopped)?
}

pub(super) fn lines<E>(pages: impl Stream<Item = Result<Bytes, E>> + Send + 'static) -> Response
where
    E: Into<axum::BoxError> + 'static,
{
    ([("content-type", "application/x-ndjson")], Body::from_stream(pages)).into_response()
}

/// What has become of an object's author since it published.
fn standing(membership: &Membership, object: &StoredObject) -> Option<String> {
    let node = membership.node_of(object.member, object.node);
    let is_cut = || node.is_some_and(|node| node.state == NodeState::Cut);
    match membership.roster().member(object.member) {
        None => Some("left".into()),
        Some(_) if is_cut() => Some("cut".into()),
        Some(_) => None,
    }
}

pub(super) fn to_lines(membership: &Membership, objects: &[StoredObject]) -> Result<Bytes, StoreError> {
    let mut text = Vec::new();
    objects.iter().try_for_each(|object| push_line(to_line(membership, object)?, &mut text))?;
    Ok(text.into())
}

pub(super) fn push_line(line: ObjectLine, text: &mut Vec<u8>) -> Result<(), StoreError> {
    serde_json::to_writer(&mut *text, &line).map_err(|e| not_json(line.arrival, &e))?;
    text.push(b'\n');
    Ok(())
}

/// An object with its provenance.
pub(super) fn to_line(membership: &Membership, object: &StoredObject) -> Result<ObjectLine, StoreError> {
    Ok(ObjectLine {
        arrival: object.arrival,
        member: object.member.to_string(),
        standing: standing(membership, object),
        node_id: object.node.to_string(),
        record: object.record.to_string(),
        tlp: object.tlp.to_string(),
        exercise: membership.roster().exercise,
        cursor: None,
        object: RawValue::from_string(on_one_line(&object.json)).map_err(|e| not_json(object.arrival, &e))?,
    })
}

fn not_json(arrival: u64, fault: &serde_json::Error) -> StoreError {
    StoreError {
        doing: "reading",
        cause: format!("the object that arrived at {arrival} is not JSON: {fault}"),
    }
}

/// JSON with its line breaks as spaces: they can stand between tokens alone (RFC 8259, section 7).
fn on_one_line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}
