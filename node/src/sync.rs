//! Sync: what makes gossip right. A task for each connected peer asks it for what follows this
//! node's heads: when it connects, when it seems to have more, and from time to time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use certmesh_engine::Membership;
use certmesh_engine::store::Store;
use certmesh_mesh::{AnswerFault, Mesh, PullError, Source};
use certmesh_wire::{NodeId, PullAnswer, PullRequest};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::driver::{Input, Progress};
use crate::peers::PeerBook;

/// How often a peer is asked though nothing seems to be missing.
const PERIOD: Duration = Duration::from_secs(15);
/// How long to leave a peer alone that was busy or broke off.
const BACK_OFF: Duration = Duration::from_secs(2);
/// Parcels given to the driver at once: their signatures take about ten milliseconds, for which
/// publications have to wait.
const PORTION: usize = 256;
/// Pulls under way at once: few, since all peers would send the same; more than one, since a peer
/// may be slow.
const TURNS: usize = 3;

/// Answers other nodes' pulls from the store, with committed records alone.
pub(crate) struct PullSource {
    store: Arc<dyn Store>,
    membership: Arc<Membership>,
}

impl PullSource {
    pub(crate) fn new(store: Arc<dyn Store>, membership: Arc<Membership>) -> Self {
        Self { store, membership }
    }
}

impl Source for PullSource {
    fn answer(&self, peer: NodeId, request: &[u8]) -> Result<Vec<u8>, AnswerFault> {
        let request = PullRequest::decode(request).map_err(|e| AnswerFault::Malformed(e.to_string()))?;
        let answer = certmesh_engine::answer(&*self.store, &self.membership, peer, &request);
        answer.map(|answer| answer.encode()).map_err(|e| AnswerFault::Unavailable(e.to_string()))
    }
}

/// The tasks, one for each connected peer.
pub(crate) struct Sync {
    puller: Puller,
    tasks: BTreeMap<NodeId, (Arc<Notify>, AbortHandle)>,
}

impl Sync {
    pub(crate) fn new(mesh: Mesh, driver: mpsc::Sender<Input>, peers: Arc<PeerBook>) -> Self {
        Self {
            puller: Puller { mesh, driver, peers, turns: Arc::new(Semaphore::new(TURNS)) },
            tasks: BTreeMap::new(),
        }
    }

    pub(crate) fn connected(&mut self, node: NodeId) {
        let nudge = Arc::new(Notify::new());
        let task = tokio::spawn(self.puller.clone().run(node, Arc::clone(&nudge)));
        if let Some((_, before)) = self.tasks.insert(node, (nudge, task.abort_handle())) {
            before.abort();
        }
    }

    pub(crate) fn disconnected(&mut self, node: NodeId) {
        if let Some((_, task)) = self.tasks.remove(&node) {
            task.abort();
        }
    }

    /// A peer seems to have what is missing here.
    pub(crate) fn nudge(&self, node: NodeId) {
        if let Some((nudge, _)) = self.tasks.get(&node) {
            nudge.notify_one();
        }
    }

    pub(crate) fn stop(&mut self) {
        self.tasks.values().for_each(|(_, task)| task.abort());
        self.tasks.clear();
    }
}

#[derive(Clone)]
struct Puller {
    mesh: Mesh,
    driver: mpsc::Sender<Input>,
    peers: Arc<PeerBook>,
    turns: Arc<Semaphore>,
}

/// Why a peer is left alone for a while.
#[derive(Debug, thiserror::Error)]
enum PullFault {
    #[error(transparent)]
    Mesh(#[from] PullError),
    #[error("its answer can't be decoded: {0}")]
    Answer(#[from] certmesh_wire::CodecFault),
    #[error("this node is stopping")]
    Stopping,
}

impl Puller {
    async fn run(self, node: NodeId, nudge: Arc<Notify>) {
        loop {
            match self.catch_up(node).await {
                Ok(()) => {
                    let _ = tokio::time::timeout(PERIOD, nudge.notified()).await;
                }
                Err(PullFault::Stopping) => return,
                Err(fault) => {
                    self.report(node, &fault);
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }

    fn report(&self, node: NodeId, fault: &PullFault) {
        match fault {
            PullFault::Answer(fault) => {
                self.peers.refuse(node, "malformed", &format!("an answer to a pull: {fault}"))
            }
            fault => tracing::debug!(from = %self.peers.name(node), "pull: {fault}"),
        }
    }

    /// Asks until the peer has no more, or what it sends brings nothing on.
    async fn catch_up(&self, node: NodeId) -> Result<(), PullFault> {
        let mut asked_before = None;
        loop {
            let _turn = self.turns.acquire().await.map_err(|_| PullFault::Stopping)?;
            let wants = self.ask_driver(|reply| Input::Wants { reply }).await?;
            if asked_before.as_ref() == Some(&wants) {
                return Ok(());
            }
            let answer = PullAnswer::decode(&self.mesh.pull(node, wants.encode()).await?)?;
            let more = answer.more();
            let mut admitted = 0;
            let mut parcels = answer.into_parcels();
            while !parcels.is_empty() {
                let rest = parcels.split_off(parcels.len().min(PORTION));
                admitted += self.take(node, std::mem::replace(&mut parcels, rest)).await?.admitted;
            }
            if admitted > 0 {
                tracing::info!(from = %self.peers.name(node), records = admitted, "caught up");
            }
            if !more {
                return Ok(());
            }
            asked_before = Some(wants);
        }
    }

    async fn take(&self, from: NodeId, parcels: Vec<certmesh_wire::Parcel>) -> Result<Progress, PullFault> {
        self.ask_driver(|reply| Input::Pulled { from, parcels, reply }).await
    }

    async fn ask_driver<T>(&self, input: impl FnOnce(oneshot::Sender<T>) -> Input) -> Result<T, PullFault> {
        let (reply, answer) = oneshot::channel();
        self.driver.send(input(reply)).await.map_err(|_| PullFault::Stopping)?;
        answer.await.map_err(|_| PullFault::Stopping)
    }
}
