//! A volume that panics has failed; the explorer goes on.

use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;

thread_local! {
    static QUIET: Cell<u32> = const { Cell::new(0) };
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

static HOOK: Once = Once::new();

/// While one exists, panics of this thread are kept for [`message`] instead of printed.
pub(super) struct Quiet;

impl Quiet {
    pub fn begin() -> Self {
        HOOK.call_once(|| {
            let usual = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                if QUIET.get() == 0 {
                    usual(info);
                } else {
                    MESSAGE.set(info.to_string());
                }
            }));
        });
        QUIET.set(QUIET.get() + 1);
        Self
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        QUIET.set(QUIET.get().saturating_sub(1));
    }
}

/// The last panic of this thread.
pub(super) fn message() -> String {
    MESSAGE.take()
}
