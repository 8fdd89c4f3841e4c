//! One member sends as fast as it can: first valid records, then garbage.
//!
//! The others' publications have to reach everybody as promptly as on a quiet day, and the flooder
//! has to be named. All of it happens on one machine, the flooding too, so that times are told beside
//! those of the quiet mesh, and what is demanded is bounded generously.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use certmesh_api::Peer;

use super::visible::{Times, Visible};
use super::{Stage, Story, Verdict};
use crate::bundle::Bundle;
use crate::holdings::log_for_all;
use crate::library::Library;
use crate::mesh::Mesh;
use crate::node::Node;
use crate::outsider::Outsider;
use crate::patience::eventually;
use crate::pen::Pen;

/// Between two honest publications.
const PAUSE: Duration = Duration::from_millis(40);
/// Samples that are thrown away: connections, caches, the logs' openings.
const WARM_UP: u64 = 5;
/// How many times slower an honest publication may be under a flood before it counts as hindered:
/// flooder and flooded share this machine's cores.
const HINDERED: u32 = 5;
/// What is prompt anyway, whatever the quiet mesh does.
const PROMPT: Duration = Duration::from_secs(1);
/// How long samples are taken at most: a mesh that is hindered must not make the drill endless.
const SAMPLING: Duration = Duration::from_secs(60);
/// Between two looks of a flooder that is connected to nobody.
const HUNG_UP: Duration = Duration::from_millis(10);
/// How long an alarm may take while the flood goes on.
const NAMED: Duration = Duration::from_secs(10);
/// Objects that the flooder makes at once.
const BATCH: usize = 100;

pub(super) fn run(stage: &Stage, story: &Story, samples: u64) -> Verdict {
    let mut verdict = Verdict::default();
    for kind in [Kind::Valid, Kind::Garbage] {
        // Each on a mesh of its own: what the one leaves behind would be blamed on the other.
        let folder = stage.folder.join(kind.word());
        flood(&Stage { folder, ..stage.clone() }, story, samples, kind, &mut verdict);
    }
    verdict
}

fn flood(stage: &Stage, story: &Story, samples: u64, kind: Kind, verdict: &mut Verdict) {
    let mesh = Mesh::raise_at(&stage.folder, stage.nodes, &[]);
    let nodes: Vec<_> = mesh.nodes().iter().collect();
    let (flooder, honest) = nodes.split_last().expect("a mesh has nodes");
    let (name, what) = (flooder.member(), kind.word());
    flooder.stop();
    story
        .tell(format_args!("{} members are up; the node of {name} is off, its key will flood", honest.len()));
    let mut desk = Desk::open(honest, stage.seed);
    desk.sample(WARM_UP);
    let quiet = desk.sample(samples);
    story.tell(format_args!("quiet: from publishing to visible on all others: {}", quiet.words()));

    let flood = Flood::start(&mesh, flooder, kind, stage.seed);
    story.tell(format_args!("{name} floods with {what} messages, as fast as it can"));
    let times = desk.sample(samples);
    story.tell(format_args!(
        "under the flood: {}; {name} made {} {what} messages",
        times.words(),
        flood.made()
    ));
    let naming = naming(honest, name);
    drop(flood);
    story.tell(format_args!(
        "the flood is over; {naming} of {} honest nodes have an alarm that names {name}",
        honest.len()
    ));
    drop(desk);

    let (p99, quiet_p99) = (times.percentile(99), quiet.percentile(99));
    let ratio = p99.as_secs_f64() / quiet_p99.as_secs_f64();
    verdict.claim(
        times.lost == 0,
        format_args!("under {what} messages, every honest publication was seen by all"),
    );
    verdict.claim(
        p99 <= PROMPT.max(quiet_p99 * HINDERED),
        format_args!("under {what} messages: {}; p99 is {ratio:.1} times the quiet one", times.words()),
    );
    verdict.figure(format_args!("before the {what} messages, quiet: {}", quiet.words()));
    let felt: Vec<_> = honest.iter().map(|node| node.peer(name)).collect();
    let reached = felt.iter().filter(|peer| peer.received + peer.refused + peer.delayed > 0).count();
    verdict.claim(
        reached == honest.len(),
        format_args!("the {what} messages reached {reached} of {} honest nodes", honest.len()),
    );
    verdict.figure(format_args!("of the {what} messages, {}", fates(&felt)));
    verdict.claim(
        naming == honest.len(),
        format_args!(
            "`certmesh status` names {name} for {what} messages on {naming} of {} honest nodes",
            honest.len()
        ),
    );
    // The flooder took with it what the others had not taken yet of its own.
    verdict.claim_agreement_beside(honest, log_for_all(flooder.member(), flooder.node_id()));
}

/// What became of a flood, on all honest nodes together.
fn fates(felt: &[Peer]) -> String {
    let sum = |count: fn(&Peer) -> u64| felt.iter().map(count).sum::<u64>();
    let (taken, refused) = (sum(|peer| peer.received), sum(|peer| peer.refused));
    format!(
        "honest nodes took {taken}, refused {refused}, and put one off {} times",
        sum(|peer| peer.delayed)
    )
}

