//! minidock is linked at a fixed address: every container's shim would else keep some 500 KiB of
//! relocated pointers for itself.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-arg-bins=-no-pie");
}
