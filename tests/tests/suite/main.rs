//! What metastore promises, held against real servers, one area a module.

mod fixture;

mod documents;
