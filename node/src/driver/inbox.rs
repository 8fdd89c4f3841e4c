//! What the driver is asked to do, and what it answers.
//!
//! There are two queues: what analysts and gossip bring goes before what sync brings in bulk.

use certmesh_engine::tokens::TokenTerms;
use certmesh_engine::{Document, DocumentFault, PublishFault};
use certmesh_mesh::{Receipt, WaitingPlace};
use certmesh_wire::{Frontier, LogId, NodeId, RecordId};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot, watch};

use super::bulk::Checked;
use super::tokens::{CreateReply, RevokeReply};

/// The answer to a publication.
pub(crate) type PublishReply = Result<Published, PublishFault>;

/// What became of documents.
pub(crate) type DocumentResults = Vec<Result<bool, DocumentFault>>;

/// What became of what a peer sent on request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    /// So much is new, and durable.
    pub(crate) admitted: u64,
    /// So much has to come again later: its author sends more than its share.
    pub(crate) put_off: u64,
}

/// Objects that no power cut takes back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Published {
    pub(crate) record: RecordId,
    pub(crate) objects: usize,
    /// How many of them were here already.
    pub(crate) known: usize,
}

/// The two queues to the driver.
#[derive(Debug, Clone)]
pub(crate) struct Inbox {
    /// What somebody waits for.
    pub(crate) live: mpsc::Sender<Input>,
    /// What sync brings, however much of it there is.
    pub(crate) bulk: mpsc::Sender<Input>,
}

/// The other end of the two queues.
#[derive(Debug)]
pub(super) struct Inputs {
    live: mpsc::Receiver<Input>,
    bulk: mpsc::Receiver<Input>,
}

impl Inputs {
    /// Both ends, with room for so many inputs in each queue.
    pub(super) fn new(room: usize) -> (Inbox, Self) {
        let ((to_live, live), (to_bulk, bulk)) = (mpsc::channel(room), mpsc::channel(room));
        (Inbox { live: to_live, bulk: to_bulk }, Self { live, bulk })
    }

    /// Waits for the next input; nothing any more once nobody can send a live one.
    pub(super) async fn next(&mut self) -> Option<Input> {
        tokio::select! {
            biased;
            input = self.live.recv() => input,
            Some(input) = self.bulk.recv() => Some(input),
        }
    }

    /// The next input, if one waits.
    pub(super) fn try_next(&mut self) -> Option<Input> {
        self.live.try_recv().or_else(|_| self.bulk.try_recv()).ok()
    }

    /// The next input that somebody waits for, if there is one.
    pub(super) fn try_next_live(&mut self) -> Option<Input> {
        self.live.try_recv().ok()
    }
}

/// One thing to do. Replies come after the commit; a dropped reply means that the node is ending.
#[derive(Debug)]
pub(crate) enum Input {
    /// Publish these objects as one record.
    Publish { objects: Vec<Box<RawValue>>, reply: oneshot::Sender<PublishReply> },
    /// Judge a gossiped payload.
    Gossip { from: NodeId, payload: Vec<u8>, receipt: Receipt, place: WaitingPlace },
    /// Take records that a peer sent on request.
    Records { from: NodeId, records: Vec<Vec<u8>>, reply: oneshot::Sender<Taken> },
    /// Take bodies that a peer sent on request.
    Bodies { from: NodeId, bodies: Vec<(LogId, u64, Vec<u8>)>, reply: oneshot::Sender<Taken> },
    /// Take proofs of forks.
    Forks { from: NodeId, proofs: Vec<[Vec<u8>; 2]>, reply: oneshot::Sender<Taken> },
    /// Take rosters and manifests, from a peer or from the operator; gives a result for each, whether it
    /// was new.
    Documents { from: Option<NodeId>, documents: Vec<Document>, reply: oneshot::Sender<DocumentResults> },
    /// Go on with what has been checked meanwhile.
    Checked(Box<Checked>),
    /// Take word of how far a peer is.
    Told { from: NodeId, frontier: Frontier, reply: oneshot::Sender<u64> },
    /// Sign from now on, on the operator's word.
    Vouch { reply: oneshot::Sender<()> },
    /// Make a token.
    CreateToken { terms: TokenTerms, reply: oneshot::Sender<CreateReply> },
    /// Revoke the token with this id or name.
    RevokeToken { id_or_name: String, reply: oneshot::Sender<RevokeReply> },
    /// Have the index rebuilt with the next start.
    Reindex { reply: oneshot::Sender<()> },
    /// Give a view of the last arrival that readers may be shown; it changes as objects arrive.
    Arrivals { reply: oneshot::Sender<watch::Receiver<u64>> },
    /// Finish what has begun, and end.
    Stop,
}

impl Input {
    /// Whether it may hold much that nobody waits for.
    pub(crate) fn is_bulk(&self) -> bool {
        matches!(self, Self::Records { .. } | Self::Bodies { .. } | Self::Forks { .. } | Self::Checked(_))
    }
}
