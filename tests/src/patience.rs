//! Waiting for what happens soon, but not at once: with a deadline, and with words for what was
//! seen last when it does not happen.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Long enough for the slowest machine; nothing waits this long when it works.
pub const PATIENCE: Duration = Duration::from_secs(45);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks again and again until there is what `look` looks for, and gives it.
///
/// # Panics
/// After [`PATIENCE`], with the last reason why not.
#[track_caller]
pub fn eventually<T, E: Display>(what: &str, look: impl FnMut() -> Result<T, E>) -> T {
    eventually_within(PATIENCE, what, look)
}

/// The same for what may take longer than others do.
///
/// # Panics
/// After `patience`, with the last reason why not.
#[track_caller]
pub fn eventually_within<T, E: Display>(
    patience: Duration,
    what: &str,
    mut look: impl FnMut() -> Result<T, E>,
) -> T {
    let start = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(why) if start.elapsed() > patience => {
                panic!("waited {} s in vain for {what}; at last: {why}", patience.as_secs())
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// Looks again and again until `holds` does.
///
/// # Panics
/// After [`PATIENCE`].
#[track_caller]
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    eventually(what, || if holds() { Ok(()) } else { Err("not yet") });
}
