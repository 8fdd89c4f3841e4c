//! Root keys that are encrypted with a passphrase.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use certmesh_wire::SecretKey;

use crate::desk::{Desk, SG_ROOT, key};

const PASSPHRASE: &str = "correct horse battery staple";

/// A desk with the file `pass`, which holds the passphrase, and `bad`, which holds another.
fn desk() -> Desk {
    let desk = Desk::with_roster();
    desk.write("pass", format!("{PASSPHRASE}\n").as_bytes());
    desk.write("bad", b"correct horse battery stable\n");
    desk
}

#[test]
fn a_root_key_is_made_encrypted_and_signs_with_its_passphrase() {
    let desk = desk();
    let public = desk.ok("key new root.key --encrypt --passphrase-file pass");
    let pem = String::from_utf8(desk.read("root.key")).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{pem}");
    assert_eq!(desk.ok("key show root.key --passphrase-file pass"), public);
    let opened = SecretKey::from_encrypted_pem(&pem, PASSPHRASE.as_bytes()).unwrap();
    assert_eq!(opened.node_id().to_string(), public.trim());
}

#[test]
fn a_plain_key_is_encrypted_in_place() {
    let desk = desk();
    fs::set_permissions(desk.path("sg.key"), fs::Permissions::from_mode(0o600)).unwrap();
    desk.ok("key encrypt sg.key --passphrase-file pass");
    let mode = fs::metadata(desk.path("sg.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    desk.ok("roster sign roster.cbor --key sg.key --passphrase-file pass");
    let again = desk.run("key encrypt sg.key --passphrase-file pass");
    assert!(again.code == Some(1) && again.stderr.contains("is encrypted with a passphrase"), "{again}");
}

#[test]
fn the_wrong_passphrase_opens_and_signs_nothing() {
    let desk = desk();
    desk.ok("key encrypt sg.key --passphrase-file pass");
    let before = desk.read("roster.cbor");
    insta::assert_snapshot!(
        "wrong_passphrase",
        desk.run("roster sign roster.cbor --key sg.key --passphrase-file bad")
    );
    assert_eq!(desk.read("roster.cbor"), before);
    assert!(!desk.path("sg.key.votes").exists());
}

#[test]
fn short_and_empty_passphrases_are_refused() {
    let desk = desk();
    for (passphrase, error) in [
        ("", "holds no passphrase"),
        ("\nsecond line", "holds no passphrase"),
        ("secret", "guessed too soon"),
    ] {
        desk.write("pass", passphrase.as_bytes());
        let ran = desk.run("key new root.key --encrypt --passphrase-file pass");
        assert!(ran.code == Some(1) && ran.stderr.contains(error), "{passphrase}\n{ran}");
        assert!(!desk.path("root.key").exists());
    }
    let ran = desk.run("key new root.key --passphrase-file pass");
    assert_eq!(ran.code, Some(2), "{ran}");
}

/// Where openssl is installed, it reads what is written here.
#[test]
fn openssl_opens_it_too() {
    let desk = desk();
    desk.ok("key encrypt sg.key --passphrase-file pass");
    let words = ["pkey", "-in", "sg.key", "-passin", "file:pass", "-outform", "DER"];
    let ran = Command::new("openssl").args(words).current_dir(desk.path("")).output();
    match ran {
        Ok(ran) => {
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
            assert!(ran.stdout.ends_with(&*key(SG_ROOT).seed()), "another key came out");
        }
        Err(absent) => assert_eq!(absent.kind(), std::io::ErrorKind::NotFound),
    }
}
