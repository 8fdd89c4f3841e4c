//! An endpoint of the mesh that is no node: it speaks the protocol with whatever key it is given,
//! and says what no honest node would say.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use certmesh_mesh::{AnswerFault, Config, Event, Mesh, Peers, Source, start};
use certmesh_wire::{Frontier, MeshId, NodeId, SecretKey, SyncAnswer, SyncRequest};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::Receiver;

use crate::patience::wait_until;

/// Any free port: real nodes are dialled, and need not dial back.
const LISTEN: &str = "/ip4/127.0.0.1/udp/0/quic-v1";

/// Knows of no log at all.
pub struct Silent;

impl Source for Silent {
    fn member(&self, _: NodeId) -> Option<certmesh_wire::MemberCode> {
        None
    }

    fn answer(&self, _: NodeId, request: &[u8]) -> Result<Vec<u8>, AnswerFault> {
        let about_documents = matches!(SyncRequest::decode(request), Ok(SyncRequest::Documents(_)));
        let nothing = SyncAnswer::Frontier(Frontier::default());
        Ok(if about_documents { SyncAnswer::Same } else { nothing }.encode())
    }
}

/// A running endpoint, on threads of its own. It ends when it is dropped.
pub struct Outsider {
    runtime: Runtime,
    mesh: Mesh,
    events: Receiver<Event>,
}

impl Outsider {
    /// Starts to dial these nodes, as whatever node the key is.
    pub fn start(key: SecretKey, mesh: MeshId, peers: Peers, source: impl Source) -> Self {
        let runtime = Runtime::new().unwrap();
        let config = Config { key, mesh, listen: vec![LISTEN.into()], peers };
        let (mesh, events) = runtime.block_on(start(config, Arc::new(source))).unwrap();
        Self { runtime, mesh, events }
    }

    /// The nodes that it is connected to.
    pub fn connected(&self) -> BTreeSet<NodeId> {
        self.mesh.connected()
    }

    /// Waits until it is connected to these nodes.
    #[track_caller]
    pub fn wait_for(&self, nodes: &[NodeId]) {
        wait_until("the endpoint to connect", || nodes.iter().all(|node| self.connected().contains(node)));
    }

    /// Gossips a payload.
    pub fn gossip(&self, payload: Vec<u8>) {
        self.runtime.block_on(self.mesh.gossip(payload));
    }

    /// Gossips another variant of a message every now and then, until what it should bring about
    /// has happened: subscriptions travel after the connection stands, and a payload is only sent once.
    #[track_caller]
    pub fn gossip_until(
        &self,
        what: &str,
        mut variant: impl FnMut() -> Vec<u8>,
        mut holds: impl FnMut() -> bool,
    ) {
        wait_until(what, || {
            self.gossip(variant());
            std::thread::sleep(Duration::from_millis(100));
            holds()
        });
    }

    /// What it has heard so far.
    pub fn heard(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}
