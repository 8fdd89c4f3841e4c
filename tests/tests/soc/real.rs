//! Real clients from PyPI, as SOCs run them.

use std::process::Stdio;

use certmesh_tests::{Bundle, eventually, python, run_python};

use crate::{alone, id_of, publish};

/// `taxii2-client` reads through paging while an analyst publishes and the node restarts twice; `stix2` parses
/// what it reads.
#[test]
fn taxii2_client_misses_and_repeats_nothing() {
    let mesh = alone();
    let node = mesh.node("SG");
    let tool = node.tool();
    let rounds: Vec<Vec<Bundle>> =
        (0..3).map(|round| (0..12).map(|n| Bundle::varied(round * 100 + n, 9)).collect()).collect();
    let expected: Vec<_> =
        rounds.iter().flatten().flat_map(|bundle| &bundle.objects).map(|text| id_of(text)).collect();
    let mut reader = python("read_all.py");
    reader.args([node.soc_url(), &tool.token, &expected.len().to_string()]);
    let reader = reader.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for (at, round) in rounds.iter().enumerate() {
        for bundle in round {
            node.publish(&bundle.write(&mesh.path("")));
        }
        if at < 2 {
            node.stop();
            node.start_to_sign();
        }
    }
    let read = reader.wait_with_output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let mut found: Vec<_> = String::from_utf8(read.stdout).unwrap().lines().map(str::to_owned).collect();
    let mut expected = expected;
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "each object once");
}

#[test]
fn cytaxii2_finds_its_way() {
    let mesh = alone();
    let node = mesh.node("SG");
    let texts = publish(&mesh, node, 1, 9);
    let said = run_python("cytaxii.py", &[node.soc_url(), &node.tool().token]);
    assert_eq!(said.trim(), texts.len().to_string());
}

/// Whatever the document allows, and some that it does not, meets no failure of the node.
#[test]
fn schemathesis_finds_no_failure() {
    let mesh = alone();
    let node = mesh.node("SG");
    publish(&mesh, node, 1, 9);
    let token = node.tool_with(&["all", "--scope", "taxii,feeds,check,metrics,publish", "--exercise"]).token;
    run_python("fuzz.py", &[node.soc_url(), &token]);
    eventually("the node to be well", || node.tool().try_ask("GET", "/readyz", &[], b""));
}

#[test]
fn tls_is_spoken_and_its_certificate_renewed_without_a_restart() {
    let mesh = alone();
    let node = mesh.node("SG");
    node.stop();
    let home = node.home().to_str().unwrap();
    run_python("certificate.py", &[home]);
    let path = node.home().join("node.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    let tls = "[soc]\ntls_certificate = \"soc.pem\"\ntls_key = \"soc.key\"\n";
    std::fs::write(&path, config.replace("[soc]\n", tls)).unwrap();
    node.start_to_sign();
    let address = node.tool().address;
    eventually("TLS to be served", || {
        let outcome =
            certmesh_tests::Outcome::of(python("secure.py").args([home, &address, &node.tool().token]));
        if outcome.code == Some(0) { Ok(()) } else { Err(outcome.stderr) }
    });
    let key = node.home().join("soc.key");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    node.stop();
    node.start();
    eventually("the node to refuse an open key", || {
        let log = node.log();
        if log.contains("may read the key") && !node.is_running() { Ok(()) } else { Err(log) }
    });
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    node.start_to_sign();
}
