//! The node's allow-list: read when the node starts, and again on SIGHUP.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use certmesh_intel::allow::{AllowFault, AllowList};
use tokio::sync::watch;

/// Why an allow-list can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AllowListFault {
    /// The file can't be read.
    #[error("can't read the allow-list {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A line means nothing.
    #[error("the allow-list {} is wrong: {fault}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Which line, and why.
        fault: AllowFault,
    },
}

/// The list as it stands; everyone's end.
#[derive(Debug, Clone)]
pub(crate) struct Allowed(watch::Receiver<(u64, Arc<AllowList>)>);

impl Allowed {
    /// The list at this moment.
    pub(crate) fn now(&self) -> Arc<AllowList> {
        Arc::clone(&self.0.borrow().1)
    }

    /// How often it has been read again.
    pub(crate) fn version(&self) -> u64 {
        self.0.borrow().0
    }
}

/// The file behind the list.
pub(crate) struct AllowFile {
    path: Option<PathBuf>,
    set: watch::Sender<(u64, Arc<AllowList>)>,
}

impl AllowFile {
    /// Reads the list; without a path it is empty.
    pub(crate) fn open(path: Option<PathBuf>) -> Result<(Self, Allowed), AllowListFault> {
        let list = path.as_deref().map(read).transpose()?.unwrap_or_default();
        let (set, allowed) = watch::channel((0, Arc::new(list)));
        Ok((Self { path, set }, Allowed(allowed)))
    }

    /// Reads it again. What can't be read leaves the list as it was: it keeps things out of firewalls, so an old list is
    /// better than none.
    pub(crate) fn read_again(&self) {
        let Some(path) = &self.path else { return };
        match read(path) {
            Ok(list) => {
                tracing::info!(entries = list.len(), "read the allow-list again");
                self.set.send_modify(|(version, now)| (*version, *now) = (*version + 1, Arc::new(list)));
            }
            Err(fault) => tracing::error!("{fault}; the list stays as it was"),
        }
    }
}

fn read(path: &Path) -> Result<AllowList, AllowListFault> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| AllowListFault::Unreadable { path: path.into(), cause })?;
    AllowList::read(&text).map_err(|fault| AllowListFault::Wrong { path: path.into(), fault })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_breaks_leaves_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("allow");
        let fails = |path: &Path| AllowFile::open(Some(path.into())).err().unwrap().to_string();
        assert!(fails(&path).contains("can't read the allow-list"));
        std::fs::write(&path, "a.example\n1.2.3.4/99").unwrap();
        assert!(fails(&path).contains("line 2"));
        std::fs::write(&path, "a.example").unwrap();
        let (file, allowed) = AllowFile::open(Some(path.clone())).unwrap();
        assert_eq!(allowed.now().len(), 1);
        std::fs::write(&path, "a.example\nb.example").unwrap();
        file.read_again();
        assert_eq!(allowed.now().len(), 2);
        std::fs::write(&path, "1.2.3.4/99").unwrap();
        file.read_again();
        assert_eq!(allowed.now().len(), 2);
    }
}
