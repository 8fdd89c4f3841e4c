//! Nodes that were hung up on for what they said, and until when they aren't let in again.
//!
//! Not dialling them would not do: they would be back within a second by a dial of their own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use certmesh_wire::NodeId;

/// The first rest: a fault that passes, such as a half-finished upgrade, costs little.
const FIRST: Duration = Duration::from_secs(15);
/// The longest rest. Its records come through others meanwhile.
const LONGEST: Duration = Duration::from_secs(300);
/// How long after a rest the next one counts as a repetition.
const REMEMBERED: Duration = Duration::from_secs(600);

#[derive(Debug)]
struct Rest {
    until: Instant,
    times: u32,
    over: bool,
}

/// The nodes at rest, and those that rested lately.
#[derive(Debug, Default)]
pub(crate) struct Rests(BTreeMap<NodeId, Rest>);

impl Rests {
    /// Begins a rest, longer with each repetition. Returns its end; `None` if the node rests already.
    pub(crate) fn begin(&mut self, now: Instant, node: NodeId) -> Option<Instant> {
        self.0.retain(|_, rest| !rest.over || now < rest.until + REMEMBERED);
        let rest = self.0.entry(node).or_insert(Rest { until: now, times: 0, over: true });
        if !rest.over {
            return None;
        }
        rest.until = now + FIRST.saturating_mul(1 << rest.times.min(16)).min(LONGEST);
        (rest.times, rest.over) = (rest.times.saturating_add(1), false);
        Some(rest.until)
    }

    /// A node whose rest is over. Each is told once.
    pub(crate) fn over(&mut self, now: Instant) -> Option<NodeId> {
        let (node, rest) = self.0.iter_mut().find(|(_, rest)| !rest.over && rest.until <= now)?;
        rest.over = true;
        Some(*node)
    }

    /// When [`Rests::over`] is worth asking again.
    pub(crate) fn next_over(&self) -> Option<Instant> {
        self.0.values().filter(|rest| !rest.over).map(|rest| rest.until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId([1; 32]);

    #[test]
    fn rests_grow_and_are_forgotten() {
        let (mut now, mut rests) = (Instant::now(), Rests::default());
        for seconds in [15, 30, 60, 120, 240, 300, 300] {
            let until = rests.begin(now, NODE).unwrap();
            assert_eq!(until, now + Duration::from_secs(seconds));
            assert_eq!(rests.begin(now, NODE), None, "one fault, told twice");
            assert_eq!((rests.over(now), rests.next_over()), (None, Some(until)));
            assert_eq!((rests.over(until), rests.over(until)), (Some(NODE), None));
            assert_eq!(rests.next_over(), None);
            now = until;
        }
        now += REMEMBERED;
        assert_eq!(rests.begin(now, NODE), Some(now + FIRST));
    }
}
