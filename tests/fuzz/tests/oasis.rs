//! Our reading of patterns against OASIS's own validator, over patterns made by grammar and broken in every way.
//!
//! `CERTMESH_PATTERNS=N` compares N patterns a test in place of the gate's number, `CERTMESH_SEED=S` others.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, thread};

use certmesh_fuzz::{grammar, mutation};
use certmesh_intel::pattern::{self, Comparator, Comparison, Pattern, Step};
use fastrand::Rng;
use serde_json::{Value, json};

/// The Python that `scripts/setup --test` equips with the libraries of `tests/requirements.txt`.
const PYTHON: &str = "CERTMESH_PYTHON";

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// The validator's verdicts on all of these, in order.
fn judge(patterns: &[String]) -> Vec<Value> {
    let python = env::var_os(PYTHON).unwrap_or_else(|| {
        panic!("{PYTHON} is not set: run scripts/test, or eval \"$(scripts/setup --test)\" first")
    });
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("oasis/judge.py");
    let mut command = Command::new(python);
    command.arg("-B").arg(program).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lines: String =
        patterns.iter().map(|pattern| Value::from(pattern.as_str()).to_string() + "\n").collect();
    let writer = thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = BufReader::new(child.stdout.take().unwrap()).lines();
    let verdicts: Vec<Value> = output.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    writer.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(verdicts.len(), patterns.len());
    verdicts
}

/// What the two readings of one pattern disagree about.
fn disagreement(pattern: &str, theirs: &Value) -> Option<String> {
    let ours = pattern::parse(pattern);
    match (&ours, theirs["valid"] == true) {
        (Err(_), false) => None,
        (Ok(parsed), true) if comparisons(parsed) == theirs["comparisons"] => None,
        (Ok(parsed), true) => {
            Some(format!("{pattern:?}:\n  ours {}\n  theirs {}", comparisons(parsed), theirs["comparisons"]))
        }
        (Ok(_), false) => Some(format!("{pattern:?}: valid here, but OASIS says {}", theirs["errors"])),
        (Err(fault), true) => Some(format!("{pattern:?}: valid by OASIS, but here {fault}")),
    }
}

/// The comparisons by the type of their object, as OASIS's inspector lists them.
fn comparisons(pattern: &Pattern<'_>) -> Value {
    let mut found = json!({});
    let listed = pattern.comparisons().filter(|comparison| comparison.comparator != Comparator::Exists);
    for comparison in listed {
        let kind = &mut found[comparison.path.object_type];
        if kind.is_null() {
            *kind = json!([]);
        }
        kind.as_array_mut().unwrap().push(entry(comparison));
    }
    found
}

fn entry(comparison: &Comparison<'_>) -> Value {
    let step = |step: &Step<'_>| match step {
        Step::Name(name) => json!(name),
        Step::Item(item) => item.parse::<u64>().map_or(json!(item), |index| json!(index)),
    };
    let path: Vec<_> = comparison.path.steps.iter().map(step).collect();
    let not = if comparison.negated { "NOT " } else { "" };
    let values: Vec<_> = comparison.operands.iter().map(ToString::to_string).collect();
    let value = match comparison.comparator {
        Comparator::In => format!("({})", values.join(",")),
        _ => values.concat(),
    };
    json!([path, format!("{not}{}", comparison.comparator.sign()), value])
}

/// Compares patterns that `make` makes, of which about `valid` percent should be valid.
#[track_caller]
fn compare(seed: u64, valid: std::ops::RangeInclusive<usize>, make: impl Fn(&mut Rng) -> String) {
    let mut chance = Rng::with_seed(seed ^ number("CERTMESH_SEED", 0));
    let patterns: Vec<_> = (0..number("CERTMESH_PATTERNS", 2_000)).map(|_| make(&mut chance)).collect();
    let verdicts = judge(&patterns);
    let faults: Vec<_> = patterns
        .iter()
        .zip(&verdicts)
        .filter_map(|(pattern, theirs)| disagreement(pattern, theirs))
        .collect();
    assert!(faults.is_empty(), "{} disagreements\n{}", faults.len(), faults.join("\n"));
    let share = verdicts.iter().filter(|verdict| verdict["valid"] == true).count() * 100 / verdicts.len();
    assert!(valid.contains(&share), "{share} % of the patterns are valid: the comparison proves little");
}

#[test]
fn whole_patterns() {
    compare(1, 60..=95, |chance| {
        let pieces = grammar::pattern(chance, 0);
        grammar::written(chance, &pieces)
    });
}

#[test]
fn patterns_with_something_odd() {
    compare(2, 20..=80, |chance| {
        let pieces = grammar::pattern(chance, 20);
        grammar::written(chance, &pieces)
    });
}

#[test]
fn rearranged_patterns() {
    compare(3, 1..=60, |chance| {
        let mut pieces = grammar::pattern(chance, 0);
        let times = chance.usize(1..3);
        mutation::rearrange(chance, &mut pieces, times);
        grammar::written(chance, &pieces)
    });
}

#[test]
fn scribbled_patterns() {
    compare(4, 5..=60, |chance| {
        let pieces = grammar::pattern(chance, 0);
        let text = grammar::written(chance, &pieces);
        let times = chance.usize(1..4);
        mutation::scribble(chance, &text, times)
    });
}
