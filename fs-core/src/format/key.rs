//! The key of an item: whose it is, what it is, and which one.
//!
//! | offset | size | field    | rule                                       |
//! | -----: | ---: | -------- | ------------------------------------------ |
//! |      0 |    6 | `object` | owner of the item                          |
//! |      6 |    1 | `kind`   | what the value is; bit 7 set: not critical |
//! |      7 |    8 | `offset` | which one of that owner and kind           |
//!
//! Keys are ordered as numbers: by object, then kind, then offset. Fifteen bytes of 255 are the end
//! key: above every key, and no key itself.
//!
//! | object  | what it owns                                      |
//! | ------: | ------------------------------------------------- |
//! |       1 | the group items, the wear items                   |
//! |       2 | the intent items                                  |
//! |      16 | the root directory                                |
//! | from 17 | each one file or directory, or the content of one |
//!
//! | kind | name       | offset of the key   | value                             |
//! | ---: | ---------- | ------------------- | --------------------------------- |
//! |    1 | `INODE`    | 0                   | directory item, or an inode       |
//! |    2 | `DIRENT`   | hash * 256 + slot   | directory entry                   |
//! |    3 | `INLINE`   | 0                   | content of a file, 1 to 448 bytes |
//! |    4 | `EXTENT`   | first byte of a run | extent item                       |
//! |    5 | `TAIL`     | first byte          | end of a content, 1 to 448 bytes  |
//! |    6 | `XATTR`    | hash * 256 + slot   | extended attribute                |
//! |    7 | `SYMLINK`  | 0                   | target of a symbolic link         |
//! |    8 | `LABEL`    |                     | reserved                          |
//! |    9 | `GROUP`    | number of a group   | group item                        |
//! |   10 | `INTENT`   | object concerned    | intent item                       |
//! |   11 | `REFCOUNT` |                     | reserved                          |
//! |   12 | `SNAPSHOT` |                     | reserved                          |
//! |   13 | `PATCH`    | first byte          | patch item of a region            |
//! |   14 | `OWNER`    | 0                   | owner item                        |
//! |  143 | `WEAR`     | number of a group   | 16 u16: erases of its blocks      |

use super::codec::{Bytes, Le48, Le64, covers};
use crate::error::{Field, Malformed};
use crate::units::ObjectId;

/// Size on disk, in bytes.
pub const SIZE: usize = 15;

type Object = Le48<0>;
type KindField = Bytes<6, 1>;
type Offset = Le64<7>;

const _: () = assert!(covers(&[Object::SPAN, KindField::SPAN, Offset::SPAN], SIZE));

/// The object that owns the group items.
pub const SPACE: ObjectId = ObjectId(1);
/// The object that owns the intent items.
pub const INTENTS: ObjectId = ObjectId(2);
/// The root directory.
pub const ROOT: ObjectId = ObjectId(16);
/// The first object of a user.
pub const FIRST_FREE: ObjectId = ObjectId(17);

/// The highest object there can be.
pub const OBJECT_MAX: ObjectId = ObjectId((1 << 48) - 1);

/// What an item is. Any byte can stand on the medium; unknown ones are kept if not critical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Kind(pub u8);

impl Kind {
    /// Attributes of a directory, or of a file with several links.
    pub const INODE: Self = Self(1);
    /// An entry of a directory.
    pub const DIRENT: Self = Self(2);
    /// The whole content of a small file.
    pub const INLINE: Self = Self(3);
    /// A run of blocks of a file.
    pub const EXTENT: Self = Self(4);
    /// Bytes behind the last full unit of a file.
    pub const TAIL: Self = Self(5);
    /// An extended attribute.
    pub const XATTR: Self = Self(6);
    /// The target of a symbolic link.
    pub const SYMLINK: Self = Self(7);
    /// The label of the volume, when changed after formatting. Reserved.
    pub const LABEL: Self = Self(8);
    /// What the blocks of one group are used for.
    pub const GROUP: Self = Self(9);
    /// Work that is not finished.
    pub const INTENT: Self = Self(10);
    /// How many files share a run. Reserved.
    pub const REFCOUNT: Self = Self(11);
    /// A frozen tree. Reserved.
    pub const SNAPSHOT: Self = Self(12);
    /// Units of a content that were overwritten.
    pub const PATCH: Self = Self(13);
    /// Who an object belongs to.
    pub const OWNER: Self = Self(14);
    /// How often the blocks of one group were erased.
    pub const WEAR: Self = Self(143);

    /// Whether a reader that does not know this kind must give up.
    #[must_use]
    pub const fn is_critical(self) -> bool {
        self.0 & 0x80 == 0
    }
}

/// The key of an item, or a bound between keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Key {
    /// Owner of the item, less than 2^48.
    pub object: ObjectId,
    /// What the item is.
    pub kind: Kind,
    /// Which one of that owner and kind.
    pub offset: u64,
}

