//! A mounted volume of a file, and walks over its names.

use std::time::{SystemTime, UNIX_EPOCH};

use fs_core::blocking::Volume;
use fs_core::units::Time;
use fs_core::{Attributes, Memory, MountOptions, NameBuf, NodeKind};

use super::{Failure, Flash, Result};

/// Room for any volume that a device can have, and for the deepest paths.
type Lent = Memory<65024, 24, 8>;

/// A volume of a file.
pub type Mounted<'m> = Volume<'m, Flash>;

/// Mounts the volume in `flash`, and lends it to `body`. The file is saved if something changed.
///
/// # Errors
/// What is wrong with the volume; those of `body`, and then nothing is saved.
pub fn mounted<T>(
    flash: &mut Flash,
    read_only: bool,
    body: impl FnOnce(&Mounted<'_>) -> Result<T>,
) -> Result<T> {
    flash.volume()?;
    let shown = flash.path().display().to_string();
    let failed = |error| Failure::of(&shown, error);
    let mut memory = Box::new(Lent::new());
    let options = MountOptions { read_only, clock: now, ..MountOptions::default() };
    let volume = Volume::mount(flash, &mut *memory, options).map_err(failed)?;
    let done = body(&volume)?;
    if read_only {
        drop(volume);
    } else {
        volume.unmount().map_err(failed)?;
        flash.save()?;
    }
    Ok(done)
}

/// The time now.
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanoseconds = since.ok().and_then(|since| i64::try_from(since.as_nanos()).ok());
    nanoseconds.map_or(Time::UNKNOWN, Time)
}

/// A name of a volume and what is known about it.
#[derive(Debug, Clone)]
pub struct Item {
    /// Path from the root.
    pub path: String,
    /// What is known.
    pub attributes: Attributes,
    /// How deep below the place where the walk began.
    pub depth: usize,
}

impl Item {
    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.attributes.kind == NodeKind::Directory
    }

    /// The last part of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// What `path` names, and if it is a directory what lies in it, down to `depth`; in the order of
/// names, what lies in a directory behind it.
///
/// # Errors
/// The filesystem's.
pub fn walk(volume: &Mounted<'_>, path: &str, depth: usize) -> Result<Vec<Item>> {
    let top = clean(path);
    let shown = if top.is_empty() { "/" } else { &top };
    let attributes = volume.symlink_stat(shown).map_err(|error| Failure::of(shown, error))?;
    let mut items = Vec::new();
    let mut waiting = vec![Item { path: top, attributes, depth: 0 }];
    while let Some(item) = waiting.pop() {
        if item.is_directory() && item.depth < depth {
            let mut below = list(volume, &item)?;
            below.sort_by(|one, other| other.path.cmp(&one.path));
            waiting.extend(below);
        }
        items.push(item);
    }
    Ok(items)
}

fn list(volume: &Mounted<'_>, directory: &Item) -> Result<Vec<Item>> {
    let shown = if directory.path.is_empty() { "/" } else { &directory.path };
    let failed = |error| Failure::of(shown, error);
    let mut names = Vec::new();
    let mut name = NameBuf::new();
    let mut listing = volume.read_dir(shown).map_err(failed)?;
    while listing.next(&mut name).map_err(failed)?.is_some() {
        let text = name.as_str().ok_or_else(|| {
            Failure::Refused(format!("{shown}: the name \"{name}\" is not UTF-8"))
        })?;
        names.push(format!("{}/{text}", directory.path));
    }
    drop(listing);
    let item = |path: String| {
        let attributes = volume.symlink_stat(&path).map_err(|error| Failure::of(&path, error))?;
        Ok(Item { path, attributes, depth: directory.depth + 1 })
    };
    names.into_iter().map(item).collect()
}

/// A path with one slash before each part, and none for the root.
pub fn clean(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.fold(String::new(), |path, part| path + "/" + part)
}

/// A time for people, in UTC.
#[must_use]
pub fn date(time: Time) -> String {
    if time == Time::UNKNOWN {
        return "-".into();
    }
    let seconds = time.0.div_euclid(1_000_000_000);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days are counted from the first of March of year 0: leap days come last then.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day = days.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + carry;
    let (hour, minute) = (rest / 3600, rest % 3600 / 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
}

#[cfg(test)]
mod tests {
    use super::{clean, date};
    use fs_core::units::Time;

    #[test]
    fn dates_are_right_around_leap_days() {
        let table = [
            (0, "1970-01-01 00:00"),
            (951_782_400, "2000-02-29 00:00"),
            (951_868_799, "2000-02-29 23:59"),
            (1_709_251_200, "2024-03-01 00:00"),
            (4_107_542_340, "2100-02-28 23:59"),
            (-1, "1969-12-31 23:59"),
        ];
        for (seconds, text) in table {
            assert_eq!(date(Time(seconds * 1_000_000_000)), text);
        }
        assert_eq!(date(Time::UNKNOWN), "-");
    }

    #[test]
    fn paths_are_one_slash_before_each_part() {
        for (path, cleaned) in [("/", ""), ("", ""), ("a//b/", "/a/b"), ("/a", "/a")] {
            assert_eq!(clean(path), cleaned);
        }
    }
}
