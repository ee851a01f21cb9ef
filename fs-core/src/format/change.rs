//! The changes of a record: what happened to items, nodes, blocks and scalars.
//!
//! Each change is a tag and then its fields, without padding. A level is that of the node that
//! holds the pointer, 1 to 7; keys are not the end key.
//!
//! Put: the item `key` has this value from now on.
//!
//! | offset | size     | field    | rule                                             |
//! | -----: | -------: | -------- | ------------------------------------------------ |
//! |      0 |        1 | `tag`    | 1                                                |
//! |      1 |        1 | `flags`  | 1: fresh, the tree does not hold the key; else 0 |
//! |      2 |       15 | `key`    | of the item                                      |
//! |     17 |        2 | `length` | 463 or less                                      |
//! |     19 | `length` | `value`  | any                                              |
//!
//! Delete: the item `key` is gone.
//!
//! | offset | size | field   | rule                                              |
//! | -----: | ---: | ------- | ------------------------------------------------- |
//! |      0 |    1 | `tag`   | 2                                                 |
//! |      1 |    1 | `flags` | 1: vanish, the tree does not hold the key; else 0 |
//! |      2 |   15 | `key`   | of the item                                       |
//!
//! Point: in the node of `level`, `key` leads to this node.
//!
//! | offset | size | field     | rule                                             |
//! | -----: | ---: | --------- | ------------------------------------------------ |
//! |      0 |    1 | `tag`     | 3                                                |
//! |      1 |    1 | `flags`   | 1: fresh, the tree does not hold the key; else 0 |
//! |      2 |    1 | `level`   | 1 to 7                                           |
//! |      3 |   15 | `key`     | first key of the range of the node               |
//! |     18 |   13 | `pointer` | of `level` - 1                                   |
//!
//! Unpoint: in the node of `level`, `key` leads nowhere.
//!
//! | offset | size | field   | rule                                              |
//! | -----: | ---: | ------- | ------------------------------------------------- |
//! |      0 |    1 | `tag`   | 4                                                 |
//! |      1 |    1 | `flags` | 1: vanish, the tree does not hold the key; else 0 |
//! |      2 |    1 | `level` | 1 to 7                                            |
//! |      3 |   15 | `key`   | first key of the range of the node that was there |
//!
//! Fold: the nodes hold everything of this level and range that was pending.
//!
//! | offset | size | field   | rule                                 |
//! | -----: | ---: | ------- | ------------------------------------ |
//! |      0 |    1 | `tag`   | 5                                    |
//! |      1 |    1 | `level` | of the node that was written, 0 to 7 |
//! |      2 |   15 | `low`   | first key of the range               |
//! |     17 |   15 | `high`  | above `low`; not itself in the range |
//!
//! Root: the tree starts here.
//!
//! | offset | size | field  | rule             |
//! | -----: | ---: | ------ | ---------------- |
//! |      0 |    1 | `tag`  | 6                |
//! |      1 |   13 | `root` | any node pointer |
//!
//! Take (the blocks are in use), Give (free), Claim (free and erased), Window (free and no longer
//! erased), Leave (in use until given, whatever is folded):
//!
//! | offset | size | field    | rule                                             |
//! | -----: | ---: | -------- | ------------------------------------------------ |
//! |      0 |    1 | `tag`    | 7 Take, 8 Give, 9 Claim, 10 Window, 11 Leave     |
//! |      1 |    4 | `start`  | first block; not 0                               |
//! |      5 |    2 | `length` | blocks, 1 or more; they end below block 2^32 - 1 |
//!
//! State: the blocks are in this state. Does not move the count of free blocks.
//!
//! | offset | size | field    | rule                                             |
//! | -----: | ---: | -------- | ------------------------------------------------ |
//! |      0 |    1 | `tag`    | 12                                               |
//! |      1 |    4 | `start`  | first block; not 0                               |
//! |      5 |    2 | `length` | blocks, 1 or more; they end below block 2^32 - 1 |
//! |      7 |    1 | `state`  | 0 free, 1 erased, 2 used, 3 leaving              |
//!
//! Scalars: all scalars have these values.
//!
//! | offset | size | field     | rule        |
//! | -----: | ---: | --------- | ----------- |
//! |      0 |    1 | `tag`     | 13          |
//! |      1 |   54 | `scalars` | the scalars |
//!
//! Objects: objects below this one may be in use.
//!
//! | offset | size | field         | rule       |
//! | -----: | ---: | ------------- | ---------- |
//! |      0 |    1 | `tag`         | 14         |
//! |      1 |    6 | `next_object` | 17 or more |

