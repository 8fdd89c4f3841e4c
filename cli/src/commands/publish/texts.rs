//! The exact texts of objects that have been checked, while they wait to be sent.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

use crate::error::CommandError;

/// How much is kept in memory; more goes to a file that has no name, and ends with the command.
const MEMORY_BYTES: usize = 16 * 1024 * 1024;

/// Texts, one after another.
pub(super) struct Texts {
    spool: SpooledTempFile,
    lengths: Vec<u32>,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self { spool: SpooledTempFile::new(MEMORY_BYTES), lengths: Vec::new() }
    }

    /// Adds one at the end.
    pub(super) fn push(&mut self, text: &str) -> Result<(), CommandError> {
        let end = self.spool.seek(SeekFrom::End(0));
        end.and_then(|_| self.spool.write_all(text.as_bytes())).map_err(|error| unkept(&error))?;
        self.lengths.push(u32::try_from(text.len()).map_err(CommandError::refused)?);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// The length of every text in bytes.
    pub(super) fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    /// Every text, from the first on.
    pub(super) fn each(
        &mut self,
    ) -> Result<impl Iterator<Item = Result<String, CommandError>>, CommandError> {
        self.spool.seek(SeekFrom::Start(0)).map_err(|error| unkept(&error))?;
        let mut from = BufReader::new(&mut self.spool);
        Ok(self.lengths.iter().map(move |length| one(&mut from, *length).map_err(|error| unkept(&error))))
    }
}

fn one(from: &mut impl Read, length: u32) -> io::Result<String> {
    let mut bytes = vec![0; length as usize];
    from.read_exact(&mut bytes)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn unkept(error: &io::Error) -> CommandError {
    CommandError::refused(format_args!("what is to be published can't be kept for a moment: {error}"))
        .hint("nothing was published; make room in the temporary folder, or name another one in TMPDIR")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_it_was_given() {
        let mut texts = Texts::new();
        let given = ["", "ខ្មែរ", &"x".repeat(MEMORY_BYTES), "y"];
        given.iter().for_each(|text| texts.push(text).unwrap());
        for _ in 0..2 {
            let got: Vec<_> = texts.each().unwrap().map(Result::unwrap).collect();
            assert_eq!(got, given);
        }
        texts.push("z").unwrap();
        assert_eq!((texts.len(), texts.each().unwrap().last().unwrap().unwrap()), (5, "z".to_owned()));
    }
}
