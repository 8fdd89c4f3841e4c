//! Lists of values: filtered, and cut to the surest where the reader takes only so many.
//!
//! The surest are found by counting first how many values there are of each rank, so that a page of any list takes two
//! readings and no memory.

use std::ops::ControlFlow;

use certmesh_engine::store::StoreError;
use certmesh_engine::{Listed, listed};
use certmesh_intel::formats::{Feed, Row, Source, Writer};

use super::making::{Making, Outcome};
use super::wanted::{Since, Wanted};

/// How sure a value is that says nothing of it.
const UNSAID: u8 = 50;
/// Members beyond this number make nothing surer.
const MEMBERS: usize = 15;
/// Ranks: confidence, then the number of members that report it.
const RANKS: usize = 101 * (MEMBERS + 1);

/// Writes the rows of a list, of which the writer has not said anything yet. Its beginning is the caller's: it may depend
/// on the rows.
pub(super) fn write(
    making: &mut Making<'_>,
    feed: Feed,
    wanted: &Wanted,
    writer: &mut dyn Writer,
) -> Outcome {
    let mut window = match wanted.limit {
        Some(limit) => Window::of(&ranks(making, feed, wanted)?, limit, wanted.page),
        None => Window::whole(),
    };
    let mut probe = wanted.limit.and_then(|_| Probe::of(feed));
    let mut taken_by_all = true;
    let mut left_out = 0_u64;
    each(making, feed, wanted, &mut |making, row| {
        let members = members(&row);
        let as_row = as_row(&row, &members);
        if probe.as_mut().is_some_and(|probe| !probe.takes(&as_row)) {
            left_out += 1;
            return ControlFlow::Continue(());
        }
        if !window.takes(rank(&row)) {
            return ControlFlow::Continue(());
        }
        if !writer.row(&as_row, making.out.text()) {
            left_out += 1;
        }
        let flow = making.out.flow();
        taken_by_all &= flow.is_continue();
        flow
    })?;
    if taken_by_all {
        writer.end(making.out.text());
    }
    if left_out > 0 {
        tracing::debug!(list = feed.name(), left_out, "values that the format can't say");
    }
    Ok(())
}

