//! The driver: the one thread that runs the engine and writes the store.
//!
//! It takes what waits, puts it through the engine's door, commits all of it with one sync, and
//! only then lets replies, verdicts and gossip out. It decides nothing itself.

mod bulk;
mod documents;
mod full;
mod gossip;
mod inbox;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's own inputs")]
mod tests;
mod tokens;
mod waiting;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use certmesh_engine::store::{Store, StoreError};
use certmesh_engine::tokens::{Token, Tokens};
use certmesh_engine::{
    Committed, Document, Engine, PublishFault, Refusal, Signing, Steps, StopNote, commit, order_rebuild,
};
use certmesh_mesh::{Mesh, Receipt, Verdict};
use certmesh_wire::{Audience, NodeId, Parcel, RecordId};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use crate::Failure;
use crate::clock::now_ms;
use crate::peers::PeerBook;
use crate::standing::SetStanding;
use crate::stop_note;
use bulk::{Batch, Checker};
pub(crate) use full::{FullDisk, Reopen};
use gossip::gossip_payload;
use inbox::Inputs;
pub(crate) use inbox::{DocumentResults, Inbox, Input, PublishReply, Published, Taken};
use tokens::TokenAnswer;
use waiting::Waiting;

/// Inputs that may wait for the driver before whoever sends more has to wait too.
const INBOX: usize = 1_024;
/// Inputs of one turn: what is refused fills no commit, and those that were taken wait for one.
const TURN: usize = 256;
/// News that may wait to be heard.
const NEWS: usize = 1_024;

/// What the driver has to tell the node.
#[derive(Debug)]
pub(crate) enum News {
    /// This peer seems to have what is missing here.
    Missing(NodeId),
    /// Records of this node's own are durable.
    Published,
    /// Who is in the mesh, or where they are, has changed.
    Changed,
    /// The store has failed: nothing more can be written, and the node has to end.
    Failed(Failure),
}

/// A running driver.
pub(crate) struct Driver {
    inbox: Inbox,
    news: mpsc::Receiver<News>,
    signing: watch::Receiver<Signing>,
    tokens: watch::Receiver<Arc<Tokens>>,
    full_disk: watch::Receiver<Option<FullDisk>>,
    thread: std::thread::JoinHandle<()>,
}

impl Driver {
    /// Starts the thread. `note` is where to leave word of a clean stop; `reopen` opens store and engine anew
    /// after a write for which the disk had no room.
    pub(crate) fn start(
        engine: Engine,
        store: Arc<dyn Store>,
        mesh: Mesh,
        peers: Arc<PeerBook>,
        standing: SetStanding,
        note: PathBuf,
        reopen: Reopen,
    ) -> std::io::Result<Self> {
        let (inbox, inputs) = Inputs::new(INBOX);
        let (tell, news) = mpsc::channel(NEWS);
        let (arrivals, _) = watch::channel(0);
        let (show_signing, signing) = watch::channel(engine.signing().clone());
        let (show_tokens, tokens) = watch::channel(Arc::clone(engine.tokens()));
        let (show_full, full_disk) = watch::channel(None);
        let shell = Shell {
            ends: engine.stop_note(),
            reopen,
            full_disk: show_full,
            engine,
            store,
            mesh,
            peers,
            standing,
            arrivals,
            signing: show_signing,
            tokens: show_tokens,
            unwritten: Vec::new(),
            note,
            tell,
            runtime: Handle::current(),
            waiting: Waiting::default(),
            checker: Checker::start(inbox.bulk.clone())?,
        };
        let thread = std::thread::Builder::new().name("driver".into()).spawn(move || shell.run(inputs))?;
        Ok(Self { inbox, news, signing, tokens, full_disk, thread })
    }

    /// Where to put inputs.
    pub(crate) fn handle(&self) -> Inbox {
        self.inbox.clone()
    }

    /// Whether this node signs, as it changes.
    pub(crate) fn signing(&self) -> watch::Receiver<Signing> {
        self.signing.clone()
    }

    /// The tokens that hold, as they change.
    pub(crate) fn tokens(&self) -> watch::Receiver<Arc<Tokens>> {
        self.tokens.clone()
    }

    /// What waits for room while the disk is full, as it changes.
    pub(crate) fn full_disk(&self) -> watch::Receiver<Option<FullDisk>> {
        self.full_disk.clone()
    }

