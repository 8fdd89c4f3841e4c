//! The local API: HTTP and JSON on a Unix socket, for this node's operators alone.
//!
//! The types that travel, and the table of routes, are in the `certmesh-api` crate.

mod answers;
mod check;
mod documents;
mod feeds;
mod listener;
mod objects;
mod questions;
mod receipts;
mod streams;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{delete, get, post};
use certmesh_engine::store::{Store, StoreError};
use certmesh_engine::tokens::Tokens;
use certmesh_engine::{KnownValues, Lag, Signing, lags};
use certmesh_mesh::Mesh;
use certmesh_wire::NodeId;
use certmesh_wire::limits::{MANIFEST_BYTES, RAW_BODY_BYTES};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::allowed::Allowed;
use crate::driver::{FullDisk, Input};
use crate::exercise;
use crate::feeds::Feeds;
use crate::peers::PeerBook;
use crate::soc::Figures;
use crate::standing::Standing;
pub(crate) use answers::alarms;
use listener::Connections;
pub(crate) use listener::{Socket, bind};

/// A publication: as much as one record holds, and the JSON around it.
const REQUEST_BYTES: usize = RAW_BODY_BYTES + 64 * 1024;

/// What the routes answer from.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) known: Arc<KnownValues>,
    pub(crate) feeds: Feeds,
    pub(crate) allow: Allowed,
    pub(crate) membership: Standing,
    pub(crate) node_id: NodeId,
    pub(crate) driver: mpsc::Sender<Input>,
    pub(crate) mesh: Mesh,
    pub(crate) peers: Arc<PeerBook>,
    pub(crate) signing: watch::Receiver<Signing>,
    pub(crate) tokens: watch::Receiver<Arc<Tokens>>,
    /// What waits for room, while the disk is full and nothing can be written.
    pub(crate) full_disk: watch::Receiver<Option<FullDisk>>,
    /// The name that the store got when it was made: arrivals mean something within it alone.
    pub(crate) store_id: String,
    /// Where the store is.
    pub(crate) data_dir: PathBuf,
    /// What SOC tools do.
    pub(crate) soc: Arc<Figures>,
}

impl State {
    /// How far each other node is behind, if it has told.
    pub(crate) fn lags(&self) -> Result<BTreeMap<NodeId, Lag>, StoreError> {
        let told: BTreeSet<_> = self
            .peers
            .all()
            .into_iter()
            .filter(|(_, peer)| peer.told_ms.is_some())
            .map(|(id, _)| id)
            .collect();
        lags(&*self.store, &self.membership.now(), self.node_id, |node| told.contains(&node))
    }
}

/// A running local API.
pub(crate) struct LocalApi {
    socket: Arc<Socket>,
    stopping: watch::Sender<bool>,
    connections: Connections,
    tasks: [AbortHandle; 2],
}

impl LocalApi {
    /// Takes no more requests, lets the answers that are under way end, and removes the socket.
    pub(crate) async fn stop(self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.stopping.send_replace(true);
        self.connections.ended().await;
        drop(self.socket);
    }
}

/// Serves requests on the socket.
pub(crate) fn serve(socket: Socket, state: State) -> LocalApi {
    let (stopping, stops) = watch::channel(false);
    let (socket, connections) = (Arc::new(socket), Connections::new(stops.clone()));
    let alarms = tokio::spawn(answers::log_alarms(state.clone())).abort_handle();
    let accepting = connections.clone().accept(Arc::clone(&socket), routes(Serving { state, stops }));
    LocalApi { socket, stopping, connections, tasks: [tokio::spawn(accepting).abort_handle(), alarms] }
}

/// The state, and whether the node is stopping.
#[derive(Clone)]
struct Serving {
    state: State,
    stops: watch::Receiver<bool>,
}

impl FromRef<Serving> for State {
    fn from_ref(serving: &Serving) -> Self {
        serving.state.clone()
    }
}

impl FromRef<Serving> for watch::Receiver<bool> {
    fn from_ref(serving: &Serving) -> Self {
        serving.stops.clone()
    }
}

fn routes(serving: Serving) -> Router {
    let standing = serving.state.membership.clone();
    Router::new()
        .route("/v1/publish", post(answers::publish).layer(DefaultBodyLimit::max(REQUEST_BYTES)))
        .route("/v1/vouch", post(answers::vouch))
        .route("/v1/reindex", post(answers::reindex))
        .route("/v1/status", get(answers::status))
        .route("/v1/peers", get(answers::peers))
        .route("/v1/forks", get(answers::forks))
        .route(
            "/v1/documents",
            post(documents::submit).get(documents::all).layer(DefaultBodyLimit::max(MANIFEST_BYTES)),
        )
        .route("/v1/receipts/{id}", get(receipts::receipts))
        .route("/v1/tokens", post(tokens::create).get(tokens::list))
        .route("/v1/tokens/{id}", delete(tokens::revoke))
        .route("/metrics", get(answers::metrics))
        // Values come and answers go for as long as both like: no limit but that of a line.
        .route("/v1/check", post(check::check).layer(DefaultBodyLimit::disable()))
        .route("/v1/objects", get(objects::objects))
        .route("/v1/related/{id}", get(questions::related))
        .route("/v1/records/{id}", get(questions::record))
        .route("/v1/why", get(questions::why))
        .route("/v1/feeds/{*name}", get(feeds::feed))
        .route("/v1/versions/{id}", get(streams::versions))
        .route("/v1/watch", get(streams::watch_arrivals))
        .route("/v1/export", get(streams::export))
        .fallback(answers::no_such_route)
        .layer(map_response(move |response: Response| ready(exercise::say(&standing, response))))
        .with_state(serving)
}
