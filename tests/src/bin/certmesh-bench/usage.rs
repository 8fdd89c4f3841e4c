//! What processes use, as `/proc` tells: CPU time by thread, time spent queued for a core, bytes to the disk.

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::Path;

use certmesh_tests::Node;
use serde::Serialize;

/// Ticks of `/proc/PID/stat` a second (`USER_HZ`, which Linux has fixed for all programs).
const TICKS: u64 = 100;

/// The process of a node, as of its last start.
///
/// # Panics
/// If it was never started.
pub(crate) fn pid(node: &Node) -> u32 {
    let text = read_to_string(node.home().join("node.pid")).expect("whoever starts a node leaves a node.pid");
    text.trim().parse().expect("a pid is a number")
}

/// What threads of one name did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Work {
    /// On a core.
    pub(crate) cpu_s: f64,
    /// Ready to run, with no core free.
    pub(crate) queued_s: f64,
}

/// What a process did, up to a moment or between two.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Usage {
    /// CPU time of all its threads, of those too that have ended.
    pub(crate) cpu_s: f64,
    /// Bytes that it had written to the disk.
    pub(crate) written: u64,
    /// Its threads that live, by their names.
    pub(crate) threads: BTreeMap<String, Work>,
}

impl Usage {
    /// Up to this moment; nothing for a process that has ended.
    pub(crate) fn of(pid: u32) -> Self {
        let folder = format!("/proc/{pid}");
        Self { cpu_s: cpu_s(&folder), written: written(&folder), threads: threads(&folder) }
    }

    /// What was done since an earlier moment.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let thread = |(name, work): (&String, &Work)| {
            let old = before.threads.get(name).copied().unwrap_or_default();
            let work = Work { cpu_s: work.cpu_s - old.cpu_s, queued_s: work.queued_s - old.queued_s };
            (name.clone(), work)
        };
        Self {
            cpu_s: self.cpu_s - before.cpu_s,
            written: self.written.saturating_sub(before.written),
            threads: self.threads.iter().map(thread).collect(),
        }
    }

    /// CPU time of threads that have ended, such as those that verify: all there was, less that of the living.
    pub(crate) fn ended_s(&self) -> f64 {
        (self.cpu_s - self.threads.values().map(|work| work.cpu_s).sum::<f64>()).max(0.0)
    }

    /// What the threads did whose names begin like this.
    pub(crate) fn named(&self, start: &str) -> Work {
        let named = self.threads.iter().filter(|(name, _)| name.starts_with(start));
        named.fold(Work::default(), |sum, (_, work)| Work {
            cpu_s: sum.cpu_s + work.cpu_s,
            queued_s: sum.queued_s + work.queued_s,
        })
    }
}

/// User and system time: fields 14 and 15 of `/proc/PID/stat` (proc(5)), the name before them aside.
fn cpu_s(folder: &str) -> f64 {
    let stat = read_to_string(format!("{folder}/stat")).unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() as f64 / TICKS as f64
}

fn written(folder: &str) -> u64 {
    let io = read_to_string(format!("{folder}/io")).unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.parse().ok()).unwrap_or_default()
}

fn threads(folder: &str) -> BTreeMap<String, Work> {
    let mut threads: BTreeMap<String, Work> = BTreeMap::new();
    let Ok(tasks) = std::fs::read_dir(format!("{folder}/task")) else { return threads };
    for task in tasks.filter_map(Result::ok) {
        // A thread may end while it is looked at.
        if let Some((name, work)) = thread(&task.path()) {
            let sum = threads.entry(name).or_default();
            *sum = Work { cpu_s: sum.cpu_s + work.cpu_s, queued_s: sum.queued_s + work.queued_s };
        }
    }
    threads
}

/// A thread's name, and the first two fields of its `schedstat`, in nanoseconds
/// (the kernel's Documentation/scheduler/sched-stats.rst).
fn thread(folder: &Path) -> Option<(String, Work)> {
    let name = read_to_string(folder.join("comm")).ok()?.trim().to_owned();
    let stat = read_to_string(folder.join("schedstat")).ok()?;
    let mut ns = stat.split_whitespace().filter_map(|field| field.parse::<u64>().ok());
    let mut seconds = || Some(ns.next()? as f64 / 1e9);
    Some((name, Work { cpu_s: seconds()?, queued_s: seconds()? }))
}
