//! The data folder is rolled back to a backup, behind records that the key has signed since.

use std::fs;
use std::path::Path;
use std::process::Command;

use certmesh_tests::{Bundle, Mesh, Node, agree, eventually, log_for_all};

/// Copies a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

fn publish(mesh: &Mesh, node: &Node, seed: u64, objects: usize) -> Vec<String> {
    node.publish(&Bundle::varied(seed, objects).write(&mesh.path("")))
}

/// Asserts that a node answers and refuses to publish.
#[track_caller]
fn does_not_sign(mesh: &Mesh, node: &Node, seed: u64) {
    assert!(!node.wait_to_answer().signs, "{} signs", node.member());
    let file = Bundle::varied(seed, 1).write(&mesh.path(""));
    let words = node.run(["publish".as_ref(), file.as_os_str()]).refused(1);
    assert!(words.contains("does not sign"), "{words}");
}

/// Waits until a node holds so many records, and asserts that it still does not sign.
#[track_caller]
fn knows_but_does_not_sign(mesh: &Mesh, node: &Node, records: u64, seed: u64) {
    eventually("the records that it had forgotten", || match node.holds() {
        (held, _) if held == records => Ok(()),
        held => Err(format!("{held:?}")),
    });
    // Long enough for several more rounds of sync, which a node that waits to sign asks for often.
    std::thread::sleep(std::time::Duration::from_secs(3));
    does_not_sign(mesh, node, seed);
}

#[test]
fn a_data_folder_from_a_backup_signs_nothing_until_two_members_have_confirmed() {
    let mesh = Mesh::raise(4);
    let (sg, my, vn, th) = (mesh.node("SG"), mesh.node("MY"), mesh.node("VN"), mesh.node("TH"));
    let mut published = publish(&mesh, sg, 80, 5);
    sg.stop();
    let backup = mesh.path("backup");
    copy(sg.data_dir(), &backup);
    sg.start_to_sign();
    for seed in 81..85 {
        published.extend(publish(&mesh, sg, seed, 5));
    }
    mesh.wait_for_objects(25);
    let records = my.holds().0;
    let head = my.holdings().heads[&log_for_all("SG", sg.node_id())];
    mesh.nodes().iter().for_each(|node| _ = node.stop());
    fs::remove_dir_all(sg.data_dir()).unwrap();
    copy(&backup, sg.data_dir());

    sg.start();
    does_not_sign(&mesh, sg, 86);
    assert!(sg.holds().0 < records, "the backup is older than its last record");
    my.start();
    knows_but_does_not_sign(&mesh, sg, records, 87);
    vn.start();
    sg.wait_to_sign();
    assert_eq!(
        sg.holdings().heads[&log_for_all("SG", sg.node_id())],
        head,
        "it signs behind all that it had signed"
    );
    th.start_to_sign();
    published.extend(publish(&mesh, sg, 88, 5));
    mesh.wait_for_objects(30);
    let holdings = eventually("equal frontiers", || agree(&mesh.nodes().iter().collect::<Vec<_>>()));
    assert!(published.iter().all(|id| holdings.has_published(id)));
    assert_eq!(holdings.heads[&log_for_all("SG", sg.node_id())].0, published.len() as u64 + 1);
    assert!(mesh.nodes().iter().all(|node| node.forks().is_empty()), "it signed one place twice");
}

#[test]
fn a_backup_that_is_restored_with_the_note_of_its_own_stop_is_found_out_by_that_note() {
    let mesh = Mesh::raise(3);
    let sg = mesh.node("SG");
    publish(&mesh, sg, 90, 5);
    sg.stop();
    let backup = mesh.path("backup");
    copy(sg.data_dir(), &backup);
    assert!(sg.stop_note().exists());
    sg.start_to_sign();
    assert!(!sg.stop_note().exists(), "a note is believed once");
    publish(&mesh, sg, 91, 5);
    mesh.wait_for_objects(10);
    mesh.nodes().iter().for_each(|node| _ = node.stop());
    fs::remove_dir_all(sg.data_dir()).unwrap();
    copy(&backup, sg.data_dir());
    // The note of the latest stop is there, and tells of a later end than the backup's.
    assert!(sg.stop_note().exists());
    sg.start();
    does_not_sign(&mesh, sg, 92);
}
