//! The files of the checkout, as the other rules read them.

use std::fs;
use std::path::{Path, PathBuf};

/// One text file, by its path from the top of the checkout.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The lines that are code: numbered from one, without line comments.
    ///
    /// A `//` inside a string ends the line early; the rules look for names of crates and modules,
    /// which are not written there.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines.map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default()))
    }
}

/// The top of the checkout: this package is one folder below it.
pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every text file of the checkout, without version control, build output and caches.
pub(crate) fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    visit(top(), &mut |path| {
        // What is not UTF-8 is a fixture, not a source.
        if let Ok(text) = fs::read_to_string(path) {
            let path = path.strip_prefix(top()).unwrap().to_str().unwrap();
            found.push(Source::new(path, &text));
        }
    });
    found
}

/// The Rust files of the checkout.
pub(crate) fn rust_sources() -> Vec<Source> {
    sources().into_iter().filter(|source| source.path.ends_with(".rs")).collect()
}

fn visit(folder: &Path, found: &mut dyn FnMut(&Path)) {
    for path in entries(folder) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if matches!(name, ".git" | ".venv" | "target" | "__pycache__") {
            continue;
        }
        if path.is_dir() { visit(&path, found) } else { found(&path) }
    }
}

/// A folder's entries in the order of their names.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}
