//! A simulated disk under the engine's `Store`: sorted files, and a log of batches that were written
//! since, which is replayed when the disk is opened.
//!
//! A batch counts once its whole frame is on the platter. A crash during the call leaves any part
//! of the frame there, so a torn batch is really torn, and the checksum has to find it.

mod frame;

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use certmesh_engine::store::{Batch, Family, Order, Readable, Store, StoreError, Visit};

/// A map for each family.
type Families<V> = [BTreeMap<Vec<u8>, V>; Family::ALL.len()];
type Files = Families<Vec<u8>>;
type Recent = Families<Option<Vec<u8>>>;

/// Bytes of the log after which it is folded into the sorted files.
const FOLD_BYTES: usize = 64 * 1024;

/// What goes wrong with a commit; the frame's part of so many thousandths reaches the platter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accident {
    /// The machine dies during the call.
    Crash {
        /// Thousandths of the frame.
        kept: u64,
    },
    /// The machine dies as soon as the batch is durable: nobody is told of it.
    CrashAfter,
    /// There is no room left.
    Full {
        /// Thousandths of the frame.
        kept: u64,
    },
}

/// What a backup of a disk holds.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    files: Arc<Files>,
    log: Vec<u8>,
}

/// The disk of one node.
#[derive(Debug, Default)]
pub(crate) struct Disk(Mutex<Platter>);

#[derive(Debug, Default)]
struct Platter {
    /// Durable.
    files: Arc<Files>,
    /// Durable: frames, the last of which may be torn.
    log: Vec<u8>,
    /// What the log's whole frames mean, as readers see it.
    recent: Arc<Recent>,
    accident: Option<Accident>,
    /// A commit has failed: nothing may be written until the disk is opened anew.
    failed: bool,
    /// A machine that died in a commit that succeeded.
    died: bool,
    /// Somebody wrote to it after a failure.
    misused: bool,
}

impl Disk {
    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next commit ends like this.
    pub(crate) fn arrange(&self, accident: Accident) {
        self.platter().accident = Some(accident);
    }

    /// Nothing goes wrong any more.
    pub(crate) fn spare(&self) {
        self.platter().accident = None;
    }

    /// Whether the machine died in its last commit, though the commit succeeded.
    pub(crate) fn died(&self) -> bool {
        self.platter().died
    }

    /// Whether it was written after a failure, which the contract forbids.
    pub(crate) fn misused(&self) -> bool {
        self.platter().misused
    }

    /// What is on the platter, for a backup.
    pub(crate) fn image(&self) -> Image {
        let platter = self.platter();
        Image { files: Arc::clone(&platter.files), log: platter.log.clone() }
    }

    /// Puts a backup in the place of what is there, and opens it.
    pub(crate) fn restore(&self, image: Image) {
        *self.platter() = Platter { files: image.files, log: image.log, ..Platter::default() };
        self.open();
    }

    /// Opens the disk after whatever has happened: what reached the platter whole is there. Says
    /// whether a torn frame was found.
    pub(crate) fn open(&self) -> bool {
        let mut platter = self.platter();
        let (frames, whole) = frame::read(&platter.log);
        let torn = whole < platter.log.len();
        platter.log.truncate(whole);
        let mut recent = Recent::default();
        for write in frames.into_iter().flatten() {
            recent[write.family as usize].insert(write.key, write.value);
        }
        platter.recent = Arc::new(recent);
        (platter.accident, platter.failed, platter.died) = (None, false, false);
        torn
    }

    fn moment(&self) -> Moment {
        let platter = self.platter();
        Moment { files: Arc::clone(&platter.files), recent: Arc::clone(&platter.recent) }
    }
}

impl Platter {
    fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let fault = |cause: &str| StoreError { doing: "writing", cause: cause.into() };
        if self.failed {
            self.misused = true;
            return Err(fault("the disk was written again after a failure"));
        }
        let frame = frame::encode(batch);
        let accident = self.accident.take();
        if let Some(Accident::Crash { kept } | Accident::Full { kept }) = accident {
            self.failed = true;
            self.log.extend_from_slice(&frame[..frame.len() * kept as usize / 1_000]);
            return Err(fault("the disk failed"));
        }
        self.died = accident == Some(Accident::CrashAfter);
        self.log.extend_from_slice(&frame);
        let recent = Arc::make_mut(&mut self.recent);
        for write in &batch.writes {
            recent[write.family as usize].insert(write.key.clone(), write.value.clone());
        }
        if self.log.len() > FOLD_BYTES {
            self.fold();
        }
        Ok(())
    }

    fn fold(&mut self) {
        let files = Arc::make_mut(&mut self.files);
        let recent = std::mem::take(Arc::make_mut(&mut self.recent));
        for (files, recent) in files.iter_mut().zip(recent) {
            for (key, value) in recent {
                match value {
                    Some(value) => drop(files.insert(key, value)),
                    None => drop(files.remove(&key)),
                }
            }
        }
        self.log = Vec::new();
    }
}