impl Ord for Key {
    // One copy of the comparison: inlined everywhere it is kilobytes.
    #[inline(never)]
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        (self.object, self.kind, self.offset).cmp(&(other.object, other.kind, other.offset))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Key {
    /// Not after any key: the separator of the leftmost child.
    pub const MIN: Self = Self::new(ObjectId(0), Kind(0), 0);
    /// After every key: an exclusive bound, never a key.
    pub const END: Self = Self::new(OBJECT_MAX, Kind(u8::MAX), u64::MAX);

    /// The key of item `offset` of `object`.
    #[must_use]
    pub const fn new(object: ObjectId, kind: Kind, offset: u64) -> Self {
        Self { object, kind, offset }
    }

    /// Decodes. All bytes are some key or [`Key::END`].
    #[must_use]
    pub const fn decode(record: &[u8; SIZE]) -> Self {
        let [kind] = KindField::get(record);
        Self::new(ObjectId(Object::get(record)), Kind(kind), Offset::get(record))
    }

    /// Encodes, with the low 48 bits of the object.
    #[must_use]
    pub const fn encode(&self) -> [u8; SIZE] {
        let mut record = [0; SIZE];
        Object::put(&mut record, self.object.0);
        KindField::put(&mut record, [self.kind.0]);
        Offset::put(&mut record, self.offset);
        record
    }

    /// Checks that an item can have this key.
    ///
    /// # Errors
    /// The object has more than 48 bits, or this is [`Key::END`].
    pub fn check(&self) -> Result<(), Malformed> {
        if self.object > OBJECT_MAX || *self == Self::END {
            return Err(Malformed::Field(Field::Key));
        }
        Ok(())
    }

    /// The key right after this one; [`Key::END`] stays.
    #[must_use]
    pub fn next(self) -> Self {
        if let Some(offset) = self.offset.checked_add(1) {
            return Self { offset, ..self };
        }
        if let Some(kind) = self.kind.0.checked_add(1) {
            return Self::new(self.object, Kind(kind), 0);
        }
        match self.object.0.checked_add(1) {
            Some(object) if object <= OBJECT_MAX.0 => Self::new(ObjectId(object), Kind(0), 0),
            _ => Self::END,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flips, golden, survives_damage};
    use super::{Key, Kind, OBJECT_MAX, SIZE};
    use crate::error::{Field, Malformed};
    use crate::units::ObjectId;

    const SAMPLE: Key = Key::new(ObjectId(0x0605_0403_0201), Kind(0x87), 0x1716_1514_1312_1110);

    fn sample_bytes() -> [u8; SIZE] {
        golden(&[("object", "010203040506"), ("kind", "87"), ("offset", "1011121314151617")])
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        assert_eq!(SAMPLE.encode(), sample_bytes());
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(Key::decode(&sample_bytes()), SAMPLE);
    }

    #[test]
    fn shows_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert_ne!(Key::decode(&record), SAMPLE, "bit {bit}");
        }
    }

    #[test]
    fn refuses_what_is_no_key() {
        assert_eq!(SAMPLE.check(), Ok(()));
        assert_eq!(Key::MIN.check(), Ok(()));
        assert_eq!(Key::END.check(), Err(Malformed::Field(Field::Key)));
        let wide = Key { object: ObjectId(1 << 48), ..SAMPLE };
        assert_eq!(wide.check(), Err(Malformed::Field(Field::Key)));
    }

    #[test]
    fn any_bytes_are_a_key_and_come_back() {
        assert_eq!(Key::decode(&[0xff; SIZE]), Key::END);
        assert_eq!(Key::decode(&[0; SIZE]), Key::MIN);
        survives_damage([0xff; SIZE], |bytes| {
            let key = Key::decode(bytes);
            key.check().is_ok().then(|| key.encode())
        });
    }

    #[test]
    fn keys_are_ordered_as_numbers_and_next_is_the_next_number() {
        let number = |key: Key| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&key.offset.to_le_bytes());
            bytes[8] = key.kind.0;
            bytes[9..15].copy_from_slice(&key.object.0.to_le_bytes()[..6]);
            u128::from_le_bytes(bytes)
        };
        let keys = [
            Key::MIN,
            Key::new(ObjectId(0), Kind(0), u64::MAX),
            Key::new(ObjectId(0), Kind(255), u64::MAX),
            Key::new(ObjectId(1), Kind(1), 0),
            SAMPLE,
            Key::new(OBJECT_MAX, Kind(255), u64::MAX - 1),
        ];
        assert!(keys.is_sorted_by_key(|key| number(*key)) && keys.is_sorted());
        for key in keys {
            assert_eq!(number(key.next()), number(key) + 1);
        }
        assert_eq!(Key::END.next(), Key::END);
    }

    #[test]
    fn bit_7_of_a_kind_makes_it_not_critical() {
        assert!(Kind::PATCH.is_critical() && Kind(0x7f).is_critical());
        assert!(!Kind(0x80).is_critical());
    }
}
