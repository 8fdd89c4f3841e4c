//! The mesh as keys, addresses and bytes: connections, gossip, pulls.
//!
//! This is the only crate that names libp2p. It knows nothing of records, rosters or storage: it is
//! told which nodes may connect, carries bytes between them, and asks its caller for a verdict on
//! every gossiped payload before passing it on.
//!
//! [`start`] puts one task on the tokio runtime, which owns the swarm and never waits for the
//! caller: events that don't fit their queue are dropped where sync repairs it (gossip), and kept
//! where it can't (who is connected).

mod behaviour;
mod closing;
mod dialer;
mod handle;
mod hearing;
mod identity;
mod limits;
mod links;
mod listen;
mod orders;
mod outbox;
mod peers;
mod pull;
mod refusals;
mod rests;
mod swarm_loop;
mod transport;
mod words;

use std::collections::BTreeMap;

use certmesh_wire::{MemberCode, MeshId, NodeId, SecretKey};
use libp2p::PeerId;
use libp2p::gossipsub::MessageId;

pub use handle::{Counts, Mesh, start};
pub use outbox::WaitingPlace;
pub use pull::PullError;

/// The nodes that may connect, each with the multiaddrs it can be dialled at.
pub type Peers = BTreeMap<NodeId, Vec<String>>;

/// What the mesh starts with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The node key: the identity that every handshake proves.
    pub key: SecretKey,
    /// The mesh, which names the gossip topic.
    pub mesh: MeshId,
    /// Multiaddrs to listen on: `/ip4/…/udp/…/quic-v1` or `/ip4/…/tcp/…`; port 0 lets the system choose.
    pub listen: Vec<String>,
    /// The nodes that are live on a current manifest. The node itself is left out if it is named.
    pub peers: Peers,
}

/// Answers other nodes' pulls.
pub trait Source: Send + Sync + 'static {
    /// The answer to one request, of at most `certmesh_wire::limits::SYNC_ANSWER_BYTES`.
    ///
    /// Called on a thread that may block. It must bound its own work: the asker gives up after
    /// thirty seconds, and at most sixteen calls run at once, two for one peer.
    ///
    /// # Errors
    /// [`AnswerFault`] says whose fault it is, which decides whether the asker will try again.
    fn answer(&self, peer: NodeId, request: &[u8]) -> Result<Vec<u8>, AnswerFault>;

    /// Whose node this is: the nodes of one member share what this one has to give.
    fn member(&self, peer: NodeId) -> Option<MemberCode>;
}

/// Why a pull has no answer. The text is for our own log; the asker learns only which of the two it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// The request breaks the format, and always will.
    #[error("malformed request: {0}")]
    Malformed(String),
    /// This node can't answer at the moment.
    #[error("no answer at the moment: {0}")]
    Unavailable(String),
}

/// What happens on the mesh.
#[derive(Debug)]
pub enum Event {
    /// A connection to the node stands, and the node has said that it takes gossip; or it failed to
    /// say so before, and pulls are all there is.
    Connected(NodeId),
    /// The last connection to the node has ended. Follows a `Connected` of the node.
    Disconnected(NodeId),
    /// A payload that no node sent us before. It travels on when [`Mesh::judge`] accepts it.
    Gossip {
        /// The neighbour that passed it on, who is not always its author.
        from: NodeId,
        /// At most `certmesh_wire::limits::GOSSIP_PAYLOAD` bytes.
        payload: Vec<u8>,
        /// What to hand to [`Mesh::judge`], within about ten seconds.
        receipt: Receipt,
        /// Its place among what waits to be taken, given back when this is dropped.
        place: WaitingPlace,
    },
}

/// Names one gossiped payload and the neighbour it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    id: MessageId,
    from: PeerId,
}

/// What becomes of a gossiped payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is valid and stored: pass it on.
    Accept,
    /// Don't pass it on; nobody is to blame.
    Ignore,
    /// Its bytes are wrong for ever: don't pass it on, and hold it against whoever sent it.
    Reject,
}

/// Why the mesh doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum MeshError {
    /// libp2p would write the session keys of all connections to a file.
    #[error(
        "SSLKEYLOGFILE is set: the TLS library would write the keys of every connection to a file; unset it"
    )]
    KeyLog,
    /// No address to listen on is configured.
    #[error("no address to listen on is configured")]
    NoListenAddress,
    /// A configured address isn't a multiaddr.
    #[error("`{address}` is not an address to listen on (such as /ip4/0.0.0.0/udp/7400/quic-v1): {reason}")]
    ListenAddress {
        /// The text as configured.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An address can't be listened on, most often because another process does.
    #[error("can't listen on {address}: {reason}")]
    Listen {
        /// The multiaddr.
        address: String,
        /// What the system says.
        reason: String,
    },
    /// The node key can't serve as a transport identity.
    #[error("the node key can't be used for connections: {0}")]
    Identity(String),
    /// The gossip layer refuses its configuration.
    #[error("the gossip layer refuses its configuration: {0}")]
    Gossip(String),
}
