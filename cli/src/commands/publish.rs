//! `certmesh publish`: shares a STIX bundle, or one object, with every member.
//!
//! All of the file is checked before any of it leaves: [`prepare`] reads it, [`split`] cuts it into records.

mod prepare;
mod split;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use certmesh_api::{Client, ClientError, PublishRequest};
use certmesh_intel::Tlp;
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::CommandError;
use crate::file;
use crate::progress::Progress;
use crate::session::{Session, talk};
use crate::table::count;

/// The longest file that is read, in bytes.
const FILE_BYTES: u64 = 256 * 1024 * 1024;

/// Publishes a STIX 2.1 bundle, or one object, to every member
///
/// Every object is checked first; if one is wrong, nothing of the file is published. Objects are published exactly as they
/// stand in the file. What is unmarked counts as TLP:AMBER, unless --tlp marks it. TLP:RED and TLP:AMBER+STRICT are refused:
/// what is published goes to every member of the mesh.
///
/// Publishing the same objects again is safe: they are not shown twice.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh publish report.json
  certmesh publish report.json --tlp green
  convert-report | certmesh publish - --json")]
pub(crate) struct Publish {
    /// A STIX bundle or object, `-` for stdin
    file: PathBuf,
    /// Mark objects that have no TLP: clear, green or amber
    #[arg(long, value_name = "LEVEL")]
    tlp: Option<Tlp>,
}

impl Publish {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let bytes = file::read(&self.file, FILE_BYTES)?;
        let name = file::shown(&self.file);
        let prepared = prepare::prepare(&bytes, self.tlp).map_err(|fault| fault.after(&name))?;
        if self.tlp.is_none() && prepared.unmarked > 0 {
            let unmarked = count(prepared.unmarked, "object");
            talk(format_args!(
                "note: {unmarked} without a TLP marking: AMBER holds (--tlp LEVEL marks them)"
            ));
        }
        let records = split::into_records(&prepared.objects)?;
        let published = send(&session.client(), &prepared.objects, records).await?;
        report(session, &published, &prepared.levels)
    }
}

/// What was published; `publish --json` prints it.
#[derive(Debug, Default, Serialize)]
struct Published {
    objects: u64,
    records: Vec<String>,
}

/// Publishes one record after another, in the order of the file.
async fn send(
    client: &Client,
    objects: &[String],
    records: Vec<Range<usize>>,
) -> Result<Published, CommandError> {
    let progress = Progress::new(objects.len() as u64, "objects");
    let mut published = Published::default();
    for range in records {
        let sent = client.publish(&request(&objects[range])?).await;
        let record = sent.map_err(|error| interrupted(error, &published, objects.len()))?;
        progress.advance(record.objects);
        published.objects += record.objects;
        published.records.push(record.record);
    }
    Ok(published)
}

fn request(objects: &[String]) -> Result<PublishRequest, CommandError> {
    let raw = objects.iter().map(|object| RawValue::from_string(object.clone()));
    let objects = raw.collect::<Result<_, _>>().map_err(CommandError::refused)?;
    Ok(PublishRequest { objects })
}

/// The node's error, with how far it got.
fn interrupted(error: ClientError, published: &Published, objects: usize) -> CommandError {
    let uncertain = matches!(error, ClientError::Broken { .. });
    let error = CommandError::from(error);
    if published.records.is_empty() && !uncertain {
        return error.after("nothing was published");
    }
    let records = count(published.records.len() as u64, "record");
    let known = format!("{} of {objects} objects were published, in {records}", published.objects);
    let doubt = if uncertain { "; the node did not confirm the next one" } else { "" };
    error
        .after(format_args!("{known}{doubt}"))
        .hint_also("then publish the same file again: what is there already is not shown twice")
}

fn report(
    session: &mut Session,
    published: &Published,
    levels: &BTreeMap<Tlp, u64>,
) -> Result<(), CommandError> {
    if session.json() {
        return Ok(session.json_line(published)?);
    }
    let levels: Vec<_> = levels.iter().map(|(tlp, number)| format!("{number} {tlp}")).collect();
    let records = count(published.records.len() as u64, "record");
    let objects = count(published.objects, "object");
    session.line(format_args!("published {objects} ({}) in {records}:", levels.join(", ")))?;
    for record in &published.records {
        session.line(format_args!("  {record}"))?;
    }
    Ok(())
}
