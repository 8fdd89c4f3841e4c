//! A node key in libp2p's words, and back.
//!
//! A libp2p peer id of an ed25519 key is the key itself, inline: an identity multihash over the
//! protobuf form of the public key. So a node id and a peer id are two spellings of 32 bytes.

use certmesh_wire::{NodeId, SecretKey};
use libp2p::PeerId;
use libp2p::identity::{Keypair, PublicKey, ed25519};

/// Multihash code 0 (identity), 36 bytes; protobuf field 1 (key type) = 1 (ed25519), field 2 = 32 bytes.
const PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// The transport identity that this node key is.
///
/// `None` if libp2p refuses the seed, which it does for no 32 bytes.
pub(crate) fn keypair(key: &SecretKey) -> Option<Keypair> {
    let mut seed = key.seed();
    Keypair::ed25519_from_bytes(seed.as_mut_slice()).ok()
}

/// The peer id of a node; `None` when its 32 bytes are no ed25519 public key.
pub(crate) fn peer_id(node: NodeId) -> Option<PeerId> {
    let key = ed25519::PublicKey::try_from_bytes(&node.0).ok()?;
    Some(PublicKey::from(key).to_peer_id())
}

/// The node that a peer id names; `None` when it is not an ed25519 key.
pub(crate) fn node_id(peer: &PeerId) -> Option<NodeId> {
    let bytes = peer.to_bytes();
    let key = bytes.strip_prefix(&PREFIX)?;
    key.try_into().ok().map(NodeId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_its_peer_id() {
        let key = SecretKey::from_seed(&[7; 32]);
        let peer = keypair(&key).unwrap().public().to_peer_id();
        assert_eq!(node_id(&peer), Some(key.node_id()));
        assert_eq!(peer_id(key.node_id()), Some(peer));
    }

    #[test]
    fn other_names_are_no_nodes() {
        assert_eq!(node_id(&PeerId::random()), None);
        let mut no_point = [0; 32];
        no_point[0] = 2;
        assert_eq!(peer_id(NodeId(no_point)), None);
    }
}
