//! Fills a node with indicators, as fast as its local API takes them.

use std::process::Stdio;
use std::sync::Arc;

use certmesh_api::{Client, PublishRequest};
use certmesh_tests::{Mesh, Node, program};
use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::Shape;
use crate::feed;

/// Publications under way at once: enough that each of its commits is shared by many.
const AT_ONCE: usize = 64;

/// The number of the feed that is published.
const FEED: u64 = 1;

/// Publishes so many indicators on one node; the bytes of their texts.
///
/// One author, since authors who publish this much at once hold each other to their rates.
pub(super) async fn fill(mesh: &Mesh, node: &Node, shape: Shape, objects: u64) -> u64 {
    match shape {
        Shape::ManyObjectsARecord => {
            let publish = publish_file(mesh, node, objects);
            tokio::task::spawn_blocking(publish).await.expect("publishing does not fail")
        }
        Shape::OneObjectARecord => publish_each(Client::new(node.socket()), objects).await,
    }
}

/// The command on one file of them all.
fn publish_file(mesh: &Mesh, node: &Node, objects: u64) -> impl FnOnce() -> u64 + Send + 'static {
    let (path, socket) = (mesh.path("feed.json"), node.socket().to_owned());
    move || {
        let texts: Vec<_> = (0..objects).map(|at| feed::indicator(FEED, at)).collect();
        let bytes = texts.iter().map(|text| text.len() as u64).sum();
        let bundle = format!(
            r#"{{"type":"bundle","id":"bundle--0b1e2d3c-4f5a-4b6c-8d7e-9fa0b1c2d3e4","objects":[{}]}}"#,
            texts.join(",")
        );
        std::fs::write(&path, bundle).expect("the mesh's folder can be written");
        let mut publish = program("certmesh");
        publish
            .arg("--node")
            .arg(socket)
            .arg("publish")
            .arg(path)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        assert!(publish.status().expect("a built program").success(), "the file was refused");
        bytes
    }
}

/// A publication for each indicator, many of them under way.
async fn publish_each(client: Client, objects: u64) -> u64 {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let (mut working, mut bytes) = (JoinSet::new(), 0);
    for at in 0..objects {
        let turn = Arc::clone(&turns).acquire_owned().await.expect("nobody closes it");
        let text = feed::indicator(FEED, at);
        bytes += text.len() as u64;
        let client = client.clone();
        working.spawn(async move {
            let objects = vec![RawValue::from_string(text).expect("JSON")];
            client.publish(&PublishRequest { objects }).await.expect("the node takes a valid object");
            drop(turn);
        });
        while let Some(done) = working.try_join_next() {
            done.expect("a publication does not fail");
        }
    }
    working.join_all().await;
    bytes
}
