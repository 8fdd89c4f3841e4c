//! A node is cut off from all others while everybody publishes; later the cable is whole again.
//!
//! Both sides have to go on with their work meanwhile, and the same records have to be everywhere
//! soon after.

use std::time::{Duration, Instant};

use certmesh_wire::{NodeId, RecordId};

use super::story::{count, seconds};
use super::{Stage, Story, Verdict};
use crate::holdings::{Holdings, log_for_all};
use crate::mesh::Mesh;
use crate::network::Network;
use crate::node::Node;
use crate::patience::{PATIENCE, eventually_within, wait_until};
use crate::publishers::Publishers;

/// Between two publications of one analyst.
const PAUSE: Duration = Duration::from_millis(250);
/// Publications of each analyst before the cut.
const WARM_UP: u64 = 4;
/// How long after the cut a packet may still be under way inside a node.
const LAST_PACKETS: Duration = Duration::from_secs(1);
/// Sentences about a cut, however long it is.
const SENTENCES: u32 = 5;

pub(super) fn run(stage: &Stage, story: &Story, cut_s: u64) -> Verdict {
    let network = lay(stage, story);
    let mesh = Mesh::raise_at(&stage.folder, stage.nodes, &network.places());
    let at = stage.nodes - 1;
    let nodes: Vec<_> = mesh.nodes().iter().collect();
    let (mainland, island) = (&nodes[..at], nodes[at]);
    let name = island.member();
    let publishers = Publishers::start(mesh.nodes(), PAUSE, 1);
    story.tell(format_args!("{} members are up, and an analyst at each of them publishes", stage.nodes));
    wait_until("everyone to publish", || {
        let counts = publishers.counts();
        counts.len() == stage.nodes && counts.values().all(|count| *count >= WARM_UP)
    });

    network.cut(at);
    story.tell(format_args!("the cable of {name} is cut"));
    let apart = Apart::begin(island, &publishers);
    let length = Duration::from_secs(cut_s).max(LAST_PACKETS);
    for _ in 0..SENTENCES {
        std::thread::sleep(length.saturating_sub(LAST_PACKETS) / SENTENCES);
        tell_gap(story, island, mainland, apart.since);
    }
    let mut verdict = Verdict::default();
    apart.judge(&mut verdict, island, &publishers);
    let owed: Vec<_> = publishers.acknowledged().into_iter().map(|one| one.record).collect();
    network.heal(at);
    story.tell(format_args!("the cable of {name} is whole again, after {}", seconds(apart.since.elapsed())));
    let (heard, caught_up) = make_good(story, island, mainland, &owed);
    let acknowledged = publishers.stop();
    story.tell("the analysts go home; are all equal?");
    verdict.claim_agreement(&nodes, &acknowledged);
    verdict.claim_no_fork(&nodes);
    verdict.figure(format_args!(
        "heard again after {}, caught up after {}",
        seconds(heard),
        seconds(caught_up)
    ));
    verdict
}

fn lay(stage: &Stage, story: &Story) -> Network {
    let (network, why_relayed) = Network::lay(stage.nodes).unwrap_or_else(|why| panic!("no network: {why}"));
    match why_relayed {
        None => story.tell("each node lives in a network namespace of its own, with a cable of its own"),
        Some(why) => story.tell(format_args!(
            "this machine gives no network namespaces ({why}; it takes root and iproute2), so a cable is a \
             relay that loses every packet when it is cut"
        )),
    }
    network
}

/// What was so when the cut had taken hold.
struct Apart {
    since: Instant,
    island: NodeId,
    held: Holdings,
    by_island: u64,
    by_all: u64,
}

impl Apart {
    fn begin(island: &Node, publishers: &Publishers) -> Self {
        let since = Instant::now();
        std::thread::sleep(LAST_PACKETS);
        let (by_island, by_all) = acknowledged(island, publishers);
        Self { since, island: island.node_id(), held: island.holdings(), by_island, by_all }
    }

    /// Claims that both sides worked on, and that the cut was one.
    fn judge(&self, verdict: &mut Verdict, island: &Node, publishers: &Publishers) {
        let (by_island, by_all) = acknowledged(island, publishers);
        let here = by_island - self.by_island;
        let there = by_all - self.by_all - here;
        let name = island.member();
        verdict.claim(here > 0, format_args!("{name} alone acknowledged {}", count(here, "publication")));
        verdict.claim(
            there > 0,
            format_args!("the others acknowledged {} meanwhile", count(there, "publication")),
        );
        let own = log_for_all(island.member(), self.island);
        let mut foreign = island.holdings();
        let mut before = self.held.clone();
        foreign.heads.remove(&own);
        before.heads.remove(&own);
        verdict.claim(
            foreign.heads == before.heads,
            format_args!("nothing of the others' reached {name} while it was cut off"),
        );
    }
}

/// What the island's analyst, and all analysts together, have had acknowledged.
fn acknowledged(island: &Node, publishers: &Publishers) -> (u64, u64) {
    let counts = publishers.counts();
    (counts.get(island.member()).copied().unwrap_or_default(), counts.values().sum())
}

/// Waits until everybody has all of what is owed to both sides; how long it took until the first of
/// it came to the island, and until all was everywhere.
fn make_good(story: &Story, island: &Node, mainland: &[&Node], owed: &[RecordId]) -> (Duration, Duration) {
    let (healed, name) = (Instant::now(), island.member());
    let behind = island.holdings().lacks(owed);
    story.tell(format_args!("{name} is behind by {}", count(behind, "record")));
    let heard =
        eventually_within(PATIENCE, "the island to hear anything", || match island.holdings().lacks(owed) {
            lacks if lacks < behind || behind == 0 => Ok(healed.elapsed()),
            _ => Err("nothing has come"),
        });
    story.tell(format_args!("{name} hears from the others again, {} after the healing", seconds(heard)));
    let mut late: Vec<_> = mainland.iter().chain([&island]).copied().collect();
    let caught_up = eventually_within(PATIENCE * 2, "everyone to catch up", || {
        late.retain(|node| match node.holdings().lacks(owed) {
            0 => {
                story.tell(format_args!(
                    "{} has caught up, {} after the healing",
                    node.member(),
                    seconds(healed.elapsed())
                ));
                false
            }
            _ => true,
        });
        if late.is_empty() { Ok(healed.elapsed()) } else { Err(format!("{} are behind", late.len())) }
    });
    (heard, caught_up)
}

/// Says who is behind by how much, as the others count it.
fn tell_gap(story: &Story, island: &Node, mainland: &[&Node], cut: Instant) {
    let (here, there) = (island.status(), mainland[0].holds().0);
    let connected = here.peers.iter().filter(|peer| peer.connected).count();
    let seen = mainland[0].peer(island.member());
    story.tell(format_args!(
        "{} has been cut off for {}: it holds {}, {} {there}, which counts it {} and {} behind; connections left \
         to it: {connected} of {}",
        island.member(),
        seconds(cut.elapsed()),
        count(here.records, "record"),
        mainland[0].member(),
        count(seen.behind_records.unwrap_or_default(), "record"),
        seconds(Duration::from_millis(seen.behind_ms.unwrap_or_default())),
        mainland.len(),
    ));
}
