//! The local API: HTTP and JSON on a Unix socket, for this node's operators alone.
//!
//! The types that travel, and the table of routes, are in the `certmesh-api` crate.

mod answers;
mod listener;
mod streams;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use certmesh_engine::store::Store;
use certmesh_engine::{Membership, Signing};
use certmesh_wire::NodeId;
use certmesh_wire::limits::RAW_BODY_BYTES;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::driver::Input;
use crate::peers::PeerBook;

/// A publication: as much as one record holds, and the JSON around it.
const REQUEST_BYTES: usize = RAW_BODY_BYTES + 64 * 1024;

/// What the routes answer from.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) membership: Arc<Membership>,
    pub(crate) node_id: NodeId,
    pub(crate) driver: mpsc::Sender<Input>,
    pub(crate) peers: Arc<PeerBook>,
    pub(crate) signing: watch::Receiver<Signing>,
}

/// A running local API.
pub(crate) struct LocalApi {
    socket: PathBuf,
    task: AbortHandle,
}

impl LocalApi {
    /// Takes no more requests, and removes the socket.
    pub(crate) fn stop(&self) {
        self.task.abort();
        // It may be gone already.
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// Listens on the socket, which only the node's own user can open.
pub(crate) async fn serve(socket: &Path, state: State) -> Result<LocalApi, listener::ListenFault> {
    let listener: UnixListener = listener::bind(socket).await?;
    let task = tokio::spawn(listener::accept(listener, routes(state))).abort_handle();
    Ok(LocalApi { socket: socket.into(), task })
}

fn routes(state: State) -> Router {
    Router::new()
        .route("/v1/publish", post(answers::publish).layer(DefaultBodyLimit::max(REQUEST_BYTES)))
        .route("/v1/vouch", post(answers::vouch))
        .route("/v1/status", get(answers::status))
        .route("/v1/peers", get(answers::peers))
        .route("/v1/objects", get(streams::objects))
        .route("/v1/versions/{id}", get(streams::versions))
        .route("/v1/watch", get(streams::watch))
        .route("/v1/export", get(streams::export))
        .fallback(answers::no_such_route)
        .with_state(state)
}
