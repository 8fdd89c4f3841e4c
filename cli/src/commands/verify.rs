//! `certmesh verify`: checks an export without a node, against a roster that is trusted already.

mod audit;
mod documents;
mod logs;
mod words;

use std::path::PathBuf;

use certmesh_wire::{Export, MeshId};
use clap::Args;

use crate::error::CommandError;
use crate::file;
use crate::session::Session;
use crate::table::count;

use self::audit::Audit;

/// The longest export that is read into memory, in bytes.
const FILE_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// Checks exported records: every signature, every chain, every body (offline)
///
/// Needs the file that `certmesh export --records` wrote, and the mesh's roster, which you must trust already: compare the
/// mesh id, or give it with --mesh-id.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh verify backup.records --roster roster.cbor
  certmesh verify backup.records --roster roster.cbor --roster roster-1.cbor")]
pub(crate) struct Verify {
    /// The exported records, `-` for stdin
    file: PathBuf,
    /// The mesh's roster; if it has changed, every version of it, from 0 on
    #[arg(long, required = true)]
    roster: Vec<PathBuf>,
    /// The mesh id that the roster must have, in hex
    #[arg(long, value_name = "HEX")]
    mesh_id: Option<MeshId>,
}

impl Verify {
    pub(crate) fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let trusted = documents::trusted(&self.roster, self.mesh_id)?;
        let bytes = file::read(&self.file, FILE_BYTES)?;
        if let (Err(fault), false) = (Export::open(&bytes), session.json()) {
            let what = format!("{} is no export: {fault}", file::shown(&self.file));
            return Err(CommandError::refused(what)
                .hint("an export is the file that `certmesh export --records` writes"));
        }
        let audit = Audit::of(&bytes, trusted.mesh(), trusted.roster());
        if session.json() {
            session.json_line(&words::json(&audit, &trusted))?;
        } else {
            session.line(words::words(&audit, &trusted))?;
        }
        session.flush()?;
        verdict(&audit, &file::shown(&self.file))
    }
}

fn verdict(audit: &Audit, file: &str) -> Result<(), CommandError> {
    match audit.faults() {
        [] => Ok(()),
        [first, rest @ ..] => {
            let more = match rest.len() as u64 {
                0 => String::new(),
                n => format!(" (and {} more)", count(n, "fault")),
            };
            Err(CommandError::refused(format_args!("{file} is not good: {first}{more}"))
                .hint("records that are good can be trusted still; export again to tell a torn file from a forged one"))
        }
    }
}
