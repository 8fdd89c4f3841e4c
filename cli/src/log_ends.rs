//! Where the logs in an export end: what a manifest vouches for, and where a roster cuts whoever leaves.

use std::collections::BTreeMap;
use std::path::Path;

use certmesh_wire::{Checkpoint, Export, LogId, MemberCode, MeshId, NodeId, Record};

use crate::error::CommandError;
use crate::file;

/// The longest export that is read into memory, in bytes.
const EXPORT_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// The last record of each log, by the member whose it is and the node that writes it.
#[derive(Debug, Default)]
pub(crate) struct LogEnds {
    logs: BTreeMap<LogId, ((MemberCode, NodeId), Checkpoint)>,
}

impl LogEnds {
    /// Where this node's logs as this member's end, sorted by log.
    pub(crate) fn of(&self, member: MemberCode, node: NodeId) -> Vec<Checkpoint> {
        self.logs.values().filter(|(of, _)| *of == (member, node)).map(|(_, end)| *end).collect()
    }

    /// Where this member's logs end, of whichever node, sorted by log.
    pub(crate) fn of_member(&self, member: MemberCode) -> Vec<Checkpoint> {
        self.logs.values().filter(|((of, _), _)| *of == member).map(|(_, end)| *end).collect()
    }

    /// Takes the next record of a log: its opening, or the one that follows its last.
    fn follow(&mut self, record: &Record, mesh: MeshId) -> Result<(), String> {
        let header = record.header();
        let end = Checkpoint { log: header.log, seq: header.seq, record: record.id() };
        let writer = match (&header.opening, self.logs.get(&header.log)) {
            (Some(opening), None) => (opening.member, opening.node),
            (None, Some((writer, last))) if header.prev == Some(last.record) => *writer,
            _ => return Err("it does not follow the one before it in its log".to_owned()),
        };
        record.verify(mesh, writer.1).map_err(|fault| fault.to_string())?;
        self.logs.insert(header.log, (writer, end));
        Ok(())
    }
}

/// The ends of the logs in an export, every signature and chain of which is checked. Which member's a node is, and whether
/// the export goes far enough, is for whoever asks to know.
pub(crate) fn read(path: &Path, mesh: MeshId) -> Result<LogEnds, CommandError> {
    let bytes = file::read(path, EXPORT_BYTES)?;
    let refused = |fault: &dyn std::fmt::Display| {
        CommandError::refused(format_args!("{}: {fault}", file::shown(path))).hint(
            "an export is the file that `certmesh export --records` writes; `certmesh verify` tells more",
        )
    };
    let export = Export::open(&bytes).map_err(|fault| refused(&fault))?;
    let mut ends = LogEnds::default();
    for (position, parcel) in (1_u64..).zip(export) {
        let parcel = parcel.map_err(|fault| refused(&fault))?;
        let record = Record::decode(parcel.record()).map_err(|fault| refused(&fault))?;
        ends.follow(&record, mesh).map_err(|fault| refused(&format_args!("record {position}: {fault}")))?;
    }
    Ok(ends)
}
