//! `certmesh feed`: the lists that SOC tools read, as files.

mod params;
mod written;

use std::path::PathBuf;

use certmesh_intel::Tlp;
use certmesh_intel::formats::Feed as List;
use clap::Args;

use crate::error::CommandError;
use crate::session::Session;
use crate::table::table;

/// Writes a list for SOC tools: the same that the node serves under /feeds/
///
/// A list holds what is newest, valid, not taken back and marked up to the ceiling; never what the node's allow-list has,
/// what its publisher calls a false positive, or data of an exercise. Without NAME, it tells which lists there are.
///
/// --output replaces a file in one step, and only if the list came whole, so that a tool that reads it never sees half of
/// it; for `misp` and `suricata`, which are several files, it names a folder.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh feed
  certmesh feed domains.txt --ceiling amber
  certmesh feed addresses.txt --confidence 70 --limit 50000 --output /var/www/edl/addresses.txt
  certmesh feed rpz.zone --output /var/lib/bind/rpz.certmesh && rndc reload rpz.certmesh
  certmesh feed suricata --output /etc/suricata/rules/certmesh")]
pub(crate) struct Feed {
    /// A list, or `misp` or `suricata` for all files of one
    name: Option<String>,
    /// Replace this file, or the files in this folder
    #[arg(long, short, value_name = "FILE|FOLDER")]
    output: Option<PathBuf>,
    #[command(flatten)]
    wanted: params::Wanted,
}

impl Feed {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let Some(name) = self.name else { return print_lists(session) };
        let params = self.wanted.params();
        match (&*name, self.output) {
            ("misp" | "suricata", Some(folder)) => written::folder(&name, &params, &folder, session).await,
            ("misp" | "suricata", None) => {
                Err(CommandError::usage(format_args!("{name} is several files, and stdout is one"))
                    .hint(format_args!("name a folder: certmesh feed {name} --output FOLDER")))
            }
            (_, output) => {
                let list: List = name.parse().map_err(unknown)?;
                written::file(list.name(), &params, output.as_deref(), session).await
            }
        }
    }
}

fn unknown(fault: certmesh_intel::formats::UnknownFeed) -> CommandError {
    let near = fault.near().map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    CommandError::usage(fault).hint(format_args!("{near}`certmesh feed` tells which lists there are"))
}

fn print_lists(session: &mut Session) -> Result<(), CommandError> {
    if session.json() {
        for list in List::all() {
            session.json_line(&serde_json::json!({ "name": list.name(), "about": list.about() }))?;
        }
        return Ok(());
    }
    let rows = List::all().map(|list| vec![list.name().to_owned(), list.about().to_owned()]);
    Ok(session.line(table(&["LIST", "WHAT IT HOLDS"], rows))?)
}

/// The marking up to which lists go unless told otherwise.
const CEILING: Tlp = Tlp::Green;
