//! From power on, or from anywhere, to a card that reads and writes.

use super::super::colour;
use super::link::{Link, Timer};
use super::talk::{Talk, refused};
use super::{Card, Options};
use crate::sd::{Cid, Command, Csd, Kind, Ocr, R1, SECTOR, START_BLOCK, STOP_RUN, SdError};

/// The clock until a card is initialised.
const SLOW_HZ: u32 = 400_000;
/// Until a card must have answered its first command.
const ABSENT_US: u32 = 250_000;
/// Until a card must be initialised, from the specification.
const INIT_US: u32 = 1_000_000;

/// Finds out what card there is, and makes it ready.
#[colour]
pub(super) async fn identify<L: Link, T: Timer>(
    talk: &mut Talk<L, T>,
    options: Options,
) -> Result<Card, SdError> {
    talk.link.clock(SLOW_HZ);
    talk.link.wake().await?;
    talk.link.select().await?;
    go_idle(talk).await?;
    if options.crc {
        let reply = talk.ask(Command::CRC_ON).await?;
        if !reply.r1.is_fine() {
            return Err(refused(Command::CRC_ON, reply.r1));
        }
    }
    let is_second = conditions(talk).await?;
    begin(talk, is_second).await?;
    // Whether the card is ready is a bit of the register. The answer before it may still say that
    // the card is idle: that of QEMU's card always does.
    let reply = talk.ask(Command::READ_OCR).await?;
    let ocr = Ocr(u32::from_be_bytes(reply.more));
    if !reply.r1.is_fine() || !ocr.is_ready() {
        return Err(refused(Command::READ_OCR, reply.r1));
    }
    if !ocr.takes_3v3() {
        return Err(SdError::Unsupported);
    }
    let kind = match (is_second, ocr.is_high_capacity()) {
        (false, _) => Kind::StandardV1,
        (true, false) => Kind::StandardV2,
        (true, true) => Kind::High,
    };
    if kind != Kind::High {
        talk.tell(Command::SET_BLOCK_LENGTH).await?;
    }
    let csd = register(talk, Command::SEND_CSD).await?;
    let csd = Csd::decode(&csd).ok_or(SdError::Unsupported)?;
    let cid = Cid { register: register(talk, Command::SEND_CID).await? };
    let last = csd.sectors.checked_sub(1).and_then(|last| u32::try_from(last).ok());
    if last.and_then(|last| kind.address(last)).is_none() {
        return Err(SdError::Unsupported);
    }
    talk.link.release().await?;
    talk.link.clock(csd.clock_hz_max.min(options.clock_hz_max));
    Ok(Card { kind, csd, cid })
}

/// CMD0 until the card says that it is idle. One that was in the middle of a block when the host
/// was reset takes the command for data: it gets the rest of its block, one with a wrong checksum
/// if it waits for its first, and the end of a run.
#[colour]
async fn go_idle<L: Link, T: Timer>(talk: &mut Talk<L, T>) -> Result<(), SdError> {
    let start = talk.timer.now_us();
    loop {
        let is_late = talk.since(start) >= ABSENT_US;
        match talk.command(Command::GO_IDLE).await {
            Ok(reply) if reply.r1 == R1::IDLE => return Ok(()),
            Ok(_) | Err(SdError::NoAnswer { .. }) => {}
            Err(error) => return Err(error),
        }
        if is_late {
            return Err(SdError::Removed);
        }
        talk.drain().await?;
        talk.link.exchange(&mut [0xFF, START_BLOCK]).await?;
        talk.drain().await?;
        talk.link.exchange(&mut [STOP_RUN, 0xFF]).await?;
        talk.link.wake().await?;
        talk.link.select().await?;
        talk.pause(start).await;
    }
}

/// CMD8: whether the card knows it, which those of the first specification do not.
#[colour]
async fn conditions<L: Link, T: Timer>(talk: &mut Talk<L, T>) -> Result<bool, SdError> {
    let reply = talk.ask(Command::SEND_IF_COND).await?;
    if reply.r1.is_illegal() {
        return Ok(false);
    }
    if !reply.r1.is_fine() {
        return Err(refused(Command::SEND_IF_COND, reply.r1));
    }
    match reply.more {
        [_, _, volts, 0xAA] if volts & 0xF == 1 => Ok(true),
        [_, _, _, 0xAA] => Err(SdError::Unsupported),
        [.., pattern] => Err(SdError::Garbled(pattern)),
    }
}

/// ACMD41 until the card has initialised itself.
#[colour]
async fn begin<L: Link, T: Timer>(talk: &mut Talk<L, T>, high: bool) -> Result<(), SdError> {
    let start = talk.timer.now_us();
    loop {
        let is_late = talk.since(start) >= INIT_US;
        let r1 = match talk.ask_application(Command::begin(high)).await {
            Ok(reply) => reply.r1,
            Err(SdError::Refused { r1, .. }) if r1.is_illegal() => r1,
            Err(error) => return Err(error),
        };
        if r1 == R1::READY {
            return Ok(());
        }
        if r1.is_illegal() {
            return Err(SdError::Unsupported);
        }
        if !r1.is_fine() {
            return Err(refused(Command::begin(high), r1));
        }
        if is_late {
            return Err(SdError::Busy);
        }
        talk.pause(start).await;
    }
}

/// A register of 16 bytes.
#[colour]
pub(super) async fn register<L: Link, T: Timer>(
    talk: &mut Talk<L, T>,
    command: Command,
) -> Result<[u8; 16], SdError> {
    const { assert!(SECTOR > 16) };
    let mut register = [0; 16];
    talk.tell(command).await?;
    talk.receive_last(&mut register).await?;
    Ok(register)
}
