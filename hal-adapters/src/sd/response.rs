//! What a card answers.

/// The token before a block that is read, and before the one block of a single write.
pub const START_BLOCK: u8 = 0xFE;
/// The token before each block of a run that is written.
pub const START_RUN_BLOCK: u8 = 0xFC;
/// The token that ends a run that is written.
pub const STOP_RUN: u8 = 0xFD;

/// The first byte of every response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct R1(u8);

impl R1 {
    /// Nothing to complain about.
    pub const READY: Self = Self(0);
    /// Nothing to complain about; the card is not initialised yet.
    pub const IDLE: Self = Self(1);

    /// The response, if `byte` is one: the first bit of a response is zero.
    #[must_use]
    pub const fn decode(byte: u8) -> Option<Self> {
        if byte & 0x80 == 0 { Some(Self(byte)) } else { None }
    }

    /// The byte on the bus.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// The card has not been initialised since its power came.
    #[must_use]
    pub const fn is_idle(self) -> bool {
        self.0 & 1 != 0
    }

    /// An erase was given up because another command came.
    #[must_use]
    pub const fn is_erase_reset(self) -> bool {
        self.0 & 1 << 1 != 0
    }

    /// The card does not know the command, or not in this state.
    #[must_use]
    pub const fn is_illegal(self) -> bool {
        self.0 & 1 << 2 != 0
    }

    /// The command arrived damaged.
    #[must_use]
    pub const fn is_crc_error(self) -> bool {
        self.0 & 1 << 3 != 0
    }

    /// The commands of an erase came in another order.
    #[must_use]
    pub const fn is_erase_sequence_error(self) -> bool {
        self.0 & 1 << 4 != 0
    }

    /// The address does not begin a block.
    #[must_use]
    pub const fn is_address_error(self) -> bool {
        self.0 & 1 << 5 != 0
    }

    /// The argument is out of the range of this card.
    #[must_use]
    pub const fn is_parameter_error(self) -> bool {
        self.0 & 1 << 6 != 0
    }

    /// Whether the card has nothing to complain about, in either state.
    #[must_use]
    pub const fn is_fine(self) -> bool {
        self.0 & !1 == 0
    }
}

/// The response to CMD13: R1 and a second byte. What the second byte says is cleared by asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Status {
    /// The first byte.
    pub r1: R1,
    /// The second byte.
    pub flags: u8,
}

impl Status {
    /// The card is locked by a password.
    #[must_use]
    pub const fn is_locked(self) -> bool {
        self.flags & 1 != 0
    }

    /// An erase left write-protected sectors out, or a password did not fit.
    #[must_use]
    pub const fn is_erase_skip(self) -> bool {
        self.flags & 1 << 1 != 0
    }

    /// Something went wrong in the card.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.flags & 1 << 2 != 0
    }

    /// The controller of the card failed.
    #[must_use]
    pub const fn is_controller_error(self) -> bool {
        self.flags & 1 << 3 != 0
    }

    /// Data could not be corrected.
    #[must_use]
    pub const fn is_ecc_failed(self) -> bool {
        self.flags & 1 << 4 != 0
    }

    /// A write to a sector that is write-protected.
    #[must_use]
    pub const fn is_protection_violated(self) -> bool {
        self.flags & 1 << 5 != 0
    }

    /// The sectors to erase make no range.
    #[must_use]
    pub const fn is_erase_parameter(self) -> bool {
        self.flags & 1 << 6 != 0
    }

    /// An address beyond the end of the card, or a write to the CSD that it refuses.
    #[must_use]
    pub const fn is_out_of_range(self) -> bool {
        self.flags & 1 << 7 != 0
    }

    /// Whether what was written until now is written.
    #[must_use]
    pub const fn is_fine(self) -> bool {
        self.r1.is_fine() && self.flags == 0
    }
}

/// What a card says when it has received a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DataResponse {
    /// It will write the block.
    Accepted,
    /// The block arrived damaged; it was thrown away.
    CrcError,
    /// The block could not be written.
    WriteError,
}

impl DataResponse {
    /// The response in `byte`, if it is one.
    #[must_use]
    pub const fn decode(byte: u8) -> Option<Self> {
        match byte & 0x1F {
            0b0_0101 => Some(Self::Accepted),
            0b0_1011 => Some(Self::CrcError),
            0b0_1101 => Some(Self::WriteError),
            _ => None,
        }
    }
}

/// Why a card does not send a block. Several reasons may be given at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ErrorToken(u8);

impl ErrorToken {
    /// The token in `byte`, if it is one with a reason.
    #[must_use]
    pub const fn decode(byte: u8) -> Option<Self> {
        if byte & 0xE0 == 0 && byte != 0 { Some(Self(byte)) } else { None }
    }

