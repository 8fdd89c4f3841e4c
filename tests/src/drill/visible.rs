//! How long a publication takes until everybody sees it, as analysts would: published over one node's
//! local API, watched over all others'.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use certmesh_api::{Client, PublishRequest};
use serde_json::value::RawValue;
use tokio::runtime::Runtime;

use crate::node::Node;
use crate::patience::PATIENCE;

/// Watches on some nodes, and a way to publish on each of them.
pub(super) struct Visible {
    clients: Vec<Client>,
    shown: Receiver<Shown>,
    // Its threads carry the watches, which end with it.
    runtime: Runtime,
}

/// An object that a node, by its place, has shown.
struct Shown {
    node: usize,
    object: String,
    at: Instant,
}

impl Visible {
    /// Starts a watch on each node; all of them stand when this returns.
    pub(super) fn start(nodes: &[&Node]) -> Self {
        let runtime = Runtime::new().unwrap();
        let clients: Vec<_> = nodes.iter().map(|node| node.client()).collect();
        let (tell, shown) = channel();
        for (node, client) in clients.iter().enumerate() {
            let mut lines = runtime.block_on(client.watch()).unwrap();
            let tell = tell.clone();
            runtime.spawn(async move {
                while let Ok(Some(line)) = lines.next().await {
                    let at = Instant::now();
                    let _ = tell.send(Shown { node, object: line.object.get().to_owned(), at });
                }
            });
        }
        Self { clients, shown, runtime }
    }

    /// Publishes an object, of one line, on one node: how long until the last of the others showed
    /// it; nothing if it was not taken, or one did not show it within a long time.
    pub(super) fn time(&self, publisher: usize, object: &str) -> Option<Duration> {
        let text = RawValue::from_string(object.to_owned()).unwrap();
        let request = PublishRequest { objects: vec![text] };
        let begun = Instant::now();
        self.runtime.block_on(self.clients[publisher].publish(&request)).ok()?;
        let (mut seen, mut last) = (BTreeSet::from([publisher]), begun);
        while seen.len() < self.clients.len() {
            let shown = self.shown.recv_timeout(PATIENCE.checked_sub(begun.elapsed())?).ok()?;
            if shown.object == object && seen.insert(shown.node) {
                last = last.max(shown.at);
            }
        }
        Some(last - begun)
    }
}

/// Times, and how many publications were never seen by all.
#[derive(Debug, Default)]
pub(super) struct Times {
    sorted: Vec<Duration>,
    /// Publications that not all others showed.
    pub(super) lost: usize,
}

impl Times {
    pub(super) fn add(&mut self, time: Option<Duration>) {
        match time {
            Some(time) => {
                let at = self.sorted.partition_point(|other| *other <= time);
                self.sorted.insert(at, time);
            }
            None => self.lost += 1,
        }
    }

    /// The nearest rank: of 100 times, the 99th from the quickest.
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.sorted.len() * percent).div_ceil(100);
        self.sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// In words, in milliseconds.
    pub(super) fn words(&self) -> String {
        let ms = |percent| self.percentile(percent).as_secs_f64() * 1e3;
        format!("p50 {:.1} ms, p99 {:.1} ms, slowest {:.1} ms", ms(50), ms(99), ms(100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let mut times = Times::default();
        (1..=200).rev().for_each(|ms| times.add(Some(Duration::from_millis(ms))));
        assert_eq!([50, 99, 100].map(|percent| times.percentile(percent).as_millis()), [100, 198, 200]);
        assert_eq!(Times::default().percentile(99), Duration::ZERO);
    }
}
