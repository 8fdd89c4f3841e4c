//! Loads a node with indicators by its local API, in records as the operators' command makes them.

use std::ops::Range;
use std::time::Instant;

use certmesh_api::{Client, PublishRequest};
use certmesh_tests::Node;
use serde_json::value::RawValue;
use tokio::task::JoinSet;

use crate::{feed, talk};

/// The number of the feed that is published.
pub(super) const FEED: u64 = 1;
/// Objects of a record: a quarter MiB of text.
const RECORD: u64 = 400;
/// Publications under way at once: one is made while others are checked and committed.
const AT_ONCE: usize = 4;
/// Between two words of progress, seconds.
const TELL_EVERY: u64 = 15;

pub(super) async fn fill(node: &Node, objects: Range<u64>) {
    let (client, mut working) = (Client::new(node.socket()), JoinSet::new());
    let (end, mut told) = (objects.end, Instant::now());
    for begin in objects.step_by(RECORD as usize) {
        let texts = (begin..end.min(begin + RECORD)).map(|at| feed::indicator(FEED, at));
        let objects = texts.map(|text| RawValue::from_string(text).expect("JSON")).collect();
        let client = client.clone();
        working.spawn(async move {
            client.publish(&PublishRequest { objects }).await.expect("the node takes valid objects");
        });
        while working.len() >= AT_ONCE {
            working.join_next().await.expect("some are under way").expect("a publication does not fail");
        }
        if told.elapsed().as_secs() >= TELL_EVERY {
            talk(format_args!("loading: {begin} of {end}"));
            told = Instant::now();
        }
    }
    working.join_all().await;
}
