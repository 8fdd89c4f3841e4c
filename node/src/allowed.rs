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
pub(crate) struct Allowed(watch::Receiver<Standing>);

/// A list that was read.
#[derive(Debug, Default)]
struct Standing {
    /// How often it has been read again.
    version: u64,
    list: Arc<AllowList>,
    /// Why it is not what the file says now.
    fault: Option<String>,
}

impl Allowed {
    /// The list at this moment.
    pub(crate) fn now(&self) -> Arc<AllowList> {
        Arc::clone(&self.0.borrow().list)
    }

    /// How often it has been read again.
    pub(crate) fn version(&self) -> u64 {
        self.0.borrow().version
    }

    /// Why the file could not be read when it was to be, if that was the last time.
    pub(crate) fn fault(&self) -> Option<String> {
        self.0.borrow().fault.clone()
    }
}

/// The file behind the list.
pub(crate) struct AllowFile {
    path: Option<PathBuf>,
    set: watch::Sender<Standing>,
}

impl AllowFile {
    /// Reads the list; without a path it is empty.
    pub(crate) fn open(path: Option<PathBuf>) -> Result<(Self, Allowed), AllowListFault> {
        let list = path.as_deref().map(read).transpose()?.unwrap_or_default();
        let (set, allowed) = watch::channel(Standing { list: Arc::new(list), ..Standing::default() });
        Ok((Self { path, set }, Allowed(allowed)))
    }

    /// Reads it again. What can't be read leaves the list as it was: it keeps things out of firewalls, so an old list is
    /// better than none.
    pub(crate) fn read_again(&self) {
        let Some(path) = &self.path else { return };
        match read(path) {
            Ok(list) => {
                tracing::info!(entries = list.len(), "read the allow-list again");
                let list = Arc::new(list);
                self.set.send_modify(|was| *was = Standing { version: was.version + 1, list, fault: None });
            }
            Err(fault) => {
                tracing::error!("{fault}; the list stays as it was");
                self.set.send_modify(|was| was.fault = Some(fault.to_string()));
            }
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
        assert_eq!((allowed.now().len(), allowed.fault()), (2, None));
        std::fs::write(&path, "1.2.3.4/99").unwrap();
        file.read_again();
        assert_eq!((allowed.now().len(), allowed.version()), (2, 1));
        assert!(allowed.fault().unwrap().contains("line 1"));
        std::fs::remove_file(&path).unwrap();
        file.read_again();
        assert!(allowed.fault().unwrap().contains("can't read the allow-list"));
        std::fs::write(&path, "").unwrap();
        file.read_again();
        assert_eq!((allowed.now().len(), allowed.fault()), (0, None));
    }
}
