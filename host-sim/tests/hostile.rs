//! Inputs of the fuzz target `image` that were findings once, each with its story.

use host_sim::hostile::image;

/// A file has the object of a directory: whoever has looked at the file takes the directory for
/// one. Nothing on the device tells which is right, and the second reader saw nothing wrong; the
/// specification says now that no two entries have the same object.
#[test]
fn a_file_with_the_object_of_a_directory_is_no_right_image() {
    image(&FILE_AND_DIRECTORY);
}

/// Two entries are forged: one of a high session and a low sequence, and one of a high sequence.
/// Neither counts. The second reader went on with an older one, which is lower than the second by
/// more than one: it had looked at the first one's sequence only.
#[test]
fn an_entry_behind_two_that_do_not_count_is_tried_by_neither_reader() {
    image(&TWO_FORGED_ENTRIES);
}

/// The only whole superblock has features that nobody knows and that allow reading only. The target
/// had wanted the volume to be changed all the same.
#[test]
fn a_right_image_with_unknown_features_may_only_be_read() {
    image(&READ_ONLY_FEATURES);
}

/// A content without a name has an intent to trim it, where one to destroy it was. The second
/// reader took any intent for an owner; `check` calls such a content nobody's.
#[test]
fn an_intent_to_trim_owns_no_content() {
    image(&TRIMMED_AND_NAMELESS);
}

/// The key of an intent to destroy a content has the bit of those about attributes. It was carried
/// out and never deleted, and where space was short the next change did that for ever.
#[test]
fn an_intent_under_a_wrong_key_is_not_carried_out_for_ever() {
    image(&INTENT_UNDER_A_WRONG_KEY);
}

#[rustfmt::skip]
const FILE_AND_DIRECTORY: [u8; 105] = [
    129, 0, 10, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 178,
    169, 169, 41, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169,
    169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169,
    169, 169, 169, 169, 169, 53, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169,
    169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 169, 76, 0, 0, 0, 0, 0, 0, 0, 169, 169, 169,
    169, 169, 169, 169, 169, 169, 10,
];

#[rustfmt::skip]
const TWO_FORGED_ENTRIES: [u8; 187] = [
    44, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 44, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 4, 174, 255, 49, 255, 168, 35, 81, 78, 81, 47, 213, 81, 81, 81, 245, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 42, 0, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 0, 0,
    0, 163, 0, 101, 0, 0, 0, 0, 0, 0, 0, 0, 59, 0, 0, 0, 0, 47, 116, 111, 112, 0, 0, 0, 0, 0, 0,
    111, 111, 255, 249, 0, 10, 50, 57,
];

#[rustfmt::skip]
const READ_ONLY_FEATURES: [u8; 147] = [
    97, 255, 107, 81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 170, 170, 170, 170, 170, 102, 49, 56, 78, 47, 11,
];

#[rustfmt::skip]
const TRIMMED_AND_NAMELESS: [u8; 126] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 191, 16, 1, 59, 32, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 1, 2, 0, 92, 0, 0, 2, 48, 46, 103,
    100, 47, 56,
];

#[rustfmt::skip]
const INTENT_UNDER_A_WRONG_KEY: [u8; 45] = [
    18, 0, 0, 0, 0, 0, 0, 0, 22, 255, 64, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 230, 255,
    255, 255, 0,
];