use super::codec::{Reader, Writer};
use super::key::{self, FIRST_FREE, Key, OBJECT_MAX};
use super::page::VALUE_MAX;
use super::pointer::{self, HEIGHT_MAX, NodePointer};
use super::scalars;
use crate::error::{Field, Malformed};
use crate::units::{BlockNo, Level, ObjectId};

pub use super::scalars::Scalars;

const PUT: u8 = 1;
const DELETE: u8 = 2;
const POINT: u8 = 3;
const UNPOINT: u8 = 4;
const FOLD: u8 = 5;
const ROOT: u8 = 6;
const TAKE: u8 = 7;
const GIVE: u8 = 8;
const CLAIM: u8 = 9;
const WINDOW: u8 = 10;
const LEAVE: u8 = 11;
const STATE: u8 = 12;
const SCALARS: u8 = 13;
const OBJECTS: u8 = 14;

/// Neighbouring blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Run {
    /// The first one.
    pub start: BlockNo,
    /// How many.
    pub length: u16,
}

impl Run {
    /// A run of one block.
    #[must_use]
    pub const fn single(block: BlockNo) -> Self {
        Self { start: block, length: 1 }
    }

    /// The block behind the last one.
    #[must_use]
    pub const fn end(&self) -> BlockNo {
        BlockNo(self.start.0.saturating_add(self.length as u32))
    }

    /// Checks the rules of the tables.
    ///
    /// # Errors
    /// The run is empty, begins at block 0 or reaches the end of the numbers.
    pub const fn check(&self) -> Result<(), Malformed> {
        if self.start.0 == 0 {
            return Err(Malformed::Field(Field::Start));
        }
        if self.length == 0 || self.end().0 == u32::MAX {
            return Err(Malformed::Field(Field::Length));
        }
        Ok(())
    }
}

/// What blocks are used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum RunState {
    /// Free, and not known to be erased.
    Free = 0,
    /// Free, and erased.
    Erased = 1,
    /// In use.
    Used = 2,
    /// No longer needed, but in use until a record gives them.
    Leaving = 3,
}

impl RunState {
    const fn decode(value: u8) -> Result<Self, Malformed> {
        Ok(match value {
            0 => Self::Free,
            1 => Self::Erased,
            2 => Self::Used,
            3 => Self::Leaving,
            _ => return Err(Malformed::Field(Field::State)),
        })
    }
}

/// One change of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// An item has a value.
    Put {
        /// Whether the tree does not hold the key.
        fresh: bool,
        /// The item.
        key: Key,
        /// Its value, at most [`VALUE_MAX`] bytes.
        value: &'a [u8],
    },
    /// An item is gone.
    Delete {
        /// Whether the tree does not hold the key either.
        vanish: bool,
        /// The item.
        key: Key,
    },
    /// A key leads to a node.
    Point {
        /// Whether the tree does not hold the key at that level.
        fresh: bool,
        /// Level of the node that holds the pointer.
        level: Level,
        /// First key of the range of the node it leads to.
        key: Key,
        /// Where it leads.
        pointer: NodePointer,
    },
    /// A key leads nowhere.
    Unpoint {
        /// Whether the tree does not hold the key at that level either.
        vanish: bool,
        /// Level of the node that held the pointer.
        level: Level,
        /// First key of the range of the node it led to.
        key: Key,
    },
    /// Pending changes have reached their node.
    Fold {
        /// Level of the node.
        level: Level,
        /// First key of its range.
        low: Key,
        /// The key behind its range.
        high: Key,
    },
    /// The tree has a new root.
    Root(NodePointer),
    /// Blocks are in use.
    Take(Run),
    /// Blocks are free.
    Give(Run),
    /// Blocks are free and erased.
    Claim(Run),
    /// Blocks are free and no longer erased.
    Window(Run),
    /// Blocks are in use until they are given.
    Leave(Run),
    /// Blocks are in a state; the count of free blocks stays.
    State {
        /// The blocks.
        run: Run,
        /// Their state.
        state: RunState,
    },
    /// All scalars.
    Scalars(Scalars),
    /// Objects below this one may be in use.
    Objects(ObjectId),
}

