//! The task that owns the swarm: turns its events into ours, and our orders into its calls.
//!
//! It waits for nothing but its inputs, so that no slow caller, disk or peer stalls a connection.

mod contacts;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use certmesh_wire::limits::GOSSIP_PAYLOAD;
use futures::StreamExt;
use libp2p::PeerId;
use libp2p::gossipsub::{self, IdentTopic, MessageAcceptance};
use libp2p::swarm::{Swarm, SwarmEvent};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use crate::behaviour::{Behaviour, BehaviourEvent};
use crate::dialer::Dialer;
use crate::hearing::Hearing;
use crate::links::Links;
use crate::orders::{Command, Shared};
use crate::outbox::Outbox;
use crate::refusals::Refusals;
use crate::rests::Rests;
use crate::words::{chain, name_of};
use crate::{Event, Receipt, Verdict, identity, limits};

/// The swarm and everything that is decided around it.
pub(crate) struct SwarmLoop {
    swarm: Swarm<Behaviour>,
    topic: IdentTopic,
    commands: mpsc::Receiver<Command>,
    outbox: Outbox,
    shared: Arc<Shared>,
    dialer: Dialer,
    links: Links,
    hearing: Hearing,
    rests: Rests,
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
        let (dialer, links, hearing, rests, refusals) = Default::default();
        Self { swarm, topic, commands, outbox, shared, dialer, links, hearing, rests, refusals }
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
            self.do_what_is_due();
            let wake = self.next_due();
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
            self.disconnect(Some(peer));
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
            Command::HangUp(node) => self.let_rest(node),
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
            gossipsub::Event::Subscribed { peer_id, .. } => {
                self.on_announced(&peer_id);
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
        let place = self.outbox.place(from);
        let event = place.map(|place| Event::Gossip { from, payload, receipt: receipt.clone(), place });
        if !event.is_some_and(|event| self.outbox.offer(event)) {
            self.shared.gossip_dropped.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(%from, "the node is behind: a gossiped payload was dropped, and sync brings it");
            self.judge(&receipt, Verdict::Ignore);
        }
    }
}
