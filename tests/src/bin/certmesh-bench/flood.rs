//! What honest members notice of one that floods: the time from publishing to being visible at all
//! other honest nodes, in a quiet stretch, under valid records, and under garbage.

mod flooder;
mod report;

use std::path::Path;
use std::time::{Duration, Instant};

use certmesh_api::{Client, Status};
use certmesh_tests::{Mesh, Node};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::QUIET;
use crate::latency::{Latency, Watched};
use crate::sample::Spread;
use crate::talk;
use crate::usage::{Usage, pid};
pub(crate) use flooder::{Flooder, run};
pub(crate) use report::words;

/// Samples that are thrown away: connections, caches and the first log opening.
const WARM_UP: usize = 30;
/// A stretch ends by then, however few samples it has.
const STRETCH: Duration = Duration::from_secs(90);

/// What the flooder sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Flood {
    /// Nothing.
    Nothing,
    /// Records of its own log, an indicator each.
    Valid,
    /// By turns: noise, noise shaped as a record, and its own records with a bit of the signature turned.
    Garbage,
}

/// What the flooder managed to send since the last time it was asked.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// Payloads given to gossip.
    pub(crate) payloads: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Payloads for which gossip had no room: sync can still bring the valid ones.
    pub(crate) unsent: u64,
    /// Questions of honest nodes that it answered.
    pub(crate) answered: u64,
    /// Honest nodes that it is connected to, when asked.
    pub(crate) connected: usize,
}

/// A stretch of the run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Stretch {
    pub(crate) flood: Flood,
    pub(crate) samples: usize,
    pub(crate) wall_s: f64,
    pub(crate) durable: Spread,
    pub(crate) visible: Spread,
    /// Samples that were not visible everywhere in time; they count with the time that was waited.
    pub(crate) late: usize,
    pub(crate) sent: Sent,
    pub(crate) flooder_cpu_s: f64,
    pub(crate) nodes_cpu_s: f64,
    /// The measuring itself.
    pub(crate) bench_cpu_s: f64,
    /// What one honest node, which did not publish, took and refused meanwhile.
    pub(crate) taken: Taken,
}

/// The difference between two looks at a node.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Taken {
    pub(crate) records: u64,
    pub(crate) refused: u64,
}

/// Measures so many publications in each stretch: quiet and valid records on one mesh, quiet and
/// garbage on another, so that neither flood meets what the other has left behind.
pub(crate) async fn measure(parent: &Path, nodes: usize, samples: usize) -> Vec<[Stretch; 2]> {
    [under(parent, nodes, samples, Flood::Valid).await, under(parent, nodes, samples, Flood::Garbage).await]
        .into()
}

/// Raises a mesh, and lets its last member first be quiet and then flood.
async fn under(parent: &Path, nodes: usize, samples: usize, flood: Flood) -> [Stretch; 2] {
    let mesh = Mesh::raise_in(parent, nodes);
    let (member, honest) = mesh.nodes().split_last().expect("a mesh has nodes");
    member.stop();
    let flooder = Flooder::start(&mesh, member);
    let mut run = Run { honest, flooder, watched: Watched::start(honest).await };
    for _ in 0..WARM_UP {
        sleep(QUIET).await;
        run.watched.publish_one().await;
    }
    talk(format_args!("{samples} single objects in quiet, then as many while one member floods: {flood:?}"));
    let stretches = [run.stretch(Flood::Nothing, samples).await, run.stretch(flood, samples).await];
    run.watched.stop();
    stretches
}

struct Run<'a> {
    honest: &'a [Node],
    flooder: Flooder,
    watched: Watched,
}

impl Run<'_> {
    async fn stretch(&mut self, flood: Flood, samples: usize) -> Stretch {
        let (before, witness, start) = (self.usage(), self.witness().await, Instant::now());
        self.flooder.turn(flood);
        let mut latency = Latency::default();
        while latency.visible.len() < samples && start.elapsed() < STRETCH {
            sleep(QUIET).await;
            latency.add(self.watched.publish_one().await);
        }
        let (wall_s, after, now) = (start.elapsed().as_secs_f64(), self.usage(), self.witness().await);
        let sent = self.flooder.turn(flood);
        let [flooder_cpu_s, nodes_cpu_s, bench_cpu_s] = [0, 1, 2].map(|at| after[at] - before[at]);
        Stretch {
            flood,
            samples: latency.visible.len(),
            wall_s,
            durable: latency.durable.spread(),
            visible: latency.visible.spread(),
            late: latency.late,
            sent,
            flooder_cpu_s,
            nodes_cpu_s,
            bench_cpu_s,
            taken: Taken {
                records: now.records - witness.records,
                refused: refused(&now) - refused(&witness),
            },
        }
    }

    /// CPU seconds so far of the flooder, of the honest nodes, and of this program.
    fn usage(&self) -> [f64; 3] {
        let nodes = self.honest.iter().map(|node| Usage::of(pid(node)).cpu_s).sum();
        [Usage::of(self.flooder.pid()).cpu_s, nodes, Usage::of(std::process::id()).cpu_s]
    }

    /// How an honest node is that does not publish.
    async fn witness(&self) -> Status {
        let witness = self.honest.last().expect("a mesh has honest nodes");
        Client::new(witness.socket()).status().await.expect("a node that is up")
    }
}

fn refused(status: &Status) -> u64 {
    status.refused.values().sum()
}
