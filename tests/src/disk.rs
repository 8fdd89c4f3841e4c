//! A disk that can lose its power, or fill up: ext4 in a file, mounted over a loop device.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted file. It is unmounted when it is dropped.
pub struct Disk {
    image: PathBuf,
    mounted_at: PathBuf,
}

impl Disk {
    /// Makes a sparse file of so many MiB with an empty file system, and mounts it.
    ///
    /// # Errors
    /// Why this machine does not allow it, in the words of the tool that failed.
    pub fn make(image: &Path, at: &Path, size_mib: u64) -> Result<Self, String> {
        let file = std::fs::File::create(image).map_err(|error| error.to_string())?;
        file.set_len(size_mib << 20).map_err(|error| error.to_string())?;
        run("mkfs.ext4", &["-q", "-F", path(image)])?;
        Self::mount(image, at)
    }

    /// A disk of what would be left if the power went at this moment. Whoever writes to the
    /// original must not go on before this returns.
    pub fn cut_power(&self, image: &Path, at: &Path) -> Result<Self, String> {
        run("cp", &["--sparse=always", path(&self.image), path(image)])?;
        Self::mount(image, at)
    }

    fn mount(image: &Path, at: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(at).map_err(|error| error.to_string())?;
        run("mount", &["-o", "loop", path(image), path(at)])?;
        Ok(Self { image: image.into(), mounted_at: at.into() })
    }

    /// Puts on the disk what is only in memory yet.
    pub fn sync(&self) -> Result<(), String> {
        run("sync", &["--file-system", path(&self.mounted_at)])
    }

    /// Where its files are.
    pub fn mounted_at(&self) -> &Path {
        &self.mounted_at
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, if something still holds a file: the folder around it has to go.
        if run("umount", &[path(&self.mounted_at)]).is_err() {
            let _ = run("umount", &["--lazy", path(&self.mounted_at)]);
        }
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn run(tool: &str, words: &[&str]) -> Result<(), String> {
    let output = Command::new(tool).args(words).output().map_err(|error| format!("{tool}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{tool} {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}
