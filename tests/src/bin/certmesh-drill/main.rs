//! Runs a drill for a person: `scripts/drill` is its front door.
//!
//! The story goes to stderr, the verdict to stdout. Exit codes: 0 the mesh held, 1 it did not, 2 wrong
//! usage. Whatever happens, the nodes are stopped; the folder stays if it was given, or if the mesh
//! did not hold.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use certmesh_tests::drill::{Drill, Stage, Story, Verdict};
use certmesh_tests::{remove_all, stop_nodes_in};
use clap::{Args, Parser, Subcommand};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Raises a mesh of real nodes, lets something bad happen to it, and says whether it held
#[derive(Parser)]
#[command(name = "scripts/drill", bin_name = "scripts/drill")]
struct Arguments {
    #[command(subcommand)]
    drill: Kind,
}

#[derive(Args)]
struct Setting {
    /// Nodes of the mesh, one a member
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(2..=11))]
    nodes: u64,
    /// Where the mesh lives, an absent or empty folder that stays; a temporary one if not given
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What chance is made of: the same seed, the same choices
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    seed: u64,
}

#[derive(Subcommand)]
enum Kind {
    /// One node is cut off from all others while everybody publishes
    Island {
        #[command(flatten)]
        setting: Setting,
        /// How long it is cut off, in minutes
        #[arg(long, default_value_t = 0.35, value_parser = minutes)]
        minutes: f64,
    },
    /// Random nodes are killed (kill -9) while everybody publishes
    Crash {
        #[command(flatten)]
        setting: Setting,
        /// How often
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
        rounds: u64,
    },
    /// A member sends as fast as it can: valid records, then garbage
    Flood {
        #[command(flatten)]
        setting: Setting,
        /// Honest publications that are timed, quiet and under each flood
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(10..))]
        samples: u64,
    },
    /// A member's key signs two histories
    Rogue {
        #[command(flatten)]
        setting: Setting,
    },
    /// A member's node starts for the first time in a mesh that has long been at work
    NewNode {
        #[command(flatten)]
        setting: Setting,
        /// Indicators that the mesh holds by then
        #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
        indicators: u64,
    },
    /// A node's data folder is deleted
    LostDisk {
        #[command(flatten)]
        setting: Setting,
    },
}

impl Kind {
    fn parts(self) -> (Drill, Setting) {
        match self {
            Self::Island { setting, minutes } => {
                (Drill::Island { seconds: (minutes * 60.0) as u64 }, setting)
            }
            Self::Crash { setting, rounds } => (Drill::Crash { rounds }, setting),
            Self::Flood { setting, samples } => (Drill::Flood { samples }, setting),
            Self::Rogue { setting } => (Drill::Rogue, setting),
            Self::NewNode { setting, indicators } => (Drill::NewNode { indicators }, setting),
            Self::LostDisk { setting } => (Drill::LostDisk, setting),
        }
    }
}

fn minutes(word: &str) -> Result<f64, String> {
    let minutes = word.parse().ok().filter(|minutes| (0.0..=1_440.0).contains(minutes));
    minutes.ok_or_else(|| "expected a number of minutes, such as 0.5; at most 1440, a day".into())
}

fn main() -> ExitCode {
    let (drill, setting) = Arguments::parse().drill.parts();
    if (setting.nodes as usize) < drill.least_nodes() {
        talk(format_args!("error: this drill needs at least {} nodes", drill.least_nodes()));
        return ExitCode::from(2);
    }
    let folder = match Folder::take(setting.dir) {
        Ok(folder) => folder,
        Err(why) => {
            talk(format_args!("error: {why}"));
            return ExitCode::from(2);
        }
    };
    stop_on_signal(folder.path.clone());
    let stage = Stage { nodes: setting.nodes as usize, folder: folder.path.clone(), seed: setting.seed };
    // What fails in a drill panics: a person is told why, not where in the code.
    set_hook(Box::new(|panic| talk(format_args!("{}", panic.payload_as_str().unwrap_or("it broke off")))));
    let verdict = catch_unwind(AssertUnwindSafe(|| drill.run(&stage, &Story::default())));
    let held = verdict.as_ref().is_ok_and(Verdict::held);
    let words = verdict.map_or_else(|_| "the mesh did NOT hold".to_owned(), |verdict| verdict.to_string());
    // Nobody is left to tell if stdout is closed.
    let _ = writeln!(std::io::stdout(), "{words}");
    folder.leave(held);
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The folder of the mesh.
struct Folder {
    path: PathBuf,
    is_given: bool,
}

impl Folder {
    fn take(given: Option<PathBuf>) -> Result<Self, String> {
        let Some(path) = given else {
            let made = tempfile::Builder::new().prefix("certmesh-drill-").tempdir();
            let made = made.map_err(|error| format!("no temporary folder: {error}"))?;
            return Ok(Self { path: made.keep(), is_given: false });
        };
        let fault = |error| format!("{}: {error}", path.display());
        std::fs::create_dir_all(&path).map_err(fault)?;
        if std::fs::read_dir(&path).map_err(fault)?.next().is_some() {
            return Err(format!("{} is not empty: a drill takes an absent or empty folder", path.display()));
        }
        let path = path.canonicalize().map_err(fault)?;
        Ok(Self { path, is_given: true })
    }

    fn leave(self, held: bool) {
        if held && !self.is_given {
            let _ = std::fs::remove_dir_all(&self.path);
        } else {
            talk(format_args!("the nodes are stopped; their logs and data are in {}", self.path.display()));
        }
    }
}

/// On Ctrl-C, or when asked to stop: stops the nodes, removes the network, and ends.
fn stop_on_signal(folder: PathBuf) {
    std::thread::spawn(move || {
        let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return std::future::pending().await;
            };
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        });
        end(&folder)
    });
}

fn end(folder: &Path) -> ! {
    talk(format_args!("stopping the nodes"));
    stop_nodes_in(folder);
    remove_all();
    talk(format_args!("stopped; what there is lies in {}", folder.display()));
    std::process::exit(130)
}

/// Says something on stderr.
fn talk(words: std::fmt::Arguments<'_>) {
    // Nobody is left to tell if stderr is closed.
    let _ = writeln!(std::io::stderr(), "drill: {words}");
}
