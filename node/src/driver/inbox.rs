//! What the driver is asked to do, and what it answers.

use certmesh_engine::PublishFault;
use certmesh_mesh::Receipt;
use certmesh_wire::{Frontier, LogId, NodeId, RecordId};
use serde_json::value::RawValue;
use tokio::sync::{oneshot, watch};

/// The answer to a publication.
pub(crate) type PublishReply = Result<Published, PublishFault>;

/// Objects that no power cut takes back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Published {
    pub(crate) record: RecordId,
    pub(crate) objects: usize,
}

/// One thing to do. Replies come after the commit; a dropped reply means that the node is ending.
#[derive(Debug)]
pub(crate) enum Input {
    /// Publish these objects as one record.
    Publish { objects: Vec<Box<RawValue>>, reply: oneshot::Sender<PublishReply> },
    /// Judge a gossiped payload.
    Gossip { from: NodeId, payload: Vec<u8>, receipt: Receipt },
    /// Take records that a peer sent on request; says how many were admitted.
    Records { from: NodeId, records: Vec<Vec<u8>>, reply: oneshot::Sender<u64> },
    /// Take bodies that a peer sent on request; says how many were admitted.
    Bodies { from: NodeId, bodies: Vec<(LogId, u64, Vec<u8>)>, reply: oneshot::Sender<u64> },
    /// Take proofs of forks; says how many were new.
    Forks { from: NodeId, proofs: Vec<[Vec<u8>; 2]>, reply: oneshot::Sender<u64> },
    /// Take word of how far a peer is.
    Told { from: NodeId, frontier: Frontier, reply: oneshot::Sender<u64> },
    /// Sign from now on, on the operator's word.
    Vouch { reply: oneshot::Sender<()> },
    /// Give a view of the last arrival that readers may be shown; it changes as objects arrive.
    Arrivals { reply: oneshot::Sender<watch::Receiver<u64>> },
    /// Finish what has begun, and end.
    Stop,
}
