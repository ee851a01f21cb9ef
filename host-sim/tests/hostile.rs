//! Inputs of the fuzz target `image` that were findings once, each with its story.

use host_sim::hostile::image;

/// A file has the object of a directory: whoever has looked at the file takes the directory for
/// one. Nothing on the device tells which is right, and the second reader saw nothing wrong; the
/// specification says now that no two entries have the same object.
#[test]
fn a_file_with_the_object_of_a_directory_is_no_right_image() {
    image(&FILE_AND_DIRECTORY);
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