impl<'a> Change<'a> {
    /// Bytes that the change takes in a record.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        match self {
            Self::Put { value, .. } => (4 + key::SIZE).saturating_add(value.len()),
            Self::Delete { .. } => 2 + key::SIZE,
            Self::Point { .. } => 3 + key::SIZE + pointer::SIZE,
            Self::Unpoint { .. } => 3 + key::SIZE,
            Self::Fold { .. } => 2 + 2 * key::SIZE,
            Self::Root(_) => 1 + pointer::SIZE,
            Self::Take(_)
            | Self::Give(_)
            | Self::Claim(_)
            | Self::Window(_)
            | Self::Leave(_)
            | Self::Objects(_) => 7,
            Self::State { .. } => 8,
            Self::Scalars(_) => 1 + scalars::SIZE,
        }
    }

    /// Checks the rules of its table.
    ///
    /// # Errors
    /// The rule that `self` breaks.
    pub fn check(&self) -> Result<(), Malformed> {
        match self {
            Self::Put { key, value, .. } => {
                key.check()?;
                if value.len() > VALUE_MAX { Err(Malformed::Field(Field::Length)) } else { Ok(()) }
            }
            Self::Delete { key, .. } => key.check(),
            Self::Point { level, key, pointer, .. } => {
                key.check()?;
                pointer.check()?;
                check_parent(*level)?;
                if pointer.level.up() == *level {
                    Ok(())
                } else {
                    Err(Malformed::Field(Field::Level))
                }
            }
            Self::Unpoint { level, key, .. } => {
                check_parent(*level)?;
                key.check()
            }
            Self::Fold { level, low, high } => {
                if level.0 >= HEIGHT_MAX {
                    return Err(Malformed::Field(Field::Level));
                }
                low.check()?;
                if low < high && high.object <= OBJECT_MAX { Ok(()) } else { Err(Malformed::Order) }
            }
            Self::Root(pointer) => pointer.check(),
            Self::Take(run)
            | Self::Give(run)
            | Self::Claim(run)
            | Self::Window(run)
            | Self::Leave(run)
            | Self::State { run, .. } => run.check(),
            Self::Scalars(scalars) => scalars.check(),
            Self::Objects(object) if *object < FIRST_FREE || *object > OBJECT_MAX => {
                Err(Malformed::Field(Field::NextObject))
            }
            Self::Objects(_) => Ok(()),
        }
    }

    fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let change = match reader.u8()? {
            PUT => {
                let fresh = read_flag(reader)?;
                let key = read_key(reader)?;
                let length = usize::from(reader.u16()?);
                Self::Put { fresh, key, value: reader.bytes(length)? }
            }
            DELETE => Self::Delete { vanish: read_flag(reader)?, key: read_key(reader)? },
            POINT => Self::Point {
                fresh: read_flag(reader)?,
                level: Level(reader.u8()?),
                key: read_key(reader)?,
                pointer: NodePointer::decode(reader.array()?)?,
            },
            UNPOINT => Self::Unpoint {
                vanish: read_flag(reader)?,
                level: Level(reader.u8()?),
                key: read_key(reader)?,
            },
            FOLD => Self::Fold {
                level: Level(reader.u8()?),
                low: read_key(reader)?,
                high: read_key(reader)?,
            },
            ROOT => Self::Root(NodePointer::decode(reader.array()?)?),
            TAKE => Self::Take(read_run(reader)?),
            GIVE => Self::Give(read_run(reader)?),
            CLAIM => Self::Claim(read_run(reader)?),
            WINDOW => Self::Window(read_run(reader)?),
            LEAVE => Self::Leave(read_run(reader)?),
            STATE => Self::State { run: read_run(reader)?, state: RunState::decode(reader.u8()?)? },
            SCALARS => Self::Scalars(Scalars::decode(reader.array()?)?),
            OBJECTS => Self::Objects(ObjectId(reader.u48()?)),
            _ => return Err(Malformed::Field(Field::Tag)),
        };
        change.check()?;
        Ok(change)
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Option<()> {
        match self {
            Self::Put { fresh, key, value } => {
                writer.put(&[PUT, u8::from(*fresh)])?;
                writer.put(&key.encode())?;
                writer.put(&u16::try_from(value.len()).ok()?.to_le_bytes())?;
                writer.put(value)
            }
            Self::Delete { vanish, key } => {
                writer.put(&[DELETE, u8::from(*vanish)])?;
                writer.put(&key.encode())
            }
            Self::Point { fresh, level, key, pointer } => {
                writer.put(&[POINT, u8::from(*fresh), level.0])?;
                writer.put(&key.encode())?;
                writer.put(&pointer.encode().ok()?)
            }
            Self::Unpoint { vanish, level, key } => {
                writer.put(&[UNPOINT, u8::from(*vanish), level.0])?;
                writer.put(&key.encode())
            }
            Self::Fold { level, low, high } => {
                writer.put(&[FOLD, level.0])?;
                writer.put(&low.encode())?;
                writer.put(&high.encode())
            }
            Self::Root(pointer) => {
                writer.put(&[ROOT])?;
                writer.put(&pointer.encode().ok()?)
            }
            Self::Take(run) => put_run(writer, TAKE, *run),
            Self::Give(run) => put_run(writer, GIVE, *run),
            Self::Claim(run) => put_run(writer, CLAIM, *run),
            Self::Window(run) => put_run(writer, WINDOW, *run),
            Self::Leave(run) => put_run(writer, LEAVE, *run),
            Self::State { run, state } => {
                put_run(writer, STATE, *run)?;
                writer.put(&[*state as u8])
            }
            Self::Scalars(scalars) => {
                writer.put(&[SCALARS])?;
                writer.put(&scalars.encode().ok()?)
            }
            Self::Objects(object) => {
                writer.put(&[OBJECTS])?;
                writer.put_48(object.0)
            }
        }
    }
}

