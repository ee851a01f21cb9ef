//! A volume of which only a part shows.
//!
//! After most cuts the files of the workload and a sample of the imported ones are compared; the
//! whole tree is compared after some. A view hides the rest from the probe. It also passes the
//! check of the volume on after some cuts only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fs_core::error::{Error, Result};

use super::source::{GENERATED, IMPORT};
use super::stage::long_fuse;
use crate::chip::Nor;
use crate::explore::outcome::Allowed;
use crate::explore::play::fuse;
use crate::model::{Op, SAME, Slot, Tree};
use crate::rng::{Rng, mix};
use crate::scenario::Tuning;
use crate::subject::{Ending, Facts, Listed, Mounted, Mounting, Space, Subject, Vellum};

/// The whole tree is compared after one cut in so many.
const WHOLE_IN: u64 = 64;
/// The volume checks itself, whole, after one cut in so many: a check reads everything.
const CHECK_IN: u64 = 8;
/// So many imported files are compared after each other one.
const SAMPLE: usize = 1;

/// What shows.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The imported files and directories that show; all if `None`.
    kept: Option<BTreeSet<String>>,
    checks: bool,
}

impl View {
    /// The view after the cut of this seed, of the imported `files`.
    #[must_use]
    pub fn of(files: &[String], seed: u64) -> Self {
        let key = mix(seed, 77);
        if key.is_multiple_of(WHOLE_IN) {
            return Self { kept: None, checks: true };
        }
        let mut rng = Rng::new(key);
        let mut kept = BTreeSet::new();
        for _ in 0..SAMPLE.min(files.len()) {
            let mut path = files[rng.index(files.len())].as_str();
            while !path.is_empty() {
                kept.insert(path.to_owned());
                path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            }
        }
        Self { kept: Some(kept), checks: key.is_multiple_of(CHECK_IN) }
    }

    /// Whether everything shows.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.kept.is_none()
    }

    /// Whether the volume checks itself.
    #[must_use]
    pub const fn checks(&self) -> bool {
        self.checks
    }

    fn shows(&self, path: &str) -> bool {
        self.kept.as_ref().is_none_or(|kept| !imported(path) || kept.contains(path))
    }

    /// What may show of what is allowed.
    #[must_use]
    pub fn allowed(&self, allowed: &Allowed) -> Allowed {
        if self.is_whole() {
            return allowed.clone();
        }
        let mut shown = Allowed { trees: Vec::new(), ..allowed.clone() };
        for tree in &allowed.trees {
            shown.add(self.part_of(tree));
        }
        shown
    }

    /// What shows of a tree. Of the names of a file that show, the first has no other before it.
    fn part_of(&self, tree: &Tree) -> Tree {
        let entries = tree.iter().filter(|(path, _)| self.shows(path));
        let entries = entries.map(|(path, entry)| (Arc::clone(path), entry.clone()));
        let mut part: Tree = entries.collect();
        let mut first: BTreeMap<Vec<u8>, Arc<str>> = BTreeMap::new();
        for (path, _) in tree.iter().filter(|(path, _)| self.shows(path)) {
            let file = tree.fact(path, SAME).unwrap_or(path.as_bytes()).to_vec();
            match first.get(&file) {
                Some(first) => part.add_fact(path, SAME, first.as_bytes()),
                None => drop(first.insert(file, Arc::clone(path))),
            }
            for (what, value) in tree.facts_of(path).filter(|(what, _)| ***what != *SAME) {
                part.add_fact(path, what, value);
            }
        }
        part
    }
}

/// Whether a path belongs to the imported trees, which the workload leaves alone.
pub fn imported(path: &str) -> bool {
    let inside = |root: &str| path.strip_prefix(root).is_some_and(starts_anew);
    inside(IMPORT) || inside(GENERATED)
}

fn starts_anew(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// The real filesystem seen through a view.
#[derive(Debug, Clone, Copy)]
pub struct Viewed<'a>(pub &'a View);

