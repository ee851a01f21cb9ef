//! What the scenarios write. Every byte follows from a number, so that what is found later, by the
//! board or by a program of another machine, can be compared with what must be there.

use core::fmt;

/// Bytes of the configuration.
pub const CONFIG_BYTES: usize = 127;
/// Bytes of an event.
pub const EVENT_BYTES: usize = 16;

/// The configuration after its `number`-th change.
pub fn config(number: u32) -> [u8; CONFIG_BYTES] {
    let mut text = *b"\
        change = 00000000\nserial = 0017-2291\ninterval = 60\nname = \"sensor\"\n\
        gain = [ 7, 8, 9, 10 ]\nserver = \"192.0.2.17\"\nport = 1883\nok\n";
    write_digits(&mut text[9..17], number);
    text
}

/// The number of a configuration, if it is one, whole.
pub fn config_number(text: &[u8]) -> Option<u32> {
    let number = digits(text.get(9..17)?)?;
    (text == config(number)).then_some(number)
}

/// One event.
pub fn event(number: u32) -> [u8; EVENT_BYTES] {
    let mut text = *b"event 00000000;\n";
    write_digits(&mut text[6..14], number);
    text
}

/// The number of an event, if it is one, whole.
pub fn event_number(text: &[u8]) -> Option<u32> {
    let number = digits(text.get(6..14)?)?;
    (text == event(number)).then_some(number)
}

fn write_digits(target: &mut [u8], mut number: u32) {
    for digit in target.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |number: u32, digit| match digit {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add((digit - b'0').into()),
        _ => None,
    })
}

/// Bytes without end that follow from a seed (xorshift).
#[derive(Debug, Clone)]
pub struct Pattern(u32);

impl Pattern {
    /// The bytes of `seed`.
    pub fn new(seed: u32) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B1) | 1)
    }

    /// Fills `target` with the next ones.
    pub fn fill(&mut self, target: &mut [u8]) {
        for (byte, next) in target.iter_mut().zip(self) {
            *byte = next;
        }
    }
}

impl Iterator for Pattern {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        Some((self.0 >> 24) as u8)
    }
}

/// Bytes of the `number`-th recording of a device in the field: it says its number, and goes on
/// with the pattern of that.
pub fn recording_bytes(number: u32) -> u32 {
    3_000 + number.wrapping_mul(977) % 9_000
}

/// Bytes of the `number`-th file of the import: around every limit that a content has.
pub fn file_bytes(number: u32) -> u32 {
    const BYTES: [u32; 16] = [
        0, 1, 80, 447, 448, 449, 512, 700, 1_024, 3_000, 4_095, 4_096, 4_097, 8_000, 20_000, 40_000,
    ];
    BYTES[number as usize % BYTES.len()]
}

/// A CRC-32 as zlib computes it, of bytes that come in pieces.
#[derive(Debug)]
pub struct Crc32(u32);

impl Crc32 {
    /// That of nothing.
    pub const fn new() -> Self {
        Self(u32::MAX)
    }

    /// Takes more bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u32::from(*byte);
            for _ in 0..8 {
                let low = self.0 & 1;
                self.0 = self.0 >> 1 ^ (0xEDB8_8320 & low.wrapping_neg());
            }
        }
    }

    /// The sum.
    pub fn value(&self) -> u32 {
        !self.0
    }
}

impl Default for Crc32 {
    fn default() -> Self {
        Self::new()
    }
}

/// A short text; what does not fit is left out.
#[derive(Debug, Clone)]
pub struct Text<const BYTES: usize = 64> {
    bytes: [u8; BYTES],
    used: usize,
}

impl<const BYTES: usize> Text<BYTES> {
    /// An empty one.
    pub const fn new() -> Self {
        Self { bytes: [0; BYTES], used: 0 }
    }

    /// The text that `arguments` make.
    pub fn of(arguments: fmt::Arguments<'_>) -> Self {
        let mut text = Self::new();
        // It has room or leaves out; it never fails.
        let _ = fmt::write(&mut text, arguments);
        text
    }

    /// The text, or nothing if a letter was cut.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or("")
    }

    /// The bytes of the text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    /// Forgets all behind the first `bytes`.
    pub fn truncate(&mut self, bytes: usize) {
        self.used = self.used.min(bytes);
    }

    /// Adds bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        for (place, byte) in self.bytes[self.used..].iter_mut().zip(bytes) {
            *place = *byte;
            self.used += 1;
        }
    }
}

impl<const BYTES: usize> Default for Text<BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const BYTES: usize> fmt::Write for Text<BYTES> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}
