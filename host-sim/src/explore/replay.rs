//! One line that repeats one state.

use std::fmt;
use std::str::FromStr;

use super::cutter::Cutter;
use super::engine::{call_at, guarded, noise_of, start_of};
use super::outcome::Fault;
use super::play::record;
use super::probe::Probe;
use crate::fault::TearMode;
use crate::image::Op;
use crate::scenario::Scenario;
use crate::subject::Subject;

/// A power cut: at which entry of the log, in which mode, and the seed of its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut {
    /// Entry of the log, counted from zero; of the recovery's log for a nested cut.
    pub at: usize,
    /// What becomes of it.
    pub tear: TearMode,
    /// Seed of the details, and of the noise after the cut.
    pub seed: u64,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:?}:{:x}", self.at, self.tear, self.seed)
    }
}

impl FromStr for Cut {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not ENTRY:MODE:SEED");
        let mut parts = text.split(':');
        let mut part = || parts.next().ok_or_else(bad);
        let at = part()?.parse().map_err(|_| bad())?;
        let mode = part()?;
        let seed = u64::from_str_radix(part()?, 16).map_err(|_| bad())?;
        let mut modes = TearMode::all();
        let tear = modes.find(|tear| format!("{tear:?}") == mode).copied().ok_or_else(bad)?;
        Ok(Self { at, tear, seed })
    }
}

/// Cuts as a replay line has them: the outer one first, `/` between them.
///
/// # Errors
/// Which part is not a cut.
pub fn parse(text: &str) -> Result<Vec<Cut>, String> {
    text.split('/').map(str::parse).collect()
}

/// The same cuts as text.
#[must_use]
pub fn line(cuts: &[Cut]) -> String {
    cuts.iter().map(Cut::to_string).collect::<Vec<_>>().join("/")
}

/// Repeats one state and tells what happens.
///
/// # Errors
/// What did not hold.
pub fn replay(
    subject: &dyn Subject,
    scenario: &Scenario,
    seed: u64,
    cuts: &[Cut],
    tell: &mut dyn FnMut(String),
) -> Result<(), Fault> {
    let recording = guarded(|| record(subject, scenario, seed))?;
    let probe = Probe {
        subject,
        tuning: scenario.tuning,
        spec: recording.spec,
        may_be_full: recording.may_fill,
    };
    let (mut log, mut calls) = (recording.log, recording.calls);
    let mut start = recording.start;
    for cut in cuts {
        let missing = || Fault::new("replay", format!("there is no entry {} to cut", cut.at));
        let call = call_at(&calls, cut.at).cloned().ok_or_else(missing)?;
        let op = log.get(cut.at).ok_or_else(missing)?;
        tell(format!("{} of {}: {}", cut, log.len(), call.what));
        let near = log.iter().enumerate().skip(cut.at.saturating_sub(4));
        for (number, op) in near.take_while(|(number, _)| *number < cut.at + 3) {
            let mark = if number == cut.at { ">" } else { " " };
            tell(format!("  {mark} {number} {}", command(op)));
        }
        let mut cutter = Cutter::new(probe.spec, start);
        log.iter().take(cut.at).for_each(|op| cutter.advance(op));
        let image = cutter.torn(op, cut.tear, cut.seed);
        let noise = noise_of(&image, cut.seed);
        let found = guarded(|| probe.probe(&image, &call.allowed, noise))?;
        tell(format!("  held; recovery and probe made {} entries", found.log.len()));
        start = start_of(&image, noise);
        (log, calls) = (found.log, found.calls);
    }
    Ok(())
}

/// A command in a few words.
#[must_use]
pub fn command(op: &Op) -> String {
    let place = |at: u64| format!("block {} + {}", at / 4096, at % 4096);
    match op {
        Op::Program { at, bytes } => format!("program {}, {} bytes", place(*at), bytes.len()),
        Op::Erase { at, bytes } => format!("erase {}, {bytes} bytes", place(*at)),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Cut, line, parse};
    use crate::fault::TearMode;

    #[test]
    fn a_replay_line_reads_back_as_it_was() {
        let cuts = [
            Cut { at: 17, tear: TearMode::Garbage, seed: 0xbeef },
            Cut { at: 3, tear: TearMode::EraseWeak, seed: 1 },
        ];
        assert_eq!(line(&cuts), "17:Garbage:beef/3:EraseWeak:1");
        assert_eq!(parse(&line(&cuts)).as_deref(), Ok(&cuts[..]));
        assert!(parse("17:Nonsense:1").is_err());
    }
}
