//! The chip as a device, in both colours.

use fs_core::error::ErrorKind;
use fs_core::units::{ByteOffset, Geometry};

use super::Nor;
use super::state::Request;
use crate::exec::yield_once;
use fs_core::{asynchronous, blocking};

impl blocking::device::BlockDevice for Nor {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        self.spec().geometry()
    }

    fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), ErrorKind> {
        self.state().read(at.0, target)
    }

    fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), ErrorKind> {
        let mut state = self.state();
        let request = Request::program(&state.spec, at.0, source);
        state.request(&request)
    }

    fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        self.state().request(&Request::Erase { at: at.0, bytes })
    }

    fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        self.state().discard(at.0, bytes)
    }

    fn sync(&mut self) -> Result<(), ErrorKind> {
        self.state().request(&Request::Sync)
    }
}

/// Each operation is pending once before it takes effect and once after: a future can be dropped
/// at either place. Dropped at the first, [`crate::fault::Faults::dropped`] says what is left of
/// it; at the second it is done, and only the answer is lost.
impl asynchronous::device::BlockDevice for Nor {
    type Error = ErrorKind;

    fn geometry(&self) -> Geometry {
        self.spec().geometry()
    }

    async fn read(&mut self, at: ByteOffset, target: &mut [u8]) -> Result<(), ErrorKind> {
        yield_once().await;
        let result = self.state().read(at.0, target);
        yield_once().await;
        result
    }

    async fn program(&mut self, at: ByteOffset, source: &[u8]) -> Result<(), ErrorKind> {
        let request = Request::program(&self.spec(), at.0, source);
        Flight::run(self, request).await
    }

    async fn erase(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        Flight::run(self, Request::Erase { at: at.0, bytes }).await
    }

    async fn discard(&mut self, at: ByteOffset, bytes: u64) -> Result<(), ErrorKind> {
        yield_once().await;
        self.state().discard(at.0, bytes)
    }

    async fn sync(&mut self) -> Result<(), ErrorKind> {
        Flight::run(self, Request::Sync).await
    }
}

/// A request under way.
struct Flight<'n> {
    nor: &'n Nor,
    request: Request,
    stage: Stage,
}

enum Stage {
    Issued,
    Done,
    Answered,
}

impl Flight<'_> {
    async fn run(nor: &Nor, request: Request) -> Result<(), ErrorKind> {
        nor.state().check_request(&request)?;
        let mut flight = Flight { nor, request, stage: Stage::Issued };
        yield_once().await;
        flight.stage = Stage::Done;
        let result = nor.state().request(&flight.request);
        if result.is_ok() {
            yield_once().await;
        }
        flight.stage = Stage::Answered;
        result
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut state = self.nor.state();
        match self.stage {
            Stage::Issued => {
                let tear = state.dropped_tear();
                state.interrupt(&self.request, tear);
            }
            Stage::Done => state.unanswered(&self.request),
            Stage::Answered => {}
        }
    }
}
