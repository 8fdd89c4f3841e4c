//! Looks at what others would suffer from what is published: only with a reason, which is kept beside it.

use std::path::PathBuf;

use certmesh_intel::Object;
use certmesh_intel::allow::AllowList;
use certmesh_intel::caution::{self, Caution, Weight};
use certmesh_intel::compose::insistence;
use certmesh_intel::display::safe;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::prepare::Prepared;
use super::values::{author, notice, random};
use crate::error::CommandError;
use crate::file;
use crate::session::{Session, talk};
use crate::table::count;

/// How many cautions are shown one by one.
const SHOWN: usize = 10;
/// How many of them the note keeps beside the reason.
const KEPT: usize = 100;
/// How many objects the note is about at most.
const NOTED: usize = 1_000;
/// The longest list of own networks and names, in bytes.
const OWN_BYTES: u64 = 16 * 1024 * 1024;

/// What decides whether something harmful is published.
#[derive(Args)]
pub(super) struct Harm {
    /// Publish what would harm others all the same; the reason goes with it, as a note
    #[arg(long, value_name = "REASON", value_parser = NonEmptyStringValueParser::new())]
    force: Option<String>,
    /// Networks and domains of your own, which are not to be published, one a line [env: CERTMESH_OWN]
    #[arg(long, value_name = "FILE", env = "CERTMESH_OWN", hide_env = true)]
    own: Option<PathBuf>,
}

/// An indicator that something speaks against.
struct Harming {
    id: String,
    /// The value, what speaks against it and, of a file, where it stands.
    words: String,
}

/// What was found: how much, and the first of it.
#[derive(Default)]
struct Found {
    number: u64,
    first: Vec<Harming>,
}

impl Found {
    fn add(&mut self, harming: Harming) {
        self.number += 1;
        if self.first.len() < NOTED {
            self.first.push(harming);
        }
    }
}

impl Harm {
    /// What may be published: as it was, or with a note that keeps the reason.
    pub(super) async fn check(
        &self,
        session: &Session,
        mut prepared: Prepared,
        is_file: bool,
        dry_run: bool,
    ) -> Result<Prepared, CommandError> {
        let own = self.own()?;
        let (mut harming, mut remarks) = (Found::default(), Found::default());
        for (at, object) in prepared.objects.each()?.enumerate() {
            for (weight, found) in found(at, &object?, &own, is_file) {
                if weight == Weight::Harm { harming.add(found) } else { remarks.add(found) }
            }
        }
        show("note", &remarks);
        if harming.number == 0 {
            return Ok(prepared);
        }
        show(if self.force.is_some() { "warning" } else { "refused" }, &harming);
        match &self.force {
            Some(reason) => with_reason(session, prepared, &harming, reason, dry_run).await,
            None => {
                let values = count(harming.number, "value");
                Err(CommandError::refused(format_args!("{values} would harm whoever blocks what you publish"))
                    .hint("nothing was published; leave out what is named above, or say why it is meant: --force \"REASON\", which is kept beside it"))
            }
        }
    }

    fn own(&self) -> Result<AllowList, CommandError> {
        let Some(path) = &self.own else { return Ok(AllowList::default()) };
        let bytes = file::read(path, OWN_BYTES)?;
        let fault = |fault: &dyn std::fmt::Display| {
            CommandError::refused(format_args!("{}: {fault}", file::shown(path)))
        };
        let text = std::str::from_utf8(&bytes).map_err(|error| fault(&error))?;
        AllowList::read(text).map_err(|error| fault(&error))
    }
}

/// What speaks against the object at this place.
fn found(at: usize, json: &str, own: &AllowList, is_file: bool) -> Vec<(Weight, Harming)> {
    let Ok(object) = Object::read(json) else { return Vec::new() };
    let place =
        if is_file { format!(" (object {}, {})", at + 1, safe(object.id(), 100)) } else { String::new() };
    let harming = |Caution { value, why, weight }| {
        let words = format!("{value}: {why}{place}");
        (weight, Harming { id: object.id().to_owned(), words })
    };
    caution::of(&object, own).into_iter().map(harming).collect()
}

fn show(word: &str, found: &Found) {
    let shown = found.first.iter().take(SHOWN);
    shown.for_each(|harming| talk(format_args!("{word}: {}", harming.words)));
    if found.number > SHOWN as u64 {
        talk(format_args!("{word}: and {} more", count(found.number - SHOWN as u64, "value")));
    }
}

async fn with_reason(
    session: &Session,
    mut prepared: Prepared,
    harming: &Found,
    reason: &str,
    dry_run: bool,
) -> Result<Prepared, CommandError> {
    let author = author(session, dry_run).await?;
    // The note is as strict as the strictest that it is about could be.
    let tlp = prepared.levels.keys().next_back().copied().unwrap_or(certmesh_intel::Tlp::Amber);
    let mut ids: Vec<_> = harming.first.iter().map(|harming| harming.id.clone()).collect();
    ids.dedup();
    let cautions: Vec<_> = harming.first.iter().take(KEPT).map(|harming| harming.words.clone()).collect();
    let note = insistence(&ids, &cautions, reason, &notice(author, tlp), random());
    let unmarked = prepared.unmarked;
    prepared.add(&note)?;
    Ok(Prepared { unmarked, ..prepared })
}
