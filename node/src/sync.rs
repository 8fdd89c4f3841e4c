//! Sync: what makes gossip right. A task for each connected peer runs rounds of questions with it:
//! when it connects, when it seems to have more, and from time to time.
//!
//! Which question comes next, and what an answer means, is the engine's business; this is the shell
//! that sends the one and hands on the other.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use certmesh_engine::store::{Store, StoreError};
use certmesh_engine::sync::{Brought, Session, SyncFault, answer};
use certmesh_engine::{Membership, Signing};
use certmesh_mesh::{AnswerFault, Mesh, PullError, Source};
use certmesh_wire::{NodeId, SyncAnswer, SyncRequest};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use crate::driver::Input;
use crate::peers::PeerBook;

/// How often a peer is asked though nothing seems to be missing, on average.
const PERIOD: Duration = Duration::from_secs(15);
/// How often, while this node does not sign yet.
const WAITING_PERIOD: Duration = Duration::from_millis(500);
/// How long to leave a peer alone that was busy or broke off.
const BACK_OFF: Duration = Duration::from_secs(2);
/// Records given to the driver at once: their signatures take a few milliseconds, for which
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
        let request = SyncRequest::decode(request).map_err(|e| AnswerFault::Malformed(e.to_string()))?;
        let answer = answer(&*self.store, &self.membership, peer, &request);
        answer.map(|answer| answer.encode()).map_err(|e| AnswerFault::Unavailable(e.to_string()))
    }
}

/// The tasks, one for each connected peer.
pub(crate) struct Sync {
    puller: Puller,
    tasks: BTreeMap<NodeId, (Arc<Notify>, AbortHandle)>,
}

impl Sync {
    pub(crate) fn new(puller: Puller) -> Self {
        Self { puller, tasks: BTreeMap::new() }
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

/// Asks peers, and hands on what they answer.
#[derive(Clone)]
pub(crate) struct Puller {
    mesh: Mesh,
    driver: mpsc::Sender<Input>,
    peers: Arc<PeerBook>,
    store: Arc<dyn Store>,
    membership: Arc<Membership>,
    signing: watch::Receiver<Signing>,
    turns: Arc<Semaphore>,
}

/// Why a peer is left alone for a while.
#[derive(Debug, thiserror::Error)]
enum PullFault {
    #[error(transparent)]
    Mesh(#[from] PullError),
    #[error(transparent)]
    Answer(#[from] SyncFault),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("this node is stopping")]
    Stopping,
}

impl Puller {
    pub(crate) fn new(
        mesh: Mesh,
        driver: mpsc::Sender<Input>,
        peers: Arc<PeerBook>,
        store: Arc<dyn Store>,
        membership: Arc<Membership>,
        signing: watch::Receiver<Signing>,
    ) -> Self {
        let turns = Arc::new(Semaphore::new(TURNS));
        Self { mesh, driver, peers, store, membership, signing, turns }
    }

    async fn run(self, node: NodeId, nudge: Arc<Notify>) {
        let Some(member) = self.membership.member_of(node).map(|member| member.code) else { return };
        let mut session = Session::new(member);
        loop {
            match self.catch_up(node, session).await {
                Ok(kept) => {
                    session = kept;
                    let _ = tokio::time::timeout(self.period(), nudge.notified()).await;
                }
                Err(PullFault::Stopping) => return,
                Err(fault) => {
                    self.report(node, &fault);
                    if matches!(fault, PullFault::Answer(_)) {
                        self.mesh.hang_up(node).await;
                    }
                    session = Session::new(member);
                    tokio::time::sleep(BACK_OFF).await;
                }
            }
        }
    }

    /// The time until a peer is asked again: spread, so that nodes that started together drift apart;
    /// and short while this node waits for word of where its log ends.
    fn period(&self) -> Duration {
        if *self.signing.borrow() != Signing::Free {
            return WAITING_PERIOD;
        }
        let random = std::hash::RandomState::new().build_hasher().finish();
        PERIOD.mul_f64(0.75 + (random % 1_000) as f64 / 2_000.0)
    }

    fn report(&self, node: NodeId, fault: &PullFault) {
        match fault {
            PullFault::Answer(fault) => {
                self.peers.refuse(node, "malformed", &format!("an answer to a pull: {fault}"))
            }
            fault => tracing::debug!(from = %self.peers.name(node), "pull: {fault}"),
        }
    }

    /// One round: asks until there is nothing left that this peer can give.
    async fn catch_up(&self, node: NodeId, mut session: Session) -> Result<Session, PullFault> {
        session.begin();
        let mut admitted = 0;
        loop {
            let _turn = self.turns.acquire().await.map_err(|_| PullFault::Stopping)?;
            let (asked, question) = self.next_question(session).await?;
            session = asked;
            let Some(question) = question else { break };
            let answer = self.mesh.pull(node, question.encode()).await?;
            let answer = SyncAnswer::decode(&answer).map_err(SyncFault::from)?;
            let brought = session.take(answer)?;
            if let (Brought::Word, Some(frontier)) = (&brought, session.told().cloned()) {
                self.ask_driver(|reply| Input::Told { from: node, frontier, reply }).await?;
            }
            admitted += self.take(node, brought).await?;
        }
        if admitted > 0 {
            tracing::info!(from = %self.peers.name(node), admitted, "caught up");
        }
        Ok(session)
    }

    async fn next_question(&self, mut session: Session) -> Result<(Session, Option<SyncRequest>), PullFault> {
        let (store, membership) = (self.store.clone(), Arc::clone(&self.membership));
        let next = tokio::task::spawn_blocking(move || {
            let question = session.next(&*store, &membership)?;
            Ok::<_, StoreError>((session, question))
        });
        Ok(next.await.map_err(|_| PullFault::Stopping)??)
    }

    /// Gives the driver what came, in portions; says how much of it was admitted.
    async fn take(&self, from: NodeId, brought: Brought) -> Result<u64, PullFault> {
        let mut admitted = 0;
        match brought {
            Brought::Word => {}
            Brought::Records(records) => {
                for records in portions(records) {
                    admitted += self.ask_driver(|reply| Input::Records { from, records, reply }).await?;
                }
            }
            Brought::Forks(proofs) => {
                admitted += self.ask_driver(|reply| Input::Forks { from, proofs, reply }).await?;
            }
            Brought::Bodies(bodies) => {
                for bodies in portions(bodies) {
                    admitted += self.ask_driver(|reply| Input::Bodies { from, bodies, reply }).await?;
                }
            }
        }
        Ok(admitted)
    }

    async fn ask_driver<T>(&self, input: impl FnOnce(oneshot::Sender<T>) -> Input) -> Result<T, PullFault> {
        let (reply, answer) = oneshot::channel();
        self.driver.send(input(reply)).await.map_err(|_| PullFault::Stopping)?;
        answer.await.map_err(|_| PullFault::Stopping)
    }
}

fn portions<T>(mut items: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    std::iter::from_fn(move || {
        let rest = items.split_off(items.len().min(PORTION));
        Some(std::mem::replace(&mut items, rest)).filter(|portion| !portion.is_empty())
    })
}
