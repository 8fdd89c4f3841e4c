//! Publishing, as a table for people or JSON for programs.

use std::path::Path;
use std::thread::available_parallelism;

use serde::Serialize;

use crate::QUIET;
use crate::bundles::{self, Bundles};
use crate::latency::Latency;
use crate::machine::Limits;
use crate::sample::Spread;

/// The most that publishing may take, in multiples of the limit: `DESIGN.md`, section 11.
const AIM: f64 = 3.0;

/// Where it was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Setup {
    nodes: usize,
    cores: usize,
    disk: String,
    profile: &'static str,
}

impl Setup {
    pub(crate) fn of(nodes: usize, folder: &Path) -> Self {
        let cores = available_parallelism().map_or(0, usize::from);
        let profile = "dev (optimised, with debug assertions)";
        Self { nodes, cores, disk: folder.display().to_string(), profile }
    }
}

/// All of it, in milliseconds and per second; the words are a table.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    setup: Setup,
    samples: usize,
    quiet_ms: u128,
    fsync: Spread,
    fsyncs_together: Spread,
    loopback_round_trip: Spread,
    publish_durable: Spread,
    publish_visible_everywhere: Spread,
    /// All fsyncs at once and a round trip, which is what the aim counts in.
    limit: Ratio,
    /// What no design that is durable before it is visible can go below: the publisher's fsync, then
    /// the others' at once, and a round trip.
    floor: Ratio,
    aim_p99: f64,
    bundles: BundleReport,
}

/// A sum of the machine's times, and publishing in multiples of it.
#[derive(Debug, Serialize)]
struct Ratio {
    #[serde(flatten)]
    of: Spread,
    ratio_p50: f64,
    ratio_p99: f64,
}

impl Ratio {
    /// Each percentile of a sum is taken as the sum of its parts' percentiles.
    fn new(visible: Spread, parts: &[Spread]) -> Self {
        let sum = |of: fn(&Spread) -> f64| parts.iter().map(of).sum::<f64>();
        let of = Spread { p50_ms: sum(|part| part.p50_ms), p99_ms: sum(|part| part.p99_ms) };
        Self { of, ratio_p50: visible.p50_ms / of.p50_ms, ratio_p99: visible.p99_ms / of.p99_ms }
    }
}

#[derive(Debug, Serialize)]
struct BundleReport {
    bundles: usize,
    objects: usize,
    bytes: usize,
    look_every_ms: u128,
    published_median_s: f64,
    everywhere_median_s: f64,
    everywhere_fastest_s: f64,
    everywhere_slowest_s: f64,
    objects_per_s: f64,
    megabytes_per_s: f64,
}

impl Report {
    pub(crate) fn new(setup: Setup, machine: Limits, latency: Latency, bundles: Bundles) -> Self {
        let (alone, together) = (machine.fsync.spread(), machine.fsyncs.spread());
        let trip = machine.round_trip.spread();
        let visible = latency.visible.spread();
        Self {
            setup,
            samples: latency.visible.len(),
            quiet_ms: QUIET.as_millis(),
            fsync: alone,
            fsyncs_together: together,
            loopback_round_trip: trip,
            publish_durable: latency.durable.spread(),
            publish_visible_everywhere: visible,
            limit: Ratio::new(visible, &[together, trip]),
            floor: Ratio::new(visible, &[alone, together, trip]),
            aim_p99: AIM,
            bundles: BundleReport::new(&bundles),
        }
    }

    /// A table.
    pub(crate) fn words(&self) -> String {
        let Setup { nodes, cores, disk, profile } = &self.setup;
        let row = |what: &str, spread: &Spread| {
            format!("{what:<46} {:>8.3} ms {:>8.3} ms\n", spread.p50_ms, spread.p99_ms)
        };
        let ratio = |what: &str, ratio: &Ratio, aim: &str| {
            format!("{what:<46} {:>8.2} ×  {:>8.2} ×  {aim}\n", ratio.ratio_p50, ratio.ratio_p99)
        };
        let (others, quiet_ms) = (nodes - 1, self.quiet_ms);
        [
            format!("{nodes} nodes on one machine of {cores} cores, data in {disk}, profile {profile}\n\n"),
            format!("{:<46} {:>11} {:>11}\n", format!("{} samples each, in turn", self.samples), "p50", "p99"),
            row("fsync of a 512-byte append, alone", &self.fsync),
            row(&format!("{nodes} such fsyncs at once, until the last is done"), &self.fsyncs_together),
            row("loopback round trip of 400 bytes", &self.loopback_round_trip),
            row("publish one object: durable at the publisher", &self.publish_durable),
            row(&format!("publish one object: visible at all {others} peers"), &self.publish_visible_everywhere),
            ratio("visible, by all fsyncs at once + a round trip", &self.limit, &format!("aim: p99 ≤ {AIM} ×")),
            ratio("visible, by the same + the publisher's fsync", &self.floor, ""),
            format!("\n{}\n", self.bundles.words()),
            format!(
                "Publishing is timed from the request over the local API, to its answer and to the line that the last\n\
                 peer's watch sends (nothing is polled). Each sample follows {quiet_ms} ms of quiet: an idle machine may be\n\
                 slow to wake. The measuring shares the cores with the nodes."
            ),
        ]
        .concat()
    }
}

impl BundleReport {
    fn new(bundles: &Bundles) -> Self {
        let median = bundles.everywhere.percentile(50).as_secs_f64();
        Self {
            bundles: bundles.everywhere.len(),
            objects: bundles.objects,
            bytes: bundles.bytes,
            look_every_ms: bundles::LOOK_EVERY.as_millis(),
            published_median_s: bundles.published.percentile(50).as_secs_f64(),
            everywhere_median_s: median,
            everywhere_fastest_s: bundles.everywhere.percentile(0).as_secs_f64(),
            everywhere_slowest_s: bundles.everywhere.percentile(100).as_secs_f64(),
            objects_per_s: bundles.objects as f64 / median,
            megabytes_per_s: bundles.bytes as f64 / 1e6 / median,
        }
    }

    fn words(&self) -> String {
        format!(
            "{} bundles of {} objects ({:.1} MB), by the command, looked at every {} ms; medians:\n\
             published {:.2} s, on every node {:.2} s ({:.2} to {:.2} s): {:.0} objects/s, {:.1} MB/s\n",
            self.bundles,
            self.objects,
            self.bytes as f64 / 1e6,
            self.look_every_ms,
            self.published_median_s,
            self.everywhere_median_s,
            self.everywhere_fastest_s,
            self.everywhere_slowest_s,
            self.objects_per_s,
            self.megabytes_per_s
        )
    }
}
