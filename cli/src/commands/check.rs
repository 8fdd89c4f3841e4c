//! `certmesh check`: are these values known, and by whom?

mod rows;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use certmesh_api::{Checked, Lines};
use clap::Args;
use tokio::sync::mpsc;

use crate::error::CommandError;
use crate::progress::Progress;
use crate::session::{Session, talk};
use crate::table::{count, table};

/// Pieces of input that may wait for the node.
const PIECES: usize = 8;
/// So many values are asked about before a table leaves out those that nobody knows.
const UNKNOWN_ROWS: u64 = 20;
/// The most rows of a table.
const ROWS: usize = 10_000;
/// How often the progress is told, in answers.
const TOLD: u64 = 4_096;

/// Tells whether values are known, by whom, since when and how surely
///
/// Values may be of any kind and defanged. An address is also found by a network that holds it, a network by what lies
/// inside, a domain by its parents and sub-domains. Only what is newest, valid and not taken back counts; `certmesh why`
/// tells about the rest.
///
/// A table shows what is known, and what is not where few values are asked about; --json prints a line for each value, in
/// the order of the values. The exit code is 0 whether a value is known or not.
#[derive(Args)]
#[command(after_help = "Examples:
  certmesh check 203.0.113[.]7 evil.example
  certmesh check values.txt
  cut -f 5 conn.log | certmesh check - --json | jq -r 'select(.known) | .value'")]
pub(crate) struct Check {
    /// Values; files with a value on each line; `-` for stdin
    #[arg(required = true, value_name = "VALUE|FILE|-")]
    values: Vec<String>,
    /// Take each argument for a value, even where a file has that name
    #[arg(long)]
    literal: bool,
}

impl Check {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), CommandError> {
        let sources = values::sources(self.values, self.literal)?;
        let read = Arc::new(AtomicU64::new(0));
        let progress = Progress::of_bytes(values::total(&sources));
        let (pieces, fed) = mpsc::channel(PIECES);
        let reading = values::feed(sources, pieces, Arc::clone(&read));
        let mut answers = session.client().check(fed).await?;
        let tally = if session.json() {
            pass_on(&mut answers, session, &progress, &read).await
        } else {
            show(&mut answers, session, &progress, &read).await
        };
        drop(progress);
        // What could not be read explains an answer that ends too soon, so it comes first.
        reading.outcome()?;
        let tally = tally?;
        session.flush()?;
        if tally.values != 1 || session.json() {
            talk(tally.words());
        }
        Ok(())
    }
}

/// How many values were answered for.
#[derive(Debug, Default)]
struct Tally {
    values: u64,
    known: u64,
}

impl Tally {
    fn take(&mut self, line: &[u8]) -> bool {
        let known = is_known(line);
        self.values += 1;
        self.known += u64::from(known);
        known
    }

    fn tell(&self, progress: &Progress, read: &AtomicU64) {
        if self.values.is_multiple_of(TOLD) {
            progress.advance(read.swap(0, Ordering::Relaxed));
            progress.say(self.words());
        }
    }

    fn words(&self) -> String {
        let verb = if self.known == 1 { "is" } else { "are" };
        format!("{} of {} {verb} known", self.known, count(self.values, "value"))
    }
}

/// Whether a line says `"known":true`. A value that holds this text has its quotes escaped.
fn is_known(line: &[u8]) -> bool {
    const MARK: &[u8] = b",\"known\":true,";
    line.windows(MARK.len()).any(|window| window == MARK)
}

async fn pass_on(
    answers: &mut Lines<Checked>,
    session: &mut Session,
    progress: &Progress,
    read: &AtomicU64,
) -> Result<Tally, CommandError> {
    let mut tally = Tally::default();
    while let Some(line) = answers.next_text().await? {
        tally.take(&line);
        tally.tell(progress, read);
        session.bytes(&line)?;
    }
    Ok(tally)
}

async fn show(
    answers: &mut Lines<Checked>,
    session: &mut Session,
    progress: &Progress,
    read: &AtomicU64,
) -> Result<Tally, CommandError> {
    let (mut tally, mut shown, mut unknown, mut left_out) = (Tally::default(), Vec::new(), Vec::new(), 0);
    while let Some(line) = answers.next_text().await? {
        let known = tally.take(&line);
        tally.tell(progress, read);
        if known || tally.values <= UNKNOWN_ROWS {
            let rows = rows::rows(&answers.read(&line)?);
            match (known, shown.len() + rows.len() <= ROWS) {
                (true, false) => left_out += 1,
                (true, true) => shown.extend(rows),
                (false, _) => unknown.extend(rows),
            }
        }
    }
    if tally.values <= UNKNOWN_ROWS {
        shown.append(&mut unknown);
    }
    if !shown.is_empty() {
        session.line(table(&rows::HEAD, shown))?;
    }
    if left_out > 0 {
        session.flush()?;
        talk(format_args!(
            "{} more are known than a table shows; --json shows all",
            count(left_out, "value")
        ));
    }
    Ok(tally)
}
