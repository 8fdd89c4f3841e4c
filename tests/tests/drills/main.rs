//! Every drill in a short form: the code that `scripts/drill` runs for a person, and its verdict.
#![allow(clippy::unwrap_used)]

use certmesh_tests::drill::{Drill, Stage, Story};

/// Runs a drill with so many nodes; it has to hold.
#[track_caller]
fn holds(drill: Drill, nodes: usize) {
    let folder = tempfile::Builder::new().prefix("certmesh-").tempdir().unwrap();
    let stage = Stage { nodes, folder: folder.path().into(), seed: 7 };
    let verdict = drill.run(&stage, &Story::default());
    assert!(verdict.held(), "{verdict}");
}

#[test]
fn an_island_catches_up_when_its_cable_is_whole_again() {
    holds(Drill::Island { seconds: 8 }, 4);
}

#[test]
fn nodes_that_are_killed_again_and_again_lose_nothing() {
    holds(Drill::Crash { rounds: 12 }, 5);
}

#[test]
fn a_flood_hinders_nobody_and_its_author_is_named() {
    holds(Drill::Flood { samples: 60 }, 4);
}

#[test]
fn two_histories_are_nobodys_truth() {
    holds(Drill::Rogue, 5);
}

#[test]
fn a_node_that_starts_late_gets_everything() {
    holds(Drill::NewNode { indicators: 5_000 }, 4);
}

#[test]
fn a_node_that_lost_its_disk_comes_back_with_a_fresh_key() {
    holds(Drill::LostDisk, 4);
}
