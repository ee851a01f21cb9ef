//! The card on SPI0.

use super::adapters::sd::{Link, Options, SdCard, Timer};
use super::shared::complete;

/// Opens the card in the socket, if there is one.
pub fn open<L: Link, T: Timer>(link: L, timer: T) -> Option<SdCard<L, T>> {
    let mut card = SdCard::new(link, timer, Options::OWN_BUS);
    complete(card.open()).ok().map(|()| card)
}
