//! From power on, or from anywhere, to a chip that is known.

use super::super::super::colour;
use super::super::super::delay::DelayNs;
use super::super::super::spi::SpiDevice;
use super::Options;
use super::talk::Talk;
use crate::nor::command::{self, Frame};
use crate::nor::sfdp::{
    BASIC_BYTES, BASIC_WORDS, Basic, FourByte, HEADER_BYTES, Header, Table, TableKind, Times,
};
use crate::nor::{Chip, Complaints, Id, SfdpError, SpiNorError, known};

/// From waking up until a chip takes commands, whichever it is: the longest of the datasheets at
/// hand is 35 us (as recalled).
const WAKE_US: u32 = 100;
/// From a reset until a chip takes commands: W25Q64FV 30 us (datasheet, 7.2.43).
const RESET_US: u32 = 300;
/// Until a chip that has just been given power drives its line.
const ABSENT_US: u32 = 20_000;
/// Until what a chip was in the middle of when the host was reset must be over.
const INTERRUPTED: Times = Times { typical_us: 0, max_us: 12_000_000 };
/// Between two looks.
const STEP_US: u32 = 100;
/// How often a chip is asked for everything.
const ATTEMPTS: u32 = 3;
/// A status that no chip has: everything protected, and busy all the same.
const NOBODY: u8 = 0xFF;
/// Bits of the second status register: suspended, and the protection turned round.
const SUSPENDED: u8 = 1 << 7;
pub(super) const COMPLEMENT: u8 = 1 << 6;
/// The bit of the third status register: each block has a lock of its own.
const BLOCK_LOCKS: u8 = 1 << 2;

/// Finds out what chip there is, wakes it, waits for it and resets it.
#[colour]
pub(super) async fn find<S: SpiDevice, D: DelayNs>(
    talk: &mut Talk<S, D>,
    options: Options,
) -> Result<Chip, SpiNorError> {
    talk.send(&[command::WAKE], &[]).await?;
    talk.pause(WAKE_US).await;
    presence(talk).await?;
    let mut chip = surely(talk).await?;
    if options.reset && chip.has_reset {
        resume(talk, &chip).await?;
        talk.send(&[command::RESET_ENABLE], &[]).await?;
        talk.send(&[command::RESET], &[]).await?;
        talk.pause(RESET_US).await;
        presence(talk).await?;
    }
    talk.forget(chip.complaints).await?;
    if let Some(opcode) = chip.complaints.opcode() {
        // A register that complains when there is nothing to complain about is none.
        let register = talk.register(opcode).await?;
        if chip.complaints.of(register).is_some() {
            chip.complaints = Complaints::None;
        }
    }
    talk.enter_four(&chip).await?;
    Ok(chip)
}

/// Waits until something answers and is not busy: an erase that an earlier host began goes on
/// over its reset, and a reset of the chip would leave it half done.
#[colour]
async fn presence<S: SpiDevice, D: DelayNs>(talk: &mut Talk<S, D>) -> Result<(), SpiNorError> {
    let mut waited = 0_u32;
    let mut has_cleared = false;
    loop {
        let is_late = match talk.status().await {
            Ok(status) if status.0 == NOBODY && waited >= ABSENT_US => {
                return Err(SpiNorError::NoChip);
            }
            Ok(status) if status.0 != NOBODY && !status.is_busy() => return Ok(()),
            Ok(_) | Err(SpiNorError::Garbled) => waited >= INTERRUPTED.max_us,
            Err(error) => return Err(error),
        };
        if is_late && has_cleared {
            return Err(SpiNorError::Busy);
        }
        if is_late {
            // It may be one that stays busy until somebody has seen that it failed.
            talk.forget(Complaints::Status).await?;
            has_cleared = true;
        }
        talk.pause(STEP_US).await;
        waited = waited.saturating_add(STEP_US);
    }
}

/// Lets what an earlier host suspended come to its end, which a reset would cut off (W25Q64FV
/// datasheet, 7.2.43: check BUSY and SUS before a reset).
#[colour]
async fn resume<S: SpiDevice, D: DelayNs>(
    talk: &mut Talk<S, D>,
    chip: &Chip,
) -> Result<(), SpiNorError> {
    if !chip.id.has_second_status() {
        return Ok(());
    }
    let register = talk.register(command::READ_STATUS_2).await?;
    if register == NOBODY || register & SUSPENDED == 0 {
        return Ok(());
    }
    talk.send(&[command::RESUME], &[]).await?;
    let max_us = chip.longest_us();
    talk.idle(Times { typical_us: STEP_US, max_us }, chip.complaints).await.map(|_| ())
}

