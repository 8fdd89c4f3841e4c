//! What libp2p does on every connection, and in which order it is asked.
//!
//! The order of the fields is a rule: libp2p asks them from top to bottom whether a connection may
//! stand, and gossipsub keeps state of every peer it has been asked about. So the allow-list and
//! the limits come first, and a refused peer leaves no trace below them.

use std::collections::HashSet;

use certmesh_wire::{MeshId, sha256};
use libp2p::allow_block_list::{self, AllowedPeers, BlockedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::gossipsub::{
    self, IdentityTransform, MessageAuthenticity, MessageId, WhitelistSubscriptionFilter,
};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{memory_connection_limits, ping};

use crate::MeshError;
use crate::limits;

/// Gossip on one topic and on no other: peers can't make us remember topics of theirs.
type Gossip = gossipsub::Behaviour<IdentityTransform, WhitelistSubscriptionFilter>;

/// The behaviours of one node.
#[derive(NetworkBehaviour)]
#[behaviour(prelude = "libp2p::swarm::derive_prelude")]
pub(crate) struct Behaviour {
    pub(crate) allowed: allow_block_list::Behaviour<AllowedPeers>,
    pub(crate) resting: allow_block_list::Behaviour<BlockedPeers>,
    pub(crate) connections: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    pub(crate) gossip: Gossip,
    pub(crate) streams: libp2p_stream::Behaviour,
    ping: ping::Behaviour,
}

impl Behaviour {
    /// The behaviours of a node of this mesh, subscribed to its topic.
    pub(crate) fn new(mesh: &MeshId) -> Result<Self, MeshError> {
        let probe = ping::Config::new().with_interval(limits::PING_EVERY).with_timeout(limits::PING_TIMEOUT);
        Ok(Self {
            allowed: allow_block_list::Behaviour::default(),
            resting: allow_block_list::Behaviour::default(),
            connections: connection_limits::Behaviour::new(connection_limits(0)),
            memory: memory_connection_limits::Behaviour::with_max_percentage(limits::MEMORY_SHARE),
            gossip: gossip(mesh).map_err(MeshError::Gossip)?,
            streams: libp2p_stream::Behaviour::new(),
            ping: ping::Behaviour::new(probe),
        })
    }
}

/// The limits on connections for a mesh with this many peers.
pub(crate) fn connection_limits(peers: usize) -> ConnectionLimits {
    ConnectionLimits::default()
        .with_max_pending_incoming(Some(limits::PENDING_CONNECTIONS))
        .with_max_pending_outgoing(Some(limits::PENDING_CONNECTIONS))
        .with_max_established_per_peer(Some(limits::CONNECTIONS_PER_PEER))
        .with_max_established(Some(limits::connections(peers)))
}

/// The topic on which the records of audience `all` travel.
pub(crate) fn topic(mesh: &MeshId) -> gossipsub::IdentTopic {
    gossipsub::IdentTopic::new(format!("certmesh/1/{mesh}/all"))
}

fn gossip(mesh: &MeshId) -> Result<Gossip, String> {
    let topic = topic(mesh);
    let config = gossip_config().map_err(|error| error.to_string())?;
    let only = WhitelistSubscriptionFilter(HashSet::from([topic.hash()]));
    let mut gossip = Gossip::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, only)?;
    gossip.subscribe(&topic).map_err(|error| error.to_string())?;
    Ok(gossip)
}

/// Meshes have between three and two hundred nodes. The publisher sends to everyone it is connected to
/// itself (`flood_publish`), so few neighbours pass a message on: each of them costs every node a message.
fn gossip_config() -> Result<gossipsub::Config, gossipsub::ConfigBuilderError> {
    gossipsub::ConfigBuilder::default()
        .validation_mode(gossipsub::ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(|message| MessageId::new(&sha256(&[&message.data])))
        .heartbeat_initial_delay(std::time::Duration::from_secs(1))
        .heartbeat_interval(std::time::Duration::from_secs(1))
        .history_length(12)
        .history_gossip(5)
        .mesh_n(4)
        .mesh_n_low(3)
        .mesh_n_high(6)
        .mesh_outbound_min(1)
        .flood_publish(true)
        .max_transmit_size(limits::GOSSIP_RPC)
        .connection_handler_queue_len(limits::GOSSIP_QUEUE)
        // A 60 KiB message needs half a second on a 1 Mbit/s link before the next one can start.
        .forward_queue_duration(std::time::Duration::from_secs(3))
        .build()
}
