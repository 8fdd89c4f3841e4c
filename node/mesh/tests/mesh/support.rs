//! A small mesh on loopback: nodes with fixed keys, ephemeral ports, and an echo for pulls.

use std::sync::Arc;
use std::time::Duration;

use certmesh_mesh::{AnswerFault, Config, Event, Mesh, MeshError, Peers, Source, start};
use certmesh_wire::{MeshId, NodeId, SecretKey};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

pub(crate) const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";
pub(crate) const TCP: &str = "/ip4/127.0.0.1/tcp/0";
/// Long enough for the slowest machine; nothing waits this long when it works.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers with the request and the asker; requests that start with `!` have meanings of their own.
pub(crate) struct Echo;

impl Source for Echo {
    fn answer(&self, peer: NodeId, request: &[u8]) -> Result<Vec<u8>, AnswerFault> {
        match request {
            b"!malformed" => Err(AnswerFault::Malformed("as asked".into())),
            b"!unavailable" => Err(AnswerFault::Unavailable("as asked".into())),
            b"!largest" => Ok(vec![7; certmesh_wire::limits::SYNC_ANSWER_BYTES]),
            b"!larger" => Ok(vec![7; certmesh_wire::limits::SYNC_ANSWER_BYTES + 1]),
            b"!slow" => {
                std::thread::sleep(Duration::from_millis(500));
                Ok(Vec::new())
            }
            _ => Ok([&peer.0[..], request].concat()),
        }
    }

    fn member(&self, _: NodeId) -> Option<certmesh_wire::MemberCode> {
        None
    }
}

pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) mesh: Mesh,
    pub(crate) events: Receiver<Event>,
}

pub(crate) fn key(n: u8) -> SecretKey {
    SecretKey::from_seed(&[n; 32])
}

pub(crate) fn id(n: u8) -> NodeId {
    key(n).node_id()
}

pub(crate) async fn try_node(n: u8, listen: &[&str], peers: Peers) -> Result<Node, MeshError> {
    node_of(MeshId([9; 32]), n, listen, peers).await
}

/// A node whose topic the others don't know: it says nothing that they understand.
pub(crate) async fn node_of_another_mesh(n: u8, listen: &[&str], peers: Peers) -> Node {
    node_of(MeshId([8; 32]), n, listen, peers).await.unwrap()
}

async fn node_of(mesh: MeshId, n: u8, listen: &[&str], peers: Peers) -> Result<Node, MeshError> {
    let listen = listen.iter().map(ToString::to_string).collect();
    let config = Config { key: key(n), mesh, listen, peers };
    let (mesh, events) = start(config, Arc::new(Echo)).await?;
    Ok(Node { id: id(n), mesh, events })
}

pub(crate) async fn node(n: u8, listen: &[&str], peers: Peers) -> Node {
    try_node(n, listen, peers).await.unwrap()
}

/// A node on an address that its earlier life may hold for another moment.
pub(crate) async fn node_again(n: u8, listen: &[&str], peers: Peers) -> Node {
    loop {
        match try_node(n, listen, peers.clone()).await {
            Ok(node) => return node,
            Err(MeshError::Listen { .. }) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Peers that are waited for, not dialled.
pub(crate) fn awaited(ids: &[NodeId]) -> Peers {
    ids.iter().map(|id| (*id, Vec::new())).collect()
}

impl Node {
    pub(crate) fn peer(&self) -> (NodeId, Vec<String>) {
        (self.id, self.mesh.listen_addresses())
    }

    pub(crate) async fn next(&mut self) -> Event {
        timeout(PATIENCE, self.events.recv()).await.expect("an event in time").expect("a running mesh")
    }

    /// Skips everything else.
    pub(crate) async fn sees_connected(&mut self, peer: NodeId) {
        while !matches!(self.next().await, Event::Connected(node) if node == peer) {}
    }

    pub(crate) async fn sees_disconnected(&mut self, peer: NodeId) {
        while !matches!(self.next().await, Event::Disconnected(node) if node == peer) {}
    }

    pub(crate) async fn receives(&mut self) -> (NodeId, Vec<u8>, certmesh_mesh::Receipt) {
        loop {
            if let Event::Gossip { from, payload, receipt, .. } = self.next().await {
                return (from, payload, receipt);
            }
        }
    }

    /// Gossips until `other` has it: subscriptions travel after the connection stands.
    pub(crate) async fn gossips_to(
        &self,
        other: &mut Node,
        words: &str,
    ) -> (NodeId, Vec<u8>, certmesh_mesh::Receipt) {
        for attempt in 0..600 {
            self.mesh.gossip(format!("{words} {attempt}").into_bytes()).await;
            let received = timeout(Duration::from_millis(100), other.receives()).await;
            if let Ok(received) = received {
                return received;
            }
        }
        panic!("no gossip arrived");
    }
}
