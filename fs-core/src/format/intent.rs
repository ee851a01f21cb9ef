//! An intent item: work that a committed operation left to be done.
//!
//! | offset | size | field      | rule                                              |
//! | -----: | ---: | ---------- | ------------------------------------------------- |
//! |      0 |    1 | `kind`     | 1: destroy the content                            |
//! |      1 |    3 | `reserved` | 0                                                 |
//! |      4 |    6 | `from`     | first byte of the content that is concerned       |
//! |     10 |    6 | `to`       | one past the last; not less than `from`           |
//!
//! Key: (INTENTS, INTENT, the object that owns the content).

use super::codec::{Bytes, LIMIT_48, Le48, covers};
use super::key::{INTENTS, Key, Kind};
use crate::error::Malformed;
use crate::units::ObjectId;

/// Size on disk, in bytes.
pub const SIZE: usize = 16;

type KindField = Bytes<0, 1>;
type Reserved = Bytes<1, 3>;
type From = Le48<4>;
type To = Le48<10>;

const _: () = assert!(covers(&[KindField::SPAN, Reserved::SPAN, From::SPAN, To::SPAN], SIZE));

/// What is left to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum IntentKind {
    /// Delete the content, then the intent.
    Destroy = 1,
}

/// An intent item that keeps every rule of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Intent {
    /// What is left to be done.
    pub kind: IntentKind,
    /// First byte that is concerned.
    pub from: u64,
    /// One past the last byte that is concerned.
    pub to: u64,
}

impl Intent {
    /// The key of the intent about the content of `data`.
    #[must_use]
    pub const fn key(data: ObjectId) -> Key {
        Key::new(INTENTS, Kind::INTENT, data.0)
    }

    /// Decodes, and checks every byte.
    ///
    /// # Errors
    /// A rule of the table that `record` breaks.
    pub fn decode(record: &[u8; SIZE]) -> Result<Self, Malformed> {
        if KindField::get(record) != [IntentKind::Destroy as u8] {
            return Err(Malformed::Field("kind"));
        }
        if Reserved::get(record) != [0; 3] {
            return Err(Malformed::Field("reserved"));
        }
        let intent =
            Self { kind: IntentKind::Destroy, from: From::get(record), to: To::get(record) };
        intent.check()?;
        Ok(intent)
    }

    /// Decodes the value of an item.
    ///
    /// # Errors
    /// The value has another length, or breaks a rule of the table.
    pub fn from_value(value: &[u8]) -> Result<Self, Malformed> {
        Self::decode(value.try_into().map_err(|_| Malformed::Field("intent"))?)
    }

    /// Encodes, after the same checks.
    ///
    /// # Errors
    /// A rule of the table that `self` breaks.
    pub fn encode(&self) -> Result<[u8; SIZE], Malformed> {
        self.check()?;
        let mut record = [0; SIZE];
        KindField::put(&mut record, [self.kind as u8]);
        From::put(&mut record, self.from);
        To::put(&mut record, self.to);
        Ok(record)
    }

    /// Checks the rules of the table.
    ///
    /// # Errors
    /// The rule that `self` breaks.
    pub fn check(&self) -> Result<(), Malformed> {
        if self.to < self.from || self.to >= LIMIT_48 {
            return Err(Malformed::Field("to"));
        }
        Ok(())
    }
}
