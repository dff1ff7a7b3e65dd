//! Layers and containers' layers: which there are, what rests on what, who needs them.

#![forbid(unsafe_code)]

pub mod ids;
pub mod layerdb;

pub use ids::{BadName, CacheId, InitId, MountId};
