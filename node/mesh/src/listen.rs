//! Listening: every configured address must work before the mesh counts as started.

use std::collections::HashMap;

use futures::StreamExt;
use libp2p::Multiaddr;
use libp2p::core::transport::ListenerId;
use libp2p::swarm::{Swarm, SwarmEvent};
use tokio::time::timeout;

use crate::behaviour::Behaviour;
use crate::words::chain;
use crate::{MeshError, limits, transport};

/// Listens on these addresses and returns what came of them: several for one on all interfaces.
///
/// # Errors
/// The first address that isn't one, or that can't be listened on.
pub(crate) async fn listen(
    swarm: &mut Swarm<Behaviour>,
    addresses: &[String],
) -> Result<Vec<String>, MeshError> {
    if addresses.is_empty() {
        return Err(MeshError::NoListenAddress);
    }
    let mut waiting = HashMap::new();
    for text in addresses {
        let address = parse(text)?;
        waiting.insert(open(swarm, &address)?, address);
    }
    let reported = report(swarm, &mut waiting);
    match timeout(limits::LISTEN, reported).await {
        Ok(reported) => reported,
        Err(_) => Err(refused(waiting.values().next(), "it did not come up in time".to_owned())),
    }
}

fn parse(text: &str) -> Result<Multiaddr, MeshError> {
    text.parse().map_err(|error: libp2p::multiaddr::Error| MeshError::ListenAddress {
        address: text.to_owned(),
        reason: error.to_string(),
    })
}

fn open(swarm: &mut Swarm<Behaviour>, address: &Multiaddr) -> Result<ListenerId, MeshError> {
    transport::check_free(address).map_err(|error| refused(Some(address), chain(&error)))?;
    swarm.listen_on(address.clone()).map_err(|error| refused(Some(address), chain(&error)))
}

fn refused(address: Option<&Multiaddr>, reason: String) -> MeshError {
    MeshError::Listen { address: address.map(ToString::to_string).unwrap_or_default(), reason }
}

/// Waits until each listener has reported an address. Nothing else is lost meanwhile: before the
/// peers are set, no connection is let in.
async fn report(
    swarm: &mut Swarm<Behaviour>,
    waiting: &mut HashMap<ListenerId, Multiaddr>,
) -> Result<Vec<String>, MeshError> {
    let mut reported = Vec::new();
    while !waiting.is_empty() {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { listener_id, address } => {
                waiting.remove(&listener_id);
                reported.push(address.to_string());
            }
            SwarmEvent::ListenerClosed { listener_id, reason: Err(error), .. } => {
                return Err(refused(waiting.get(&listener_id), chain(&error)));
            }
            SwarmEvent::ListenerError { listener_id, error } => {
                return Err(refused(waiting.get(&listener_id), chain(&error)));
            }
            _ => {}
        }
    }
    Ok(reported)
}
