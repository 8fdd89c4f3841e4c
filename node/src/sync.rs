//! Sync: what makes gossip right. A task for each connected peer runs rounds of questions with it:
//! when it connects, when it seems to have more, and from time to time.
//!
//! Which question comes next, and what an answer means, is the engine's business; this is the shell
//! that sends the one and hands on the other.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use certmesh_engine::limits::{PULL_RECORDS, PULL_RECORDS_BURST};
use certmesh_engine::store::{Store, StoreError};
use certmesh_engine::sync::{Brought, Session, SyncFault, answer};
use certmesh_engine::{Document, DocumentFault, Signing};
use certmesh_mesh::{AnswerFault, Mesh, PullError, Source};
use certmesh_wire::{MemberCode, NodeId, SyncAnswer, SyncRequest};
use futures::{StreamExt, TryStreamExt};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, SemaphorePermit, oneshot, watch};
use tokio::task::AbortHandle;

use crate::driver::{Inbox, Input, Taken};
use crate::peers::PeerBook;
use crate::standing::Standing;

/// How often a peer is asked though nothing seems to be missing, on average.
const PERIOD: Duration = Duration::from_secs(15);
/// How often, while this node does not sign yet.
const WAITING_PERIOD: Duration = Duration::from_millis(500);
/// How long to leave a peer alone that broke off; twice as long each time that it does so again.
const BACK_OFF: Duration = Duration::from_secs(2);
/// The longest that a peer is left alone, also if it says that it is busy for longer.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);
/// How long a question and its answer may take: on the slowest link that is served, a full answer.
const QUESTION: Duration = Duration::from_secs(60);
/// A pull that takes longer is slow: others no longer wait for what it brings.
const SLOW: Duration = Duration::from_secs(2);
/// The pause after a round that brought nothing: who says that there is more has to have it.
const FRUITLESS: Duration = Duration::from_secs(1);
/// The pause after a round that a rate has ended: the next one is worth a question then.
const OVER_RATE: Duration = Duration::from_millis(PULL_RECORDS_BURST * 1_000 / PULL_RECORDS);
/// How soon after a publication the peers are asked whether they have it, and one that has not is asked
/// again: then twice as long each time.
const RECEIPT_DELAY: Duration = Duration::from_secs(3);
/// Records given to the driver at once: their signatures take a few milliseconds, for which
/// publications have to wait.
const PORTION: usize = 256;
/// Pulls of records and bodies under way at once: few, since all peers would send the same; more than
/// one, since a peer may be slow. The nodes of one member get one of them.
const TURNS: usize = 3;

/// Answers other nodes' pulls from the store, with committed records alone.
pub(crate) struct PullSource {
    store: Arc<dyn Store>,
    standing: Standing,
}

impl PullSource {
    pub(crate) fn new(store: Arc<dyn Store>, standing: Standing) -> Self {
        Self { store, standing }
    }
}

impl Source for PullSource {
    fn answer(&self, peer: NodeId, request: &[u8]) -> Result<Vec<u8>, AnswerFault> {
        let request = SyncRequest::decode(request).map_err(|e| AnswerFault::Malformed(e.to_string()))?;
        let answer = answer(&*self.store, &self.standing.now(), peer, &request);
        answer.map(|answer| answer.encode()).map_err(|e| AnswerFault::Unavailable(e.to_string()))
    }

    fn member(&self, peer: NodeId) -> Option<MemberCode> {
        self.standing.now().member_of(peer).map(|member| member.code)
    }
}

/// The tasks, one for each connected peer.
pub(crate) struct Sync {
    puller: Puller,
    tasks: BTreeMap<NodeId, (Arc<Notify>, AbortHandle)>,
    published: watch::Sender<()>,
}

impl Sync {
    pub(crate) fn new(puller: Puller) -> Self {
        Self { puller, tasks: BTreeMap::new(), published: watch::Sender::new(()) }
    }