    /// What the driver has to tell; nothing any more once it has ended.
    pub(crate) async fn news(&mut self) -> Option<News> {
        self.news.recv().await
    }

    /// Lets the driver finish what it has begun.
    pub(crate) async fn stop(self) {
        let _ = self.inbox.live.send(Input::Stop).await;
        // A panic of the driver ended its news before.
        let _ = tokio::task::spawn_blocking(|| self.thread.join()).await;
    }
}

/// The engine with what it acts on.
struct Shell {
    engine: Engine,
    store: Arc<dyn Store>,
    mesh: Mesh,
    peers: Arc<PeerBook>,
    standing: SetStanding,
    arrivals: watch::Sender<u64>,
    signing: watch::Sender<Signing>,
    tokens: watch::Sender<Arc<Tokens>>,
    /// Tokens that are revoked, which the disk had no room to keep yet.
    unwritten: Vec<Arc<Token>>,
    note: PathBuf,
    /// Where this node's own logs end on the disk, as of the last commit.
    ends: Option<StopNote>,
    reopen: Reopen,
    full_disk: watch::Sender<Option<FullDisk>>,
    tell: mpsc::Sender<News>,
    runtime: Handle,
    waiting: Waiting,
    checker: Checker,
}

/// What is owed to whoever gave the inputs of one commit.
#[derive(Default)]
struct Owed {
    published: Vec<(Published, oneshot::Sender<PublishReply>)>,
    /// Gossip to be passed on once its record is durable.
    accepted: Vec<Receipt>,
    taken: Vec<(Taken, oneshot::Sender<Taken>)>,
    /// Peers that seem to have what is missing here.
    missing: Vec<NodeId>,
    documents: Vec<(DocumentResults, oneshot::Sender<DocumentResults>)>,
    tokens: Vec<TokenAnswer>,
    vouched: Vec<oneshot::Sender<()>>,
    reindex: Vec<oneshot::Sender<()>>,
    /// Rosters and manifests that others may not have yet.
    news: Vec<Document>,
}

impl Shell {
    fn run(mut self, inputs: Inputs) {
        self.work(inputs);
        self.name_unwritten();
    }

