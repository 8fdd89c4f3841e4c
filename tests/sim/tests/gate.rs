//! What the gate asks of the simulation: a few hundred seeds end clean, all that can go wrong has gone
//! wrong in them, and a seed makes one run, to the byte.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use certmesh_sim::{FEWEST_NODES, Tally, run};

const SEEDS: u64 = 300;

/// Meshes of 3 to 11 nodes in turn.
fn nodes_of(seed: u64) -> usize {
    FEWEST_NODES + (seed % 9) as usize
}

/// Runs seeds on all cores; gives what happened, and what was violated with the command that replays it.
fn run_all(seeds: u64) -> (Tally, Vec<String>) {
    let (next, found) = (AtomicU64::new(1), Mutex::new((Tally::default(), Vec::new())));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > seeds {
                return;
            }
            let nodes = nodes_of(seed);
            let result = run(seed, nodes);
            let mut found = found.lock().expect("no run panics while it holds this");
            match result {
                Ok(outcome) => found.0.merge(&outcome.tally),
                Err(failure) => {
                    let replay = format!("scripts/simulate --seed {seed} --nodes {nodes}");
                    found.1.push(format!("{}\n    replay: {replay}", failure.0));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    found.into_inner().expect("no run has panicked")
}

#[test]
fn a_few_hundred_seeds_end_clean_and_everything_has_gone_wrong_in_them() {
    let (tally, violations) = run_all(SEEDS);
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
    for what in EVERYTHING {
        assert!(tally.of(what) > 0, "never happened: {what}; the runs prove less than they should: {tally}");
    }
}

#[test]
fn a_seed_makes_one_run() {
    for seed in [1, 5, 8] {
        let traces =
            [(); 2].map(|()| run(seed, nodes_of(seed)).map(|outcome| (outcome.trace, outcome.tally)));
        let [one, other] = traces.map(|run| run.map_err(|failure| failure.0.to_string()));
        assert_eq!(one, other, "seed {seed}");
    }
    let digest = |seed| run(seed, 4).map(|outcome| outcome.trace).map_err(|failure| failure.0.to_string());
    assert_ne!(digest(1), digest(2), "another seed makes another run");
}

/// A hundred and twenty nodes share what one of them has verified; the rules hold for them as well.
#[test]
fn a_larger_mesh_ends_clean_too() {
    let result = run(3, 120);
    let failure = result.err().map(|failure| failure.0.to_string());
    assert_eq!(failure, None, "replay: scripts/simulate --seed 3 --nodes 120");
}

/// Every accident and every trick that the simulator knows.
const EVERYTHING: [&str; 70] = [
    "byzantine: answers never given",
    "byzantine: flooded records",
    "byzantine: forged records",
    "byzantine: gossip that is no record",
    "byzantine: histories",
    "byzantine: hoarded records",
    "byzantine: invented forks",
    "byzantine: invented logs",
    "byzantine: late answers",
    "byzantine: malformed answers",
    "byzantine: overstated frontiers",
    "byzantine: records of another mesh",
    "byzantine: twins",
    "byzantine: understated frontiers",
    "byzantine: void bodies",
    "byzantine: withheld bodies",
    "byzantine: wrong bodies",
    "byzantine: wrong heads",
    "clocks moved",
    "connections broken",
    "connections that a change has ended",
    "disks backed up",
    "disks restored from old backups",
    "disks that were full",
    "documents forged",
    "forks found",
    "forks settled by checkpoints",
    "lives ended after a commit",
    "lives ended between two portions",
    "lives ended cleanly",
    "lives ended in a commit",
    "lives ended in a crash",
    "machines that came",
    "manifests settled by a pin",
    "manifests signed with an old root key",
    "members expelled",
    "members that joined",
    "messages doubled",
    "messages lost",
    "messages lost to partitions",
    "node keys stolen",
    "nodes added",
    "nodes given documents as files",
    "nodes retired",
    "nodes switched off for long",
    "nodes that came back to strangers",
    "nodes that found manifests contradicting",
    "nodes that found membership frozen",
    "partitions",
    "partitions, one-way",
    "peers hung up on",
    "portions withdrawn or taken back",
    "publications refused",
    "questions timed out",
    "records signed by thieves",
    "refused: cut",
    "refused: disputed",
    "refused: over-rate",
    "refused: roster-ahead",
    "refused: unknown-log",
    "root keys changed",
    "rosters that a higher round withdrew",
    "starts of nodes that do not count",
    "starts that believed their note",
    "stolen keys cut off",
    "stops while waiting for confirmation",
    "torn batches found",
    "versions of a manifest with two documents",
    "versions of the roster settled",
    "versions of the roster with two documents",
];
