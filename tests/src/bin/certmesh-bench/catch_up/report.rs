//! Catching up in words: the ratio, and what it is made of.

use super::{CaughtUp, Phase, Shape};

/// The most that catching up may take, in multiples of the limit: `DESIGN.md`, section 11.
const AIM: f64 = 2.0;

/// A paragraph on one shape.
pub(crate) fn words(it: &CaughtUp) -> String {
    let (signatures, bulk) = (it.verification_s, &it.bulk_write);
    let (start, connection, limit) = (it.since_start_s(), it.since_connection_s(), it.limit_s());
    [
        format!(
            "Catch-up: {} objects ({:.1} MB of STIX) in {} records, {}\n",
            it.objects,
            it.object_bytes as f64 / 1e6,
            it.records,
            shape(it.shape)
        ),
        row("from its first connection until it holds all", connection, ""),
        row("  the same from its start", start, ""),
        row("verify_strict of as many signatures, all cores", signatures, ""),
        row(
            "RocksDB's own write of the same bytes",
            bulk.wall_s,
            &format!(
                "{} keys, {:.1} MB, {} synced batches",
                bulk.keys,
                bulk.bytes as f64 / 1e6,
                bulk.batches
            ),
        ),
        format!("{:<50} {:>8.2} ×   aim: ≤ {AIM} ×\n", "catch-up, by the two together", connection / limit),
        phase("start to first connection", &it.connecting),
        phase("headers", &it.headers),
        phase("bodies", &it.bodies),
        format!(
            "  through loopback {:.1} MB; CPU of the two that answered {:.2} s\n",
            it.loopback_bytes as f64 / 1e6,
            it.answering_cpu_s
        ),
    ]
    .concat()
}

fn shape(shape: Shape) -> &'static str {
    match shape {
        Shape::ManyObjectsARecord => "many objects a record",
        Shape::OneObjectARecord => "one object a record",
    }
}

fn row(what: &str, seconds: f64, more: &str) -> String {
    format!("{what:<50} {seconds:>8.2} s   {more}\n").replace("   \n", "\n")
}

/// Where a phase went: the driver is one thread, and what it neither worked nor queued for a core it
/// waited for the disk, for signatures, or for something to do.
fn phase(what: &str, phase: &Phase) -> String {
    let (wall, usage) = (phase.wall_s, &phase.usage);
    let driver = usage.named("driver");
    format!(
        "  {what:<26} {wall:>6.2} s: driver {:.2} s CPU, {:.2} s queued for a core, {:.2} s waiting; tokio {:.2} s, \
         verifying {:.2} s, RocksDB's own threads {:.2} s CPU; {:.1} MB to disk\n",
        driver.cpu_s,
        driver.queued_s,
        (wall - driver.cpu_s - driver.queued_s).max(0.0),
        usage.named("tokio").cpu_s,
        usage.ended_s(),
        usage.named("rocksdb").cpu_s,
        usage.written as f64 / 1e6,
    )
}
