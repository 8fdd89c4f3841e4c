//! Whole bundles: from the moment in which the command starts until every node holds all objects.

use std::process::Stdio;
use std::time::{Duration, Instant};

use certmesh_api::Client;
use certmesh_tests::{Bundle, Mesh, PATIENCE, program};
use tokio::time::sleep;

use crate::sample::Samples;

/// Between two looks at what the nodes hold.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Times of bundles of one size.
#[derive(Debug, Default)]
pub(crate) struct Bundles {
    /// Until the command has ended: all is durable at the publisher.
    pub(crate) published: Samples,
    /// Until every node holds all of it.
    pub(crate) everywhere: Samples,
    /// Objects of one bundle.
    pub(crate) objects: usize,
    /// Bytes of one bundle.
    pub(crate) bytes: usize,
}

/// Publishes so many bundles with the command, one after another.
pub(crate) async fn measure(mesh: &Mesh, bundles: u64, objects: usize) -> Bundles {
    let mut times = Bundles { objects, ..Bundles::default() };
    // The first warms up.
    for seed in 0..=bundles {
        let bundle = Bundle::varied(1 << 40 | seed, objects);
        let (published, everywhere) = one(mesh, &bundle).await;
        if seed > 0 {
            times.published.push(published);
            times.everywhere.push(everywhere);
            times.bytes = bundle.text().len();
        }
    }
    times
}

async fn one(mesh: &Mesh, bundle: &Bundle) -> (Duration, Duration) {
    let clients: Vec<_> = mesh.nodes().iter().map(|node| Client::new(node.socket())).collect();
    let wanted = objects_of(&clients[0]).await + bundle.objects.len() as u64;
    let file = bundle.write(&mesh.path(""));
    let mut publish = program("certmesh");
    publish.arg("--node").arg(mesh.nodes()[0].socket()).args(["publish", "--json"]).arg(file);
    let start = Instant::now();
    let mut publishing =
        publish.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a built program");
    let mut published = None;
    for client in &clients {
        while objects_of(client).await < wanted {
            assert!(
                start.elapsed() < PATIENCE,
                "{} does not get the whole bundle",
                client.socket().display()
            );
            sleep(LOOK_EVERY).await;
            if let (None, Ok(Some(_))) = (published, publishing.try_wait()) {
                published = Some(start.elapsed());
            }
        }
    }
    let everywhere = start.elapsed();
    assert!(publishing.wait().is_ok_and(|status| status.success()), "the bundle was refused");
    (published.unwrap_or_else(|| start.elapsed()), everywhere)
}

async fn objects_of(client: &Client) -> u64 {
    client.status().await.expect("a node that is up").objects
}
