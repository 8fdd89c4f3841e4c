//! A member's node starts for the first time, in a mesh that has long been at work.
//!
//! Its key and manifest are part of the mesh from the beginning; what it has to get is everything else.

use std::path::Path;
use std::time::{Duration, Instant};

use super::story::{count, seconds};
use super::{Stage, Story, Verdict};
use crate::bundle::Bundle;
use crate::mesh::Mesh;
use crate::node::Node;
use crate::patience::eventually_within;

/// Indicators in one file.
const FILE: u64 = 10_000;
/// Between two sentences about the progress.
const SENTENCE: Duration = Duration::from_secs(2);
/// Patience for each thousand indicators, beyond the usual.
const PATIENCE_A_THOUSAND: Duration = Duration::from_secs(3);

pub(super) fn run(stage: &Stage, story: &Story, indicators: u64) -> Verdict {
    let mesh = Mesh::raise_at(&stage.folder, stage.nodes, &[]);
    let nodes: Vec<_> = mesh.nodes().iter().collect();
    let (newcomer, others) = nodes.split_last().expect("a mesh has nodes");
    let name = newcomer.member();
    forget_everything(newcomer);
    story.tell(format_args!(
        "{} members are up; {name} is one, but its node has not begun its work",
        others.len()
    ));
    publish(&stage.folder, others, indicators, story);
    let patience = crate::PATIENCE + PATIENCE_A_THOUSAND * (indicators / 1_000) as u32;
    let records = eventually_within(patience, "the indicators on every other node", || {
        let held: Vec<_> = others.iter().map(|node| node.holds()).collect();
        let same = held.iter().all(|one| *one == held[0] && one.1 == indicators);
        if same { Ok(held[0].0) } else { Err(format!("(records, objects) {held:?}")) }
    });
    story.tell(format_args!(
        "the others hold {} in {}",
        count(indicators, "indicator"),
        count(records, "record")
    ));

    newcomer.start();
    let started = Instant::now();
    story.tell(format_args!("{name}'s node starts, with nothing but its key, the roster and the manifests"));
    let caught_up = follow(newcomer, story, indicators, records, patience);
    let took = started.elapsed();
    story.tell(format_args!("{name} has caught up, {} after its start", seconds(took)));
    newcomer.wait_to_sign();

    let mut verdict = Verdict::default();
    verdict.claim(caught_up, format_args!("{name} got all {indicators} indicators"));
    let record = newcomer.publish(&Bundle::varied(stage.seed, 1).write(&stage.folder));
    let holdings = verdict.claim_agreement(&nodes, &[]);
    let published = record.iter().all(|id| holdings.has_published(id));
    verdict.claim(published, format_args!("and what {name} publishes itself is everywhere"));
    verdict.claim_no_fork(&nodes);
    let rate = indicators as f64 / took.as_secs_f64();
    verdict.figure(format_args!(
        "{} from the start of its process on: {rate:.0} indicators, {:.0} records a second",
        seconds(took),
        records as f64 / took.as_secs_f64()
    ));
    verdict
}

/// Makes a node what it was before its first start.
fn forget_everything(node: &Node) {
    node.stop();
    std::fs::remove_dir_all(node.data_dir()).unwrap();
    let _ = std::fs::remove_file(node.stop_note());
}

/// The other members publish them in turn.
fn publish(folder: &Path, members: &[&Node], indicators: u64, story: &Story) {
    for (at, first) in (0..indicators).step_by(FILE as usize).enumerate() {
        let number = FILE.min(indicators - first);
        let node = members[at % members.len()];
        let file = Bundle::bulky((3 << 40) | first, number as usize, 0).write(folder);
        let records = node.publish(&file);
        std::fs::remove_file(file).unwrap();
        let (number, records) = (count(number, "indicator"), count(records.len(), "record"));
        story.tell(format_args!("{} publishes {number}, in {records}", node.member()));
    }
}

/// Tells how the newcomer gets on until it has everything.
fn follow(newcomer: &Node, story: &Story, indicators: u64, records: u64, patience: Duration) -> bool {
    let mut told = Instant::now();
    eventually_within(patience, "the newcomer to catch up", || match newcomer.try_status() {
        Some(status) if status.objects >= indicators && status.records >= records => {
            Ok(status.objects == indicators)
        }
        Some(status) => {
            let words = format!("{} holds {} of {indicators} indicators", newcomer.member(), status.objects);
            if told.elapsed() > SENTENCE {
                told = Instant::now();
                story.tell(&words);
            }
            Err(words)
        }
        None => Err("it does not answer".to_owned()),
    })
}
