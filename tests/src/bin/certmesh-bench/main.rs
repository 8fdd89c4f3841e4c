//! Measures a mesh of real nodes on this machine, beside what the machine itself takes in the same
//! run: publish latency against fsyncs and a loopback round trip, and a bundle's way to every node.
//!
//! It asserts nothing about time. Everything runs on one machine, the measuring included, so the
//! numbers hold between runs on that machine and the ratios beyond it.

mod bundles;
mod latency;
mod machine;
mod report;
mod sample;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use certmesh_tests::Mesh;
use clap::Parser;
use tokio::time::sleep;

use crate::latency::{Latency, Watched};
use crate::machine::{Limits, Machine};
use crate::report::{Report, Setup};

/// Before each sample: publications and fsyncs alike meet an idle machine, which may be slow to wake.
pub(crate) const QUIET: Duration = Duration::from_millis(20);
/// Samples that are thrown away: connections, caches and the first log opening.
const WARM_UP: usize = 30;

/// Measures publish latency and bundle throughput of a mesh on this machine
#[derive(Parser)]
#[command(name = "scripts/bench", bin_name = "scripts/bench")]
struct Arguments {
    /// Nodes of the mesh
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u64).range(2..=11))]
    nodes: u64,
    /// Single publications to measure
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    samples: u64,
    /// Objects in a bundle
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    objects: u64,
    /// Bundles to measure
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    bundles: u64,
    /// Where the data lies; its disk is what is measured
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let report = match runtime {
        Ok(runtime) => runtime.block_on(measure(&arguments)),
        Err(error) => {
            talk(format_args!("error: the system gives no event loop: {error}"));
            return ExitCode::FAILURE;
        }
    };
    report.print(arguments.json);
    ExitCode::SUCCESS
}

async fn measure(arguments: &Arguments) -> Report {
    let parent = arguments.dir.clone().unwrap_or_else(std::env::temp_dir);
    let nodes = arguments.nodes as usize;
    let mesh = Mesh::raise_in(&parent, nodes);
    let mut machine = Machine::new(&mesh.path("disk"), nodes);
    let mut watched = Watched::start(&mesh).await;
    talk(format_args!("{nodes} nodes are up; {} single objects", arguments.samples));
    let (mut latency, mut limits) = (Latency::default(), Limits::default());
    for sample in 0..WARM_UP + arguments.samples as usize {
        if sample == WARM_UP {
            (latency, limits) = Default::default();
        }
        // Taken in turn, so that the machine's drift falls on all of them alike.
        sleep(QUIET).await;
        latency.add(watched.publish_one().await);
        sleep(QUIET).await;
        limits.fsync.push(machine.fsync());
        limits.fsyncs.push(machine.fsyncs(QUIET));
        sleep(QUIET).await;
        limits.round_trip.push(machine.round_trip());
    }
    watched.stop();
    talk(format_args!("{} bundles of {} objects", arguments.bundles, arguments.objects));
    let bundles = bundles::measure(&mesh, arguments.bundles, arguments.objects as usize).await;
    Report::new(Setup::of(nodes, &parent), limits, latency, bundles)
}

/// Says something on stderr.
fn talk(words: std::fmt::Arguments<'_>) {
    use std::io::Write;
    // Nobody is left to tell if stderr is closed.
    let _ = writeln!(std::io::stderr(), "bench: {words}");
}