/// What the chip says of itself, when it says the same twice: there is no checksum on it.
#[colour]
async fn surely<S: SpiDevice, D: DelayNs>(talk: &mut Talk<S, D>) -> Result<Chip, SpiNorError> {
    let mut last = identify(talk).await;
    for _ in 0..ATTEMPTS {
        let again = identify(talk).await;
        if again == last {
            return again;
        }
        last = again;
    }
    Err(SpiNorError::Garbled)
}

#[colour]
async fn identify<S: SpiDevice, D: DelayNs>(talk: &mut Talk<S, D>) -> Result<Chip, SpiNorError> {
    let mut id = Id([0; 3]);
    talk.ask(&[command::READ_ID], &mut id.0).await?;
    if !id.is_plausible() {
        return Err(SpiNorError::NoChip);
    }
    let mut bytes = [0; HEADER_BYTES];
    sfdp(talk, 0, &mut bytes).await?;
    let Some(header) = Header::decode(bytes).map_err(SpiNorError::Sfdp)? else {
        let chip = known(id).map_err(SpiNorError::Sfdp)?;
        return chip.ok_or(SpiNorError::Unknown(id));
    };
    let mut basic: Option<Table> = None;
    let mut four = None;
    for number in 1..=u32::from(header.tables) {
        sfdp(talk, number << 3, &mut bytes).await?;
        let table = Table::decode(bytes);
        match table.kind {
            TableKind::Basic if basic.is_none_or(|best| table.is_newer_than(&best)) => {
                basic = Some(table);
            }
            TableKind::FourByte => four = Some(table.at),
            TableKind::SectorMap => {
                let mut word = [0; 4];
                sfdp(talk, table.at, &mut word).await?;
                if !Table::is_uniform_map(u32::from_le_bytes(word)) {
                    return Err(SpiNorError::Sfdp(SfdpError::NotUniform));
                }
            }
            _ => {}
        }
    }
    let Some(table) = basic else {
        return Err(SpiNorError::Sfdp(SfdpError::NoBasicTable));
    };
    let mut words = [0xFF; BASIC_BYTES];
    let has = usize::from(table.words).min(BASIC_WORDS).saturating_mul(4);
    sfdp(talk, table.at, words.get_mut(..has).unwrap_or_default()).await?;
    let basic = Basic::decode(table.minor, table.words, &words).map_err(SpiNorError::Sfdp)?;
    let four = match four {
        Some(at) => {
            sfdp(talk, at, &mut bytes).await?;
            Some(FourByte::decode(bytes))
        }
        None => None,
    };
    Chip::from_sfdp(id, &basic, four).map_err(SpiNorError::Sfdp)
}

/// A part of the SFDP.
#[colour]
async fn sfdp<S: SpiDevice, D: DelayNs>(
    talk: &mut Talk<S, D>,
    at: u32,
    target: &mut [u8],
) -> Result<(), SpiNorError> {
    talk.ask(Frame::new(command::READ_SFDP, at, false, true).bytes(), target).await
}

/// Whether any block is protected, as far as the chip can be asked.
#[colour]
pub(super) async fn protection<S: SpiDevice, D: DelayNs>(
    talk: &mut Talk<S, D>,
    chip: &Chip,
) -> Result<bool, SpiNorError> {
    let mut is_protected = talk.status().await?.0 & chip.protection != 0;
    if chip.id.has_second_status() {
        let register = talk.register(command::READ_STATUS_2).await?;
        // Older chips have no such register, and drive nothing.
        is_protected |= register != NOBODY && register & COMPLEMENT != 0;
    }
    if chip.id.has_block_locks() {
        is_protected |= has_block_locks(talk).await?;
    }
    Ok(is_protected)
}

/// Whether each block of the chip has a lock of its own, which is closed when power comes.
#[colour]
pub(super) async fn has_block_locks<S: SpiDevice, D: DelayNs>(
    talk: &mut Talk<S, D>,
) -> Result<bool, SpiNorError> {
    let register = talk.register(command::READ_STATUS_3).await?;
    Ok(register != NOBODY && register & BLOCK_LOCKS != 0)
}
