//! The handle that the node holds, and the start of the task behind it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use certmesh_wire::limits::GOSSIP_PAYLOAD;
use certmesh_wire::{NodeId, SecretKey};
use libp2p::identity::Keypair;
use libp2p::swarm::Swarm;
use libp2p_stream::Control;
use tokio::sync::{mpsc, oneshot};

use crate::behaviour::{Behaviour, topic};
use crate::orders::{Command, Shared};
use crate::outbox::Outbox;
use crate::swarm_loop::SwarmLoop;
use crate::{
    Config, Event, MeshError, Peers, PullError, Receipt, Source, Verdict, identity, limits, listen, pull,
    transport,
};

/// The running mesh. Clones are the same mesh; when the last one is dropped, it stops.
#[derive(Clone)]
pub struct Mesh {
    commands: mpsc::Sender<Command>,
    streams: Control,
    shared: Arc<Shared>,
}

/// What sync had to repair, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Payloads that arrived while the node was too far behind to take them.
    pub gossip_dropped: u64,
    /// Payloads of ours that went to nobody, because nobody was connected or every queue was full.
    pub gossip_unsent: u64,
}

/// Starts the mesh on the current tokio runtime: listens, dials its peers, and keeps at it.
///
/// Returns once every address is listened on. Events arrive on the receiver; when it is dropped,
/// the mesh stops. Dials start at once, so peers may be connected before the first event is read.
///
/// # Errors
/// [`MeshError`] when an address can't be listened on, or the process's environment isn't safe.
pub async fn start(
    config: Config,
    source: Arc<dyn Source>,
) -> Result<(Mesh, mpsc::Receiver<Event>), MeshError> {
    refuse_key_log(std::env::var_os("SSLKEYLOGFILE"))?;
    let mut swarm = swarm(&config.key, &config)?;
    let mut streams = swarm.behaviour().streams.new_control();
    let incoming = streams.accept(pull::PROTOCOL).map_err(|error| MeshError::Identity(error.to_string()))?;
    let shared = Arc::new(Shared::default());
    shared.listening.send_replace(listen::listen(&mut swarm, &config.listen).await?);

    let (commands, orders) = mpsc::channel(limits::COMMAND_QUEUE);
    let (events, receiver) = mpsc::channel(limits::EVENT_QUEUE);
    let mut task =
        SwarmLoop::new(swarm, topic(&config.mesh), orders, Outbox::new(events), Arc::clone(&shared));
    task.set_peers(&config.peers);
    tokio::spawn(task.run(pull::serve(incoming, source)));
    Ok((Mesh { commands, streams, shared }, receiver))
}

fn refuse_key_log(variable: Option<OsString>) -> Result<(), MeshError> {
    match variable {
        Some(path) if !path.is_empty() => Err(MeshError::KeyLog),
        _ => Ok(()),
    }
}

fn swarm(key: &SecretKey, config: &Config) -> Result<Swarm<Behaviour>, MeshError> {
    let keypair: Keypair =
        identity::keypair(key).ok_or_else(|| MeshError::Identity("not an ed25519 key".into()))?;
    let transport = transport::build(&keypair).map_err(|error| MeshError::Identity(error.to_string()))?;
    let behaviour = Behaviour::new(&config.mesh)?;
    // Connections stay up while both sides want each other, however little they say.
    let rules = libp2p::swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(std::time::Duration::MAX)
        .with_max_negotiating_inbound_streams(limits::STREAMS_PER_CONNECTION as usize);
    Ok(Swarm::new(transport, behaviour, keypair.public().to_peer_id(), rules))
}

impl Mesh {
    /// Sends a payload, of at most `certmesh_wire::limits::GOSSIP_PAYLOAD` bytes, to everyone.
    ///
    /// Nobody learns whether it arrives: what gossip loses, sync brings.
    pub async fn gossip(&self, payload: Vec<u8>) {
        if payload.len() > GOSSIP_PAYLOAD {
            tracing::error!(
                len = payload.len(),
                limit = GOSSIP_PAYLOAD,
                "a payload is too long for gossip and was not sent"
            );
            return;
        }
        self.order(Command::Gossip(payload)).await;
    }

    /// Says what becomes of a gossiped payload. A verdict that comes too late has no effect.
    pub async fn judge(&self, receipt: Receipt, verdict: Verdict) {
        self.order(Command::Judge(receipt, verdict)).await;
    }

    /// Asks a connected node and returns its answer, of at most `certmesh_wire::limits::SYNC_ANSWER_BYTES`.
    ///
    /// # Errors
    /// [`PullError`] says why there is none; `Busy` and `Lost` are worth another try later.
    pub async fn pull(&self, peer: NodeId, request: Vec<u8>) -> Result<Vec<u8>, PullError> {
        if !self.shared.connected.borrow().contains(&peer) {
            return Err(PullError::NotConnected);
        }
        let peer = identity::peer_id(peer).ok_or(PullError::NotConnected)?;
        // A control opens one stream at a time; a clone of its own keeps pulls from waiting for each other.
        pull::ask(&mut self.streams.clone(), peer, &request).await
    }

    /// Replaces the nodes that may connect. Connections of nodes that are no longer named end.
    pub async fn set_peers(&self, peers: Peers) {
        self.order(Command::SetPeers(peers)).await;
    }

    /// Ends a node's connections and lets it in again after a rest, which grows from fifteen seconds to
    /// five minutes when it must be repeated: for answers that break the protocol.
    ///
    /// Without effect on a node that rests already, or that isn't among the peers.
    pub async fn hang_up(&self, peer: NodeId) {
        self.order(Command::HangUp(peer)).await;
    }

    /// The nodes that are connected at this moment, in the sense of [`Event::Connected`].
    pub fn connected(&self) -> BTreeSet<NodeId> {
        self.shared.connected.borrow().clone()
    }

    /// The multiaddrs that are listened on, with the ports that the system chose.
    pub fn listen_addresses(&self) -> Vec<String> {
        self.shared.listening.borrow().clone()
    }

    /// What was lost and left to sync.
    pub fn counts(&self) -> Counts {
        Counts {
            gossip_dropped: self.shared.gossip_dropped.load(Ordering::Relaxed),
            gossip_unsent: self.shared.gossip_unsent.load(Ordering::Relaxed),
        }
    }

    /// Ends all connections and stops, within about a second. Other handles are dead afterwards.
    pub async fn shutdown(&self) {
        let (done, stopped) = oneshot::channel();
        self.order(Command::Stop(done)).await;
        // An error means that it had stopped before.
        let _ = stopped.await;
    }

    async fn order(&self, command: Command) {
        if self.commands.send(command).await.is_err() {
            tracing::debug!("the mesh has stopped");
        }
    }
}

impl std::fmt::Debug for Mesh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mesh").field("listening", &self.listen_addresses()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_keys_are_not_written_to_files() {
        assert!(matches!(refuse_key_log(Some("/tmp/keys".into())), Err(MeshError::KeyLog)));
        assert!(refuse_key_log(Some("".into())).is_ok());
        assert!(refuse_key_log(None).is_ok());
    }
}
