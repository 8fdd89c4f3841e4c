//! How much of this machine the other nodes may use, with the arithmetic, and how long they may take.
//!
//! Sizes of messages are the wire crate's: see `certmesh_wire::limits`.

use std::time::Duration;

/// Connections of one peer. In rest there are at most two, one from each side; the others are
/// remains of an earlier life of the peer that have not been noticed as dead yet.
pub(crate) const CONNECTIONS_PER_PEER: u32 = 4;
/// Handshakes under way, in each direction. Strangers can fill the incoming ones for a handshake's
/// length; dialling out stays possible meanwhile.
pub(crate) const PENDING_CONNECTIONS: u32 = 128;
/// Dials under way: a mesh of two hundred nodes starts without a thundering herd.
pub(crate) const DIALS_AT_ONCE: usize = 16;
/// The share of the machine's memory this process may use before it refuses further connections.
pub(crate) const MEMORY_SHARE: f64 = 0.8;

/// Connections in all: two for each peer, and a few for those that replace dead ones.
pub(crate) fn connections(peers: usize) -> u32 {
    u32::try_from(peers).unwrap_or(u32::MAX).saturating_mul(2).saturating_add(16)
}

/// Streams that a peer may hold open on one connection: two of gossip, one of ping, pulls.
pub(crate) const STREAMS_PER_CONNECTION: u32 = 32;
/// Bytes that a peer may send on one QUIC stream ahead of our reading: one pull answer's budget.
pub(crate) const STREAM_WINDOW: u32 = 4 * 1024 * 1024;
/// The same for all streams of a QUIC connection.
pub(crate) const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;

/// A whole gossip RPC as receivers accept it, in bytes: the payload limit and room for its envelope.
pub(crate) const GOSSIP_RPC: usize = 64 * 1024;
/// Messages that wait for one slow peer: 128 of the largest are 7.5 MiB. What doesn't fit is left to sync.
pub(crate) const GOSSIP_QUEUE: usize = 128;
/// Events that wait for the node: at most 30 MiB of gossip. What doesn't fit is left to sync.
pub(crate) const EVENT_QUEUE: usize = 512;
/// Of these, gossip from one peer: four peers that flood still leave room for the others.
pub(crate) const EVENTS_PER_PEER: usize = 96;
/// Orders that wait for the swarm; whoever gives one more waits for room.
pub(crate) const COMMAND_QUEUE: usize = 256;

/// Pulls answered at once, for all peers: at most 16 × 5 MiB of answers in memory.
pub(crate) const PULLS_ANSWERED: usize = 16;
/// Pulls answered at once for one peer.
pub(crate) const PULLS_PER_PEER: usize = 2;
/// Pulls answered at once for all nodes of one member: three others always find room.
pub(crate) const PULLS_PER_MEMBER: usize = 4;
/// How long who is declined is asked to wait, on average.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Peers that are being told "busy" at once; beyond that their streams are dropped.
pub(crate) const BUSY_ANSWERS: usize = 64;

/// A connection attempt, from the first packet to the authenticated peer.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);
/// Silence after which a QUIC connection counts as dead.
pub(crate) const QUIC_SILENCE: Duration = Duration::from_secs(15);
/// How often a quiet QUIC connection says something; well below [`QUIC_SILENCE`].
pub(crate) const QUIC_KEEP_ALIVE: Duration = Duration::from_secs(4);
/// How often each connection is probed. TCP alone would notice a peer without power after many minutes.
pub(crate) const PING_EVERY: Duration = Duration::from_secs(10);
/// How long a probe may take: on a slow link it queues behind a pull. Two in a row that fail end the connection.
pub(crate) const PING_TIMEOUT: Duration = Duration::from_secs(15);
/// Opening a stream on a connection that stands.
pub(crate) const OPEN_STREAM: Duration = Duration::from_secs(10);
/// A short step of a pull: sending the request, or waiting for the first byte of the answer.
pub(crate) const PULL_STEP: Duration = Duration::from_secs(30);
/// The slowest link, in bytes a second, on which a long answer is still waited for.
const SLOWEST_LINK: u64 = 32 * 1024;
/// How long a TCP connection that is closed may take to send what is left.
pub(crate) const CLOSE: Duration = Duration::from_secs(1);
/// How long connections may take to say goodbye when the node stops.
pub(crate) const GOODBYE: Duration = Duration::from_secs(1);
/// How long listeners may take to report their first address.
pub(crate) const LISTEN: Duration = Duration::from_secs(10);

/// How long `len` bytes may travel: a peer that trickles holds one of few places.
pub(crate) fn transfer(len: usize) -> Duration {
    PULL_STEP + Duration::from_secs(len as u64 / SLOWEST_LINK)
}
