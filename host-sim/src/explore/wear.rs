//! How evenly erases fall on the blocks (oracle 13).

use super::outcome::Fault;
use crate::chip::Spec;
use crate::image::{BLOCK_BYTES, Op as Command};

/// Erases of the most expensive recovery: a spare and the two anchor blocks.
pub const RECOVERY_ERASES_MAX: u64 = 3;

/// Erases of a block that say nothing yet, whatever the mean is.
const FEW: u64 = 4;

/// How many times the mean a block may be erased.
const TIMES: u64 = 4;

/// Says whether no block but the two anchor blocks was erased out of proportion: more than
/// [`FEW`] and [`TIMES`] the mean of all these blocks.
///
/// # Errors
/// The block that was erased most.
pub fn even(log: &[Command], spec: &Spec) -> Result<(), Fault> {
    let block = spec.block_bytes();
    let blocks = u64::from(spec.blocks) * BLOCK_BYTES as u64 / block;
    let mut erases = vec![0_u64; usize::try_from(blocks).unwrap_or(0)];
    for command in log {
        if let Command::Erase { at, bytes } = command {
            let first = usize::try_from(at / block).unwrap_or(usize::MAX);
            let count = usize::try_from(bytes.div_ceil(block)).unwrap_or(usize::MAX);
            for erased in erases.iter_mut().skip(first).take(count) {
                *erased += 1;
            }
        }
    }
    let Some(inner) = erases.get(1..erases.len().saturating_sub(1)) else { return Ok(()) };
    let total: u64 = inner.iter().sum();
    let worst = inner.iter().enumerate().max_by_key(|(_, erased)| **erased);
    let Some((index, most)) = worst else { return Ok(()) };
    if *most <= FEW + TIMES * total / inner.len() as u64 {
        return Ok(());
    }
    let what = format!("block {} was erased {most} times, all inner blocks {total}", index + 1);
    Err(Fault::new("wear", what))
}

#[cfg(test)]
mod tests {
    use super::even;
    use crate::chip::Spec;
    use crate::image::{BLOCK_BYTES, Op as Command};

    fn erase(block: u64) -> Command {
        Command::Erase { at: block * BLOCK_BYTES as u64, bytes: BLOCK_BYTES as u64 }
    }

    #[test]
    fn a_round_of_all_blocks_is_even_and_one_hot_block_is_not() {
        let round: Vec<_> = (0..200).map(|n| erase(1 + n % 14)).collect();
        assert!(even(&round, &Spec::small(16)).is_ok());
        let hot: Vec<_> =
            (0..200).map(|n| erase(if n % 2 == 0 { 5 } else { 1 + n % 14 })).collect();
        assert!(even(&hot, &Spec::small(16)).is_err());
    }

    #[test]
    fn the_anchor_blocks_wear_as_they_must() {
        let anchors: Vec<_> = (0..200).map(|n| erase(if n % 2 == 0 { 0 } else { 15 })).collect();
        assert!(even(&anchors, &Spec::small(16)).is_ok());
    }
}
