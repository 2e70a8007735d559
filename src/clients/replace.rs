//! Replaces files atomically.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

/// File name ending of a draft.
const DRAFT: &str = ".new";

/// No run takes this long to write a draft.
const LEFT_BEHIND: Duration = Duration::from_secs(60 * 60);

/// Replaces a file at once by renaming a draft next to it. The draft's name is random, because two
/// containers that share the folder may have the same process ids.
pub(super) fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let draft = file.with_extension(format!("{:016x}{DRAFT}", fastrand::u64(..)));
    let result = File::create_new(&draft)
        .and_then(|mut opened| opened.write_all(bytes))
        .and_then(|()| fs::rename(&draft, file));
    if result.is_err() {
        let _ = fs::remove_file(&draft);
    }
    result
}

/// Removes drafts of this file that killed runs left behind: those that are much older than the file.
pub(super) fn remove_old_drafts(file: &Path) -> io::Result<()> {
    let (Some(folder), Some(stem)) = (file.parent(), file.file_stem()) else { return Ok(()) };
    let replaced = fs::metadata(file)?.modified()?;
    let begin = format!("{}.", stem.to_string_lossy());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&begin) && name.ends_with(DRAFT) {
            let age = replaced.duration_since(entry.metadata()?.modified()?).unwrap_or_default();
            if age > LEFT_BEHIND {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}