/// Waits until all of these nodes have an alarm that names the flooder; how many have.
fn naming(honest: &[&Node], flooder: &str) -> usize {
    let deadline = Instant::now() + NAMED;
    loop {
        let naming = honest.iter().filter(|node| names(node, flooder)).count();
        if naming == honest.len() || Instant::now() > deadline {
            return naming;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Nobody else gives cause for an alarm here, so that one with its code in it is about the flood.
fn names(node: &Node, flooder: &str) -> bool {
    let is_named = |alarm: &String| alarm.split(|c: char| !c.is_alphanumeric()).any(|word| word == flooder);
    node.status().alarms.iter().any(is_named)
}

/// The honest analysts, who publish in turn.
struct Desk {
    visible: Visible,
    publishers: usize,
    objects: Vec<String>,
    seed: u64,
    turn: usize,
}

impl Desk {
    fn open(honest: &[&Node], seed: u64) -> Self {
        let seed = (8 << 40) | (seed << 8);
        Self { visible: Visible::start(honest), publishers: honest.len(), objects: Vec::new(), seed, turn: 0 }
    }

    fn sample(&mut self, samples: u64) -> Times {
        let (mut times, begun) = (Times::default(), Instant::now());
        for _ in 0..samples {
            if begun.elapsed() > SAMPLING {
                break;
            }
            std::thread::sleep(PAUSE);
            if self.objects.is_empty() {
                self.objects = Bundle::bulky(self.seed, BATCH, 0).objects;
                self.seed += 1;
            }
            self.turn = (self.turn + 1) % self.publishers;
            times.add(self.visible.time(self.turn, &self.objects.pop().unwrap_or_default()));
        }
        times
    }
}

/// What a flood is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Valid,
    Garbage,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Garbage => "garbage",
        }
    }
}

/// A flood, on a thread of its own. It ends when it is dropped.
struct Flood {
    stop: Arc<AtomicBool>,
    made: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    /// Connects as the flooder's node and begins.
    fn start(mesh: &Mesh, flooder: &Node, kind: Kind, seed: u64) -> Self {
        let library = Library::default();
        let endpoint = Outsider::start(flooder.secret_key(), mesh.id(), mesh.addresses(), library.clone());
        let others = mesh.nodes().iter().filter(|node| node.member() != flooder.member());
        endpoint.wait_for(&others.map(Node::node_id).collect::<Vec<_>>());
        let pen = Pen::new(flooder.member(), flooder.secret_key(), mesh.id());
        let (stop, made) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let mut spout = Spout { endpoint, library, pen, seed: (9 << 40) | (seed << 20) };
        let thread = {
            let (stop, made) = (Arc::clone(&stop), Arc::clone(&made));
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    // Hung up on, it would only take the machine from those that it is to hinder.
                    if spout.endpoint.connected().is_empty() {
                        std::thread::sleep(HUNG_UP);
                        continue;
                    }
                    let batch = if kind == Kind::Valid { spout.valid() } else { spout.garbage() };
                    made.fetch_add(batch, Ordering::Relaxed);
                }
            })
        };
        let flood = Self { stop, made, thread: Some(thread) };
        eventually("the flood to begin", || if flood.made() > 0 { Ok(()) } else { Err("nothing is made") });
        flood
    }

    /// How many messages it has made so far. What the endpoint can't get rid of, it drops.
    fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Where a flood comes from.
struct Spout {
    endpoint: Outsider,
    library: Library,
    pen: Pen,
    seed: u64,
}

impl Spout {
    /// Sends a batch of records that nothing is wrong with, and gives them to whoever asks.
    fn valid(&mut self) -> u64 {
        let mut written: Vec<_> = if self.pen.is_at_start() { vec![self.pen.open()] } else { Vec::new() };
        let objects = Bundle::bulky(self.seed, BATCH, 0).objects;
        self.seed += 1;
        written.extend(objects.chunks(1).map(|object| self.pen.write(object)));
        self.library.add(written.iter().cloned());
        written.iter().for_each(|one| self.endpoint.gossip(one.parcel()));
        written.len() as u64
    }

    /// Sends a batch of records with broken signatures, and of bytes that are nothing at all.
    fn garbage(&mut self) -> u64 {
        let opening = self.pen.clone().open();
        for at in 0..BATCH as u64 {
            let mut bytes = opening.parcel();
            let noise = (self.seed ^ at).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
            // The signature's last bytes: a parcel ends with the record's, and a byte for "no body".
            let end = bytes.len() - 1;
            bytes[end - noise.len()..end].copy_from_slice(&noise);
            if at % 4 == 3 {
                bytes.reverse();
            }
            self.endpoint.gossip(bytes);
        }
        self.seed += BATCH as u64;
        BATCH as u64
    }
}
