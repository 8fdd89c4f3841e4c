//! A bar on stderr for what takes over a second, when somebody looks.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a command may be silent.
const PATIENCE: Duration = Duration::from_secs(1);

/// Hidden until the patience is over; indicatif keeps it hidden where stderr is no terminal.
pub(crate) struct Progress {
    bar: ProgressBar,
    begun: Instant,
}

impl Progress {
    /// Of `total` things, such as `objects`.
    pub(crate) fn new(total: u64, things: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} {msg}, {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(things.to_owned());
        Self { bar, begun: Instant::now() }
    }

    /// Of bytes of input, where `total` is known, while `things` are counted by [`Self::say`].
    pub(crate) fn of_bytes(total: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        let template = match total {
            Some(_) => "{bar:40} {bytes} of {total_bytes}, {msg}, {elapsed}",
            None => "{bytes}, {msg}, {elapsed}",
        };
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Self { bar, begun: Instant::now() }
    }

    /// What has come of it so far.
    pub(crate) fn say(&self, words: String) {
        self.bar.set_message(words);
    }

    /// So many more are done.
    pub(crate) fn advance(&self, by: u64) {
        if self.bar.is_hidden() && self.begun.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(by);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