    fn work(&mut self, mut inputs: Inputs) {
        loop {
            match self.turn(&mut inputs) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return,
                Err(error) if error.is_full() => match self.wait_for_room(&mut inputs, &error) {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => return,
                    Err(failure) => return self.fail(inputs, failure),
                },
                Err(error) => {
                    if error.is_of_the_index() {
                        self.have_rebuilt();
                    }
                    return self.fail(inputs, error.into());
                }
            }
        }
    }

    /// The index contradicts itself: the next start makes it anew from the records, which are not damaged.
    fn have_rebuilt(&self) {
        let mut steps = Steps::default();
        order_rebuild(&mut steps);
        match commit(&*self.store, steps) {
            Ok(_) => tracing::error!("the index is damaged; the next start rebuilds it from the records"),
            Err(error) => tracing::error!("the index is damaged: {error}"),
        }
    }

    /// Takes what waits, and commits it together.
    fn turn(&mut self, inputs: &mut Inputs) -> Result<ControlFlow<()>, StoreError> {
        let first = if self.engine.has_more() {
            self.resume()?;
            inputs.try_next()
        } else {
            match self.runtime.block_on(inputs.next()) {
                None => return Ok(ControlFlow::Break(())),
                input => input,
            }
        };
        let (mut steps, mut owed) = (Steps::default(), Owed::default());
        let (mut next, mut stop, mut bulk) = (first, false, false);
        let mut left = TURN;
        while let Some(input) = next {
            left -= 1;
            stop |= matches!(input, Input::Stop);
            bulk |= input.is_bulk();
            self.take(input, &mut steps, &mut owed)?;
            // One bulk input a commit: whoever waits for something is taken in between.
            next = match () {
                () if steps.is_full() || stop || left == 0 => None,
                () if bulk => inputs.try_next_live(),
                () => inputs.try_next(),
            };
        }
        match self.settle(steps, owed) {
            Ok(()) if !stop => return Ok(ControlFlow::Continue(())),
            Ok(()) => {
                if let Some(note) = self.engine.stop_note() {
                    stop_note::leave(&self.note, &note);
                }
            }
            // No note of this stop: what the failed write has left behind is not known.
            Err(error) if stop && error.is_full() => {
                tracing::error!("{error}; this was the last to be written")
            }
            Err(error) => return Err(error),
        }
        Ok(ControlFlow::Break(()))
    }

    /// Goes on with what one commit could not hold.
    fn resume(&mut self) -> Result<(), StoreError> {
        let mut steps = Steps::default();
        self.engine.resume(&*self.store, now_ms(), &mut steps)?;
        self.settle(steps, Owed::default())
    }

    fn fail(&self, inputs: Inputs, failure: Failure) {
        // Whoever waits to put something in has to learn that nobody will take it.
        drop(inputs);
        let _ = self.tell.blocking_send(News::Failed(failure));
    }

    fn take(&mut self, input: Input, steps: &mut Steps, owed: &mut Owed) -> Result<(), StoreError> {
        match input {
            Input::Publish { objects, reply } => self.publish(&objects, reply, steps, owed),
            Input::Gossip { from, payload, receipt, place } => {
                self.gossip(from, &payload, receipt, steps, owed)?;
                drop(place);
            }
            Input::Records { from, records, reply } => self.begin_records(from, records, reply, steps),
            Input::Bodies { from, bodies, reply } => {
                self.begin_bodies(from, Batch { rest: bodies, admitted: 0, reply }, owed);
            }
            Input::Documents { from, documents, reply } => {
                let results = self.enter_documents(from, documents, steps, owed)?;
                owed.documents.push((results, reply));
            }
            Input::Checked(checked) => self.take_checked(*checked, steps, owed)?,
            Input::Forks { from, proofs, reply } => {
                let admitted = self.enter_forks(from, &proofs);
                owed.taken.push((Taken { admitted, put_off: 0 }, reply));
            }
            Input::Told { from, frontier, reply } => {
                self.peers.told(from, now_ms());
                self.engine.told(&*self.store, from, &frontier, now_ms(), steps)?;
                self.show_signing();
                let _ = reply.send(0);
            }
            Input::Vouch { reply } => {
                tracing::warn!("the operator has vouched for this node's log");
                self.engine.vouch();
                self.show_signing();
                // What fails now has the engine opened anew, which nobody has vouched for.
                owed.vouched.push(reply);
            }
            Input::CreateToken { terms, reply } => self.create_token(terms, reply, steps, owed),
            Input::RevokeToken { id_or_name, reply } => self.revoke_token(&id_or_name, reply, steps, owed),
            Input::Reindex { reply } => {
                order_rebuild(steps);
                owed.reindex.push(reply);
            }
            Input::Arrivals { reply } => {
                let _ = reply.send(self.arrivals.subscribe());
            }
            Input::Stop => {}
        }
        Ok(())
    }

    /// Lets readers see whether this node signs, and says so when that changes.
    fn show_signing(&self) {
        let signing = self.engine.signing();
        if *self.signing.borrow() != *signing {
            if *signing == Signing::Free {
                tracing::info!("this node signs");
            }
            self.signing.send_replace(signing.clone());
        }
    }

    fn publish(
        &mut self,
        objects: &[Box<serde_json::value::RawValue>],
        reply: oneshot::Sender<PublishReply>,
        steps: &mut Steps,
        owed: &mut Owed,
    ) {
        let texts: Vec<&str> = objects.iter().map(|object| object.get()).collect();
        let before = steps.known();
        match self.engine.publish(&*self.store, &texts, now_ms(), steps) {
            Ok(record) => {
                let published = Published { record, objects: texts.len(), known: steps.known() - before };
                owed.published.push((published, reply));
            }
            Err(fault) => {
                let _ = reply.send(Err(fault));
            }
        }
    }

    /// Counts what became of records that a peer sent.
    fn count(&self, from: NodeId, results: &[Result<RecordId, Refusal>]) {
        for result in results {
            match result {
                Ok(_) => self.peers.count_received(from),
                Err(refusal) => self.peers.refuse_record(from, refusal),
            }
        }
    }

    fn enter_forks(&mut self, from: NodeId, proofs: &[[Vec<u8>; 2]]) -> u64 {
        let mut taken = 0;
        for proof in proofs {
            match self.engine.enter_fork(proof) {
                Ok(()) => taken += 1,
                Err(refusal) => self.peers.refuse_record(from, &refusal),
            }
        }
        taken
    }

    /// Writes what found forks mean, tells the operator, and shows both records to everyone.
    fn dispute(&mut self) -> Result<(), StoreError> {
        if !self.engine.has_found_forks() {
            return Ok(());
        }
        let mut steps = Steps::default();
        let forks = self.engine.dispute(&*self.store, &mut steps)?;
        commit(&*self.store, steps)?;
        for fork in forks.into_iter().filter(|fork| !fork.is_settled(self.engine.membership())) {
            let opening = self.engine.membership().log(fork.log);
            let own = opening.is_some_and(|opening| opening.node == self.engine.node_id());
            let apart = opening.is_none_or(|opening| opening.audience != Audience::All);
            let whose = match opening {
                Some(_) if own => "this node's own key".to_owned(),
                Some(opening) => format!("the key of {}/{}", opening.member, opening.node.short()),
                None => "a key".to_owned(),
            };
            tracing::error!(log = %fork.log, seq = fork.seq, "{whose} has signed two histories: its log counts up to here and no further");
            for record in fork.records.into_iter().filter(|_| !apart) {
                let payload = Parcel::new(record, None).encode();
                self.runtime.block_on(self.mesh.gossip(payload));
            }
        }
        Ok(())
    }

    /// Commits, and then lets out what is owed.
    fn settle(&mut self, steps: Steps, owed: Owed) -> Result<(), StoreError> {
        let committed = match commit(&*self.store, steps) {
            Ok(committed) => committed,
            Err(error) => {
                self.disappoint(owed, &error);
                return Err(error);
            }
        };
        for receipt in owed.accepted {
            self.judge(receipt, Verdict::Accept);
        }
        self.send_out(&committed);
        if let Some(arrival) = committed.last_arrival {
            self.arrivals.send_replace(arrival);
        }
        for (published, reply) in owed.published {
            let _ = reply.send(Ok(published));
        }
        self.show_tokens(owed.tokens);
        for reply in owed.vouched {
            let _ = reply.send(());
        }
        for reply in owed.reindex {
            tracing::warn!(
                "the index will be rebuilt from the records with the next start: an operator wants it"
            );
            let _ = reply.send(());
        }
        for (taken, reply) in owed.taken {
            let _ = reply.send(taken);
        }
        if !owed.news.is_empty() {
            self.follow(&owed.news);
        }
        for (results, reply) in owed.documents {
            let _ = reply.send(results);
        }
        self.dispute()?;
        self.ends = self.engine.stop_note();
        for peer in owed.missing {
            // A full queue means that this peer, like many, is being asked already.
            let _ = self.tell.try_send(News::Missing(peer));
        }
        Ok(())
    }

    /// Tells whoever waits for a commit that it has failed.
    fn disappoint(&mut self, owed: Owed, error: &StoreError) {
        for receipt in owed.accepted {
            self.judge(receipt, Verdict::Ignore);
        }
        for (_, reply) in owed.published {
            let _ = reply.send(Err(PublishFault::Store(error.clone())));
        }
        for (_, reply) in owed.taken {
            let _ = reply.send(Taken::default());
        }
        self.revoke_unwritten(owed.tokens, error);
    }

    /// Gossips this node's own records, and passes on what had been waiting for its predecessors.
    fn send_out(&mut self, committed: &Committed) {
        let me = self.engine.node_id();
        if committed.records.iter().any(|record| record.author == me) {
            let _ = self.tell.try_send(News::Published);
        }
        for record in &committed.records {
            tracing::debug!(id = %record.id, seq = record.seq, objects = record.object_count, "committed");
            if record.author == me && record.for_all && self.engine.may_gossip(now_ms()) {
                let payload = gossip_payload(&record.parcel);
                self.runtime.block_on(self.mesh.gossip(payload));
            }
            if let Some(receipt) = self.waiting.take(&record.id) {
                self.judge(receipt, Verdict::Accept);
            }
        }
        for expired in self.waiting.expire(Instant::now()) {
            self.judge(expired, Verdict::Ignore);
        }
    }

    fn judge(&self, receipt: Receipt, verdict: Verdict) {
        self.runtime.block_on(self.mesh.judge(receipt, verdict));
    }
}
