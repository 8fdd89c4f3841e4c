//! What this machine does not let us test, said where nobody can miss it.

use std::fs::OpenOptions;
use std::io::Write;

/// Names the file that `scripts/test` gathers such words in.
const GATHERED: &str = "CERTMESH_UNABLE";

/// Says that something could not be tested here, and why: on stderr, and at the end of `scripts/test`.
pub fn unable(what: &str, why: &str) {
    let line = format!("NOT TESTED on this machine: {what}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = std::env::var_os(GATHERED) {
        let file = OpenOptions::new().create(true).append(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).unwrap();
    }
}
