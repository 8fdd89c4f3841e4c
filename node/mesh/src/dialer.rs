//! When to dial whom, at which address: the decisions, without a socket or a clock.
//!
//! Each peer that isn't connected is tried at its first address at once, then at the others, one
//! after another: a listener that saw two of our attempts succeed couldn't tell which one we keep.
//! When all have failed, the next round waits, longer each time. Only a connection that lasted ends
//! the waiting: a peer that accepts us and hangs up, because it doesn't know us yet, isn't hammered.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use certmesh_wire::NodeId;
use libp2p::Multiaddr;

/// The wait after the first round of failures.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait. Short, because it bounds how long a healed network stays apart: two sides that
/// both wait find each other after five seconds on average, at the price of a packet now and then.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// The least wait after a lost connection: its close must reach the peer before our dial does, or
/// the peer takes the new connection for a second one, and doesn't announce its topics on it.
const LEAST_WAIT: Duration = Duration::from_millis(100);
/// A connection that lasted this long was a real one.
const SETTLED: Duration = Duration::from_secs(10);

/// Chance, as an argument: a number from 0 to 1.
pub(crate) type Chance = f64;

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Waiting { until: Instant },
    Dialing,
    Connected { since: Instant, hung_up: bool },
}

#[derive(Debug)]
struct Peer {
    addresses: Vec<Multiaddr>,
    next_address: usize,
    rounds: u32,
    /// The end of a rest, during which the peer isn't dialled.
    rests_until: Option<Instant>,
    state: State,
}

/// The peers of this node and how it stands with each.
#[derive(Debug, Default)]
pub(crate) struct Dialer {
    peers: BTreeMap<NodeId, Peer>,
}

impl Dialer {
    /// Replaces the peers. Those that stay keep their state; the others are forgotten.
    pub(crate) fn set_peers(&mut self, now: Instant, peers: BTreeMap<NodeId, Vec<Multiaddr>>) {
        self.peers.retain(|node, _| peers.contains_key(node));
        for (node, addresses) in peers {
            match self.peers.get_mut(&node) {
                Some(peer) => peer.readdress(now, addresses),
                None => _ = self.peers.insert(node, Peer::at(now, addresses)),
            }
        }
    }

    /// The next dial that is due, which then counts as under way; none while `at_once` are.
    pub(crate) fn due(&mut self, now: Instant, at_once: usize) -> Option<(NodeId, Multiaddr)> {
        if self.under_way() >= at_once {
            return None;
        }
        let (node, peer) = self.peers.iter_mut().find(|(_, peer)| peer.is_due(now))?;
        peer.state = State::Dialing;
        Some((*node, peer.addresses.get(peer.next_address)?.clone()))
    }

    /// When [`Dialer::due`] is worth asking again, if nothing else happens.
    pub(crate) fn next_due(&self, at_once: usize) -> Option<Instant> {
        if self.under_way() >= at_once {
            return None;
        }
        self.peers.values().filter_map(Peer::waits_until).min()
    }

    /// The peer is connected, whoever dialled. A second connection changes nothing.
    pub(crate) fn connected(&mut self, now: Instant, node: NodeId) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        if !matches!(peer.state, State::Connected { .. }) {
            peer.state = State::Connected { since: now, hung_up: false };
            peer.next_address = 0;
        }
    }

    /// We are about to end the peer's connections, which counts as a failed round however long they
    /// lasted. It isn't dialled before the end of its rest, if it has one.
    pub(crate) fn hung_up(&mut self, node: NodeId, rests_until: Option<Instant>) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        peer.rests_until = rests_until.or(peer.rests_until);
        if let State::Connected { hung_up, .. } = &mut peer.state {
            *hung_up = true;
        }
    }

    /// Whether this is one of the peers.
    pub(crate) fn knows(&self, node: NodeId) -> bool {
        self.peers.contains_key(&node)
    }

    /// The last connection of the peer has ended. Returns how many rounds have failed if the
    /// peer ended it before it was a real one, so that its end counts as one more.
    pub(crate) fn disconnected(&mut self, now: Instant, node: NodeId, chance: Chance) -> Option<u32> {
        let peer = self.peers.get_mut(&node)?;
        let State::Connected { since, hung_up } = peer.state else { return None };
        if !hung_up && now.saturating_duration_since(since) >= SETTLED {
            peer.rounds = 0;
            // Both sides lose the connection at once; a moment's chance lets one of them dial first.
            peer.state = State::Waiting { until: now + LEAST_WAIT + (FIRST_WAIT / 2).mul_f64(chance) };
            return None;
        }
        peer.wait(now, chance);
        (!hung_up).then_some(peer.rounds)
    }

    /// A dial has failed. Returns how many rounds over all addresses have failed since the last real
    /// connection, when this failure ended one.
    pub(crate) fn failed(&mut self, now: Instant, node: NodeId, chance: Chance) -> Option<u32> {
        let peer = self.peers.get_mut(&node)?;
        if peer.state != State::Dialing {
            return None;
        }
        peer.next_address += 1;
        if peer.next_address < peer.addresses.len() {
            peer.state = State::Waiting { until: now };
            return None;
        }
        peer.wait(now, chance);
        Some(peer.rounds)
    }

    fn under_way(&self) -> usize {
        self.peers.values().filter(|peer| peer.state == State::Dialing).count()
    }
}

