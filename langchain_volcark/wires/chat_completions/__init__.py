"""The chat-completions wire format, as far as the services share it."""
