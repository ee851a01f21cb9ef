//! Two files on a volume that are replaced, in turn and in rounds, and what may be there when that
//! was interrupted.

use fs_core::blocking::Volume;
use fs_core::blocking::device::BlockDevice;
use fs_core::{Error, Memory, MountOptions, Result};

/// How often the small file is replaced, and how large the other one is.
#[derive(Debug, Clone, Copy)]
pub struct Files {
    pub rounds: usize,
    pub large_bytes: usize,
}

/// How often each file was replaced: for certain, and perhaps.
#[derive(Debug, Default, Clone, Copy)]
pub struct Progress {
    small: (usize, usize),
    large: (usize, usize),
}

fn small(round: usize) -> Vec<u8> {
    format!("round {round}").into_bytes().repeat(3 + round)
}

impl Files {
    fn large(self, round: usize) -> Vec<u8> {
        (0..self.large_bytes)
            .map(|at| u8::try_from((at * 7 + round) % 251).expect("small"))
            .collect()
    }

    /// Replaces them in rounds, and parks the volume.
    pub fn live<D: BlockDevice>(
        self,
        volume: &Volume<'_, D>,
        progress: &mut Progress,
    ) -> Result<()> {
        for round in 1..=self.rounds {
            progress.small.1 = round;
            volume.replace("/small", &small(round))?;
            progress.small.0 = round;
            if round % 2 == 0 {
                progress.large.1 = round;
                volume.replace("/large", &self.large(round))?;
                progress.large.0 = round;
            }
        }
        volume.park()
    }

    /// The round that a file is of; none if there is no file.
    fn round_of<D: BlockDevice>(
        self,
        volume: &Volume<'_, D>,
        path: &str,
        content: impl Fn(usize) -> Vec<u8>,
    ) -> usize {
        let mut found = vec![0; self.large_bytes + 1];
        match volume.read_file(path, &mut found) {
            Err(Error::NotFound) => 0,
            Ok(bytes) => (1..=self.rounds)
                .find(|round| found[..bytes] == content(*round))
                .unwrap_or_else(|| panic!("{path}: {bytes} bytes of no round")),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    fn hold<D: BlockDevice>(self, volume: &Volume<'_, D>, progress: Progress) {
        volume.check().expect("a clean volume");
        let found = self.round_of(volume, "/small", small);
        assert!(found == progress.small.0 || found == progress.small.1, "{found}: {progress:?}");
        let found = self.round_of(volume, "/large", |round| self.large(round));
        assert!(found == progress.large.0 || found == progress.large.1, "{found}: {progress:?}");
    }

    /// What must be there is, and the volume can be used, twice.
    pub fn go_on<D: BlockDevice>(
        self,
        device: &mut D,
        memory: &mut Memory,
        mut progress: Progress,
    ) {
        for _ in 0..2 {
            let mounted = Volume::mount(device, memory, MountOptions::default());
            let volume = mounted.expect("a mount");
            self.hold(&volume, progress);
            progress.small = (self.rounds, self.rounds);
            volume.replace("/small", &small(self.rounds)).expect("it goes on");
            self.hold(&volume, progress);
        }
    }
}
