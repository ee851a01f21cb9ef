//! What the host sends.

/// Write the first status register.
pub const WRITE_STATUS: u8 = 0x01;
/// Program bytes of one page.
pub const PROGRAM: u8 = 0x02;
/// Forget the write enable.
pub const WRITE_DISABLE: u8 = 0x04;
/// Read the first status register, again and again.
pub const READ_STATUS: u8 = 0x05;
/// Allow one program, erase or write of a register.
pub const WRITE_ENABLE: u8 = 0x06;
/// Read, a dummy byte after the address: at any clock that the chip takes.
pub const FAST_READ: u8 = 0x0B;
/// The same with four bytes of address.
pub const FAST_READ_4: u8 = 0x0C;
/// Program, with four bytes of address.
pub const PROGRAM_4: u8 = 0x12;
/// Read without a dummy byte, with four bytes of address.
pub const READ_4: u8 = 0x13;
/// Read the third status register (Winbond).
pub const READ_STATUS_3: u8 = 0x15;
/// Read the security register (Macronix).
pub const READ_SECURITY: u8 = 0x2B;
/// Clear the errors of the status register (Spansion).
pub const CLEAR_STATUS: u8 = 0x30;
/// Write the second status register (Winbond, `GigaDevice`).
pub const WRITE_STATUS_2: u8 = 0x31;
/// Read the second status register (Winbond, `GigaDevice` and others).
pub const READ_STATUS_2: u8 = 0x35;
/// Clear the flag status register (Micron).
pub const CLEAR_FLAGS: u8 = 0x50;
/// Read the SFDP: three bytes of address and a dummy byte, on every chip.
pub const READ_SFDP: u8 = 0x5A;
/// Allow a reset.
pub const RESET_ENABLE: u8 = 0x66;
/// Read the flag status register (Micron).
pub const READ_FLAGS: u8 = 0x70;
/// Go on with what was suspended.
pub const RESUME: u8 = 0x7A;
/// Unlock every block (Winbond, Microchip; as recalled).
pub const UNLOCK_ALL: u8 = 0x98;
/// Reset.
pub const RESET: u8 = 0x99;
/// Read the JEDEC id.
pub const READ_ID: u8 = 0x9F;
/// Leave deep power-down.
pub const WAKE: u8 = 0xAB;
/// Take addresses of four bytes from now on.
pub const ENTER_FOUR: u8 = 0xB7;
/// Enter deep power-down.
pub const SLEEP: u8 = 0xB9;
/// Take addresses of three bytes from now on.
pub const EXIT_FOUR: u8 = 0xE9;

/// An opcode with an address, as bytes on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    bytes: [u8; 6],
    length: u8,
}

impl Frame {
    /// `opcode`, the low three or all four bytes of `address`, and a dummy byte or none.
    #[must_use]
    pub const fn new(opcode: u8, address: u32, is_four: bool, has_dummy: bool) -> Self {
        let [a, b, c, d] = address.to_be_bytes();
        let (bytes, length) =
            if is_four { ([opcode, a, b, c, d, 0], 5_u8) } else { ([opcode, b, c, d, 0, 0], 4) };
        Self { bytes, length: if has_dummy { length.saturating_add(1) } else { length } }
    }

    /// The bytes, the opcode first.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Frame;

    #[test]
    fn addresses_go_out_with_the_high_byte_first() {
        let frame = |is_four, has_dummy| Frame::new(0x0B, 0x1234_5678, is_four, has_dummy);
        assert_eq!(frame(false, false).bytes(), [0x0B, 0x34, 0x56, 0x78]);
        assert_eq!(frame(false, true).bytes(), [0x0B, 0x34, 0x56, 0x78, 0]);
        assert_eq!(frame(true, false).bytes(), [0x0B, 0x12, 0x34, 0x56, 0x78]);
        assert_eq!(frame(true, true).bytes(), [0x0B, 0x12, 0x34, 0x56, 0x78, 0]);
    }
}
