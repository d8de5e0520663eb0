"""Credit notes by hand: what they come to, before they are issued and when `verify` looks at them again."""
