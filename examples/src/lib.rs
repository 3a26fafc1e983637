//! Placeholder for the workspace to load.
