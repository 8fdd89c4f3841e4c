//! Analysts who go on publishing whatever happens to their nodes, and remember what was acknowledged.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use certmesh_api::{Client, PublishRequest};
use certmesh_wire::RecordId;
use serde_json::value::RawValue;
use tokio::runtime::Builder;

use crate::bundle::Bundle;
use crate::node::Node;

/// Objects that are made at once.
const BATCH: usize = 200;
/// Longer than a working node takes for an acknowledgement; a frozen one never gives it.
const ANSWER: Duration = Duration::from_secs(20);

/// A publication that a node has promised to keep.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// Whose node.
    pub member: String,
    /// The record that it became.
    pub record: RecordId,
    /// When the answer came.
    pub at: Instant,
}

/// An analyst at each of some nodes. They stop when they are dropped.
pub struct Publishers {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Vec<Acknowledged>>>,
    desks: Vec<JoinHandle<()>>,
}

impl Publishers {
    /// Starts an analyst at each node, who publishes an object, waits this long, and so on. Analysts
    /// of different series publish different objects.
    pub fn start<'a>(nodes: impl IntoIterator<Item = &'a Node>, pause: Duration, series: u64) -> Self {
        let (stop, acknowledged) = (Arc::default(), Arc::default());
        let desk = |(at, node): (usize, &Node)| {
            let seed = (series << 40) | ((at as u64) << 24);
            let desk = Desk {
                member: node.member().to_owned(),
                client: node.client(),
                objects: Vec::new(),
                seed,
                acknowledged: Arc::clone(&acknowledged),
            };
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || desk.work(&stop, pause))
        };
        let desks = nodes.into_iter().enumerate().map(desk).collect();
        Self { stop, acknowledged, desks }
    }

    /// What has been acknowledged so far.
    pub fn acknowledged(&self) -> Vec<Acknowledged> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How much of it each member published.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for one in self.acknowledged() {
            *counts.entry(one.member).or_default() += 1;
        }
        counts
    }

    /// Sends them home; all that was acknowledged.
    pub fn stop(mut self) -> Vec<Acknowledged> {
        self.send_home();
        self.acknowledged()
    }

    fn send_home(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for desk in self.desks.drain(..) {
            let _ = desk.join();
        }
    }
}

impl Drop for Publishers {
    fn drop(&mut self) {
        self.send_home();
    }
}

struct Desk {
    member: String,
    client: Client,
    objects: Vec<String>,
    seed: u64,
    acknowledged: Arc<Mutex<Vec<Acknowledged>>>,
}

impl Desk {
    fn work(mut self, stop: &AtomicBool, pause: Duration) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        while !stop.load(Ordering::Relaxed) {
            let object = self.next_object();
            // A node that is down, dies under the request, or does not sign yet has promised nothing.
            if let Some(record) = runtime.block_on(publish(&self.client, &object)) {
                let one = Acknowledged { member: self.member.clone(), record, at: Instant::now() };
                self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).push(one);
            }
            std::thread::sleep(pause);
        }
    }

    fn next_object(&mut self) -> String {
        if self.objects.is_empty() {
            self.objects = Bundle::bulky(self.seed, BATCH, 0).objects;
            self.seed += 1;
        }
        self.objects.pop().unwrap_or_default()
    }
}

async fn publish(client: &Client, object: &str) -> Option<RecordId> {
    let text = RawValue::from_string(object.to_owned()).unwrap();
    let request = PublishRequest { objects: vec![text] };
    let answer = tokio::time::timeout(ANSWER, client.publish(&request)).await;
    answer.ok()?.ok().map(|published| published.record.parse().unwrap())
}
