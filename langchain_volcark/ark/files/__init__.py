"""Files that are uploaded once and used by id in many messages."""
