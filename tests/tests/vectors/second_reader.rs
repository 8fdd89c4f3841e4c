//! The second implementation: Python, with a COSE library that has nothing of ours in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use crate::file::{folder, unhex};
use crate::mesh::roster;
use crate::travel::fresh_export;

/// The Python that `scripts/setup --test` equips with the libraries of `tests/requirements.txt`.
const PYTHON: &str = "CERTMESH_PYTHON";

fn check(arguments: &[&Path]) -> Output {
    let python = env::var_os(PYTHON).unwrap_or_else(|| {
        panic!("{PYTHON} is not set: run scripts/test, or eval \"$(scripts/setup --test)\" first")
    });
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/check.py");
    Command::new(python).arg("-B").arg(program).args(arguments).output().unwrap()
}

#[track_caller]
fn passes(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn reads_every_vector() {
    passes(&check(&[&folder()]));
}

#[test]
fn reads_what_a_node_exports() {
    let desk = tempfile::tempdir().unwrap();
    let (export, trusted) = (desk.path().join("all.records"), desk.path().join("roster.cbor"));
    fs::write(&export, fresh_export()).unwrap();
    fs::write(&trusted, roster().encode()).unwrap();
    let said = passes(&check(&[&folder(), &export, &trusted]));
    assert!(said.contains("2 records, 2 objects"), "{said}");
}

/// A copy of the vectors in which this hex, wherever it stands, has one bit flipped at its end.
fn flipped(name: &str, hex: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let mut bytes = unhex(hex);
    *bytes.last_mut().unwrap() ^= 1;
    let text = fs::read_to_string(copy.path().join(name)).unwrap();
    assert!(text.contains(hex), "{name} has no {hex}");
    fs::write(copy.path().join(name), text.replace(hex, &crate::file::hex(&bytes))).unwrap();
    copy
}

#[test]
fn notices_one_flipped_bit() {
    let logs = crate::logs::file();
    let documents = crate::file::read("documents.json").unwrap();
    let travel = crate::travel::file();
    for (name, hex) in [
        ("logs.json", &logs["logs"][0]["records"][1]["signed"]),
        ("logs.json", &logs["logs"][0]["records"][1]["body"]),
        ("logs.json", &logs["logs"][0]["log"]),
        ("documents.json", &documents["roster"]["signed"]),
        ("documents.json", &documents["successors"][1]["signed"]),
        ("documents.json", &documents["manifests"][1]["signed"]),
        ("travel.json", &travel["fork"][0]),
        ("travel.json", &travel["frontiers"][0]["digest"]),
        ("travel.json", &travel["sync"][2]["answer"]),
        ("travel.json", &travel["sync"][4]["answer"]),
    ] {
        let copy = flipped(name, hex.as_str().unwrap());
        let output = check(&[copy.path()]);
        assert_eq!(output.status.code(), Some(1), "{name}: {hex} was flipped, and nobody noticed");
    }
}
