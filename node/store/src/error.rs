//! Why a store did not open, in the words an operator needs: what happened, what it means, and what
//! to do next.

use std::io;
use std::path::{Path, PathBuf};

use certmesh_wire::MeshId;

/// A store that did not open. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The process may not write where the data should be.
    #[error(
        "the data folder {} can't be written ({source}), so the node could keep nothing; \
         make it writable for the user that runs the node, or choose another", .folder.display()
    )]
    NotWritable {
        /// The folder or file that was refused.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system failed in another way, such as a full disk.
    #[error("{doing} {} failed: {source}; the store was not opened, and nothing in it was changed", .path.display())]
    Io {
        /// What was asked, such as "creating".
        doing: &'static str,
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the folder open.
    #[error(
        "the data folder {} is in use by {}; two nodes can't share one: stop the other, \
         or give this one a folder of its own", .folder.display(), holder(.pid)
    )]
    Locked {
        /// The data folder.
        folder: PathBuf,
        /// The process that holds it, if it said so.
        pid: Option<u32>,
    },
    /// The folder belongs to another mesh.
    #[error(
        "the store in {} belongs to mesh {found}, and this node is configured for mesh {expected}; \
         records of one mesh mean nothing in another: give this node a folder of its own, or correct \
         the mesh in its configuration", .folder.display()
    )]
    OtherMesh {
        /// The folder of the store.
        folder: PathBuf,
        /// The mesh that the store was created for.
        found: MeshId,
        /// The mesh that was asked for.
        expected: MeshId,
    },
    /// A newer certmesh wrote the store.
    #[error(
        "the store in {} has schema {found}, and this certmesh knows schemas up to {known}; \
         it would misread what a newer one wrote: run the newer certmesh", .folder.display()
    )]
    NewerSchema {
        /// The folder of the store.
        folder: PathBuf,
        /// The schema on disk.
        found: u32,
        /// The newest schema that this build reads.
        known: u32,
    },
    /// What is on disk is not what was written.
    #[error(
        "the store in {} is damaged ({cause}), so it can't be trusted to be whole; keep a copy of the \
         folder, check the disk, and start in an empty folder with a new node key: the peers hold \
         every record and send them again", .folder.display()
    )]
    Damaged {
        /// The folder of the store.
        folder: PathBuf,
        /// What was found.
        cause: String,
    },
    /// RocksDB could not read or write its files.
    #[error(
        "the store in {} could not be opened: {cause}; nothing says that it is damaged: \
         look at the disk (room, permissions, mount), then start again", .folder.display()
    )]
    Unavailable {
        /// The folder of the store.
        folder: PathBuf,
        /// What RocksDB said.
        cause: String,
    },
}

fn holder(pid: &Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

impl OpenError {
    /// Sorts what the system said while `doing` something with `path`.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NotWritable { folder: path, source }
            }
            _ => Self::Io { doing, path, source },
        }
    }

    /// Sorts what RocksDB said, which is text with its kind in front.
    pub(crate) fn rocks(folder: &Path, error: rocksdb::Error) -> Self {
        use rocksdb::ErrorKind::{Corruption, InvalidArgument, NotFound};
        let (kind, folder, cause) = (error.kind(), folder.to_owned(), error.into_string());
        // Opening never names a file that RocksDB's own records don't: one that is gone is damage.
        let damaged =
            matches!(kind, Corruption | NotFound | InvalidArgument) || cause.contains("No such file");
        if damaged { Self::Damaged { folder, cause } } else { Self::Unavailable { folder, cause } }
    }

    pub(crate) fn damaged(folder: &Path, cause: &str) -> Self {
        Self::Damaged { folder: folder.to_owned(), cause: cause.to_owned() }
    }
}
