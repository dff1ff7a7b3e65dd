//! tarsplit
