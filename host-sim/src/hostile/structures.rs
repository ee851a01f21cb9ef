//! Single structures from any bytes: what decodes can be encoded again.

use fs_core::format::change::{ChangeWriter, Changes};
use fs_core::format::dirent::DirentView;
use fs_core::format::page::{self as pages, DataPage, IndexPage};
use fs_core::format::record::{self as records, Header, RecordPlace};
use fs_core::format::{anchor, checksum::VolumeSeed, directory::Directory, group::Group};
use fs_core::format::{inode::Inode, intent::Intent, superblock::Superblock};
use fs_core::pending::{RunTable, State};
use fs_core::units::{BlockCount, BlockNo, Sequence, Session};

/// The bytes as the changes of a record, as a record, as an entry, as a superblock.
///
/// # Panics
/// If what was decoded is not what is encoded again.
pub fn record(data: &[u8]) {
    let mut arena = [0; 2048];
    let mut runs = RunTable::new();
    let mut state = State::new(&mut arena, 2048, &mut runs);
    state.bound_blocks(BlockCount(64));
    let mut again = vec![0; data.len()];
    let mut writer = ChangeWriter::new(&mut again);
    let mut whole = true;
    for change in Changes::new(data) {
        let Ok(change) = change else {
            whole = false;
            break;
        };
        assert!(writer.push(&change).is_ok(), "cannot write what was read: {change:?}");
        let _ = state.apply(&change, 3);
    }
    let length = writer.len();
    assert!(!whole || again == data, "other changes than were read");
    assert_eq!(again[..length], data[..length]);
    let place = RecordPlace {
        volume: VolumeSeed::of(&[7; 16]),
        session: Session(1),
        sequence: Sequence(9),
        previous: 3,
    };
    if let Ok(header) = records::verify(data, &place) {
        let _ = records::changes(data, &header);
    }
    let _ = data.first_chunk().map(Header::decode);
    if let Some(bytes) = data.first_chunk() {
        let _ = anchor::Entry::decode(bytes, place.volume, BlockNo(0), 0);
    }
    if let Some(Ok(superblock)) = data.first_chunk().map(Superblock::decode) {
        assert_eq!(superblock.encode().as_ref().ok(), data.first_chunk());
    }
}

/// The bytes as a page of a node, and as the values of items.
///
/// # Panics
/// If what was decoded breaks a rule, or is not what is encoded again.
pub fn page(data: &[u8]) {
    let mut bytes = [0; pages::SIZE];
    for (target, byte) in bytes.iter_mut().zip(data) {
        *target = *byte;
    }
    if let Ok(page) = DataPage::parse(&bytes) {
        let keys: Vec<_> = page.items().map(|item| item.key).collect();
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "keys out of order");
        for item in page.items() {
            let _ = item.pointer();
        }
    }
    if let Ok(index) = IndexPage::parse(&bytes) {
        let keys: Vec<_> = (0..index.count()).filter_map(|page| index.first_key(page)).collect();
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "keys out of order");
        for key in keys {
            assert!(index.page_of(&key) < index.count());
        }
    }
    values(data);
}

fn values(data: &[u8]) {
    if let Ok(entry) = DirentView::decode(data) {
        let mut again = [0; 512];
        let length = entry.encode(&mut again).expect("what was read can be written");
        assert_eq!(&again[..length], data);
    }
    if let Some(Ok(inode)) = data.first_chunk().map(Inode::decode) {
        assert_eq!(inode.encode().as_ref().ok(), data.first_chunk());
    }
    if let Ok(directory) = Directory::from_value(data) {
        assert_eq!(directory.encode().as_ref().ok(), data.first_chunk());
    }
    if let Ok(group) = Group::from_value(data) {
        assert_eq!(Some(&group.encode()), data.first_chunk());
    }
    if let Ok(intent) = Intent::from_value(data) {
        assert_eq!(intent.encode().as_ref().ok(), data.first_chunk());
    }
}
