//! A moment of fuzzing for the gate: every target over its seeds, broken and spliced by chance, the same each time.
//!
//! `CERTMESH_PATTERNS=N` tries N inputs a target in place of the gate's number, `CERTMESH_SEED=S` others.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::{env, fs};

use certmesh_fuzz::{mutation, targets};
use fastrand::Rng;

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// The seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// One seed up to some place, then another one from there on, then a few changes.
fn broken(chance: &mut Rng, seeds: &[String]) -> String {
    let (one, other) = (&seeds[chance.usize(..seeds.len())], &seeds[chance.usize(..seeds.len())]);
    let spliced = match chance.u32(..3) {
        0 => one
            .chars()
            .take(chance.usize(..=one.len()))
            .chain(other.chars().skip(chance.usize(..=other.len())))
            .collect(),
        _ => one.clone(),
    };
    let times = chance.usize(..4);
    mutation::scribble(chance, &spliced, times)
}

#[track_caller]
fn run(name: &str) {
    let (target, seeds) = (targets::named(name).unwrap(), seeds(name));
    seeds.iter().for_each(|seed| target(seed.as_bytes()));
    let mut chance = Rng::with_seed(number("CERTMESH_SEED", 0));
    for _ in 0..number("CERTMESH_PATTERNS", 20_000) {
        target(broken(&mut chance, &seeds).as_bytes());
    }
}

#[test]
fn pattern() {
    run("pattern");
}

#[test]
fn object() {
    run("object");
}

#[test]
fn bundle() {
    run("bundle");
}

#[test]
fn question() {
    run("question");
}

#[test]
fn value() {
    run("value");
}

#[test]
fn feed() {
    run("feed");
}

#[test]
fn marking() {
    run("marking");
}

#[test]
fn every_seed_of_an_object_may_be_published() {
    for seed in seeds("object") {
        certmesh_intel::validate::validate(&seed).unwrap_or_else(|fault| panic!("{seed}: {fault}"));
    }
}
