//! What SOC tools reach: HTTP on TCP, apart from the operators' socket. Nothing here publishes or administers, but
//! for a token that was made to publish.
//!
//! [`table`] has every route with what it asks for; `listener`, `connections` and `tls` are how clients are
//! served within limits. It runs on threads of its own: however much SOC tools ask for, the mesh does not wait.

mod answer;
mod body;
mod check;
mod connections;
mod credentials;
mod document;
mod feeds;
mod figures;
mod health;
mod hold;
mod limits;
mod listener;
mod observed;
mod policy;
mod route;
mod schemas;
mod shares;
mod stream;
mod table;
mod taxii;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Handle, Runtime};
use tokio::sync::watch;
use tokio::task::AbortHandle;

pub(crate) use figures::Figures;
pub(crate) use listener::{Listeners, prepare};

use crate::config::Soc as SocConfig;
use crate::local_api::State;
use connections::Connections;
use shares::Shares;
use taxii::Statuses;

/// What the routes answer from.
pub(crate) struct Soc {
    node: State,
    /// Under which address clients reach this node, if it is not the one they name.
    url: Option<String>,
    figures: Arc<Figures>,
    shares: Shares,
    statuses: Statuses,
    stops: watch::Receiver<bool>,
}

impl Soc {
    /// Whether all that this node holds is of an exercise.
    fn is_exercise(&self) -> bool {
        self.node.membership.now().roster().exercise
    }
}

/// The threads that serve SOC tools.
pub(crate) fn runtime() -> std::io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores)
        .max_blocking_threads(limits::READERS)
        .thread_name("soc")
        .enable_all()
        .build()
}

/// SOC tools, as they are served.
pub(crate) struct SocApi {
    connections: Arc<Connections>,
    stopping: watch::Sender<bool>,
    tasks: Vec<AbortHandle>,
}

/// Serves SOC tools on the runtime that `on` belongs to.
pub(crate) fn serve(on: &Handle, listeners: Listeners, config: &SocConfig, node: State) -> SocApi {
    let _entered = on.enter();
    let (stopping, stops) = watch::channel(false);
    let figures = Arc::clone(&node.soc);
    let connections = Arc::new(Connections::new(Arc::clone(&figures)));
    let soc = Soc {
        node,
        url: config.url.clone(),
        figures: Arc::clone(&figures),
        shares: Shares::new(),
        statuses: Statuses::default(),
        stops: stops.clone(),
    };
    let routes = table::router(Arc::new(soc));
    let tasks = listeners.serve(&connections, &figures, &routes, &stops);
    SocApi { connections, stopping, tasks }
}

impl SocApi {
    /// Takes no more requests, and lets the answers that are under way end.
    pub(crate) async fn stop(self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.stopping.send_replace(true);
        let ended = async {
            while !self.connections.is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(limits::LAST_ANSWERS, ended).await;
    }
}
