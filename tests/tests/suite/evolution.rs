//! Documents that outlive the shape of their struct.

mod lock;
