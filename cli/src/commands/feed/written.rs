//! Lists on their way into files, each replaced in one step.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use certmesh_api::{Body, FeedParams};
use certmesh_intel::formats::Feed;

use crate::error::CommandError;
use crate::file::{self, Replacement};
use crate::session::{Session, talk};
use crate::table::count;

/// A manifest of a MISP feed, in bytes: far above any.
const MANIFEST_BYTES: usize = 256 * 1024 * 1024;

/// One list, to stdout or in place of a file.
pub(super) async fn file(
    name: &str,
    params: &FeedParams,
    output: Option<&Path>,
    session: &mut Session,
) -> Result<(), CommandError> {
    let mut body = session.client().feed(name, params).await?;
    say_age(&body);
    let Some(path) = output.filter(|path| !file::is_dash(path)) else {
        while let Some(piece) = body.next().await? {
            session.bytes(&piece)?;
        }
        return Ok(());
    };
    let bytes = replace(body, path).await?;
    report(session, path, 1, bytes)
}

/// All files of a MISP feed or of Suricata's lists, in a folder.
pub(super) async fn folder(
    name: &str,
    params: &FeedParams,
    folder: &Path,
    session: &mut Session,
) -> Result<(), CommandError> {
    if folder.exists() && !folder.is_dir() {
        return Err(CommandError::usage(format_args!("{} is no folder", file::shown(folder)))
            .hint(format_args!("{name} is several files: name a folder for them")));
    }
    fs::create_dir_all(folder).map_err(|error| file::unwritable(folder, &error))?;
    let prefix = format!("{name}/");
    let names = match name {
        "misp" => return misp(params, folder, session).await,
        _ => Feed::all().map(Feed::name).filter_map(|name| name.strip_prefix(&prefix)),
    };
    let (mut files, mut bytes) = (0, 0);
    for inner in names {
        let body = session.client().feed(&format!("{prefix}{inner}"), params).await?;
        if files == 0 {
            say_age(&body);
        }
        bytes += replace(body, &folder.join(inner)).await?;
        files += 1;
    }
    report(session, folder, files, bytes)
}

/// Events first, then the manifest that names them; then events that it no longer names go.
async fn misp(params: &FeedParams, folder: &Path, session: &mut Session) -> Result<(), CommandError> {
    let client = session.client();
    let manifest = client.feed("misp/manifest.json", params).await?;
    say_age(&manifest);
    let manifest = collect(manifest).await?;
    let events: BTreeMap<String, serde::de::IgnoredAny> = serde_json::from_slice(&manifest)
        .map_err(|e| CommandError::refused(format_args!("the node's manifest is no manifest: {e}")))?;
    let (mut files, mut bytes) = (2, manifest.len() as u64);
    for name in events.keys().map(|id| format!("{id}.json")).chain(["hashes.csv".to_owned()]) {
        let body = client.feed(&format!("misp/{name}"), params).await?;
        bytes += replace(body, &folder.join(&name)).await?;
        files += 1;
    }
    file::replace(&folder.join("manifest.json"), &manifest)?;
    remove_old_events(folder, &events);
    report(session, folder, files - 1, bytes)
}

/// Files of events that are gone. Whatever else lies in the folder stays.
fn remove_old_events(folder: &Path, events: &BTreeMap<String, serde::de::IgnoredAny>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
        let is_event = id.is_some_and(|id| uuid::Uuid::parse_str(id).is_ok());
        if is_event && id.is_some_and(|id| !events.contains_key(id)) {
            // What stays is an event that MISP no longer asks for.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Tells when the list is not as new as it looks.
fn say_age(body: &Body) {
    if let Some(since) = body.header("certmesh-cut-off-since") {
        let since = certmesh_intel::display::safe(since, 40);
        talk(format_args!(
            "note: the node hears from no other one since {since}: what other members say is as of then"
        ));
    }
}

async fn replace(mut body: Body, path: &Path) -> Result<u64, CommandError> {
    let mut replacement = Replacement::of(path)?;
    let mut bytes = 0;
    while let Some(piece) = body.next().await? {
        bytes += piece.len() as u64;
        replacement.write(&piece).map_err(|error| file::unwritable(path, &error))?;
    }
    replacement.finish()?;
    Ok(bytes)
}

async fn collect(mut body: Body) -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MANIFEST_BYTES {
            return Err(CommandError::refused("the node's manifest is too long"));
        }
    }
    Ok(bytes)
}

fn report(session: &mut Session, path: &Path, files: u64, bytes: u64) -> Result<(), CommandError> {
    if session.json() {
        let path = path.display().to_string();
        session.json_line(&serde_json::json!({ "output": path, "files": files, "bytes": bytes }))?;
    } else {
        talk(format_args!("wrote {} ({}, {bytes} bytes)", path.display(), count(files, "file")));
    }
    Ok(())
}
