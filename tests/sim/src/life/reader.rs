//! A tool that polls a node: it reads on from the last arrival that it has seen, and must miss nothing
//! and see nothing twice.

use std::collections::BTreeSet;

use certmesh_engine::store::Store;
use certmesh_engine::{Query, Reader as Asker, after, query};

/// The cursor, and what was seen on the way.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    cursor: u64,
    /// The last arrival that it was told of; past versions have one, too, and are not shown.
    told: u64,
    seen: BTreeSet<u64>,
}

impl Reader {
    /// The node says that everything up to this arrival may be shown; reads it. What is wrong, if
    /// anything is.
    pub(super) fn read(&mut self, store: &dyn Store, last_arrival: u64) -> Option<String> {
        if last_arrival <= self.told {
            return Some(format!("arrival {last_arrival} comes after {} was told", self.told));
        }
        self.told = last_arrival;
        self.poll(store);
        let cursor = self.cursor;
        (cursor > last_arrival).then(|| format!("{cursor} is shown, and {last_arrival} the last one told"))
    }

    /// Reads on, to the end.
    fn poll(&mut self, store: &dyn Store) {
        loop {
            let page = after(store, self.cursor).expect("a simulated disk can be read");
            self.seen.extend(page.objects.iter().map(|object| object.arrival));
            self.cursor = page.next;
            if !page.more {
                return;
            }
        }
    }

    /// Something that readers may see and that this one has missed, once it has polled again.
    pub(crate) fn missed(&mut self, store: &dyn Store) -> Option<String> {
        self.poll(store);
        let mut before = None;
        loop {
            let page = query(store, &Asker::operator(0), &Query::default(), before, 500)
                .expect("a simulated disk can be read");
            if let Some(missed) = page.objects.iter().find(|object| !self.seen.contains(&object.arrival)) {
                return Some(format!("{} with arrival {}", missed.id, missed.arrival));
            }
            before = page.next;
            before?;
        }
    }
}