/// What readers see at one moment.
struct Moment {
    files: Arc<Files>,
    recent: Arc<Recent>,
}

impl Readable for Moment {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(match self.recent[family as usize].get(key) {
            Some(value) => value.clone(),
            None => self.files[family as usize].get(key).cloned(),
        })
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        if from >= to {
            return Ok(());
        }
        let range = (Bound::Included(from), Bound::Excluded(to));
        let files = self.files[family as usize].range::<[u8], _>(range);
        let recent = self.recent[family as usize].range::<[u8], _>(range);
        let _: ControlFlow<()> = match order {
            Order::Ascending => merge(files, recent, |one, other| one < other, visit),
            Order::Descending => merge(files.rev(), recent.rev(), |one, other| one > other, visit),
        };
        Ok(())
    }
}

impl Readable for Disk {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.moment().get(family, key)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        self.moment().scan(family, from, to, order, visit)
    }
}

impl Store for Disk {
    fn freeze(&self, look: &mut dyn FnMut(&dyn Readable)) -> Result<(), StoreError> {
        look(&self.moment());
        Ok(())
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        self.platter().write(batch)
    }
}

/// Visits what two sorted ranges hold; where both have a key, the recent one counts.
fn merge<'a>(
    files: impl Iterator<Item = (&'a Vec<u8>, &'a Vec<u8>)>,
    recent: impl Iterator<Item = (&'a Vec<u8>, &'a Option<Vec<u8>>)>,
    comes_first: impl Fn(&[u8], &[u8]) -> bool,
    visit: Visit<'_>,
) -> ControlFlow<()> {
    let (mut files, mut recent): (Peekable<_>, Peekable<_>) = (files.peekable(), recent.peekable());
    loop {
        let (key, value) = match (files.peek(), recent.peek()) {
            (None, None) => return ControlFlow::Continue(()),
            (Some((file, _)), Some((newer, _))) if file == newer => {
                files.next();
                continue;
            }
            (Some((file, value)), newer) if newer.is_none_or(|(newer, _)| comes_first(file, newer)) => {
                let found = (*file, Some(*value));
                files.next();
                found
            }
            (_, Some((newer, value))) => {
                let found = (*newer, value.as_ref());
                recent.next();
                found
            }
            (Some(_), None) => return ControlFlow::Continue(()),
        };
        if let Some(value) = value
            && visit(key, value).is_break()
        {
            return ControlFlow::Break(());
        }
    }
}

#[cfg(test)]
mod tests {
    use certmesh_engine::store::{Write, contract};

    use super::*;

    fn batch(key: &[u8], value: &[u8]) -> Batch {
        Batch { writes: vec![Write::put(Family::Log, key, value), Write::put(Family::Index, key, value)] }
    }

    #[test]
    fn keeps_the_contract() {
        contract::check(&Disk::default());
    }

    #[test]
    fn keeps_the_contract_when_every_batch_is_folded() {
        let disk = Disk::default();
        let filler = Write::put(Family::Meta, vec![0; 8], vec![0; FOLD_BYTES]);
        disk.commit(&Batch { writes: vec![filler] }).expect("a healthy disk");
        contract::check(&disk);
        disk.open();
        assert_eq!(disk.get(Family::Index, b"b\xff"), Ok(Some(b"3".to_vec())));
    }

    #[test]
    fn a_batch_is_there_whole_or_not_at_all_wherever_it_tears() {
        for kept in 0..=1_000 {
            let disk = Disk::default();
            disk.commit(&batch(b"a", b"1")).expect("a healthy disk");
            disk.arrange(Accident::Crash { kept });
            assert!(disk.commit(&batch(b"b", b"2")).is_err());
            assert_eq!(disk.get(Family::Log, b"b"), Ok(None), "no reader sees what failed");
            assert!(disk.commit(&batch(b"c", b"3")).is_err() && disk.misused());
            disk.open();
            let found = [Family::Log, Family::Index].map(|family| disk.get(family, b"b").expect("a read"));
            let whole = (kept == 1_000).then(|| b"2".to_vec());
            assert_eq!(found, [whole.clone(), whole], "{kept}");
            assert_eq!(disk.get(Family::Log, b"a"), Ok(Some(b"1".to_vec())));
            disk.commit(&batch(b"d", b"4")).expect("an opened disk");
            disk.open();
            assert_eq!(disk.get(Family::Log, b"d"), Ok(Some(b"4".to_vec())), "the tail was cut off");
        }
    }

    #[test]
    fn a_backup_brings_back_what_was() {
        let disk = Disk::default();
        disk.commit(&batch(b"a", b"1")).expect("a healthy disk");
        let image = disk.image();
        disk.commit(&batch(b"a", b"2")).expect("a healthy disk");
        disk.restore(image);
        assert_eq!(disk.get(Family::Log, b"a"), Ok(Some(b"1".to_vec())));
    }
}
