//! A network that needs no rights: each node has an address of its own on the loopback interface, and a
//! relay before it that all others dial. A relay can hold packets back for a while, and lose them all.
//!
//! Only QUIC goes this way. A node dials from the socket that it listens on, so a relay knows by a
//! packet's source which node has sent it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use crate::places::Place;

/// The port that a node listens on; its relay has the next one.
const PORT: u16 = 7400;
/// The longest datagram (RFC 768).
const DATAGRAM: usize = 64 * 1024;
/// A process may lay several networks, each on ports of its own.
static LAID: AtomicUsize = AtomicUsize::new(0);

/// A network of relays. They end when it is dropped.
pub struct Relays {
    places: Vec<Place>,
    faults: Arc<Faults>,
    // Dropped last: its threads carry the packets.
    _runtime: Runtime,
}

/// What the relays do to packets.
struct Faults {
    delay_us: AtomicU64,
    cut: Vec<AtomicBool>,
    /// Which node has which address.
    nodes: BTreeMap<Ipv4Addr, usize>,
    carried: AtomicU64,
}

impl Faults {
    /// Whether packets between this node and whoever has this address are lost.
    fn loses(&self, node: usize, other: SocketAddr) -> bool {
        let is_cut = |node: usize| self.cut[node].load(Ordering::Relaxed);
        let other = match other {
            SocketAddr::V4(other) => self.nodes.get(other.ip()),
            SocketAddr::V6(_) => None,
        };
        is_cut(node) || other.is_some_and(|other| is_cut(*other))
    }

    fn due(&self) -> Instant {
        Instant::now() + Duration::from_micros(self.delay_us.load(Ordering::Relaxed))
    }
}

impl Relays {
    /// Starts a relay for each of so many nodes, without a fault.
    ///
    /// # Errors
    /// If this machine's loopback interface has no more than one address.
    pub fn lay(nodes: usize) -> Result<Self, String> {
        let runtime = Runtime::new().map_err(|error| error.to_string())?;
        let port = PORT + 2 * LAID.fetch_add(1, Ordering::Relaxed) as u16;
        let faults = Arc::new(Faults {
            delay_us: AtomicU64::new(0),
            cut: (0..nodes).map(|_| AtomicBool::new(false)).collect(),
            nodes: (0..nodes).map(|node| (address(node), node)).collect(),
            carried: AtomicU64::new(0),
        });
        for node in 0..nodes {
            let own = SocketAddrV4::new(address(node), port + 1);
            let socket = runtime.block_on(UdpSocket::bind(own)).map_err(|error| format!("{own}: {error}"))?;
            let relay = Relay {
                node,
                outside: Arc::new(socket),
                inside: SocketAddrV4::new(address(node), port).into(),
                faults: Arc::clone(&faults),
                ways: Mutex::default(),
            };
            runtime.spawn(Arc::new(relay).run());
        }
        let places = (0..nodes).map(|node| place(address(node), port)).collect();
        Ok(Self { places, faults, _runtime: runtime })
    }

    /// Where the nodes live.
    pub fn places(&self) -> Vec<Place> {
        self.places.clone()
    }

    /// Loses every packet from and to a node.
    pub fn cut(&self, node: usize) {
        self.faults.cut[node].store(true, Ordering::Relaxed);
    }

    /// Loses them no more.
    pub fn heal(&self, node: usize) {
        self.faults.cut[node].store(false, Ordering::Relaxed);
    }

    /// Holds every packet back for so long.
    pub fn delay(&self, delay: Duration) {
        self.faults.delay_us.store(delay.as_micros() as u64, Ordering::Relaxed);
    }

    /// How many packets have gone through so far.
    pub fn carried(&self) -> u64 {
        self.faults.carried.load(Ordering::Relaxed)
    }
}

fn place(ip: Ipv4Addr, port: u16) -> Place {
    let at = |port| vec![format!("/ip4/{ip}/udp/{port}/quic-v1")];
    Place { listen: at(port), advertise: at(port + 1), netns: None }
}

/// An address of this process's own: networks of several processes do not meet.
fn address(node: usize) -> Ipv4Addr {
    let pid = std::process::id();
    Ipv4Addr::new(127, (pid / 250 % 250 + 1) as u8, (pid % 250 + 1) as u8, (node + 1) as u8)
}

/// What stands before one node.
struct Relay {
    node: usize,
    /// Where the others send to.
    outside: Arc<UdpSocket>,
    /// The node itself.
    inside: SocketAddr,
    faults: Arc<Faults>,
    /// For each that sends to the node, the socket that stands for it before the node.
    ways: Mutex<BTreeMap<SocketAddr, UnboundedSender<Held>>>,
}

/// A packet that waits, and when it goes on.
type Held = (Instant, Vec<u8>);

impl Relay {
    async fn run(self: Arc<Self>) {
        let mut buffer = vec![0; DATAGRAM];
        loop {
            // A node that is down makes the kernel answer for it; the next packet may be another's.
            let Ok((len, from)) = self.outside.recv_from(&mut buffer).await else { continue };
            if !self.faults.loses(self.node, from)
                && let Some(way) = self.way_of(from).await
            {
                let _ = way.send((self.faults.due(), buffer[..len].to_vec()));
            }
        }
    }

    /// The way into the node for packets from here, which is made for the first of them.
    async fn way_of(self: &Arc<Self>, from: SocketAddr) -> Option<UnboundedSender<Held>> {
        if let Some(way) = self.ways.lock().unwrap_or_else(PoisonError::into_inner).get(&from) {
            return Some(way.clone());
        }
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.ok()?);
        let (way, held) = unbounded_channel();
        let faults = Arc::clone(&self.faults);
        tokio::spawn(carry(held, Arc::clone(&socket), self.inside, Arc::clone(&faults)));
        tokio::spawn(Arc::clone(self).run_back(socket, from));
        self.ways.lock().unwrap_or_else(PoisonError::into_inner).insert(from, way.clone());
        Some(way)
    }

    /// The node's answers to one of those that send to it.
    async fn run_back(self: Arc<Self>, socket: Arc<UdpSocket>, to: SocketAddr) {
        let (way, held) = unbounded_channel();
        tokio::spawn(carry(held, Arc::clone(&self.outside), to, Arc::clone(&self.faults)));
        let mut buffer = vec![0; DATAGRAM];
        loop {
            let Ok((len, _)) = socket.recv_from(&mut buffer).await else { continue };
            if !self.faults.loses(self.node, to) {
                let _ = way.send((self.faults.due(), buffer[..len].to_vec()));
            }
        }
    }
}

/// Sends packets on in their order, each when it is due.
async fn carry(
    mut held: UnboundedReceiver<Held>,
    socket: Arc<UdpSocket>,
    to: SocketAddr,
    faults: Arc<Faults>,
) {
    while let Some((due, packet)) = held.recv().await {
        if due > Instant::now() {
            tokio::time::sleep_until(due).await;
        }
        let _ = socket.send_to(&packet, to).await;
        faults.carried.fetch_add(1, Ordering::Relaxed);
    }
}
