//! `certmesh revoke`: takes back what this node's member has published.

use certmesh_api::{Client, ObjectLine, QueryParams};
use certmesh_intel::display::safe;
use certmesh_intel::revoke::revoke;
use certmesh_intel::{Object, Question, observable};
use clap::Args;

use super::publish;
use crate::error::CommandError;
use crate::session::{Session, talk};
use crate::table::count;
use crate::time;

/// How many objects are shown one by one before they are taken back.
const SHOWN: usize = 20;

/// Takes back what your member has published: it leaves all lists and checks of every member
///
/// A version of each object is published that revokes it, with everything else as it stood. What others have published of
/// the same thing stays: only they can take that back.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh revoke indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f
  certmesh revoke --value 'evil[.]example'")]
pub(crate) struct Revoke {
    /// STIX ids of objects
    #[arg(value_name = "STIX-ID", required_unless_present = "value")]
    ids: Vec<String>,
    /// Every indicator of yours that this value alone is enough for; again for more
    #[arg(long, value_name = "VALUE")]
    value: Vec<String>,
}

impl Revoke {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let client = session.client();
        let own = client.status().await?.member;
        let mut found = Vec::new();
        for id in &self.ids {
            found.extend(by_id(&client, &own, id).await?);
        }
        for value in &self.value {
            found.extend(by_value(&client, &own, value).await?);
        }
        found.sort_by_key(|line| line.arrival);
        found.dedup_by_key(|line| line.arrival);
        let objects = found.iter().map(revoked).collect::<Result<Vec<_>, _>>()?;
        show(&found);
        let number = count(objects.len() as u64, "object");
        if !session.confirm(&format!("take back {number}?")) {
            return Err(CommandError::refused("nothing was taken back"));
        }
        publish::withdrawals(session, objects).await
    }
}

/// The live version that the member has published.
async fn by_id(client: &Client, own: &str, id: &str) -> Result<Vec<ObjectLine>, CommandError> {
    let asked = QueryParams { id: Some(id.to_owned()), from: Some(own.to_owned()), ..QueryParams::default() };
    let lines = all(client, asked).await?;
    if lines.is_empty() {
        let what = format!("{own} has published no object {}, or it has ended", safe(id, 120));
        return Err(CommandError::refused(what)
            .hint("`certmesh show ID` tells who published it, and whether it has ended"));
    }
    Ok(lines)
}

/// The live objects that the member has published for which this value alone is enough.
async fn by_value(client: &Client, own: &str, value: &str) -> Result<Vec<ObjectLine>, CommandError> {
    let asked =
        QueryParams { value: Some(value.to_owned()), from: Some(own.to_owned()), ..QueryParams::default() };
    let question = Question::read(value);
    let warns = |line: &ObjectLine| {
        let Ok(object) = Object::read(line.object.get()) else { return false };
        let mut mentions = observable::of(&object).into_iter().filter(|mention| !mention.partial);
        mentions.any(|mention| question.exact().contains(&mention.observable.key()))
    };
    let lines: Vec<_> = all(client, asked).await?.into_iter().filter(warns).collect();
    if lines.is_empty() {
        let what = format!("{own} has published no indicator for {}, or it has ended", safe(value, 120));
        return Err(
            CommandError::refused(what).hint("`certmesh why VALUE` tells who has, and what became of it")
        );
    }
    Ok(lines)
}

async fn all(client: &Client, asked: QueryParams) -> Result<Vec<ObjectLine>, CommandError> {
    let (mut lines, mut found) = (client.query(&asked).await?, Vec::new());
    while let Some(line) = lines.next().await? {
        found.push(line);
    }
    Ok(found)
}

fn revoked(line: &ObjectLine) -> Result<String, CommandError> {
    revoke(line.object.get(), time::now_ms()).map_err(|fault| {
        CommandError::refused(format_args!("{}: {fault}", id(line)))
            .hint("nothing was taken back; leave it out")
    })
}

fn show(found: &[ObjectLine]) {
    for line in found.iter().take(SHOWN) {
        let name = Object::read(line.object.get()).ok().and_then(|object| object.name());
        talk(format_args!("{}  {}", id(line), safe(&name.unwrap_or_default(), 80)));
    }
    if found.len() > SHOWN {
        talk(format_args!("and {} more", count((found.len() - SHOWN) as u64, "object")));
    }
}

fn id(line: &ObjectLine) -> String {
    Object::read(line.object.get()).map_or_else(|_| "?".to_owned(), |object| safe(object.id(), 120))
}
