//! libp2p's names and errors in words for a log line or an error message.

use std::error::Error;

use libp2p::multiaddr::Protocol;
use libp2p::swarm::DialError;
use libp2p::{Multiaddr, PeerId};

use crate::identity;

/// How a peer is named: as the node it is.
pub(crate) fn name_of(peer: &PeerId) -> String {
    identity::node_id(peer).map_or_else(|| peer.to_string(), |node| node.to_string())
}

/// What an error and its causes say. Many of libp2p's errors say nothing themselves.
fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut words = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        words.push(error.to_string().replace('\n', " "));
        next = error.source();
    }
    words.retain(|text| !text.is_empty());
    words
}

/// An error and what caused it, on one line, without what an outer error has said of an inner one.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    for text in causes(error) {
        if !said.iter().any(|outer| outer.contains(&text)) {
            said.push(text);
        }
    }
    said.join(": ")
}

/// What is at the bottom of an error: on the way up, libp2p repeats a refused connection five times.
fn root(error: &(dyn Error + 'static)) -> String {
    causes(error).pop().unwrap_or_default()
}

/// An address without the peer id at its end, which says what the node id beside it says.
pub(crate) fn place(address: &Multiaddr) -> Multiaddr {
    address.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect()
}

/// Why a dial failed.
pub(crate) fn dial_failure(error: &DialError) -> String {
    match error {
        DialError::WrongPeerId { obtained, address } => {
            format!("{} is answered by another node, {}", place(address), name_of(obtained))
        }
        DialError::Transport(failed) => {
            let each = failed.iter().map(|(address, error)| format!("{}: {}", place(address), root(error)));
            each.collect::<Vec<_>>().join(", ")
        }
        other => chain(other),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use libp2p::core::transport::TransportError;

    use super::*;

    #[test]
    fn causes_are_told_once() {
        let error = TransportError::Other(io::Error::other(io::Error::other("in use")));
        assert_eq!(chain(&error), "in use");
        assert_eq!(root(&error), "in use");
    }
}
