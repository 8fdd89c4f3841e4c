//! What the index costs and gives, as a table.

use std::fmt::Write;

use super::Indexed;
use super::asking::Rate;
use crate::sample::Spread;

/// Values a second a core: `DESIGN.md`, section 11.
const AIM: f64 = 500_000.0;

/// A table with a column for each size.
pub(crate) fn words(results: &[Indexed]) -> String {
    let mut table = format!("{:<52}", "one process, one core; indicators held");
    for result in results {
        let _ = write!(table, "{:>14}", result.objects);
    }
    let growth = results.len() > 1;
    let _ = writeln!(table, "{}", if growth { "        growth" } else { "" });
    let mut row = |name: &str, of: &dyn Fn(&Indexed) -> f64, digits: usize| {
        let _ = write!(table, "{name:<52}");
        let values: Vec<_> = results.iter().map(of).collect();
        for value in &values {
            let _ = write!(table, "{value:>14.digits$}");
        }
        if let (true, Some(first), Some(last)) = (growth, values.first(), values.last()) {
            let _ = write!(table, "{:>12.2} ×", last / first);
        }
        table.push('\n');
    };
    let us = |spread: &Spread| spread.p50_ms * 1_000.0;
    row("taken in: indicators a second, one core", &|it| it.ingest_rate(), 0);
    row("  of that, signature and reading, %", &|it| it.share(it.ingest.verify_s), 1);
    row("  versions and rows, %", &|it| it.share(it.ingest.admit_s), 1);
    row("  the index in the store's batches, %", &|it| it.share(it.index_commit_s()), 1);
    row("  the rest of the batches, %", &|it| it.share(it.ingest.bare_commit_s), 1);
    row("index keys an indicator", &|it| it.each(it.ingest.written.index_keys), 2);
    row("index bytes an indicator, as they are written", &|it| it.each(it.ingest.written.index_bytes), 0);
    row("text bytes an indicator", &|it| it.each(it.ingest.text_bytes), 0);
    row("disk bytes an indicator, with everything", &|it| it.disk.whole as f64 / it.objects as f64, 0);
    row("  of that, the index", &|it| (it.disk.whole as f64 - it.disk.bare as f64) / it.objects as f64, 0);
    row("check of a known value, µs p50", &|it| us(&it.answers.check_known), 1);
    row("  p99", &|it| it.answers.check_known.p99_ms * 1_000.0, 1);
    row("check of an unknown value, µs p50", &|it| us(&it.answers.check_unknown), 2);
    row("check of a parent domain, µs p50", &|it| us(&it.answers.check_subdomains), 1);
    row("query by value, µs p50", &|it| us(&it.answers.query_value), 1);
    row("query by type, a page of 100, µs p50", &|it| us(&it.answers.query_type), 0);
    row("query by label, a page of 100, µs p50", &|it| us(&it.answers.query_label), 0);
    row("why, µs p50", &|it| us(&it.answers.why), 1);
    row("related, µs p50", &|it| us(&it.answers.related), 1);
    let rate = |rate: Rate| rate.per_s();
    row("bulk check, values a second (1 in 100 known)", &|it| rate(it.answers.bulk), 0);
    row("  reading the values alone", &|it| rate(it.answers.bulk_read), 0);
    row("collection, objects a second", &|it| rate(it.answers.collected), 0);
    row("list of all values, rows a second", &|it| rate(it.answers.listed), 0);
    row("filter of known values, keys a second at a start", &|it| rate(it.answers.filled), 0);
    row(
        "filter of known values, bits a key",
        &|it| it.answers.filter_bytes as f64 * 8.0 / it.objects as f64,
        1,
    );
    row("memory of the process, MiB at most", &|it| it.memory[1] as f64 / f64::from(1 << 20), 0);
    let _ = writeln!(
        table,
        "\nAim of the bulk check: {AIM:.0} values a second a core. Disk is counted once RocksDB is done."
    );
    table
}

impl Indexed {
    fn index_commit_s(&self) -> f64 {
        (self.ingest.commit_s - self.ingest.bare_commit_s).max(0.0)
    }

    fn ingest_s(&self) -> f64 {
        self.ingest.verify_s + self.ingest.admit_s + self.ingest.commit_s
    }

    fn ingest_rate(&self) -> f64 {
        self.ingest.objects as f64 / self.ingest_s()
    }

    fn share(&self, seconds: f64) -> f64 {
        100.0 * seconds / self.ingest_s()
    }

    fn each(&self, count: u64) -> f64 {
        count as f64 / self.ingest.objects as f64
    }
}
