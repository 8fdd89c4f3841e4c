//! Each thing that can be wrong with a node's surroundings ends its start with exit code 1 and a
//! message that names the thing and what to do.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use certmesh_tests::{Mesh, certmesh};

use crate::home::Home;

/// A path as TOML.
fn quoted(path: &Path) -> String {
    format!("{:?}", path.to_str().unwrap())
}

/// Spoils a fresh home, starts the daemon there, and looks for all the words on stderr.
#[track_caller]
fn refuses(home: &Home, environment: &[(&str, &str)], words: &[&str]) {
    let stderr = home.fails_to_start(environment).refused(1);
    for word in words {
        assert!(stderr.contains(word), "no `{word}` in: {stderr}");
    }
    assert_eq!(stderr.lines().filter(|line| line.starts_with("error: ")).count(), 1, "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(!home.path("node.sock").exists(), "a node that did not start leaves no socket");
}

#[test]
fn wrong_configurations() {
    let home = Home::new();
    let good = fs::read_to_string(home.path("node.toml")).unwrap();
    for (what, spoil, words) in [
        ("an unknown key", &|| home.prepend("sokcet = 1") as (), &["sokcet", "unknown field", "line"][..]),
        ("no TOML", &|| home.prepend("["), &["node.toml", "line 1"]),
        ("a value of another kind", &|| home.set("format", "\"xml\""), &["xml", "human", "json", "line"]),
        ("no mesh", &|| home.set("mesh_id", "\"\""), &["mesh_id", "64 hexadecimal digits"]),
        ("no socket", &|| home.set("socket", &format!("\"{}\"", "s".repeat(120))), &["socket", "107"]),
        ("no address", &|| home.set("listen", "[]"), &["no address to listen on"]),
        (
            "a wrong address",
            &|| home.set("listen", r#"["127.0.0.1:7400"]"#),
            &["`127.0.0.1:7400` is not an address"],
        ),
    ] as [(&str, &dyn Fn(), &[&str]); 7]
    {
        println!("{what}");
        spoil();
        refuses(&home, &[], words);
        fs::write(home.path("node.toml"), &good).unwrap();
    }
    fs::remove_file(home.path("node.toml")).unwrap();
    refuses(&home, &[], &["can't read the configuration", "node.toml"]);
}

#[test]
fn missing_and_exposed_keys() {
    let home = Home::new();
    let key = home.path("node.key");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    refuses(&home, &[], &["others may read the node key", "mode 644", "chmod 600"]);
    fs::write(&key, "not a key").unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    refuses(&home, &[], &["not an ed25519 secret key"]);
    fs::remove_file(&key).unwrap();
    refuses(&home, &[], &["there is no node key at", "certmesh key new"]);
    certmesh(["key", "new", key.to_str().unwrap()]).done();
    refuses(&home, &[], &["no manifest in", "names this node's key", "certmesh manifest new"]);
}

/// Proposes version 1 of the roster, as `next.cbor`.
fn later_version(home: &Home) {
    let [roster, draft, next] = ["roster.cbor", "next.toml", "next.cbor"].map(|name| home.path(name));
    fs::write(&draft, certmesh(["roster".as_ref(), "edit".as_ref(), roster.as_os_str()]).done()).unwrap();
    let words = ["roster".as_ref(), "propose".as_ref(), draft.as_os_str()].into_iter();
    let words = words.chain(["--after".as_ref(), roster.as_os_str(), "--out".as_ref(), next.as_os_str()]);
    certmesh(words).done();
}

#[test]
fn rosters_and_manifests_of_another_mesh() {
    let (home, other) = (Home::new(), Home::new());
    let roster = home.path("roster.cbor");
    let good = fs::read(&roster).unwrap();
    later_version(&home);
    fs::copy(home.path("next.cbor"), &roster).unwrap();
    refuses(&home, &[], &["the roster at", "is version 1: version 0 belongs there"]);
    fs::copy(other.path("roster.cbor"), &roster).unwrap();
    refuses(&home, &[], &["the roster at", "mesh"]);
    fs::write(&roster, &good[..good.len() - 1]).unwrap();
    refuses(&home, &[], &["the roster at"]);
    fs::remove_file(&roster).unwrap();
    refuses(&home, &[], &["there is no roster at"]);
    fs::write(&roster, &good).unwrap();
    let manifest = home.path("manifests").join("sg.cbor");
    fs::copy(other.path("manifests").join("sg.cbor"), &manifest).unwrap();
    refuses(&home, &[], &["the document at", "this manifest is of mesh"]);
    fs::remove_file(&manifest).unwrap();
    refuses(&home, &[], &["no manifest in"]);
    fs::remove_dir(home.path("manifests")).unwrap();
    refuses(&home, &[], &["folder of manifests"]);
}

#[test]
fn the_data_folder_of_another_mesh() {
    let (home, other) = (Home::new(), Home::new());
    other.start().terminate();
    home.set("data_dir", &quoted(&other.path("data")));
    refuses(&home, &[], &["belongs to mesh", "and this node is configured for mesh"]);
    // Nothing of it was touched.
    assert_eq!(other.start().terminate().0, Some(0));
}

#[test]
fn what_a_running_node_holds() {
    let mesh = Mesh::raise(1);
    let running = &mesh.nodes()[0];
    let home = Home::of(running);
    let good = fs::read_to_string(home.path("node.toml")).unwrap();
    let original = fs::read_to_string(running.home().join("node.toml")).unwrap();
    let listen = original.lines().find_map(|line| line.strip_prefix("listen = ")).unwrap();
    for (key, value, words) in [
        ("data_dir", quoted(running.data_dir()), &["data folder", "is in use by process"][..]),
        ("socket", quoted(running.socket()), &["another node answers at the API socket"]),
        ("listen", listen.to_owned(), &["can't listen on /ip4/127.0.0.1/", "in use"]),
    ] {
        home.set(key, &value);
        refuses(&home, &[], words);
        fs::write(home.path("node.toml"), &good).unwrap();
    }
    assert!(running.socket().exists());
    assert_eq!(running.status().objects, 0, "the running node was not disturbed");
}

#[test]
fn an_environment_that_gives_keys_away() {
    let home = Home::new();
    let keys = home.path("session.keys");
    refuses(&home, &[("SSLKEYLOGFILE", keys.to_str().unwrap())], &["SSLKEYLOGFILE is set", "unset it"]);
    assert!(!keys.exists());
}
