//! Hands the linker this machine's layout.

fn main() {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
    println!("cargo:rustc-link-arg-bins=-T{here}/memory.x");
    println!("cargo:rerun-if-changed=memory.x");
}
