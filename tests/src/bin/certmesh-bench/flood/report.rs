//! The flood in words: what honest members noticed, and what it was that came.

use super::{Flood, Stretch};

/// The most that a flood may lengthen honest members' p99.
const AIM: f64 = 1.5;

/// A table of the stretches, each flood below the quiet that came before it.
pub(crate) fn words(pairs: &[[Stretch; 2]]) -> String {
    let head = format!(
        "Flood: one member of the mesh floods, in a process of its own at nice 19, so that what it costs is what the\n\
         others spend on it and not its own work\n{:<46} {:>11} {:>11}\n",
        "publish one object: visible at all honest peers", "p50", "p99"
    );
    let pair = |[quiet, flood]: &[Stretch; 2]| {
        row(quiet) + &account(quiet) + &row(flood) + &ratio(quiet, flood) + &account(flood)
    };
    std::iter::once(head).chain(pairs.iter().map(pair)).collect()
}

fn row(it: &Stretch) -> String {
    let what = match it.flood {
        Flood::Nothing => "in quiet",
        Flood::Valid => "under valid records",
        Flood::Garbage => "under garbage",
    };
    let what = format!("  {what}, {} samples", it.samples);
    format!("{what:<46} {:>8.3} ms {:>8.3} ms\n", it.visible.p50_ms, it.visible.p99_ms)
}

fn ratio(quiet: &Stretch, flood: &Stretch) -> String {
    let [p50, p99] =
        [flood.visible.p50_ms / quiet.visible.p50_ms, flood.visible.p99_ms / quiet.visible.p99_ms];
    let late = match flood.late {
        0 => String::new(),
        late => format!("; {late} samples were not visible everywhere in time"),
    };
    format!("{:<46} {p50:>8.2} ×  {p99:>8.2} ×  aim: p99 ≤ {AIM} ×{late}\n", "    by the quiet stretch")
}

fn account(it: &Stretch) -> String {
    let (sent, a_second) = (&it.sent, |count: u64| count as f64 / it.wall_s);
    format!(
        "    in {:.1} s it sent {} payloads ({:.0}/s, {:.1} MB; gossip had no room for {}) and answered {} questions;\n\
         \x20   at the end it was connected to {} nodes;\n\
         \x20   an honest node took {} records ({:.0}/s, the measuring's own among them) and refused {};\n\
         \x20   CPU: honest nodes {:.1} s, flooder {:.1} s, measuring {:.1} s\n",
        it.wall_s,
        sent.payloads,
        a_second(sent.payloads),
        sent.bytes as f64 / 1e6,
        sent.unsent,
        sent.answered,
        sent.connected,
        it.taken.records,
        a_second(it.taken.records),
        it.taken.refused,
        it.nodes_cpu_s,
        it.flooder_cpu_s,
        it.bench_cpu_s,
    )
}
