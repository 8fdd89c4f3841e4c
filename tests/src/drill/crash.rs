//! Random nodes are killed, again and again, while everybody publishes.
//!
//! What a node has acknowledged must survive its death, and no node may come back with another
//! history than the one it had.

use std::time::{Duration, Instant};

use super::story::{count, seconds};
use super::{Stage, Story, Verdict};
use crate::chance::Chance;
use crate::mesh::Mesh;
use crate::node::Node;
use crate::publishers::Publishers;

/// Between two publications of one analyst, for each node of the mesh: all of them share one machine.
const PAUSE_A_NODE: Duration = Duration::from_millis(25);
/// The longest time that a dead node stays dead, in milliseconds.
const DEAD_MS: u64 = 400;
/// Rounds that share a sentence, once the first have had one each.
const ROUNDS_A_SENTENCE: u64 = 10;

pub(super) fn run(stage: &Stage, story: &Story, rounds: u64) -> Verdict {
    let mesh = Mesh::raise_at(&stage.folder, stage.nodes, &[]);
    let nodes: Vec<_> = mesh.nodes().iter().collect();
    let publishers = Publishers::start(mesh.nodes(), PAUSE_A_NODE * stage.nodes as u32, 2);
    story.tell(format_args!(
        "{} members are up, and an analyst at each of them publishes; chance is seeded with {}",
        stage.nodes, stage.seed
    ));
    let (mut chance, mut deaths) = (Chance::seeded(stage.seed), 0);
    let mut slowest = Duration::ZERO;
    for round in 1..=rounds {
        let dead = choose(&mut chance, &nodes);
        deaths += dead.len();
        dead.iter().for_each(|node| node.kill());
        std::thread::sleep(Duration::from_millis(chance.below(DEAD_MS)));
        let started = Instant::now();
        dead.iter().for_each(|node| node.start());
        dead.iter().for_each(|node| node.wait_to_sign());
        slowest = slowest.max(started.elapsed());
        if rounds <= ROUNDS_A_SENTENCE || round <= 3 || round % ROUNDS_A_SENTENCE == 0 || round == rounds {
            let names: Vec<_> = dead.iter().map(|node| node.member()).collect();
            story.tell(format_args!(
                "round {round} of {rounds}: killed {}, and they sign again {} after their start; {} acknowledged",
                names.join(" and "),
                seconds(started.elapsed()),
                count(publishers.acknowledged().len(), "publication"),
            ));
        }
    }
    let acknowledged = publishers.stop();
    story.tell("the analysts go home; are all equal?");

    let mut verdict = Verdict::default();
    let busy = nodes.iter().filter(|node| acknowledged.iter().any(|one| one.member == node.member()));
    verdict.claim(busy.count() == nodes.len(), "every member published");
    verdict.claim_agreement(&nodes, &acknowledged);
    verdict.claim_no_fork(&nodes);
    verdict.figure(format_args!(
        "{} in {}; the slowest return to signing took {}",
        count(deaths, "death"),
        count(rounds, "round"),
        seconds(slowest)
    ));
    verdict
}

/// One or two of the nodes: those that die together have two others left that know their ends.
fn choose<'a>(chance: &mut Chance, nodes: &[&'a Node]) -> Vec<&'a Node> {
    let first = chance.below(nodes.len() as u64) as usize;
    let second = (first + 1 + chance.below(nodes.len() as u64 - 1) as usize) % nodes.len();
    let both = [nodes[first], nodes[second]];
    both[..1 + chance.below(2) as usize].to_vec()
}
