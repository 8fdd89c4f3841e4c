//! Routes whose answer is a stream: objects, a line each, and the export.
//!
//! Each stream reads a page at a time and goes on when the client has taken it, so a slow client
//! costs a page of memory and no lock.

use std::ops::ControlFlow;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as AxumQuery, State as AxumState};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use certmesh_api::{ObjectLine, QueryParams};
use certmesh_engine::store::StoreError;
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

type Asked<T> = Result<AxumQuery<T>, QueryRejection>;

pub(super) async fn objects(
    AxumState(state): AxumState<State>,
    params: Asked<QueryParams>,
) -> Result<Response, Failure> {
    let AxumQuery(params) = params.map_err(|e| Failure::refused(e.body_text(), None))?;
    let asked =
        Asking { query: to_query(&params)?, before: None, left: params.limit.unwrap_or(u64::MAX), state };
    // The first page is read before the answer begins, so that a failing store is an error, not a torn stream.
    let (first, asking) = asked.page().await?;
    let pages = stream::unfold((Some(first), asking), |(page, asking)| async move {
        match (page, asking) {
            (Some(page), asking) => Some((Ok(page), (None, asking))),
            (None, Some(asking)) => match asking.page().await {
                Ok((page, asking)) => Some((Ok(page), (None, asking))),
                Err(e) => Some((Err(e), (None, None))),
            },
            (None, None) => None,
        }
    });
    Ok(lines(pages))
}

/// A query on its way through the store.
struct Asking {
    state: State,
    query: Query,
    before: Option<u64>,
    left: u64,
}

impl Asking {
    /// The next page as text, and how to go on if there may be more.
    async fn page(mut self) -> Result<(Bytes, Option<Self>), StoreError> {
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX);
        if limit == 0 {
            return Ok((Bytes::new(), None));
        }
        let (store, asked, before) = (self.state.store.clone(), self.query.clone(), self.before);
        let Page { objects, next } =
            blocking(move || query(&*store, &Reader::operator(now_ms()), &asked, before, limit)).await?;
        self.left = self.left.saturating_sub(objects.len() as u64);
        self.before = next;
        let go_on = next.is_some() && self.left > 0;
        Ok((to_lines(&self.state.membership.now(), &objects)?, go_on.then_some(self)))
    }
}

fn to_query(params: &QueryParams) -> Result<Query, Failure> {
    let from = params.from.as_deref().map(|code| code.to_ascii_uppercase().parse());
    let from = from.transpose().map_err(|e| Failure::refused(e, None))?;
    Ok(Query {
        value: params.value.clone(),
        object_type: params.object_type.clone(),
        from,
        since_ms: params.since_ms,
        ..Query::default()
    })
}

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
    let (store, id) = (state.store.clone(), id.to_owned());
    blocking(move || all_versions(&*store, &id, before)).await
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
    let store = state.store.clone();
    let newest =
        blocking(move || query(&*store, &Reader::operator(now_ms()), &Query::default(), None, 1)).await?;
    let cursor = newest.objects.first().map_or(0, |object| object.arrival).max(*arrivals.borrow());
    let start = (state, arrivals, stops, cursor);
    let pages = stream::unfold(start, |(state, mut arrivals, mut stops, cursor)| async move {
        loop {
            arrivals.borrow_and_update();
            let store = state.store.clone();
            let page = match blocking(move || after(&*store, cursor)).await.and_then(|found| {
                let last = found.last().map(|object| object.arrival);
                Ok((to_lines(&state.membership.now(), &found)?, last))
            }) {
                Ok((_, None)) => None,
                Ok((text, Some(last))) => Some((Ok(text), last)),
                Err(e) => Some((Err(e), u64::MAX)),
            };
            if let Some((text, cursor)) = page {
                return Some((text, (state, arrivals, stops, cursor)));
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

/// Reads the store on a thread that may block.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let stopped = |_| StoreError { doing: "reading", cause: "the node is stopping".into() };
    tokio::task::spawn_blocking(read).await.map_err(stopped)?
}

fn lines(pages: impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static) -> Response {
    ([("content-type", "application/x-ndjson")], Body::from_stream(pages)).into_response()
}

/// What has become of an object's author since it published.
fn standing(membership: &Membership, object: &StoredObject) -> Option<String> {
    let is_cut = || membership.nodes().get(&object.node).is_some_and(|node| node.state == NodeState::Cut);
    match membership.roster().member(object.member) {
        None => Some("left".into()),
        Some(_) if is_cut() => Some("cut".into()),
        Some(_) => None,
    }
}

fn to_lines(membership: &Membership, objects: &[StoredObject]) -> Result<Bytes, StoreError> {
    let mut text = Vec::new();
    for object in objects {
        let not_json = |e: serde_json::Error| StoreError {
            doing: "reading",
            cause: format!("the object that arrived at {} is not JSON: {e}", object.arrival),
        };
        let line = ObjectLine {
            arrival: object.arrival,
            member: object.member.to_string(),
            standing: standing(membership, object),
            node_id: object.node.to_string(),
            record: object.record.to_string(),
            tlp: object.tlp.to_string(),
            object: RawValue::from_string(on_one_line(&object.json)).map_err(not_json)?,
        };
        serde_json::to_writer(&mut text, &line).map_err(not_json)?;
        text.push(b'\n');
    }
    Ok(text.into())
}

/// JSON with its line breaks as spaces: they can stand between tokens alone (RFC 8259, section 7).
fn on_one_line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}
