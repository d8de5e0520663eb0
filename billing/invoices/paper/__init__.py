"""The invoice on paper: from an issued row and its snapshot to what the template prints. Nothing else is read."""
