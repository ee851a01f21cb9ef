//! Commands, blocks and waiting: what is said with a card, one exchange after another.

use super::super::colour;
use super::link::{Link, Timer};
use crate::mutant::{self, Mutant};
use crate::sd::{
    Command, DataResponse, FRAME_BYTES, LEAD_BYTES, R1, STOP_RUN, SdError, Status, Token, crc16,
};

/// Until a block must have begun. The specification asks hosts for at least 100 ms.
pub(super) const READ_US: u32 = 200_000;
/// Until a card must be ready after a write. The specification asks hosts for at least 500 ms.
pub(super) const WRITE_US: u32 = 1_000_000;

/// Bytes of ones behind a command: up to eight before the response, the response, and a stuff byte
/// before that of CMD12.
const WINDOW_BYTES: usize = 16;
const COMMAND_BYTES: usize = LEAD_BYTES + FRAME_BYTES + WINDOW_BYTES;
/// The last byte behind a command with which a response may begin.
const R1_BYTES: usize = 9;
/// Bytes that are asked for at once while a block is waited for.
const POLL_BYTES: usize = 8;
/// More than a block with its checksum.
const DRAIN_PARTS: usize = 17;
const DRAIN_BYTES: usize = 32;

/// A response.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply {
    pub r1: R1,
    /// What follows the first byte, for commands that have more.
    pub more: [u8; 4],
}

/// A way to a card, and a clock.
#[derive(Debug)]
pub(super) struct Talk<L, T> {
    pub link: L,
    pub timer: T,
    /// Whether the checksum of a block that comes is looked at.
    pub crc: bool,
    /// What was received and not looked at yet: the bytes from `unread` on.
    inbox: [u8; COMMAND_BYTES],
    unread: usize,
}

impl<L, T> Talk<L, T> {
    pub const fn new(link: L, timer: T, crc: bool) -> Self {
        Self { link, timer, crc, inbox: [0xFF; COMMAND_BYTES], unread: COMMAND_BYTES }
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.inbox.get(self.unread).copied()?;
        self.unread = self.unread.saturating_add(1);
        Some(byte)
    }

    /// Moves what was received into `target`, as far as there is any.
    fn take(&mut self, target: &mut [u8]) -> usize {
        let unread = self.inbox.get(self.unread..).unwrap_or_default();
        let count = unread.len().min(target.len());
        target.iter_mut().zip(unread).for_each(|(to, from)| *to = *from);
        self.unread = self.unread.saturating_add(count);
        count
    }
}

#[colour]
impl<L: Link, T: Timer> Talk<L, T> {
    /// Microseconds since `start`.
    pub fn since(&mut self, start: u32) -> u32 {
        self.timer.now_us().wrapping_sub(start)
    }

    /// Waits a little, longer the longer it has been since `start`.
    pub async fn pause(&mut self, start: u32) {
        let us = (self.since(start) >> 4).clamp(5, 1000);
        self.timer.pause_us(us).await;
    }

    /// Waits until the card is not busy.
    pub async fn ready(&mut self, limit_us: u32) -> Result<(), SdError> {
        let start = self.timer.now_us();
        loop {
            // Asked before the card is: if this was late, the card still has its chance.
            let is_late = self.since(start) >= limit_us;
            let mut bytes = [0xFF; 4];
            self.link.exchange(&mut bytes).await?;
            if bytes.last() == Some(&0xFF) {
                return Ok(());
            }
            if is_late {
                return Err(SdError::Busy);
            }
            self.pause(start).await;
        }
    }

    /// A command and its response, in one transaction. What comes behind them is kept.
    pub async fn command(&mut self, command: Command) -> Result<Reply, SdError> {
        self.inbox = [0xFF; COMMAND_BYTES];
        let frame = self.inbox.iter_mut().skip(LEAD_BYTES);
        frame.zip(command.frame()).for_each(|(to, from)| *to = from);
        self.unread = COMMAND_BYTES;
        self.link.exchange(&mut self.inbox).await?;
        let stuffed = usize::from(command == Command::STOP_TRANSMISSION);
        self.unread = LEAD_BYTES.saturating_add(FRAME_BYTES).saturating_add(stuffed);
        for _ in 0..R1_BYTES {
            if let Some(r1) = self.next().and_then(R1::decode) {
                let mut more = [0xFF; 4];
                let wanted = more.get_mut(..command.more_bytes()).unwrap_or_default();
                self.take(wanted);
                return Ok(Reply { r1, more });
            }
        }
        Err(SdError::NoAnswer { index: command.index })
    }

    /// A command to a card that is not busy, whatever it answers.
    pub async fn ask(&mut self, command: Command) -> Result<Reply, SdError> {
        self.ready(WRITE_US).await?;
        self.command(command).await
    }

