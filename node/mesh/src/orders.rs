//! What the handles and the task behind them share: orders one way, what can be seen the other.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;

use certmesh_wire::NodeId;
use tokio::sync::{oneshot, watch};

use crate::{Peers, Receipt, Verdict};

/// What the handles ask for.
#[derive(Debug)]
pub(crate) enum Command {
    Gossip(Vec<u8>),
    Judge(Receipt, Verdict),
    SetPeers(Peers),
    HangUp(NodeId),
    Stop(oneshot::Sender<()>),
}

/// What the task lets the handles see.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) connected: watch::Sender<BTreeSet<NodeId>>,
    pub(crate) listening: watch::Sender<Vec<String>>,
    pub(crate) gossip_dropped: AtomicU64,
    pub(crate) gossip_unsent: AtomicU64,
}
