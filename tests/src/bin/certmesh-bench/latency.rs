//! Single publications: how long until the publisher has them for good, and until every other node
//! shows them. Seen from outside, over the local API, as the command and a SOC tool would.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use certmesh_api::{Client, PublishRequest};
use certmesh_tests::{Bundle, Node, PATIENCE, on_one_line};
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::sample::Samples;

/// Objects that are made at once.
const BATCH: usize = 100;

/// Times of single publications, from the request on.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    /// Until the publisher says that it is on its disk.
    pub(crate) durable: Samples,
    /// Until the last of the others has sent it to whoever watches there.
    pub(crate) visible: Samples,
    /// Publications that some node did not show in [`PATIENCE`]; they count with the time that was waited.
    pub(crate) late: usize,
}

/// One publication, from the request on.
pub(crate) struct Published {
    durable: Duration,
    /// Nothing if some node did not show it in time.
    visible: Option<Duration>,
}

impl Latency {
    pub(crate) fn add(&mut self, published: Published) {
        self.durable.push(published.durable);
        self.visible.push(published.visible.unwrap_or(PATIENCE));
        self.late += usize::from(published.visible.is_none());
    }
}

/// An object that a node, by its place in the mesh, has shown.
struct Shown {
    node: usize,
    object: String,
    at: Instant,
}

/// Nodes with a watch on each but the first, which publishes.
pub(crate) struct Watched {
    publisher: Client,
    others: usize,
    shown: mpsc::UnboundedReceiver<Shown>,
    watches: JoinSet<()>,
    objects: Vec<String>,
    seed: u64,
}

impl Watched {
    /// Starts the watches; they stand when this returns.
    pub(crate) async fn start(nodes: &[Node]) -> Self {
        let (tell, shown) = mpsc::unbounded_channel();
        let mut watches = JoinSet::new();
        for (node, other) in nodes.iter().enumerate().skip(1) {
            let mut lines = Client::new(other.socket()).watch().await.expect("a node that is up");
            let tell = tell.clone();
            watches.spawn(async move {
                while let Ok(Some(line)) = lines.next().await {
                    let at = Instant::now();
                    let _ = tell.send(Shown { node, object: line.object.get().to_owned(), at });
                }
            });
        }
        let publisher = Client::new(nodes[0].socket());
        let others = nodes.len() - 1;
        Self { publisher, others, shown, watches, objects: Vec::new(), seed: 1 << 32 }
    }

    /// Ends the watches.
    pub(crate) fn stop(mut self) {
        self.watches.abort_all();
    }

    /// Publishes an object: how long until it is durable, and until the last of the others shows it.
    pub(crate) async fn publish_one(&mut self) -> Published {
        let object = self.next_object();
        let text = RawValue::from_string(object.clone()).expect("a bundle's object is JSON");
        let request = PublishRequest { objects: vec![text] };
        let start = Instant::now();
        self.publisher.publish(&request).await.expect("the publisher takes a valid object");
        let durable = start.elapsed();
        let seen = timeout(PATIENCE, self.seen_by_all(&on_one_line(&object))).await;
        Published { durable, visible: seen.ok().map(|at| at.duration_since(start)) }
    }

    /// When the last of the others has shown it.
    async fn seen_by_all(&mut self, object: &str) -> Instant {
        let (mut seen, mut last) = (BTreeSet::new(), Instant::now());
        while seen.len() < self.others {
            let shown = self.shown.recv().await.expect("the watches go on");
            if shown.object == object && seen.insert(shown.node) {
                last = if seen.len() == 1 { shown.at } else { last.max(shown.at) };
            }
        }
        last
    }

    /// An indicator that nobody has published.
    fn next_object(&mut self) -> String {
        if self.objects.is_empty() {
            self.objects = Bundle::bulky(self.seed, BATCH, 0).objects;
            self.seed += 1;
        }
        self.objects.pop().unwrap_or_default()
    }
}
