//! A volume over RAM that a test can look at, and histories of transactions on it.
#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "tests")]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
#![allow(
    dead_code,
    missing_docs,
    clippy::missing_errors_doc,
    reason = "each test takes what it needs"
)]
#![allow(clippy::missing_panics_doc, clippy::new_without_default, reason = "tests")]

use fs_core::blocking::device::{BlockDevice, RamDevice};
use fs_core::blocking::txn::{Buffers, DELETE_COST, Purpose, Txn, put_cost};
use fs_core::cache::CachedPage;
use fs_core::error::ErrorKind;
use fs_core::format::anchor::{self, Entry};
use fs_core::format::change::Change;
use fs_core::format::checksum::VolumeSeed;
use fs_core::format::key::{Key, Kind};
use fs_core::memory::WORK_BYTES;
use fs_core::pending::{RunTable, State};
use fs_core::units::{BlockNo, ByteOffset, Geometry, ObjectId, Time};
use fs_core::{Error, FormatOptions};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

pub const BLOCK: usize = 4096;

/// RAM that a test can look at while a volume works in it.
#[derive(Clone)]
pub struct Shared(pub Rc<RefCell<Vec<u8>>>);

impl BlockDevice for Shared {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        RamDevice::new(&mut self.0.borrow_mut()).geometry()
    }

    fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), ErrorKind> {
        RamDevice::new(&mut self.0.borrow_mut()).read(at, target)
    }

    fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), ErrorKind> {
        RamDevice::new(&mut self.0.borrow_mut()).program(at, source)
    }

    fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        RamDevice::new(&mut self.0.borrow_mut()).erase(at, bytes)
    }

    fn discard(&mut self, _: ByteOffset, _: u64) -> Result<(), ErrorKind> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

pub struct Ram {
    pub arena: [u8; 2048],
    runs: RunTable,
    work: [u8; WORK_BYTES],
    pub pages: [CachedPage; 2],
}

impl Ram {
    pub fn new() -> Self {
        Self {
            arena: [0; 2048],
            runs: RunTable::new(),
            work: [0; WORK_BYTES],
            pages: [CachedPage::EMPTY; 2],
        }
    }

    pub fn buffers(&mut self) -> Buffers<'_> {
        Buffers {
            arena: &mut self.arena,
            runs: &mut self.runs,
            work: &mut self.work,
            pages: &mut self.pages,
        }
    }
}

pub fn random(seed: &mut u32) -> u32 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    *seed
}

/// The state without its tags, which count from where the reader began.
pub fn told(state: &State<'_>) -> (String, Vec<String>) {
    let changes = state.all_changes(0).map(|change: Change<'_>| format!("{change:?}"));
    (format!("{:?}", state.scalars), changes.collect())
}

pub fn mounted_state(image: Vec<u8>) -> Result<(String, Vec<String>), Error> {
    let mut device = Shared(Rc::new(RefCell::new(image)));
    let mut ram = Ram::new();
    let found = Txn::find(&mut device, &mut ram.pages, ram.arena.len())?;
    let mut txn = Txn::open(&mut device, ram.buffers(), &found, true);
    txn.start(&found)?;
    Ok(told(txn.state()))
}

/// The image without its newest anchor entry.
fn without_newest_entry(mut image: Vec<u8>) -> Vec<u8> {
    let volume = VolumeSeed::of(&[0; 16]);
    let last = image.len() / BLOCK - 1;
    let mut newest = None;
    for block in [0, last] {
        for slot in 0..(BLOCK - 512) / anchor::SIZE {
            let at = block * BLOCK + 512 + slot * anchor::SIZE;
            let bytes: [u8; anchor::SIZE] = image[at..at + anchor::SIZE].try_into().unwrap();
            if let Ok(entry) = Entry::decode(&bytes, volume, BlockNo(block as u32), slot as u16) {
                newest = newest.max(Some((entry.session, entry.sequence, at)));
            }
        }
    }
    let (_, _, at) = newest.expect("an entry");
    image[at..at + anchor::SIZE].fill(0);
    image
}

pub fn key(number: u32) -> Key {
    Key::new(ObjectId(u64::from(number) + 100), Kind::INLINE, 0)
}

/// A history of puts and deletes in one session; after each commit both mounts agree with it, or
/// the first disagreement is told.
pub fn history(blocks: usize, commits: u32, keys: u32, mut seed: u32) -> Result<(), String> {
    let device = Shared(Rc::new(RefCell::new(vec![0xFF; blocks * BLOCK])));
    let mut ram = Ram::new();
    let options = FormatOptions::default();
    Txn::format(&mut device.clone(), ram.buffers(), &options, Time(1)).unwrap();
    let mut own = device.clone();
    let found = Txn::find(&mut own, &mut ram.pages, ram.arena.len()).unwrap();
    let mut txn = Txn::open(&mut own, ram.buffers(), &found, false);
    txn.start(&found).unwrap();
    let mut model: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    for step in 0..commits {
        let number = random(&mut seed) % keys;
        let value = vec![step as u8; random(&mut seed) as usize % 200];
        let known = model.contains_key(&number);
        if known && random(&mut seed).is_multiple_of(3) {
            let mut batch = txn.begin(DELETE_COST, Purpose::Shrink).unwrap();
            txn.delete(&mut batch, key(number)).unwrap();
            txn.commit(batch).unwrap();
            model.remove(&number);
        } else {
            let mut batch = match txn.begin(put_cost(value.len()), Purpose::Grow) {
                Err(Error::NoSpace) => continue,
                batch => batch.unwrap(),
            };
            txn.put(&mut batch, key(number), &value, !known).unwrap();
            txn.commit(batch).unwrap();
            model.insert(number, value);
        }
        let running = told(txn.state());
        let image = device.0.borrow().clone();
        let newest = mounted_state(image.clone());
        if newest.as_ref() != Ok(&running) {
            return Err(format!("commit {step}: {newest:?} instead of {running:?}"));
        }
        let older = mounted_state(without_newest_entry(image));
        if older.as_ref() != Ok(&running) {
            return Err(format!("commit {step}, from the entry before: {older:?}"));
        }
    }
    for (number, value) in &model {
        let mut target = [0; 512];
        let length = txn.get(key(*number), &mut target).unwrap().expect("a committed item");
        assert_eq!(&target[..length], &value[..], "item {number}");
    }
    Ok(())
}