fn check_parent(level: Level) -> Result<(), Malformed> {
    if matches!(level.0, 1..HEIGHT_MAX) { Ok(()) } else { Err(Malformed::Field(Field::Level)) }
}

fn read_flag(reader: &mut Reader<'_>) -> Result<bool, Malformed> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed::Field(Field::Flags)),
    }
}

fn read_key(reader: &mut Reader<'_>) -> Result<Key, Malformed> {
    Ok(Key::decode(reader.array()?))
}

fn read_run(reader: &mut Reader<'_>) -> Result<Run, Malformed> {
    Ok(Run { start: BlockNo(reader.u32()?), length: reader.u16()? })
}

fn put_run(writer: &mut Writer<'_>, tag: u8, run: Run) -> Option<()> {
    writer.put(&[tag])?;
    writer.put(&run.start.0.to_le_bytes())?;
    writer.put(&run.length.to_le_bytes())
}

/// Why a change was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refused {
    /// It does not fit behind the others.
    Full,
    /// It breaks a rule of its table.
    Malformed(Malformed),
}

/// Bytes of a Put before its value.
pub const PUT_HEAD: usize = 4 + key::SIZE;

/// A Put whose value of `length` bytes already stands behind it.
///
/// # Errors
/// `Full` when the value is longer than any item's.
pub fn put_head(fresh: bool, key: Key, length: usize) -> Result<[u8; PUT_HEAD], Refused> {
    let length = u16::try_from(length).ok().filter(|length| usize::from(*length) <= VALUE_MAX);
    let mut head = [0; PUT_HEAD];
    let mut writer = Writer::new(&mut head);
    let written = writer.put(&[PUT, u8::from(fresh)]).and_then(|()| {
        writer.put(&key.encode())?;
        writer.put(&length?.to_le_bytes())
    });
    written.map(|()| head).ok_or(Refused::Full)
}

/// Writes changes one behind the other.
#[derive(Debug)]
pub struct ChangeWriter<'a>(Writer<'a>);

impl<'a> ChangeWriter<'a> {
    /// Begins at the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a mut [u8]) -> Self {
        Self(Writer::new(bytes))
    }

    /// Appends `change`, or nothing of it.
    ///
    /// # Errors
    /// `Full` when it does not fit, `Malformed` when it could not be read back.
    pub fn push(&mut self, change: &Change<'_>) -> Result<(), Refused> {
        change.check().map_err(Refused::Malformed)?;
        if change.bytes() > self.0.room() {
            return Err(Refused::Full);
        }
        change.encode(&mut self.0).ok_or(Refused::Full)
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    /// Bytes that further changes can take.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.0.room()
    }
}

/// The changes of a verified record, in their order; ends after the first one that breaks a rule.
#[derive(Debug, Clone)]
pub struct Changes<'a>(Reader<'a>);

impl<'a> Changes<'a> {
    /// The changes in `bytes`: what follows the header of a record.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(Reader(bytes))
    }
}

impl<'a> Iterator for Changes<'a> {
    type Item = Result<Change<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.0.is_empty() {
            return None;
        }
        let change = Change::decode(&mut self.0);
        if change.is_err() {
            self.0 = Reader(&[]);
        }
        Some(change)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation, reason = "a test")]
mod tests;
