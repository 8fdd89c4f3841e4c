//! The top level is fixed, no file has a name that says nothing, and nothing names somebody's machine.

use crate::none;
use crate::tree::{Source, entries, sources, top};

/// What a newcomer sees first. `target` is cargo's, and ignored by version control.
const TOP_LEVEL: [&str; 9] =
    ["Cargo.lock", "Cargo.toml", "README.md", "cli", "config", "node", "scripts", "target", "tests"];

/// Names that a thing gets when nobody knows what it is about.
const EMPTY_NAMES: [&str; 8] = ["common", "helper", "helpers", "manager", "misc", "shared", "util", "utils"];

/// Folders of somebody's own machine, joined here so that this file does not name them.
const MACHINE_FOLDERS: [&str; 4] =
    [concat!("/", "root/"), concat!("/", "home/"), concat!("/", "work/"), concat!("/", "Users/")];

fn strangers_on_top<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let strange = names.filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(name));
    strange
        .map(|name| format!("{name} stands at the top level, which is fixed: move it into a room"))
        .collect()
}

fn empty_names(sources: &[Source]) -> Vec<String> {
    let is_empty = |part: &str| EMPTY_NAMES.contains(&part.split('.').next().unwrap_or_default());
    let named = sources.iter().filter(|source| source.path.split('/').any(is_empty));
    named.map(|source| format!("{}: name it for what it is about", source.path)).collect()
}

fn machine_paths(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for Source { path, text } in sources {
        for (at, line) in text.lines().enumerate().filter(|(_, line)| names_machine(line)) {
            faults.push(format!("{path}:{}: a path of one machine: {}", at + 1, line.trim()));
        }
    }
    faults
}

/// Whether one of the folders begins a path there, rather than standing inside a longer one.
fn names_machine(line: &str) -> bool {
    let begins = |at: usize| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !".-_}".contains(c))
    };
    MACHINE_FOLDERS.iter().any(|folder| line.match_indices(folder).any(|(at, _)| begins(at)))
}

#[test]
fn the_top_level_is_fixed() {
    let entries = entries(top());
    none(strangers_on_top(entries.iter().map(|path| path.file_name().unwrap().to_str().unwrap())));
}

#[test]
fn every_name_says_something() {
    none(empty_names(&sources()));
}

#[test]
fn no_path_of_one_machine() {
    none(machine_paths(&sources()));
}

#[test]
fn a_stranger_is_found() {
    assert_eq!(strangers_on_top(["README.md", ".ci", "notes.txt"].into_iter()).len(), 1);
}

#[test]
fn an_empty_name_is_found() {
    let found = |path| empty_names(&[Source::new(path, "")]).len();
    assert_eq!(found("node/src/utils.rs"), 1);
    assert_eq!(found("node/common/src/lib.rs"), 1);
    assert_eq!(found("node/src/utilisation.rs"), 0);
}

#[test]
fn a_machine_path_is_found() {
    let found = |text: &str| machine_paths(&[Source::new("a.md", text)]).len();
    assert_eq!(found(concat!("open /", "home/ana/x\nand `/", "root/.cargo`")), 2);
    assert_eq!(found("docs/work/plan.md"), 0);
}
