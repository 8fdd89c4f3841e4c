//! SOC tools in words: a column for each number of indicators.

use super::Held;
use crate::sample::Spread;

/// The least share of a static file server's rate at which everything is polled: `DESIGN.md`, section 11.
const AIM: f64 = 0.5;

/// A table.
pub(crate) fn words(held: &[Held]) -> String {
    let row = |what: &str, of: &dyn Fn(&Held) -> String| {
        let columns: String = held.iter().map(|one| format!("{:>18}", of(one))).collect();
        format!("{what:<46}{columns}\n")
    };
    let ms = |spread: Spread| format!("{:.2} / {:.2}", spread.p50_ms, spread.p99_ms);
    let mut text = [
        row("SOC tools: indicators held", &|one| one.objects.to_string()),
        row("full TAXII poll, objects/s", &|one| format!("{:.0}", one.poll.objects_per_s(one.objects))),
        row("  MB/s, in pages", &|one| format!("{:.0}, {}", one.poll.megabytes_per_s(), one.poll.pages)),
        row("  a static file server, same bytes, MB/s", &|one| {
            format!("{:.0}", one.poll.bytes as f64 / 1e6 / one.poll.raw_s)
        }),
        row(&format!("  share of that (aim: ≥ {AIM})"), &|one| {
            format!("{:.2}", one.poll.raw_s / one.poll.wall_s)
        }),
        row("  the node's CPU time, s of wall s", &|one| {
            format!("{:.2} of {:.2}", one.poll.node_cpu_s, one.poll.wall_s)
        }),
        row("one object by its id, p50 / p99 ms", &|one| ms(one.object)),
        row("a poll with nothing new, p50 / p99 ms", &|one| ms(one.nothing_new)),
        row("/healthz, p50 / p99 ms", &|one| ms(one.health)),
        row("bulk check, values/s (a tenth known)", &|one| format!("{:.0}", one.check.values_per_s())),
        row("  by CPU second of the node", &|one| format!("{:.0}", one.check.values_per_core_s())),
        row("the node's memory, now / most MiB", &|one| {
            format!("{} / {}", one.memory.now >> 20, one.memory.most >> 20)
        }),
        row("loading, s", &|one| format!("{:.1}", one.loading_s)),
    ]
    .concat();
    for (at, feed) in held.first().map_or(&[][..], |one| &one.feeds).iter().enumerate() {
        text += &row(&format!("{}, first / again ms", feed.path), &|one| {
            one.feeds.get(at).map_or_else(String::new, |feed| {
                format!("{:.0} / {:.1}", feed.first_s * 1e3, feed.again_s * 1e3)
            })
        });
    }
    text
}
