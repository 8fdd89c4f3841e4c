//! `certmesh show`: all that is known of one object.

use certmesh_api::{ClientError, ObjectLine};
use certmesh_intel::Object;
use certmesh_intel::display::safe;
use clap::Args;

use crate::error::CommandError;
use crate::layout::laid_out;
use crate::objects::publisher;
use crate::session::Session;
use crate::table::list;
use crate::time;

/// The head of an object quotes its name or pattern up to here; the properties below are whole.
const NAME: usize = 200;

/// Shows every version of an object, with who published it and when it arrived
#[derive(Args)]
#[command(after_help = "Example:
  certmesh show indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f")]
pub(crate) struct Show {
    /// The object's STIX id
    #[arg(value_name = "STIX-ID")]
    id: String,
}

impl Show {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let mut lines = match session.client().versions(&self.id).await {
            Err(ClientError::Refused { status: 404, .. }) => return Err(self.unknown()),
            lines => lines?,
        };
        let mut versions = 0;
        while let Some(line) = lines.next().await? {
            if session.json() {
                session.json_line(&line)?;
            } else {
                let gap = if versions == 0 { "" } else { "\n" };
                session.line(format_args!("{gap}{}", words(&line)))?;
            }
            versions += 1;
        }
        if versions == 0 { Err(self.unknown()) } else { Ok(()) }
    }

    fn unknown(&self) -> CommandError {
        CommandError::refused(format_args!("this node has no object {}", safe(&self.id, 120)))
            .hint("`certmesh query VALUE` finds objects by what they speak of, and prints their ids")
    }
}

fn words(line: &ObjectLine) -> String {
    let object = Object::read(line.object.get()).ok();
    let named = object.as_ref().and_then(Object::name).map(|name| safe(&name, NAME));
    let mut head = vec![
        ("object", object.as_ref().map_or_else(String::new, |object| safe(object.id(), 256))),
        ("name", named.unwrap_or_else(|| "none".to_owned())),
        ("tlp", safe(&line.tlp, 16)),
        ("published", format!("by {}, node {}", publisher(line), safe(&line.node_id, 64))),
        ("record", safe(&line.record, 64)),
        ("arrival", time::shown(line.arrival)),
    ];
    if object.is_some_and(|object| object.is_revoked()) {
        head.push(("revoked", "yes: its publisher has taken it back".to_owned()));
    }
    format!("{}\n\n{}", list(&head), laid_out(line.object.get()))
}