/// A mounted volume whose every call is ended if it is endless: trees may be large, so that a
/// limit for all calls of a mount would end honest ones.
struct Shown<'a> {
    volume: &'a dyn Mounted,
    view: &'a View,
    nor: Nor,
}

impl Shown<'_> {
    fn volume(&self) -> &dyn Mounted {
        self.nor.set_faults(fuse());
        self.volume
    }
}

impl Subject for Viewed<'_> {
    fn name(&self) -> String {
        Vellum.name()
    }

    fn format(&self, device: &mut Nor, tuning: Tuning) -> Result<()> {
        Vellum.format(device, tuning)
    }

    fn session(
        &self,
        device: &mut Nor,
        tuning: Tuning,
        how: Mounting,
        body: &mut dyn FnMut(&dyn Mounted) -> Ending,
    ) -> Result<()> {
        let (view, nor) = (self.0, device.clone());
        let mut body = |volume: &dyn Mounted| body(&Shown { volume, view, nor: nor.clone() });
        Vellum.session(device, tuning, how, &mut body)
    }
}

impl Mounted for Shown<'_> {
    fn call(&self, op: &Op) -> Result<()> {
        self.volume().call(op)
    }

    fn read(&self, slot: Slot) -> Result<Vec<u8>> {
        self.volume().read(slot)
    }

    fn list(&self, directory: &str) -> Result<Vec<Listed>> {
        let kept = self.view.kept.as_ref().filter(|_| imported(directory));
        let Some(kept) = kept else {
            let mut entries = self.volume().list(directory)?;
            let parent = directory.trim_end_matches('/');
            entries.retain(|entry| self.view.shows(&format!("{parent}/{}", entry.name)));
            return Ok(entries);
        };
        // Of a large directory only the sample is looked up.
        let inside = |path: &&String| path.rsplit_once('/').is_some_and(|(up, _)| up == directory);
        let found = kept.iter().filter(inside).map(|path| self.volume().status(path));
        found.filter(|found| *found != Err(Error::NotFound)).collect()
    }

    fn facts(&self, path: &str, listed: &Listed) -> Result<Facts> {
        self.volume.facts(path, listed)
    }

    fn content(&self, path: &str) -> Result<Vec<u8>> {
        self.volume().content(path)
    }

    fn status(&self, path: &str) -> Result<Listed> {
        self.volume().status(path)
    }

    fn check(&self) -> Result<Space> {
        if !self.view.checks {
            return Ok(Space { used: 0, free: 0 });
        }
        self.nor.set_faults(long_fuse());
        self.volume.check()
    }
}

#[cfg(test)]
mod tests {
    use super::View;
    use crate::explore::outcome::Allowed;
    use crate::model::{Entry, Tree};

    #[test]
    fn a_view_keeps_the_workload_and_a_sample_with_its_directories() {
        let mut tree = Tree::default();
        for directory in ["/work", "/import", "/import/a"] {
            tree = tree.with(directory, Entry::Directory);
        }
        let files: Vec<_> = (0..20).map(|number| format!("/import/a/{number}")).collect();
        for path in files.iter().map(String::as_str).chain(["/work/x", "/importer"]) {
            tree = tree.with(path, Entry::File([1].as_slice().into()));
        }
        let whole = (0..1000).find(|seed| View::of(&files, *seed).is_whole());
        assert!(whole.is_some());
        let seed = (0..1000).find(|seed| !View::of(&files, *seed).is_whole()).unwrap_or_default();
        let shown = View::of(&files, seed).allowed(&Allowed::any([tree.clone()]));
        let paths: Vec<_> = shown.trees[0].iter().map(|(path, _)| path.to_string()).collect();
        for path in ["/work", "/work/x", "/importer", "/import", "/import/a"] {
            assert!(paths.iter().any(|other| other == path), "{path} in {paths:?}");
        }
        assert!(paths.len() == 6, "{paths:?}");
    }
}
