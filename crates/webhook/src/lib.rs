#![doc = include_str!("../README.md")]

pub mod diagnosis;
pub mod event;
pub mod message;
pub mod signature;
pub mod time;
