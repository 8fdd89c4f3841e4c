//! `certmesh publish`: shares a STIX bundle, one object, or bare values, with every member.
//!
//! All of it is checked before any of it leaves: [`prepare`] reads a file, [`values`] makes objects of values, [`harm`] looks
//! at what others would suffer, [`split`] cuts it into records.

mod harm;
mod prepare;
mod split;
mod texts;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use certmesh_api::{Client, ClientError, PublishRequest};
use certmesh_intel::display::safe;
use certmesh_intel::formats::{Bundle, bundle_id};
use certmesh_intel::{Object, Tlp};
use clap::Args;
use serde::Serialize;
use serde_json::value::RawValue;
use texts::Texts;
pub(super) use values::{confidence, is_number};

use crate::error::CommandError;
use crate::progress::Progress;
use crate::session::{Session, talk};
use crate::table::count;

const USAGE: &str = "certmesh publish [OPTIONS] --value <[KIND:]VALUE>...
       certmesh publish [OPTIONS] --values <FILE>
       certmesh publish [OPTIONS] <FILE>";

/// Publishes values, or a STIX 2.1 bundle or object, to every member
///
/// Of values, defanged or not, it makes indicators and the observables that they speak of, and says what it takes each for.
/// A file's objects are published exactly as they stand there. Every object is checked first; if one is wrong, or would harm
/// whoever trusts it, nothing is published. What is unmarked counts as TLP:AMBER, unless --tlp marks it. TLP:RED and
/// TLP:AMBER+STRICT are refused: what is published goes to every member of the mesh.
///
/// Publishing a file of objects again is safe: they are not shown twice. Of values, new objects are made each time.
#[derive(Args)]
#[command(override_usage = USAGE, after_help = examples())]
pub(crate) struct Publish {
    /// A STIX bundle or object, `-` for stdin
    #[arg(required_unless_present = "from_values", conflicts_with = "from_values")]
    file: Option<PathBuf>,
    #[command(flatten)]
    values: values::Values,
    /// How it may be shared: clear, green or amber; of a file, what has no TLP yet
    #[arg(long, value_name = "LEVEL")]
    tlp: Option<Tlp>,
    #[command(flatten)]
    harm: harm::Harm,
    /// Print the bundle, and publish nothing
    #[arg(long)]
    dry_run: bool,
}

fn examples() -> String {
    let kinds: Vec<_> = certmesh_intel::recognise::kinds().collect();
    format!(
        "Examples:
  certmesh publish --value 203.0.113.7 --value 'evil[.]example' --tlp green --label c2
  certmesh publish --value 'mutex:Global\\evil' --confidence 80 --note 'seen at two ministries'
  certmesh publish --values hashes.txt --dry-run
  certmesh publish report.json --tlp green
  convert-report | certmesh publish - --json

Kinds that can be said in front of a value:
  {}",
        kinds.join(", ")
    )
}

impl Publish {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        self.tlp.map_or(Ok(()), prepare::check_level)?;
        let prepared = match &self.file {
            Some(path) => {
                // A value in place of a file is to become one.
                if value_for_file(path).is_none() {
                    self.values.refuse_for_file()?;
                }
                self.read_file(path)?
            }
            None => self.values.prepare(session, self.tlp.unwrap_or(Tlp::Amber), self.dry_run).await?,
        };
        let mut prepared = self.harm.check(session, prepared, self.file.is_some(), self.dry_run).await?;
        if self.dry_run {
            return print_bundle(session, &mut prepared.objects);
        }
        publish(session, prepared, "published").await
    }

    fn read_file(&self, path: &Path) -> Result<prepare::Prepared, CommandError> {
        let prepared = prepare::read_file(path, self.tlp).map_err(|fault| perhaps_a_value(path, fault))?;
        if self.tlp.is_none() && prepared.unmarked > 0 {
            let unmarked = count(prepared.unmarked, "object");
            talk(format_args!(
                "note: {unmarked} without a TLP marking: AMBER holds (--tlp LEVEL marks them)"
            ));
        }
        Ok(prepared)
    }
}

/// The fault, with what to do where a value was given in place of a file.
fn perhaps_a_value(path: &Path, fault: CommandError) -> CommandError {
    match value_for_file(path) {
        Some(text) => fault.hint(format_args!(
            "if it is a value, not a file: certmesh publish --value '{}'",
            safe(text, 200)
        )),
        None => fault,
    }
}

/// The value that was given in place of a file.
fn value_for_file(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| !path.exists() && values::is_value(text))
}

/// Publishes the versions that revoke objects.
pub(super) async fn withdrawals(session: &mut Session, objects: Vec<String>) -> Result<(), CommandError> {
    publish(session, prepare::checked(objects)?, "took back").await
}

async fn publish(
    session: &mut Session,
    mut prepared: prepare::Prepared,
    done: &str,
) -> Result<(), CommandError> {
    let published = send(&session.client(), &mut prepared.objects).await?;
    report(session, &published, &prepared.levels, done)
}

/// The objects as a bundle, with the markings that they name.
fn print_bundle(session: &mut Session, objects: &mut Texts) -> Result<(), CommandError> {
    let mut id = String::new();
    for object in objects.each()? {
        id = bundle_id((id + &object?).as_bytes());
    }
    let (mut bundle, mut out) = (Bundle::default(), String::new());
    bundle.begin(&id, &mut out);
    for object in objects.each()? {
        bundle.object(&Object::read(&object?).map_err(CommandError::refused)?, &mut out);
        session.bytes(out.as_bytes())?;
        out.clear();
    }
    bundle.end(&mut out);
    Ok(session.bytes(out.as_bytes())?)
}

/// What was published; `publish --json` prints it.
#[derive(Debug, Default, Serialize)]
struct Published {
    objects: u64,
    /// Of these, how many the node had already, byte for byte.
    known: u64,
    records: Vec<String>,
}

/// Publishes one record after another, in the order of the file.
async fn send(client: &Client, objects: &mut Texts) -> Result<Published, CommandError> {
    let (total, records) = (objects.len(), split::into_records(objects.lengths()));
    let progress = Progress::new(total as u64, "objects");
    let mut published = Published::default();
    let mut texts = objects.each()?;
    for range in records {
        let request = request(texts.by_ref().take(range.len()))?;
        let sent = client.publish(&request).await;
        let record = sent.map_err(|error| interrupted(error, &published, total))?;
        progress.advance(record.objects);
        published.objects += record.objects;
        published.known += record.known;
        published.records.push(record.record);
    }
    Ok(published)
}

fn request(
    objects: impl Iterator<Item = Result<String, CommandError>>,
) -> Result<PublishRequest, CommandError> {
    let raw = objects.map(|object| RawValue::from_string(object?).map_err(CommandError::refused));
    Ok(PublishRequest { objects: raw.collect::<Result<_, _>>()? })
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
    done: &str,
) -> Result<(), CommandError> {
    if session.json() {
        return Ok(session.json_line(published)?);
    }
    let levels: Vec<_> = levels.iter().map(|(tlp, number)| format!("{number} {tlp}")).collect();
    let records = count(published.records.len() as u64, "record");
    let objects = count(published.objects, "object");
    session.line(format_args!("{done} {objects} ({}) in {records}:", levels.join(", ")))?;
    for record in &published.records {
        session.line(format_args!("  {record}"))?;
    }
    if published.known > 0 {
        let words = match published.known {
            all if all == published.objects => "all of them were",
            1 => "1 of them was",
            some => &format!("{some} of them were"),
        };
        talk(format_args!("note: {words} there already, byte for byte"));
    }
    Ok(())
}
