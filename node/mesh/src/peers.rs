//! The nodes that may connect, in libp2p's words.
//!
//! They come from manifests, which other members wrote: what libp2p can't use is left out and logged,
//! and the rest still works.

use std::collections::BTreeMap;

use certmesh_wire::NodeId;
use libp2p::{Multiaddr, PeerId};

use crate::{Peers, identity};

/// Peers by peer id: the node, and where to dial it.
pub(crate) type Known = BTreeMap<PeerId, (NodeId, Vec<Multiaddr>)>;

/// The peers in libp2p's words, without ourselves, and without what can't be used, which is logged.
pub(crate) fn known(peers: &Peers, own: &PeerId) -> Known {
    let mut known = Known::new();
    for (node, addresses) in peers {
        match identity::peer_id(*node) {
            Some(peer) if peer == *own => {}
            Some(peer) => _ = known.insert(peer, (*node, usable(*node, addresses))),
            None => tracing::warn!(%node, "a node id is not an ed25519 key: it can never connect"),
        }
    }
    known
}

fn usable(node: NodeId, addresses: &[String]) -> Vec<Multiaddr> {
    let parse = |text: &String| match text.parse() {
        Ok(address) => Some(address),
        Err(error) => {
            tracing::warn!(%node, address = text.escape_default().to_string(), %error, "an address of a node can't be used");
            None
        }
    };
    addresses.iter().filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use certmesh_wire::SecretKey;

    use super::*;

    #[test]
    fn what_cannot_be_used_is_left_out() {
        let (own, other) =
            (SecretKey::from_seed(&[1; 32]).node_id(), SecretKey::from_seed(&[2; 32]).node_id());
        let mut no_key = NodeId([0; 32]);
        no_key.0[0] = 2;
        let addresses = vec!["/ip4/192.0.2.1/tcp/1".to_owned(), "192.0.2.1:1".to_owned()];
        let peers = Peers::from([(own, vec![]), (other, addresses), (no_key, vec![])]);
        let known = known(&peers, &identity::peer_id(own).unwrap());
        let expected = (other, vec!["/ip4/192.0.2.1/tcp/1".parse().unwrap()]);
        assert_eq!(known, Known::from([(identity::peer_id(other).unwrap(), expected)]));
    }
}
