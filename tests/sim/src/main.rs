//! The front door of the simulator: runs seeds, shows how far it is, and prints the first violation with
//! the command that replays it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use certmesh_sim::{FEWEST_NODES, MOST_NODES, Outcome, Tally, Violation, run};
use clap::Parser;

/// Runs whole meshes of virtual nodes, with everything going wrong that can, each from one number.
///
/// The same seed and number of nodes make the same run. Exit codes: 0 clean, 1 a rule did not hold, 2 usage.
#[derive(Debug, Parser)]
#[command(name = "certmesh-simulate", version)]
struct Arguments {
    /// The first seed; a random one if none is given
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// How many seeds to run [default: 1 with --seed, else 100]
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Nodes of each mesh; without it every seed has a number of its own, from 3 to 11
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(FEWEST_NODES as u64..=MOST_NODES as u64))]
    nodes: Option<u64>,
    /// Go on with further seeds for so many minutes
    #[arg(long, value_name = "M", conflicts_with = "seeds")]
    minutes: Option<u64>,
}

/// Seeds, dealt to the cores one by one, and what came of them.
struct Runs {
    arguments: Arguments,
    first: u64,
    next: AtomicU64,
    end: u64,
    until: Option<Instant>,
    stop: AtomicBool,
    done: Mutex<Done>,
}

#[derive(Default)]
struct Done {
    seeds: u64,
    virtual_ms: u64,
    tally: Tally,
    /// By seed: the lowest is told.
    violations: Vec<(u64, u64, Violation)>,
}

fn main() -> ExitCode {
    let runs = Runs::new(Arguments::parse());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    eprintln!("simulate: from seed {} on, {cores} at once", runs.first);
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| runs.work());
        }
        runs.show_progress(begin);
    });
    runs.tell(begin.elapsed())
}

impl Runs {
    fn new(arguments: Arguments) -> Self {
        let first = arguments.seed.unwrap_or_else(random_seed);
        let count = match (arguments.seeds, arguments.minutes, arguments.seed) {
            (Some(count), _, _) => count,
            (None, Some(_), _) => u64::MAX,
            (None, None, Some(_)) => 1,
            (None, None, None) => 100,
        };
        let until = arguments.minutes.map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
        Self {
            arguments,
            first,
            next: AtomicU64::new(first),
            end: first.saturating_add(count),
            until,
            stop: AtomicBool::new(false),
            done: Mutex::default(),
        }
    }

    fn next_seed(&self) -> Option<u64> {
        let over = self.until.is_some_and(|until| Instant::now() >= until);
        if over || self.stop.load(Ordering::Relaxed) {
            return None;
        }
        let seed = self.next.fetch_add(1, Ordering::Relaxed);
        (seed < self.end).then_some(seed)
    }

    /// One core's share: seeds until there are none left, or one was found that fails.
    fn work(&self) {
        while let Some(seed) = self.next_seed() {
            let nodes = self.arguments.nodes.unwrap_or(FEWEST_NODES as u64 + seed % 9);
            let result = run(seed, nodes as usize);
            let mut done = self.done.lock().expect("no run panics while it holds this");
            let (outcome, violation) = match result {
                Ok(outcome) => (outcome, None),
                Err(failure) => (failure.1, Some(failure.0)),
            };
            done.add(&outcome);
            if let Some(violation) = violation {
                self.stop.store(true, Ordering::Relaxed);
                done.violations.push((seed, nodes, violation));
            }
        }
    }

    /// Until all cores have ended.
    fn show_progress(&self, begin: Instant) {
        let shows = std::io::stderr().is_terminal();
        let mut shown = Instant::now();
        loop {
            std::thread::sleep(Duration::from_millis(50));
            let dealt = self.next.load(Ordering::Relaxed).min(self.end) - self.first;
            let done = self.done.lock().expect("no run panics while it holds this").seeds;
            let over =
                self.stop.load(Ordering::Relaxed) || self.until.is_some_and(|until| Instant::now() >= until);
            if over || done >= self.end - self.first {
                return;
            }
            if shows && shown.elapsed() > Duration::from_millis(500) {
                shown = Instant::now();
                eprint!("\rsimulate: {done} seeds done, {dealt} begun, {} s ", begin.elapsed().as_secs());
                let _ = std::io::stderr().flush();
            }
        }
    }

    /// The verdict, and what the seeds were like.
    fn tell(&self, took: Duration) -> ExitCode {
        let done = self.done.lock().expect("no run panics while it holds this");
        if std::io::stderr().is_terminal() {
            eprintln!();
        }
        print!("{}", done.tally);
        let virtual_h = done.virtual_ms / 3_600_000;
        println!("{} seeds, {virtual_h} virtual hours, in {} s", done.seeds, took.as_secs());
        let Some((seed, nodes, violation)) = done.violations.iter().min_by_key(|(seed, _, _)| *seed) else {
            println!("no rule was violated");
            return ExitCode::SUCCESS;
        };
        println!("VIOLATION with seed {seed}: {violation}");
        println!("replay: scripts/simulate --seed {seed} --nodes {nodes}");
        ExitCode::FAILURE
    }
}

impl Done {
    fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.virtual_ms += outcome.virtual_ms;
        self.tally.merge(&outcome.tally);
    }
}

/// A seed that nobody has chosen; it is printed, and from there on everything repeats.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish() % 1_000_000_000
}
