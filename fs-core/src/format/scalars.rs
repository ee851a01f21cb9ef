//! The scalars: every number of a volume that changes, as the first record of a block tells them.
//!
//! | offset | size | field         | rule                                                     |
//! | -----: | ---: | ------------- | -------------------------------------------------------- |
//! |      0 |    4 | `next`        | the journal block after this one; not 0                  |
//! |      4 |    4 | `spare_a`     | where the next settle writes; not 0, not `next`          |
//! |      8 |    4 | `spare_b`     | the other spare; not 0, not `next`, not `spare_a`        |
//! |     12 |   13 | `root`        | node pointer; none of the three blocks above             |
//! |     25 |    6 | `generation`  | highest of any node so far; not less than that of `root` |
//! |     31 |    6 | `next_object` | lowest object never used; 17 or more                     |
//! |     37 |    4 | `free`        | blocks that are free or erased                           |
//! |     41 |    4 | `cursor`      | where the search for free blocks goes on                 |
//! |     45 |    4 | `sweep`       | low bits of the object in which cold data is looked for  |
//! |     49 |    4 | `erases`      | blocks erased so far, saturating                         |
//! |     53 |    1 | `spare`       | 1 if `spare_a` was erased, see section 16; else 0        |

use super::codec::{Bytes, LIMIT_48, Le32, Le48, covers};
use super::key::FIRST_FREE;
use super::pointer::{self, NodePointer};
use crate::error::{Field, Malformed};
use crate::units::{BlockCount, BlockNo, Generation, ObjectId};

/// Size on disk, in bytes.
pub const SIZE: usize = 54;

type Next = Le32<0>;
type SpareA = Le32<4>;
type SpareB = Le32<8>;
type Root = Bytes<12, { pointer::SIZE }>;
type GenerationField = Le48<25>;
type NextObject = Le48<31>;
type Free = Le32<37>;
type Cursor = Le32<41>;
type Sweep = Le32<45>;
type Erases = Le32<49>;
type Spare = Bytes<53, 1>;

#[rustfmt::skip]
const _: () = assert!(covers(
    &[
        Next::SPAN, SpareA::SPAN, SpareB::SPAN, Root::SPAN, GenerationField::SPAN, NextObject::SPAN,
        Free::SPAN, Cursor::SPAN, Sweep::SPAN, Erases::SPAN, Spare::SPAN,
    ],
    SIZE
));

/// Scalars that keep every rule of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Scalars {
    /// The journal block that follows the one with these scalars.
    pub next: BlockNo,
    /// Where the next settle writes.
    pub spare_a: BlockNo,
    /// Where it writes when it is cut.
    pub spare_b: BlockNo,
    /// Root of the tree.
    pub root: NodePointer,
    /// Highest generation given to a node so far.
    pub generation: Generation,
    /// Lowest object never used.
    pub next_object: ObjectId,
    /// Blocks that are free, erased or not.
    pub free: BlockCount,
    /// Where the search for free blocks goes on.
    pub cursor: BlockNo,
    /// Low bits of the object in which the search for cold data goes on.
    pub sweep: u32,
    /// Blocks erased so far, saturating.
    pub erases: u32,
    /// Whether `spare_a` was erased: it is still as long as no settling has got to using it, and
    /// the slot behind the newest anchor entry tells that.
    pub spare_erased: bool,
}

impl Scalars {
    /// Decodes, and checks every byte.
    ///
    /// # Errors
    /// A rule of the table that `record` breaks.
    pub fn decode(record: &[u8; SIZE]) -> Result<Self, Malformed> {
        let scalars = Self {
            next: BlockNo(Next::get(record)),
            spare_a: BlockNo(SpareA::get(record)),
            spare_b: BlockNo(SpareB::get(record)),
            root: NodePointer::decode(&Root::get(record))?,
            generation: Generation(GenerationField::get(record)),
            next_object: ObjectId(NextObject::get(record)),
            free: BlockCount(Free::get(record)),
            cursor: BlockNo(Cursor::get(record)),
            sweep: Sweep::get(record),
            erases: Erases::get(record),
            spare_erased: match Spare::get(record) {
                [0] => false,
                [1] => true,
                _ => return Err(Malformed::Field(Field::Spare)),
            },
        };
        scalars.check()?;
        Ok(scalars)
    }

    /// Encodes, after the same checks.
    ///
    /// # Errors
    /// A rule of the table that `self` breaks.
    pub fn encode(&self) -> Result<[u8; SIZE], Malformed> {
        self.check()?;
        let mut record = [0; SIZE];
        Next::put(&mut record, self.next.0);
        SpareA::put(&mut record, self.spare_a.0);
        SpareB::put(&mut record, self.spare_b.0);
        Root::put(&mut record, self.root.encode()?);
        GenerationField::put(&mut record, self.generation.0);
        NextObject::put(&mut record, self.next_object.0);
        Free::put(&mut record, self.free.0);
        Cursor::put(&mut record, self.cursor.0);
        Sweep::put(&mut record, self.sweep);
        Erases::put(&mut record, self.erases);
        Spare::put(&mut record, [self.spare_erased.into()]);
        Ok(record)
    }

