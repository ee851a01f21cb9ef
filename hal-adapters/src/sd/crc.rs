//! The two checksums of the bus.

/// The checksum of commands and registers: 7 bits, x^7 + x^3 + 1, from zero.
#[must_use]
pub fn crc7(bytes: &[u8]) -> u8 {
    let mut shifted = 0_u8;
    for byte in bytes {
        shifted ^= byte;
        for _ in 0..8 {
            let carry = shifted & 0x80 != 0;
            shifted <<= 1;
            if carry {
                shifted ^= 0x09 << 1;
            }
        }
    }
    shifted >> 1
}

/// The checksum of data: 16 bits, x^16 + x^12 + x^5 + 1, from `start`, which is zero for the first
/// part of a block.
///
/// Without a table: a block of 512 bytes costs a few thousand instructions, less than it takes on
/// the bus.
#[must_use]
pub fn crc16(start: u16, bytes: &[u8]) -> u16 {
    bytes.iter().fold(start, |crc, byte| {
        let mut crc = crc.swap_bytes() ^ u16::from(*byte);
        crc ^= (crc & 0xFF) >> 4;
        crc ^= crc << 12;
        crc ^ ((crc & 0xFF) << 5)
    })
}

#[cfg(test)]
mod tests {
    use super::{crc7, crc16};

    #[test]
    fn commands_have_the_checksums_of_the_specification() {
        // Examples of the section on CRC: CMD0, CMD17 of address 0, the answer to that CMD17.
        assert_eq!(crc7(&[0x40, 0, 0, 0, 0]), 0b100_1010);
        assert_eq!(crc7(&[0x51, 0, 0, 0, 0]), 0b010_1010);
        assert_eq!(crc7(&[0x11, 0, 0, 0x09, 0]), 0b011_0011);
    }

    #[test]
    fn data_has_the_checksum_of_the_specification() {
        // The example of the section on CRC: 512 bytes of ones.
        assert_eq!(crc16(0, &[0xFF; 512]), 0x7FA1);
        // The check value of the catalogued polynomial.
        assert_eq!(crc16(0, b"123456789"), 0x31C3);
        assert_eq!(crc16(crc16(0, b"1234"), b"56789"), 0x31C3);
    }

    #[test]
    fn every_flipped_bit_changes_both() {
        let mut bytes = [0x5A; 64];
        let (seven, sixteen) = (crc7(&bytes), crc16(0, &bytes));
        for at in 0..64 {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                assert_ne!(crc7(&bytes), seven);
                assert_ne!(crc16(0, &bytes), sixteen);
                bytes[at] ^= 1 << bit;
            }
        }
    }
}
