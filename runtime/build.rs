//! The example that stands for minidock in tests and measurements is linked as minidock is: at a
//! fixed address. Every shim would else keep some 500 KiB of relocated pointers for itself.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-arg-examples=-no-pie");
}