    /// Checks the rules of the table.
    ///
    /// # Errors
    /// The rule that `self` breaks.
    pub fn check(&self) -> Result<(), Malformed> {
        self.root.check()?;
        if self.next.0 == 0 {
            return Err(Malformed::Field(Field::Next));
        }
        if self.spare_a.0 == 0 || self.spare_a == self.next {
            return Err(Malformed::Field(Field::SpareA));
        }
        if self.spare_b.0 == 0 || [self.next, self.spare_a].contains(&self.spare_b) {
            return Err(Malformed::Field(Field::SpareB));
        }
        if [self.next, self.spare_a, self.spare_b].contains(&self.root.block) {
            return Err(Malformed::Field(Field::Root));
        }
        if self.generation < self.root.generation || self.generation.0 >= LIMIT_48 {
            return Err(Malformed::Field(Field::Generation));
        }
        if self.next_object < FIRST_FREE || self.next_object.0 >= LIMIT_48 {
            return Err(Malformed::Field(Field::NextObject));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{flips, golden, survives_damage};
    use super::{SIZE, Scalars};
    use crate::error::{Field, Malformed};
    use crate::format::pointer::NodePointer;
    use crate::units::{BlockCount, BlockNo, Generation, Level, ObjectId};

    const SAMPLE: Scalars = Scalars {
        next: BlockNo(0x0403_0201),
        spare_a: BlockNo(0x1413_1211),
        spare_b: BlockNo(0x2423_2221),
        root: NodePointer {
            block: BlockNo(0x3433_3231),
            generation: Generation(0x4645_4443_4241),
            base_pages: 4,
            delta_pages: 0,
            level: Level(5),
            full: false,
        },
        generation: Generation(0x5655_5453_5251),
        next_object: ObjectId(0x6665_6463_6261),
        free: BlockCount(0x7473_7271),
        cursor: BlockNo(0x8483_8281),
        sweep: 0x9493_9291,
        erases: 0xa4a3_a2a1,
        spare_erased: true,
    };

    #[rustfmt::skip]
    fn sample_bytes() -> [u8; SIZE] {
        golden(&[
            ("next",        "01020304"),
            ("spare_a",     "11121314"),
            ("spare_b",     "21222324"),
            ("root",        "31323334414243444546040005"),
            ("generation",  "515253545556"),
            ("next_object", "616263646566"),
            ("free",        "71727374"),
            ("cursor",      "81828384"),
            ("sweep",       "91929394"),
            ("erases",      "a1a2a3a4"),
            ("spare",       "01"),
        ])
    }

    #[test]
    fn encodes_to_the_golden_bytes() {
        assert_eq!(SAMPLE.encode(), Ok(sample_bytes()));
    }

    #[test]
    fn decodes_the_golden_bytes() {
        assert_eq!(Scalars::decode(&sample_bytes()), Ok(SAMPLE));
    }

    #[test]
    fn shows_every_flipped_bit() {
        for (bit, record) in flips(sample_bytes()) {
            assert_ne!(Scalars::decode(&record), Ok(SAMPLE), "bit {bit}");
        }
    }

    #[test]
    fn refuses_to_write_what_it_would_refuse_to_read() {
        let with = |change: fn(&mut Scalars)| {
            let mut scalars = SAMPLE;
            change(&mut scalars);
            scalars
        };
        let cases = [
            (with(|s| s.next = BlockNo(0)), Field::Next),
            (with(|s| s.spare_a = BlockNo(0)), Field::SpareA),
            (with(|s| s.spare_a = s.next), Field::SpareA),
            (with(|s| s.spare_b = BlockNo(0)), Field::SpareB),
            (with(|s| s.spare_b = s.next), Field::SpareB),
            (with(|s| s.spare_b = s.spare_a), Field::SpareB),
            (with(|s| s.root.level = Level(8)), Field::Level),
            (with(|s| s.root.block = s.next), Field::Root),
            (with(|s| s.root.block = s.spare_b), Field::Root),
            (with(|s| s.generation = Generation(s.root.generation.0 - 1)), Field::Generation),
            (with(|s| s.generation = Generation(1 << 48)), Field::Generation),
            (with(|s| s.next_object = ObjectId(16)), Field::NextObject),
            (with(|s| s.next_object = ObjectId(1 << 48)), Field::NextObject),
        ];
        for (scalars, field) in cases {
            assert_eq!(scalars.encode(), Err(Malformed::Field(field)));
        }
    }

    #[test]
    fn survives_any_bytes() {
        survives_damage(sample_bytes(), |bytes| Scalars::decode(bytes).ok()?.encode().ok());
    }
}
