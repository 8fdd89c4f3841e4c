//! A folder to work in, and the runner that all tests go through.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;
use certmesh_wire::{MeshId, SecretKey, SignedRoster};
use tempfile::TempDir;

/// Members' root keys are known, so that what is shown stays the same.
pub(crate) const SG_ROOT: u8 = 1;
pub(crate) const MY_ROOT: u8 = 2;
pub(crate) const SG_NODE: u8 = 11;
pub(crate) const MY_NODE: u8 = 12;

/// A fresh folder in which commands run.
pub(crate) struct Desk {
    folder: TempDir,
}

/// What came of a command.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with the root keys `sg.key` and `my.key`, and `roster.cbor` that names both.
    pub(crate) fn with_roster() -> Self {
        let desk = Self::new();
        desk.write("sg.key", key(SG_ROOT).to_pem().as_bytes());
        desk.write("my.key", key(MY_ROOT).to_pem().as_bytes());
        let (sg, my) = (key(SG_ROOT).root_key(), key(MY_ROOT).root_key());
        desk.ok(&format!(
            "roster new roster.cbor --name drill --exercise --expires 2030-01-01 \
             --member SG={sg}:SingCERT --identity SG=identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f \
             --member MY={my}:MyCERT --identity MY=identity--1f0e6b3c-3c5e-4f0e-9d5d-4d3e3c2b1a00 \
             --group straits=SG,MY"
        ));
        desk
    }

    /// The mesh id of `roster.cbor`.
    pub(crate) fn mesh(&self) -> MeshId {
        SignedRoster::decode(&self.read("roster.cbor")).unwrap().mesh()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Lets a root key sign again what it has signed differently, as a copy of it would without its votes.
    pub(crate) fn forget_votes(&self, key: &str) {
        fs::remove_file(self.path(&format!("{key}.key.votes"))).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Runs `certmesh` with these words, nothing on stdin.
    pub(crate) fn run(&self, words: &str) -> Ran {
        self.run_with(words, b"")
    }

    /// Runs `certmesh` with these words, and bytes on stdin.
    pub(crate) fn run_with(&self, words: &str, stdin: &[u8]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certmesh"));
        command.current_dir(self.folder.path()).env_remove("CERTMESH_NODE").env_remove("COLUMNS");
        let output = command.args(words.split_whitespace()).write_stdin(stdin).output().unwrap();
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command that has to succeed; its stdout.
    pub(crate) fn ok(&self, words: &str) -> String {
        let ran = self.run(words);
        assert_eq!(ran.code, Some(0), "certmesh {words}\n{ran}");
        ran.stdout
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        write!(f, "exit {code}")?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "\n--- {name}\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

/// The key that this number stands for.
pub(crate) fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}
