//! How long a node that starts from nothing takes to hold what the others hold, in two shapes:
//! many objects a record, as the command publishes files, and one object a record.

mod baseline;
mod produce;
mod report;

use std::path::Path;
use std::time::{Duration, Instant};

use certmesh_api::{Client, Status};
use certmesh_tests::{Mesh, Node};
use serde::Serialize;
use tokio::time::sleep;

use crate::talk;
use crate::usage::{Usage, pid};
pub(crate) use report::words;

/// Two nodes that hold everything, and one that comes later.
const NODES: usize = 3;
/// Between two looks at how far the new node is: cheap for it, and precise enough for seconds.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Looks that may show no progress before it counts as stuck.
const STUCK: Duration = Duration::from_secs(120);
/// Before the new node starts: what the others still do after the last publication ends.
const REST: Duration = Duration::from_secs(4);

/// How objects are spread over records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// As `certmesh publish FILE` makes records: a quarter MiB of text each.
    ManyObjectsARecord,
    /// As analysts make records: one at a time.
    OneObjectARecord,
}

/// A stretch of the catching up, and what the new node did in it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Phase {
    pub(crate) wall_s: f64,
    pub(crate) usage: Usage,
}

/// All that was measured of one shape.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CaughtUp {
    pub(crate) shape: Shape,
    pub(crate) records: u64,
    pub(crate) objects: u64,
    /// The objects' own text.
    pub(crate) object_bytes: u64,
    /// From the start of the process to its first connection: opening an empty store, dialling.
    pub(crate) connecting: Phase,
    /// From then on, until all headers are here.
    pub(crate) headers: Phase,
    /// From then on, until all bodies and so all objects are here.
    pub(crate) bodies: Phase,
    /// What passed through the loopback interface meanwhile, both ways, everything on the machine included.
    pub(crate) loopback_bytes: u64,
    /// CPU time of the two that answered.
    pub(crate) answering_cpu_s: f64,
    /// As many signatures as records, `verify_strict` on all cores.
    pub(crate) verification_s: f64,
    /// The same keys and values into a fresh store, nothing else to do.
    pub(crate) bulk_write: baseline::BulkWrite,
}

impl CaughtUp {
    /// From the start of the process to the last object.
    pub(crate) fn since_start_s(&self) -> f64 {
        self.connecting.wall_s + self.since_connection_s()
    }

    /// From the first connection to the last object.
    pub(crate) fn since_connection_s(&self) -> f64 {
        self.headers.wall_s + self.bodies.wall_s
    }

    /// What the aim counts in.
    pub(crate) fn limit_s(&self) -> f64 {
        self.verification_s + self.bulk_write.wall_s
    }
}

/// Raises a mesh, fills it with so many indicators, and lets its last node catch up.
pub(crate) async fn measure(parent: &Path, shape: Shape, objects: u64) -> CaughtUp {
    let mesh = Mesh::raise_in(parent, NODES);
    let (late, holders) = mesh.nodes().split_last().expect("a mesh has nodes");
    late.stop();
    std::fs::remove_dir_all(late.data_dir()).expect("the data of a stopped node can be removed");
    let began = Instant::now();
    let object_bytes = produce::fill(&mesh, &holders[0], shape, objects).await;
    let held = agreed(holders).await;
    talk(format_args!(
        "{} objects in {} records are on two nodes after {:.0} s",
        held.objects,
        held.records,
        began.elapsed().as_secs_f64()
    ));
    sleep(REST).await;

    let before: Vec<_> = holders.iter().map(|node| Usage::of(pid(node))).collect();
    let loopback = loopback_bytes();
    late.start();
    let [connecting, headers, bodies] = watch(late, &held).await;
    let loopback_bytes = loopback_bytes().saturating_sub(loopback);
    let after = holders.iter().map(|node| Usage::of(pid(node)));
    let answering_cpu_s = after.zip(&before).map(|(after, before)| after.since(before).cpu_s).sum();
    late.stop();
    talk(format_args!("caught up; signatures and bulk write"));
    CaughtUp {
        shape,
        records: held.records,
        objects: held.objects,
        object_bytes,
        connecting,
        headers,
        bodies,
        loopback_bytes,
        answering_cpu_s,
        verification_s: baseline::verify(held.records as usize),
        bulk_write: baseline::bulk_write(late.data_dir(), &mesh.path("bulk"), mesh.id()),
    }
}

/// Waits until the nodes hold the same, and gives what they hold.
async fn agreed(nodes: &[Node]) -> Status {
    let mut progress = Progress::default();
    loop {
        let mut held = Vec::new();
        for node in nodes {
            held.push(Client::new(node.socket()).status().await.expect("a node that is up"));
        }
        let counts: Vec<_> = held.iter().map(|status| (status.records, status.objects)).collect();
        if counts.iter().all(|count| *count == counts[0]) {
            return held.swap_remove(0);
        }
        progress.note(counts.iter().map(|count| count.0 + count.1).sum());
        sleep(LOOK_EVERY).await;
    }
}

/// Looks at the new node until it holds all; its three phases.
async fn watch(node: &Node, wanted: &Status) -> [Phase; 3] {
    let (client, pid) = (Client::new(node.socket()), pid(node));
    let mut marks = vec![(Instant::now(), Usage::default())];
    let mut progress = Progress::default();
    while marks.len() < 4 {
        sleep(LOOK_EVERY).await;
        // Until it has opened its store, nobody answers.
        let Ok(status) = client.status().await else { continue };
        let reached = [
            status.peers.iter().any(|peer| peer.connected),
            status.records >= wanted.records,
            status.records >= wanted.records && status.objects >= wanted.objects,
        ];
        while marks.len() < 4 && reached[marks.len() - 1] {
            marks.push((Instant::now(), Usage::of(pid)));
        }
        progress.note(status.records + status.objects);
    }
    let phase = |at: usize| Phase {
        wall_s: marks[at + 1].0.duration_since(marks[at].0).as_secs_f64(),
        usage: marks[at + 1].1.since(&marks[at].1),
    };
    [phase(0), phase(1), phase(2)]
}

/// Notices when nothing goes on any more.
struct Progress(u64, Instant);

impl Default for Progress {
    fn default() -> Self {
        Self(0, Instant::now())
    }
}

impl Progress {
    fn note(&mut self, held: u64) {
        if held != self.0 {
            *self = Self(held, Instant::now());
        }
        assert!(self.1.elapsed() < STUCK, "nothing has come for {} s", STUCK.as_secs());
    }
}

/// What the loopback interface has received so far (proc(5), `/proc/net/dev`).
fn loopback_bytes() -> u64 {
    let table = std::fs::read_to_string("/proc/net/dev").unwrap_or_default();
    let line = table.lines().find_map(|line| line.trim().strip_prefix("lo:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
