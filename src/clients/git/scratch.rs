//! Temporary folders that are removed when dropped.

use std::fs;
use std::path::{Path, PathBuf};

use super::GitError;

/// A new, empty folder with access only for this user, removed when dropped.
pub(super) struct ScratchDir(PathBuf);

impl ScratchDir {
    /// Creates a folder below `parent`.
    pub(super) fn create(parent: &Path) -> Result<Self, GitError> {
        let failed = |path: &Path| {
            let place = path.display().to_string();
            move |source| GitError::Io { doing: "create the folder", place, source }
        };
        fs::create_dir_all(parent).map_err(failed(parent))?;
        let name = format!("sapm-clone-{}-{:016x}", std::process::id(), fastrand::u64(..));
        let path = parent.join(name);
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(failed(&path))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(folder = %self.0.display(), %error, "cannot remove temporary clone");
        }
    }
}
