//! What a call that failed leaves, where the explorer once found it wrong.

use fs_core::blocking::Volume;
use fs_core::error::ErrorKind;
use fs_core::{FormatOptions, Memory, MountOptions, OpenOptions};
use host_sim::chip::Nor;
use host_sim::fault::{Calls, Faults, IoError, TearMode};

/// Lets write `call` from now on fail, and all after it.
fn failing(call: u64) -> Faults {
    let (calls, kind, tear) = (Calls::Writes, ErrorKind::Transport, TearMode::Nothing);
    let error = IoError { calls, call, persistent: true, kind, tear };
    Faults { error: Some(error), ..Faults::none() }
}

/// A file is cut to 922 bytes, not committed, and then replaced whole by path. The suite of errors
/// found it with its old 12,288 bytes when the commit of the new content failed: the draft had been
/// given up before.
#[test]
fn a_replace_that_fails_leaves_what_was_not_committed() {
    let mut failed = 0;
    for call in 0.. {
        let nor = Nor::small(64);
        let (mut device, mut memory): (Nor, Memory) = (nor.clone(), Memory::new());
        Volume::format(&mut device, &mut memory, &FormatOptions::default()).expect("a volume");
        let mounted = Volume::mount(&mut device, &mut memory, MountOptions::default());
        let volume: Volume<'_, Nor> = mounted.expect("a volume");
        volume.replace("/y", &[1; 12_288]).expect("room");
        let file = volume.open("/y", OpenOptions::new().read().write()).expect("it is there");
        volume.set_len(file, 922).expect("cut");
        nor.set_faults(failing(call));
        let answer = volume.replace("/y", &[2; 9115]);
        nor.set_faults(Faults::none());
        let mut found = vec![0; 10_000];
        let length = volume.read_at(file, 0, &mut found).expect("readable");
        if answer.is_ok() {
            assert_eq!(found[..length], [2; 9115]);
            break;
        }
        failed += 1;
        assert_eq!(found[..length], [1; 922], "write {call} failed");
        volume.sync_file(file).expect("room");
        volume.check().expect("nothing is lost");
    }
    assert!(failed > 3, "{failed} writes");
}