    /// A command to a card that must not complain.
    pub async fn tell(&mut self, command: Command) -> Result<Reply, SdError> {
        let reply = self.ask(command).await?;
        if reply.r1 == R1::READY { Ok(reply) } else { Err(refused(command, reply.r1)) }
    }

    /// A command of the second set, whatever the card answers to it.
    pub async fn ask_application(&mut self, command: Command) -> Result<Reply, SdError> {
        let reply = self.ask(Command::APPLICATION).await?;
        if !reply.r1.is_fine() {
            return Err(refused(Command::APPLICATION, reply.r1));
        }
        self.ask(command).await
    }

    /// The status, which asking clears.
    pub async fn status(&mut self) -> Result<Status, SdError> {
        let Reply { r1, more: [flags, ..] } = self.ask(Command::SEND_STATUS).await?;
        // A line that is held low must not pass for a card without a complaint.
        match self.inbox.last() {
            Some(0xFF) => Ok(Status { r1, flags }),
            _ => Err(SdError::Garbled(flags)),
        }
    }

    /// Waits for the token before a block.
    async fn token(&mut self) -> Result<(), SdError> {
        let start = self.timer.now_us();
        loop {
            let is_late = self.since(start) >= READ_US;
            while let Some(byte) = self.next() {
                match Token::decode(byte) {
                    Token::Waiting => {}
                    Token::Start => return Ok(()),
                    Token::Error(token) => return Err(SdError::NotSent(token)),
                    Token::Unknown(byte) => return Err(SdError::Garbled(byte)),
                }
            }
            if is_late {
                return Err(SdError::Late);
            }
            self.pause(start).await;
            let from = COMMAND_BYTES.saturating_sub(POLL_BYTES);
            let poll = self.inbox.get_mut(from..).unwrap_or_default();
            poll.fill(0xFF);
            self.link.exchange(poll).await?;
            self.unread = from;
        }
    }

    /// Receives a block.
    pub async fn receive(&mut self, block: &mut [u8]) -> Result<(), SdError> {
        self.token().await?;
        let have = self.take(block);
        let mut sum = [0xFF; 2];
        let have_sum = self.take(&mut sum);
        let rest = block.get_mut(have..).unwrap_or_default();
        let rest_of_sum = sum.get_mut(have_sum..).unwrap_or_default();
        if !rest_of_sum.is_empty() {
            self.link.receive(rest, rest_of_sum).await?;
        }
        if self.crc && crc16(0, block) != u16::from_be_bytes(sum) {
            return Err(SdError::Damaged);
        }
        Ok(())
    }

    /// Receives a block that is the last one. A line that is held low, as it may be without a card,
    /// looks like a block of zeros with the right checksum; but the line of a card goes high then.
    pub async fn receive_last(&mut self, block: &mut [u8]) -> Result<(), SdError> {
        self.receive(block).await?;
        self.ready(READ_US).await
    }

    /// Sends a block behind `token`. The card is busy then.
    pub async fn send(&mut self, token: u8, block: &[u8]) -> Result<(), SdError> {
        let [high, low] = crc16(0, block).to_be_bytes();
        let mut tail = [high, low, 0xFF, 0xFF, 0xFF, 0xFF];
        self.link.send(&[0xFF, token], block, &mut tail).await?;
        let [_, _, answer @ ..] = tail;
        let answer = answer.into_iter().find(|byte| *byte != 0xFF).unwrap_or(0xFF);
        match DataResponse::decode(answer) {
            Some(DataResponse::Accepted) => Ok(()),
            Some(_) if mutant::on(Mutant::SdRejectionIgnored) => Ok(()),
            Some(DataResponse::CrcError) => Err(SdError::NotAccepted),
            Some(DataResponse::WriteError) => Err(SdError::NotWritten),
            None => Err(SdError::Garbled(answer)),
        }
    }

    /// Ends a run that is read. The stuff byte is thrown away, the card waited for.
    pub async fn stop_read(&mut self) -> Result<R1, SdError> {
        let reply = self.command(Command::STOP_TRANSMISSION).await?;
        self.ready(WRITE_US).await?;
        Ok(reply.r1)
    }

    /// Ends a run that is written: the token, a byte until the card says that it is busy, the end
    /// of that.
    pub async fn stop_run(&mut self) -> Result<(), SdError> {
        self.ready(WRITE_US).await?;
        self.link.exchange(&mut [STOP_RUN, 0xFF]).await?;
        self.ready(WRITE_US).await
    }

    /// Clocks out what a card may still want to send, or receive, of a block.
    pub async fn drain(&mut self) -> Result<(), SdError> {
        for _ in 0..DRAIN_PARTS {
            self.link.exchange(&mut [0xFF; DRAIN_BYTES]).await?;
        }
        Ok(())
    }
}

/// The error for an answer that complains.
pub(super) fn refused(command: Command, r1: R1) -> SdError {
    SdError::Refused { index: command.index, r1 }
}
