//! Hands the linker the image's layout.

fn main() {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
    println!("cargo:rustc-link-arg-bins=-T{here}/minimal.x");
    println!("cargo:rerun-if-changed=minimal.x");
}
