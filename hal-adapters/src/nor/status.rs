//! What a chip says of its state.

/// The first status register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Status(pub u8);

impl Status {
    /// A program, an erase or a write of a register is going on.
    #[must_use]
    pub const fn is_busy(self) -> bool {
        self.0 & 1 != 0
    }

    /// The next program, erase or write of a register is allowed.
    #[must_use]
    pub const fn is_enabled(self) -> bool {
        self.0 & 1 << 1 != 0
    }
}

/// Where a chip says that a program or an erase failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Complaints {
    /// Nowhere: what failed is found by reading it.
    None,
    /// In the flag status register (Micron N25Q and MT25Q): bit 5 an erase, bit 4 a program, bit 1
    /// protection. It is cleared by a command, and a new one fails until it is.
    Flags,
    /// In bits 5 and 6 of the status register (Spansion S25FL-S), which stays busy until they are
    /// cleared.
    Status,
    /// In bits 5 and 6 of the security register (Macronix), until the next program or erase.
    Security,
}

impl Complaints {
    /// The opcode that reads them, if there is a register for them.
    #[must_use]
    pub const fn opcode(self) -> Option<u8> {
        match self {
            Self::Flags => Some(super::command::READ_FLAGS),
            Self::Security => Some(super::command::READ_SECURITY),
            Self::None | Self::Status => None,
        }
    }

    /// The opcode that clears them, if that takes one.
    #[must_use]
    pub const fn clearing(self) -> Option<u8> {
        match self {
            Self::Flags => Some(super::command::CLEAR_FLAGS),
            Self::Status => Some(super::command::CLEAR_STATUS),
            Self::None | Self::Security => None,
        }
    }

    /// What a value of that register complains about.
    #[must_use]
    pub const fn of(self, register: u8) -> Option<Complaint> {
        let (failed, protected) = match self {
            Self::None => (0, 0),
            Self::Flags => (0b11_0000, 0b10),
            Self::Status | Self::Security => (0b110_0000, 0),
        };
        if register & protected != 0 {
            Some(Complaint::Protected)
        } else if register & failed != 0 {
            Some(Complaint::Failed)
        } else {
            None
        }
    }
}

/// What a chip complains about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complaint {
    /// The program or erase failed.
    Failed,
    /// The place is protected.
    Protected,
}

#[cfg(test)]
mod tests {
    use super::{Complaint, Complaints, Status};

    #[test]
    fn each_register_has_bits_of_its_own() {
        assert!(Status(0b11).is_busy() && Status(0b11).is_enabled());
        assert!(!Status(0xFC).is_busy() && !Status(0xFC).is_enabled());
        let table = [
            (Complaints::None, 0xFF, None),
            (Complaints::Flags, 0x80, None),
            (Complaints::Flags, 0xA0, Some(Complaint::Failed)),
            (Complaints::Flags, 0x92, Some(Complaint::Protected)),
            (Complaints::Status, 0x1C, None),
            (Complaints::Status, 0x41, Some(Complaint::Failed)),
            (Complaints::Security, 0x20, Some(Complaint::Failed)),
            (Complaints::Security, 0x83, None),
        ];
        for (complaints, register, wanted) in table {
            assert_eq!(complaints.of(register), wanted, "{complaints:?} {register:#04x}");
        }
    }
}