/// Visits every row that may be in the list.
pub(super) fn each(
    making: &mut Making<'_>,
    feed: Feed,
    wanted: &Wanted,
    visit: &mut dyn FnMut(&mut Making<'_>, Listed) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let kinds = wanted.kinds_of(feed);
    if kinds.as_ref().is_some_and(Vec::is_empty) {
        return Ok(());
    }
    let kinds: Vec<&str> = kinds.iter().flatten().map(String::as_str).collect();
    let (store, reader, allow) = (making.store, making.reader, making.allow);
    let since_ms = wanted.since.map(|since| since.at(reader.now_ms));
    let others_end_ms = listed(store, &reader, &kinds, None, &mut |row| {
        let fits = (wanted.members.is_empty()
            || row.members.iter().any(|code| wanted.members.contains(code)))
            && (wanted.labels.is_empty() || row.labels.iter().any(|label| wanted.labels.contains(label)))
            && wanted.confidence.is_none_or(|least| row.confidence.is_some_and(|found| found >= least))
            && since_ms.is_none_or(|since| row.arrival >= since)
            && allow.holds_back(&row.kind, &row.value).is_none();
        if !fits {
            return ControlFlow::Continue(());
        }
        making.out.ends(row.next_end_ms);
        if let Some(Since::Age(age)) = wanted.since {
            making.out.ends(Some(row.arrival.saturating_add(age)));
        }
        visit(making, row)
    })?;
    making.out.ends(others_end_ms);
    Ok(())
}

/// The codes of the members that report it.
pub(super) fn members(row: &Listed) -> String {
    row.members.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

pub(super) fn as_row<'a>(row: &'a Listed, members: &'a str) -> Row<'a> {
    Row {
        kind: &row.kind,
        value: &row.value,
        members,
        confidence: row.confidence,
        labels: &row.labels,
        object_id: &row.object_id,
        tlp: row.tlp,
        first_seen_ms: row.first_seen_ms,
        changed_ms: row.arrival,
        valid_until_ms: row.valid_until_ms,
        // What has no name of its own is called by its pattern.
        name: row.name.as_deref().filter(|name| !name.starts_with('[')),
    }
}

/// The greater, the surer.
fn rank(row: &Listed) -> usize {
    let confidence = usize::from(row.confidence.unwrap_or(UNSAID).min(100));
    confidence * (MEMBERS + 1) + row.members.len().min(MEMBERS)
}

/// Whether a list can say a row, asked before it is counted: what it can't say takes nobody's place.
struct Probe {
    writer: Box<dyn Writer>,
    text: String,
}

impl Probe {
    fn of(feed: Feed) -> Option<Self> {
        match feed.source() {
            Source::Rows(writer) => Some(Self { writer, text: String::new() }),
            Source::Objects | Source::Fixed(_) => None,
        }
    }

    fn takes(&mut self, row: &Row<'_>) -> bool {
        self.text.clear();
        self.writer.row(row, &mut self.text)
    }
}

/// How many values there are of each rank.
fn ranks(making: &mut Making<'_>, feed: Feed, wanted: &Wanted) -> Result<Vec<u64>, StoreError> {
    let (mut ranks, mut probe) = (vec![0; RANKS], Probe::of(feed));
    each(making, feed, wanted, &mut |_, row| {
        let members = members(&row);
        if probe.as_mut().is_none_or(|probe| probe.takes(&as_row(&row, &members))) {
            ranks[rank(&row)] += 1;
        }
        ControlFlow::Continue(())
    })?;
    Ok(ranks)
}

/// Which values are on a page: of each rank those from one place to another, in the order of their keys.
struct Window {
    /// Of each rank: how many to pass over yet, and how many to take then. Absent: everything.
    of_rank: Option<Vec<(u64, u64)>>,
}

impl Window {
    fn whole() -> Self {
        Self { of_rank: None }
    }

    fn of(ranks: &[u64], limit: u64, page: u64) -> Self {
        let (mut skip, mut take) = (limit.saturating_mul(page - 1), limit);
        let mut of_rank = vec![(0, 0); ranks.len()];
        for (rank, count) in ranks.iter().enumerate().rev() {
            let skipped = skip.min(*count);
            let taken = take.min(count - skipped);
            of_rank[rank] = (skipped, taken);
            (skip, take) = (skip - skipped, take - taken);
        }
        Self { of_rank: Some(of_rank) }
    }

    fn takes(&mut self, rank: usize) -> bool {
        let Some(of_rank) = &mut self.of_rank else { return true };
        match &mut of_rank[rank] {
            (0, 0) => false,
            (0, take) => {
                *take -= 1;
                true
            }
            (skip, _) => {
                *skip -= 1;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    /// What pages of three take of these ranks, which come in this order.
    fn pages(order: &[usize]) -> Vec<Vec<usize>> {
        let mut ranks = vec![0; 10];
        order.iter().for_each(|rank| ranks[*rank] += 1);
        let page = |page| {
            let mut window = Window::of(&ranks, 3, page);
            (0..order.len()).filter(|at| window.takes(order[*at])).collect()
        };
        (1..=4).map(page).collect()
    }

    #[test]
    fn pages_take_the_surest_first_and_each_once() {
        assert_eq!(pages(&[5, 9, 5, 1, 5, 9, 5]), [vec![0, 1, 5], vec![2, 4, 6], vec![3], vec![]]);
        assert_eq!(pages(&[1, 2, 3]), [vec![0, 1, 2], vec![], vec![], vec![]]);
        assert_eq!(pages(&[]), vec![Vec::<usize>::new(); 4]);
    }
}
