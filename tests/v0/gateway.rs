//! A gateway in front: what it lets through and what it does not. The whole replay goes through one as well.
