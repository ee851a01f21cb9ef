//! Repeats one state of the main job.

use super::cuts::{Plan, noise_of};
use super::view::{View, Viewed};
use super::window::{Road, Window, wall_of};
use crate::clock::set_wall;
use crate::explore::cutter::Cutter;
use crate::explore::outcome::Fault;
use crate::explore::probe::Probe;
use crate::explore::replay::{Cut, command, parse};
use crate::explore::{call_at, guarded, start_of};

/// A window, and the cuts to repeat in it: the outer one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    window: usize,
    cuts: Vec<Cut>,
}

impl std::str::FromStr for Replay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not WINDOW/ENTRY:MODE:SEED[/ENTRY:MODE:SEED...]");
        let (window, cuts) = text.split_once('/').ok_or_else(bad)?;
        Ok(Self { window: window.parse().map_err(|_| bad())?, cuts: parse(cuts)? })
    }
}

/// Repeats the state and tells what happens.
///
/// # Errors
/// What did not hold.
pub fn replay(
    mut road: Road,
    plan: &Plan<'_>,
    replay: &Replay,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<(), Fault> {
    let mut window = guarded(|| road.next_window())?;
    while window.number < replay.window {
        window = guarded(|| road.next_window())?;
    }
    repeat(&window, plan, &replay.cuts, tell)
}

fn repeat(
    window: &Window,
    plan: &Plan<'_>,
    cuts: &[Cut],
    tell: &(dyn Fn(&str) + Sync),
) -> Result<(), Fault> {
    let Some(first) = cuts.first() else { return Ok(()) };
    let view = View::of(plan.files, first.seed);
    let subject = Viewed(&view);
    let probe =
        Probe { subject: &subject, tuning: plan.tuning, spec: window.spec, may_be_full: false };
    let (mut log, mut calls) = (window.log.clone(), window.calls.clone());
    let mut start = window.start.clone();
    for (depth, cut) in cuts.iter().enumerate() {
        let missing = || Fault::new("replay", format!("there is no entry {} to cut", cut.at));
        let call = call_at(&calls, cut.at).cloned().ok_or_else(missing)?;
        let op = log.get(cut.at).ok_or_else(missing)?;
        tell(&format!("{cut} of {}: {}", log.len(), call.what));
        for (number, op) in log.iter().enumerate().skip(cut.at.saturating_sub(4)).take(7) {
            let mark = if number == cut.at { ">" } else { " " };
            tell(&format!("  {mark} {number} {}", command(op)));
        }
        let mut cutter = Cutter::new(window.spec, start);
        log.iter().take(cut.at).for_each(|op| cutter.advance(op));
        let image = cutter.torn(op, cut.tear, cut.seed);
        let noise = noise_of(window, &image, cut.seed);
        let allowed = if depth == 0 { view.allowed(&call.allowed) } else { call.allowed.clone() };
        let found = guarded(|| {
            set_wall(wall_of(window.number + 1));
            probe.probe(&image, &allowed, noise)
        })?;
        tell(&format!("  held; recovery and probe made {} entries", found.log.len()));
        start = start_of(&image, noise);
        (log, calls) = (found.log, found.calls);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Replay;

    #[test]
    fn a_replay_line_names_a_window_and_cuts() {
        let parsed: Result<Replay, _> = "3/17:Garbage:beef/2:EraseWeak:1".parse();
        assert!(matches!(&parsed, Ok(replay) if replay.window == 3 && replay.cuts.len() == 2));
        for bad in ["", "3", "x/17:Garbage:beef", "3/17:Nonsense:1"] {
            assert!(bad.parse::<Replay>().is_err(), "{bad}");
        }
    }
}
