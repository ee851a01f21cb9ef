//! The power goes at a byte on the wires, while the driver is at work.
//!
//! The log of the cells says what a cut *between* their commands and *in* one of them leaves, in
//! every mode; this shows that nothing else is left: the script is played again up to the byte, the
//! chip's other side tears what it is in the middle of, and the driver sees a chip that is gone.

use super::engine::noise_of;
use super::outcome::Fault;
use super::play::{Recording, cut_at_byte};
use super::probe::Probe;
use super::suite::What;
use crate::rng::mix;
use crate::scenario::Scenario;
use crate::subject::Subject;

/// Every byte in which a change of the medium is sent or carried out.
pub(super) fn all(recording: &Recording) -> Vec<What> {
    let bytes = recording.changes.iter().cloned().flatten();
    bytes.map(|at| What::Byte { at }).collect()
}

/// Plays the script until the power goes before byte `at`, and probes what is left. Gives the
/// number of mounts.
///
/// # Errors
/// What did not hold.
pub(super) fn cut(
    subject: &dyn Subject,
    scenario: &Scenario,
    at: u64,
    seed: u64,
) -> Result<u32, Fault> {
    let key = mix(seed, at);
    let Some(left) = cut_at_byte(subject, scenario, seed, (at, key))? else {
        return Err(Fault::new("the power", "it did not go: there is no such byte"));
    };
    let probe = Probe {
        subject,
        tuning: scenario.tuning,
        spec: left.spec,
        may_be_full: scenario.may_fill(seed),
    };
    let noise = noise_of(&left.image, key);
    let during =
        |fault: Fault| Fault::new(format!("cut in {}; {}", left.what, fault.during), fault.what);
    let found = probe.probe(&left.image, &left.allowed, noise).map_err(during)?;
    Ok(found.mounts)
}
