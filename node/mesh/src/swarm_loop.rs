//! The task that owns the swarm: turns its events into ours, and our orders into its calls.
//!
//! It waits for nothing but its inputs, so that no slow caller, disk or peer stalls a connection.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use certmesh_wire::NodeId;
use certmesh_wire::limits::GOSSIP_PAYLOAD;
use futures::StreamExt;
use libp2p::core::ConnectedPoint;
use libp2p::gossipsub::{self, IdentTopic, MessageAcceptance};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError, ListenError, Swarm, SwarmEvent};
use libp2p::{Multiaddr, PeerId, ping};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use crate::behaviour::{Behaviour, BehaviourEvent, connection_limits};
use crate::dialer::{Chance, Dialer};
use crate::links::{Link, Links};
use crate::orders::{Command, Shared};
use crate::outbox::Outbox;
use crate::refusals::Refusals;
use crate::words::{chain, dial_failure, name_of, place};
use crate::{Event, Peers, Receipt, Verdict, identity, limits, peers, transport};

/// Failed rounds of dials before an operator hears of it, and between the times they hear again.
const ROUNDS_BEFORE_WARNING: u32 = 4;
const ROUNDS_BETWEEN_WARNINGS: u32 = 40;

/// The swarm and everything that is decided around it.
pub(crate) struct SwarmLoop {
    swarm: Swarm<Behaviour>,
    topic: IdentTopic,
    commands: mpsc::Receiver<Command>,
    outbox: Outbox,
    shared: Arc<Shared>,
    dialer: Dialer,
    links: Links,
    refusals: Refusals,
}

impl SwarmLoop {
    /// A loop that listens but has no peers yet.
    pub(crate) fn new(
        swarm: Swarm<Behaviour>,
        topic: IdentTopic,
        commands: mpsc::Receiver<Command>,
        outbox: Outbox,
        shared: Arc<Shared>,
    ) -> Self {
        let (dialer, links, refusals) = Default::default();
        Self { swarm, topic, commands, outbox, shared, dialer, links, refusals }
    }

    /// Runs until it is told to stop, every handle is gone, or nobody reads its events.
    /// Beside it runs the answering of pulls, and ends with it.
    pub(crate) async fn run(mut self, serving: impl Future<Output = ()> + Send + 'static) {
        let mut beside = JoinSet::new();
        beside.spawn(serving);
        let stopped = self.until_stopped().await;
        self.say_goodbye().await;
        // What is left of connections dies with the swarm, and nobody may ask over it.
        self.shared.connected.send_replace(Default::default());
        drop((self, beside));
        if let Some(stopped) = stopped {
            // Whoever asked may have stopped waiting.
            let _ = stopped.send(());
        }
    }