    /// The byte on the bus.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// Something went wrong in the card.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 & 1 != 0
    }

    /// The controller of the card failed.
    #[must_use]
    pub const fn is_controller_error(self) -> bool {
        self.0 & 1 << 1 != 0
    }

    /// The data could not be corrected.
    #[must_use]
    pub const fn is_ecc_failed(self) -> bool {
        self.0 & 1 << 2 != 0
    }

    /// The address is beyond the end of the card.
    #[must_use]
    pub const fn is_out_of_range(self) -> bool {
        self.0 & 1 << 3 != 0
    }

    /// The card is locked by a password.
    #[must_use]
    pub const fn is_locked(self) -> bool {
        self.0 & 1 << 4 != 0
    }
}

/// What comes on the bus where a block is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Token {
    /// Nothing yet.
    Waiting,
    /// The block begins with the next byte.
    Start,
    /// There will be no block.
    Error(ErrorToken),
    /// Nothing that a card says here.
    Unknown(u8),
}

impl Token {
    /// The meaning of `byte`. A line that is held low says nothing, as a card that is not ready.
    #[must_use]
    pub const fn decode(byte: u8) -> Self {
        match byte {
            0xFF | 0x00 => Self::Waiting,
            START_BLOCK => Self::Start,
            other => match ErrorToken::decode(other) {
                Some(error) => Self::Error(error),
                None => Self::Unknown(other),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DataResponse, ErrorToken, R1, Status, Token};
    use std::vec::Vec;

    /// The numbers of the bits for which some of `questions` answer yes, in their order.
    fn bits<T>(make: impl Fn(u8) -> T, questions: &[fn(T) -> bool]) -> Vec<u8> {
        let bit = |ask: &fn(T) -> bool| {
            let yes: Vec<u8> = (0..8).filter(|bit| ask(make(1 << bit))).collect();
            assert_eq!(yes.len(), 1, "a question about one bit");
            yes[0]
        };
        questions.iter().map(bit).collect()
    }

    #[test]
    fn each_bit_of_r1_has_its_name() {
        let questions: [fn(R1) -> bool; 7] = [
            R1::is_idle,
            R1::is_erase_reset,
            R1::is_illegal,
            R1::is_crc_error,
            R1::is_erase_sequence_error,
            R1::is_address_error,
            R1::is_parameter_error,
        ];
        let make = |byte| R1::decode(byte).unwrap_or(R1::READY);
        assert_eq!(bits(make, &questions), [0, 1, 2, 3, 4, 5, 6]);
        assert!((0x80..=0xFF).all(|byte| R1::decode(byte).is_none()));
        let fine: Vec<u8> = (0..0x80).filter(|byte| R1::decode(*byte).unwrap().is_fine()).collect();
        assert_eq!(fine, [0, 1]);
    }

    #[test]
    fn each_bit_of_the_status_has_its_name() {
        let questions: [fn(Status) -> bool; 8] = [
            Status::is_locked,
            Status::is_erase_skip,
            Status::is_error,
            Status::is_controller_error,
            Status::is_ecc_failed,
            Status::is_protection_violated,
            Status::is_erase_parameter,
            Status::is_out_of_range,
        ];
        let make = |flags| Status { r1: R1::READY, flags };
        assert_eq!(bits(make, &questions), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert!(make(0).is_fine());
        assert!((1..=255).all(|flags| !make(flags).is_fine()));
        assert!(!Status { r1: R1(4), flags: 0 }.is_fine());
    }

    #[test]
    fn a_data_response_has_three_meanings_and_free_high_bits() {
        for high in [0x00, 0x20, 0x60, 0xE0] {
            assert_eq!(DataResponse::decode(high | 0x05), Some(DataResponse::Accepted));
            assert_eq!(DataResponse::decode(high | 0x0B), Some(DataResponse::CrcError));
            assert_eq!(DataResponse::decode(high | 0x0D), Some(DataResponse::WriteError));
        }
        let known = (0..=255).filter(|byte| DataResponse::decode(*byte).is_some()).count();
        assert_eq!(known, 24);
        assert_eq!([0x00, 0xFF].map(DataResponse::decode), [None, None]);
    }

    #[test]
    fn each_bit_of_an_error_token_has_its_name() {
        let questions: [fn(ErrorToken) -> bool; 5] = [
            ErrorToken::is_error,
            ErrorToken::is_controller_error,
            ErrorToken::is_ecc_failed,
            ErrorToken::is_out_of_range,
            ErrorToken::is_locked,
        ];
        let make = |byte| ErrorToken::decode(byte).unwrap_or(ErrorToken(0));
        assert_eq!(bits(make, &questions), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn only_one_byte_begins_a_block() {
        let starts: Vec<u8> =
            (0..=255).filter(|byte| Token::decode(*byte) == Token::Start).collect();
        assert_eq!(starts, [0xFE]);
        assert_eq!(Token::decode(0xFF), Token::Waiting);
        assert_eq!(Token::decode(0x00), Token::Waiting);
        assert!(matches!(Token::decode(0x04), Token::Error(token) if token.is_ecc_failed()));
        assert_eq!(Token::decode(0xFC), Token::Unknown(0xFC));
        assert_eq!(Token::decode(0x7F), Token::Unknown(0x7F));
    }
}
