//! What the program of a history wants next.

use fs_core::RenameMode;

use crate::model::{Access, CONTENT_MAX, Op, Slot};
use crate::rng::Rng;

/// The handle that histories use.
pub const SLOT: Slot = 3;

/// What a history is after for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// Everything a bit.
    Mixed,
    /// New files, until the volume is full.
    Fill,
    /// Every other file goes.
    Fragment,
    /// All files go.
    Empty,
    /// The same few files are rewritten.
    Rewrite,
}

/// A source of calls.
#[derive(Debug, Clone)]
pub struct Wishes {
    pub rng: Rng,
    mood: Mood,
    left: u64,
    files: u64,
    count: u64,
}

impl Wishes {
    pub const fn new(seed: u64, blocks: u32) -> Self {
        let files = if blocks < 64 { 20 } else { blocks as u64 * 3 / 2 };
        Self { rng: Rng::new(seed), mood: Mood::Mixed, left: 200, files, count: 0 }
    }

    /// The volume is full: something else, soon.
    pub fn full(&mut self) {
        self.left = self.left.min(self.rng.below(30));
    }

    /// Calls that belong together, in their order.
    pub fn next(&mut self) -> Vec<Op> {
        self.count += 1;
        if self.left == 0 {
            self.left = 20 + self.rng.below(600);
            self.mood = match self.rng.below(8) {
                0 => Mood::Fill,
                1 => Mood::Fragment,
                2 => Mood::Empty,
                3 | 4 => Mood::Rewrite,
                _ => Mood::Mixed,
            };
        }
        self.left -= 1;
        match self.mood {
            Mood::Fill => self.put(self.files * 2),
            Mood::Fragment => vec![Op::Remove(Self::file(self.count * 2 % self.files))],
            Mood::Empty => vec![Op::Remove(Self::file(self.count % (self.files * 2)))],
            Mood::Rewrite => self.put(6),
            Mood::Mixed => self.mixed(),
        }
    }

    fn mixed(&mut self) -> Vec<Op> {
        let (one, other) = (self.any_file(), self.any_file());
        let directory = format!("/d{}", self.rng.below(4));
        vec![match self.rng.below(40) {
            0..=2 => Op::Mkdir(directory),
            3 => Op::Mkdir(format!("{directory}/sub")),
            4 => Op::Rmdir(format!("{directory}/sub")),
            5 => Op::Rmdir(directory),
            6..=9 => Op::Remove(one),
            10..=13 => Op::Rename(one, other),
            14 => Op::Rename(format!("{directory}/sub"), format!("/d{}/sub", self.rng.below(4))),
            15 => Op::Truncate(one, self.rng.below(600)),
            16 => Op::Link(one, other),
            17 => Op::Symlink(one, format!("{directory}/link{}", self.rng.below(3))),
            18 => Op::Remove(format!("{directory}/link{}", self.rng.below(3))),
            19 => Op::RenameWith(one, other, RenameMode::Exclusive),
            20 => Op::RenameWith(one, other, RenameMode::Swap),
            21 => Op::Exchange(one, other),
            22 => Op::Sync,
            23 => Op::Park,
            24 => Op::Maintain(2),
            25 => return self.append(one),
            26 | 27 => return self.overwrite(one),
            28 => return self.set_aside(one),
            29 => Op::Truncate(one, self.rng.below(30_000)),
            _ => return self.put(self.files),
        }]
    }

    /// A whole content, in one of two ways.
    fn put(&mut self, files: u64) -> Vec<Op> {
        let number = self.rng.below(files);
        let path = Self::file(number);
        let content = self.content();
        if self.rng.chance(2, 3) {
            return vec![Op::Replace(path, content)];
        }
        let (write, close) = (Op::Write(SLOT, 0, content), Op::Close(SLOT));
        vec![Op::Open(SLOT, path, Access::REWRITE), write, close]
    }

    fn append(&mut self, path: String) -> Vec<Op> {
        let at = self.rng.below(300);
        let length = 1 + self.rng.index(100);
        let bytes = vec![self.rng.byte(); length];
        vec![
            Op::Open(SLOT, path, Access::CREATE),
            Op::Write(SLOT, at, bytes.clone()),
            Op::SyncFile(SLOT),
            Op::Write(SLOT, 0, bytes),
            Op::Read(SLOT),
            Op::Close(SLOT),
        ]
    }

    /// Some bytes anywhere in a file that may be large, several times.
    fn overwrite(&mut self, path: String) -> Vec<Op> {
        let mut wish = vec![Op::Open(SLOT, path, Access::CREATE)];
        for _ in 0..=self.rng.below(4) {
            let length = 1 + self.rng.index(600);
            wish.push(Op::Write(SLOT, self.rng.below(20_000), vec![self.rng.byte(); length]));
            if self.rng.chance(2, 3) {
                wish.push(Op::SyncFile(SLOT));
            }
        }
        wish.push(Op::Close(SLOT));
        wish
    }

    /// Space for a file before it is written.
    fn set_aside(&mut self, path: String) -> Vec<Op> {
        let (from, length) = (self.rng.below(9000), 1 + self.rng.below(20_000));
        let bytes = vec![self.rng.byte(); 1 + self.rng.index(900)];
        vec![
            Op::Open(SLOT, path, Access::CREATE),
            Op::Allocate(SLOT, from, length, self.rng.chance(1, 2)),
            Op::Write(SLOT, from, bytes),
            Op::Close(SLOT),
        ]
    }

    /// Content that names itself, mostly short.
    fn content(&mut self) -> Vec<u8> {
        let most = match self.rng.below(12) {
            0 => CONTENT_MAX.min(30_000),
            1 | 2 => CONTENT_MAX.min(5_000),
            _ => 448,
        };
        let length = self.rng.index(most + 1);
        let unit = format!("<{}:{length}>", self.count);
        unit.bytes().cycle().take(length).collect()
    }

    fn any_file(&mut self) -> String {
        let number = self.rng.below(self.files);
        Self::file(number)
    }

    /// The path of a file: the number says all.
    fn file(number: u64) -> String {
        match number % 7 {
            0 => format!("/f{number}"),
            1 => format!("/d{}/sub/f{number}", number % 4),
            2 => format!("/d{}/{}{number}", number % 4, "a long name ".repeat(8)),
            _ => format!("/d{}/f{number}", number % 4),
        }
    }
}
