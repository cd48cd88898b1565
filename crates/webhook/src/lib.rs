#![doc = include_str!("../README.md")]

pub mod event;
pub mod message;
pub mod signature;
pub mod time;