    async fn until_stopped(&mut self) -> Option<oneshot::Sender<()>> {
        loop {
            self.dial_due();
            let wake = self.dialer.next_due(limits::DIALS_AT_ONCE);
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_event(event),
                command = self.commands.recv() => match command {
                    Some(Command::Stop(stopped)) => return Some(stopped),
                    Some(command) => self.obey(command),
                    None => return None,
                },
                reading = self.outbox.flush() => if !reading { return None },
                () = sleep_until(wake.unwrap_or_else(Instant::now).into()), if wake.is_some() => {}
            }
        }
    }

    async fn say_goodbye(&mut self) {
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            // An error means that it is disconnected already.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let closing = async {
            while self.links.any() {
                let event = self.swarm.select_next_some().await;
                self.on_event(event);
            }
        };
        if timeout(limits::GOODBYE, closing).await.is_err() {
            tracing::debug!("some connections did not close in time");
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Gossip(payload) => self.gossip(payload),
            Command::Judge(receipt, verdict) => self.judge(&receipt, verdict),
            Command::SetPeers(peers) => self.set_peers(&peers),
            Command::Stop(_) => {}
        }
    }

    fn gossip(&mut self, payload: Vec<u8>) {
        // Never tried again: gossipsub remembers a message even when every queue was full.
        if let Err(error) = self.swarm.behaviour_mut().gossip.publish(self.topic.clone(), payload) {
            self.shared.gossip_unsent.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(%error, "a payload was not gossiped; sync brings it");
        }
    }

    fn judge(&mut self, receipt: &Receipt, verdict: Verdict) {
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Ignore => MessageAcceptance::Ignore,
            Verdict::Reject => MessageAcceptance::Reject,
        };
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        if !gossip.report_message_validation_result(&receipt.id, &receipt.from, acceptance) {
            tracing::debug!(?verdict, "a verdict came after gossip forgot the payload");
        }
    }

    /// Replaces who may connect. Connections of those no longer named are closed by the allow-list.
    pub(crate) fn set_peers(&mut self, peers: &Peers) {
        let named = peers::known(peers, self.swarm.local_peer_id());
        let allowed = &mut self.swarm.behaviour_mut().allowed;
        let gone: Vec<PeerId> =
            allowed.allowed_peers().iter().filter(|peer| !named.contains_key(*peer)).copied().collect();
        for peer in gone {
            allowed.disallow_peer(peer);
        }
        for peer in named.keys() {
            allowed.allow_peer(*peer);
        }
        *self.swarm.behaviour_mut().connections.limits_mut() = connection_limits(named.len());
        self.dialer.set_peers(Instant::now(), named.into_values().collect());
    }

    fn dial_due(&mut self) {
        while let Some((node, address)) = self.dialer.due(Instant::now(), limits::DIALS_AT_ONCE) {
            tracing::trace!(%node, %address, "dialling");
            if let Err(error) = self.dial(node, address) {
                self.on_dial_failed(node, &error);
            }
        }
    }

    fn dial(&mut self, node: NodeId, address: Multiaddr) -> Result<(), DialError> {
        let peer = identity::peer_id(node).ok_or(DialError::NoAddresses)?;
        let dial = DialOpts::peer_id(peer).condition(PeerCondition::DisconnectedAndNotDialing);
        let dial = match transport::dials_from_listening_port(&address) {
            true => dial.addresses(vec![address]),
            false => dial.addresses(vec![address]).allocate_new_port(),
        };
        self.swarm.dial(dial.build())
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(event)) => self.on_gossip(event),
            SwarmEvent::Behaviour(BehaviourEvent::Ping(event)) => self.on_ping(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.on_opened(&peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, cause, .. } => {
                let cause = cause.map_or_else(|| "closed".to_owned(), |cause| chain(&cause));
                self.on_closed(&peer_id, connection_id, &cause);
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                if let Some(node) = identity::node_id(&peer) {
                    self.on_dial_failed(node, &error);
                }
            }
            SwarmEvent::IncomingConnectionError { peer_id, send_back_addr, error, .. } => {
                self.on_refused(peer_id, &send_back_addr, &error);
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                self.shared.listening.send_modify(|all| all.push(address.to_string()));
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                let address = address.to_string();
                self.shared.listening.send_modify(|all| all.retain(|one| *one != address));
            }
            SwarmEvent::ListenerClosed { addresses, reason: Err(error), .. } => {
                tracing::error!(?addresses, %error, "a listener has failed: other nodes can't connect there until a restart");
            }
            SwarmEvent::ListenerError { error, .. } => tracing::debug!(%error, "a listener reports an error"),
            _ => {}
        }
    }

    fn on_gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source: from, message_id: id, message } => {
                self.on_payload(Receipt { id, from }, message.data);
            }
            gossipsub::Event::GossipsubNotSupported { peer_id } => {
                tracing::warn!(peer = %name_of(&peer_id), "a connected node does not speak gossipsub");
            }
            gossipsub::Event::SlowPeer { peer_id, .. } => {
                tracing::debug!(peer = %name_of(&peer_id), "a node takes gossip more slowly than it comes; sync brings the rest");
            }
            _ => {}
        }
    }

    fn on_payload(&mut self, receipt: Receipt, payload: Vec<u8>) {
        let Some(from) = identity::node_id(&receipt.from) else { return };
        if payload.len() > GOSSIP_PAYLOAD {
            return self.judge(&receipt, Verdict::Reject);
        }
        let event = Event::Gossip { from, payload, receipt: receipt.clone() };
        if !self.outbox.offer(event) {
            self.shared.gossip_dropped.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(%from, "the node is behind: a gossiped payload was dropped, and sync brings it");
            self.judge(&receipt, Verdict::Ignore);
        }
    }

    fn on_ping(&mut self, event: ping::Event) {
        match event.result {
            Err(ping::Failure::Unsupported) | Ok(_) => {}
            Err(error) => {
                tracing::debug!(peer = %name_of(&event.peer), %error, "a connection is dead");
                self.swarm.close_connection(event.connection);
            }
        }
    }

    fn on_opened(&mut self, peer: &PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let Some(node) = identity::node_id(peer) else { return };
        let now = Instant::now();
        let (first, dead) = self.links.opened(node, Link { id, inbound: endpoint.is_listener(), since: now });
        for id in dead {
            self.swarm.close_connection(id);
        }
        self.dialer.connected(now, node);
        if first {
            tracing::info!(%node, address = %place(endpoint.get_remote_address()), "connected");
            self.shared.connected.send_modify(|all| _ = all.insert(node));
            self.outbox.must_send(Event::Connected(node));
        }
    }

    fn on_closed(&mut self, peer: &PeerId, id: ConnectionId, cause: &str) {
        let Some(node) = identity::node_id(peer) else { return };
        if self.links.closed(node, id) {
            tracing::info!(%node, cause, "disconnected");
            self.shared.connected.send_modify(|all| _ = all.remove(&node));
            self.outbox.must_send(Event::Disconnected(node));
            let rounds = self.dialer.disconnected(Instant::now(), node, chance());
            if rounds.is_some_and(is_worth_a_warning) {
                tracing::warn!(%node, "a node ends our connections at once, again and again: it may not know our manifest");
            }
        }
    }

    fn on_dial_failed(&mut self, node: NodeId, error: &DialError) {
        let error = dial_failure(error);
        tracing::debug!(%node, error, "a dial failed");
        let Some(rounds) = self.dialer.failed(Instant::now(), node, chance()) else { return };
        if is_worth_a_warning(rounds) {
            tracing::warn!(%node, rounds, error, "a node can't be reached at any of its addresses; trying on");
        }
    }

    fn on_refused(&mut self, peer: Option<PeerId>, address: &Multiaddr, error: &ListenError) {
        let node = peer.as_ref().and_then(identity::node_id);
        let (Some(node), ListenError::Denied { cause }) = (node, error) else {
            return tracing::debug!(%address, error = chain(error), "an incoming connection failed");
        };
        let Some(attempts) = self.refusals.note(Instant::now(), node) else { return };
        if cause.downcast_ref::<libp2p::allow_block_list::NotAllowed>().is_some() {
            tracing::warn!(%node, %address, attempts, "a node that no manifest names tried to connect, and was refused");
        } else {
            tracing::warn!(%node, %address, attempts, error = chain(error), "a connection was refused");
        }
    }
}

fn is_worth_a_warning(rounds: u32) -> bool {
    rounds % ROUNDS_BETWEEN_WARNINGS == ROUNDS_BEFORE_WARNING
}

/// A number from 0 to 1. Only timing depends on it, so a machine without randomness gets the middle.
fn chance() -> Chance {
    getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
}
