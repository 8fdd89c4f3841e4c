//! Who is connected: what the loop does about connections that open, end, fail, or stay silent.

use std::time::Instant;

use certmesh_wire::NodeId;
use libp2p::core::ConnectedPoint;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError, ListenError};
use libp2p::{Multiaddr, PeerId, allow_block_list, ping};

use super::SwarmLoop;
use crate::behaviour::connection_limits;
use crate::dialer::Chance;
use crate::links::{Link, Opening};
use crate::words::{chain, dial_failure, name_of, place};
use crate::{Event, Peers, identity, limits, peers, transport};

/// Failed rounds of dials before an operator hears of it, and between the times they hear again.
const ROUNDS_BEFORE_WARNING: u32 = 4;
const ROUNDS_BETWEEN_WARNINGS: u32 = 40;

impl SwarmLoop {
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
        self.hearing.retain(|node| self.dialer.knows(node));
    }

    /// Ends a node's connections and keeps it out for a while.
    pub(super) fn let_rest(&mut self, node: NodeId) {
        let Some(peer) = identity::peer_id(node).filter(|_| self.dialer.knows(node)) else { return };
        let now = Instant::now();
        let Some(until) = self.rests.begin(now, node) else { return };
        let rest_s = until.saturating_duration_since(now).as_secs();
        tracing::info!(%node, rest_s, "hanging up on a node; it is let in again after a rest");
        self.dialer.hung_up(node, Some(until));
        self.swarm.behaviour_mut().resting.block_peer(peer);
    }

    /// When [`SwarmLoop::do_what_is_due`] is worth calling again, if nothing else happens.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let due = [
            self.dialer.next_due(limits::DIALS_AT_ONCE),
            self.hearing.next_overdue(),
            self.rests.next_over(),
        ];
        due.into_iter().flatten().min()
    }

    /// Lets back in who has rested, hangs up on who is silent, dials who is to be dialled.
    pub(super) fn do_what_is_due(&mut self) {
        let now = Instant::now();
        while let Some(peer) = self.rests.over(now).and_then(identity::peer_id) {
            self.swarm.behaviour_mut().resting.unblock_peer(peer);
        }
        while let Some((node, times)) = self.hearing.overdue(now) {
            self.hang_up_on_silent(node, times);
        }
        self.dial_due();
    }

    fn hang_up_on_silent(&mut self, node: NodeId, times: u32) {
        if is_worth_a_warning(times) {
            tracing::warn!(%node, times, "a connected node never says that it takes gossip; trying on, and sync brings what it has");
        } else {
            tracing::debug!(%node, times, "a connected node has not said that it takes gossip; connecting anew");
        }
        self.dialer.hung_up(node, None);
        self.disconnect(identity::peer_id(node));
    }

    /// Ends all connections of a peer.
    pub(super) fn disconnect(&mut self, peer: Option<PeerId>) {
        if let Some(peer) = peer {
            // An error means that it is disconnected already.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
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

    pub(super) fn on_ping(&mut self, event: ping::Event) {
        match event.result {
            Err(ping::Failure::Unsupported) | Ok(_) => {}
            Err(error) => {
                tracing::debug!(peer = %name_of(&event.peer), %error, "a connection is dead");
                self.swarm.close_connection(event.connection);
            }
        }
    }

    pub(super) fn on_opened(&mut self, peer: &PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let Some(node) = identity::node_id(peer) else { return };
        let now = Instant::now();
        let address = place(endpoint.get_remote_address());
        let link = Link { id, address, inbound: endpoint.is_listener(), since: now };
        let opening = self.links.opened(node, link);
        self.dialer.connected(now, node);
        match opening {
            Opening::First if self.hearing.opened(now, node) => {}
            Opening::First => self.is_connected(node),
            Opening::Crossed => {}
            // Gossipsub greets a peer on its first connection only. So all of them must go, the
            // one that lives too, for both sides to start anew.
            Opening::Anew => {
                tracing::debug!(%node, "a node connects anew, so it has lost the connections we hold: closing all");
                self.disconnect(Some(*peer));
            }
        }
    }

    pub(super) fn on_announced(&mut self, peer: &PeerId) {
        let Some(node) = identity::node_id(peer) else { return };
        self.hearing.heard(node);
        self.is_connected(node);
    }

    fn is_connected(&mut self, node: NodeId) {
        let Some(address) = self.links.address(node) else { return };
        if self.shared.connected.send_if_modified(|all| all.insert(node)) {
            tracing::info!(%node, %address, "connected");
            self.outbox.must_send(Event::Connected(node));
        }
    }

    pub(super) fn on_closed(&mut self, peer: &PeerId, id: ConnectionId, cause: &str) {
        let Some(node) = identity::node_id(peer) else { return };
        if !self.links.closed(node, id) {
            return;
        }
        self.hearing.closed(node);
        if self.shared.connected.send_if_modified(|all| all.remove(&node)) {
            tracing::info!(%node, cause, "disconnected");
            self.outbox.must_send(Event::Disconnected(node));
        }
        let rounds = self.dialer.disconnected(Instant::now(), node, chance());
        if rounds.is_some_and(is_worth_a_warning) {
            tracing::warn!(%node, cause, "a node ends our connections at once, again and again: it may not know our manifest");
        }
    }

    pub(super) fn on_dial_failed(&mut self, node: NodeId, error: &DialError) {
        let error = dial_failure(error);
        tracing::debug!(%node, error, "a dial failed");
        let Some(rounds) = self.dialer.failed(Instant::now(), node, chance()) else { return };
        if is_worth_a_warning(rounds) {
            tracing::warn!(%node, rounds, error, "a node can't be reached at any of its addresses; trying on");
        }
    }

    pub(super) fn on_refused(&mut self, peer: Option<PeerId>, address: &Multiaddr, error: &ListenError) {
        let node = peer.as_ref().and_then(identity::node_id);
        let (Some(node), ListenError::Denied { cause }) = (node, error) else {
            return tracing::debug!(%address, error = chain(error), "an incoming connection failed");
        };
        if cause.downcast_ref::<allow_block_list::Blocked>().is_some() {
            return tracing::debug!(%node, "a node that rests tried to connect");
        }
        let Some(attempts) = self.refusals.note(Instant::now(), node) else { return };
        if cause.downcast_ref::<allow_block_list::NotAllowed>().is_some() {
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
