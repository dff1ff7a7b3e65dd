//! Every driver does what every driver must.

use graphdriver::{Access, graphtest, open};

fn conforms(name: &str) {
    graphtest::conformance(|root| open(name, root, Access::ReadWrite).expect("the driver opens"));
}

#[test]
fn overlay2_conforms() {
    conforms("overlay2");
}

#[test]
fn vfs_conforms() {
    conforms("vfs");
}
