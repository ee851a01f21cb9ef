//! Little-endian fields of a fixed-size record, and a cursor for the variable ones.
//!
//! A field is a type that carries its offset, so one that leaves its record does not compile, and
//! reading one can neither fail nor panic.

use crate::error::Malformed;

/// `N` uninterpreted bytes at byte `AT`.
pub(super) struct Bytes<const AT: usize, const N: usize>;
/// A little-endian `u16` at byte `AT`.
pub(super) struct Le16<const AT: usize>;
/// A little-endian `u32` at byte `AT`.
pub(super) struct Le32<const AT: usize>;
/// A little-endian integer of 48 bits at byte `AT`, in the low bits of a `u64`.
pub(super) struct Le48<const AT: usize>;
/// A little-endian `u64` at byte `AT`.
pub(super) struct Le64<const AT: usize>;

/// First byte of a field, and one past its last.
pub(super) type Span = (usize, usize);

/// One more than the highest number that 48 bits hold.
pub(super) const LIMIT_48: u64 = 1 << 48;

impl<const AT: usize, const N: usize> Bytes<AT, N> {
    pub(super) const SPAN: Span = (AT, AT + N);

    pub(super) const fn get<const SIZE: usize>(record: &[u8; SIZE]) -> [u8; N] {
        const { assert!(AT + N <= SIZE, "field outside its record") };
        let mut value = [0; N];
        let (_, rest) = record.split_at(AT);
        let (bytes, _) = rest.split_at(N);
        value.copy_from_slice(bytes);
        value
    }

    pub(super) const fn put<const SIZE: usize>(record: &mut [u8; SIZE], value: [u8; N]) {
        const { assert!(AT + N <= SIZE, "field outside its record") };
        let (_, rest) = record.split_at_mut(AT);
        let (bytes, _) = rest.split_at_mut(N);
        bytes.copy_from_slice(&value);
    }
}

macro_rules! integer {
    ($name:ident, $inner:ty, $bytes:literal) => {
        impl<const AT: usize> $name<AT> {
            pub(super) const SPAN: Span = Bytes::<AT, $bytes>::SPAN;

            pub(super) const fn get<const SIZE: usize>(record: &[u8; SIZE]) -> $inner {
                <$inner>::from_le_bytes(Bytes::<AT, $bytes>::get(record))
            }

            pub(super) const fn put<const SIZE: usize>(record: &mut [u8; SIZE], value: $inner) {
                Bytes::<AT, $bytes>::put(record, value.to_le_bytes());
            }
        }
    };
}

integer!(Le16, u16, 2);
integer!(Le32, u32, 4);
integer!(Le64, u64, 8);

impl<const AT: usize> Le48<AT> {
    pub(super) const SPAN: Span = Bytes::<AT, 6>::SPAN;

    pub(super) const fn get<const SIZE: usize>(record: &[u8; SIZE]) -> u64 {
        let mut bytes = [0; 8];
        Bytes::<0, 6>::put(&mut bytes, Bytes::<AT, 6>::get(record));
        u64::from_le_bytes(bytes)
    }

    /// Stores the low 48 bits; a caller's `check` has refused anything larger.
    pub(super) const fn put<const SIZE: usize>(record: &mut [u8; SIZE], value: u64) {
        Bytes::<AT, 6>::put(record, low_48(value));
    }
}

/// Whether the fields, in order, cover a record of `size` bytes without gap or overlap.
pub(super) const fn covers(fields: &[Span], size: usize) -> bool {
    let mut next = 0;
    let mut rest = fields;
    while let [(start, end), tail @ ..] = rest {
        if *start != next {
            return false;
        }
        next = *end;
        rest = tail;
    }
    next == size
}

/// The low 32 bits of `value`.
pub(super) const fn low_32(value: u64) -> u32 {
    Le32::<0>::get(&value.to_le_bytes())
}

/// The low 48 bits of `value`.
const fn low_48(value: u64) -> [u8; 6] {
    Bytes::<0, 6>::get(&value.to_le_bytes())
}

/// Whether all of `bytes` are zero.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

/// What is left of a structure that is read from front to back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `count` bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        let [value] = *self.array()?;
        Ok(value)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(*self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(*self.array()?))
    }

    pub(super) fn u48(&mut self) -> Result<u64, Malformed> {
        Ok(Le48::<0>::get(self.array::<6>()?))
    }
}

/// A structure that is written from front to back.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    bytes: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, length: 0 }
    }

    /// Bytes written so far.
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// Bytes that can still be written.
    pub(super) const fn room(&self) -> usize {
        self.bytes.len().saturating_sub(self.length)
    }

    /// Appends `bytes`; nothing at all when they do not fit.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let target = self.bytes.get_mut(self.length..)?.get_mut(..bytes.len())?;
        target.copy_from_slice(bytes);
        self.length = self.length.saturating_add(bytes.len());
        Some(())
    }

    /// Appends the low 48 bits of `value`.
    pub(super) fn put_48(&mut self, value: u64) -> Option<()> {
        self.put(&low_48(value))
    }
}

#[cfg(test)]
mod tests {
    use super::{Le48, Reader, Writer, covers};
    use crate::error::Malformed;

    #[test]
    fn fields_cover_a_record_only_without_gap_or_overlap() {
        assert!(covers(&[(0, 4), (4, 6)], 6));
        assert!(!covers(&[(0, 4), (5, 6)], 6), "gap");
        assert!(!covers(&[(0, 4), (3, 6)], 6), "overlap");
        assert!(!covers(&[(0, 4), (4, 6)], 7), "short");
    }

    #[test]
    fn an_integer_of_48_bits_keeps_its_low_bits() {
        let mut record = [0xff; 7];
        Le48::<1>::put(&mut record, 0xaabb_0605_0403_0201);
        assert_eq!(record, [0xff, 1, 2, 3, 4, 5, 6]);
        assert_eq!(Le48::<1>::get(&record), 0x0605_0403_0201);
    }

    #[test]
    fn a_reader_stops_at_the_end_and_a_writer_before_it() {
        let mut reader = Reader(&[1, 2, 3]);
        assert_eq!(reader.u16(), Ok(0x0201));
        assert_eq!(reader.u16(), Err(Malformed::Truncated));
        assert_eq!(reader.u8(), Ok(3));
        let mut bytes = [0; 7];
        let mut writer = Writer::new(&mut bytes);
        assert!(writer.put_48(0x0605_0403_0201).is_some());
        assert!(writer.put(&[7, 8]).is_none());
        assert_eq!((writer.len(), writer.room()), (6, 1));
        assert_eq!(bytes, [1, 2, 3, 4, 5, 6, 0]);
    }
}