    pub(crate) fn connected(&mut self, node: NodeId) {
        let nudge = Arc::new(Notify::new());
        let wake = Wake { nudge: Arc::clone(&nudge), published: self.published.subscribe() };
        let task = tokio::spawn(self.puller.clone().run(node, wake));
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

    /// Who is in the mesh has changed: whoever knows of more is asked at once.
    pub(crate) fn changed(&self) {
        self.tasks.values().for_each(|(nudge, _)| nudge.notify_one());
    }

    /// Records of this node's own are durable: who has them will be asked soon.
    pub(crate) fn published(&self) {
        self.published.send_replace(());
    }

    pub(crate) fn stop(&mut self) {
        self.tasks.values().for_each(|(_, task)| task.abort());
        self.tasks.clear();
    }
}

/// What begins a round before its time.
struct Wake {
    nudge: Arc<Notify>,
    published: watch::Receiver<()>,
}

impl Wake {
    /// Waits for the next round.
    async fn next(&mut self, period: Duration) {
        tokio::select! {
            () = tokio::time::sleep(period) => {}
            () = self.nudge.notified() => {}
            Ok(()) = self.published.changed() => {
                // Whatever else is published meanwhile is asked about at once.
                let _ = tokio::time::timeout(RECEIPT_DELAY, self.nudge.notified()).await;
            }
        }
        self.published.mark_unchanged();
    }
}

/// Asks peers, and hands on what they answer.
#[derive(Clone)]
pub(crate) struct Puller {
    mesh: Mesh,
    driver: Inbox,
    peers: Arc<PeerBook>,
    store: Arc<dyn Store>,
    standing: Standing,
    signing: watch::Receiver<Signing>,
    turns: Turns,
}

/// Why a peer is left alone for a while.
#[derive(Debug, thiserror::Error)]
enum PullFault {
    #[error(transparent)]
    Mesh(#[from] PullError),
    #[error(transparent)]
    Answer(#[from] SyncFault),
    #[error(transparent)]
    Document(#[from] DocumentFault),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("it took too long")]
    TimedOut,
    #[error("a question could not be made; this is a defect")]
    Defect,
    #[error("this node is stopping")]
    Stopping,
}

impl PullFault {
    /// How long to leave the peer alone after so many faults in a row.
    fn back_off(&self, in_a_row: u32) -> Duration {
        let growing = BACK_OFF * (1 << in_a_row.min(5));
        match self {
            Self::Mesh(PullError::Busy { retry_after }) => (*retry_after).min(LONGEST_BACK_OFF),
            _ => growing.min(LONGEST_BACK_OFF),
        }
    }
}

/// Permits to pull: a few for all, and one of them for each member. While one pull goes on the others
/// wait a little, since it may bring what they would ask for too.
#[derive(Clone)]
struct Turns {
    first: Arc<Semaphore>,
    all: Arc<Semaphore>,
    members: Arc<Mutex<BTreeMap<MemberCode, Arc<Semaphore>>>>,
}

impl Turns {
    fn new() -> Self {
        let [first, all] = [1, TURNS - 1].map(|permits| Arc::new(Semaphore::new(permits)));
        Self { first, all, members: Arc::default() }
    }

    fn of_member(&self, member: MemberCode) -> Arc<Semaphore> {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(members.entry(member).or_insert_with(|| Arc::new(Semaphore::new(1))))
    }

    /// Waits for a turn, which lasts as long as what it gives.
    async fn take(&self, member: MemberCode) -> Option<(OwnedSemaphorePermit, SemaphorePermit<'_>)> {
        let own = self.of_member(member).acquire_owned().await.ok()?;
        let first = tokio::time::timeout(SLOW, self.first.acquire()).await;
        let turn = match first {
            Ok(turn) => turn,
            Err(_) => tokio::select! {
                turn = self.first.acquire() => turn,
                turn = self.all.acquire() => turn,
            },
        };
        Some((own, turn.ok()?))
    }
}

impl Puller {
    pub(crate) fn new(
        mesh: Mesh,
        driver: Inbox,
        peers: Arc<PeerBook>,
        store: Arc<dyn Store>,
        standing: Standing,
        signing: watch::Receiver<Signing>,
    ) -> Self {
        Self { mesh, driver, peers, store, standing, signing, turns: Turns::new() }
    }

    async fn run(self, node: NodeId, mut wake: Wake) {
        let Some(member) = self.standing.now().member_of(node).map(|member| member.code) else { return };
        let (mut session, mut faults) = (Session::new(member), 0);
        let mut behind = 0;
        loop {
            match self.catch_up(node, member, session).await {
                Ok((kept, taken)) => {
                    (session, faults) = (kept, 0);
                    if taken.put_off > 0 {
                        // As soon as there is room for more of it again.
                        tokio::time::sleep(OVER_RATE).await;
                        continue;
                    }
                    if taken.admitted == 0 && self.is_signing() {
                        tokio::time::sleep(FRUITLESS).await;
                    }
                    // Whoever is catching up has it soon, and whoever does not is not asked all the time.
                    behind = if session.is_peer_behind() { behind + 1 } else { 0 };
                    let soon = RECEIPT_DELAY * (1 << behind.min(5)) / 2;
                    let period = self.period();
                    wake.next(if behind > 0 { period.min(soon) } else { period }).await;
                }
                Err(PullFault::Stopping) => return,
                Err(fault) => {
                    self.report(node, &fault);
                    if matches!(fault, PullFault::Answer(_) | PullFault::Document(_)) {
                        self.mesh.hang_up(node).await;
                    }
                    session = Session::new(member);
                    tokio::time::sleep(fault.back_off(faults)).await;
                    faults += 1;
                }
            }
        }
    }

    fn is_signing(&self) -> bool {
        *self.signing.borrow() == Signing::Free
    }

    /// The time until a peer is asked again: spread, so that nodes that started together drift apart;
    /// and short while this node waits for word of where its log ends.
    fn period(&self) -> Duration {
        if !self.is_signing() {
            return WAITING_PERIOD;
        }
        let random = std::hash::RandomState::new().build_hasher().finish();
        PERIOD.mul_f64(0.75 + (random % 1_000) as f64 / 2_000.0)
    }

    fn report(&self, node: NodeId, fault: &PullFault) {
        match fault {
            PullFault::Answer(_) | PullFault::Document(_) => {
                self.peers.refuse(node, "malformed", &format!("an answer to a pull: {fault}"))
            }
            PullFault::Defect => tracing::error!(from = %self.peers.name(node), "sync: {fault}"),
            fault => tracing::debug!(from = %self.peers.name(node), "pull: {fault}"),
        }
    }

    /// One round: asks until there is nothing left that this peer can give. Says how much was new.
    async fn catch_up(
        &self,
        node: NodeId,
        member: MemberCode,
        mut session: Session,
    ) -> Result<(Session, Taken), PullFault> {
        session.begin();
        let mut taken = Taken::default();
        loop {
            // Whoever has nothing to give does not wait for those who have; and between two questions
            // others have their turn.
            let _turn = match session.is_fetching() {
                true => Some(self.turns.take(member).await.ok_or(PullFault::Stopping)?),
                false => None,
            };
            let (asked, question) = self.next_question(session).await?;
            session = asked;
            let Some(question) = question else { break };
            let pull = tokio::time::timeout(QUESTION, self.mesh.pull(node, question.encode()));
            let answer = pull.await.map_err(|_| PullFault::TimedOut)??;
            let answer = SyncAnswer::decode(&answer).map_err(SyncFault::from)?;
            let brought = session.take(answer)?;
            if let (Brought::Word, Some(frontier)) = (&brought, session.told().cloned()) {
                self.ask_driver(|reply| Input::Told { from: node, frontier, reply }).await?;
            }
            let now = self.take(node, brought).await?;
            taken.admitted += now.admitted;
            taken.put_off += now.put_off;
            if now.put_off > 0 {
                break;
            }
        }
        self.peers.set_agrees(node, session.agrees());
        if taken.admitted > 0 {
            tracing::info!(from = %self.peers.name(node), admitted = taken.admitted, "caught up");
        }
        Ok((session, taken))
    }

    async fn next_question(&self, mut session: Session) -> Result<(Session, Option<SyncRequest>), PullFault> {
        let (store, membership) = (self.store.clone(), self.standing.now());
        let next = tokio::task::spawn_blocking(move || {
            let question = session.next(&*store, &membership)?;
            Ok::<_, StoreError>((session, question))
        });
        Ok(next.await.map_err(|_| PullFault::Defect)??)
    }

    /// Gives the driver what came, in portions.
    async fn take(&self, from: NodeId, brought: Brought) -> Result<Taken, PullFault> {
        match brought {
            Brought::Nothing | Brought::Word => Ok(Taken::default()),
            Brought::Documents(documents) => self.take_documents(from, &documents).await,
            Brought::Records(records) => {
                self.feed(
                    portions(records).map(|records| move |reply| Input::Records { from, records, reply }),
                )
                .await
            }
            Brought::Bodies(bodies) => {
                self.feed(portions(bodies).map(|bodies| move |reply| Input::Bodies { from, bodies, reply }))
                    .await
            }
            Brought::Forks(proofs) => self.ask_driver(|reply| Input::Forks { from, proofs, reply }).await,
        }
    }

    /// Rosters and manifests come one after the other, and may need each other: all go together.
    async fn take_documents(&self, from: NodeId, documents: &[Vec<u8>]) -> Result<Taken, PullFault> {
        let documents: Vec<_> = documents.to_vec();
        let decode = move || documents.iter().map(|bytes| Document::decode_later(bytes)).collect();
        let decoded: Result<Vec<_>, DocumentFault> =
            tokio::task::spawn_blocking(decode).await.map_err(|_| PullFault::Defect)?;
        let documents = decoded?;
        let input = |reply| Input::Documents { from: Some(from), documents, reply };
        let results = self.ask_driver(input).await?;
        let wrong = |result: &&Result<bool, DocumentFault>| matches!(result, Err(fault) if fault.is_wrong());
        if let Some(Err(fault)) = results.iter().find(wrong) {
            return Err(fault.clone().into());
        }
        let admitted = results.iter().filter(|result| **result == Ok(true)).count() as u64;
        Ok(Taken { admitted, put_off: 0 })
    }

    /// Gives the driver inputs, two at a time: one is checked while the other is committed.
    async fn feed<I: FnOnce(oneshot::Sender<Taken>) -> Input>(
        &self,
        inputs: impl Iterator<Item = I>,
    ) -> Result<Taken, PullFault> {
        let mut asked = futures::stream::iter(inputs.map(|input| self.ask_driver(input))).buffered(2);
        let mut sum = Taken::default();
        while let Some(taken) = asked.try_next().await? {
            sum.admitted += taken.admitted;
            sum.put_off += taken.put_off;
            // The rest has to come again anyway.
            if taken.put_off > 0 {
                break;
            }
        }
        Ok(sum)
    }

    async fn ask_driver<T>(&self, input: impl FnOnce(oneshot::Sender<T>) -> Input) -> Result<T, PullFault> {
        let (reply, answer) = oneshot::channel();
        let input = input(reply);
        let queue = if input.is_bulk() { &self.driver.bulk } else { &self.driver.live };
        queue.send(input).await.map_err(|_| PullFault::Stopping)?;
        answer.await.map_err(|_| PullFault::Stopping)
    }
}

fn portions<T>(mut items: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    std::iter::from_fn(move || {
        let rest = items.split_off(items.len().min(PORTION));
        Some(std::mem::replace(&mut items, rest)).filter(|portion| !portion.is_empty())
    })
}