impl Peer {
    fn at(now: Instant, addresses: Vec<Multiaddr>) -> Self {
        Self {
            addresses,
            next_address: 0,
            rounds: 0,
            rests_until: None,
            state: State::Waiting { until: now },
        }
    }

    fn readdress(&mut self, now: Instant, addresses: Vec<Multiaddr>) {
        if self.addresses == addresses {
            return;
        }
        let (state, rests_until) = (self.state, self.rests_until);
        *self = Self { rests_until, ..Self::at(now, addresses) };
        if !matches!(state, State::Waiting { .. }) {
            self.state = state;
        }
    }

    /// Until when the peer waits for a dial; a peer without an address waits for its own dial of us.
    fn waits_until(&self) -> Option<Instant> {
        match self.state {
            State::Waiting { until } if !self.addresses.is_empty() => Some(until).max(self.rests_until),
            _ => None,
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.waits_until().is_some_and(|until| until <= now)
    }

    fn wait(&mut self, now: Instant, chance: Chance) {
        self.next_address = 0;
        self.rounds = self.rounds.saturating_add(1);
        self.state = State::Waiting { until: now + back_off(self.rounds, chance) };
    }
}

/// Doubles with each failed round up to the longest wait; chance takes up to half of it away, so
/// that nodes which lost the same link don't come back in step.
fn back_off(rounds: u32, chance: Chance) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << rounds.saturating_sub(1).min(16));
    doubled.min(LONGEST_WAIT).mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId([1; 32]);
    const OTHER: NodeId = NodeId([2; 32]);
    const MANY: usize = 16;

    fn addresses(ports: &[u16]) -> Vec<Multiaddr> {
        ports.iter().map(|port| format!("/ip4/192.0.2.1/tcp/{port}").parse().unwrap()).collect()
    }

    fn dialer(now: Instant, ports: &[u16]) -> Dialer {
        let mut dialer = Dialer::default();
        dialer.set_peers(now, BTreeMap::from([(NODE, addresses(ports))]));
        dialer
    }

    #[test]
    fn every_address_is_tried_before_the_wait() {
        let now = Instant::now();
        let mut dialer = dialer(now, &[1, 2]);
        assert_eq!(dialer.due(now, MANY), Some((NODE, addresses(&[1]).remove(0))));
        assert_eq!(dialer.due(now, MANY), None, "one dial of a peer at a time");
        assert_eq!(dialer.failed(now, NODE, 0.0), None);
        assert_eq!(dialer.due(now, MANY), Some((NODE, addresses(&[2]).remove(0))));
        assert_eq!(dialer.failed(now, NODE, 0.0), Some(1));
        assert_eq!(dialer.due(now, MANY), None);
        assert_eq!(dialer.next_due(MANY), Some(now + FIRST_WAIT));
        assert_eq!(dialer.due(now + FIRST_WAIT, MANY), Some((NODE, addresses(&[1]).remove(0))));
    }

    #[test]
    fn waits_grow_to_a_bound() {
        let seconds: Vec<_> = (1..7).map(|round| back_off(round, 0.0).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 15, 15]);
        assert_eq!(back_off(u32::MAX, 1.0), LONGEST_WAIT / 2);
    }

    #[test]
    fn a_lasting_connection_ends_the_waiting() {
        let now = Instant::now();
        let mut dialer = dialer(now, &[1]);
        for _ in 0..5 {
            let due = dialer.next_due(MANY).unwrap();
            dialer.due(due, MANY).unwrap();
            dialer.failed(due, NODE, 0.0);
        }
        dialer.connected(now, NODE);
        assert_eq!(dialer.next_due(MANY), None);
        assert_eq!(dialer.disconnected(now + SETTLED, NODE, 0.5), None);
        assert_eq!(dialer.next_due(MANY), Some(now + SETTLED + LEAST_WAIT + FIRST_WAIT / 4));
    }

    #[test]
    fn a_peer_that_hangs_up_is_not_hammered() {
        let now = Instant::now();
        let mut dialer = dialer(now, &[1]);
        for round in 1..5 {
            dialer.connected(now, NODE);
            assert_eq!(dialer.disconnected(now, NODE, 0.0), Some(round));
            assert_eq!(dialer.next_due(MANY), Some(now + back_off(round, 0.0)));
        }
    }

    #[test]
    fn a_second_connection_is_no_new_start() {
        let now = Instant::now();
        let mut dialer = dialer(now, &[1]);
        dialer.connected(now, NODE);
        dialer.connected(now + SETTLED, NODE);
        assert_eq!(dialer.disconnected(now + SETTLED, NODE, 0.0), None);
        assert_eq!(dialer.next_due(MANY), Some(now + SETTLED + LEAST_WAIT));
    }

    #[test]
    fn hanging_up_counts_as_a_failure_and_rests_are_kept() {
        let now = Instant::now();
        let mut dialer = dialer(now, &[1]);
        for round in 1..4 {
            dialer.connected(now, NODE);
            dialer.hung_up(NODE, None);
            assert_eq!(dialer.disconnected(now + SETTLED, NODE, 0.0), None, "the peer isn't to blame");
            assert_eq!(dialer.next_due(MANY), Some(now + SETTLED + back_off(round, 0.0)));
        }
        let rest = now + Duration::from_secs(300);
        dialer.connected(now, NODE);
        dialer.hung_up(NODE, Some(rest));
        dialer.disconnected(now, NODE, 0.0);
        dialer.set_peers(now, BTreeMap::from([(NODE, addresses(&[9]))]));
        assert_eq!((dialer.due(rest - FIRST_WAIT, MANY), dialer.next_due(MANY)), (None, Some(rest)));
        assert!(dialer.due(rest, MANY).is_some());
    }

    #[test]
    fn a_late_failure_does_not_undo_a_connection() {
        let now = Instant::now();
        let mut dialer = dialer(now, &[1]);
        dialer.due(now, MANY).unwrap();
        dialer.connected(now, NODE);
        assert_eq!(dialer.failed(now, NODE, 0.0), None);
        assert_eq!(dialer.next_due(MANY), None);
    }

    #[test]
    fn dials_at_once_are_bounded() {
        let now = Instant::now();
        let mut dialer = Dialer::default();
        dialer.set_peers(now, BTreeMap::from([(NODE, addresses(&[1])), (OTHER, addresses(&[2]))]));
        assert!(dialer.due(now, 1).is_some());
        assert_eq!((dialer.due(now, 1), dialer.next_due(1)), (None, None));
        dialer.connected(now, NODE);
        assert!(dialer.due(now, 1).is_some_and(|(node, _)| node == OTHER));
    }

    #[test]
    fn a_changed_address_is_tried_at_once() {
        let now = Instant::now();
        let mut dialer = dialer(now, &[1]);
        dialer.due(now, MANY).unwrap();
        dialer.failed(now, NODE, 0.0);
        dialer.set_peers(now, BTreeMap::from([(NODE, addresses(&[9])), (OTHER, Vec::new())]));
        assert_eq!(dialer.due(now, MANY), Some((NODE, addresses(&[9]).remove(0))));
        assert_eq!(dialer.due(now, MANY), None, "a peer without an address is waited for");
        dialer.set_peers(now, BTreeMap::new());
        assert_eq!(dialer.failed(now, NODE, 0.0), None);
    }
}
