//! layerstore
