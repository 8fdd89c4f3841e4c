//! Passphrases of keys: typed at the terminal without being shown, or read from a file for scripts. Wiped after use.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::error::CommandError;
use crate::file;

/// The longest passphrase, in bytes.
const LONGEST: u64 = 1_024;
/// The shortest for a key that is encrypted here, in characters: below it, a key that was stolen is soon open.
const SHORTEST: usize = 10;

/// Where a key's passphrase comes from.
#[derive(Args)]
pub(crate) struct PassphraseSource {
    /// A file whose first line is the key's passphrase, such as /dev/fd/3; asked for at the terminal otherwise
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseSource {
    /// Whether a file was named.
    pub(crate) fn is_given(&self) -> bool {
        self.passphrase_file.is_some()
    }

    /// The passphrase that opens the key in `path`.
    pub(crate) fn opening(&self, path: &Path) -> Result<Zeroizing<String>, CommandError> {
        match &self.passphrase_file {
            Some(file) => of_file(file),
            None => Terminal::open()?.ask(&format!("Passphrase of {}: ", path.display())),
        }
    }

    /// The passphrase that a key is to have from here on; typed twice.
    pub(crate) fn chosen(&self, path: &Path) -> Result<Zeroizing<String>, CommandError> {
        let chosen = match &self.passphrase_file {
            Some(file) => of_file(file)?,
            None => ask_twice(path)?,
        };
        match chosen.chars().count() {
            0..SHORTEST => Err(CommandError::refused(format_args!(
                "a passphrase of fewer than {SHORTEST} characters is guessed too soon"
            ))
            .hint("six or more words that nobody else would put together are good, and can be remembered")),
            _ => Ok(chosen),
        }
    }
}

fn ask_twice(path: &Path) -> Result<Zeroizing<String>, CommandError> {
    let mut terminal = Terminal::open()?;
    let first = terminal.ask(&format!("New passphrase for {}: ", path.display()))?;
    let second = terminal.ask("The same again: ")?;
    if first == second {
        Ok(first)
    } else {
        Err(CommandError::refused("the two passphrases are not the same"))
    }
}

fn of_file(path: &Path) -> Result<Zeroizing<String>, CommandError> {
    let bytes = Zeroizing::new(file::read(path, LONGEST)?);
    let text = std::str::from_utf8(&bytes);
    let text = text.map_err(|_| CommandError::refused(format_args!("{} is not text", path.display())))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Zeroizing::new(line.to_owned())),
        _ => Err(CommandError::refused(format_args!("{} holds no passphrase", path.display()))),
    }
}

/// The terminal that the command was started from, even if stdin and stderr lead elsewhere.
struct Terminal {
    reader: BufReader<File>,
    writer: File,
}

impl Terminal {
    fn open() -> Result<Self, CommandError> {
        let opened = OpenOptions::new().read(true).write(true).open("/dev/tty");
        let nobody = |_| {
            CommandError::refused("the key takes a passphrase, and there is no terminal to ask for it at")
                .hint("name a file that holds it with --passphrase-file, such as /dev/fd/3")
        };
        let writer = opened.map_err(nobody)?;
        let reader = BufReader::new(writer.try_clone().map_err(nobody)?);
        Ok(Self { reader, writer })
    }

    /// A line that is typed and not shown.
    fn ask(&mut self, question: &str) -> Result<Zeroizing<String>, CommandError> {
        let failed =
            |error: std::io::Error| CommandError::refused(format_args!("the terminal fails: {error}"));
        let hidden = Hidden::on(&self.writer).map_err(failed)?;
        write!(self.writer, "{question}").map_err(failed)?;
        let mut typed = Zeroizing::new(String::with_capacity(LONGEST as usize));
        let read = self.reader.by_ref().take(LONGEST).read_line(&mut typed);
        drop(hidden);
        let _ = writeln!(self.writer);
        read.map_err(failed)?;
        Ok(Zeroizing::new(typed.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

/// While this lives, the terminal does not show what is typed.
struct Hidden {
    terminal: File,
    before: Termios,
}

impl Hidden {
    fn on(terminal: &File) -> std::io::Result<Self> {
        let terminal = terminal.try_clone()?;
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
