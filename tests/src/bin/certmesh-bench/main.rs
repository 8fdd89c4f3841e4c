//! Measures meshes of real nodes on this machine, beside what the machine itself takes in the same
//! run: publish latency against fsyncs and a loopback round trip, a bundle's way to every node, a new
//! node's catching up against signatures and RocksDB, what a flood does to honest members, what SOC tools get, and
//! what the index costs and gives.
//!
//! It asserts nothing about time. Everything runs on one machine, the measuring included, so the
//! numbers hold between runs on that machine and the ratios beyond it.

mod bundles;
mod catch_up;
mod feed;
mod flood;
mod intel;
mod latency;
mod machine;
mod report;
mod sample;
mod taxii;
mod usage;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use certmesh_tests::Mesh;
use certmesh_wire::MeshId;
use clap::{Parser, ValueEnum};
use serde::Serialize;
use tokio::time::sleep;

use crate::catch_up::{CaughtUp, Shape};
use crate::flood::Stretch;
use crate::latency::{Latency, Watched};
use crate::machine::{Limits, Machine};
use crate::report::{Report, Setup};

/// Before each sample: publications and fsyncs alike meet an idle machine, which may be slow to wake.
pub(crate) const QUIET: Duration = Duration::from_millis(20);
/// Samples that are thrown away: connections, caches and the first log opening.
const WARM_UP: usize = 30;

/// Measures publishing, catching up, floods, SOC tools and the index on this machine
#[derive(Parser)]
#[command(name = "scripts/bench", bin_name = "scripts/bench")]
struct Arguments {
    /// What to measure; all of it if nothing is named
    #[arg(value_enum)]
    what: Vec<What>,
    /// Nodes of the mesh, for publish and flood
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u64).range(3..=11))]
    nodes: u64,
    /// Single publications to measure, for publish and for each stretch of flood
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    samples: u64,
    /// Objects in a bundle, for publish
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    objects: u64,
    /// Bundles to measure, for publish
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    bundles: u64,
    /// Indicators that a new node catches up with
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(2..))]
    indicators: u64,
    /// Indicators that a node holds when SOC tools read from it, for taxii, and when questions are asked, for intel
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    held: Vec<u64>,
    /// Where the data lies; its disk is what is measured
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
    /// Be the member that floods, from this node's folder: what `flood` starts
    #[arg(long, value_name = "FOLDER", hide = true, requires = "mesh")]
    flooder: Option<PathBuf>,
    /// The mesh that the flooder is in
    #[arg(long, value_name = "ID", hide = true)]
    mesh: Option<MeshId>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// From publishing an object until every peer shows it, and a bundle's way to every node
    Publish,
    /// A new node's way to 100,000 indicators: many of them a record, and one a record
    CatchUp,
    /// What a member that floods does to the others' publish-to-visible time
    Flood,
    /// What SOC tools get from a node that holds more and more
    Taxii,
    /// What taking in indicators costs, and how fast questions are answered, in one process without a mesh
    Intel,
}

/// What was measured; what was not is absent.
#[derive(Default, Serialize)]
struct Results {
    #[serde(skip_serializing_if = "Option::is_none")]
    publish: Option<Report>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    catch_up: Vec<CaughtUp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flood: Vec<[Stretch; 2]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    taxii: Vec<taxii::Held>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    intel: Vec<intel::Indexed>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            talk(format_args!("error: the system gives no event loop: {error}"));
            return ExitCode::FAILURE;
        }
    };
    if let (Some(home), Some(mesh)) = (&arguments.flooder, arguments.mesh) {
        runtime.block_on(flood::run(home, mesh));
    } else {
        runtime.block_on(measure(&arguments));
    }
    ExitCode::SUCCESS
}

/// Measures what was asked for, one thing after another, and prints each when it is known.
async fn measure(arguments: &Arguments) {
    let parent = arguments.dir.clone().unwrap_or_else(std::env::temp_dir);
    let wanted = |what| arguments.what.is_empty() || arguments.what.contains(&what);
    let mut results = Results::default();
    let show = |words: String| {
        if !arguments.json {
            print(&words)
        }
    };
    if wanted(What::Publish) {
        let report = publish(arguments, &parent).await;
        show(report.words());
        results.publish = Some(report);
    }
    if wanted(What::CatchUp) {
        for shape in [Shape::ManyObjectsARecord, Shape::OneObjectARecord] {
            let caught_up = catch_up::measure(&parent, shape, arguments.indicators).await;
            show(catch_up::words(&caught_up));
            results.catch_up.push(caught_up);
        }
    }
    if wanted(What::Flood) {
        results.flood = flood::measure(&parent, arguments.nodes as usize, arguments.samples as usize).await;
        show(flood::words(&results.flood));
    }
    if wanted(What::Taxii) {
        results.taxii = taxii::measure(&parent, &arguments.held).await;
        show(taxii::words(&results.taxii));
    }
    if wanted(What::Intel) {
        results.intel = intel::measure(&parent, &arguments.held);
        show(intel::words(&results.intel));
    }
    if arguments.json {
        print(&serde_json::to_string(&results).unwrap_or_default());
    }
}

async fn publish(arguments: &Arguments, parent: &Path) -> Report {
    let nodes = arguments.nodes as usize;
    let mesh = Mesh::raise_in(parent, nodes);
    let mut machine = Machine::new(&mesh.path("disk"), nodes);
    let mut watched = Watched::start(mesh.nodes()).await;
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
    Report::new(Setup::of(nodes, parent), limits, latency, bundles)
}

/// Data, on stdout.
fn print(words: &str) {
    // Whoever closed stdout has had enough.
    let _ = writeln!(std::io::stdout(), "{words}");
}

/// Says something on stderr.
fn talk(words: std::fmt::Arguments<'_>) {
    // Nobody is left to tell if stderr is closed.
    let _ = writeln!(std::io::stderr(), "bench: {words}");
}
